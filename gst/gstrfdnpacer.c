/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnpacer.h"

/* Shares of a frame's duration. Frames are to be ready by RESERVE before they are needed, and none
 * takes more than MOST: or those that a queue or latency lets arrive early would use up all of that
 * first, and nothing would be left for a moment in which the machine is busy. Where frames arrive
 * with less than ROOM before they are to be shown, they cannot all be in time, whatever is done:
 * they may take MOST, and are to be no later than that makes them. */
#define RESERVE 0.15
#define MOST 0.9
#define ROOM 0.5

/* The part of the time between two frames, with nothing to do, that can be taken without others
 * having to wait: frames that come too late already are not made any later. */
#define IDLE_PART 0.5

/* What is known of the time that frames arrive with is forgotten after so long. */
#define SLACK_MEMORY (2 * GST_SECOND)

/* The latency that is told: at first and at most, in quarters of a frame's duration, and how many
 * times in succession less would have done before it becomes that. */
#define STEPS_A_FRAME 4
#define MOST_STEPS 6
#define CALM 8

void
gst_rfdn_pacer_init (GstRfdnPacer *self)
{
  self->fixed_duration = GST_CLOCK_TIME_NONE;
  self->steps = MOST_STEPS;
  gst_rfdn_pacer_reset (self);
}

void
gst_rfdn_pacer_reset (GstRfdnPacer *self)
{
  const GstClockTime fixed = self->fixed_duration;
  const guint steps = self->steps;

  *self = (GstRfdnPacer){.fixed_duration = fixed,
                         .duration = GST_CLOCK_TIME_NONE,
                         .last_time = GST_CLOCK_TIME_NONE,
                         .last_end = GST_CLOCK_TIME_NONE,
                         .slack_since = GST_CLOCK_TIME_NONE,
                         .steps = steps};
  for (guint i = 0; i < GST_RFDN_PACER_MEMORY; i++)
    self->frames[i].time = GST_CLOCK_TIME_NONE;
}

void
gst_rfdn_pacer_set_duration (GstRfdnPacer *self, GstClockTime duration)
{
  self->fixed_duration = duration;
  self->steps = MOST_STEPS;
  self->calm = 0;
}

static GstClockTime
get_duration (const GstRfdnPacer *self)
{
  return GST_CLOCK_TIME_IS_VALID (self->fixed_duration) ? self->fixed_duration : self->duration;
}

gboolean
gst_rfdn_pacer_is_paced (const GstRfdnPacer *self, gboolean live)
{
  return live || self->has_qos;
}

/* Sinks that do not synchronise say that all frames are neither late nor early. A frame that was
 * late has taken all that was left when it was ready and more; of one that was
 * early it is known that it has taken no more than that. */
void
gst_rfdn_pacer_add_qos (GstRfdnPacer *self, GstClockTime time, GstClockTimeDiff jitter)
{
  if (jitter == 0)
    return;
  self->has_qos = TRUE;
  for (guint i = 0; i < GST_RFDN_PACER_MEMORY; i++) {
    if (self->frames[i].time != time)
      continue;
    const GstClockTimeDiff taken = MAX (self->frames[i].left + jitter, 0);

    /* From a frame that was late here already nothing can be learnt. */
    if (self->frames[i].left < 0)
      return;
    if (jitter > 0)
      self->margin += (taken - self->margin) / 2;
    else if (taken < self->margin)
      self->margin += (taken - self->margin) / 8;
    return;
  }
}

/* Durations that vary are those between frames, smoothed. */
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
measure_slack (GstRfdnPacer *self, GstClockTimeDiff slack, GstClockTime now)
{
  if (!GST_CLOCK_TIME_IS_VALID (self->slack_since) || slack >= self->slack ||
      now > self->slack_since + SLACK_MEMORY) {
    self->slack = slack;
    self->slack_since = now;
  }
}

GstClockTimeDiff
gst_rfdn_pacer_begin (GstRfdnPacer *self, GstClockTime time, GstClockTime latency, GstClockTime now)
{
  const GstClockTimeDiff slack = GST_CLOCK_DIFF (now, time + latency);
  GstClockTimeDiff most, budget, idle = 0;
  GstClockTime duration;
  double room;

  measure_duration (self, time);
  measure_slack (self, slack, now);
  duration = get_duration (self);
  if (!GST_CLOCK_TIME_IS_VALID (duration))
    return slack - self->margin;

  most = (GstClockTimeDiff) (MOST * (double) duration);
  room = (double) (self->slack - self->margin) / (double) duration;
  if (room > -1 && room < ROOM)
    budget = most - (self->slack - slack);
  else
    budget = slack - self->margin - (GstClockTimeDiff) (RESERVE * (double) duration);
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

/* ---- latency ------------------------------------------------------------------------------- */

GstClockTime
gst_rfdn_pacer_get_latency (const GstRfdnPacer *self)
{
  const GstClockTime duration = get_duration (self);

  return GST_CLOCK_TIME_IS_VALID (duration) ? self->steps * duration / STEPS_A_FRAME : 0;
}

gboolean
gst_rfdn_pacer_update_latency (GstRfdnPacer *self, GstClockTime longest, gboolean whole)
{
  const GstClockTime duration = get_duration (self);
  guint wanted = MOST_STEPS;

  if (!GST_CLOCK_TIME_IS_VALID (duration) || duration == 0)
    return FALSE;
  if (whole) {
    const double needed = 1.5 * (double) longest / (double) duration + RESERVE;

    wanted = (guint) MIN (needed * STEPS_A_FRAME + 1, MOST_STEPS);
  }
  if (wanted > self->steps) {
    self->steps = wanted;
    self->calm = 0;
    return TRUE;
  }
  /* A pipeline that changes its latency shows it: not for little, and not soon. */
  self->calm = wanted + 2 <= self->steps ? self->calm + 1 : 0;
  if (self->calm < CALM)
    return FALSE;
  self->steps = wanted;
  self->calm = 0;
  return TRUE;
}
