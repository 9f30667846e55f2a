/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnforecast.h"

/* Weight of the newest time in a mean. */
#define NEWEST 0.5

/* Try to compute a picture as a whole if it is expected to take no more than this times the time
 * there is: the estimate from tiles is not exact, and a slightly late picture now and then is the
 * lesser evil. */
#define ENOUGH 1.1

/* How much longer the very first picture may take. */
#define COLD 2

/* How long to wait after a whole picture took too long: at first, and at most. Full quality has to
 * be back within two seconds after it has become possible again. */
#define PATIENCE (400 * G_TIME_SPAN_MILLISECOND)
#define MOST_PATIENCE (1600 * G_TIME_SPAN_MILLISECOND)

/* If whole pictures were in time for this long, trying them was right. */
#define TRUST (1000 * G_TIME_SPAN_MILLISECOND)

/* When time is short, the number of tiles to begin grows by this share, at least by one, after
 * GROWTH_PERIOD pictures in a row in which all were finished, and falls at once: tiles that come
 * and go would flicker. */
#define GROWTH 0.25
#define GROWTH_PERIOD 8

/* The smaller network comes back when it is expected to take no more than this share of the time
 * there is, so that it does not go again at once. */
#define SPARE 0.8

/* How much longer the smaller network may take per multiply-add than the larger one's tiles, whose
 * kernels run on more channels. */
#define OVERHEAD 2

/* Its measured time fades while it is not tried, or a single slow picture would rule it out for
 * good. */
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

/* What a whole picture would take, estimated from tiles. */
static double
extrapolate (const GstRfdnForecast *self)
{
  return self->tile_time * self->n_tiles * self->ratio;
}

void
gst_rfdn_forecast_add_whole (GstRfdnForecast *self, gint64 begin, gint64 end)
{
  const double time = (double) (end - begin);

  /* The first one touches memory for the first time, and may have been slower by that much. */
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
    self->small_time = (double) time / COLD; /* like the first whole picture */
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
  /* Not known yet. Tiles do as much as there is time for, and show how long that takes. */
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
    self->whole_time = whole; /* the time measured under load says nothing */
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
  /* Not known yet. One tile would be begun in any case: try the smaller network instead if it is no
   * more work. */
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
