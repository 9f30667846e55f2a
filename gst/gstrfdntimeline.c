/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdntimeline.h"

void
gst_rfdn_timeline_init (GstRfdnTimeline *self)
{
  *self = (GstRfdnTimeline){.rate = 1, .segment_rate = 1};
}

void
gst_rfdn_timeline_set_segment (GstRfdnTimeline *self, const GstSegment *segment)
{
  self->segment_rate = ABS (segment->rate);
  gst_rfdn_timeline_set_flags (self, segment->flags);
}

void
gst_rfdn_timeline_set_flags (GstRfdnTimeline *self, GstSegmentFlags flags)
{
  self->skips = (flags & (GST_SEGMENT_FLAG_TRICKMODE | GST_SEGMENT_FLAG_TRICKMODE_KEY_UNITS |
                          GST_SEGMENT_FLAG_TRICKMODE_FORWARD_PREDICTED)) != 0;
}

void
gst_rfdn_timeline_set_rate (GstRfdnTimeline *self, GstEvent *event)
{
  gst_event_parse_instant_rate_sync_time (event, &self->rate, &self->clock, &self->upstream);
}

GstClockTime
gst_rfdn_timeline_to_clock (const GstRfdnTimeline *self, GstClockTime upstream)
{
  gdouble since, time;

  if (self->rate == 1 && self->clock == self->upstream)
    return upstream;
  if (!GST_CLOCK_TIME_IS_VALID (upstream))
    return GST_CLOCK_TIME_NONE;
  since = (gdouble) GST_CLOCK_DIFF (self->upstream, upstream) / self->rate;
  time = (gdouble) self->clock + since;
  return time > 0 ? (GstClockTime) time : 0;
}

/* As basesink does it. */
GstClockTime
gst_rfdn_timeline_get_time (const GstRfdnTimeline *self, const GstSegment *segment,
                            GstBuffer *buffer)
{
  guint64 begin = GST_BUFFER_PTS (buffer), end = GST_CLOCK_TIME_NONE;

  if (segment->format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID (begin))
    return GST_CLOCK_TIME_NONE;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    end = begin + GST_BUFFER_DURATION (buffer);
  if (!gst_segment_clip (segment, GST_FORMAT_TIME, begin, end, &begin, &end))
    return GST_CLOCK_TIME_NONE;
  if (segment->rate < 0 && GST_CLOCK_TIME_IS_VALID (end))
    begin = end;
  return gst_rfdn_timeline_to_clock (self,
                                     gst_segment_to_running_time (segment, GST_FORMAT_TIME, begin));
}

GstClockTime
gst_rfdn_timeline_get_duration (const GstRfdnTimeline *self, GstClockTime duration)
{
  if (!GST_CLOCK_TIME_IS_VALID (duration))
    return GST_CLOCK_TIME_NONE;
  return (GstClockTime) ((gdouble) duration / (self->segment_rate * self->rate));
}
