/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "planner.h"

#include "kernels/kernels.h"
#include "schedule.h"

/* A network of convolutions alone rolls over strips, whatever its tiles' height, and pays
 * its halo where tiles meet: its tiles are as wide as lets the strips stay in the processor's
 * cache, and as high as lets each thread have one. */
#define ROLLING_WIDTH 640
#define ROLLING_HEIGHT 540
/* Lower ones would compute little else than their halo. */
#define ROLLING_MIN_HEIGHT 48

/* A network with attention pays a large overlap where tiles meet side by side: its tiles are as
 * wide as lets all its pages together take no more memory than this, and as high as the frame. */
#define ATTENTION_BUDGET (256u << 20)

/* Strips that a network with attention goes on by: the more, the longer a layer's weights and its
 * last strips stay in the cache, and the more memory it takes. */
#define ATTENTION_STRIPS 4

/* With fewer tiles than this for each thread, the last ones would leave threads idle. */
#define MIN_TILES_A_THREAD 4

/* Overlap of a network with attention: enough that what a tile does not see of the pooled maps
 * changes its output by well under one level. */
#define ATTENTION_OVERLAP 48
/* With less than this in all, a tile of one pixel at the frame's end might see no whole pooling
 * window: 15 pixels from a multiple of 6 on, and as many as 5 behind the last window. */
#define ATTENTION_MIN_OVERLAP 26

static RfdnRect
rect_intersect (const RfdnRect *a, const RfdnRect *b)
{
  return (RfdnRect){MAX (a->x0, b->x0), MAX (a->y0, b->y0), MIN (a->x1, b->x1), MIN (a->y1, b->y1)};
}

static gboolean
rect_is_empty (const RfdnRect *rect)
{
  return rect->x0 >= rect->x1 || rect->y0 >= rect->y1;
}

static void
rect_add (RfdnRect *rect, const RfdnRect *other)
{
  if (rect_is_empty (rect)) {
    *rect = *other;
    return;
  }
  *rect = (RfdnRect){MIN (rect->x0, other->x0), MIN (rect->y0, other->y0),
                     MAX (rect->x1, other->x1), MAX (rect->y1, other->y1)};
}

static RfdnRect
rect_grow (const RfdnRect *rect, gint by)
{
  return (RfdnRect){rect->x0 - by, rect->y0 - by, rect->x1 + by, rect->y1 + by};
}

static gint
round_down (gint v, gint step)
{
  return v - (v % step + step) % step;
}

static gint
round_up (gint v, gint step)
{
  return round_down (v + step - 1, step);
}

/* Whole tiles of `step` pixels, but not beyond `extent`. */
static RfdnRect
rect_align (const RfdnRect *rect, gint step, const RfdnRect *extent)
{
  const RfdnRect aligned = {round_down (rect->x0, step), round_down (rect->y0, step),
                            round_up (rect->x1, step), round_up (rect->y1, step)};
  return rect_intersect (&aligned, extent);
}

static gint
grid_size (RfdnGrid grid, gint size)
{
  gint half = (size - 3) / 2 + 1;

  switch (grid) {
  case RFDN_GRID_FRAME:
    return size;
  case RFDN_GRID_HALF:
    return half;
  case RFDN_GRID_POOLED:
    return (half - 7) / 3 + 1;
  default:
    g_assert_not_reached ();
  }
}

RfdnRect
rfdn_grid_get_extent (RfdnGrid grid, gint frame_width, gint frame_height)
{
  return (RfdnRect){0, 0, grid_size (grid, frame_width), grid_size (grid, frame_height)};
}

void
rfdn_bilinear_at (gint at, gint frame_size, gint size, gint *first, gint *second, float *weight)
{
  double position = (at + 0.5) * size / frame_size - 0.5;
  position = MAX (position, 0);
  *first = MIN ((gint) position, size - 1);
  *second = MIN (*first + 1, size - 1);
  *weight = (float) (position - *first);
}

RfdnRect
rfdn_layout_get_tile (const RfdnLayout *layout, guint tile)
{
  gint x0 = (gint) tile % layout->columns * layout->tile_width;
  gint y0 = (gint) tile / layout->columns * layout->tile_height;
  return (RfdnRect){x0, y0, MIN (x0 + layout->tile_width, layout->width),
                    MIN (y0 + layout->tile_height, layout->height)};
}

/* Windows of `window` pixels every `step`: those that lie in [v0, v1). */
static void
windows_inside (gint *v0, gint *v1, gint window, gint step)
{
  gint last = *v1 - window;
  *v0 = (*v0 + step - 1) / step;
  *v1 = last < 0 ? *v0 : last / step + 1;
}

static RfdnRect
valid_after (const RfdnLayer *layer, gboolean shrinks, RfdnRect in, const RfdnRect *extent)
{
  switch (layer->kind) {
  case RFDN_LAYER_CONV_3X3:
    if (!shrinks)
      return in;
    return (RfdnRect){in.x0 > 0 ? round_up (in.x0 + 1, RFDN_GRAIN) : 0,
                      in.y0 > 0 ? round_up (in.y0 + 1, RFDN_GRAIN) : 0,
                      in.x1 < extent->x1 ? round_down (in.x1 - 1, RFDN_GRAIN) : in.x1,
                      in.y1 < extent->y1 ? round_down (in.y1 - 1, RFDN_GRAIN) : in.y1};
  case RFDN_LAYER_CONV_1X1:
    return in;
  case RFDN_LAYER_CONV_3X3_STRIDE2:
    windows_inside (&in.x0, &in.x1, 3, 2);
    windows_inside (&in.y0, &in.y1, 3, 2);
    return in;
  case RFDN_LAYER_MAX_POOL:
    windows_inside (&in.x0, &in.x1, 7, 3);
    windows_inside (&in.y0, &in.y1, 7, 3);
    return in;
  }
  g_assert_not_reached ();
}

static RfdnRect
needed_before (const RfdnLayer *layer, const RfdnRect *out)
{
  switch (layer->kind) {
  case RFDN_LAYER_CONV_3X3:
    return rect_grow (out, 1);
  case RFDN_LAYER_CONV_1X1:
    return *out;
  case RFDN_LAYER_CONV_3X3_STRIDE2:
    return (RfdnRect){2 * out->x0, 2 * out->y0, 2 * out->x1 + 1, 2 * out->y1 + 1};
  case RFDN_LAYER_MAX_POOL:
    return (RfdnRect){3 * out->x0, 3 * out->y0, 3 * out->x1 + 4, 3 * out->y1 + 4};
  }
  g_assert_not_reached ();
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

/* The valid part of each activation, from what a tile sees of the input on. */
static void
get_valid (const RfdnLayout *layout, const RfdnGraph *graph, guint tile, RfdnRect *valid)
{
  RfdnRect frame = rfdn_grid_get_extent (RFDN_GRID_FRAME, layout->width, layout->height);
  RfdnRect output = rfdn_layout_get_tile (layout, tile);
  RfdnRect seen = rect_grow (&output, layout->overlap);

  for (guint i = 0; i < graph->activations->len; i++)
    valid[i] = rfdn_grid_get_extent (rfdn_graph_activation (graph, i)->grid, layout->width,
                                     layout->height);
  valid[0] = rect_align (&seen, layout->attention ? RFDN_ATTENTION_GRAIN : RFDN_GRAIN, &frame);
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    RfdnGrid grid = rfdn_graph_activation (graph, layer->out.activation)->grid;
    RfdnRect extent = rfdn_grid_get_extent (grid, layout->width, layout->height);
    RfdnRect *out = &valid[layer->out.activation];
    RfdnRect after = valid_after (layer, !layout->attention, valid[layer->in.activation], &extent);
    *out = rect_intersect (out, &after);
    if (layer->add.n)
      *out = rect_intersect (out, &valid[layer->add.activation]);
    if (layer->gate.n)
      *out = rect_intersect (out, &valid[layer->gate.activation]);
  }
}

/* All columns that are valid: attention needs almost all of them anyway, and layers that have the
 * same ones can be cut into the same chunks. */
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
  guint n = graph->activations->len;
  RfdnRect *valid = g_newa (RfdnRect, n);
  get_valid (layout, graph, tile, valid);

  /* Backwards: what is needed, as far as it is valid. */
  for (guint i = 0; i < n; i++)
    regions[i] = (RfdnRect){0, 0, 0, 0};
  const RfdnLayer *last = rfdn_graph_layer (graph, graph->layers->len - 1);
  const RfdnRect frame = rfdn_grid_get_extent (RFDN_GRID_FRAME, layout->width, layout->height);
  regions[last->out.activation] = rfdn_layout_get_tile (layout, tile);
  for (guint i = graph->layers->len; i-- > 0;) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    const RfdnRect *out = &regions[layer->out.activation];
    RfdnRect in = needed_before (layer, out);
    if (rfdn_graph_activation (graph, layer->in.activation)->grid == RFDN_GRID_FRAME)
      in = rect_align (&in, RFDN_GRAIN, &frame);
    in = rect_intersect (&in, &valid[layer->in.activation]);
    rect_add (&regions[layer->in.activation], &in);
    if (layer->add.n)
      rect_add (&regions[layer->add.activation], out);
    if (layer->gate.n)
      rect_add (&regions[layer->gate.activation], out);
    if (layer->upsampled.n) {
      guint pooled = layer->upsampled.activation;
      RfdnRect extent = rfdn_grid_get_extent (RFDN_GRID_POOLED, layout->width, layout->height);
      RfdnRect need = needed_for_upsampling (out, layout, &extent);
      need = rect_intersect (&need, &valid[pooled]);
      /* A tile at the edge of its own view: the nearest cell that it has. */
      need.x0 = MIN (need.x0, valid[pooled].x1 - 1);
      need.y0 = MIN (need.y0, valid[pooled].y1 - 1);
      need.x1 = MAX (need.x1, need.x0 + 1);
      need.y1 = MAX (need.y1, need.y0 + 1);
      rect_add (&regions[pooled], &need);
    }
  }
  if (layout->attention)
    widen_regions (graph, valid, last->out.activation, regions);
}

double
rfdn_layout_get_macs (const RfdnLayout *layout, const RfdnGraph *graph)
{
  RfdnRect *regions = g_newa (RfdnRect, graph->activations->len);
  double macs = 0;

  for (gint tile = 0; tile < layout->columns * layout->rows; tile++) {
    rfdn_layout_get_regions (layout, graph, (guint) tile, regions);
    for (guint i = 0; i < graph->layers->len; i++) {
      const RfdnLayer *layer = rfdn_graph_layer (graph, i);
      const RfdnRect *out = &regions[layer->out.activation];
      macs += (double) rfdn_rect_width (out) * rfdn_rect_height (out) *
              rfdn_layer_get_taps (layer) * layer->in.n * layer->out.n;
    }
  }
  return macs;
}

/* ---- how large the tiles are ----------------------------------------------------------------- */

static gboolean
has_attention (const RfdnGraph *graph)
{
  for (guint i = 0; i < graph->activations->len; i++) {
    if (rfdn_graph_activation (graph, i)->grid != RFDN_GRID_FRAME)
      return TRUE;
  }
  return FALSE;
}

static gint
divide_up (gint a, gint b)
{
  return (a + b - 1) / b;
}

static void
choose_rolling_tiles (RfdnLayout *layout, gint n_threads)
{
  gint columns = divide_up (layout->width, ROLLING_WIDTH);
  gint rows = n_threads * divide_up (layout->height, n_threads * ROLLING_HEIGHT);
  rows = CLAMP (rows, 1, MAX (layout->height / ROLLING_MIN_HEIGHT, 1));

  layout->tile_width =
      MIN (round_up (divide_up (layout->width, columns), RFDN_GRAIN), layout->width);
  layout->tile_height =
      MIN (round_up (divide_up (layout->height, rows), RFDN_GRAIN), layout->height);
}

/* Bytes that the pages of a tile take for each pixel of its width: of what is over FRAME, which is
 * nearly all. 0 if there is no memory to find out. */
static gsize
get_page_bytes (const RfdnLayout *layout, const RfdnGraph *graph)
{
  g_autoptr (RfdnArray) groups = rfdn_find_groups (graph);
  RfdnRect *regions = g_newa (RfdnRect, graph->activations->len);
  gsize bytes = 0;

  if (groups == NULL)
    return 0;
  rfdn_layout_get_regions (layout, graph, 0, regions);
  RfdnSchedule *schedule = rfdn_schedule_new (graph, groups, layout, regions);
  if (schedule == NULL)
    return 0;
  for (guint k = 0; k < schedule->kinds->len; k++) {
    const RfdnPageKind *kind = &g_array_index (schedule->kinds, RfdnPageKind, k);
    if (kind->grid == RFDN_GRID_FRAME)
      bytes += (gsize) schedule->n_pages[k] * RFDN_STRIP * kind->channels * sizeof (float);
  }
  rfdn_schedule_free (schedule);
  return bytes;
}

/* FALSE if there is no memory. */
static gboolean
choose_attention_tiles (RfdnLayout *layout, const RfdnGraph *graph)
{
  const gint least = 32;

  layout->step = ATTENTION_STRIPS * RFDN_STRIP;
  layout->chunks = 1;
  layout->tile_width = layout->width;
  layout->tile_height = layout->height;
  layout->columns = layout->rows = 1;
  const gsize bytes = get_page_bytes (layout, graph);
  if (bytes == 0)
    return FALSE;
  for (gint columns = 2;; columns++) {
    const gint seen = MIN (layout->tile_width + 2 * layout->overlap, layout->width);
    const gint width = round_up (divide_up (layout->width, columns), RFDN_GRAIN);
    if ((gsize) seen * bytes <= ATTENTION_BUDGET || width < least)
      return TRUE;
    layout->tile_width = width;
  }
}

/* How threads share a tile. One is often ready for a task when another is at the last task that it
 * needs, unless as many other tasks lie between the two as the threads are at: strips of the same
 * layers, or their chunks, which should not be too small. */
static void
choose_steps (RfdnLayout *layout, guint n_threads)
{
  layout->step = RFDN_STRIP;
  layout->chunks = 1;
  if (!layout->attention)
    return;
  layout->step = ATTENTION_STRIPS * RFDN_STRIP;
  if (!layout->together || n_threads == 1)
    return;

  const gint wanted = 2 * (gint) n_threads - 1;
  const gint batches = divide_up (layout->tile_width, RFDN_PHASES * RFDN_RUN_ALIGN);
  layout->distance = 2 * n_threads;
  layout->chunks =
      (guint) CLAMP (divide_up (wanted, ATTENTION_STRIPS - 1), 1, MAX (batches / 2, 1));
  layout->step = RFDN_STRIP * MAX (ATTENTION_STRIPS, 1 + divide_up (wanted, (gint) layout->chunks));
}

static void
count_tiles (RfdnLayout *layout)
{
  layout->columns = divide_up (layout->width, layout->tile_width);
  layout->rows = divide_up (layout->height, layout->tile_height);
}

gboolean
rfdn_layout_init (RfdnLayout *layout, const RfdnGraph *graph, gint width, gint height,
                  guint n_threads, guint tile_size, guint tile_height, gint overlap)
{
  /* Every 3x3 convolution asks for the whole 4x4 pixels around its own. */
  gint halo = RFDN_GRAIN * (gint) rfdn_graph_get_halo (graph);

  *layout = (RfdnLayout){.width = width, .height = height, .attention = has_attention (graph)};
  if (!layout->attention)
    layout->overlap = MAX (overlap, halo);
  else if (overlap < 0)
    layout->overlap = ATTENTION_OVERLAP;
  else
    layout->overlap = MAX (overlap, ATTENTION_MIN_OVERLAP);
  if (tile_size > 0) {
    layout->tile_width = MIN (round_up ((gint) tile_size, RFDN_GRAIN), width);
    layout->tile_height =
        MIN (round_up ((gint) (tile_height > 0 ? tile_height : tile_size), RFDN_GRAIN), height);
  } else if (layout->attention) {
    if (!choose_attention_tiles (layout, graph))
      return FALSE;
  } else {
    choose_rolling_tiles (layout, (gint) n_threads);
  }
  count_tiles (layout);
  layout->together = layout->attention && (guint64) layout->columns * (guint64) layout->rows <
                                              (guint64) MIN_TILES_A_THREAD * n_threads;
  choose_steps (layout, n_threads);
  return TRUE;
}

char *
rfdn_layout_describe (const RfdnLayout *layout)
{
  GString *text = g_string_new (NULL);

  g_string_printf (text, "%dx%d tiles of %dx%d", layout->columns, layout->rows, layout->tile_width,
                   layout->tile_height);
  if (layout->columns * layout->rows > 1)
    g_string_append_printf (text, " with overlap %d", layout->overlap);
  if (layout->together)
    g_string_append_printf (text, ", all threads together in steps of %d rows and %u chunks",
                            layout->step, layout->chunks);
  else
    g_string_append (text, ", a thread each");
  return g_string_free (text, FALSE);
}
