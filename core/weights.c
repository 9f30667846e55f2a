/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "weights.h"

/* From so many channels in on, Winograd's products outweigh its transforms. */
#define WIDE_CHANNELS 8

static RfdnGrid
layer_grid (const RfdnGraph *graph, const RfdnLayer *layer)
{
  return rfdn_graph_activation (graph, layer->out.activation)->grid;
}

/* Winograd's tiles are anchored in the frame. The pooled grid begins anywhere in a tile's view, and
 * is small. */
static const RfdnConv *
choose_conv (const RfdnKernels *kernels, const RfdnLayer *layer, RfdnGrid grid)
{
  switch (layer->kind) {
  case RFDN_LAYER_CONV_3X3:
    return grid == RFDN_GRID_FRAME && layer->in.n >= WIDE_CHANNELS ? &kernels->conv3x3_wide
                                                                   : &kernels->conv3x3;
  case RFDN_LAYER_CONV_1X1:
    return &kernels->conv1x1;
  case RFDN_LAYER_CONV_3X3_STRIDE2:
    return &kernels->conv3x3_stride2;
  case RFDN_LAYER_MAX_POOL:
    return NULL;
  }
  g_assert_not_reached ();
}

RfdnWeights *
rfdn_weights_new (const RfdnGraph *graph, const RfdnKernels *kernels)
{
  RfdnWeights *self = g_new0 (RfdnWeights, 1);
  gsize total = 0;

  self->convs = rfdn_try_new (const RfdnConv *, graph->layers->len);
  self->offsets = rfdn_try_new (gsize, graph->layers->len);
  if (self->convs == NULL || self->offsets == NULL) {
    rfdn_weights_free (self);
    return NULL;
  }
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    const RfdnConv *conv = choose_conv (kernels, layer, layer_grid (graph, layer));
    self->convs[i] = conv;
    self->offsets[i] = total;
    if (conv == NULL)
      continue;
    total += conv->packed_size (layer->in.n, layer->out.n);
    self->scratch_size = MAX (self->scratch_size, conv->scratch_size (layer->in.n, layer->out.n));
  }
  self->packed = rfdn_try_new (float, total);
  if (self->packed == NULL) {
    rfdn_weights_free (self);
    return NULL;
  }
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    if (self->convs[i] != NULL)
      self->convs[i]->pack (self->packed + self->offsets[i], layer->weights, layer->bias,
                            layer->in.n, layer->out.n);
  }
  return self;
}

void
rfdn_weights_free (RfdnWeights *self)
{
  if (self == NULL)
    return;
  g_free (self->convs);
  g_free (self->offsets);
  g_free (self->packed);
  g_free (self);
}
