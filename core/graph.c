/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graph.h"

#include "ops/op.h"

static void
layer_clear (gpointer data)
{
  RfdnLayer *layer = data;
  g_free (layer->weights);
  g_free (layer->bias);
  g_free (layer->slopes);
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
  const RfdnActivation activation = {.grid = grid, .channels = channels, .margin = 1};
  rfdn_array_append (graph->activations, &activation);
  return (RfdnSlice){graph->activations->len - 1, 0, channels};
}

void
rfdn_graph_set_border (RfdnGraph *graph, guint activation, RfdnBorder border)
{
  g_array_index (graph->activations, RfdnActivation, activation).border = border;
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

RfdnSlice
rfdn_graph_get_output (const RfdnGraph *graph)
{
  return rfdn_graph_layer (graph, graph->layers->len - 1)->out;
}

static gboolean
is_point (const RfdnGraph *graph, RfdnSlice slice)
{
  return rfdn_graph_activation (graph, slice.activation)->grid == RFDN_GRID_POINT;
}

guint
rfdn_layer_get_reads (const RfdnLayer *layer, const RfdnGraph *graph,
                      RfdnRead reads[RFDN_MAX_READS])
{
  guint n = 0;

  reads[n++] = (RfdnRead){layer->in, layer->op->whole ? RFDN_REACH_WHOLE : RFDN_REACH_WINDOW};
  if (layer->add.n)
    reads[n++] = (RfdnRead){layer->add, RFDN_REACH_PIXEL};
  if (layer->plus.n)
    reads[n++] = (RfdnRead){layer->plus, RFDN_REACH_PIXEL};
  if (layer->times.n)
    reads[n++] = (RfdnRead){layer->times,
                            is_point (graph, layer->times) ? RFDN_REACH_WHOLE : RFDN_REACH_PIXEL};
  if (layer->upsampled.n)
    reads[n++] = (RfdnRead){layer->upsampled, RFDN_REACH_BILINEAR};
  return n;
}

RfdnGrid
rfdn_layer_get_grid (const RfdnLayer *layer, const RfdnGraph *graph)
{
  return rfdn_graph_activation (graph, layer->out.activation)->grid;
}

static void
add_halo (RfdnGraph *graph, const RfdnLayer *layer)
{
  RfdnActivation *out = &g_array_index (graph->activations, RfdnActivation, layer->out.activation);
  const RfdnWindow window = layer->op->get_window (layer);
  const guint reach = (guint) MAX (window.width, window.height) / 2;
  RfdnActivation *source =
      &g_array_index (graph->activations, RfdnActivation, layer->in.activation);
  RfdnRead reads[RFDN_MAX_READS];

  if (window.padded)
    source->margin = MAX (source->margin, (guint) window.width / 2);
  if (out->grid != RFDN_GRID_FRAME)
    return;
  const guint n = rfdn_layer_get_reads (layer, graph, reads);
  for (guint i = 0; i < n; i++) {
    const RfdnActivation *in = rfdn_graph_activation (graph, reads[i].slice.activation);
    const guint by = reads[i].reach == RFDN_REACH_WINDOW ? reach : 0;
    if (in->grid != RFDN_GRID_FRAME)
      continue;
    out->halo = MAX (out->halo, in->halo + by);
    out->cells = MAX (out->cells, in->cells + (by + 3) / 4);
  }
}

static guint64
count_macs (const RfdnLayer *layer, RfdnGrid grid)
{
  const RfdnOp *op = layer->op;

  if (op->get_macs != NULL)
    return op->get_macs (layer, grid);
  return op->get_n_weights != NULL ? op->get_n_weights (layer) : 0;
}

void
rfdn_graph_add_layer (RfdnGraph *graph, const RfdnLayer *layer)
{
  RfdnLayer copy = *layer;

  if (!rfdn_graph_has_failed (graph)) {
    copy.macs = count_macs (layer, rfdn_layer_get_grid (layer, graph));
    if (rfdn_array_append (graph->layers, &copy)) {
      add_halo (graph, layer);
      return;
    }
  }
  layer_clear (&copy);
}

gboolean
rfdn_graph_needs_whole (const RfdnGraph *graph)
{
  for (guint i = 0; i < graph->layers->len; i++) {
    if (rfdn_graph_layer (graph, i)->op->whole)
      return TRUE;
  }
  return FALSE;
}

gboolean
rfdn_graph_pools (const RfdnGraph *graph)
{
  for (guint i = 0; i < graph->activations->len; i++) {
    const RfdnGrid grid = rfdn_graph_activation (graph, i)->grid;
    if (grid == RFDN_GRID_HALF || grid == RFDN_GRID_POOLED)
      return TRUE;
  }
  return FALSE;
}

gboolean
rfdn_graph_is_finite (const RfdnGraph *graph)
{
  return !rfdn_graph_pools (graph) && !rfdn_graph_needs_whole (graph);
}

guint
rfdn_graph_get_halo (const RfdnGraph *graph)
{
  guint halo = 0;

  for (guint i = 0; i < graph->activations->len; i++)
    halo = MAX (halo, rfdn_graph_activation (graph, i)->halo);
  return halo;
}

guint
rfdn_graph_get_halo_cells (const RfdnGraph *graph)
{
  guint cells = 0;

  for (guint i = 0; i < graph->activations->len; i++)
    cells = MAX (cells, rfdn_graph_activation (graph, i)->cells);
  return cells;
}

guint64
rfdn_graph_get_macs (const RfdnGraph *graph)
{
  /* A pixel of HALF stands for 4 of FRAME, one of POOLED for 36, that of POINT for all. */
  static const double area[RFDN_N_GRIDS] = {1, 4, 36, G_MAXDOUBLE};
  double macs = 0;

  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    macs += (double) layer->macs / area[rfdn_layer_get_grid (layer, graph)];
  }
  return (guint64) (macs + 0.5);
}

guint64
rfdn_graph_get_n_parameters (const RfdnGraph *graph)
{
  guint64 n = 0;

  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    n += layer->op->get_n_weights ? layer->op->get_n_weights (layer) : 0;
    n += layer->bias ? layer->out.n : 0;
    n += layer->slopes ? layer->out.n : 0;
  }
  return n;
}
