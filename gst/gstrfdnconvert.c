/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnconvert.h"

#include <string.h>

#include "rfdn.h"

gboolean
gst_rfdn_intermediate_alloc (GstRfdnIntermediate *self, const GstVideoInfo *info, GError **error)
{
  GstAllocationParams params = {.align = 63};
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), &params);

  if (buffer != NULL) {
    self->mapped = gst_video_frame_map (&self->frame, info, buffer, GST_MAP_READWRITE);
    gst_buffer_unref (buffer); /* the mapped frame has its own reference */
  }
  if (!self->mapped) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY,
                 "no memory for an intermediate frame of %dx%d", GST_VIDEO_INFO_WIDTH (info),
                 GST_VIDEO_INFO_HEIGHT (info));
    return FALSE;
  }
  return TRUE;
}

gboolean
gst_rfdn_intermediate_init (GstRfdnIntermediate *self, const GstVideoInfo *info, GError **error)
{
  if (!gst_rfdn_intermediate_alloc (self, info, error))
    return FALSE;
  /* Opaque, for frames that have no alpha. */
  memset (GST_VIDEO_FRAME_PLANE_DATA (&self->frame, 0), 0xff, GST_VIDEO_INFO_SIZE (info));
  return TRUE;
}

void
gst_rfdn_intermediate_clear (GstRfdnIntermediate *self)
{
  if (self->mapped)
    gst_video_frame_unmap (&self->frame);
  self->mapped = FALSE;
}

gboolean
gst_rfdn_convert_get_info (GstVideoInfo *info, GstVideoFormat format, const GstVideoInfo *like,
                           GError **error)
{
  if (!gst_video_info_set_format (info, format, (guint) GST_VIDEO_INFO_WIDTH (like),
                                  (guint) GST_VIDEO_INFO_HEIGHT (like))) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY, "frames of %dx%d are too large",
                 GST_VIDEO_INFO_WIDTH (like), GST_VIDEO_INFO_HEIGHT (like));
    return FALSE;
  }
  info->colorimetry = like->colorimetry;
  info->chroma_site = GST_VIDEO_CHROMA_SITE_UNKNOWN;
  info->fps_n = like->fps_n;
  info->fps_d = like->fps_d;
  return TRUE;
}

/* No dither: it would be noise to the network, and flat areas must stay flat. One thread:
 * GStreamer's converter waits forever for threads that the system refuses to start, and converting
 * is cheap compared with the network. */
static GstStructure *
new_options (void)
{
  return gst_structure_new (
      "rfdn-converter", GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD,
      GST_VIDEO_DITHER_NONE, GST_VIDEO_CONVERTER_OPT_CHROMA_MODE, GST_TYPE_VIDEO_CHROMA_MODE,
      GST_VIDEO_CHROMA_MODE_FULL, GST_VIDEO_CONVERTER_OPT_MATRIX_MODE, GST_TYPE_VIDEO_MATRIX_MODE,
      GST_VIDEO_MATRIX_MODE_FULL, GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD,
      GST_TYPE_VIDEO_RESAMPLER_METHOD, GST_VIDEO_RESAMPLER_METHOD_LANCZOS,
      GST_VIDEO_CONVERTER_OPT_THREADS, G_TYPE_UINT, 1u, NULL);
}

/* Takes @options. */
static GstVideoConverter *
convert_with (const GstVideoInfo *from, const GstVideoInfo *to, GstStructure *options,
              GError **error)
{
  GstVideoConverter *converter = gst_video_converter_new (from, to, options);

  if (converter == NULL)
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "%s frames cannot be converted to %s",
                 GST_VIDEO_INFO_NAME (from), GST_VIDEO_INFO_NAME (to));
  return converter;
}

GstVideoConverter *
gst_rfdn_convert_new (const GstVideoInfo *from, const GstVideoInfo *to, GError **error)
{
  return convert_with (from, to, new_options (), error);
}

/* Into a part of @to; the rest stays as it is. */
static GstVideoConverter *
convert_into (const GstVideoInfo *from, const GstVideoInfo *to, const GstVideoRectangle *picture,
              GError **error)
{
  GstStructure *options = new_options ();

  gst_structure_set (options, GST_VIDEO_CONVERTER_OPT_DEST_X, G_TYPE_INT, picture->x,
                     GST_VIDEO_CONVERTER_OPT_DEST_Y, G_TYPE_INT, picture->y,
                     GST_VIDEO_CONVERTER_OPT_DEST_WIDTH, G_TYPE_INT, picture->w,
                     GST_VIDEO_CONVERTER_OPT_DEST_HEIGHT, G_TYPE_INT, picture->h,
                     GST_VIDEO_CONVERTER_OPT_FILL_BORDER, G_TYPE_BOOLEAN, FALSE, NULL);
  return convert_with (from, to, options, error);
}

/* ---- another size --------------------------------------------------------------------------- */

/* GStreamer's scaler keeps flat areas flat only at 16 bits, and a converter that also scales works
 * at the depth of the narrower format: hence three converters. */
struct GstRfdnResize {
  GstVideoConverter *widen, *scale, *narrow;
  GstRfdnIntermediate from, to; /* at 16 bits */
};

/* A frame of the size of `size` with the colours of `like`. */
static gboolean
init_wide (GstRfdnIntermediate *wide, const GstVideoInfo *like, const GstVideoInfo *size,
           GError **error)
{
  const gboolean rgb = GST_VIDEO_INFO_IS_RGB (like);
  GstVideoInfo info;

  if (!gst_rfdn_convert_get_info (&info, rgb ? GST_VIDEO_FORMAT_ARGB64 : GST_VIDEO_FORMAT_AYUV64,
                                  size, error))
    return FALSE;
  info.colorimetry = like->colorimetry;
  return gst_rfdn_intermediate_init (wide, &info, error);
}

/* Fills a 16-bit frame with opaque black, once: nothing else writes to the borders. The converter's
 * own border has limited range whatever the frame has. */
static void
make_black (GstVideoFrame *wide)
{
  gint offset[GST_VIDEO_MAX_COMPONENTS], scale[GST_VIDEO_MAX_COMPONENTS];

  gst_video_color_range_offsets (wide->info.colorimetry.range, wide->info.finfo, offset, scale);
  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (wide); y++) {
    guint16 *row = (guint16 *) (gpointer) ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (wide, 0) +
                                           (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (wide, 0));

    for (gint x = 0; x < GST_VIDEO_FRAME_WIDTH (wide); x++) {
      for (guint c = 0; c < 3; c++)
        row[4 * x + 1 + (gint) c] = (guint16) offset[c]; /* after alpha */
    }
  }
}

static gboolean
is_subsampled (const GstVideoInfo *info)
{
  return GST_VIDEO_INFO_IS_YUV (info) && (GST_VIDEO_FORMAT_INFO_W_SUB (info->finfo, 1) > 0 ||
                                          GST_VIDEO_FORMAT_INFO_H_SUB (info->finfo, 1) > 0);
}

GstRfdnResize *
gst_rfdn_resize_new (const GstVideoInfo *from, const GstVideoInfo *to,
                     const GstVideoRectangle *picture, GError **error)
{
  g_autoptr (GstRfdnResize) self = g_new0 (GstRfdnResize, 1);
  GstVideoInfo in = *from, out = *to;

  if (!init_wide (&self->from, from, from, error) || !init_wide (&self->to, from, to, error))
    return NULL;
  if (picture->w != to->width || picture->h != to->height)
    make_black (&self->to.frame);
  if (is_subsampled (from))
    in.chroma_site = out.chroma_site = GST_VIDEO_CHROMA_SITE_UNKNOWN;
  self->widen = gst_rfdn_convert_new (&in, &self->from.frame.info, error);
  if (self->widen == NULL)
    return NULL;
  self->scale = convert_into (&self->from.frame.info, &self->to.frame.info, picture, error);
  if (self->scale == NULL)
    return NULL;
  self->narrow = gst_rfdn_convert_new (&self->to.frame.info, &out, error);
  if (self->narrow == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

void
gst_rfdn_resize_run (GstRfdnResize *self, GstVideoFrame *in, GstVideoFrame *out)
{
  gst_video_converter_frame (self->widen, in, &self->from.frame);
  gst_video_converter_frame (self->scale, &self->from.frame, &self->to.frame);
  gst_video_converter_frame (self->narrow, &self->to.frame, out);
}

void
gst_rfdn_resize_free (GstRfdnResize *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->widen, gst_video_converter_free);
  g_clear_pointer (&self->scale, gst_video_converter_free);
  g_clear_pointer (&self->narrow, gst_video_converter_free);
  gst_rfdn_intermediate_clear (&self->from);
  gst_rfdn_intermediate_clear (&self->to);
  g_free (self);
}
