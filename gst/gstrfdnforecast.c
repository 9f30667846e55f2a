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

/* When time is short, how many tiles are begun grows by GROWTH of them, and at least by one, once
 * in so many pictures in which all were done, and falls at once: tiles that come and go would
 * flicker. */
#define GROWTH 0.25
#define GROWTH_PERIOD 8

/* The smaller network comes back when it can be expected to take no more than this of the time that
 * there is, so that it does not go again at once. */
#define SPARE 0.8

/* How much longer it may take for its work than the other network's tiles, whose kernels have more
 * to do at a time. */
#define OVERHEAD 2

/* What is known of it fades while it is not tried, or a single slow picture would keep it away. */
#define FORGET 0.98

void
gst_rfdn_forecast_init (GstRfdnForecast *self, guint n_tiles, double whole_work, double tiles_work)
{
  *self = (GstRfdnForecast){
      .n_tiles = n_tiles,
      .ratio = whole_work / tiles_work,
      .most = n_tiles,
      .whole.patience = PATIENCE,
      .small.patience = PATIENCE,
  };
}

void
gst_rfdn_forecast_set_small (GstRfdnForecast *self, double small_work, double tiles_work)
{
  self->small_ratio = small_work / tiles_work;
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
gst_rfdn_forecast_add_small (GstRfdnForecast *self, gint64 time)
{
  if (self->small_time <= 0)
    self->small_time = (double) time / COLD; /* as of the first whole picture */
  else
    self->small_time = get_mean (self->small_time, (double) time);
}

void
gst_rfdn_forecast_settle (GstRfdnForecast *self, guint n_begun, guint n_done)
{
  if (n_done < n_begun) {
    self->most = (n_begun + n_done) / 2;
    self->calm = 0;
  } else if (++self->calm >= GROWTH_PERIOD) {
    self->most = MIN (self->most + MAX ((guint) (GROWTH * self->most), 1), self->n_tiles);
    self->calm = 0;
  }
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

gboolean
gst_rfdn_forecast_is_blank (const GstRfdnForecast *self)
{
  return self->whole_time <= 0 && self->tile_time <= 0 && self->small_time <= 0;
}

static void
fail (GstRfdnRetry *retry, gint64 now)
{
  retry->patience = now - retry->failed < retry->patience + TRUST
                        ? MIN (2 * retry->patience, MOST_PATIENCE)
                        : PATIENCE;
  retry->failed = now;
  retry->not_before = now + retry->patience;
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
    self->late = (self->whole_time > 0 ? self->whole_time : extrapolate (self)) > time;
    if (self->late)
      fail (&self->whole, now);
    return self->late;
  }
  whole = self->tile_time > 0 ? extrapolate (self) : self->whole_time;
  if (now >= self->whole.not_before && whole < ENOUGH * time) {
    self->late = FALSE;
    self->whole_time = whole; /* what it was under load is no measure */
  }
  return self->late;
}

gboolean
gst_rfdn_forecast_affords_small (GstRfdnForecast *self, gint64 now, gint64 deadline)
{
  const double time = (double) (deadline - now - self->compose_time);
  double small = self->small_time;

  if (self->small_ratio <= 0)
    return FALSE;
  if (small <= 0 && self->tile_time > 0)
    small = OVERHEAD * self->tile_time * self->n_tiles * self->small_ratio;
  /* Nobody knows yet. One tile would be begun in any case: rather this, if it is no more. */
  if (small <= 0 && self->small_ratio * self->n_tiles > 1)
    return FALSE;

  if (self->is_small) {
    self->is_small = small < time;
    if (!self->is_small)
      fail (&self->small, now);
  } else if (now >= self->small.not_before) {
    self->is_small = small < SPARE * time;
    if (!self->is_small)
      self->small_time *= FORGET;
  }
  return self->is_small;
}
