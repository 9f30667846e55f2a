/* gst-rfdn - the latency that frames take, learnt from what they took
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_LATENCY_H
#define GST_RFDN_LATENCY_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* What a live pipeline is told: how long frames are in the element. All times are in nanoseconds,
 * and given: there is no clock here. Not safe from several threads. */

#define GST_RFDN_LATENCY_WINDOW 8

typedef struct {
  GstClockTime told;                           /* what queries are answered with */
  GstClockTime taken[GST_RFDN_LATENCY_WINDOW]; /* by the last frames, a ring */
  guint n;                                     /* frames measured */
  guint calm;                                  /* frames since less would not have done */
  guint patience;                              /* frames that less has to do for */
  guint since_less;                            /* frames since it became less */
} GstRfdnLatency;

/** Nothing is measured yet: a guess is told. */
void gst_rfdn_latency_init (GstRfdnLatency *self);

/** Frames become others, of another size for instance: what is told stays until they are
 * measured. */
void gst_rfdn_latency_forget (GstRfdnLatency *self);

/** Returns: the latency to tell. */
GstClockTime gst_rfdn_latency_get (const GstRfdnLatency *self);

/**
 * gst_rfdn_latency_add:
 * @taken: how long a frame was in work
 * @most: if the frame was cut short, in that it would have been made better with more time: the
 *   longest that it may ever take; otherwise 0
 *
 * Fits the latency to what frames take: to more at once, to less when that has done for a while.
 * Changes of less than a quarter, as far as they are short, are not worth telling.
 *
 * Returns: whether the latency to tell has changed
 */
gboolean gst_rfdn_latency_add (GstRfdnLatency *self, GstClockTime taken, GstClockTime most);

/** Whether a pipeline that was told @told has to be told of @now. */
gboolean gst_rfdn_latency_is_news (GstClockTime told, GstClockTime now);

G_END_DECLS

#endif /* GST_RFDN_LATENCY_H */
