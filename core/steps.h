/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_STEPS_H
#define RFDN_STEPS_H

#include "graph.h"
#include "kernels/int16.h"

/* What a model file says about 16-bit integers: metadata `steps`, a line for each activation in the
 * order in which the network makes them, except for its input and output, with one number for each
 * channel: what a unit stands for. What is added, gated or pooled has the steps of the result. They
 * are derived from measured ranges of activations (models/train/steps.py). */

/* The steps of a network, and of a sibling that it is mixed with: (1 - share) own + share other. */
typedef struct {
  const char *own;
  const char *other; /* NULL: the same */
  const char *other_key;
  float share;
} RfdnStepsText;

/* Integer weights for each layer, by the steps in `text`. in_level, out_level: what a sample level
 * of 8 bits is to the network. NULL with RFDN_ERROR_MODEL or RFDN_ERROR_NO_MEMORY set. */
RfdnInt16Filter *rfdn_steps_make_filters (const RfdnStepsText *text, const RfdnGraph *graph,
                                          float in_level, float out_level, GError **error);

/* NULL is ignored. */
void rfdn_int16_filters_free (RfdnInt16Filter *filters, const RfdnGraph *graph);

#endif
