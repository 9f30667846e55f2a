/* gst-rfdn - the element's plan: made from caps and properties, until its frame is abandoned
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_PLAN_H
#define GST_RFDN_PLAN_H

#include "gstrfdnupscale-private.h"

G_BEGIN_DECLS

/* A plan (#GstRfdnPlan, gstrfdnframe.h) holds all that is needed to enlarge frames of one format
 * and size by one model: networks bound to the size, threads, conversions, memory. It is made when
 * caps are set, or before a frame when a property that it depends on has changed. The element has
 * none while frames pass through untouched or while it is stopped.
 *
 * The element has at most one: the old one is freed before the new one is made. Only the holder of
 * the sink pad's stream lock may use it: the streaming thread, an upstream thread with an
 * ALLOCATION query, for which the base class may renegotiate, and the thread that stops the
 * element. Any thread may abandon the frame in work: for that the object lock is held, to exchange
 * the pointer and to cancel, never while computing. */

/**
 * gst_rfdn_upscale_update_plan:
 * @in: what frames are
 * @out: what they become
 * @is_new: whether one of these is new
 *
 * Brings the plan up to date with the properties; makes a new one if the frames are new, or if
 * anything that the plan was made from has changed. Needs a model. With the stream lock.
 *
 * Returns: FALSE, with an error posted, if frames cannot be enlarged that way
 */
gboolean gst_rfdn_upscale_update_plan (GstRfdnUpscale *self, const GstVideoInfo *in,
                                       const GstVideoInfo *out, gboolean is_new);

/**
 * gst_rfdn_upscale_check_precision:
 * @model: the model that may be used, with @factor
 * @error: where to say why not
 *
 * With the stream lock.
 *
 * Returns: FALSE, with @error set, if there is a plan, but none would be possible for the same
 * frames with @precision
 */
gboolean gst_rfdn_upscale_check_precision (GstRfdnUpscale *self, GstRfdnModel *model, guint factor,
                                           RfdnPrecision precision, GError **error);

/** Frees the plan, if there is one. With the stream lock, or when nobody else uses the element. */
void gst_rfdn_upscale_drop_plan (GstRfdnUpscale *self);

/** Abandons the frame in work, and later ones until this is revoked. Any thread. */
void gst_rfdn_upscale_set_flushing (GstRfdnUpscale *self, gboolean flushing);

/** The same, and no frame or query gets a new plan. Unlike a flush, upstream cannot end it. Any
 * thread. */
void gst_rfdn_upscale_set_stopped (GstRfdnUpscale *self, gboolean stopped);
gboolean gst_rfdn_upscale_is_stopped (GstRfdnUpscale *self);

G_END_DECLS

#endif /* GST_RFDN_PLAN_H */
