/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "region.h"

#include "ops/op.h"

RfdnRect
rfdn_layout_get_tile (const RfdnLayout *layout, guint tile)
{
  const gint border = layout->border;
  const gint x0 = border + (gint) tile % layout->columns * layout->tile_width;
  const gint y0 = border + (gint) tile / layout->columns * layout->tile_height;

  return (RfdnRect){x0, y0, MIN (x0 + layout->tile_width, layout->width - border),
                    MIN (y0 + layout->tile_height, layout->height - border)};
}

static RfdnRect
get_extent (const RfdnLayout *layout, const RfdnGraph *graph, guint activation)
{
  return rfdn_grid_get_extent (rfdn_graph_activation (graph, activation)->grid, layout->width,
                               layout->height);
}

/* ---- forwards: what is valid ----------------------------------------------------------------- */

/* Windows of `size` pixels every `step`: those that lie in [v0, v1). */
static void
windows_inside (gint *v0, gint *v1, gint size, gint step)
{
  gint last = *v1 - size;
  *v0 = (*v0 + step - 1) / step;
  *v1 = last < 0 ? *v0 : last / step + 1;
}

/* What is left of a side from v0 to v1 when windows that reach `before` and `behind` their pixel
 * must not cross an end, unless it is the frame's. */
static void
shrink (gint *v0, gint *v1, gint before, gint behind, gint size)
{
  if (*v0 > 0)
    *v0 = rfdn_round_up (*v0 + before, RFDN_GRAIN);
  if (*v1 < size)
    *v1 = rfdn_round_down (*v1 - behind, RFDN_GRAIN);
}

static RfdnRect
valid_after (const RfdnLayer *layer, gboolean shrinks, RfdnRect in, const RfdnRect *extent)
{
  const RfdnWindow window = layer->op->get_window (layer);

  if (!window.padded) {
    windows_inside (&in.x0, &in.x1, window.width, window.step);
    windows_inside (&in.y0, &in.y1, window.height, window.step);
  } else if (shrinks) {
    shrink (&in.x0, &in.x1, window.left, window.width - 1 - window.left, extent->x1);
    shrink (&in.y0, &in.y1, window.above, window.height - 1 - window.above, extent->y1);
  }
  return in;
}

/* The valid part of each activation, from what a tile sees of the input on. */
static void
get_valid (const RfdnLayout *layout, const RfdnGraph *graph, guint tile, RfdnRect *valid)
{
  const RfdnRect frame = rfdn_grid_get_extent (RFDN_GRID_FRAME, layout->width, layout->height);
  const RfdnRect output = rfdn_layout_get_tile (layout, tile);
  const RfdnRect seen = rfdn_rect_grow (&output, layout->overlap);
  RfdnRead reads[RFDN_MAX_READS];

  for (guint i = 0; i < graph->activations->len; i++)
    valid[i] = get_extent (layout, graph, i);
  valid[0] = rfdn_rect_align (&seen, layout->attention ? RFDN_ATTENTION_GRAIN : RFDN_GRAIN, &frame);
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    const RfdnRect extent = get_extent (layout, graph, layer->out.activation);
    RfdnRect *out = &valid[layer->out.activation];
    const guint n = rfdn_layer_get_reads (layer, graph, reads);
    for (guint k = 0; k < n; k++) {
      RfdnRect after = valid[reads[k].slice.activation];
      if (reads[k].reach == RFDN_REACH_WINDOW)
        after = valid_after (layer, !layout->attention, after, &extent);
      if (reads[k].reach == RFDN_REACH_WINDOW || reads[k].reach == RFDN_REACH_PIXEL)
        *out = rfdn_rect_intersect (out, &after);
    }
  }
}

/* ---- backwards: what is needed of it --------------------------------------------------------- */

static RfdnRect
needed_for_window (const RfdnLayer *layer, const RfdnRect *out)
{
  const RfdnWindow window = layer->op->get_window (layer);

  return (RfdnRect){window.step * out->x0 - window.left, window.step * out->y0 - window.above,
                    window.step * (out->x1 - 1) - window.left + window.width,
                    window.step * (out->y1 - 1) - window.above + window.height};
}

static RfdnRect
needed_for_upsampling (const RfdnRect *out, const RfdnLayout *layout, const RfdnRect *extent)
{
  RfdnRect rect;
  gint unused;
  float weight;

  rfdn_bilinear_at (out->x0, layout->width, extent->x1, &rect.x0, &unused, &weight);
  rfdn_bilinear_at (out->x1 - 1, layout->width, extent->x1, &unused, &rect.x1, &weight);
  rfdn_bilinear_at (out->y0, layout->height, extent->y1, &rect.y0, &unused, &weight);
  rfdn_bilinear_at (out->y1 - 1, layout->height, extent->y1, &unused, &rect.y1, &weight);
  rect.x1++;
  rect.y1++;
  return rect;
}

/* The part that a layer needs of one of the activations that it reads, as far as it is valid. */
static RfdnRect
needed_before (const RfdnLayout *layout, const RfdnGraph *graph, const RfdnLayer *layer,
               const RfdnRead *read, const RfdnRect *out, const RfdnRect *valid)
{
  const guint activation = read->slice.activation;
  const RfdnRect extent = get_extent (layout, graph, activation);
  RfdnRect need = *out;

  switch (read->reach) {
  case RFDN_REACH_PIXEL:
    break;
  case RFDN_REACH_WHOLE:
    need = extent;
    break;
  case RFDN_REACH_WINDOW:
    need = needed_for_window (layer, out);
    if (rfdn_graph_activation (graph, activation)->grid == RFDN_GRID_FRAME)
      need = rfdn_rect_align (&need, RFDN_GRAIN, &extent);
    need = rfdn_rect_intersect (&need, valid);
    break;
  case RFDN_REACH_BILINEAR:
    need = needed_for_upsampling (out, layout, &extent);
    need = rfdn_rect_intersect (&need, valid);
    /* For a tile at the edge of its own view, the nearest cell that it has. */
    need.x0 = MIN (need.x0, valid->x1 - 1);
    need.y0 = MIN (need.y0, valid->y1 - 1);
    need.x1 = MAX (need.x1, need.x0 + 1);
    need.y1 = MAX (need.y1, need.y0 + 1);
    break;
  }
  return need;
}

/* All valid columns: attention needs almost all of them anyway, and layers with the same columns
 * can be cut into the same chunks. */
static void
widen_regions (const RfdnGraph *graph, const RfdnRect *valid, guint output, RfdnRect *regions)
{
  for (guint i = 0; i < graph->activations->len; i++) {
    if (i == output || rfdn_graph_activation (graph, i)->grid != RFDN_GRID_FRAME)
      continue;
    regions[i].x0 = valid[i].x0;
    regions[i].x1 = valid[i].x1;
  }
}

void
rfdn_layout_get_regions (const RfdnLayout *layout, const RfdnGraph *graph, guint tile,
                         RfdnRect *regions)
{
  const guint n = graph->activations->len;
  const guint output = rfdn_graph_get_output (graph).activation;
  RfdnRect *valid = g_newa (RfdnRect, n);
  RfdnRead reads[RFDN_MAX_READS];

  get_valid (layout, graph, tile, valid);
  for (guint i = 0; i < n; i++)
    regions[i] = (RfdnRect){0, 0, 0, 0};
  regions[output] = rfdn_layout_get_tile (layout, tile);
  for (guint i = graph->layers->len; i-- > 0;) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    const RfdnRect *out = &regions[layer->out.activation];
    const guint n_reads = rfdn_layer_get_reads (layer, graph, reads);
    for (guint k = 0; k < n_reads; k++) {
      const guint activation = reads[k].slice.activation;
      const RfdnRect need =
          needed_before (layout, graph, layer, &reads[k], out, &valid[activation]);
      rfdn_rect_add (&regions[activation], &need);
    }
  }
  if (layout->attention)
    widen_regions (graph, valid, output, regions);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void
get_bilinear_rows (const RfdnLayout *layout, gint size, gint y0, gint y1, RfdnRows *rows)
{
  gint unused;
  float weight;

  rfdn_bilinear_at (y0, layout->height, size, &rows->first, &unused, &weight);
  rfdn_bilinear_at (y1 - 1, layout->height, size, &unused, &rows->end, &weight);
  rows->end++;
}

guint
rfdn_layer_get_rows (const RfdnLayer *layer, const RfdnGraph *graph, const RfdnLayout *layout,
                     const RfdnRect *regions, gint y0, gint y1, RfdnRows rows[RFDN_MAX_READS])
{
  RfdnRead reads[RFDN_MAX_READS];
  const guint n = rfdn_layer_get_reads (layer, graph, reads);
  const RfdnWindow window = layer->op->get_window (layer);

  for (guint i = 0; i < n; i++) {
    const guint activation = reads[i].slice.activation;
    rows[i] = (RfdnRows){activation, y0, y1};
    if (reads[i].reach == RFDN_REACH_WINDOW) {
      rows[i].first = window.step * y0 - window.above;
      rows[i].end = window.step * (y1 - 1) - window.above + window.height;
    } else if (reads[i].reach == RFDN_REACH_WHOLE) {
      rows[i] = (RfdnRows){activation, 0, G_MAXINT};
    } else if (reads[i].reach == RFDN_REACH_BILINEAR) {
      get_bilinear_rows (layout, get_extent (layout, graph, activation).y1, y0, y1, &rows[i]);
    }
    /* Anything beyond is padding: at most a copy of the outermost row. */
    const RfdnRect *region = &regions[activation];
    rows[i].first = CLAMP (rows[i].first, region->y0, region->y1 - 1);
    rows[i].end = CLAMP (rows[i].end, region->y0 + 1, region->y1);
  }
  return n;
}
