/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnframe.h"

#include "gstrfdncomponents.h"
#include "gstrfdnconvert.h"
#include "gstrfdnformats.h"
#include "gstrfdnhistory.h"
#include "gstrfdnsmaller.h"
#include "gstrfdnunpack.h"

/* How far around a pixel a conversion may look for chroma. */
#define CONVERSION_MARGIN 8

/* Side of the small frames that a plan is tried with. */
#define TINY 16

struct GstRfdnPlan {
  RfdnPool *pool; /* of all that follows */
  /* Of the frames in front of the network and behind it. */
  GstRfdnPlace places[GST_VIDEO_MAX_COMPONENTS];
  guint n_channels;      /* this many components go to the network, or to `plain` in its place */
  GstRfdnMosaic *mosaic; /* NULL when frames are only given another size */
  RfdnStabilizer *stabilizer; /* the network writes there; NULL: to the frame itself */
  RfdnResampler *plain;
  RfdnResampler *chroma;
  gboolean guides_chroma;
  RfdnResampler *alpha;
  gboolean has_padding;

  /* For frames that are converted; else NULL. */
  GstVideoConverter *before, *after;
  gboolean unpacks;
  GstRfdnIntermediate small, large; /* for frames that are converted or unpacked; else empty */

  /* For sizes that the network's scale does not lead to; else likewise. */
  GstRfdnResize *resize;
  GstRfdnIntermediate enlarged;

  GstRfdnHistory *history; /* NULL: nothing is to be reused */
  /* Compare frames as the network sees them: the layout of the input is not known byte by byte. */
  gboolean compares_small;
  gboolean is_finite; /* the network's field of view */
  gboolean is_done;   /* the last frame has full quality */
  double strength;    /* of the last frame */
  gint64 after_time;  /* what the steps behind the network take, in microseconds */
};

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

static gboolean
has_borders (const GstVideoRectangle *picture, const GstVideoInfo *out)
{
  return picture->w != out->width || picture->h != out->height;
}

/* Sets `in` and `enlarged` to what the network sees from here on. */
static gboolean
plan_conversion (GstRfdnPlan *self, RfdnColour colour, GstVideoInfo *in, GstVideoInfo *enlarged,
                 const GstVideoInfo *out, const GstVideoRectangle *picture, GError **error)
{
  GstVideoInfo small, large;

  if (!make_intermediate_info (&small, in, colour, error) ||
      !make_intermediate_info (&large, enlarged, colour, error) ||
      !gst_rfdn_intermediate_init (&self->small, &small, error) ||
      !gst_rfdn_intermediate_init (&self->large, &large, error))
    return FALSE;

  self->before = gst_rfdn_convert_new (in, &small, error);
  if (self->before == NULL)
    return FALSE;
  if (has_borders (picture, out) || large.width != out->width || large.height != out->height)
    self->resize = gst_rfdn_resize_new (&large, out, picture, error);
  else
    self->after = gst_rfdn_convert_new (&large, out, error);
  if (self->resize == NULL && self->after == NULL)
    return FALSE;
  *in = small;
  *enlarged = large;
  return TRUE;
}

/* Converting and resizing unpack frames too, by the same functions. */
static gboolean
check_packed (const GstVideoInfo *in, const GstVideoInfo *enlarged, const GstVideoInfo *out,
              GError **error)
{
  if (gst_rfdn_format_get_route (GST_VIDEO_INFO_FORMAT (in)) != GST_RFDN_ROUTE_UNPACK)
    return TRUE;
  return gst_rfdn_unpack_check (in, error) && gst_rfdn_unpack_check (enlarged, error) &&
         gst_rfdn_unpack_check (out, error);
}

/* Unpacked frames around the network. */
static gboolean
plan_unpacking (GstRfdnPlan *self, const GstVideoInfo *in, const GstVideoInfo *enlarged,
                GError **error)
{
  GstVideoInfo small, large;

  self->unpacks = TRUE;
  return gst_rfdn_unpack_get_info (&small, in, error) &&
         gst_rfdn_unpack_get_info (&large, enlarged, error) &&
         gst_rfdn_intermediate_init (&self->small, &small, error) &&
         gst_rfdn_intermediate_init (&self->large, &large, error);
}

/* The network's frame, and the step from it to the requested size. */
static gboolean
plan_resize (GstRfdnPlan *self, const GstVideoInfo *enlarged, const GstVideoInfo *out,
             const GstVideoRectangle *picture, GError **error)
{
  if (!gst_rfdn_intermediate_init (&self->enlarged, enlarged, error))
    return FALSE;
  self->resize = gst_rfdn_resize_new (enlarged, out, picture, error);
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

/* What stands in for a network where time is short, as sharp as that one if it can be. */
static RfdnModel *
get_stand_in (RfdnModel *model, float sharpness)
{
  RfdnModel *plain = gst_rfdn_smaller_get (model), *sharpened;

  if (plain == NULL || sharpness == 0)
    return plain;
  sharpened = rfdn_model_sharpen (plain, sharpness, NULL);
  if (sharpened == NULL)
    return plain;
  rfdn_model_unref (plain);
  return sharpened;
}

static gboolean
plan_network (GstRfdnPlan *self, RfdnModel *model, const GstVideoInfo *in,
              const GstRfdnSettings *settings, GError **error)
{
  g_autoptr (RfdnModel) stand_in = get_stand_in (model, settings->sharpness);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;

  params.width = (guint) GST_VIDEO_INFO_WIDTH (in);
  params.height = (guint) GST_VIDEO_INFO_HEIGHT (in);
  params.format = gst_rfdn_component_get_format (in->finfo, 0);
  params.pool = self->pool;
  params.tile_size = settings->tile_size;
  params.tile_overlap = settings->tile_overlap;
  params.precision = settings->precision;
  self->is_finite = !rfdn_model_get_info (model)->attention;
  self->mosaic = gst_rfdn_mosaic_new (model, stand_in, &params, error);
  return self->mosaic != NULL;
}

static gboolean
plan_stabilizer (GstRfdnPlan *self, const RfdnModelInfo *network, const GstVideoInfo *in,
                 GError **error)
{
  const RfdnStabilizerParams params = {
      .width = (guint) GST_VIDEO_INFO_WIDTH (in),
      .height = (guint) GST_VIDEO_INFO_HEIGHT (in),
      .scale = network->scale,
      .channels = network->channels,
      .format = gst_rfdn_component_get_format (in->finfo, 0),
      .pool = self->pool,
  };

  self->stabilizer = rfdn_stabilizer_new (&params, error);
  return self->stabilizer != NULL;
}

/* Resamplers for the components that the network does not see. */
static gboolean
plan_resamplers (GstRfdnPlan *self, const GstVideoInfo *in, const GstVideoInfo *enlarged,
                 const GstVideoInfo *out, guint scale, gboolean has_alpha, GError **error)
{
  /* What keeps its size keeps its chroma, without a network luma has no more than chroma, and what
   * is then made smaller than it was loses what luma adds. */
  const gboolean guides = self->guides_chroma && self->mosaic != NULL && scale > 1 &&
                          2 * out->width > enlarged->width && 2 * out->height > enlarged->height &&
                          gst_rfdn_components_have_guide (in->finfo);

  self->guides_chroma = guides;
  if (self->mosaic == NULL) {
    self->plain = gst_rfdn_component_resampler_new (in, enlarged, out, 0, scale, self->pool, error);
    if (self->plain == NULL)
      return FALSE;
  }
  if (GST_VIDEO_INFO_IS_YUV (in)) {
    self->chroma = gst_rfdn_component_resampler_new (in, enlarged, out, GST_VIDEO_COMP_U, scale,
                                                     self->pool, error);
    if (self->chroma == NULL ||
        (guides && !gst_rfdn_component_guide_chroma (self->chroma, in, enlarged, out, error)))
      return FALSE;
  }
  if (has_alpha) {
    self->alpha = gst_rfdn_component_resampler_new (in, enlarged, out, GST_VIDEO_COMP_A, scale,
                                                    self->pool, error);
    if (self->alpha == NULL)
      return FALSE;
  }
  return TRUE;
}

static gboolean
plan_history (GstRfdnPlan *self, const GstVideoInfo *in, const GstVideoInfo *out, GError **error)
{
  const gboolean small =
      gst_rfdn_format_get_route (GST_VIDEO_INFO_FORMAT (in)) == GST_RFDN_ROUTE_UNPACK;
  const gboolean converts = self->before != NULL && !small;
  const guint n_tiles = gst_rfdn_mosaic_get_n_tiles (self->mosaic);

  self->history =
      gst_rfdn_history_new (small ? &self->small.frame.info : in, out,
                            converts ? GST_VIDEO_INFO_N_COMPONENTS (in) : self->n_channels,
                            converts ? CONVERSION_MARGIN : 0, n_tiles, error);
  if (self->history == NULL)
    return FALSE;
  self->compares_small = small;
  for (guint t = 0; t < n_tiles; t++) {
    const RfdnArea seen = gst_rfdn_mosaic_get_seen (self->mosaic, t);

    gst_rfdn_history_set_tile (self->history, t, &seen);
  }
  return TRUE;
}

GstRfdnPlan *
gst_rfdn_plan_new (RfdnModel *model, const GstVideoInfo *in, const GstVideoInfo *out,
                   const GstRfdnSettings *settings, GError **error)
{
  g_autoptr (GstRfdnPlan) self = g_new0 (GstRfdnPlan, 1);
  const RfdnModelInfo *network = model != NULL ? rfdn_model_get_info (model) : NULL;
  const guint scale = network != NULL ? network->scale : 1;
  const GstVideoRectangle picture = settings->picture.w > 0
                                        ? settings->picture
                                        : (GstVideoRectangle){.w = out->width, .h = out->height};
  GstVideoInfo from = *in, enlarged, to = *out;
  gboolean converts;

  to.width = picture.w;
  to.height = picture.h;

  self->pool = rfdn_pool_new (settings->n_threads);
  self->guides_chroma = settings->guides_chroma;
  self->has_padding = gst_rfdn_components_have_padding (in);
  self->n_channels = GST_VIDEO_INFO_IS_RGB (in) ? 3 : 1;
  converts = network != NULL && network->channels != self->n_channels;
  if (!get_enlarged (&enlarged, in, out, scale, error) || !check_packed (in, &enlarged, out, error))
    return NULL;

  if (converts) {
    self->n_channels = network->channels;
    if (!plan_conversion (self, network->colour, &from, &enlarged, out, &picture, error))
      return NULL;
    to = enlarged;
  } else if (has_borders (&picture, out) || enlarged.width != out->width ||
             enlarged.height != out->height) {
    if (!plan_resize (self, &enlarged, out, &picture, error))
      return NULL;
  }
  if (gst_rfdn_format_get_route (GST_VIDEO_INFO_FORMAT (&from)) == GST_RFDN_ROUTE_UNPACK &&
      !plan_unpacking (self, &from, &enlarged, error))
    return NULL;
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&from); c++)
    self->places[c] = gst_rfdn_component_get_place (from.finfo, c);
  if (network != NULL && !plan_network (self, model, &from, settings, error))
    return NULL;
  if (network != NULL && settings->stabilize && !plan_stabilizer (self, network, &from, error))
    return NULL;
  if (!plan_resamplers (self, &from, &enlarged, &to, scale, gst_rfdn_format_has_alpha (in->finfo),
                        error))
    return NULL;
  if (network != NULL && settings->reuse && !plan_history (self, in, out, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* By a plan for tiny frames, which costs next to nothing: they take the same route to the network
 * as frames of any size. */
gboolean
gst_rfdn_plan_check_precision (RfdnModel *model, const GstVideoInfo *in, RfdnPrecision precision,
                               GError **error)
{
  const gint scale = (gint) rfdn_model_get_info (model)->scale;
  const GstRfdnSettings settings = {.n_threads = 1, .precision = precision};
  GstVideoInfo size = *in, small, large;
  g_autoptr (GstRfdnPlan) plan = NULL;
  g_autoptr (GError) why = NULL;

  size.width = size.height = TINY;
  if (!gst_rfdn_convert_get_info (&small, GST_VIDEO_INFO_FORMAT (in), &size, NULL))
    return TRUE;
  size.width = size.height = TINY * scale;
  if (!gst_rfdn_convert_get_info (&large, GST_VIDEO_INFO_FORMAT (in), &size, NULL))
    return TRUE;
  plan = gst_rfdn_plan_new (model, &small, &large, &settings, &why);
  if (!g_error_matches (why, RFDN_ERROR, RFDN_ERROR_PRECISION))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

void
gst_rfdn_plan_free (GstRfdnPlan *self)
{
  if (self == NULL)
    return;
  rfdn_pool_unref (self->pool);
  gst_rfdn_mosaic_free (self->mosaic);
  rfdn_stabilizer_free (self->stabilizer);
  rfdn_resampler_free (self->plain);
  rfdn_resampler_free (self->chroma);
  rfdn_resampler_free (self->alpha);
  gst_rfdn_history_free (self->history);
  g_clear_pointer (&self->before, gst_video_converter_free);
  g_clear_pointer (&self->after, gst_video_converter_free);
  gst_rfdn_resize_free (self->resize);
  gst_rfdn_intermediate_clear (&self->small);
  gst_rfdn_intermediate_clear (&self->large);
  gst_rfdn_intermediate_clear (&self->enlarged);
  g_free (self);
}

void
gst_rfdn_plan_reset (GstRfdnPlan *self)
{
  if (self->history != NULL)
    gst_rfdn_history_clear (self->history);
  if (self->mosaic != NULL)
    gst_rfdn_mosaic_reset (self->mosaic);
  if (self->stabilizer != NULL)
    rfdn_stabilizer_reset (self->stabilizer);
  self->is_done = FALSE;
}

void
gst_rfdn_plan_set_cancelled (GstRfdnPlan *self, gboolean cancelled)
{
  if (self->mosaic != NULL)
    gst_rfdn_mosaic_set_cancelled (self->mosaic, cancelled);
}

gboolean
gst_rfdn_plan_has_network (const GstRfdnPlan *self)
{
  return self->mosaic != NULL;
}

const char *
gst_rfdn_plan_get_conversion (const GstRfdnPlan *self)
{
  return self->before != NULL ? GST_VIDEO_INFO_NAME (&self->small.frame.info) : NULL;
}

guint
gst_rfdn_plan_get_n_threads (const GstRfdnPlan *self, guint *wanted)
{
  return rfdn_pool_get_n_threads (self->pool, wanted);
}

char *
gst_rfdn_plan_describe (const GstRfdnPlan *self)
{
  return self->mosaic != NULL ? gst_rfdn_mosaic_describe (self->mosaic)
                              : g_strdup ("no network, only another size");
}

/* ---- running --------------------------------------------------------------------------------- */

/* Whether a frame has all the quality that it can have. */
static gboolean
is_whole (const GstRfdnWork *work, const GstRfdnStrength *strength)
{
  return work->level == 1 || strength->network <= 0;
}

/* Where components `first` to `first` + `n` - 1 of a frame lie. */
static void
get_planes (const GstRfdnPlan *self, guint first, guint n, GstVideoFrame *frame, RfdnPlane *planes)
{
  for (guint c = 0; c < n; c++)
    planes[c] = gst_rfdn_place_in_frame (&self->places[first + c], frame);
}

/* Components `first` to `first` + `n` - 1. */
static void
resample (GstRfdnPlan *self, RfdnResampler *resampler, guint first, guint n, GstVideoFrame *in,
          GstVideoFrame *out)
{
  RfdnPlane from[3], to[3];

  get_planes (self, first, n, in, from);
  get_planes (self, first, n, out, to);
  rfdn_resampler_run (resampler, from, to, n);
}

/* The network's components; FALSE when cancelled. */
static gboolean
run_network (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out, const gboolean *same,
             gint64 deadline, const GstRfdnStrength *strength, GstRfdnWork *work)
{
  RfdnPlane from[3], to[3];
  gboolean whole;

  get_planes (self, 0, self->n_channels, in, from);
  get_planes (self, 0, self->n_channels, out, to);
  if (self->stabilizer == NULL)
    return gst_rfdn_mosaic_run (self->mosaic, from, to, same, deadline, strength->network, work);

  if (!gst_rfdn_mosaic_run (self->mosaic, from, rfdn_stabilizer_get_result (self->stabilizer), same,
                            deadline, strength->network, work)) {
    rfdn_stabilizer_reset (self->stabilizer);
    return FALSE;
  }
  /* A late frame is mixed with neither neighbour: what it lacks would stay where nothing moves. */
  whole = is_whole (work, strength);
  if (!whole)
    rfdn_stabilizer_reset (self->stabilizer);
  rfdn_stabilizer_run (self->stabilizer, from, to, strength->stabilize);
  if (!whole)
    rfdn_stabilizer_reset (self->stabilizer);
  return TRUE;
}

/* Chroma that follows luma, which the network has enlarged. */
static void
guide_chroma (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out, double amount)
{
  RfdnPlane from[1 + RFDN_GUIDED], to[1 + RFDN_GUIDED]; /* luma, then chroma */

  get_planes (self, GST_VIDEO_COMP_Y, 1 + RFDN_GUIDED, in, from);
  get_planes (self, GST_VIDEO_COMP_Y, 1 + RFDN_GUIDED, out, to);
  rfdn_resampler_run_guided (self->chroma, from + 1, to + 1, RFDN_GUIDED, from, to, amount);
}

/* All components but chroma that follows luma; FALSE when cancelled. What has to be done in any
 * case comes first. */
static gboolean
run_components (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out, const gboolean *same,
                gint64 deadline, const GstRfdnStrength *strength, GstRfdnWork *work)
{
  if (self->chroma != NULL && !self->guides_chroma)
    resample (self, self->chroma, GST_VIDEO_COMP_U, 2, in, out);
  if (self->alpha != NULL)
    resample (self, self->alpha, GST_VIDEO_COMP_A, 1, in, out);
  if (self->mosaic != NULL)
    return run_network (self, in, out, same, deadline, strength, work);

  resample (self, self->plain, 0, self->n_channels, in, out);
  *work = (GstRfdnWork){.cheap = 1};
  return TRUE;
}

/* Which tiles need not be computed again, or NULL for none. Where the network writes to the output
 * frame itself, the last result is copied there. */
static const gboolean *
find_same (GstRfdnPlan *self, gboolean all, gboolean is_kept, GstVideoFrame *out)
{
  const gboolean *same = gst_rfdn_history_get_same (self->history);

  /* With attention every pixel depends on all others. */
  if (!all && !self->is_finite)
    return NULL;
  if (is_kept)
    return same;
  if (!gst_rfdn_history_has_output (self->history))
    return NULL;
  for (guint t = 0; t < gst_rfdn_mosaic_get_n_tiles (self->mosaic); t++) {
    if (same[t]) {
      gst_rfdn_history_get_output (self->history, out);
      return same;
    }
  }
  return NULL;
}

/* Turns a frame into the network's input. */
static GstVideoFrame *
prepare (GstRfdnPlan *self, GstVideoFrame *in)
{
  if (self->before != NULL)
    gst_video_converter_frame (self->before, in, &self->small.frame);
  else if (self->unpacks)
    gst_rfdn_unpack_run (in, &self->small.frame);
  else
    return in;
  return &self->small.frame;
}

/* The frame that the network writes to. */
static GstVideoFrame *
get_canvas (GstRfdnPlan *self, GstVideoFrame *out)
{
  if (self->before != NULL || self->unpacks)
    return &self->large.frame;
  return self->resize != NULL ? &self->enlarged.frame : out;
}

/* What remains to be done with the network's result. */
static void
finish (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *canvas, GstVideoFrame *out,
        const GstRfdnStrength *strength)
{
  const gint64 begin = g_get_monotonic_time ();

  if (self->guides_chroma)
    guide_chroma (self, in, canvas, strength->network);
  if (self->unpacks) {
    GstVideoFrame *packed = self->resize != NULL ? &self->enlarged.frame : out;

    gst_rfdn_unpack_run_back (canvas, packed);
    canvas = packed;
  }
  if (self->resize != NULL)
    gst_rfdn_resize_run (self->resize, canvas, out);
  else if (self->after != NULL)
    gst_video_converter_frame (self->after, canvas, out);
  if (self->history != NULL)
    gst_rfdn_history_set_output (self->history, out);
  self->after_time = (self->after_time + g_get_monotonic_time () - begin) / 2;
}

gboolean
gst_rfdn_plan_run (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out, gint64 deadline,
                   const GstRfdnStrength *strength, GstRfdnWork *work)
{
  GstVideoFrame *canvas = get_canvas (self, out), *prepared = NULL;
  const gboolean *same = NULL;

  if (self->history != NULL) {
    gboolean all;

    if (strength->network != self->strength)
      gst_rfdn_history_clear (self->history);
    self->strength = strength->network;
    if (self->compares_small)
      prepared = prepare (self, in);
    all = gst_rfdn_history_compare (self->history, prepared != NULL ? prepared : in);
    if (all && self->is_done && gst_rfdn_history_has_output (self->history)) {
      gst_rfdn_history_get_output (self->history, out);
      *work = (GstRfdnWork){.reused = gst_rfdn_mosaic_get_n_tiles (self->mosaic),
                            .level = strength->network > 0 ? 1 : 0};
      return TRUE;
    }
    same = find_same (self, all, canvas != out || self->stabilizer != NULL, canvas);
  }

  if (self->has_padding && self->before == NULL && (same == NULL || self->stabilizer != NULL))
    gst_rfdn_components_fill_padding (canvas);
  if (prepared == NULL)
    prepared = prepare (self, in);
  if (!run_components (self, prepared, canvas, same,
                       deadline == G_MAXINT64 ? deadline : deadline - self->after_time, strength,
                       work)) {
    if (self->history != NULL)
      gst_rfdn_history_clear (self->history);
    return FALSE;
  }
  self->is_done = is_whole (work, strength);
  finish (self, prepared, canvas, out, strength);
  return TRUE;
}
