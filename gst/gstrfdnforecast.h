/* gst-rfdn - how long the next picture will take
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_FORECAST_H
#define GST_RFDN_FORECAST_H

#include <glib.h>

G_BEGIN_DECLS

/* What whole pictures and single tiles took, and what they would take now. Times are in
 * microseconds, of g_get_monotonic_time() or any other clock. */
typedef struct {
  guint n_tiles;
  double ratio; /* work of the whole picture over that of all tiles */

  guint64 n_whole; /* whole pictures so far */
  double tile_time;
  double whole_time;   /* of the last whole pictures; 0: there was none */
  gint64 compose_time; /* to fill and fade the tiles' surroundings */

  gboolean late;     /* there was no time for the last picture */
  gint64 late_since; /* a whole picture took too long at that time... */
  gint64 not_before; /* ...and is not tried again before this one */
  gint64 patience;   /* how long that is */
} GstRfdnForecast;

/**
 * gst_rfdn_forecast_init:
 * @n_tiles: tiles of a picture
 * @whole_work: multiply-adds of a whole picture
 * @tiles_work: multiply-adds of all its tiles
 */
void gst_rfdn_forecast_init (GstRfdnForecast *self, guint n_tiles, double whole_work,
                             double tiles_work);

/** A whole picture has been computed from @begin to @end. */
void gst_rfdn_forecast_add_whole (GstRfdnForecast *self, gint64 begin, gint64 end);

/** Tiles take @seconds each, with all threads at work. */
void gst_rfdn_forecast_set_tile_time (GstRfdnForecast *self, double seconds);

/** Putting tiles together took @time. */
void gst_rfdn_forecast_add_compose (GstRfdnForecast *self, gint64 time);

/** Whether @n of the tiles are less work than a whole picture. */
gboolean gst_rfdn_forecast_prefers_parts (const GstRfdnForecast *self, guint n);

/**
 * gst_rfdn_forecast_is_late:
 * @now: the time
 * @deadline: when a picture that is begun now is to be ready; %G_MAXINT64: at any time
 * @n: tiles of it that the network has to compute
 *
 * Returns: whether there is not enough time for all of them. After a whole picture that took too
 *   long, the answer stays for a while, longer at each time in succession: so that pictures do not
 *   change to and fro
 */
gboolean gst_rfdn_forecast_is_late (GstRfdnForecast *self, gint64 now, gint64 deadline, guint n);

G_END_DECLS

#endif /* GST_RFDN_FORECAST_H */
