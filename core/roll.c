/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network-private.h"

/* Rows of `activation` that are done: all before this one. */
static gint
rows_done (const RfdnGraph *graph, guint activation, const gint *next)
{
  gint done = activation == 0 ? next[0] : G_MAXINT;

  for (guint i = 0; i < graph->layers->len; i++) {
    if (rfdn_graph_layer (graph, i)->out.activation == activation)
      done = MIN (done, next[1 + i]);
  }
  return done;
}

static gboolean
is_ready (const RfdnGraph *graph, const RfdnRect *regions, const RfdnLayer *layer, gint y,
          const gint *next)
{
  const gint below = layer->kind == RFDN_LAYER_CONV_3X3 ? 1 : 0;
  const RfdnSlice *used[] = {&layer->in, &layer->add, &layer->gate};

  for (guint k = 0; k < G_N_ELEMENTS (used); k++) {
    const gint reach = k == 0 ? below : 0;
    if (used[k]->n && rows_done (graph, used[k]->activation, next) <
                          MIN (y + RFDN_STRIP + reach, regions[used[k]->activation].y1))
      return FALSE;
  }
  return TRUE;
}

void
rfdn_roll (const RfdnGraph *graph, const RfdnRect *regions, gint *next, RfdnRollFunc visit,
           gpointer data)
{
  const guint n = graph->layers->len;

  next[0] = rfdn_grain_floor (regions[0].y0);
  for (guint i = 0; i < n; i++)
    next[1 + i] = rfdn_grain_floor (regions[rfdn_graph_layer (graph, i)->out.activation].y0);

  while (next[0] < regions[0].y1) {
    visit (-1, next[0], next, data);
    next[0] += RFDN_STRIP;
    for (guint i = 0; i < n; i++) {
      const RfdnLayer *layer = rfdn_graph_layer (graph, i);
      const gint end = regions[layer->out.activation].y1;
      while (next[1 + i] < end && is_ready (graph, regions, layer, next[1 + i], next)) {
        visit ((gint) i, next[1 + i], next, data);
        next[1 + i] += RFDN_STRIP;
      }
    }
  }
}
