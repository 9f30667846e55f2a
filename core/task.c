/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Computing a task: activations as views of a scratch's memory, layers strip by strip. */

#include "network-private.h"

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

/* An activation of the tile at hand. */
typedef struct {
  float *first;        /* channel 0, phase 0 of column 0, in the first row of page 0 */
  const guint32 *page; /* of each strip */
  gsize page_size;     /* floats */
  gsize run, stride;   /* floats from run to run, from row to row */
  gint column0;        /* the pixel that column 0 begins at */
  gint strip0;         /* the row that the first strip begins at */
  RfdnRect region;
  RfdnRect extent; /* of the whole grid */
  gboolean pooled;
  const float *zeros;
} View;

static View
get_view (const Run *run, guint activation)
{
  const RfdnActivation *a = rfdn_graph_activation (run->network->graph, activation);
  const RfdnRect *region = &run->regions[activation];
  const RfdnPages *pages = &run->network->pages[run->schedule->kind[activation]];
  const RfdnLayout *layout = &run->network->layout;
  View view = {
      .column0 = rfdn_grain_floor (region->x0),
      .strip0 = rfdn_grain_floor (region->y0),
      .page = run->schedule->page[activation],
      .page_size = pages->size,
      .region = *region,
      .extent = rfdn_grid_get_extent (a->grid, layout->width, layout->height),
      .pooled = a->grid == RFDN_GRID_POOLED,
      .zeros = run->scratch->zeros + RFDN_RUN_SLACK,
  };
  view.run = rfdn_run_size (region->x1 - view.column0);
  view.stride = a->channels * RFDN_PHASES * view.run;
  view.first = run->scratch->arena + pages->offset + RFDN_RUN_SLACK;
  return view;
}

static float *
view_channel (const View *view, gint y, guint channel)
{
  const guint32 page = view->page[(guint) (y - view->strip0) / RFDN_STRIP];
  return view->first + page * view->page_size + (guint) y % RFDN_STRIP * view->stride +
         channel * RFDN_PHASES * view->run;
}

/* A row as a 3x3 convolution is to see it: zeros beyond the frame's border, and the last row there
 * is where a pooled map goes on beyond what the tile sees. */
static const float *
view_padded_row (const View *view, gint y, guint channel)
{
  if (y >= view->region.y0 && y < view->region.y1)
    return view_channel (view, y, channel);
  if (view->pooled && y >= 0 && y < view->extent.y1)
    return view_channel (view, CLAMP (y, view->region.y0, view->region.y1 - 1), channel);
  return view->zeros;
}

static gsize
view_pixel (const View *view, gint x)
{
  return (gsize) (x & 3) * view->run + (gsize) (gssize) ((x - (x & 3) - view->column0) / 4);
}

static guint
view_columns (const View *view)
{
  return (guint) (view->region.x1 - view->column0 + RFDN_PHASES - 1) / RFDN_PHASES;
}

/* The columns of a row, from the first to the end, that a task computes. Chunks end where the
 * vectors of no kernel cross over. */
typedef struct {
  guint first, end;
} Columns;

static Columns
get_columns (const RfdnTask *task, const View *out)
{
  const guint columns = view_columns (out);
  const guint batches = (columns + RFDN_RUN_ALIGN - 1) / RFDN_RUN_ALIGN;
  return (Columns){batches * task->chunk / task->n_chunks * RFDN_RUN_ALIGN,
                   MIN (batches * (task->chunk + 1) / task->n_chunks * RFDN_RUN_ALIGN, columns)};
}

/* The pixels around a row, as the next 3x3 convolution is to see them. Behind the last pixel zeros
 * fill its column and one more pixel. */
static void
finish_row (const View *view, const RfdnSlice *slice, const Columns *columns, gint y)
{
  const gint x0 = view->region.x0, x1 = view->region.x1;
  const gint end = rfdn_grain_floor (x1 + RFDN_GRAIN - 1) + 1;
  const gboolean keep_left = view->pooled && x0 > 0;
  const gboolean keep_right = view->pooled && x1 < view->extent.x1;
  const gboolean is_last = columns->end == view_columns (view);

  for (guint c = slice->first; c < slice->first + slice->n; c++) {
    float *row = view_channel (view, y, c);
    if (columns->first == 0)
      row[(gssize) view_pixel (view, x0 - 1)] = keep_left ? row[view_pixel (view, x0)] : 0;
    for (gint x = x1; is_last && x < end; x++)
      row[view_pixel (view, x)] = keep_right ? row[view_pixel (view, x1 - 1)] : 0;
  }
}

/* ---- the ends: samples ----------------------------------------------------------------------- */

static void
load_rows (const Run *run, gint y, gint last)
{
  const RfdnPicture *picture = run->picture;
  const RfdnSlice input = rfdn_graph_get_input (run->network->graph);
  const View view = get_view (run, input.activation);
  const gint x0 = view.region.x0, x1 = view.region.x1;
  const gint end = MIN (x1, (gint) picture->width);

  for (; y < last; y++) {
    for (guint c = 0; c < input.n; c++) {
      const RfdnPlane *plane = &picture->in[c];
      const guint8 *src = (const guint8 *) plane->data +
                          MIN (y, (gint) picture->height - 1) * plane->stride +
                          (gsize) x0 * plane->pixel_stride;
      float *dst = view_channel (&view, y, c);
      run->network->kernels->load_row (dst, view.run, src, plane->pixel_stride, &picture->format,
                                       picture->in_gain, (guint) (end - x0));
      for (gint x = end; x < x1; x++)
        dst[view_pixel (&view, x)] = dst[view_pixel (&view, end - 1)];
    }
    finish_row (&view, &input, &(Columns){0, view_columns (&view)}, y);
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
  const View pooled = get_view (run, layer->upsampled.activation);
  const RfdnRect *region = &run->regions[layer->out.activation];
  RfdnWorker *worker = run->worker;
  const gint x0 = rfdn_grain_floor (region->x0);
  const guint n = (guint) (region->x1 - x0 + RFDN_PHASES - 1) / RFDN_PHASES;

  for (guint k = 0; k < RFDN_PHASES * n; k++) {
    const gint x = MIN (x0 + (gint) (k % n * RFDN_PHASES + k / n), layout->width - 1);
    gint first, second;
    rfdn_bilinear_at (x, layout->width, pooled.extent.x1, &first, &second, &worker->weight[k]);
    first = CLAMP (first, pooled.region.x0, pooled.region.x1 - 1);
    second = CLAMP (second, pooled.region.x0, pooled.region.x1 - 1);
    worker->left[k] = (gint32) view_pixel (&pooled, first);
    worker->right[k] = (gint32) view_pixel (&pooled, second);
  }
}

/* Adds the upsampled map to columns t to t + n - 1 of row y. */
static void
upsample_row (const Run *run, const RfdnLayer *layer, float *dst, gsize dst_run, guint t, guint n,
              gint y)
{
  const View pooled = get_view (run, layer->upsampled.activation);
  const RfdnWorker *worker = run->worker;
  const guint columns =
      (guint) (run->regions[layer->out.activation].x1 -
               rfdn_grain_floor (run->regions[layer->out.activation].x0) + RFDN_PHASES - 1) /
      RFDN_PHASES;
  gint first, second;
  float weight;

  rfdn_bilinear_at (y, run->network->layout.height, pooled.extent.y1, &first, &second, &weight);
  first = CLAMP (first, pooled.region.y0, pooled.region.y1 - 1);
  second = CLAMP (second, pooled.region.y0, pooled.region.y1 - 1);
  run->network->kernels->upsample_row (
      dst, dst_run, view_channel (&pooled, first, layer->upsampled.first),
      view_channel (&pooled, second, layer->upsampled.first), pooled.run, weight, worker->left + t,
      worker->right + t, worker->weight + t, columns, layer->out.n, n);
}

static void
max_pool_rows (const Run *run, const RfdnLayer *layer, gint y, gint end)
{
  const View in = get_view (run, layer->in.activation);
  const View out = get_view (run, layer->out.activation);

  for (; y < end; y++) {
    const float *src[7];
    /* The kernel goes pixel by pixel from the first column on; what lies before the region is
     * computed from slack and means nothing. */
    const gsize at = view_pixel (&in, 3 * out.column0);
    for (gint k = 0; k < 7; k++)
      src[k] = view_channel (&in, 3 * y + k, layer->in.first) + (gssize) at;
    run->network->kernels->max_pool_row (view_channel (&out, y, layer->out.first), out.run, src,
                                         in.run, layer->out.n,
                                         (guint) (out.region.x1 - out.column0));
    finish_row (&out, &layer->out, &(Columns){0, view_columns (&out)}, y);
  }
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* Where a convolution finds its input for the rows from `y` on of its output. */
static void
set_source (RfdnConvStrip *strip, const RfdnLayer *layer, const View *in, const View *out, gint y,
            guint column)
{
  const gint step = layer->kind == RFDN_LAYER_CONV_3X3_STRIDE2 ? 2 : 1;
  const gssize at = (step * out->column0 - in->column0) / RFDN_PHASES + step * (gssize) column;
  const gint above = layer->kind == RFDN_LAYER_CONV_3X3 ? 1 : 0;
  const guint n = layer->kind == RFDN_LAYER_CONV_1X1   ? RFDN_STRIP
                  : layer->kind == RFDN_LAYER_CONV_3X3 ? RFDN_STRIP + 2
                                                       : 2 * RFDN_STRIP + 1;
  /* Rows behind those that are wanted may be another thread's work. */
  const guint wanted = layer->kind == RFDN_LAYER_CONV_1X1   ? strip->rows
                       : layer->kind == RFDN_LAYER_CONV_3X3 ? strip->rows + 2
                                                            : 2 * strip->rows + 1;
  for (guint r = 0; r < n; r++)
    strip->src[r] = r < wanted
                        ? view_padded_row (in, step * y - above + (gint) r, layer->in.first) + at
                        : in->zeros + step * column;
  strip->src_run = in->run;
}

static void
set_addend (const Run *run, RfdnConvStrip *strip, const RfdnLayer *layer, const View *out, gint y,
            guint column)
{
  if (layer->add.n == 0)
    return;
  const View add = get_view (run, layer->add.activation);
  for (guint r = 0; r < strip->rows; r++)
    strip->add[r] = view_channel (&add, y + (gint) r, layer->add.first) +
                    (out->column0 - add.column0) / RFDN_PHASES + column;
  strip->add_run = add.run;
  strip->add_last = layer->add_last;
}

/* What follows a convolution, row by row while it is in the cache. */
static void
finish_strip (const Run *run, const RfdnLayer *layer, const RfdnConvStrip *strip, const View *out,
              gint y, const Columns *columns, gboolean is_output)
{
  for (guint r = 0; r < strip->rows; r++, y++) {
    if (layer->upsampled.n)
      upsample_row (run, layer, strip->dst[r], strip->dst_run, columns->first, strip->n, y);
    if (layer->gate.n) {
      const View gate = get_view (run, layer->gate.activation);
      run->network->kernels->gate_row (strip->dst[r], strip->dst_run,
                                       view_channel (&gate, y, layer->gate.first) +
                                           (out->column0 - gate.column0) / RFDN_PHASES +
                                           columns->first,
                                       gate.run, layer->out.n, strip->n);
    }
    if (is_output)
      store_row (run, strip->dst[r], strip->dst_run, &out->region, columns, y);
    else
      finish_row (out, &layer->out, columns, y);
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

/* The task's part of what layer number `index` writes. */
static void
run_layer (const Run *run, guint index)
{
  const RfdnNetwork *network = run->network;
  const RfdnLayer *layer = rfdn_graph_layer (network->graph, index);
  const gboolean is_output = index == network->graph->layers->len - 1;
  const View out = get_view (run, layer->out.activation);
  const gint y = MAX (run->task->y0, out.region.y0), end = MIN (run->task->y1, out.region.y1);
  const Columns columns = get_columns (run->task, &out);
  if (y >= end || columns.first >= columns.end)
    return;
  const gint64 start = look_at_clock (run->worker);
  if (layer->kind == RFDN_LAYER_MAX_POOL) {
    max_pool_rows (run, layer, y, end);
    add_times (run->worker, index + 1, start, look_at_clock (run->worker));
    return;
  }
  if (layer->upsampled.n && run->worker->upsampled != index) {
    prepare_upsampling (run, layer);
    run->worker->upsampled = index;
  }

  const View in = get_view (run, layer->in.activation);
  RfdnConvStrip strip = {
      .in_channels = layer->in.n,
      .out_channels = layer->out.n,
      .weights = network->weights->packed + network->weights->offsets[index],
      .dst_run = out.run,
      .slope = layer->slope,
      .rows = (guint) (end - y),
      .n = columns.end - columns.first,
      .scratch = run->worker->memory,
  };
  for (guint r = 0; r < strip.rows; r++)
    strip.dst[r] = is_output ? run->worker->memory + network->weights->scratch_size +
                                   r * out.stride + RFDN_RUN_SLACK
                             : view_channel (&out, y + (gint) r, layer->out.first) + columns.first;
  set_source (&strip, layer, &in, &out, y, columns.first);
  set_addend (run, &strip, layer, &out, y, columns.first);
  network->weights->convs[index]->strip (&strip);
  const gint64 middle = look_at_clock (run->worker);
  finish_strip (run, layer, &strip, &out, y, &columns, is_output);
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
