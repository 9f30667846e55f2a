/* gst-rfdn - the element's plan, from caps and properties to the frame that is abandoned
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_PLAN_H
#define GST_RFDN_PLAN_H

#include "gstrfdnupscale-private.h"

G_BEGIN_DECLS

/* A plan (#GstRfdnPlan, gstrfdnframe.h) is all that is needed to enlarge frames of one format and
 * size by one model: networks bound to the size, threads, conversions, memory. It is made when caps
 * are set, or before a frame when a property that it depends on has changed. The element has none
 * while frames pass untouched, and none while it is stopped.
 *
 * The element owns it, and has at most one: the old one goes before the new one is made. It belongs
 * to whoever holds the stream lock of the sink pad: the streaming thread, a thread of upstream with
 * an ALLOCATION query, for which the base class may renegotiate, and the one that stops the
 * element. The object lock is for those who abandon the frame in work meanwhile, from any thread:
 * it is held to exchange the pointer and to cancel, never while computing. */

/**
 * gst_rfdn_upscale_update_plan:
 * @in: what frames are
 * @out: what they become
 * @is_new: whether one of these is new
 *
 * Brings the plan up to date with the properties; a new one is made if frames are new, or if
 * something of what the plan was made with has changed. Needs a model. With the stream lock.
 *
 * Returns: FALSE, with an error told, if frames cannot be enlarged so
 */
gboolean gst_rfdn_upscale_update_plan (GstRfdnUpscale *self, const GstVideoInfo *in,
                                       const GstVideoInfo *out, gboolean is_new);

/**
 * gst_rfdn_upscale_check_precision:
 * @model: what may come to be used, by @factor
 * @error: where to say why not
 *
 * With the stream lock.
 *
 * Returns: FALSE, with @error set, if there is a plan, and a plan of the same frames with
 * @precision would not be possible
 */
gboolean gst_rfdn_upscale_check_precision (GstRfdnUpscale *self, GstRfdnModel *model, guint factor,
                                           RfdnPrecision precision, GError **error);

/** Frees the plan, if there is one. With the stream lock, or when nobody else has the element. */
void gst_rfdn_upscale_drop_plan (GstRfdnUpscale *self);

/** Abandons the frame in work, and later ones until it is taken back. Any thread. */
void gst_rfdn_upscale_set_flushing (GstRfdnUpscale *self, gboolean flushing);

/** The same, and neither frames nor queries get a new plan. Unlike a flush, upstream cannot end it.
 * Any thread. */
void gst_rfdn_upscale_set_stopped (GstRfdnUpscale *self, gboolean stopped);
gboolean gst_rfdn_upscale_is_stopped (GstRfdnUpscale *self);

G_END_DECLS

#endif /* GST_RFDN_PLAN_H */
