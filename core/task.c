/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Computing a task: activations as views of a scratch's memory, layers strip by strip. */

#include "network-private.h"
#include "ops/op.h"
#include "samples.h"

#include <time.h>

typedef struct {
  const RfdnNetwork *network;
  const RfdnPicture *picture;
  const RfdnRect *regions;
  const RfdnScratch *scratch;
  RfdnWorker *worker;
  const RfdnSchedule *schedule;
  const RfdnTask *task;
} Run;

static RfdnView
get_view (const Run *run, guint activation)
{
  const RfdnActivation *a = rfdn_graph_activation (run->network->graph, activation);
  const RfdnRect *region = &run->regions[activation];
  const RfdnPages *pages = &run->network->pages[run->schedule->kind[activation]];
  const RfdnLayout *layout = &run->network->layout;
  RfdnView view = {
      .column0 = rfdn_cell_floor (region->x0),
      .strip0 = rfdn_cell_floor (region->y0),
      .page = run->schedule->page[activation],
      .page_size = pages->size,
      .region = *region,
      .extent = rfdn_grid_get_extent (a->grid, layout->width, layout->height),
      .grid = a->grid,
      .border = a->border,
      .margin = (gint) a->margin,
      .zeros = run->scratch->zeros + RFDN_RUN_SLACK,
      .packing = rfdn_get_packing (run->network->kernels),
  };
  view.run = rfdn_run_size (region->x1 - view.column0);
  view.stride = rfdn_get_words (a->channels, view.packing) * RFDN_PHASES * view.run;
  view.first = run->scratch->arena + pages->offset + RFDN_RUN_SLACK;
  return view;
}

/* The columns of a row, from the first to the end, that a task computes. Chunks end at boundaries
 * that no kernel's vectors cross. */
typedef struct {
  guint first, end;
} Columns;

static Columns
get_columns (const RfdnTask *task, const RfdnView *out)
{
  const guint columns = rfdn_view_columns (out);
  const guint batches = (columns + RFDN_RUN_ALIGN - 1) / RFDN_RUN_ALIGN;
  return (Columns){batches * task->chunk / task->n_chunks * RFDN_RUN_ALIGN,
                   MIN (batches * (task->chunk + 1) / task->n_chunks * RFDN_RUN_ALIGN, columns)};
}

/* ---- attention ------------------------------------------------------------------------------- */

/* The columns that upsample_row() interpolates between, the same for every row. */
static void
prepare_upsampling (const Run *run, const RfdnLayer *layer)
{
  const RfdnLayout *layout = &run->network->layout;
  const RfdnView pooled = get_view (run, layer->upsampled.activation);
  const RfdnRect *region = &run->regions[layer->out.activation];
  RfdnWorker *worker = run->worker;
  const gint x0 = rfdn_cell_floor (region->x0);
  const guint n = (guint) (region->x1 - x0 + RFDN_PHASES - 1) / RFDN_PHASES;

  for (guint k = 0; k < RFDN_PHASES * n; k++) {
    const gint x = MIN (x0 + (gint) (k % n * RFDN_PHASES + k / n), layout->width - 1);
    gint first, second;
    rfdn_bilinear_at (x, layout->width, pooled.extent.x1, &first, &second, &worker->weight[k]);
    first = CLAMP (first, pooled.region.x0, pooled.region.x1 - 1);
    second = CLAMP (second, pooled.region.x0, pooled.region.x1 - 1);
    worker->left[k] = (gint32) rfdn_view_pixel (&pooled, first);
    worker->right[k] = (gint32) rfdn_view_pixel (&pooled, second);
  }
}

/* Adds the upsampled map to columns t to t + n - 1 of row y. */
static void
upsample_row (const Run *run, const RfdnLayer *layer, float *dst, gsize dst_run, guint t, guint n,
              gint y)
{
  const RfdnView pooled = get_view (run, layer->upsampled.activation);
  const RfdnWorker *worker = run->worker;
  const guint columns =
      (guint) (run->regions[layer->out.activation].x1 -
               rfdn_cell_floor (run->regions[layer->out.activation].x0) + RFDN_PHASES - 1) /
      RFDN_PHASES;
  gint first, second;
  float weight;

  rfdn_bilinear_at (y, run->network->layout.height, pooled.extent.y1, &first, &second, &weight);
  first = CLAMP (first, pooled.region.y0, pooled.region.y1 - 1);
  second = CLAMP (second, pooled.region.y0, pooled.region.y1 - 1);
  run->network->kernels->upsample_row (
      dst, dst_run, rfdn_view_channel (&pooled, first, layer->upsampled.first),
      rfdn_view_channel (&pooled, second, layer->upsampled.first), pooled.run, weight,
      worker->left + t, worker->right + t, worker->weight + t, columns, layer->out.n, n);
}

/* ---- what a layer does to its result --------------------------------------------------------- */

/* The part that the operation itself does. */
static void
fuse (const Run *run, RfdnPart *part)
{
  const RfdnLayer *layer = part->layer;

  part->fusion = rfdn_layer_get_fusion (layer);
  part->slope = 1;
  if (part->fusion.applies && layer->function.kind == RFDN_FUNCTION_LEAKY)
    part->slope = layer->function.a;
  if (part->fusion.applies && layer->function.kind == RFDN_FUNCTION_PRELU)
    part->slopes = layer->slopes;
  if (part->fusion.adds || part->fusion.adds_last) {
    part->addend = part->fusion.adds ? layer->add : layer->plus;
    part->addend_view = get_view (run, part->addend.activation);
  }
}

static void
add_map (const Run *run, const RfdnPart *part, const RfdnSlice *map, guint r)
{
  const RfdnView view = get_view (run, map->activation);

  part->kernels->add_row (
      part->dst[r], part->out.run,
      rfdn_view_column (&view, &part->out, part->y + (gint) r, map->first, part->column), view.run,
      rfdn_layer_shares_map (part->layer, map) ? 0 : RFDN_PHASES * view.run, part->layer->out.n,
      part->n);
}

/* Times a map of one pixel: a number for each channel. */
static void
multiply_by_point (const Run *run, const RfdnPart *part, const RfdnView *view, guint r)
{
  const RfdnLayer *layer = part->layer;
  float *splat = run->worker->splat;

  for (guint c = 0; c < layer->out.n; c++) {
    const guint channel =
        layer->times.first + (rfdn_layer_shares_map (layer, &layer->times) ? 0 : c);
    const float value = *rfdn_view_channel (view, 0, channel);
    for (guint t = 0; t < part->n + RFDN_RUN_ALIGN - 1; t++)
      splat[t] = value;
    part->kernels->multiply_row (part->dst[r] + c * RFDN_PHASES * part->out.run, part->out.run,
                                 splat, 0, 0, layer->product, 1, part->n);
  }
}

static void
multiply_map (const Run *run, const RfdnPart *part, guint r)
{
  const RfdnLayer *layer = part->layer;
  const RfdnSlice *map = &layer->times;
  const RfdnView view = get_view (run, map->activation);

  if (view.grid == RFDN_GRID_POINT && part->out.grid != RFDN_GRID_POINT) {
    multiply_by_point (run, part, &view, r);
    return;
  }
  const float *src =
      rfdn_view_column (&view, &part->out, part->y + (gint) r, map->first, part->column);
  if (layer->product == RFDN_PRODUCT_GATE && !rfdn_layer_shares_map (layer, map))
    part->kernels->gate_row (part->dst[r], part->out.run, src, view.run, layer->out.n, part->n);
  else
    part->kernels->multiply_row (part->dst[r], part->out.run, src, view.run,
                                 rfdn_layer_shares_map (layer, map) ? 0 : RFDN_PHASES * view.run,
                                 layer->product, layer->out.n, part->n);
}

/* Row r of a part, without what the operation has done already. */
static void
finish_row (const Run *run, const RfdnPart *part, guint r)
{
  const RfdnLayer *layer = part->layer;
  const RfdnFunction *function = &layer->function;
  const gboolean is_linear = function->kind == RFDN_FUNCTION_LEAKY && function->a == 1;

  if (layer->add.n && !part->fusion.adds)
    add_map (run, part, &layer->add, r);
  if (!is_linear && !part->fusion.applies)
    part->kernels->function_row (part->dst[r], part->out.run, function, layer->slopes, layer->out.n,
                                 part->n);
  if (layer->plus.n && !part->fusion.adds_last)
    add_map (run, part, &layer->plus, r);
  if (layer->upsampled.n && run->worker->ranges != NULL)
    rfdn_ranges_add_row (run->worker->ranges, run->network->graph, part, r);
  if (layer->upsampled.n)
    upsample_row (run, layer, part->dst[r], part->out.run, part->column, part->n,
                  part->y + (gint) r);
  if (layer->times.n)
    multiply_map (run, part, r);
}

/* Row by row, while it is in the cache. */
static void
finish_part (const Run *run, const RfdnPart *part, const Columns *columns, gboolean is_output)
{
  const RfdnSlice *out = &part->layer->out;

  for (guint r = 0; r < part->rows; r++) {
    const gint y = part->y + (gint) r;
    finish_row (run, part, r);
    if (is_output)
      rfdn_store_row (run->network, run->picture, part->dst[r], part->out.run, &part->out.region,
                      columns->first, columns->end, y);
    else
      rfdn_view_pad (&part->out, out->first, out->n, columns->first, columns->end, y);
    if (run->worker->ranges != NULL)
      rfdn_ranges_add_row (run->worker->ranges, run->network->graph, part, r);
  }
}

/* Nanoseconds, if times are measured. */
static gint64
look_at_clock (const RfdnWorker *worker)
{
  struct timespec now;

  if (worker->times == NULL)
    return 0;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static void
add_times (RfdnWorker *worker, guint entry, gint64 start, gint64 middle)
{
  if (worker->times == NULL)
    return;
  worker->times[entry].kernel += middle - start;
  worker->times[entry].rest += look_at_clock (worker) - middle;
}

static RfdnPart
get_part (const Run *run, guint index, const RfdnView *out, const Columns *columns)
{
  const RfdnNetwork *network = run->network;
  const RfdnLayer *layer = rfdn_graph_layer (network->graph, index);
  const gint y = MAX (run->task->y0, out->region.y0), end = MIN (run->task->y1, out->region.y1);
  RfdnPart part = {
      .layer = layer,
      .kernels = network->kernels,
      .conv = network->weights->convs[index],
      .weights = network->weights->packed + network->weights->offsets[index],
      .in = get_view (run, layer->in.activation),
      .out = *out,
      .y = y,
      .rows = (guint) MAX (end - y, 0),
      .column = columns->first,
      .n = columns->end - columns->first,
      .scratch = run->worker->memory,
  };

  fuse (run, &part);
  return part;
}

/* The task's part of what layer number `index` writes. */
static void
run_layer (const Run *run, guint index)
{
  const RfdnNetwork *network = run->network;
  const RfdnLayer *layer = rfdn_graph_layer (network->graph, index);
  const gboolean is_output = index == network->graph->layers->len - 1;
  const RfdnView out = get_view (run, layer->out.activation);
  const Columns columns = get_columns (run->task, &out);
  RfdnPart part = get_part (run, index, &out, &columns);
  if (part.rows == 0 || columns.first >= columns.end)
    return;
  const gint64 start = look_at_clock (run->worker);
  if (layer->upsampled.n && run->worker->upsampled != index) {
    prepare_upsampling (run, layer);
    run->worker->upsampled = index;
  }
  for (guint r = 0; r < part.rows; r++)
    part.dst[r] =
        is_output
            ? run->worker->memory + network->weights->scratch_size + r * out.stride + RFDN_RUN_SLACK
            : rfdn_view_channel (&out, part.y + (gint) r, layer->out.first) + columns.first;
  layer->op->run (&part);
  const gint64 middle = look_at_clock (run->worker);
  finish_part (run, &part, &columns, is_output);
  add_times (run->worker, index + 1, start, middle);
}

void
rfdn_task_run (const RfdnNetwork *network, const RfdnSchedule *schedule, const RfdnTask *task,
               const RfdnPicture *picture, const RfdnScratch *scratch, RfdnWorker *worker)
{
  const RfdnGroup *group = &g_array_index (network->groups, RfdnGroup, task->group);
  const Run run = {network, picture, worker->regions, scratch, worker, schedule, task};

  if (group->first == group->end) {
    const gint64 start = look_at_clock (worker);
    const RfdnView input = get_view (&run, rfdn_graph_get_input (network->graph).activation);
    rfdn_load_rows (network, picture, &input, task->y0, task->y1);
    add_times (worker, 0, start, look_at_clock (worker));
  }
  for (guint i = group->first; i < group->end; i++)
    run_layer (&run, i);
}
