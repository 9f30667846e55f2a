/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph.h"

static void
layer_clear (gpointer data)
{
  RfdnLayer *layer = data;
  g_free (layer->weights);
  g_free (layer->bias);
}

RfdnGraph *
rfdn_graph_new (guint in_channels)
{
  RfdnGraph *graph = g_new0 (RfdnGraph, 1);
  graph->activations = rfdn_array_new (sizeof (RfdnActivation), NULL);
  graph->layers = rfdn_array_new (sizeof (RfdnLayer), layer_clear);
  graph->input = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, in_channels);
  return graph;
}

gboolean
rfdn_graph_has_failed (const RfdnGraph *graph)
{
  return graph->activations->failed || graph->layers->failed;
}

void
rfdn_graph_free (RfdnGraph *graph)
{
  if (graph == NULL)
    return;
  rfdn_array_free (graph->activations);
  rfdn_array_free (graph->layers);
  g_free (graph);
}

RfdnSlice
rfdn_graph_add_activation (RfdnGraph *graph, RfdnGrid grid, guint channels)
{
  const RfdnActivation activation = {grid, channels, 0};
  rfdn_array_append (graph->activations, &activation);
  return (RfdnSlice){graph->activations->len - 1, 0, channels};
}

RfdnSlice
rfdn_graph_get_input (const RfdnGraph *graph)
{
  return graph->input;
}

RfdnSlice
rfdn_slice (RfdnSlice whole, guint first, guint n)
{
  g_assert (first + n <= whole.n);
  return (RfdnSlice){whole.activation, whole.first + first, n};
}

static void
add_depth (RfdnGraph *graph, const RfdnLayer *layer)
{
  RfdnActivation *out = &g_array_index (graph->activations, RfdnActivation, layer->out.activation);

  if (out->grid != RFDN_GRID_FRAME)
    return;
  out->depth = MAX (out->depth, rfdn_graph_activation (graph, layer->in.activation)->depth +
                                    (layer->kind == RFDN_LAYER_CONV_3X3));
  if (layer->add.n)
    out->depth = MAX (out->depth, rfdn_graph_activation (graph, layer->add.activation)->depth);
  if (layer->gate.n)
    out->depth = MAX (out->depth, rfdn_graph_activation (graph, layer->gate.activation)->depth);
}

void
rfdn_graph_add_layer (RfdnGraph *graph, const RfdnLayer *layer)
{
  RfdnLayer copy = *layer;

  if (!rfdn_graph_has_failed (graph) && rfdn_array_append (graph->layers, layer))
    add_depth (graph, layer);
  else
    layer_clear (&copy);
}

guint
rfdn_layer_get_taps (const RfdnLayer *layer)
{
  switch (layer->kind) {
  case RFDN_LAYER_CONV_3X3:
  case RFDN_LAYER_CONV_3X3_STRIDE2:
    return 9;
  case RFDN_LAYER_CONV_1X1:
    return 1;
  case RFDN_LAYER_MAX_POOL:
    return 0;
  }
  g_assert_not_reached ();
}

guint
rfdn_graph_get_halo (const RfdnGraph *graph)
{
  guint halo = 0;

  for (guint i = 0; i < graph->activations->len; i++)
    halo = MAX (halo, rfdn_graph_activation (graph, i)->depth);
  return halo;
}

guint64
rfdn_graph_get_macs (const RfdnGraph *graph)
{
  /* A pixel of HALF stands for 4 of FRAME, one of POOLED for 36. */
  static const double area[RFDN_N_GRIDS] = {1, 4, 36};
  double macs = 0;

  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    RfdnGrid grid = rfdn_graph_activation (graph, layer->out.activation)->grid;
    macs += (double) layer->in.n * layer->out.n * rfdn_layer_get_taps (layer) / area[grid];
  }
  return (guint64) (macs + 0.5);
}

guint64
rfdn_graph_get_n_parameters (const RfdnGraph *graph)
{
  guint64 n = 0;

  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    n += (guint64) layer->in.n * layer->out.n * rfdn_layer_get_taps (layer);
    n += layer->bias ? layer->out.n : 0;
  }
  return n;
}
