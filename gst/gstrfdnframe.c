/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnframe.h"

#include <string.h>

#include "gstrfdnconvert.h"

struct GstRfdnPlan {
  RfdnPool *pool;         /* of all that follows */
  RfdnUpscaler *upscaler; /* NULL when frames are only given another size */
  guint n_channels;       /* components 0 to this go to the network */
  RfdnResampler *chroma;
  RfdnResampler *alpha;
  gboolean has_alpha;
  gboolean has_padding; /* bytes between the components of a pixel that belong to none */

  /* Of frames that are converted; else NULL and empty. */
  GstVideoConverter *before, *after;
  GstRfdnIntermediate small, large;

  /* Of frames whose size the network does not give, unless converting does it; else likewise. */
  GstRfdnResize *resize;
  GstRfdnIntermediate enlarged;
};

/* ---- what frames are made of --------------------------------------------------------------- */

static RfdnSampleFormat
get_sample_format (const GstVideoFormatInfo *format, guint component)
{
  const guint depth = GST_VIDEO_FORMAT_INFO_DEPTH (format, component);
  const guint shift = GST_VIDEO_FORMAT_INFO_SHIFT (format, component);

  return (RfdnSampleFormat){
      .samples = depth + shift > 8 ? RFDN_SAMPLES_U16 : RFDN_SAMPLES_U8,
      .depth = depth,
      .shift = shift,
  };
}

static RfdnPlane
get_plane (GstVideoFrame *frame, guint component)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  gsize offset = (gsize) GST_VIDEO_FORMAT_INFO_POFFSET (format, component);

  /* GStreamer's table has the V of P010 one byte after the U, as in NV12, where it is two. */
  if (get_sample_format (format, component).samples == RFDN_SAMPLES_U16 && offset % 2 != 0)
    offset *= 2;
  return (RfdnPlane){
      .data = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (
                  frame, GST_VIDEO_FORMAT_INFO_PLANE (format, component)) +
              offset,
      .stride = GST_VIDEO_FRAME_COMP_STRIDE (frame, component),
      .pixel_stride = (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (frame, component),
  };
}

static gboolean
has_padding (const GstVideoInfo *info)
{
  return GST_VIDEO_INFO_IS_RGB (info) && GST_VIDEO_INFO_N_PLANES (info) == 1 &&
         GST_VIDEO_INFO_COMP_PSTRIDE (info, 0) > (gint) GST_VIDEO_INFO_N_COMPONENTS (info);
}

/* The x of RGBx: all ones, as an opaque alpha would be. */
static void
fill_padding (GstVideoFrame *frame)
{
  guint8 *row = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  const gsize size =
      (gsize) GST_VIDEO_FRAME_WIDTH (frame) * (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (frame, 0);

  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (frame); y++)
    memset (row + y * (gssize) GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0), 0xff, size);
}

/* ---- resamplers ---------------------------------------------------------------------------- */

/* Where the first sample lies decides by how much a grid has to move, in samples of the larger
 * picture. GstVideoScaler, which lines up the outer edges of both pictures, has no such shift:
 * through it left-sited chroma would end up too far to the right. Chroma of an unknown site is
 * taken to be centred, as GstVideoConverter takes it. */
static double
get_shift (gboolean cosited, guint subsampling, guint scale)
{
  return cosited && subsampling == 1 ? (1.0 - scale) / 4 : 0;
}

static RfdnResampler *
make_resampler (const GstVideoInfo *in, const GstVideoInfo *out, guint component, guint scale,
                RfdnPool *pool, GError **error)
{
  const GstVideoFormatInfo *format = in->finfo;
  const RfdnResamplerParams params = {
      .in_width = (guint) GST_VIDEO_INFO_COMP_WIDTH (in, component),
      .in_height = (guint) GST_VIDEO_INFO_COMP_HEIGHT (in, component),
      .out_width = (guint) GST_VIDEO_INFO_COMP_WIDTH (out, component),
      .out_height = (guint) GST_VIDEO_INFO_COMP_HEIGHT (out, component),
      .scale = scale,
      .shift_x = get_shift (in->chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED,
                            GST_VIDEO_FORMAT_INFO_W_SUB (format, component), scale),
      .shift_y = get_shift (in->chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED,
                            GST_VIDEO_FORMAT_INFO_H_SUB (format, component), scale),
      .format = get_sample_format (format, component),
      .pool = pool,
  };

  return rfdn_resampler_new (&params, error);
}

static void
resample (RfdnResampler *resampler, guint component, GstVideoFrame *in, GstVideoFrame *out)
{
  const RfdnPlane from = get_plane (in, component), to = get_plane (out, component);

  rfdn_resampler_run (resampler, &from, &to);
}

/* ---- conversions ---------------------------------------------------------------------------- */

/* 16 bits a component, so that two conversions cost no precision; the colours' primaries and
 * transfer stay, only the matrix and range change. The luma networks learned from BT.601 luma of
 * video range, whose headroom also keeps overshoots until the end. */
static gboolean
make_intermediate_info (GstVideoInfo *info, const GstVideoInfo *like, RfdnColour colour,
                        GError **error)
{
  const gboolean luma = colour == RFDN_COLOUR_LUMA;

  if (!gst_rfdn_convert_get_info (info, luma ? GST_VIDEO_FORMAT_AYUV64 : GST_VIDEO_FORMAT_ARGB64,
                                  like, error))
    return FALSE;
  info->colorimetry.matrix = luma ? GST_VIDEO_COLOR_MATRIX_BT601 : GST_VIDEO_COLOR_MATRIX_RGB;
  info->colorimetry.range = luma ? GST_VIDEO_COLOR_RANGE_16_235 : GST_VIDEO_COLOR_RANGE_0_255;
  return TRUE;
}

/* Sets `in` and `enlarged` to what the network sees from here on. */
static gboolean
plan_conversion (GstRfdnPlan *self, RfdnColour colour, GstVideoInfo *in, GstVideoInfo *enlarged,
                 const GstVideoInfo *out, guint n_threads, GError **error)
{
  GstVideoInfo small, large;

  if (!make_intermediate_info (&small, in, colour, error) ||
      !make_intermediate_info (&large, enlarged, colour, error) ||
      !gst_rfdn_intermediate_init (&self->small, &small, error) ||
      !gst_rfdn_intermediate_init (&self->large, &large, error))
    return FALSE;

  self->before = gst_rfdn_convert_new (in, &small, n_threads, error);
  if (self->before == NULL)
    return FALSE;
  self->after = gst_rfdn_convert_new (&large, out, n_threads, error);
  if (self->after == NULL)
    return FALSE;
  *in = small;
  *enlarged = large;
  return TRUE;
}

/* The network's frame, and the way from it to the size that is asked for. */
static gboolean
plan_resize (GstRfdnPlan *self, const GstVideoInfo *enlarged, const GstVideoInfo *out,
             guint n_threads, GError **error)
{
  if (self->upscaler != NULL && !gst_rfdn_intermediate_init (&self->enlarged, enlarged, error))
    return FALSE;
  self->resize = gst_rfdn_resize_new (enlarged, out, n_threads, error);
  return self->resize != NULL;
}

/* What frames are after the network. */
static gboolean
get_enlarged (GstVideoInfo *enlarged, const GstVideoInfo *in, const GstVideoInfo *out, guint scale,
              GError **error)
{
  GstVideoInfo size = *in;

  size.width *= (gint) scale;
  size.height *= (gint) scale;
  if (size.width == out->width && size.height == out->height) {
    *enlarged = *out;
    return TRUE;
  }
  if (!gst_rfdn_convert_get_info (enlarged, GST_VIDEO_INFO_FORMAT (in), &size, error))
    return FALSE;
  enlarged->chroma_site = in->chroma_site;
  return TRUE;
}

/* ---- the plan ------------------------------------------------------------------------------ */

/* The network, and resamplers for the components that it does not see. */
static gboolean
plan_components (GstRfdnPlan *self, RfdnModel *model, const GstVideoInfo *in,
                 const GstVideoInfo *enlarged, const GstRfdnSettings *settings, GError **error)
{
  const guint scale = rfdn_model_get_info (model)->scale;
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;

  params.width = (guint) GST_VIDEO_INFO_WIDTH (in);
  params.height = (guint) GST_VIDEO_INFO_HEIGHT (in);
  params.format = get_sample_format (in->finfo, 0);
  params.pool = self->pool;
  params.tile_size = settings->tile_size;
  params.tile_overlap = settings->tile_overlap;
  self->upscaler = rfdn_upscaler_new (model, &params, error);
  if (self->upscaler == NULL)
    return FALSE;

  if (GST_VIDEO_INFO_IS_YUV (in)) {
    self->chroma = make_resampler (in, enlarged, GST_VIDEO_COMP_U, scale, self->pool, error);
    if (self->chroma == NULL)
      return FALSE;
  }
  if (self->has_alpha) {
    self->alpha = make_resampler (in, enlarged, GST_VIDEO_COMP_A, scale, self->pool, error);
    if (self->alpha == NULL)
      return FALSE;
  }
  return TRUE;
}

GstRfdnPlan *
gst_rfdn_plan_new (RfdnModel *model, const GstVideoInfo *in, const GstVideoInfo *out,
                   const GstRfdnSettings *settings, GError **error)
{
  g_autoptr (GstRfdnPlan) self = g_new0 (GstRfdnPlan, 1);
  const RfdnModelInfo *network;
  GstVideoInfo from = *in, enlarged;

  if (model == NULL)
    return plan_resize (self, in, out, settings->n_threads, error) ? g_steal_pointer (&self) : NULL;

  network = rfdn_model_get_info (model);
  self->pool = rfdn_pool_new (settings->n_threads);
  self->n_channels = network->channels;
  self->has_alpha = GST_VIDEO_INFO_HAS_ALPHA (in);
  self->has_padding = has_padding (in);
  if (!get_enlarged (&enlarged, in, out, network->scale, error))
    return NULL;

  if ((network->colour == RFDN_COLOUR_RGB) != GST_VIDEO_INFO_IS_RGB (in)) {
    if (!plan_conversion (self, network->colour, &from, &enlarged, out, settings->n_threads,
                          error) ||
        !plan_components (self, model, &from, &enlarged, settings, error))
      return NULL;
    return g_steal_pointer (&self);
  }

  if (!plan_components (self, model, in, &enlarged, settings, error))
    return NULL;
  if ((enlarged.width != out->width || enlarged.height != out->height) &&
      !plan_resize (self, &enlarged, out, settings->n_threads, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* FALSE when it was cancelled. */
static gboolean
run_components (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out)
{
  RfdnPlane from[3], to[3];

  for (guint i = 0; i < self->n_channels; i++) {
    from[i] = get_plane (in, i);
    to[i] = get_plane (out, i);
  }
  rfdn_upscaler_run (self->upscaler, from, to);
  if (rfdn_upscaler_is_cancelled (self->upscaler))
    return FALSE;

  if (self->chroma != NULL) {
    resample (self->chroma, GST_VIDEO_COMP_U, in, out);
    resample (self->chroma, GST_VIDEO_COMP_V, in, out);
  }
  if (self->alpha != NULL)
    resample (self->alpha, GST_VIDEO_COMP_A, in, out);
  return TRUE;
}

gboolean
gst_rfdn_plan_run (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out, GstRfdnWork *work)
{
  GstVideoFrame *enlarged = self->resize != NULL ? &self->enlarged.frame : out;

  *work = self->upscaler != NULL ? (GstRfdnWork){.network = 1, .level = 1}
                                 : (GstRfdnWork){.cheap = 1, .level = 0};
  if (self->upscaler == NULL) {
    gst_rfdn_resize_run (self->resize, in, out);
    return TRUE;
  }
  if (self->before != NULL) {
    gst_video_converter_frame (self->before, in, &self->small.frame);
    if (!run_components (self, &self->small.frame, &self->large.frame))
      return FALSE;
    gst_video_converter_frame (self->after, &self->large.frame, out);
    return TRUE;
  }

  if (self->has_padding)
    fill_padding (enlarged);
  if (!run_components (self, in, enlarged))
    return FALSE;
  if (self->resize != NULL)
    gst_rfdn_resize_run (self->resize, enlarged, out);
  return TRUE;
}

void
gst_rfdn_plan_set_cancelled (GstRfdnPlan *self, gboolean cancelled)
{
  if (self->upscaler != NULL)
    rfdn_upscaler_set_cancelled (self->upscaler, cancelled);
}

gboolean
gst_rfdn_plan_converts (const GstRfdnPlan *self)
{
  return self->before != NULL;
}

char *
gst_rfdn_plan_describe (const GstRfdnPlan *self)
{
  return self->upscaler != NULL ? rfdn_upscaler_describe (self->upscaler)
                                : g_strdup ("no network, only another size");
}

void
gst_rfdn_plan_free (GstRfdnPlan *self)
{
  if (self == NULL)
    return;
  rfdn_pool_unref (self->pool);
  rfdn_upscaler_free (self->upscaler);
  rfdn_resampler_free (self->chroma);
  rfdn_resampler_free (self->alpha);
  g_clear_pointer (&self->before, gst_video_converter_free);
  g_clear_pointer (&self->after, gst_video_converter_free);
  gst_rfdn_resize_free (self->resize);
  gst_rfdn_intermediate_clear (&self->small);
  gst_rfdn_intermediate_clear (&self->large);
  gst_rfdn_intermediate_clear (&self->enlarged);
  g_free (self);
}
