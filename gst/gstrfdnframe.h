/* gst-rfdn - how the components of a frame reach the network and the resamplers
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_FRAME_H
#define GST_RFDN_FRAME_H

#include <gst/video/video.h>
#include "rfdn.h"

G_BEGIN_DECLS

/* A plan says what happens to each component of a frame, for one network, format and size:
 *
 * - the network's own components (Y, or R, G and B) go to it as they lie in the frame;
 * - chroma and alpha go to a resampler;
 * - when the frame has not got the network's components (a luma network and RGB frames, or the
 *   other way round), it is turned into a small intermediate frame that has them, and the large
 *   intermediate one is turned back.
 *
 * Making a plan does all that can fail; running it does not allocate. */
typedef struct GstRfdnPlan GstRfdnPlan;

/** How to compute; see the fields of the same names of #RfdnUpscalerParams. */
typedef struct {
  guint n_threads;
  guint tile_size;
  gint tile_overlap;
} GstRfdnSettings;

/**
 * gst_rfdn_plan_new:
 * @model: the network; the plan takes a reference of its own
 * @in: what frames are
 * @out: what they become: the same format, the network's scale times the size
 * @settings: how to compute
 * @error: where to say what is wrong
 *
 * Returns: (transfer full) (nullable): a plan, or %NULL with @error set to one of RFDN_ERROR
 */
GstRfdnPlan *gst_rfdn_plan_new (RfdnModel *model, const GstVideoInfo *in, const GstVideoInfo *out,
                                const GstRfdnSettings *settings, GError **error);

/** Enlarges a frame. The frames must be mapped and have the formats and sizes of the plan; where
 * their planes lie in memory is theirs to choose. */
void gst_rfdn_plan_run (GstRfdnPlan *self, GstVideoFrame *in, GstVideoFrame *out);

/** Whether frames take the long way, through an intermediate format. */
gboolean gst_rfdn_plan_converts (const GstRfdnPlan *self);

/** Returns: (transfer full): one line on what was chosen. */
char *gst_rfdn_plan_describe (const GstRfdnPlan *self);

/** Frees @self; %NULL is ignored. */
void gst_rfdn_plan_free (GstRfdnPlan *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstRfdnPlan, gst_rfdn_plan_free)

G_END_DECLS

#endif /* GST_RFDN_FRAME_H */
