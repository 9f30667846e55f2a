/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnlatency.h"

/* Reported before any frame has been measured: enough for most, and soon corrected. */
#define GUESS (40 * GST_MSECOND)

/* Frames do not all take the same time. */
#define RESERVE (5 * GST_MSECOND)

/* A change is reported if it is more than a quarter, or longer than this. */
#define CHANGE_PART 4
#define CHANGE_MOST (12 * GST_MSECOND)

/* Viewers notice when a pipeline changes its latency. So a lower one is reported only after it
 * would have sufficed for this many frames in a row: at first and at most. If it soon turns out to
 * be too low, the next attempt waits this many times as long. */
#define PATIENCE 4
#define PATIENCE_GROWTH 4
#define MOST_PATIENCE 2048

void
gst_rfdn_latency_init (GstRfdnLatency *self)
{
  *self = (GstRfdnLatency){.told = GUESS};
  gst_rfdn_latency_forget (self);
}

void
gst_rfdn_latency_forget (GstRfdnLatency *self)
{
  self->n = self->calm = 0;
  self->patience = PATIENCE;
  self->since_less = G_MAXUINT;
}

GstClockTime
gst_rfdn_latency_get (const GstRfdnLatency *self)
{
  return self->told;
}

gboolean
gst_rfdn_latency_is_news (GstClockTime told, GstClockTime now)
{
  const GstClockTime change = MIN (told / CHANGE_PART, CHANGE_MOST);

  return now > told + change || now + change < told;
}

/* What the last frames took, without the longest one: then the machine was busy. */
static GstClockTime
get_high (const GstRfdnLatency *self)
{
  const guint n = MIN (self->n, GST_RFDN_LATENCY_WINDOW);
  GstClockTime first = 0, second = 0;

  for (guint i = 0; i < n; i++) {
    const GstClockTime taken = self->taken[i];

    if (taken > first) {
      second = first;
      first = taken;
    } else if (taken > second) {
      second = taken;
    }
  }
  return n < 3 ? first : second;
}

static gboolean
grow (GstRfdnLatency *self, GstClockTime wanted)
{
  if (self->since_less / PATIENCE_GROWTH < self->patience)
    self->patience = MIN (self->patience * PATIENCE_GROWTH, MOST_PATIENCE);
  else
    self->patience = PATIENCE;
  self->told = wanted;
  self->calm = 0;
  return TRUE;
}

static gboolean
shrink (GstRfdnLatency *self, GstClockTime wanted)
{
  if (++self->calm < self->patience)
    return FALSE;
  self->told = wanted;
  self->calm = self->since_less = 0;
  return TRUE;
}

gboolean
gst_rfdn_latency_add (GstRfdnLatency *self, GstClockTime taken, GstClockTime most)
{
  GstClockTime wanted;

  self->taken[self->n % GST_RFDN_LATENCY_WINDOW] = taken;
  self->n = self->n + 1 < 2 * GST_RFDN_LATENCY_WINDOW ? self->n + 1 : GST_RFDN_LATENCY_WINDOW;
  if (self->since_less < G_MAXUINT)
    self->since_less++;

  wanted = get_high (self) + RESERVE;
  /* How much more time it needs is not known. */
  if (most > 0)
    wanted = MAX (wanted, MIN (2 * self->told, most + RESERVE));

  if (gst_rfdn_latency_is_news (self->told, wanted))
    return wanted > self->told ? grow (self, wanted) : shrink (self, wanted);
  self->calm = 0;
  return FALSE;
}
