/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sei.h"
#include "message.h"

#include <libavutil/hdr_dynamic_metadata.h>

#include <string.h>

/* Of HEVC: a supplemental enhancement information unit that goes before the slices. */
#define NAL_PREFIX_SEI 39
#define NAL_FIRST_NO_SLICE 32
#define SEI_USER_DATA_T35 4
#define MAX_CAPTIONS 31

static const guint8 captions_head[] = {0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 0x03};
static const guint8 hdr10plus_head[] = {0xb5, 0x00, 0x3c, 0x00, 0x01, 0x04};

/* ---- bits ------------------------------------------------------------------------------------ */

typedef struct {
  GByteArray *bytes;
  guint64 held;
  guint n_held;
} Bits;

static void
put (Bits *bits, guint n, guint64 value)
{
  bits->held = bits->held << n | (value & ((G_GUINT64_CONSTANT (1) << n) - 1));
  bits->n_held += n;
  while (bits->n_held >= 8) {
    guint8 byte = (guint8) (bits->held >> (bits->n_held - 8));

    g_byte_array_append (bits->bytes, &byte, 1);
    bits->n_held -= 8;
  }
}

/* In units of 1/`units`, as much as `n` bits hold. */
static void
put_q (Bits *bits, guint n, AVRational value, int units)
{
  gint64 number = value.den == 0 ? 0 : av_rescale (value.num, units, value.den);

  put (bits, n, (guint64) CLAMP (number, 0, (G_GINT64_CONSTANT (1) << n) - 1));
}

/* ---- what is written ------------------------------------------------------------------------- */

static GByteArray *
write_captions (const AVFrameSideData *data)
{
  GByteArray *bytes = g_byte_array_new ();
  guint n = (guint) MIN (data->size / 3, MAX_CAPTIONS);
  const guint8 count[] = {(guint8) (0x40 | n), 0xff}, marker = 0xff;

  g_byte_array_append (bytes, captions_head, sizeof captions_head);
  g_byte_array_append (bytes, count, sizeof count);
  g_byte_array_append (bytes, data->data, n * 3);
  g_byte_array_append (bytes, &marker, 1);
  return bytes;
}

static AVRational
times (AVRational value, double scale)
{
  return value.den == 0 ? value : av_d2q (av_q2d (value) * scale, 65535);
}

static void
write_window (Bits *bits, const AVHDRPlusColorTransformParams *window, double x, double y)
{
  double mean = (x + y) / 2;

  put_q (bits, 16, times (window->window_upper_left_corner_x, x), 1);
  put_q (bits, 16, times (window->window_upper_left_corner_y, y), 1);
  put_q (bits, 16, times (window->window_lower_right_corner_x, x), 1);
  put_q (bits, 16, times (window->window_lower_right_corner_y, y), 1);
  put (bits, 16, (guint64) (window->center_of_ellipse_x * x));
  put (bits, 16, (guint64) (window->center_of_ellipse_y * y));
  put (bits, 8, window->rotation_angle);
  put (bits, 16, (guint64) (window->semimajor_axis_internal_ellipse * mean));
  put (bits, 16, (guint64) (window->semimajor_axis_external_ellipse * mean));
  put (bits, 16, (guint64) (window->semiminor_axis_external_ellipse * mean));
  put (bits, 1, window->overlap_process_option);
}

static void
write_light (Bits *bits, const AVHDRPlusColorTransformParams *window)
{
  guint n = MIN (window->num_distribution_maxrgb_percentiles, 15);

  for (int c = 0; c < 3; c++)
    put_q (bits, 17, window->maxscl[c], 100000);
  put_q (bits, 17, window->average_maxrgb, 100000);
  put (bits, 4, n);
  for (guint i = 0; i < n; i++) {
    put (bits, 7, window->distribution_maxrgb[i].percentage);
    put_q (bits, 17, window->distribution_maxrgb[i].percentile, 100000);
  }
  put_q (bits, 10, window->fraction_bright_pixels, 1000);
}

static void
write_curve (Bits *bits, const AVHDRPlusColorTransformParams *window)
{
  guint n = MIN (window->num_bezier_curve_anchors, 15);

  put (bits, 1, window->tone_mapping_flag);
  if (window->tone_mapping_flag) {
    put_q (bits, 12, window->knee_point_x, 4095);
    put_q (bits, 12, window->knee_point_y, 4095);
    put (bits, 4, n);
    for (guint i = 0; i < n; i++)
      put_q (bits, 10, window->bezier_curve_anchors[i], 1023);
  }
  put (bits, 1, window->color_saturation_mapping_flag);
  if (window->color_saturation_mapping_flag)
    put_q (bits, 6, window->color_saturation_weight, 8);
}

static void
write_peaks (Bits *bits, guint rows, guint columns, const AVRational peaks[25][25])
{
  put (bits, 5, rows);
  put (bits, 5, columns);
  for (guint i = 0; i < rows; i++)
    for (guint j = 0; j < columns; j++)
      put_q (bits, 4, peaks[i][j], 15);
}

/* The syntax of SMPTE ST 2094-40. */
static GByteArray *
write_hdr10plus (const AVDynamicHDRPlus *hdr, double x, double y)
{
  Bits bits = {.bytes = g_byte_array_new ()};
  guint n = CLAMP (hdr->num_windows, 1, 3);

  g_byte_array_append (bits.bytes, hdr10plus_head, sizeof hdr10plus_head);
  put (&bits, 8, hdr->application_version);
  put (&bits, 2, n);
  for (guint w = 1; w < n; w++)
    write_window (&bits, &hdr->params[w], x, y);
  put_q (&bits, 27, hdr->targeted_system_display_maximum_luminance, 1);
  put (&bits, 1, hdr->targeted_system_display_actual_peak_luminance_flag);
  if (hdr->targeted_system_display_actual_peak_luminance_flag)
    write_peaks (&bits, MIN (hdr->num_rows_targeted_system_display_actual_peak_luminance, 25),
                 MIN (hdr->num_cols_targeted_system_display_actual_peak_luminance, 25),
                 hdr->targeted_system_display_actual_peak_luminance);
  for (guint w = 0; w < n; w++)
    write_light (&bits, &hdr->params[w]);
  put (&bits, 1, hdr->mastering_display_actual_peak_luminance_flag);
  if (hdr->mastering_display_actual_peak_luminance_flag)
    write_peaks (&bits, MIN (hdr->num_rows_mastering_display_actual_peak_luminance, 25),
                 MIN (hdr->num_cols_mastering_display_actual_peak_luminance, 25),
                 hdr->mastering_display_actual_peak_luminance);
  for (guint w = 0; w < n; w++)
    write_curve (&bits, &hdr->params[w]);
  if (bits.n_held > 0)
    put (&bits, 8 - bits.n_held, 0);
  return bits.bytes;
}

/* ---- where it is written --------------------------------------------------------------------- */

/* Appends a unit that holds `payload`; three bytes that would look like a start get a 3 between. */
static void
append_unit (GByteArray *to, const GByteArray *payload)
{
  static const guint8 start[] = {0, 0, 0, 1, NAL_PREFIX_SEI << 1, 1};
  GByteArray *raw = g_byte_array_new ();
  guint size = payload->len, zeros = 0;
  guint8 byte = SEI_USER_DATA_T35;
  const guint8 escape = 3;

  g_byte_array_append (raw, &byte, 1);
  for (byte = 0xff; size >= 0xff; size -= 0xff)
    g_byte_array_append (raw, &byte, 1);
  byte = (guint8) size;
  g_byte_array_append (raw, &byte, 1);
  g_byte_array_append (raw, payload->data, payload->len);
  byte = 0x80;
  g_byte_array_append (raw, &byte, 1);

  g_byte_array_append (to, start, sizeof start);
  for (guint i = 0; i < raw->len; i++) {
    if (zeros >= 2 && raw->data[i] <= 3) {
      g_byte_array_append (to, &escape, 1);
      zeros = 0;
    }
    g_byte_array_append (to, &raw->data[i], 1);
    zeros = raw->data[i] == 0 ? zeros + 1 : 0;
  }
  g_byte_array_unref (raw);
}

/* Where the start code of the first slice begins. */
static gsize
find_slice (const AVPacket *packet)
{
  for (gsize i = 0; i + 4 <= (gsize) packet->size; i++) {
    const guint8 *p = packet->data + i;

    if (p[0] == 0 && p[1] == 0 && p[2] == 1 && ((p[3] >> 1) & 0x3f) < NAL_FIRST_NO_SLICE)
      return i > 0 && p[-1] == 0 ? i - 1 : i;
  }
  return (gsize) packet->size;
}

static gboolean
has_already (const AVPacket *packet, gsize end, const guint8 *head, gsize size)
{
  for (gsize i = 0; i + size <= end; i++)
    if (memcmp (packet->data + i, head, size) == 0)
      return TRUE;
  return FALSE;
}

gboolean
tc_sei_add (AVPacket *packet, const AVFrame *properties, double scale_x, double scale_y,
            GError **error)
{
  const AVFrameSideData *captions = av_frame_get_side_data (properties, AV_FRAME_DATA_A53_CC);
  const AVFrameSideData *hdr = av_frame_get_side_data (properties, AV_FRAME_DATA_DYNAMIC_HDR_PLUS);
  GByteArray *units = g_byte_array_new (), *payload;
  gsize slice = find_slice (packet), rest = (gsize) packet->size - slice;
  guint added;
  int result = 0;

  if (captions != NULL && !has_already (packet, slice, captions_head, sizeof captions_head)) {
    payload = write_captions (captions);
    append_unit (units, payload);
    g_byte_array_unref (payload);
  }
  if (hdr != NULL && !has_already (packet, slice, hdr10plus_head, sizeof hdr10plus_head)) {
    payload = write_hdr10plus ((const void *) hdr->data, scale_x, scale_y);
    append_unit (units, payload);
    g_byte_array_unref (payload);
  }
  added = units->len;
  if (added > 0)
    result = av_grow_packet (packet, (int) added);
  if (added > 0 && result >= 0) {
    memmove (packet->data + slice + added, packet->data + slice, rest);
    memcpy (packet->data + slice, units->data, added);
  }
  g_byte_array_unref (units);
  return result >= 0 || tc_fail_av (error, result, "a packet cannot be made larger");
}
