/* gst-rfdn - how the components of a frame reach the network and the resamplers
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_FRAME_H
#define GST_RFDN_FRAME_H

#include <gst/video/video.h>
#include "gstrfdnmosaic.h"
#include "rfdn.h"

G_BEGIN_DECLS

/* A plan says what happens to each component of a frame, for one network, format and size:
 *
 * - the network's own components (Y, or R, G and B) go to it as they lie in the frame;
 * - chroma and alpha go to a resampler;
 * - when the frame lacks the network's components (a luma network and RGB frames, or the reverse),
 *   it is converted to a small intermediate frame that has them, and the large intermediate one is
 *   converted back;
 * - when the network's scale does not lead to the requested size, GStreamer's converter does the
 *   rest.
 *
 * Everything that can fail happens when the plan is made; running it does not allocate. */
typedef struct GstRfdnPlan GstRfdnPlan;

/** How to compute: see the fields of the same names of #RfdnUpscalerParams. `reuse`: whether to
 * keep the result of what has not changed since the last frame. `stabilize`: whether to keep what
 * that takes, so that frames can be stabilized. `guides_chroma`: whether chroma that no network
 * sees follows luma. `sharpness`: what the network was sharpened by (rfdn_model_sharpen()), for the
 * one that stands in for it where time is short. `picture`: where in the large frame the picture
 * is, with black borders around it (of no size: all of it, without borders). */
typedef struct {
  guint n_threads;
  guint tile_size;
  gint tile_overlap;
  RfdnPrecision precision;
  gboolean reuse;
  gboolean stabilize;
  gboolean guides_chroma;
  float sharpness;
  GstVideoRectangle picture;
} GstRfdnSettings;

/** What may change from frame to frame. `network`: weight of the network against the plain filter,
 * 0 to 1. `stabilize`: how much of the frame before is kept where the picture is at rest, 0 to 1;
 * of no effect without `stabilize` in the settings. */
typedef struct {
  double network;
  double stabilize;
} GstRfdnStrength;

/**
 * gst_rfdn_plan_new:
 * @model: (nullable): the network; the plan takes a reference of its own. %NULL for frames that are
 *   given another size without one
 * @in: what frames are
 * @out: what they become: the same format in another size
 * @settings: how to compute
 * @error: where to say what is wrong
 *
 * Returns: (transfer full) (nullable): a plan, or %NULL with @error set to one of RFDN_ERROR
 */
GstRfdnPlan *gst_rfdn_plan_new (RfdnModel *model, const GstVideoInfo *in, const GstVideoInfo *out,
                                const GstRfdnSettings *settings, GError **error);

/**
 * gst_rfdn_plan_check_precision:
 * @model: the network
 * @in: what frames are; of any size
 * @error: where to say why not
 *
 * Returns: FALSE, with @error set to %RFDN_ERROR_PRECISION, if frames of this format cannot be
 *   enlarged with @precision
 */
gboolean gst_rfdn_plan_check_precision (RfdnModel *model, const GstVideoInfo *in,
                                        RfdnPrecision precision, GError **error);

/**
 * gst_rfdn_plan_run:
 * @in: a mapped frame of the plan's format and size; its planes may lie anywhere in memory
 * @out: likewise
 * @deadline: the time of g_get_monotonic_time() by which to return, as far as that can be
 * predicted: the less time there is, the more of the frame is left to a plain filter. %G_MAXINT64:
 * none of it
 * @strength: what to do to it, and how much
 * @work: (out): what was done
 *
 * Enlarges a frame.
 *
 * Returns: FALSE when it was cancelled; @out is then incomplete
 */
gboolean gst_rfdn_plan_run (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out,
                            gint64 deadline, const GstRfdnStrength *strength, GstRfdnWork *work);

/** Forgets the previous frames: the next one reuses nothing of them. How long frames take is still
 * known. Not while a frame is being enlarged. */
void gst_rfdn_plan_reset (GstRfdnPlan *self);

/** Cancels frames, or stops doing so: a run in progress returns within milliseconds, and so do
 * later ones until this is revoked. Any thread. */
void gst_rfdn_plan_set_cancelled (GstRfdnPlan *self, gboolean cancelled);

/** Whether there is a network, rather than only a change of size. */
gboolean gst_rfdn_plan_has_network (const GstRfdnPlan *self);

/** Returns: (nullable): the name of the intermediate format that frames are converted to; %NULL if
 * none is needed. */
const char *gst_rfdn_plan_get_conversion (const GstRfdnPlan *self);

/** How many threads compute; @wanted is how many there should be if the system lets them start. */
guint gst_rfdn_plan_get_n_threads (const GstRfdnPlan *self, guint *wanted);

/** Returns: (transfer full): one line on what was chosen. */
char *gst_rfdn_plan_describe (const GstRfdnPlan *self);

/** Frees @self; %NULL is ignored. */
void gst_rfdn_plan_free (GstRfdnPlan *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstRfdnPlan, gst_rfdn_plan_free)

G_END_DECLS

#endif /* GST_RFDN_FRAME_H */
