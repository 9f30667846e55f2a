/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layout.h"

#include "kernels/kernels.h"
#include "ops/op.h"
#include "schedule.h"

/* A network of convolutions only rolls over strips, whatever the height of its tiles, and computes
 * the halo twice where tiles meet: so tiles are as high as possible while each thread has one. */
#define ROLLING_HEIGHT 540
/* Lower tiles would compute little but their halo. */
#define ROLLING_MIN_HEIGHT 48

/* They have the width that costs least. Narrow ones compute more halo, and kernels compute whole
 * vectors of columns; with wide ones, strips that are still needed drop out of the thread's caches,
 * which was measured to take 8 to 36% more time. */
#define ROLLING_VECTOR (RFDN_PHASES * RFDN_RUN_ALIGN)
#define ROLLING_SPILL 1.25

/* A network with attention has a large overlap where tiles meet side by side: its tiles are as high
 * as the frame, and as wide as possible with all pages taking no more memory than this. Tiles
 * decide what attention sees, and so the picture: they must not depend on caches. */
#define ATTENTION_BUDGET (256u << 20)

/* Strips by which a network with attention advances: more keep a layer's weights and its last
 * strips in the cache for longer, and take more memory. */
#define ATTENTION_STRIPS 4

/* With fewer tiles than this for each thread, the last ones would leave threads idle. */
#define MIN_TILES_A_THREAD 4

/* Overlap of a network with attention: enough that the pooled maps outside a tile's view change its
 * output by well under one level. */
#define ATTENTION_OVERLAP 48
/* With less than this, a tile of one pixel at the frame's end might not see a whole pooling window:
 * 15 pixels from a multiple of 6 on, and up to 5 after the last window. */
#define ATTENTION_MIN_OVERLAP 26

static gint
divide_up (gint a, gint b)
{
  return (a + b - 1) / b;
}

/* The part of the frame that tiles cover. */
static gint
wanted_width (const RfdnLayout *layout)
{
  return layout->width - 2 * layout->border;
}

static gint
wanted_height (const RfdnLayout *layout)
{
  return layout->height - 2 * layout->border;
}

/* Up to this many threads, each computes tiles of its own in its own cache if there is no
 * attention. More would compute ever more halo, or would be too many for the rows. */
#define MAX_BANDS 4
/* The width of tiles that threads compute together: it bounds the memory. */
#define TOGETHER_WIDTH 2048

static gboolean
shares_rolling_tiles (guint n_threads)
{
  return n_threads > MAX_BANDS;
}

/* Numbers that the pages of a tile hold per pixel of its width, counting the FRAME grid, which is
 * nearly all. 0 if there is no memory to find out. */
static gsize
get_page_numbers (const RfdnLayout *layout, const RfdnGraph *graph)
{
  g_autoptr (RfdnArray) groups = rfdn_find_groups (graph);
  RfdnRect *regions = g_newa (RfdnRect, graph->activations->len);
  gsize numbers = 0;

  if (groups == NULL)
    return 0;
  rfdn_layout_get_regions (layout, graph, 0, regions);
  RfdnSchedule *schedule = rfdn_schedule_new (graph, groups, layout, regions);
  if (schedule == NULL)
    return 0;
  for (guint k = 0; k < schedule->kinds->len; k++) {
    const RfdnPageKind *kind = &g_array_index (schedule->kinds, RfdnPageKind, k);
    if (kind->grid == RFDN_GRID_FRAME)
      numbers += (gsize) schedule->n_pages[k] * RFDN_STRIP * kind->channels;
  }
  rfdn_schedule_free (schedule);
  return numbers;
}

static gint
divide_width (gint width, gint columns)
{
  return MIN (rfdn_round_up (divide_up (width, columns), RFDN_GRAIN), width);
}

/* The width of tiles of a network without attention; 0 if there is no memory to find out. */
static gint
choose_rolling_width (const RfdnLayout *layout, const RfdnGraph *graph, gsize cache)
{
  const gsize numbers = get_page_numbers (layout, graph);
  const gint width = wanted_width (layout);
  double least = G_MAXDOUBLE;
  gint best = 0;

  for (gint columns = 1; numbers > 0 && columns <= divide_up (width, ROLLING_VECTOR); columns++) {
    const gint tile = divide_width (width, columns);
    /* On average: the first layers compute most of the overlap, the last one none of it. */
    const gint seen = columns == 1 ? layout->width : MIN (tile + layout->overlap, layout->width);
    const double spill = (gsize) seen * numbers <= cache ? 1 : ROLLING_SPILL;
    const double cost = spill * columns * rfdn_round_up (seen, ROLLING_VECTOR);
    if (cost < least) {
      least = cost;
      best = tile;
    }
  }
  return best;
}

/* FALSE if there is no memory. */
static gboolean
choose_rolling_tiles (RfdnLayout *layout, const RfdnGraph *graph, guint n_threads, gsize cache)
{
  const gint width = wanted_width (layout), height = wanted_height (layout);
  gint rows = (gint) n_threads * divide_up (height, (gint) n_threads * ROLLING_HEIGHT);

  layout->tile_width = width;
  layout->tile_height = height;
  if (shares_rolling_tiles (n_threads)) {
    layout->tile_width = divide_width (width, divide_up (width, TOGETHER_WIDTH));
    return TRUE;
  }
  rows = CLAMP (rows, 1, MAX (height / ROLLING_MIN_HEIGHT, 1));
  layout->tile_height = MIN (rfdn_round_up (divide_up (height, rows), RFDN_GRAIN), height);
  layout->columns = layout->rows = 1;
  layout->step = RFDN_STRIP;
  layout->chunks = 1;
  layout->tile_width = choose_rolling_width (layout, graph, cache);
  return layout->tile_width > 0;
}

/* FALSE if there is no memory. */
static gboolean
choose_attention_tiles (RfdnLayout *layout, const RfdnGraph *graph)
{
  const gint least = 32;

  layout->step = ATTENTION_STRIPS * RFDN_STRIP;
  layout->chunks = 1;
  layout->tile_width = wanted_width (layout);
  layout->tile_height = wanted_height (layout);
  layout->columns = layout->rows = 1;
  if (rfdn_graph_needs_whole (graph))
    return TRUE;
  const gsize bytes = get_page_numbers (layout, graph) * sizeof (float);
  if (bytes == 0)
    return FALSE;
  for (gint columns = 2;; columns++) {
    const gint seen = MIN (layout->tile_width + 2 * layout->overlap, layout->width);
    const gint width = rfdn_round_up (divide_up (wanted_width (layout), columns), RFDN_GRAIN);
    if ((gsize) seen * bytes <= ATTENTION_BUDGET || width < least)
      return TRUE;
    layout->tile_width = width;
  }
}

/* How threads share a tile. A thread often wants a task while another is still at the last one it
 * depends on, unless the two are separated by as many tasks as there are threads: strips of the
 * same layers, or their chunks, which should not be too small. */
static void
choose_steps (RfdnLayout *layout, guint n_threads)
{
  layout->step = RFDN_STRIP;
  layout->chunks = 1;
  if (!layout->attention && !layout->together)
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
  layout->columns = divide_up (wanted_width (layout), layout->tile_width);
  layout->rows = divide_up (wanted_height (layout), layout->tile_height);
}

gboolean
rfdn_layout_init (RfdnLayout *layout, const RfdnGraph *graph, gint width, gint height, gint border,
                  guint n_threads, guint tile_size, guint tile_height, gint overlap, gsize cache)
{
  const gint halo = RFDN_GRAIN * (gint) rfdn_graph_get_halo_cells (graph);

  *layout = (RfdnLayout){.width = width + 2 * border,
                         .height = height + 2 * border,
                         .border = border,
                         .attention = !rfdn_graph_is_finite (graph)};
  if (!layout->attention)
    layout->overlap = MAX (overlap, halo);
  else if (overlap < 0)
    layout->overlap = ATTENTION_OVERLAP;
  else
    layout->overlap = MAX (overlap, ATTENTION_MIN_OVERLAP);
  if (tile_size > 0 && !rfdn_graph_needs_whole (graph)) {
    layout->tile_width = MIN (rfdn_round_up ((gint) tile_size, RFDN_GRAIN), width);
    layout->tile_height = MIN (
        rfdn_round_up ((gint) (tile_height > 0 ? tile_height : tile_size), RFDN_GRAIN), height);
  } else if (layout->attention) {
    if (!choose_attention_tiles (layout, graph))
      return FALSE;
  } else if (!choose_rolling_tiles (layout, graph, n_threads, cache)) {
    return FALSE;
  }
  count_tiles (layout);
  if (layout->attention)
    layout->together = (guint64) layout->columns * (guint64) layout->rows <
                       (guint64) MIN_TILES_A_THREAD * n_threads;
  else
    layout->together = tile_size == 0 && shares_rolling_tiles (n_threads);
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
      macs += (double) rfdn_rect_width (out) * rfdn_rect_height (out) * layer->macs;
    }
  }
  return macs;
}
