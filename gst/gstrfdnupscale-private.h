/* gst-rfdn - what the files of the element share
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_UPSCALE_PRIVATE_H
#define GST_RFDN_UPSCALE_PRIVATE_H

#include "gstrfdnframe.h"
#include "gstrfdnmodel.h"
#include "gstrfdnstats.h"
#include "gstrfdnupscale.h"

G_BEGIN_DECLS

struct _GstRfdnUpscale {
  GstVideoFilter parent;

  /* Under the object lock: the application may set or ask it at any time. */
  char *model_name;
  guint model_serial; /* counts the changes of `model_name` */
  GstRfdnScale scale;
  gboolean resample;
  GstRfdnSettings settings;
  GstRfdnModel *model; /* between start and stop; the streaming thread changes it */
  GstRfdnStats stats;
  gdouble zoom_x, zoom_y; /* the output's size over the input's */
  gboolean flushing;      /* no frame in work is wanted */
  GstRfdnPlan *plan;      /* the streaming thread uses it without the lock */

  /* Of the streaming thread. */
  guint loaded_serial;      /* of the name that `model` was loaded by */
  GstRfdnModel *plan_model; /* the plan was made with these */
  GstRfdnSettings plan_settings;
  guint plan_factor;
  gboolean refused; /* it has been said why the last caps or buffers cannot be enlarged */
};

/* Says in an error message why nothing can be enlarged. Once only until caps are accepted again,
 * since upstream may come back with the same caps at each buffer. Takes @debug. */
void gst_rfdn_upscale_refuse (GstRfdnUpscale *self, GQuark domain, gint code, char *debug,
                              const char *format, ...) G_GNUC_PRINTF (5, 6);

/* The factors that are possible now. Before the model is loaded the property and the list of
 * built-in models have to do. */
guint gst_rfdn_upscale_get_factors (GstRfdnUpscale *self);

/* gstrfdnproperties.c: installs the properties, and sets their defaults. */
void gst_rfdn_upscale_class_install_properties (GObjectClass *object_class);
void gst_rfdn_upscale_init_properties (GstRfdnUpscale *self);

/* gstrfdnnegotiate.c: methods of the base class that are about caps. */
void gst_rfdn_upscale_class_install_negotiation (GstBaseTransformClass *transform_class);
gboolean gst_rfdn_upscale_sink_caps (GstRfdnUpscale *self, GstEvent *event);

G_END_DECLS

#endif /* GST_RFDN_UPSCALE_PRIVATE_H */
