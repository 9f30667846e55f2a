/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnpacer.h"

/* Shares of a frame's duration. Frames should be ready RESERVE before they are needed (MOST_RESERVE
 * at most), and none may take more than MOST: otherwise frames that arrive early, thanks to a queue
 * or to latency, would use up that head start, and nothing would be left for a moment in which the
 * machine is busy. If frames arrive with less than ROOM left, they cannot all be in time whatever
 * is done: they may take MOST, and must not get any later than that makes them. */
#define RESERVE 0.15
#define MOST_RESERVE (5 * (GstClockTimeDiff) GST_MSECOND)
#define MOST 0.9
#define ROOM 0.5

/* The part of the idle time between two frames that may be used without making others wait: frames
 * that arrive too late do not get any later by it. */
#define IDLE_PART 0.5

/* A measured delay of arrival is forgotten after this time. */
#define DELAY_MEMORY (2 * GST_SECOND)

/* For how long frames may be dropped in a row, as a time and in durations of a frame. Sinks do the
 * same: the viewer has to see something. */
#define MOST_LEFT_OUT GST_SECOND
#define MOST_LEFT_OUT_FRAMES 2

void
gst_rfdn_pacer_init (GstRfdnPacer *self)
{
  *self = (GstRfdnPacer){.fixed_duration = GST_CLOCK_TIME_NONE};
  gst_rfdn_pacer_reset (self);
}

void
gst_rfdn_pacer_reset (GstRfdnPacer *self)
{
  *self = (GstRfdnPacer){.fixed_duration = self->fixed_duration,
                         .has_qos = self->has_qos,
                         .margin = self->margin,
                         .duration = GST_CLOCK_TIME_NONE,
                         .last_time = GST_CLOCK_TIME_NONE,
                         .last_end = GST_CLOCK_TIME_NONE,
                         .delay_since = GST_CLOCK_TIME_NONE};
  for (guint i = 0; i < GST_RFDN_PACER_MEMORY; i++)
    self->frames[i].time = GST_CLOCK_TIME_NONE;
}

void
gst_rfdn_pacer_set_duration (GstRfdnPacer *self, GstClockTime duration)
{
  self->fixed_duration = duration;
}

GstClockTime
gst_rfdn_pacer_get_duration (const GstRfdnPacer *self)
{
  return GST_CLOCK_TIME_IS_VALID (self->fixed_duration) ? self->fixed_duration : self->duration;
}

GstClockTime
gst_rfdn_pacer_get_most (const GstRfdnPacer *self)
{
  const GstClockTime duration = gst_rfdn_pacer_get_duration (self);

  return GST_CLOCK_TIME_IS_VALID (duration) ? (GstClockTime) (MOST * (double) duration) : 0;
}

gboolean
gst_rfdn_pacer_is_paced (const GstRfdnPacer *self, gboolean live)
{
  return live || self->has_qos;
}

/* The frame that a sink reports on. Its time may be slightly off: sinks work it out backwards after
 * a change of rate. Returns GST_RFDN_PACER_MEMORY if the frame is no longer known. */
static guint
find_frame (const GstRfdnPacer *self, GstClockTime time)
{
  const GstClockTime duration = gst_rfdn_pacer_get_duration (self);
  const GstClockTime tolerance = GST_CLOCK_TIME_IS_VALID (duration) ? duration / 4 : 0;

  for (guint i = 0; i < GST_RFDN_PACER_MEMORY; i++) {
    if (GST_CLOCK_TIME_IS_VALID (self->frames[i].time) &&
        (GstClockTime) ABS (GST_CLOCK_DIFF (self->frames[i].time, time)) <= tolerance)
      return i;
  }
  return GST_RFDN_PACER_MEMORY;
}

/* Sinks that do not synchronise report a jitter of 0 for all frames. A frame that was late took all
 * the time that was left when it was ready, and more; one that was early took less than that. */
void
gst_rfdn_pacer_add_qos (GstRfdnPacer *self, GstClockTime time, GstClockTimeDiff jitter)
{
  GstClockTimeDiff taken;
  guint i;

  if (jitter == 0)
    return;
  self->has_qos = TRUE;
  i = find_frame (self, time);
  /* A frame that was already late here tells nothing. */
  if (i == GST_RFDN_PACER_MEMORY || self->frames[i].left < 0)
    return;
  taken = MAX (self->frames[i].left + jitter, 0);
  if (jitter > 0)
    self->margin += (taken - self->margin) / 2;
  else if (taken < self->margin)
    self->margin += (taken - self->margin) / 8;
}

/* Varying durations are measured between frames, and smoothed. */
static void
measure_duration (GstRfdnPacer *self, GstClockTime time)
{
  if (GST_CLOCK_TIME_IS_VALID (self->last_time) && time > self->last_time) {
    const GstClockTime duration = time - self->last_time;

    self->duration =
        GST_CLOCK_TIME_IS_VALID (self->duration) ? (3 * self->duration + duration) / 4 : duration;
  }
  self->last_time = time;
}

static void
measure_delay (GstRfdnPacer *self, GstClockTimeDiff delay, GstClockTime now)
{
  if (!GST_CLOCK_TIME_IS_VALID (self->delay_since) || delay <= self->delay ||
      now > self->delay_since + DELAY_MEMORY) {
    self->delay = delay;
    self->delay_since = now;
  }
}

/* Whether another frame was kept recently. */
static gboolean
may_leave_out (const GstRfdnPacer *self, GstClockTime duration, GstClockTime now)
{
  return GST_CLOCK_TIME_IS_VALID (self->last_end) &&
         now < self->last_end + MAX (MOST_LEFT_OUT, MOST_LEFT_OUT_FRAMES * duration);
}

GstClockTimeDiff
gst_rfdn_pacer_get_lateness (GstRfdnPacer *self, GstClockTime time, GstClockTime upstream,
                             GstClockTime now)
{
  const GstClockTimeDiff delay = GST_CLOCK_DIFF (time, now);
  GstClockTimeDiff waited;
  GstClockTime duration;

  measure_duration (self, time);
  duration = gst_rfdn_pacer_get_duration (self);
  if (!GST_CLOCK_TIME_IS_VALID (duration) || !GST_CLOCK_TIME_IS_VALID (self->delay_since))
    return 0;
  waited = MIN (delay - self->delay, delay - (GstClockTimeDiff) upstream);
  if (waited < (GstClockTimeDiff) duration)
    return 0;
  if (!may_leave_out (self, duration, now)) {
    self->delay_since = GST_CLOCK_TIME_NONE; /* then all frames arrive this late */
    return 0;
  }
  return waited;
}

GstClockTimeDiff
gst_rfdn_pacer_begin (GstRfdnPacer *self, GstClockTime time, GstClockTime latency, GstClockTime now)
{
  const GstClockTimeDiff delay = GST_CLOCK_DIFF (time, now);
  const GstClockTimeDiff slack = (GstClockTimeDiff) latency - delay;
  GstClockTimeDiff most, budget, idle = 0;
  GstClockTime duration;
  double room;

  measure_duration (self, time);
  measure_delay (self, delay, now);
  duration = gst_rfdn_pacer_get_duration (self);
  if (!GST_CLOCK_TIME_IS_VALID (duration))
    return slack - self->margin;

  most = (GstClockTimeDiff) gst_rfdn_pacer_get_most (self);
  room = (double) ((GstClockTimeDiff) latency - self->delay - self->margin) / (double) duration;
  if (room > -1 && room < ROOM)
    budget = most - (delay - self->delay);
  else
    budget =
        slack - self->margin - MIN ((GstClockTimeDiff) (RESERVE * (double) duration), MOST_RESERVE);
  if (GST_CLOCK_TIME_IS_VALID (self->last_end))
    idle = (GstClockTimeDiff) (IDLE_PART * (double) GST_CLOCK_DIFF (self->last_end, now));
  return MIN (MAX (budget, idle), most);
}

void
gst_rfdn_pacer_end (GstRfdnPacer *self, GstClockTime time, GstClockTime latency, GstClockTime now)
{
  self->last_end = now;
  self->frames[self->next].time = time;
  self->frames[self->next].left = GST_CLOCK_DIFF (now, time + latency);
  self->next = (self->next + 1) % GST_RFDN_PACER_MEMORY;
}
