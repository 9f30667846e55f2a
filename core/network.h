/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_NETWORK_H
#define RFDN_NETWORK_H

#include "kernels/kernels.h"
#include "model.h"
#include "layout.h"
#include "pool.h"

/* A model bound to a CPU level, a frame size and a layout of tiles: packed weights, and what it
 * takes to compute any of the tiles alone. Immutable after rfdn_network_new(). */
typedef struct RfdnNetwork RfdnNetwork;

/* The memory that tiles are computed in, one after the other. */
typedef struct RfdnScratch RfdnScratch;

/* The picture that goes into the network: `width` x `height` samples, of which `unshuffle` each way
 * make a pixel of the frame. The frame may be larger, by RfdnLayout.border pixels on each side and
 * by any number on the right and below: the picture's outermost samples are repeated there. */
typedef struct {
  const RfdnPlane *in;
  const RfdnPlane *out;
  RfdnSampleFormat format;
  guint width;
  guint height;
  guint unshuffle;
  float in_gain[3], in_offset[3]; /* sample -> number for the network, of each colour */
  float out_gain;                 /* and back */
} RfdnPicture;

/* Whether to stop. That may be revoked a moment later, when one thread has already left something
 * undone that others wait for: so an abandoned run stays abandoned until its end. */
typedef struct {
  gint cancelled; /* stop */
  gint abandoned; /* `cancelled` was set at some time since the run began */
} RfdnStop;

/* Any thread, at any time. */
void rfdn_stop_set_cancelled (RfdnStop *stop, gboolean cancelled);

/* Before a run. */
void rfdn_stop_begin (RfdnStop *stop);

/* During a run and until the next one. */
gboolean rfdn_stop_is_abandoned (const RfdnStop *stop);

/* NULL if there is not enough memory. */
RfdnNetwork *rfdn_network_new (RfdnModel *model, const RfdnKernels *kernels,
                               const RfdnLayout *layout);
void rfdn_network_free (RfdnNetwork *network);

/* For up to `n_threads` threads, which return early when the run is abandoned. NULL if there is not
 * enough memory. */
RfdnScratch *rfdn_scratch_new (const RfdnNetwork *network, guint n_threads, const RfdnStop *stop);
void rfdn_scratch_free (RfdnScratch *scratch);

/* Bytes that a scratch takes. */
gsize rfdn_network_get_scratch_size (const RfdnNetwork *network, guint n_threads);

/* Prepares to compute `n_tiles` tiles from number `tile` on; called before any thread calls
 * rfdn_network_run(). */
void rfdn_scratch_begin (RfdnScratch *scratch, const RfdnNetwork *network, guint tile,
                         guint n_tiles);

/* Takes part in computing the tiles: works until there is no task left to start, or until the
 * member must leave. The tiles are done when all threads that called this for the run have returned
 * and at least one of them did not have to leave. `worker` is this thread's own number, below the
 * scratch's n_threads. */
void rfdn_network_run (const RfdnNetwork *network, const RfdnPicture *picture, RfdnScratch *scratch,
                       guint worker, RfdnMember member);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnNetwork, rfdn_network_free)

#endif
