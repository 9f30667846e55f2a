/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "weights.h"

#include "kernels/int16.h"
#include "ops/conv.h"

static const RfdnConv *
get_conv (const RfdnGraph *graph, const RfdnLayer *layer, const RfdnKernels *kernels)
{
  if (layer->op->get_conv == NULL)
    return NULL;
  return layer->op->get_conv (layer, kernels, rfdn_layer_get_grid (layer, graph));
}

RfdnWeights *
rfdn_weights_new (const RfdnGraph *graph, const RfdnInt16Filter *filters,
                  const RfdnKernels *kernels)
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
    const RfdnConv *conv = get_conv (graph, layer, kernels);
    self->convs[i] = conv;
    self->offsets[i] = total;
    if (conv == NULL)
      continue;
    const RfdnConvShape shape = rfdn_conv_get_shape (layer);
    total += conv->packed_size (&shape);
    self->scratch_size = MAX (self->scratch_size, conv->scratch_size (&shape));
  }
  self->packed = rfdn_try_new (float, total);
  if (self->packed == NULL) {
    rfdn_weights_free (self);
    return NULL;
  }
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    if (self->convs[i] == NULL)
      continue;
    const RfdnConvShape shape = rfdn_conv_get_shape (layer);
    float *packed = self->packed + self->offsets[i];
    if (kernels->precision == RFDN_PRECISION_INT16)
      self->convs[i]->pack_int16 (packed, &filters[i]);
    else
      self->convs[i]->pack (packed, layer->weights, layer->bias, &shape);
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
