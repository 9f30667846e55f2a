/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_MODEL_H
#define RFDN_MODEL_H

#include "graph.h"
#include "rfdn.h"
#include "weights.h"

/* A model of these layers, which it owns from here on: samples in 0..1, no name. For tests; NULL if
 * @graph has failed. */
RfdnModel *rfdn_model_new_for_graph (RfdnGraph *graph, guint scale);

/* The layers of @model; they belong to it. */
const RfdnGraph *rfdn_model_get_graph (const RfdnModel *model);

/* How samples become the frame that its layers see: how the picture is unshuffled, how far it is
 * extended beyond its border (a multiple of 4 pixels), and for each colour gain * v + offset, which
 * maps samples in 0..input_range to numbers. */
typedef struct {
  guint unshuffle;
  guint border;
  float gain[3], offset[3];
} RfdnFrameInfo;

const RfdnFrameInfo *rfdn_model_get_frame_info (const RfdnModel *model);

/* Its weights packed for @kernels, which it owns too: packed on the first call and shared by all
 * upscalers. NULL if there is no memory. Any thread. */
const RfdnWeights *rfdn_model_get_weights (RfdnModel *model, const RfdnKernels *kernels);

#endif
