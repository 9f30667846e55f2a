/* gst-rfdn - the element's latency, learnt from how long frames take
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_LATENCY_H
#define GST_RFDN_LATENCY_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* The latency to report to a live pipeline: how long frames stay in the element. All times are in
 * nanoseconds and passed in: there is no clock here. Not thread-safe. */

#define GST_RFDN_LATENCY_WINDOW 8

typedef struct {
  GstClockTime told;                           /* the answer to queries */
  GstClockTime taken[GST_RFDN_LATENCY_WINDOW]; /* by the last frames, a ring buffer */
  guint n;                                     /* frames measured */
  guint calm;       /* frames since a lower latency would not have sufficed */
  guint patience;   /* frames for which a lower one has to suffice */
  guint since_less; /* frames since it was lowered */
} GstRfdnLatency;

/** Nothing is measured yet: reports a guess. */
void gst_rfdn_latency_init (GstRfdnLatency *self);

/** The kind of frames changes, their size for instance: the reported latency stays until the new
 * ones are measured. */
void gst_rfdn_latency_forget (GstRfdnLatency *self);

/** Returns: the latency to report. */
GstClockTime gst_rfdn_latency_get (const GstRfdnLatency *self);

/**
 * gst_rfdn_latency_add:
 * @taken: how long a frame was in work
 * @most: if more time would have made the frame better, the longest that it may ever take;
 * otherwise 0
 *
 * Adapts the latency to how long frames take: raises it at once, lowers it when that would have
 * sufficed for a while. Changes that are short and less than a quarter are not reported.
 *
 * Returns: whether the latency to report has changed
 */
gboolean gst_rfdn_latency_add (GstRfdnLatency *self, GstClockTime taken, GstClockTime most);

/** Whether a pipeline that was told @told has to be told about @now. */
gboolean gst_rfdn_latency_is_news (GstClockTime told, GstClockTime now);

G_END_DECLS

#endif /* GST_RFDN_LATENCY_H */
