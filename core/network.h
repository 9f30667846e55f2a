/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_NETWORK_H
#define RFDN_NETWORK_H

#include "kernels/kernels.h"
#include "model.h"
#include "planner.h"

/* A model bound to a CPU level, a frame size and a layout of tiles: packed weights, and what it
 * takes to compute any of the tiles alone. Immutable after rfdn_network_new(). */
typedef struct RfdnNetwork RfdnNetwork;

/* The threads that compute a tile together; each calls rfdn_network_run() with its own index. A
 * team of one needs no other thread. */
typedef struct {
  guint index;
  guint size;
} RfdnTeam;

/* The memory that one tile at a time is computed in. */
typedef struct RfdnScratch RfdnScratch;

/* The picture in front of the network. It is `width` x `height` LR pixels of a frame that may be
 * larger (see RfdnLayout): the rest continues the last column and row. */
typedef struct {
  const RfdnPlane *in;
  const RfdnPlane *out;
  RfdnSampleFormat format;
  guint width;
  guint height;
  float in_gain;  /* sample -> number for the network */
  float out_gain; /* and back */
} RfdnPicture;

RfdnNetwork *rfdn_network_new (RfdnModel *model, const RfdnKernels *kernels,
                               const RfdnLayout *layout);
void rfdn_network_free (RfdnNetwork *network);

/* Whether a team computes a tile faster than one thread. If not, each thread does its own tiles. */
gboolean rfdn_network_wants_team (const RfdnNetwork *network);

/* For teams of up to `team_size`. NULL if there is not enough memory. */
RfdnScratch *rfdn_scratch_new (const RfdnNetwork *network, guint team_size);
void rfdn_scratch_free (RfdnScratch *scratch);

/* Bytes that a scratch takes. */
gsize rfdn_network_get_scratch_size (const RfdnNetwork *network, guint team_size);

/* Computes tile number `tile` of the layout. All threads of a team call it with the same tile and
 * scratch. */
void rfdn_network_run (const RfdnNetwork *network, guint tile, const RfdnPicture *picture,
                       RfdnScratch *scratch, RfdnTeam team);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnNetwork, rfdn_network_free)

#endif
