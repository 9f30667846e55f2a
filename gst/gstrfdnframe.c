/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnframe.h"

#include <string.h>

/* A frame between the converters and the network, mapped as long as it lives. */
typedef struct {
  GstVideoFrame frame;
  gboolean mapped;
} Intermediate;

struct GstRfdnPlan {
  RfdnPool *pool; /* of all that follows */
  RfdnUpscaler *upscaler;
  guint n_channels; /* components 0 to this go to the network */
  RfdnResampler *chroma;
  RfdnResampler *alpha;
  gboolean has_padding; /* bytes between the components of a pixel that belong to none */

  /* Of frames that are converted; else NULL and empty. */
  GstVideoConverter *before, *after;
  Intermediate small, large;
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

/* ---- intermediate frames ------------------------------------------------------------------- */

static gboolean
intermediate_init (Intermediate *self, const GstVideoInfo *info, GError **error)
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
  /* All components, so that none is ever undefined: opaque, for frames that have no alpha. */
  memset (GST_VIDEO_FRAME_PLANE_DATA (&self->frame, 0), 0xff, GST_VIDEO_INFO_SIZE (info));
  return TRUE;
}

static void
intermediate_clear (Intermediate *self)
{
  if (self->mapped)
    gst_video_frame_unmap (&self->frame);
  self->mapped = FALSE;
}

/* 16 bits a component, so that two conversions cost no precision; the colours' primaries and
 * transfer stay, only the matrix and range change. The luma networks learned from BT.601 luma of
 * video range, whose headroom also keeps overshoots until the end. */
static gboolean
make_intermediate_info (GstVideoInfo *info, const GstVideoInfo *like, RfdnColour colour,
                        GError **error)
{
  const gboolean luma = colour == RFDN_COLOUR_LUMA;

  if (!gst_video_info_set_format (info, luma ? GST_VIDEO_FORMAT_AYUV64 : GST_VIDEO_FORMAT_ARGB64,
                                  (guint) GST_VIDEO_INFO_WIDTH (like),
                                  (guint) GST_VIDEO_INFO_HEIGHT (like))) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY, "frames of %dx%d are too large",
                 GST_VIDEO_INFO_WIDTH (like), GST_VIDEO_INFO_HEIGHT (like));
    return FALSE;
  }
  info->colorimetry = like->colorimetry;
  info->colorimetry.matrix = luma ? GST_VIDEO_COLOR_MATRIX_BT601 : GST_VIDEO_COLOR_MATRIX_RGB;
  info->colorimetry.range = luma ? GST_VIDEO_COLOR_RANGE_16_235 : GST_VIDEO_COLOR_RANGE_0_255;
  info->chroma_site = GST_VIDEO_CHROMA_SITE_UNKNOWN;
  info->fps_n = like->fps_n;
  info->fps_d = like->fps_d;
  return TRUE;
}

static GstVideoConverter *
make_converter (const GstVideoInfo *from, const GstVideoInfo *to, guint n_threads)
{
  if (n_threads == 0)
    n_threads = rfdn_available_threads ();
  return gst_video_converter_new (
      from, to,
      gst_structure_new ("rfdn-converter",
                         /* Dither would be noise for the network, and flat areas must stay flat. */
                         GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD,
                         GST_VIDEO_DITHER_NONE, GST_VIDEO_CONVERTER_OPT_CHROMA_MODE,
                         GST_TYPE_VIDEO_CHROMA_MODE, GST_VIDEO_CHROMA_MODE_FULL,
                         GST_VIDEO_CONVERTER_OPT_MATRIX_MODE, GST_TYPE_VIDEO_MATRIX_MODE,
                         GST_VIDEO_MATRIX_MODE_FULL, GST_VIDEO_CONVERTER_OPT_THREADS, G_TYPE_UINT,
                         n_threads, NULL));
}

/* Sets `in` and `out` to what the network sees from here on. */
static gboolean
plan_conversion (GstRfdnPlan *self, RfdnColour colour, GstVideoInfo *in, GstVideoInfo *out,
                 guint n_threads, GError **error)
{
  GstVideoInfo small, large;

  if (!make_intermediate_info (&small, in, colour, error) ||
      !make_intermediate_info (&large, out, colour, error) ||
      !intermediate_init (&self->small, &small, error) ||
      !intermediate_init (&self->large, &large, error))
    return FALSE;

  self->before = make_converter (in, &small, n_threads);
  self->after = make_converter (&large, out, n_threads);
  if (self->before == NULL || self->after == NULL) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "%s frames cannot be converted for it",
                 GST_VIDEO_INFO_NAME (in));
    return FALSE;
  }
  *in = small;
  *out = large;
  return TRUE;
}

/* ---- the plan ------------------------------------------------------------------------------ */

GstRfdnPlan *
gst_rfdn_plan_new (RfdnModel *model, const GstVideoInfo *in, const GstVideoInfo *out,
                   const GstRfdnSettings *settings, GError **error)
{
  const RfdnModelInfo *network = rfdn_model_get_info (model);
  const gboolean rgb_network = network->colour == RFDN_COLOUR_RGB;
  const gboolean has_alpha = GST_VIDEO_INFO_HAS_ALPHA (in);
  g_autoptr (GstRfdnPlan) self = g_new0 (GstRfdnPlan, 1);
  GstVideoInfo from = *in, to = *out;
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;

  self->pool = rfdn_pool_new (settings->n_threads);
  self->n_channels = network->channels;
  self->has_padding = has_padding (in);
  if (rgb_network != GST_VIDEO_INFO_IS_RGB (in) &&
      !plan_conversion (self, network->colour, &from, &to, settings->n_threads, error))
    return NULL;

  params.width = (guint) GST_VIDEO_INFO_WIDTH (&from);
  params.height = (guint) GST_VIDEO_INFO_HEIGHT (&from);
  params.format = get_sample_format (from.finfo, 0);
  params.pool = self->pool;
  params.tile_size = settings->tile_size;
  params.tile_overlap = settings->tile_overlap;
  self->upscaler = rfdn_upscaler_new (model, &params, error);
  if (self->upscaler == NULL)
    return NULL;

  if (GST_VIDEO_INFO_IS_YUV (&from)) {
    self->chroma = make_resampler (&from, &to, GST_VIDEO_COMP_U, network->scale, self->pool, error);
    if (self->chroma == NULL)
      return NULL;
  }
  if (has_alpha) {
    self->alpha = make_resampler (&from, &to, GST_VIDEO_COMP_A, network->scale, self->pool, error);
    if (self->alpha == NULL)
      return NULL;
  }
  return g_steal_pointer (&self);
}

static void
run_components (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out)
{
  RfdnPlane from[3], to[3];

  for (guint i = 0; i < self->n_channels; i++) {
    from[i] = get_plane (in, i);
    to[i] = get_plane (out, i);
  }
  rfdn_upscaler_run (self->upscaler, from, to);
  if (self->chroma != NULL) {
    resample (self->chroma, GST_VIDEO_COMP_U, in, out);
    resample (self->chroma, GST_VIDEO_COMP_V, in, out);
  }
  if (self->alpha != NULL)
    resample (self->alpha, GST_VIDEO_COMP_A, in, out);
}

void
gst_rfdn_plan_run (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out)
{
  if (self->before != NULL) {
    gst_video_converter_frame (self->before, in, &self->small.frame);
    run_components (self, &self->small.frame, &self->large.frame);
    gst_video_converter_frame (self->after, &self->large.frame, out);
  } else {
    if (self->has_padding)
      fill_padding (out);
    run_components (self, in, out);
  }
}

gboolean
gst_rfdn_plan_converts (const GstRfdnPlan *self)
{
  return self->before != NULL;
}

char *
gst_rfdn_plan_describe (const GstRfdnPlan *self)
{
  return rfdn_upscaler_describe (self->upscaler);
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
  intermediate_clear (&self->small);
  intermediate_clear (&self->large);
  g_free (self);
}
