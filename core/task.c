/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Computing a task: activations as views of a scratch's memory, layers strip by strip. */

#include "network-private.h"
#include "ops/op.h"

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
      .zeros = run->scratch->zeros + RFDN_RUN_SLACK,
  };
  view.run = rfdn_run_size (region->x1 - view.column0);
  view.stride = a->channels * RFDN_PHASES * view.run;
  view.first = run->scratch->arena + pages->offset + RFDN_RUN_SLACK;
  return view;
}

/* The columns of a row, from the first to the end, that a task computes. Chunks end where the
 * vectors of no kernel cross over. */
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

/* ---- the ends: samples ----------------------------------------------------------------------- */

static void
load_rows (const Run *run, gint y, gint last)
{
  const RfdnPicture *picture = run->picture;
  const RfdnSlice input = rfdn_graph_get_input (run->network->graph);
  const RfdnView view = get_view (run, input.activation);
  const gint x0 = view.region.x0, x1 = view.region.x1;
  const gint end = MIN (x1, (gint) picture->width);

  for (; y < last; y++) {
    for (guint c = 0; c < input.n; c++) {
      const RfdnPlane *plane = &picture->in[c];
      const guint8 *src = (const guint8 *) plane->data +
                          MIN (y, (gint) picture->height - 1) * plane->stride +
                          (gsize) x0 * plane->pixel_stride;
      float *dst = rfdn_view_channel (&view, y, c);
      run->network->kernels->load_row (dst, view.run, src, plane->pixel_stride, &picture->format,
                                       picture->in_gain, (guint) (end - x0));
      for (gint x = end; x < x1; x++)
        dst[rfdn_view_pixel (&view, x)] = dst[rfdn_view_pixel (&view, end - 1)];
    }
    rfdn_view_pad (&view, 0, input.n, 0, rfdn_view_columns (&view), y);
  }
}

/* Some columns of a row of the last layer's output, to the picture. */
static void
store_row (const Run *run, const float *row, gsize run_size, const RfdnRect *region,
           const Columns *columns, gint y)
{
  const RfdnPicture *picture = run->picture;
  const RfdnModelInfo *info = rfdn_model_get_info (run->network->model);
  const gint x0 = region->x0 + RFDN_PHASES * (gint) columns->first;
  const gint end =
      MIN (MIN (region->x1, (gint) picture->width), region->x0 + RFDN_PHASES * (gint) columns->end);

  if (y >= (gint) picture->height || end <= x0)
    return;
  for (guint c = 0; c < info->channels; c++) {
    for (guint k = 0; k < info->scale; k++) {
      const RfdnPlane *plane = &picture->out[c];
      guint8 *dst = (guint8 *) plane->data + ((gssize) y * info->scale + k) * plane->stride +
                    (gsize) x0 * info->scale * plane->pixel_stride;
      run->network->kernels->store_row (
          dst, plane->pixel_stride, &picture->format,
          row + (gsize) (c * info->scale + k) * info->scale * RFDN_PHASES * run_size, run_size,
          info->scale, picture->out_gain, (guint) (end - x0));
    }
  }
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

/* ---- layers ---------------------------------------------------------------------------------- */

/* What a layer does to its result, row by row while it is in the cache. */
static void
finish_part (const Run *run, const RfdnPart *part, const Columns *columns, gboolean is_output)
{
  const RfdnLayer *layer = part->layer;
  const RfdnView *out = &part->out;

  for (guint r = 0; r < part->rows; r++) {
    const gint y = part->y + (gint) r;
    if (layer->upsampled.n)
      upsample_row (run, layer, part->dst[r], out->run, part->column, part->n, y);
    if (layer->gate.n) {
      const RfdnView gate = get_view (run, layer->gate.activation);
      part->kernels->gate_row (part->dst[r], out->run,
                               rfdn_view_channel (&gate, y, layer->gate.first) +
                                   (out->column0 - gate.column0) / RFDN_PHASES + part->column,
                               gate.run, layer->out.n, part->n);
    }
    if (is_output)
      store_row (run, part->dst[r], out->run, &out->region, columns, y);
    else
      rfdn_view_pad (out, layer->out.first, layer->out.n, columns->first, columns->end, y);
  }
}

/* Nanoseconds, where somebody wants to know. */
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

  if (layer->add.n)
    part.add = get_view (run, layer->add.activation);
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
    load_rows (&run, task->y0, task->y1);
    add_times (worker, 0, start, look_at_clock (worker));
  }
  for (guint i = group->first; i < group->end; i++)
    run_layer (&run, i);
}
