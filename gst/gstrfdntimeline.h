/* gst-rfdn - when frames are to be shown
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_TIMELINE_H
#define GST_RFDN_TIMELINE_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Maps a frame's timestamp to the clock's running time: by the segment, and by a change of rate
 * that sinks have made since without a new segment ("instant rate change"), which upstream's
 * running time does not include. */
typedef struct {
  gdouble rate;          /* how fast upstream's running time passes, compared with the clock's */
  GstClockTime upstream; /* the rate holds from this upstream running time on... */
  GstClockTime clock;    /* ...which is this running time of the clock */

  gdouble segment_rate; /* the segment's, without its sign */
  gboolean skips;       /* upstream skips frames, so that caps do not tell their distance */
} GstRfdnTimeline;

/** The state at the start and after a flush: no rate but the segment's. */
void gst_rfdn_timeline_init (GstRfdnTimeline *self);

/** Takes rate and trick mode from the segment of the frames to come. */
void gst_rfdn_timeline_set_segment (GstRfdnTimeline *self, const GstSegment *segment);

/** Takes the trick mode from the flags of a GST_EVENT_INSTANT_RATE_CHANGE. */
void gst_rfdn_timeline_set_flags (GstRfdnTimeline *self, GstSegmentFlags flags);

/** Takes the rate from a GST_EVENT_INSTANT_RATE_SYNC_TIME. */
void gst_rfdn_timeline_set_rate (GstRfdnTimeline *self, GstEvent *event);

/** Returns: the clock's running time for an upstream one; GST_CLOCK_TIME_NONE stays. */
GstClockTime gst_rfdn_timeline_to_clock (const GstRfdnTimeline *self, GstClockTime upstream);

/**
 * gst_rfdn_timeline_get_time:
 * @segment: that the frame is in
 * @buffer: the frame
 *
 * Returns: the clock's running time at which to show the frame, without latency; for backwards
 * playback that of its end. GST_CLOCK_TIME_NONE if it has none
 */
GstClockTime gst_rfdn_timeline_get_time (const GstRfdnTimeline *self, const GstSegment *segment,
                                         GstBuffer *buffer);

/** Returns: how long @duration of the stream lasts by the clock; GST_CLOCK_TIME_NONE stays. */
GstClockTime gst_rfdn_timeline_get_duration (const GstRfdnTimeline *self, GstClockTime duration);

G_END_DECLS

#endif /* GST_RFDN_TIMELINE_H */
