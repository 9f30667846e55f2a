/* gst-rfdn - what of a frame is as it was in the frame before
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_HISTORY_H
#define GST_RFDN_HISTORY_H

#include <gst/video/video.h>
#include "rfdn.h"

G_BEGIN_DECLS

/* Copies of the last input frame and, while anything stands still, of its output frame, so that
 * nobody has to wait for a buffer. Comparisons are exact to the bit. */
typedef struct GstRfdnHistory GstRfdnHistory;

/**
 * gst_rfdn_history_new:
 * @in: what frames come in
 * @out: what frames go out
 * @n_network: tiles depend on this many components, from 0 on
 * @margin: pixels around a tile's own area that it depends on too
 * @n_tiles: how many areas there are
 * @error: where to say what is wrong
 *
 * Returns: (transfer full) (nullable): a history, or %NULL with @error set to one of RFDN_ERROR
 */
GstRfdnHistory *gst_rfdn_history_new (const GstVideoInfo *in, const GstVideoInfo *out,
                                      guint n_network, guint margin, guint n_tiles, GError **error);

/** Frees @self; %NULL is ignored. */
void gst_rfdn_history_free (GstRfdnHistory *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstRfdnHistory, gst_rfdn_history_free)

/** Sets what tile @tile depends on, in pixels of @in. */
void gst_rfdn_history_set_tile (GstRfdnHistory *self, guint tile, const RfdnArea *seen);

/**
 * gst_rfdn_history_compare:
 * @in: a frame
 *
 * Finds what has not changed since the last frame, and keeps this one in its place.
 *
 * Returns: whether nothing has changed at all
 */
gboolean gst_rfdn_history_compare (GstRfdnHistory *self, GstVideoFrame *in);

/** For each tile, whether everything it depends on was unchanged in the last comparison. */
const gboolean *gst_rfdn_history_get_same (const GstRfdnHistory *self);

/** Whether there is a copy of the last output frame. */
gboolean gst_rfdn_history_has_output (const GstRfdnHistory *self);

/** Copies the last output frame to @out. */
void gst_rfdn_history_get_output (GstRfdnHistory *self, GstVideoFrame *out);

/** Keeps the output of the frame that was compared last, if something in it stood still: only then
 * may it be of use. */
void gst_rfdn_history_set_output (GstRfdnHistory *self, GstVideoFrame *out);

/** Forgets everything. */
void gst_rfdn_history_clear (GstRfdnHistory *self);

G_END_DECLS

#endif /* GST_RFDN_HISTORY_H */
