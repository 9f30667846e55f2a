/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pictures: made, loaded, filled, converted and compared. */

#include "util.h"

#include <math.h>

/* ---- samples --------------------------------------------------------------------------------- */

/* Samples are read and written by GStreamer's own unpacking and packing, a row at a time, so that
 * the plugin's knowledge of formats is not tested against itself. Rows of the formats below are
 * used directly, because they are most of the work. */
static gboolean
is_plain (const Picture *self)
{
  switch (GST_VIDEO_INFO_FORMAT (&self->info)) {
  case GST_VIDEO_FORMAT_I420:
  case GST_VIDEO_FORMAT_NV12:
  case GST_VIDEO_FORMAT_Y444:
  case GST_VIDEO_FORMAT_GRAY8:
  case GST_VIDEO_FORMAT_RGB:
  case GST_VIDEO_FORMAT_RGBA:
  case GST_VIDEO_FORMAT_GBR:
    return TRUE;
  default:
    return FALSE;
  }
}

static guint8 *
plain_sample_at (const Picture *self, guint c, guint x, guint y)
{
  return (guint8 *) GST_VIDEO_FRAME_COMP_DATA (&self->frame, c) +
         (gssize) y * GST_VIDEO_FRAME_COMP_STRIDE (&self->frame, c) +
         (gssize) x * GST_VIDEO_FRAME_COMP_PSTRIDE (&self->frame, c);
}

/* Bits of an unpacked sample. */
static guint
unpacked_bits (const Picture *self)
{
  return GST_VIDEO_FORMAT_INFO_DEPTH (gst_video_format_get_info (self->info.finfo->unpack_format),
                                      0);
}

static guint16 *
unpack_row (const Picture *self, guint y)
{
  const GstVideoFormatInfo *format = self->info.finfo;
  guint16 *row = g_new0 (guint16, 4 * ((gsize) self->info.width + 128));

  format->unpack_func (format, GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE, row,
                       (gpointer *) self->frame.data, self->frame.info.stride, 0, (gint) y,
                       self->info.width);
  return row;
}

/* The place of a component's sample in an unpacked row, where alpha is the first. */
static gsize
slot_of (const Picture *self, guint c, guint x)
{
  return 4 * ((gsize) x << GST_VIDEO_FORMAT_INFO_W_SUB (self->info.finfo, c)) + (c + 1) % 4;
}

static guint
shift_of (const Picture *self, guint c)
{
  return unpacked_bits (self) - GST_VIDEO_INFO_COMP_DEPTH (&self->info, c);
}

Picture *
picture_new_from_buffer (GstBuffer *buffer, const GstVideoInfo *info)
{
  Picture *self = g_new0 (Picture, 1);
  const GstMapFlags flags = gst_buffer_is_writable (buffer) ? GST_MAP_READWRITE : GST_MAP_READ;

  self->info = *info;
  self->buffer = buffer;
  g_assert_true (gst_video_frame_map (&self->frame, &self->info, buffer,
                                      flags | GST_VIDEO_FRAME_MAP_FLAG_NO_REF));
  return self;
}

static Picture *
new_of_info (const GstVideoInfo *info)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);

  gst_buffer_memset (buffer, 0, 0, GST_VIDEO_INFO_SIZE (info));
  return picture_new_from_buffer (buffer, info);
}

static GstVideoInfo
info_of (const char *caps_string)
{
  g_autofree char *whole = g_strconcat ("video/x-raw,", caps_string, NULL);
  g_autoptr (GstCaps) caps = gst_caps_from_string (whole);
  GstVideoInfo info;

  g_assert_nonnull (caps);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  return info;
}

Picture *
picture_new (const char *caps)
{
  const GstVideoInfo info = info_of (caps);

  return new_of_info (&info);
}

Picture *
picture_new_printf (const char *format, ...)
{
  g_autofree char *caps = NULL;
  va_list args;

  va_start (args, format);
  caps = g_strdup_vprintf (format, args);
  va_end (args);
  return picture_new (caps);
}

typedef struct {
  guint left;
  Picture *picture;
} Wanted;

static void
take_frame (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer user_data)
{
  Wanted *wanted = user_data;
  g_autoptr (GstCaps) caps = NULL;
  GstVideoInfo info;

  if (wanted->picture != NULL || wanted->left-- > 0)
    return;
  caps = gst_pad_get_current_caps (pad);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  wanted->picture = picture_new_from_buffer (gst_buffer_copy_deep (buffer), &info);
  gst_element_post_message (
      sink, gst_message_new_application (GST_OBJECT (sink), gst_structure_new_empty ("enough")));
}

/* The frame of that index which comes to the sink of a pipeline. */
static Picture *
take_from (const char *description, guint index)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, NULL);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  Wanted wanted = {index, NULL};

  g_signal_connect (sink, "handoff", G_CALLBACK (take_frame), &wanted);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 120 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_APPLICATION);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return wanted.picture;
}

Picture *
picture_load (const char *path, const char *format)
{
  g_autofree char *description = g_strdup_printf (
      "filesrc location=\"%s\" ! pngdec ! videoconvert dither=none ! video/x-raw,format=%s ! "
      "fakesink name=sink signal-handoffs=true",
      path, format);

  return take_from (description, 0);
}

Picture *
picture_load_frame (const char *path, const char *format, guint index)
{
  g_autofree char *description = g_strdup_printf (
      "filesrc location=\"%s\" ! decodebin ! videoconvert dither=none ! video/x-raw,format=%s ! "
      "fakesink name=sink signal-handoffs=true",
      path, format);

  return take_from (description, index);
}

void
picture_free (Picture *self)
{
  if (self == NULL)
    return;
  gst_video_frame_unmap (&self->frame);
  gst_buffer_unref (self->buffer);
  g_free (self->row);
  g_free (self);
}

guint
picture_get (const Picture *self, guint c, guint x, guint y)
{
  const guint line = y << GST_VIDEO_FORMAT_INFO_H_SUB (self->info.finfo, c);
  const gsize slot = slot_of (self, c, x);
  Picture *cache = (Picture *) self;

  g_assert_cmpuint (x, <, picture_width (self, c));
  g_assert_cmpuint (y, <, picture_height (self, c));
  if (is_plain (self))
    return *plain_sample_at (self, c, x, y);
  if (self->row == NULL || self->row_y != line) {
    g_free (self->row);
    cache->row = unpack_row (self, line);
    cache->row_y = line;
  }
  return (unpacked_bits (self) == 16 ? self->row[slot] : ((const guint8 *) self->row)[slot]) >>
         shift_of (self, c);
}

void
picture_set (Picture *self, guint c, guint x, guint y, guint value)
{
  const GstVideoFormatInfo *format = self->info.finfo;
  const guint line = y << GST_VIDEO_FORMAT_INFO_H_SUB (format, c);
  const gsize slot = slot_of (self, c, x);
  g_autofree guint16 *row = NULL;

  g_assert_cmpuint (x, <, picture_width (self, c));
  g_assert_cmpuint (y, <, picture_height (self, c));
  if (is_plain (self)) {
    *plain_sample_at (self, c, x, y) = (guint8) value;
    return;
  }
  g_clear_pointer (&self->row, g_free);
  row = unpack_row (self, line);
  if (unpacked_bits (self) == 16)
    row[slot] = (guint16) (value << shift_of (self, c));
  else
    ((guint8 *) row)[slot] = (guint8) (value << shift_of (self, c));
  format->pack_func (format, GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE, row, 8 * (self->info.width + 128),
                     self->frame.data, self->frame.info.stride, GST_VIDEO_CHROMA_SITE_UNKNOWN,
                     (gint) line, self->info.width);
}

guint
picture_width (const Picture *self, guint c)
{
  return (guint) GST_VIDEO_INFO_COMP_WIDTH (&self->info, c);
}

guint
picture_height (const Picture *self, guint c)
{
  return (guint) GST_VIDEO_INFO_COMP_HEIGHT (&self->info, c);
}

guint
picture_max (const Picture *self, guint c)
{
  return (1u << GST_VIDEO_INFO_COMP_DEPTH (&self->info, c)) - 1;
}

guint
picture_tolerance (const Picture *self, guint c)
{
  return 1u << (MAX (GST_VIDEO_INFO_COMP_DEPTH (&self->info, c), 8) - 8);
}

void
picture_fill (Picture *self, guint c, guint value)
{
  for (guint y = 0; y < picture_height (self, c); y++) {
    for (guint x = 0; x < picture_width (self, c); x++)
      picture_set (self, c, x, y, value);
  }
}

void
picture_fill_noise (Picture *self, guint32 seed)
{
  GRand *random = g_rand_new_with_seed (seed);

  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&self->info); c++) {
    for (guint y = 0; y < picture_height (self, c); y++) {
      for (guint x = 0; x < picture_width (self, c); x++)
        picture_set (self, c, x, y, g_rand_int (random) & picture_max (self, c));
    }
  }
  g_rand_free (random);
}

void
picture_fill_scene (Picture *self, guint32 seed)
{
  GRand *random = g_rand_new_with_seed (seed);

  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&self->info); c++) {
    const double w = picture_width (self, c), h = picture_height (self, c);

    for (guint y = 0; y < picture_height (self, c); y++) {
      for (guint x = 0; x < picture_width (self, c); x++) {
        double value = 0.3 + 0.3 * x / w + 0.1 * c + 0.1 * sin (y * 0.7);

        if (x + 2 * y > (w + h) / 2)
          value = 0.9 - 0.5 * y / h;
        value += g_rand_double_range (random, -0.05, 0.05);
        picture_set (self, c, x, y, (guint) (CLAMP (value, 0, 1) * picture_max (self, c)));
      }
    }
  }
  g_rand_free (random);
}

Picture *
picture_convert (const Picture *self, const char *format, ...)
{
  g_autofree char *caps = NULL;
  g_autofree char *sized = NULL;
  GstVideoConverter *converter;
  GstVideoInfo info;
  Picture *result;
  va_list args;

  va_start (args, format);
  caps = g_strdup_vprintf (format, args);
  va_end (args);
  sized = g_strdup_printf ("%s,width=%d,height=%d", caps, self->info.width, self->info.height);
  info = info_of (sized);
  info.fps_n = self->info.fps_n;
  info.fps_d = self->info.fps_d;
  result = new_of_info (&info);
  converter = gst_video_converter_new (
      &self->info, &info,
      gst_structure_new ("options", GST_VIDEO_CONVERTER_OPT_DITHER_METHOD,
                         GST_TYPE_VIDEO_DITHER_METHOD, GST_VIDEO_DITHER_NONE, NULL));
  g_assert_nonnull (converter);
  gst_video_converter_frame (converter, &self->frame, &result->frame);
  gst_video_converter_free (converter);
  return result;
}

/* ---- comparisons ---------------------------------------------------------------------------- */

guint
picture_max_difference (const Picture *a, const Picture *b, guint c, guint border)
{
  guint worst = 0;

  g_assert_cmpuint (picture_width (a, c), ==, picture_width (b, c));
  g_assert_cmpuint (picture_height (a, c), ==, picture_height (b, c));
  for (guint y = border; y + border < picture_height (a, c); y++) {
    for (guint x = border; x + border < picture_width (a, c); x++) {
      const gint d = (gint) picture_get (a, c, x, y) - (gint) picture_get (b, c, x, y);

      worst = MAX (worst, (guint) ABS (d));
    }
  }
  return worst;
}

gboolean
picture_is_equal (const Picture *a, const Picture *b)
{
  if (a->info.width != b->info.width || a->info.height != b->info.height ||
      GST_VIDEO_INFO_FORMAT (&a->info) != GST_VIDEO_INFO_FORMAT (&b->info))
    return FALSE;
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&a->info); c++) {
    if (picture_max_difference (a, b, c, 0) > 0)
      return FALSE;
  }
  return TRUE;
}

double
picture_psnr (const Picture *a, const Picture *b, guint c, guint border)
{
  double sum = 0, n = 0;

  for (guint y = border; y + border < picture_height (a, c); y++) {
    for (guint x = border; x + border < picture_width (a, c); x++) {
      const double d = (double) picture_get (a, c, x, y) - (double) picture_get (b, c, x, y);

      sum += d * d;
      n++;
    }
  }
  return sum > 0 ? 10 * log10 (pow (picture_max (a, c), 2) * n / sum) : INFINITY;
}

#define WINDOW 11

double
picture_ssim (const Picture *a, const Picture *b, guint c, guint border)
{
  const double max = picture_max (a, c), c1 = pow (0.01 * max, 2), c2 = pow (0.03 * max, 2);
  const guint w = picture_width (a, c), h = picture_height (a, c);
  double weights[WINDOW], total = 0, sum = 0;
  guint n = 0;

  for (gint i = 0; i < WINDOW; i++)
    total += weights[i] = exp (-pow (i - WINDOW / 2, 2) / (2 * 1.5 * 1.5));
  for (gint i = 0; i < WINDOW; i++)
    weights[i] /= total;

  for (guint y = border; y + WINDOW + border <= h; y++) {
    for (guint x = border; x + WINDOW + border <= w; x++) {
      double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;

      for (guint j = 0; j < WINDOW; j++) {
        for (guint i = 0; i < WINDOW; i++) {
          const double weight = weights[i] * weights[j];
          const double va = picture_get (a, c, x + i, y + j), vb = picture_get (b, c, x + i, y + j);

          ma += weight * va;
          mb += weight * vb;
          aa += weight * va * va;
          bb += weight * vb * vb;
          ab += weight * va * vb;
        }
      }
      sum += (2 * ma * mb + c1) * (2 * (ab - ma * mb) + c2) /
             ((ma * ma + mb * mb + c1) * (aa - ma * ma + bb - mb * mb + c2));
      n++;
    }
  }
  return sum / n;
}
