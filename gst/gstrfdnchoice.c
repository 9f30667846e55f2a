/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which model, scale and precision are in use, and whether sizes are resampled: what caps depend
 * on, and what can be refused. The properties hold what is wanted; it takes effect when the next
 * frame or caps arrive. If it cannot be had while frames flow, a warning says so, and the
 * properties go back to what is in use. */

#include "gstrfdncaps.h"
#include "gstrfdnerror.h"
#include "gstrfdni18n.h"
#include "gstrfdnplan.h"
#include "gstrfdnupscale-private.h"

#include <string.h>

GST_DEBUG_CATEGORY_EXTERN (gst_rfdn_upscale_debug);
#define GST_CAT_DEFAULT gst_rfdn_upscale_debug

typedef struct {
  char *name;
  GstRfdnScale scale;
  gboolean resample;
  RfdnPrecision precision;
  guint serial;
} Wish;

/* By its scales where @scale is auto. */
static guint
get_factors (GstRfdnScale scale, guint scales)
{
  return scale != GST_RFDN_SCALE_AUTO ? GST_RFDN_FACTOR (scale) : scales | GST_RFDN_FACTOR (1);
}

GstRfdnChoice
gst_rfdn_upscale_get_choice (GstRfdnUpscale *self)
{
  GstRfdnChoice choice;

  GST_OBJECT_LOCK (self);
  if (self->model != NULL)
    choice =
        (GstRfdnChoice){get_factors (self->used_scale, gst_rfdn_model_get_scales (self->model)),
                        self->used_resample, gst_rfdn_model_get_colour (self->model)};
  else /* a guess at the colour */
    choice =
        (GstRfdnChoice){get_factors (self->scale, gst_rfdn_model_guess_scales (self->model_name)),
                        self->resample, RFDN_COLOUR_LUMA};
  GST_OBJECT_UNLOCK (self);
  return choice;
}

/* Whether downstream, which accepts what the model in use makes, would accept what @model makes. */
static gboolean
is_taken (GstRfdnUpscale *self, GstRfdnModel *model, const Wish *wish)
{
  const GstRfdnChoice wanted = {get_factors (wish->scale, gst_rfdn_model_get_scales (model)),
                                wish->resample, gst_rfdn_model_get_colour (model)};
  const GstRfdnChoice used = gst_rfdn_upscale_get_choice (self);

  return self->model == NULL || gst_rfdn_upscale_can_become (self, &wanted) ||
         !gst_rfdn_upscale_can_become (self, &used);
}

/* The factor is known only once caps are; for integers it does not matter, a model has steps at all
 * of its scales or none. */
static guint
get_likely_factor (GstRfdnUpscale *self, const GstRfdnModel *model, const Wish *wish)
{
  const guint scales = gst_rfdn_model_get_scales (model);

  if (wish->scale != GST_RFDN_SCALE_AUTO)
    return wish->scale;
  if (scales & GST_RFDN_FACTOR (self->plan_factor))
    return self->plan_factor;
  return gst_rfdn_caps_next_factor (scales, 0);
}

static GstRfdnModel *
load (GstRfdnUpscale *self, const Wish *wish, GError **error)
{
  g_autoptr (GstRfdnModel) model = NULL;

  if (self->model != NULL && strcmp (wish->name, self->used_name) == 0)
    model = gst_rfdn_model_ref (self->model);
  else
    model = gst_rfdn_model_load (wish->name, error);
  if (model == NULL)
    return NULL;
  if (wish->scale != GST_RFDN_SCALE_AUTO) {
    g_autoptr (RfdnModel) network = gst_rfdn_model_get (model, wish->scale, error);

    if (network == NULL)
      return NULL;
  }
  if (!is_taken (self, model, wish)) {
    g_autofree char *shown = g_filename_display_name (wish->name);

    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION,
                 _ ("Downstream takes no size that the model '%s' can make."), shown);
    return NULL;
  }
  if (wish->precision == RFDN_PRECISION_INT16 &&
      !gst_rfdn_upscale_check_precision (self, model, get_likely_factor (self, model, wish),
                                         wish->precision, error))
    return NULL;
  return g_steal_pointer (&model);
}

static char *
describe_used (const GstRfdnUpscale *self, gboolean precision_only)
{
  g_autofree char *shown = NULL;

  if (precision_only) {
    g_autoptr (GEnumClass) values = g_type_class_ref (GST_TYPE_RFDN_PRECISION);

    return g_strdup_printf (_ ("The precision stays %s."),
                            g_enum_get_value (values, (gint) self->used_precision)->value_nick);
  }
  shown = g_filename_display_name (self->used_name);
  return g_strdup_printf (_ ("The model '%s' stays in use."), shown);
}

/* Not fatal: frames go on as before. A property set since then is kept. */
static void
keep (GstRfdnUpscale *self, const Wish *wish, const GError *error)
{
  static const char *const names[] = {"model", "scale", "resample", "precision"};
  const gboolean changed[] = {
      strcmp (wish->name, self->used_name) != 0, wish->scale != self->used_scale,
      wish->resample != self->used_resample, wish->precision != self->used_precision};
  const gboolean precision_only = changed[3] && !changed[0] && !changed[1] && !changed[2];
  g_autofree char *used = describe_used (self, precision_only);
  gboolean is_last;
  GQuark domain;
  gint code;

  GST_OBJECT_LOCK (self);
  is_last = self->choice_serial == wish->serial && !self->choice_pending;
  if (is_last) {
    g_free (self->model_name);
    self->model_name = g_strdup (self->used_name);
    self->scale = self->used_scale;
    self->resample = self->used_resample;
    self->precision = self->used_precision;
  }
  GST_OBJECT_UNLOCK (self);

  gst_rfdn_error_translate (error, &domain, &code);
  GST_WARNING_OBJECT (self, "%s", error->message);
  gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_WARNING, domain, code,
                            g_strdup_printf ("%s %s", error->message, used), NULL, __FILE__,
                            GST_FUNCTION, __LINE__);
  for (guint i = 0; is_last && i < G_N_ELEMENTS (names); i++) {
    if (changed[i])
      g_object_notify (G_OBJECT (self), names[i]);
  }
}

static gboolean
get_wish (GstRfdnUpscale *self, Wish *wish)
{
  gboolean is_new;

  GST_OBJECT_LOCK (self);
  is_new =
      self->model == NULL || (self->choice_serial != self->used_serial && !self->choice_pending);
  if (is_new)
    *wish = (Wish){g_strdup (self->model_name), self->scale, self->resample, self->precision,
                   self->choice_serial};
  GST_OBJECT_UNLOCK (self);
  return is_new;
}

static void
take_over (GstRfdnUpscale *self, Wish *wish, GstRfdnModel *model)
{
  gboolean is_renegotiated; /* not if only the precision changed: no caps depend on it */

  GST_INFO_OBJECT (self, "model '%s' loaded", wish->name);
  GST_OBJECT_LOCK (self);
  if (model != self->model)
    self->told_sharpness = FALSE;
  is_renegotiated = model != self->model || wish->scale != self->used_scale ||
                    wish->resample != self->used_resample;
  gst_rfdn_model_unref (self->model);
  self->model = model;
  g_free (self->used_name);
  self->used_name = g_steal_pointer (&wish->name);
  self->used_scale = wish->scale;
  self->used_resample = wish->resample;
  self->used_precision = wish->precision;
  GST_OBJECT_UNLOCK (self);
  if (is_renegotiated)
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
}

gboolean
gst_rfdn_upscale_update_choice (GstRfdnUpscale *self)
{
  g_autoptr (GError) error = NULL;
  GstRfdnModel *model;
  Wish wish;

  if (!get_wish (self, &wish))
    return TRUE;
  model = load (self, &wish, &error);
  self->used_serial = wish.serial;
  if (model != NULL) {
    take_over (self, &wish, model);
  } else if (self->model != NULL) {
    keep (self, &wish, error);
  } else {
    GQuark domain;
    gint code;

    gst_rfdn_error_translate (error, &domain, &code);
    gst_rfdn_upscale_refuse (self, domain, code, NULL, "%s", error->message);
    g_free (wish.name);
    return FALSE;
  }
  g_free (wish.name);
  return TRUE;
}
