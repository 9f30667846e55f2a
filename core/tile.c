/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Computing one tile: activations as views of a scratch's memory, layers strip by strip. */

#include "network-private.h"

typedef struct {
  const RfdnNetwork *network;
  const RfdnPicture *picture;
  const RfdnRect *regions;
  RfdnScratch *scratch;
  RfdnTeam team;
} Run;

/* An activation of the tile at hand. */
typedef struct {
  float *first; /* channel 0, phase 0 of column 0, in the first row of the first strip's slot */
  gsize run, stride; /* floats from run to run, from row to row */
  gint column0;      /* the pixel that column 0 begins at */
  gint strip0;       /* the row that the first strip begins at */
  guint n_strips;
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
  const RfdnPlace *place = &run->network->places[activation];
  const RfdnLayout *layout = &run->network->layout;
  View view = {
      .column0 = rfdn_grain_floor (region->x0),
      .strip0 = rfdn_grain_floor (region->y0),
      .n_strips = place->n_strips,
      .region = *region,
      .extent = rfdn_grid_get_extent (a->grid, layout->width, layout->height),
      .pooled = a->grid == RFDN_GRID_POOLED,
      .zeros = run->scratch->zeros + RFDN_RUN_SLACK,
  };
  view.run = rfdn_run_size (region->x1 - view.column0);
  view.stride = a->channels * RFDN_PHASES * view.run;
  view.first = run->scratch->arena + place->offset + RFDN_RUN_SLACK;
  return view;
}

static float *
view_channel (const View *view, gint y, guint channel)
{
  const guint slot = (guint) (y - view->strip0) / RFDN_STRIP % view->n_strips;
  const guint row = slot * RFDN_STRIP + (guint) y % RFDN_STRIP;
  return view->first + row * view->stride + channel * RFDN_PHASES * view->run;
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

/* The pixels around a row, as the next 3x3 convolution is to see them. Behind the last pixel zeros
 * fill its column and one more pixel. */
static void
finish_row (const View *view, const RfdnSlice *slice, gint y)
{
  const gint x0 = view->region.x0, x1 = view->region.x1;
  const gint end = rfdn_grain_floor (x1 + RFDN_GRAIN - 1) + 1;
  const gboolean keep_left = view->pooled && x0 > 0;
  const gboolean keep_right = view->pooled && x1 < view->extent.x1;

  for (guint c = slice->first; c < slice->first + slice->n; c++) {
    float *row = view_channel (view, y, c);
    row[(gssize) view_pixel (view, x0 - 1)] = keep_left ? row[view_pixel (view, x0)] : 0;
    for (gint x = x1; x < end; x++)
      row[view_pixel (view, x)] = keep_right ? row[view_pixel (view, x1 - 1)] : 0;
  }
}

/* ---- the ends: samples ----------------------------------------------------------------------- */

static void
load_strip (const Run *run, gint y)
{
  const RfdnPicture *picture = run->picture;
  const RfdnSlice input = rfdn_graph_get_input (run->network->graph);
  const View view = get_view (run, input.activation);
  const gint x0 = view.region.x0, x1 = view.region.x1;
  const gint end = MIN (x1, (gint) picture->width);
  const gint last = MIN (y + RFDN_STRIP, view.region.y1);

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
    finish_row (&view, &input, y);
  }
}

/* A row of the last layer's output, to the picture. */
static void
store_row (const Run *run, const float *row, gsize run_size, const RfdnRect *region, gint y)
{
  const RfdnPicture *picture = run->picture;
  const RfdnModelInfo *info = rfdn_model_get_info (run->network->model);
  const gint end = MIN (region->x1, (gint) picture->width);

  if (y >= (gint) picture->height || end <= region->x0)
    return;
  for (guint c = 0; c < info->channels; c++) {
    for (guint k = 0; k < info->scale; k++) {
      const RfdnPlane *plane = &picture->out[c];
      guint8 *dst = (guint8 *) plane->data + ((gssize) y * info->scale + k) * plane->stride +
                    (gsize) region->x0 * info->scale * plane->pixel_stride;
      run->network->kernels->store_row (
          dst, plane->pixel_stride, &picture->format,
          row + (gsize) (c * info->scale + k) * info->scale * RFDN_PHASES * run_size, run_size,
          info->scale, picture->out_gain, (guint) (end - region->x0));
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
  const gint x0 = rfdn_grain_floor (region->x0);
  const guint n = (guint) (region->x1 - x0 + RFDN_PHASES - 1) / RFDN_PHASES;
  const gsize at = (gsize) run->network->max_columns * RFDN_PHASES * run->team.index;

  for (guint k = 0; k < RFDN_PHASES * n; k++) {
    const gint x = MIN (x0 + (gint) (k % n * RFDN_PHASES + k / n), layout->width - 1);
    gint first, second;
    rfdn_bilinear_at (x, layout->width, pooled.extent.x1, &first, &second,
                      &run->scratch->weight[at + k]);
    first = CLAMP (first, pooled.region.x0, pooled.region.x1 - 1);
    second = CLAMP (second, pooled.region.x0, pooled.region.x1 - 1);
    run->scratch->left[at + k] = (gint32) view_pixel (&pooled, first);
    run->scratch->right[at + k] = (gint32) view_pixel (&pooled, second);
  }
}

static void
upsample_row (const Run *run, const RfdnLayer *layer, float *dst, gsize dst_run, guint n, gint y)
{
  const View pooled = get_view (run, layer->upsampled.activation);
  const gsize at = (gsize) run->network->max_columns * RFDN_PHASES * run->team.index;
  gint first, second;
  float weight;

  rfdn_bilinear_at (y, run->network->layout.height, pooled.extent.y1, &first, &second, &weight);
  first = CLAMP (first, pooled.region.y0, pooled.region.y1 - 1);
  second = CLAMP (second, pooled.region.y0, pooled.region.y1 - 1);
  run->network->kernels->upsample_row (
      dst, dst_run, view_channel (&pooled, first, layer->upsampled.first),
      view_channel (&pooled, second, layer->upsampled.first), pooled.run, weight,
      run->scratch->left + at, run->scratch->right + at, run->scratch->weight + at, layer->out.n,
      n);
}

static void
max_pool_strip (const Run *run, const RfdnLayer *layer, gint y, gint end)
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
    finish_row (&out, &layer->out, y);
  }
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* Where a convolution finds its input for the strip at row `y` of its output. */
static void
set_source (RfdnConvStrip *strip, const RfdnLayer *layer, const View *in, const View *out, gint y)
{
  const gint step = layer->kind == RFDN_LAYER_CONV_3X3_STRIDE2 ? 2 : 1;
  const gssize at = (step * out->column0 - in->column0) / RFDN_PHASES;
  const gint above = layer->kind == RFDN_LAYER_CONV_3X3 ? 1 : 0;
  const guint n = layer->kind == RFDN_LAYER_CONV_1X1   ? RFDN_STRIP
                  : layer->kind == RFDN_LAYER_CONV_3X3 ? RFDN_STRIP + 2
                                                       : 2 * RFDN_STRIP + 1;
  for (guint r = 0; r < n; r++)
    strip->src[r] = view_padded_row (in, step * y - above + (gint) r, layer->in.first) + at;
  strip->src_run = in->run;
}

static void
set_addend (const Run *run, RfdnConvStrip *strip, const RfdnLayer *layer, const View *out, gint y)
{
  if (layer->add.n == 0)
    return;
  const View add = get_view (run, layer->add.activation);
  for (guint r = 0; r < strip->rows; r++)
    strip->add[r] = view_channel (&add, y + (gint) r, layer->add.first) +
                    (out->column0 - add.column0) / RFDN_PHASES;
  strip->add_run = add.run;
  strip->add_last = layer->add_last;
}

/* What follows a convolution, row by row while it is in the cache. */
static void
finish_strip (const Run *run, const RfdnLayer *layer, const RfdnConvStrip *strip, const View *out,
              gint y, gboolean is_output)
{
  for (guint r = 0; r < strip->rows; r++, y++) {
    if (layer->upsampled.n)
      upsample_row (run, layer, strip->dst[r], strip->dst_run, strip->n, y);
    if (layer->gate.n) {
      const View gate = get_view (run, layer->gate.activation);
      run->network->kernels->gate_row (strip->dst[r], strip->dst_run,
                                       view_channel (&gate, y, layer->gate.first) +
                                           (out->column0 - gate.column0) / RFDN_PHASES,
                                       gate.run, layer->out.n, strip->n);
    }
    if (is_output)
      store_row (run, strip->dst[r], strip->dst_run, &out->region, y);
    else
      finish_row (out, &layer->out, y);
  }
}

/* The rows of strip y..y+3 that belong to what layer number `index` writes. */
static void
run_strip (const Run *run, guint index, gint y)
{
  const RfdnNetwork *network = run->network;
  const RfdnLayer *layer = rfdn_graph_layer (network->graph, index);
  const gboolean is_output = index == network->graph->layers->len - 1;
  const View out = get_view (run, layer->out.activation);
  const gint end = MIN (y + RFDN_STRIP, out.region.y1);
  y = MAX (y, out.region.y0);
  if (y >= end)
    return;
  if (layer->kind == RFDN_LAYER_MAX_POOL) {
    max_pool_strip (run, layer, y, end);
    return;
  }

  const View in = get_view (run, layer->in.activation);
  float *thread = run->scratch->threads + run->team.index * run->scratch->thread_size;
  RfdnConvStrip strip = {
      .in_channels = layer->in.n,
      .out_channels = layer->out.n,
      .weights = network->packed + network->weights[index],
      .dst_run = out.run,
      .slope = layer->slope,
      .rows = (guint) (end - y),
      .n = view_columns (&out),
      .scratch = thread,
  };
  for (guint r = 0; r < strip.rows; r++)
    strip.dst[r] = is_output ? thread + network->conv_scratch_size + r * out.stride + RFDN_RUN_SLACK
                             : view_channel (&out, y + (gint) r, layer->out.first);
  set_source (&strip, layer, &in, &out, y);
  set_addend (run, &strip, layer, &out, y);
  network->convs[index]->strip (&strip);
  finish_strip (run, layer, &strip, &out, y, is_output);
}

/* ---- the tile -------------------------------------------------------------------------------- */

static void
wait_for_team (const Run *run)
{
  if (run->team.size > 1)
    rfdn_barrier_wait (&run->scratch->barrier, run->team.size);
}

static void
roll_strip (gint layer, gint y, const gint *next, gpointer data)
{
  const Run *run = data;

  if (layer < 0)
    load_strip (run, y);
  else
    run_strip (run, (guint) layer, y);
}

/* The rows from which to which the layers of a group write. */
static void
get_group_rows (const Run *run, const RfdnGroup *group, gint *y0, gint *y1)
{
  *y0 = G_MAXINT;
  *y1 = G_MININT;
  for (guint i = group->first; i < group->end; i++) {
    const RfdnRect *region =
        &run->regions[rfdn_graph_layer (run->network->graph, i)->out.activation];
    *y0 = MIN (*y0, rfdn_grain_floor (region->y0));
    *y1 = MAX (*y1, region->y1);
  }
}

/* The layers of a group one after the other. */
static void
run_serial_group (const Run *run, const RfdnGroup *group)
{
  for (guint i = group->first; i < group->end; i++) {
    const RfdnRect *region =
        &run->regions[rfdn_graph_layer (run->network->graph, i)->out.activation];
    for (gint y = rfdn_grain_floor (region->y0); y < region->y1; y += RFDN_STRIP)
      run_strip (run, i, y);
  }
}

/* Strips are taken, not dealt: a thread that is held up holds up nobody. */
static void
load_input (const Run *run)
{
  const RfdnRect *region = &run->regions[0];

  for (;;) {
    const gint strip = g_atomic_int_add (&run->scratch->strips[run->network->groups->len], 1);
    const gint y = rfdn_grain_floor (region->y0) + RFDN_STRIP * strip;
    if (y >= region->y1)
      return;
    load_strip (run, y);
  }
}

static void
run_group (const Run *run, guint index)
{
  const RfdnGroup *group = &g_array_index (run->network->groups, RfdnGroup, index);
  gint y0, y1;

  if (group->serial) {
    if (run->team.index == 0)
      run_serial_group (run, group);
    return;
  }
  for (guint i = group->first; i < group->end; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (run->network->graph, i);
    if (layer->upsampled.n)
      prepare_upsampling (run, layer);
  }
  get_group_rows (run, group, &y0, &y1);
  for (;;) {
    const gint y = y0 + RFDN_STRIP * g_atomic_int_add (&run->scratch->strips[index], 1);
    if (y >= y1)
      return;
    for (guint i = group->first; i < group->end; i++)
      run_strip (run, i, y);
  }
}

void
rfdn_network_run (const RfdnNetwork *self, guint tile, const RfdnPicture *picture,
                  RfdnScratch *scratch, RfdnTeam team)
{
  const Run run = {self, picture, scratch->regions, scratch, team};

  if (team.index == 0) {
    rfdn_layout_get_regions (&self->layout, self->graph, tile, scratch->regions);
    for (guint i = 0; i <= self->groups->len; i++)
      g_atomic_int_set (&scratch->strips[i], 0);
  }
  wait_for_team (&run);
  if (self->rolling) {
    rfdn_roll (self->graph, scratch->regions, scratch->next, roll_strip, (gpointer) &run);
    return;
  }
  load_input (&run);
  for (guint i = 0; i < self->groups->len; i++) {
    wait_for_team (&run);
    run_group (&run, i);
  }
  wait_for_team (&run);
}
