/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_WEIGHTS_H
#define RFDN_WEIGHTS_H

#include "graph.h"
#include "kernels/kernels.h"

/* A network's weights, packed for the kernels of one CPU level. Immutable. */
typedef struct {
  const RfdnConv **convs; /* of each layer; NULL for one without weights */
  gsize *offsets;         /* of each layer: floats from `packed` */
  float *packed;
  gsize scratch_size; /* floats that any of the layers needs while it is computed */
} RfdnWeights;

/* Integer kernels take `filters`, one for each layer; others take the graph's own weights. NULL if
 * there is no memory. */
RfdnWeights *rfdn_weights_new (const RfdnGraph *graph, const RfdnInt16Filter *filters,
                               const RfdnKernels *kernels);

/* NULL is ignored. */
void rfdn_weights_free (RfdnWeights *self);

#endif
