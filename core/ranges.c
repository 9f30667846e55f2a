/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ranges.h"

#include <math.h>

#include "network-private.h"
#include "ops/ops.h"

static guint
get_n_channels (const RfdnGraph *graph, guint activations)
{
  guint n = 0;

  for (guint i = 0; i < activations; i++)
    n += rfdn_graph_activation (graph, i)->channels;
  return n;
}

/* Index of a slice's first channel among those of all activations. */
static guint
get_entry (const RfdnGraph *graph, const RfdnSlice *slice)
{
  return get_n_channels (graph, slice->activation) + slice->first;
}

float *
rfdn_ranges_new (const RfdnGraph *graph)
{
  return g_new0 (float, get_n_channels (graph, graph->activations->len));
}

void
rfdn_network_start_ranges (const RfdnNetwork *network, RfdnScratch *scratch)
{
  for (guint i = 0; i < scratch->n_workers; i++) {
    g_free (scratch->workers[i].ranges);
    scratch->workers[i].ranges = rfdn_ranges_new (network->graph);
  }
}

void
rfdn_ranges_add_row (float *ranges, const RfdnGraph *graph, const RfdnPart *part, guint r)
{
  const RfdnSlice *out = &part->layer->out;
  float *to = ranges + get_entry (graph, out);

  for (guint c = 0; c < out->n; c++) {
    for (guint p = 0; p < RFDN_PHASES; p++) {
      const float *run = part->dst[r] + (c * RFDN_PHASES + p) * part->out.run;
      for (guint t = 0; t < part->n; t++)
        to[c] = MAX (to[c], fabsf (run[t]));
    }
  }
}

void
rfdn_scratch_add_ranges (const RfdnScratch *scratch, float *ranges, const RfdnGraph *graph)
{
  const guint n = get_n_channels (graph, graph->activations->len);

  for (guint i = 0; i < scratch->n_workers; i++) {
    const float *seen = scratch->workers[i].ranges;
    for (guint k = 0; seen != NULL && k < n; k++)
      ranges[k] = MAX (ranges[k], seen[k]);
  }
}

/* Returns whether a range grew. */
static gboolean
join (const RfdnGraph *graph, float *ranges, const RfdnSlice *added, const RfdnSlice *out)
{
  float *a = ranges + get_entry (graph, added), *b = ranges + get_entry (graph, out);
  gboolean grew = FALSE;

  for (guint c = 0; c < added->n; c++) {
    grew |= a[c] != b[c];
    a[c] = b[c] = MAX (a[c], b[c]);
  }
  return grew;
}

/* What is added, gated or pooled has the steps of the result. Repeats until all agree. */
static void
join_maps (const RfdnGraph *graph, float *ranges)
{
  for (gboolean grew = TRUE; grew;) {
    grew = FALSE;
    for (guint i = 0; i < graph->layers->len; i++) {
      const RfdnLayer *layer = rfdn_graph_layer (graph, i);
      grew |= join (graph, ranges, &layer->add, &layer->out);
      grew |= join (graph, ranges, &layer->plus, &layer->out);
      grew |= join (graph, ranges, &layer->upsampled, &layer->out);
      grew |= join (graph, ranges, &layer->times, &layer->out);
      if (layer->op == &rfdn_op_max_pool)
        grew |= join (graph, ranges, &layer->in, &layer->out);
    }
  }
}

static void
print_line (GString *text, const float *numbers, guint n)
{
  for (guint i = 0; i < n; i++) {
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (number, sizeof number, "%.9g", (double) numbers[i]);
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "", number);
  }
  g_string_append_c (text, '\n');
}

char *
rfdn_ranges_print (float *ranges, const RfdnGraph *graph)
{
  GString *text = g_string_new (NULL);

  join_maps (graph, ranges);
  for (guint i = 1; i < graph->activations->len; i++) {
    if (i != rfdn_graph_get_output (graph).activation)
      print_line (text, ranges + get_n_channels (graph, i),
                  rfdn_graph_activation (graph, i)->channels);
  }
  return g_string_free (text, FALSE);
}
