/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnunpack.h"

#include <string.h>

#include "gstrfdnconvert.h"

/* GStreamer works on groups of up to 48 pixels (v210 in pairs, tiles). */
#define GROUP 64

/* Alpha is the first of the four components of a pixel, the others follow. */
#define N_SLOTS 4

static guint
get_slot (guint component)
{
  return (component + 1) % N_SLOTS;
}

static gboolean
is_deep (const GstVideoFormatInfo *packed)
{
  const GstVideoFormat unpacked = packed->unpack_format;

  return GST_VIDEO_FORMAT_INFO_DEPTH (gst_video_format_get_info (unpacked), 0) == 16;
}

gboolean
gst_rfdn_unpack_get_info (GstVideoInfo *info, const GstVideoInfo *packed, GError **error)
{
  GstVideoInfo wide = *packed;

  wide.width = (wide.width + GROUP - 1) / GROUP * GROUP + GROUP;
  return gst_rfdn_convert_get_info (info, packed->finfo->unpack_format, &wide, error);
}

/* ---- widths that frames are too small for -------------------------------------------------- */

/* Guard bytes behind a frame. */
#define WATCHED 4096

/* Packs a row, checks whether anything behind the frame differs from `fill`, and unpacks another
 * row to `pixels`. */
static gboolean
try_row (const GstVideoInfo *row, guint8 *memory, int fill, guint8 *pixels)
{
  const GstVideoFormatInfo *format = row->finfo;
  gpointer data[GST_VIDEO_MAX_PLANES] = {NULL};

  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (row); p++)
    data[p] = memory + GST_VIDEO_INFO_PLANE_OFFSET (row, p);
  memset (memory + GST_VIDEO_INFO_SIZE (row), fill, WATCHED);
  format->pack_func (format, GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE, pixels, 0, data, row->stride,
                     row->chroma_site, 0, GST_VIDEO_INFO_WIDTH (row));
  for (gsize i = 0; i < WATCHED; i++) {
    if (memory[GST_VIDEO_INFO_SIZE (row) + i] != fill)
      return FALSE;
  }
  memset (memory, 0x55, GST_VIDEO_INFO_SIZE (row));
  format->unpack_func (format, GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE, pixels, data, row->stride, 0, 0,
                       GST_VIDEO_INFO_WIDTH (row));
  return TRUE;
}

gboolean
gst_rfdn_unpack_check (const GstVideoInfo *packed, GError **error)
{
  const GstVideoFormat format = GST_VIDEO_INFO_FORMAT (packed);
  const gsize pixel = N_SLOTS * (is_deep (packed->finfo) ? 2 : 1);
  const gsize width = (gsize) GST_VIDEO_INFO_WIDTH (packed);
  g_autofree guint8 *memory = NULL;
  g_autofree guint8 *zeros = g_try_malloc0_n (width + 2 * GROUP, pixel);
  g_autofree guint8 *ones = g_try_malloc0_n (width + 2 * GROUP, pixel);
  GstVideoInfo row;

  if (gst_video_info_set_format (&row, format, (guint) width, 1))
    memory = g_try_malloc0 (GST_VIDEO_INFO_SIZE (&row) + WATCHED);
  if (memory == NULL || zeros == NULL || ones == NULL) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY, "no memory for a row of %d pixels",
                 GST_VIDEO_INFO_WIDTH (packed));
    return FALSE;
  }
  /* Unpacking must not read what lies behind the frame either. */
  if (!try_row (&row, memory, 0, zeros) || !try_row (&row, memory, 0xff, ones) ||
      memcmp (zeros, ones, width * pixel) != 0) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS,
                 "frames of %s that are %d pixels wide do not hold all their samples in GStreamer; "
                 "an even width does",
                 gst_video_format_to_string (format), GST_VIDEO_INFO_WIDTH (packed));
    return FALSE;
  }
  return TRUE;
}

/* ---- unpacking ------------------------------------------------------------------------------- */

/* Luma, or the widest of R, G and B, decides; in RGB16 green has most bits. */
RfdnSampleFormat
gst_rfdn_unpack_get_sample_format (const GstVideoFormatInfo *packed)
{
  const guint depth = GST_VIDEO_FORMAT_INFO_DEPTH (packed, 0);

  if (!is_deep (packed))
    return (RfdnSampleFormat){.samples = RFDN_SAMPLES_U8, .depth = 8};
  return (RfdnSampleFormat){.samples = RFDN_SAMPLES_U16, .depth = depth, .shift = 16 - depth};
}

GstRfdnPlace
gst_rfdn_unpack_get_place (const GstVideoFormatInfo *packed, guint component)
{
  const gsize sample = is_deep (packed) ? 2 : 1;

  return (GstRfdnPlace){
      .plane = 0,
      .offset = get_slot (component) * sample,
      .pixel_stride = N_SLOTS * sample << GST_VIDEO_FORMAT_INFO_W_SUB (packed, component),
      .n_rows = 1 << GST_VIDEO_FORMAT_INFO_H_SUB (packed, component),
  };
}

static guint8 *
get_row (GstVideoFrame *unpacked, gint y)
{
  return (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (unpacked, 0) +
         (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (unpacked, 0);
}

void
gst_rfdn_unpack_run (GstVideoFrame *packed, GstVideoFrame *unpacked)
{
  const GstVideoFormatInfo *format = packed->info.finfo;

  /* With truncation the bits below a narrow sample are zero rather than a copy of its upper
   * ones. */
  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (packed); y++)
    format->unpack_func (format, GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE, get_row (unpacked, y),
                         packed->data, packed->info.stride, 0, y, GST_VIDEO_FRAME_WIDTH (packed));
}

/* Packing cuts lower bits off. */
static void
round_row (guint8 *row, gboolean deep, guint component, guint depth, gint width)
{
  const guint shift = (deep ? 16 : 8) - depth, most = (1u << depth) - 1;

  for (gint x = 0; x < width; x++) {
    guint16 *word = (guint16 *) (gpointer) row + (gsize) N_SLOTS * (gsize) x + get_slot (component);
    guint8 *byte = row + (gsize) N_SLOTS * (gsize) x + get_slot (component);
    const guint value = ((deep ? *word : *byte) + (1u << shift >> 1)) >> shift;

    if (deep)
      *word = (guint16) (MIN (value, most) << shift);
    else
      *byte = (guint8) (MIN (value, most) << shift);
  }
}

void
gst_rfdn_unpack_run_back (GstVideoFrame *unpacked, GstVideoFrame *packed)
{
  const GstVideoFormatInfo *format = packed->info.finfo;
  const guint depth = gst_rfdn_unpack_get_sample_format (format).depth;

  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (packed); y++) {
    guint8 *row = get_row (unpacked, y);

    for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); c++) {
      const guint narrow = GST_VIDEO_FORMAT_INFO_DEPTH (format, c);

      if (narrow < depth)
        round_row (row, is_deep (format), c, narrow, GST_VIDEO_FRAME_WIDTH (packed));
    }
    format->pack_func (format, GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE, row,
                       GST_VIDEO_FRAME_PLANE_STRIDE (unpacked, 0), packed->data,
                       packed->info.stride, packed->info.chroma_site, y,
                       GST_VIDEO_FRAME_WIDTH (packed));
  }
}
