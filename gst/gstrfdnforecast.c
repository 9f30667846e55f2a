/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnforecast.h"

/* Weight of the newest time in a mean. */
#define NEWEST 0.5

/* A picture is worth trying to compute as a whole if it can be expected to take no more than this
 * times what there is: what tiles tell of it is not exact, and a picture that is a little late now
 * and then is the lesser evil. */
#define ENOUGH 1.1

/* How many times as long the very first picture may take. */
#define COLD 2

/* How long to wait after a whole picture that took too long: at first, and at most. Full quality
 * has to be back within two seconds of the time from which on it is possible. */
#define PATIENCE (400 * G_TIME_SPAN_MILLISECOND)
#define MOST_PATIENCE (1600 * G_TIME_SPAN_MILLISECOND)

/* Whole pictures that were in time for so long were no mistake. */
#define TRUST (1000 * G_TIME_SPAN_MILLISECOND)

void
gst_rfdn_forecast_init (GstRfdnForecast *self, guint n_tiles, double whole_work, double tiles_work)
{
  *self =
      (GstRfdnForecast){.n_tiles = n_tiles, .ratio = whole_work / tiles_work, .patience = PATIENCE};
}

static double
get_mean (double mean, double newest)
{
  return mean > 0 ? mean + NEWEST * (newest - mean) : newest;
}

/* What a whole picture would take, by what tiles take. */
static double
extrapolate (const GstRfdnForecast *self)
{
  return self->tile_time * self->n_tiles * self->ratio;
}

void
gst_rfdn_forecast_add_whole (GstRfdnForecast *self, gint64 begin, gint64 end)
{
  const double time = (double) (end - begin);

  /* The first one finds memory that has never been used: that much slower it may have been. */
  if (self->n_whole++ == 0)
    self->whole_time = time / COLD;
  else
    self->whole_time = get_mean (self->whole_time, time);
}

void
gst_rfdn_forecast_set_tile_time (GstRfdnForecast *self, double seconds)
{
  self->tile_time = seconds * G_USEC_PER_SEC;
}

void
gst_rfdn_forecast_add_compose (GstRfdnForecast *self, gint64 time)
{
  self->compose_time = (gint64) get_mean ((double) self->compose_time, (double) time);
}

gboolean
gst_rfdn_forecast_prefers_parts (const GstRfdnForecast *self, guint n)
{
  return n < self->ratio * self->n_tiles;
}

/* Whole pictures have just turned out to take too long. */
static void
become_late (GstRfdnForecast *self, gint64 now)
{
  self->patience = now - self->late_since < self->patience + TRUST
                       ? MIN (2 * self->patience, MOST_PATIENCE)
                       : PATIENCE;
  self->late = TRUE;
  self->late_since = now;
  self->not_before = now + self->patience;
}

gboolean
gst_rfdn_forecast_is_late (GstRfdnForecast *self, gint64 now, gint64 deadline, guint n)
{
  const double time = (double) (deadline - now);
  double whole;

  if (deadline == G_MAXINT64 || n == 0)
    return FALSE;
  /* Nobody knows yet. Tiles do as much as there is time for, and tell how long that takes. */
  if (self->whole_time <= 0 && self->tile_time <= 0)
    return TRUE;
  if (gst_rfdn_forecast_prefers_parts (self, n))
    return n * self->tile_time > time;

  if (!self->late) {
    if ((self->whole_time > 0 ? self->whole_time : extrapolate (self)) > time)
      become_late (self, now);
    return self->late;
  }
  whole = self->tile_time > 0 ? extrapolate (self) : self->whole_time;
  if (now >= self->not_before && whole < ENOUGH * time) {
    self->late = FALSE;
    self->whole_time = whole; /* what it was under load is no measure */
  }
  return self->late;
}
