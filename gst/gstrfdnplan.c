/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The element's plan: when a new one is made, and who may abandon the frame that it works on. */

#include "gstrfdnplan.h"

#include <math.h>

#include "gstrfdncaps.h"
#include "gstrfdnerror.h"
#include "gstrfdni18n.h"
#include "gstrfdnsize.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rfdn_upscale_debug);
GST_DEBUG_CATEGORY_EXTERN (gst_rfdn_performance_debug);
#define GST_CAT_DEFAULT gst_rfdn_upscale_debug

/* The property is rounded, since a controller may change it with each frame, and each value takes
 * weights of its own. */
#define SHARPNESS_VALUES 100

static void
set_plan (GstRfdnUpscale *self, GstRfdnPlan *plan)
{
  GstRfdnPlan *old;

  GST_OBJECT_LOCK (self);
  old = self->plan;
  self->plan = plan;
  if (plan != NULL && (self->flushing || self->stopped))
    gst_rfdn_plan_set_cancelled (plan, TRUE);
  GST_OBJECT_UNLOCK (self);
  gst_rfdn_plan_free (old);
}

void
gst_rfdn_upscale_drop_plan (GstRfdnUpscale *self)
{
  set_plan (self, NULL);
  g_clear_pointer (&self->plan_model, gst_rfdn_model_unref);
}

void
gst_rfdn_upscale_set_flushing (GstRfdnUpscale *self, gboolean flushing)
{
  GST_OBJECT_LOCK (self);
  self->flushing = flushing;
  if (self->plan != NULL)
    gst_rfdn_plan_set_cancelled (self->plan, self->flushing || self->stopped);
  GST_OBJECT_UNLOCK (self);
}

void
gst_rfdn_upscale_set_stopped (GstRfdnUpscale *self, gboolean stopped)
{
  GST_OBJECT_LOCK (self);
  self->stopped = stopped;
  if (self->plan != NULL)
    gst_rfdn_plan_set_cancelled (self->plan, self->flushing || self->stopped);
  GST_OBJECT_UNLOCK (self);
}

gboolean
gst_rfdn_upscale_is_stopped (GstRfdnUpscale *self)
{
  gboolean stopped;

  GST_OBJECT_LOCK (self);
  stopped = self->stopped;
  GST_OBJECT_UNLOCK (self);
  return stopped;
}

/* The network for a factor; NULL without an error where none is needed: frames keep their size, and
 * the model is not one that cleans them. */
static gboolean
get_network (GstRfdnUpscale *self, GstRfdnModel *model, guint factor, RfdnModel **network)
{
  g_autoptr (GError) error = NULL;

  *network = NULL;
  if (factor == 1 && !(gst_rfdn_model_get_scales (model) & GST_RFDN_FACTOR (1)))
    return TRUE;
  *network = gst_rfdn_model_get (model, factor, &error);
  if (*network == NULL)
    gst_rfdn_upscale_refuse (self, error->domain, error->code, NULL, "%s", error->message);
  return *network != NULL;
}

/* Only once, however often caps change. */
static void
warn_of_few_threads (GstRfdnUpscale *self, const GstRfdnPlan *plan)
{
  guint wanted;
  const guint n = gst_rfdn_plan_get_n_threads (plan, &wanted);

  if (n == wanted || self->short_of_threads)
    return;
  self->short_of_threads = TRUE;
  GST_ELEMENT_WARNING (self, RESOURCE, FAILED,
                       (_ ("Frames are enlarged by %u threads instead of %u."), n, wanted),
                       ("the system lets this process start no more threads"));
}

/* The network as sharp as @sharpness says; as it is, with a warning once per model, where that
 * cannot be: then @sharpness becomes 0. */
static RfdnModel *
sharpen (GstRfdnUpscale *self, const GstRfdnModel *model, RfdnModel *network, float *sharpness)
{
  g_autoptr (GError) why = NULL;
  RfdnModel *sharpened;

  if (network == NULL || *sharpness == 0)
    return network != NULL ? rfdn_model_ref (network) : NULL;
  sharpened = rfdn_model_sharpen (network, *sharpness, &why);
  if (sharpened != NULL)
    return sharpened;
  if (!self->told_sharpness)
    GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
                         (_ ("The model '%s' is used as it was trained, without 'sharpness': %s."),
                          gst_rfdn_model_get_name (model), why->message),
                         (NULL));
  self->told_sharpness = TRUE;
  *sharpness = 0;
  return rfdn_model_ref (network);
}

/* Once per format, which is all it depends on: an RGB model on YUV frames, or a luma model on RGB
 * frames. */
static void
tell_conversion (GstRfdnUpscale *self, const GstRfdnPlan *plan, const GstVideoInfo *in,
                 RfdnColour colour)
{
  const char *between = gst_rfdn_plan_get_conversion (plan);

  if (between == NULL || self->told_conversion == GST_VIDEO_INFO_FORMAT (in))
    return;
  self->told_conversion = GST_VIDEO_INFO_FORMAT (in);
  GST_CAT_INFO_OBJECT (gst_rfdn_performance_debug, self,
                       "the model works on %s: each frame of %s is converted to %s (%s) and back",
                       colour == RFDN_COLOUR_LUMA ? "luma" : "RGB", GST_VIDEO_INFO_NAME (in),
                       colour == RFDN_COLOUR_LUMA ? "YUV" : "RGB", between);
}

/* For messages. */
static char *
describe_wrong_precision (const GstRfdnModel *model, const GError *why)
{
  return g_strdup_printf (
      _ ("With the model '%s' the property 'precision' must be auto or float32 here: %s."),
      gst_rfdn_model_get_name (model), why->message);
}

/* Says why there is no plan. If only the value of a property is to blame, the message names it. */
static void
refuse_plan (GstRfdnUpscale *self, const GstRfdnModel *model, const GstVideoInfo *in,
             const GstVideoInfo *out, const GError *why)
{
  GQuark domain;
  gint code;

  gst_rfdn_error_translate (why, &domain, &code);
  if (g_error_matches (why, RFDN_ERROR, RFDN_ERROR_PRECISION)) {
    g_autofree char *text = describe_wrong_precision (model, why);

    gst_rfdn_upscale_refuse (self, domain, code, NULL, "%s", text);
  } else {
    gst_rfdn_upscale_refuse (self, domain, code, NULL,
                             _ ("Frames of %dx%d cannot be turned into %dx%d: %s."),
                             GST_VIDEO_INFO_WIDTH (in), GST_VIDEO_INFO_HEIGHT (in),
                             GST_VIDEO_INFO_WIDTH (out), GST_VIDEO_INFO_HEIGHT (out), why->message);
  }
}

gboolean
gst_rfdn_upscale_check_precision (GstRfdnUpscale *self, GstRfdnModel *model, guint factor,
                                  RfdnPrecision precision, GError **error)
{
  g_autoptr (RfdnModel) network = NULL;
  g_autoptr (GError) why = NULL;
  g_autofree char *text = NULL;

  if (self->plan == NULL)
    return TRUE;
  network = gst_rfdn_model_get (model, factor, error);
  if (network == NULL)
    return FALSE;
  if (gst_rfdn_plan_check_precision (network, &GST_VIDEO_FILTER (self)->in_info, precision, &why))
    return TRUE;
  text = describe_wrong_precision (model, why);
  g_set_error_literal (error, why->domain, why->code, text);
  return FALSE;
}

static gboolean
make_plan (GstRfdnUpscale *self, const GstVideoInfo *in, const GstVideoInfo *out, guint factor,
           GstRfdnModel *model, const GstRfdnSettings *settings)
{
  GstRfdnSettings used = *settings;
  g_autoptr (RfdnModel) network = NULL;
  g_autoptr (RfdnModel) sharpened = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *description = NULL;
  GstRfdnPlan *plan;

  /* Free the old one first: two might not fit into memory. */
  gst_rfdn_upscale_drop_plan (self);
  if (!get_network (self, model, factor, &network))
    return FALSE;
  sharpened = sharpen (self, model, network, &used.sharpness);
  plan = gst_rfdn_plan_new (sharpened, in, out, &used, &error);
  if (plan == NULL) {
    refuse_plan (self, model, in, out, error);
    return FALSE;
  }
  description = gst_rfdn_plan_describe (plan);
  GST_INFO_OBJECT (self, "%s times %u to %dx%d: %s", GST_VIDEO_INFO_NAME (in), factor,
                   GST_VIDEO_INFO_WIDTH (out), GST_VIDEO_INFO_HEIGHT (out), description);
  tell_conversion (self, plan, in, gst_rfdn_model_get_colour (model));
  warn_of_few_threads (self, plan);
  set_plan (self, plan);
  self->refused = FALSE;
  self->plan_model = gst_rfdn_model_ref (model);
  self->plan_factor = factor;
  self->plan_settings = *settings;
  self->plan_sharpens = network != NULL && rfdn_model_get_info (network)->has_siblings;
  return TRUE;
}

static gboolean
is_same_settings (const GstRfdnSettings *a, const GstRfdnSettings *b)
{
  return a->n_threads == b->n_threads && a->tile_size == b->tile_size &&
         a->tile_overlap == b->tile_overlap && a->precision == b->precision &&
         a->reuse == b->reuse && a->stabilize == b->stabilize &&
         a->guides_chroma == b->guides_chroma && a->picture.x == b->picture.x &&
         a->picture.y == b->picture.y && a->picture.w == b->picture.w &&
         a->picture.h == b->picture.h;
}

gboolean
gst_rfdn_upscale_update_plan (GstRfdnUpscale *self, const GstVideoInfo *in, const GstVideoInfo *out,
                              gboolean is_new)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  g_autoptr (GstRfdnModel) model = NULL;
  GstRfdnSettings settings;
  GstVideoInfo shown = *out;
  const guint factors = gst_rfdn_upscale_get_choice (self).factors;
  gboolean passthrough;
  guint factor;

  GST_OBJECT_LOCK (self);
  settings = self->settings;
  settings.precision = self->used_precision;
  settings.sharpness = (float) (rint (self->sharpness * SHARPNESS_VALUES) / SHARPNESS_VALUES);
  settings.picture = gst_rfdn_size_place (in, out, self->add_borders);
  self->placement = gst_rfdn_placement_new (in, &settings.picture);
  GST_OBJECT_UNLOCK (self);
  shown.width = settings.picture.w;
  shown.height = settings.picture.h;
  factor = gst_rfdn_caps_get_factor (in, &shown, factors);
  passthrough = factor == 1 && gst_rfdn_caps_can_pass (factors) &&
                gst_rfdn_caps_is_exact (in, out, 1) && gst_rfdn_caps_is_exact (in, &shown, 1);

  if (gst_base_transform_is_passthrough (trans) != passthrough) {
    GST_INFO_OBJECT (self, "from %dx%d to %dx%d: frames %s", GST_VIDEO_INFO_WIDTH (in),
                     GST_VIDEO_INFO_HEIGHT (in), GST_VIDEO_INFO_WIDTH (out),
                     GST_VIDEO_INFO_HEIGHT (out), passthrough ? "pass untouched" : "are worked on");
    gst_base_transform_set_passthrough (trans, passthrough);
    if (!is_new)
      gst_base_transform_reconfigure_src (trans); /* to get buffers of the new size */
  }
  if (passthrough) {
    gst_rfdn_upscale_drop_plan (self);
    return TRUE;
  }

  GST_OBJECT_LOCK (self);
  model = gst_rfdn_model_ref (self->model);
  GST_OBJECT_UNLOCK (self);
  if (!is_new && self->plan != NULL && self->plan_model == model && self->plan_factor == factor &&
      is_same_settings (&settings, &self->plan_settings) &&
      (settings.sharpness == self->plan_settings.sharpness ||
       (!self->plan_sharpens && self->told_sharpness)))
    return TRUE;
  return make_plan (self, in, out, factor, model, &settings);
}
