/* gst-rfdn - when frames are to be shown
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_TIMELINE_H
#define GST_RFDN_TIMELINE_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Leads from a frame's timestamp to the running time at which the clock shows it: by the segment,
 * and by a change of the rate that sinks have carried out since without a new segment ("instant
 * rate change"), which upstream's running time knows nothing of. */
typedef struct {
  gdouble rate; /* how many times as fast as upstream's the clock's running time is used up */
  GstClockTime upstream; /* the rate holds from this running time of upstream's on... */
  GstClockTime clock;    /* ...which is this one of the clock's */

  gdouble segment_rate; /* the segment's, without its sign */
  gboolean skips;       /* frames are left out upstream, so that caps do not tell their distance */
} GstRfdnTimeline;

/** As it is at the start and after a flush: no rate but the segment's. */
void gst_rfdn_timeline_init (GstRfdnTimeline *self);

/** Takes rate and trick mode from the segment that frames are in from now on. */
void gst_rfdn_timeline_set_segment (GstRfdnTimeline *self, const GstSegment *segment);

/** Takes the trick mode from the flags of a GST_EVENT_INSTANT_RATE_CHANGE. */
void gst_rfdn_timeline_set_flags (GstRfdnTimeline *self, GstSegmentFlags flags);

/** Takes the rate from a GST_EVENT_INSTANT_RATE_SYNC_TIME. */
void gst_rfdn_timeline_set_rate (GstRfdnTimeline *self, GstEvent *event);

/** Returns: the clock's running time for upstream's; GST_CLOCK_TIME_NONE stays what it is. */
GstClockTime gst_rfdn_timeline_to_clock (const GstRfdnTimeline *self, GstClockTime upstream);

/**
 * gst_rfdn_timeline_get_time:
 * @segment: that the frame is in
 * @buffer: the frame
 *
 * Returns: the clock's running time at which the frame is to be shown, latency aside: played
 *   backwards, that of its end. GST_CLOCK_TIME_NONE if it has none
 */
GstClockTime gst_rfdn_timeline_get_time (const GstRfdnTimeline *self, const GstSegment *segment,
                                         GstBuffer *buffer);

/** Returns: how long what lasts @duration in the stream lasts by the clock; GST_CLOCK_TIME_NONE
 * stays what it is. */
GstClockTime gst_rfdn_timeline_get_duration (const GstRfdnTimeline *self, GstClockTime duration);

G_END_DECLS

#endif /* GST_RFDN_TIMELINE_H */
