/* gst-rfdn - a picture that the network enlarges as far as there is time
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_MOSAIC_H
#define GST_RFDN_MOSAIC_H

#include "gstrfdnforecast.h"
#include "rfdn.h"

G_BEGIN_DECLS

/* The components that a network sees, which it enlarges as a whole if there is time for that, or
 * else tile by tile: those first that gain most. Beneath them lies a ground, the whole picture by
 * a smaller network if there is time for that, or else by a Lanczos filter, which at a scale of 1
 * copies. Tiles that are as they were stay as they are.
 *
 * Used by one thread at a time, but for gst_rfdn_mosaic_set_cancelled(). Times are those of
 * g_get_monotonic_time(). */
typedef struct GstRfdnMosaic GstRfdnMosaic;

/**
 * GstRfdnWork:
 * @network: tiles that the network computed
 * @small: tiles that a smaller network enlarged in its place
 * @cheap: tiles that a plain filter enlarged in its place
 * @reused: tiles that were taken from the picture before
 * @level: which share of the picture has the network's quality, 0 to 1
 *
 * How a picture, or several, came about. Of a picture that was computed as a whole it counts all
 * tiles that it would have had.
 */
typedef struct {
  guint64 network, small, cheap, reused;
  double level;
} GstRfdnWork;

/**
 * gst_rfdn_mosaic_new:
 * @model: the network
 * @small: (nullable): a network of the same scale and colours that takes less time
 * @params: of the whole picture; with a pool. `tile_size` and `tile_overlap` are those of the
 *   pictures for which there is time
 * @error: where to say what is wrong
 *
 * Returns: (transfer full) (nullable): a mosaic, or %NULL with @error set to one of RFDN_ERROR
 */
GstRfdnMosaic *gst_rfdn_mosaic_new (RfdnModel *model, RfdnModel *small,
                                    const RfdnUpscalerParams *params, GError **error);

/** Frees @self; %NULL is ignored. */
void gst_rfdn_mosaic_free (GstRfdnMosaic *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstRfdnMosaic, gst_rfdn_mosaic_free)

guint gst_rfdn_mosaic_get_n_tiles (const GstRfdnMosaic *self);

/** The LR pixels that tile @tile depends on, where the network has a finite field of view. */
RfdnArea gst_rfdn_mosaic_get_seen (const GstRfdnMosaic *self, guint tile);

/** What it expects of the next picture, which tests put in the place of what they measured. Not
 * while a picture is being enlarged. */
GstRfdnForecast *gst_rfdn_mosaic_get_forecast (GstRfdnMosaic *self);

/** Returns: (transfer full): one line on how whole pictures are computed. */
char *gst_rfdn_mosaic_describe (const GstRfdnMosaic *self);

/**
 * gst_rfdn_mosaic_run:
 * @in: a plane for each of the network's channels
 * @out: likewise
 * @same: (array) (nullable): for each tile, whether all that it depends on is as in the run before
 *   and @out still holds what that run made of it
 * @deadline: when to have returned; %G_MAXINT64: all is to have the network's quality
 * @strength: weight of the network against the plain filter, 0 to 1
 * @work: (out): what was done
 *
 * Enlarges a picture.
 *
 * Returns: FALSE when it was cancelled; @out is then not whole, and the next run must not be told
 *   that anything is the same
 */
gboolean gst_rfdn_mosaic_run (GstRfdnMosaic *self, const RfdnPlane *in, const RfdnPlane *out,
                              const gboolean *same, gint64 deadline, double strength,
                              GstRfdnWork *work);

/** Forgets the pictures before, but not how long they took. The next run must not be told that
 * anything is the same. */
void gst_rfdn_mosaic_reset (GstRfdnMosaic *self);

/** Whether the work is wanted no more: see rfdn_upscaler_set_cancelled(). Any thread. */
void gst_rfdn_mosaic_set_cancelled (GstRfdnMosaic *self, gboolean cancelled);

G_END_DECLS

#endif /* GST_RFDN_MOSAIC_H */
