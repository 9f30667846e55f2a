/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profile.h"

#include "network-private.h"
#include "ops/op.h"

static char *
get_layer_name (const RfdnLayer *layer)
{
  return g_strdup_printf ("%s %u -> %u%s%s", layer->op->name, layer->in.n, layer->out.n,
                          layer->upsampled.n ? ", interpolation" : "",
                          layer->times.n ? ", product" : "");
}

void
rfdn_network_start_profile (const RfdnNetwork *network, RfdnScratch *scratch)
{
  for (guint i = 0; i < scratch->n_workers; i++) {
    g_free (scratch->workers[i].times);
    scratch->workers[i].times = g_new0 (RfdnTimes, network->graph->layers->len + 1);
  }
}

RfdnLayerTime *
rfdn_network_get_profile (const RfdnNetwork *network, guint *n)
{
  const RfdnGraph *graph = network->graph;

  *n = graph->layers->len + 1;
  RfdnLayerTime *times = g_new0 (RfdnLayerTime, *n);
  times[0].name = g_strdup ("load");
  for (guint i = 1; i < *n; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i - 1);
    times[i].name = get_layer_name (layer);
    times[i].macs = rfdn_layer_get_grid (layer, graph) == RFDN_GRID_FRAME ? layer->macs : 0;
  }
  return times;
}

void
rfdn_scratch_add_profile (const RfdnScratch *scratch, RfdnLayerTime *times, guint n)
{
  for (guint i = 0; i < scratch->n_workers; i++) {
    const RfdnTimes *measured = scratch->workers[i].times;
    for (guint k = 0; measured && k < n; k++) {
      times[k].kernel += measured[k].kernel;
      times[k].rest += measured[k].rest;
    }
  }
}

void
rfdn_layer_times_free (RfdnLayerTime *times, guint n)
{
  for (guint i = 0; i < n; i++)
    g_free (times[i].name);
  g_free (times);
}
