/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_MODEL_H
#define RFDN_MODEL_H

#include "graph.h"
#include "rfdn.h"
#include "weights.h"

/* The layers of @model; they belong to it. */
const RfdnGraph *rfdn_model_get_graph (const RfdnModel *model);

/* Its weights as @kernels want them, which belong to it too: packed when somebody first asks, and
 * shared by all upscalers. NULL if there is no memory. Any thread. */
const RfdnWeights *rfdn_model_get_weights (RfdnModel *model, const RfdnKernels *kernels);

#endif
