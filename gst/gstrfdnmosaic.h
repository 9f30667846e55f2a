/* gst-rfdn - a picture that the network enlarges as far as there is time
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_MOSAIC_H
#define GST_RFDN_MOSAIC_H

#include "gstrfdnforecast.h"
#include "rfdn.h"

G_BEGIN_DECLS

/* Enlarges the components that a network sees: as a whole if there is time for that, else tile by
 * tile, those that gain most first. The rest shows the ground: the picture enlarged by a smaller
 * network if there is time for that, else by a Lanczos filter (a copy at a scale of 1). Unchanged
 * tiles keep their result.
 *
 * Used by one thread at a time, but for gst_rfdn_mosaic_set_cancelled(). Times are those of
 * g_get_monotonic_time(). */
typedef struct GstRfdnMosaic GstRfdnMosaic;

/**
 * GstRfdnWork:
 * @network: tiles that the network computed
 * @small: tiles that a smaller network enlarged instead
 * @cheap: tiles that a plain filter enlarged instead
 * @reused: tiles that were reused from the previous picture
 * @level: the share of the picture that has the network's quality, 0 to 1
 *
 * How one picture, or several, were made. A picture that was computed as a whole counts as all the
 * tiles it would have had.
 */
typedef struct {
  guint64 network, small, cheap, reused;
  double level;
} GstRfdnWork;

/**
 * gst_rfdn_mosaic_new:
 * @model: the network
 * @small: (nullable): a network of the same scale and colours that takes less time
 * @params: of the whole picture, with a pool. `tile_size` and `tile_overlap` are for pictures for
 * which there is enough time
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

/** What it expects of the next picture; tests overwrite it. Not while a picture is being
 * enlarged. */
GstRfdnForecast *gst_rfdn_mosaic_get_forecast (GstRfdnMosaic *self);

/** Returns: (transfer full): one line on how whole pictures are computed. */
char *gst_rfdn_mosaic_describe (const GstRfdnMosaic *self);

/**
 * gst_rfdn_mosaic_run:
 * @in: a plane for each of the network's channels
 * @out: likewise
 * @same: (array) (nullable): for each tile, whether everything it depends on is as in the previous
 * run and @out still holds that run's result
 * @deadline: when to return; %G_MAXINT64: the whole picture gets the network's quality
 * @strength: weight of the network against the plain filter, 0 to 1
 * @work: (out): what was done
 *
 * Enlarges a picture.
 *
 * Returns: FALSE when it was cancelled; @out is then incomplete, and the next run must not be told
 * that anything is the same
 */
gboolean gst_rfdn_mosaic_run (GstRfdnMosaic *self, const RfdnPlane *in, const RfdnPlane *out,
                              const gboolean *same, gint64 deadline, double strength,
                              GstRfdnWork *work);

/** Forgets the previous pictures, but not how long they took. The next run must not be told that
 * anything is the same. */
void gst_rfdn_mosaic_reset (GstRfdnMosaic *self);

/** Cancels the work, or revokes that: see rfdn_upscaler_set_cancelled(). Any thread. */
void gst_rfdn_mosaic_set_cancelled (GstRfdnMosaic *self, gboolean cancelled);

G_END_DECLS

#endif /* GST_RFDN_MOSAIC_H */
