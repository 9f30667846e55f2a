/* gst-rfdn - how long the next picture will take
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_FORECAST_H
#define GST_RFDN_FORECAST_H

#include <glib.h>

G_BEGIN_DECLS

/* When to retry what took too long: later each time that it fails again soon, so that the picture
 * does not keep changing back and forth. */
typedef struct {
  gint64 failed;     /* when it took too long... */
  gint64 not_before; /* ...and when to try it again at the earliest */
  gint64 patience;   /* how long to wait */
} GstRfdnRetry;

/* What whole pictures and single tiles took, and what they would take now. Times are in
 * microseconds, of g_get_monotonic_time() or any other clock. */
typedef struct {
  guint n_tiles;
  double ratio; /* work of the whole picture divided by that of all tiles */

  guint64 n_whole; /* whole pictures so far */
  double tile_time;
  double whole_time;   /* of the last whole pictures; 0: there was none */
  gint64 compose_time; /* to fill the rest of the picture and blend the edges of tiles */

  gboolean late;      /* there was no time for the last picture */
  GstRfdnRetry whole; /* pictures as a whole */

  guint most; /* tiles that are begun when time is short */
  guint calm; /* pictures since `most` was too many, or was changed */

  /* The smaller network, which does the remaining tiles when time is short. */
  double
      small_ratio; /* its work on a whole picture divided by that of all tiles; 0: there is none */
  double small_time; /* of its last pictures; 0: there was none */
  gboolean is_small; /* there was time for it in the last picture that was late */
  GstRfdnRetry small;
} GstRfdnForecast;

/**
 * gst_rfdn_forecast_init:
 * @n_tiles: tiles of a picture
 * @whole_work: multiply-adds of a whole picture
 * @tiles_work: multiply-adds of all its tiles
 */
void gst_rfdn_forecast_init (GstRfdnForecast *self, guint n_tiles, double whole_work,
                             double tiles_work);

/** Announces a smaller network, which takes @small_work multiply-adds for a whole picture, where
 * all tiles take @tiles_work. */
void gst_rfdn_forecast_set_small (GstRfdnForecast *self, double small_work, double tiles_work);

/** A whole picture has been computed from @begin to @end. */
void gst_rfdn_forecast_add_whole (GstRfdnForecast *self, gint64 begin, gint64 end);

/** Tiles take @seconds each, with all threads at work. */
void gst_rfdn_forecast_set_tile_time (GstRfdnForecast *self, double seconds);

/** Putting tiles together took @time. */
void gst_rfdn_forecast_add_compose (GstRfdnForecast *self, gint64 time);

/** The smaller network took @time for a picture. */
void gst_rfdn_forecast_add_small (GstRfdnForecast *self, gint64 time);

/** There was time for @n_done of the @n_begun tiles that were to be computed. Updates `most`. */
void gst_rfdn_forecast_settle (GstRfdnForecast *self, guint n_begun, guint n_done);

/** Whether neither network has computed anything yet. */
gboolean gst_rfdn_forecast_is_blank (const GstRfdnForecast *self);

/** Whether @n tiles are less work than a whole picture. */
gboolean gst_rfdn_forecast_prefers_parts (const GstRfdnForecast *self, guint n);

/**
 * gst_rfdn_forecast_is_late:
 * @now: the time
 * @deadline: when a picture that is begun now is to be ready; %G_MAXINT64: at any time
 * @n: tiles of it that the network has to compute
 *
 * Returns: whether there is not enough time for all of them. After a whole picture that took too
 * long, the answer stays TRUE for a while, longer each time in a row, so that the picture does not
 * keep changing back and forth
 */
gboolean gst_rfdn_forecast_is_late (GstRfdnForecast *self, gint64 now, gint64 deadline, guint n);

/**
 * gst_rfdn_forecast_affords_small:
 * @now: the time
 * @deadline: when a picture that is begun now, and is late, is to be ready
 *
 * Returns: whether there is time for the smaller network. It is dropped at once when there is not,
 * and comes back after a while, once there is time to spare
 */
gboolean gst_rfdn_forecast_affords_small (GstRfdnForecast *self, gint64 now, gint64 deadline);

G_END_DECLS

#endif /* GST_RFDN_FORECAST_H */
