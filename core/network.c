/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network.h"

#include <stdlib.h>
#include <string.h>

/* An activation's place in a tile's memory. Around its region lies a margin of one pixel, which
 * holds what a 3x3 convolution is to see there. */
typedef struct {
  gsize offset; /* floats from the arena's start */
  gsize size;   /* floats */
} Place;

struct RfdnNetwork {
  RfdnModel *model;
  const RfdnGraph *graph;
  const RfdnKernels *kernels;
  RfdnLayout layout;
  gsize *weights; /* of each layer: floats from `packed` */
  float *packed;
  Place *places;    /* of each activation */
  gsize arena_size; /* floats */
  gsize row_size;   /* floats: the output layer's row */
  guint max_width;  /* of any region */
};

struct RfdnScratch {
  float *arena;
  float *rows; /* one a thread of the team */
  RfdnRect *regions;
  gint32 *left, *right; /* columns for the bilinear interpolation of a row */
  float *weight;
  guint team_size;
};

/* An activation of the tile at hand: pixel (x, y) of channel c, in the grid's coordinates, is
 * origin[y * stride + c * pitch + x]. */
typedef struct {
  float *origin;
  gssize stride;
  gsize pitch;
  RfdnRect region;
} View;

static gsize
row_pitch (gint width)
{
  return RFDN_ROW_BEFORE + (((gsize)width + RFDN_ROW_ALIGN - 1) & ~(gsize)(RFDN_ROW_ALIGN - 1)) +
         RFDN_ROW_AFTER;
}

static gsize
activation_size (const RfdnActivation *activation, const RfdnRect *region)
{
  gsize rows = (gsize)rfdn_rect_height (region) + 2;
  return rows * activation->channels * row_pitch (rfdn_rect_width (region));
}

static float *
alloc_floats (gsize n)
{
  void *memory = NULL;

  if (n > G_MAXSIZE / sizeof (float) / 2 ||
      posix_memalign (&memory, RFDN_ALIGN, MAX (n, 1) * sizeof (float)) != 0)
    return NULL;
  memset (memory, 0, n * sizeof (float));
  return memory;
}

/* ---- configuration --------------------------------------------------------------------------- */

static void
pack_weights (RfdnNetwork *self)
{
  const RfdnGraph *graph = self->graph;
  gsize total = 0;

  self->weights = g_new0 (gsize, graph->layers->len);
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    self->weights[i] = total;
    if (layer->weights)
      total += rfdn_kernels_packed_size (layer->in.n, layer->out.n, rfdn_layer_get_taps (layer));
  }
  self->packed = g_new (float, total);
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    if (layer->weights)
      rfdn_kernels_pack_conv (self->kernels, self->packed + self->weights[i], layer->weights,
                              layer->bias, layer->in.n, layer->out.n, rfdn_layer_get_taps (layer));
  }
}

/* How much each activation takes in the tile where it takes most. */
static void
measure_activations (RfdnNetwork *self)
{
  const RfdnGraph *graph = self->graph;
  guint output = rfdn_graph_layer (graph, graph->layers->len - 1)->out.activation;
  g_autofree RfdnRect *regions = g_new (RfdnRect, graph->activations->len);

  for (guint tile = 0; tile < (guint)(self->layout.columns * self->layout.rows); tile++) {
    rfdn_layout_get_regions (&self->layout, graph, tile, regions);
    for (guint i = 0; i < graph->activations->len; i++) {
      const RfdnActivation *activation = rfdn_graph_activation (graph, i);
      gint width = rfdn_rect_width (&regions[i]);
      self->max_width = MAX (self->max_width, (guint)width);
      if (i == output) /* goes row by row to the picture */
        self->row_size = MAX (self->row_size, activation->channels * row_pitch (width));
      else
        self->places[i].size =
            MAX (self->places[i].size, activation_size (activation, &regions[i]));
    }
  }
}

typedef struct {
  guint first, last; /* layers */
} Life;

static void
get_lives (const RfdnGraph *graph, Life *lives)
{
  for (guint i = 0; i < graph->activations->len; i++)
    lives[i] = (Life){i == 0 ? 0 : G_MAXUINT, 0};
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    const RfdnSlice *used[] = {&layer->in, &layer->out, &layer->add, &layer->gate,
                               &layer->upsampled};
    for (guint k = 0; k < G_N_ELEMENTS (used); k++) {
      if (used[k]->n == 0)
        continue;
      Life *life = &lives[used[k]->activation];
      life->first = MIN (life->first, i);
      life->last = MAX (life->last, i);
    }
  }
}

/* Gives each activation the lowest place that none has which lives at the same time. */
static void
place_activations (RfdnNetwork *self)
{
  guint n = self->graph->activations->len;
  g_autofree Life *lives = g_new (Life, n);
  get_lives (self->graph, lives);

  for (guint i = 0; i < n; i++) {
    Place *place = &self->places[i];
    gboolean moved = TRUE;
    place->offset = 0;
    while (moved) {
      moved = FALSE;
      for (guint k = 0; k < i; k++) {
        const Place *other = &self->places[k];
        gboolean together = lives[i].first <= lives[k].last && lives[k].first <= lives[i].last;
        if (together && place->offset < other->offset + other->size &&
            other->offset < place->offset + place->size) {
          place->offset = other->offset + other->size;
          moved = TRUE;
        }
      }
    }
    self->arena_size = MAX (self->arena_size, place->offset + place->size);
  }
}

RfdnNetwork *
rfdn_network_new (RfdnModel *model, const RfdnKernels *kernels, const RfdnLayout *layout)
{
  RfdnNetwork *self = g_new0 (RfdnNetwork, 1);
  self->model = rfdn_model_ref (model);
  self->graph = rfdn_model_get_graph (model);
  self->kernels = kernels;
  self->layout = *layout;
  self->places = g_new0 (Place, self->graph->activations->len);
  pack_weights (self);
  measure_activations (self);
  place_activations (self);
  return self;
}

void
rfdn_network_free (RfdnNetwork *self)
{
  if (self == NULL)
    return;
  rfdn_model_unref (self->model);
  g_free (self->weights);
  g_free (self->packed);
  g_free (self->places);
  g_free (self);
}

gsize
rfdn_network_get_scratch_size (const RfdnNetwork *self, guint team_size)
{
  return (self->arena_size + team_size * self->row_size) * sizeof (float);
}

RfdnScratch *
rfdn_scratch_new (const RfdnNetwork *network, guint team_size)
{
  RfdnScratch *self = g_new0 (RfdnScratch, 1);
  gsize columns = (gsize)network->max_width * team_size;

  self->team_size = team_size;
  self->arena = alloc_floats (network->arena_size);
  self->rows = alloc_floats (team_size * network->row_size);
  self->regions = g_new0 (RfdnRect, network->graph->activations->len);
  self->left = g_try_new0 (gint32, columns);
  self->right = g_try_new0 (gint32, columns);
  self->weight = g_try_new0 (float, columns);
  if (!self->arena || !self->rows || !self->left || !self->right || !self->weight) {
    rfdn_scratch_free (self);
    return NULL;
  }
  return self;
}

void
rfdn_scratch_free (RfdnScratch *self)
{
  if (self == NULL)
    return;
  free (self->arena);
  free (self->rows);
  g_free (self->regions);
  g_free (self->left);
  g_free (self->right);
  g_free (self->weight);
  g_free (self);
}

/* ---- one tile -------------------------------------------------------------------------------- */

typedef struct {
  const RfdnNetwork *network;
  const RfdnPicture *picture;
  const RfdnRect *regions;
  RfdnScratch *scratch;
  RfdnTeam team;
} Run;

static View
get_view (const Run *run, guint activation)
{
  const RfdnRect *region = &run->regions[activation];
  gsize pitch = row_pitch (rfdn_rect_width (region));
  gssize stride =
      (gssize)(rfdn_graph_activation (run->network->graph, activation)->channels * pitch);
  float *first =
      run->scratch->arena + run->network->places[activation].offset + stride + RFDN_ROW_BEFORE;
  return (View){first - region->y0 * stride - region->x0, stride, pitch, *region};
}

static float *
view_at (const View *view, gint x, gint y, guint channel)
{
  return view->origin + y * view->stride + channel * view->pitch + x;
}

/* The rows of a region that this thread computes. */
static void
get_share (const RfdnRect *region, RfdnTeam team, gint *y0, gint *y1)
{
  gint height = rfdn_rect_height (region);
  *y0 = region->y0 + (gint)((gint64)height * team.index / team.size);
  *y1 = region->y0 + (gint)((gint64)height * (team.index + 1) / team.size);
}

static void
wait_for_team (RfdnTeam team)
{
  if (team.size > 1) {
#pragma omp barrier
  }
}

/* The pixels left and right of a row, as the next 3x3 convolution is to see them: zeros at the
 * frame's border (and where nobody looks), the border value itself where a pooled map goes on
 * beyond what the tile sees. */
static void
fill_row_margins (const View *view, const RfdnSlice *slice, gint y, gboolean pooled, gint extent)
{
  const gint x0 = view->region.x0, x1 = view->region.x1;
  const gboolean keep_left = pooled && x0 > 0, keep_right = pooled && x1 < extent;

  for (guint c = slice->first; c < slice->first + slice->n; c++) {
    float *row = view_at (view, 0, y, c);
    row[x0 - 1] = keep_left ? row[x0] : 0;
    row[x1] = keep_right ? row[x1 - 1] : 0;
  }
}

/* The row above (or below) a region. */
static void
fill_margin_row (const View *view, const RfdnSlice *slice, gint y, gint nearest, gboolean keep)
{
  for (guint c = slice->first; c < slice->first + slice->n; c++) {
    float *to = view_at (view, view->region.x0 - 1, y, c);
    gsize size = ((gsize)rfdn_rect_width (&view->region) + 2) * sizeof (float);
    if (keep)
      memcpy (to, view_at (view, view->region.x0 - 1, nearest, c), size);
    else
      memset (to, 0, size);
  }
}

/* What the threads that computed the first and the last row add to them. */
static void
fill_margins (const Run *run, const View *view, const RfdnSlice *slice, gint y0, gint y1)
{
  const RfdnActivation *activation = rfdn_graph_activation (run->network->graph, slice->activation);
  const gboolean pooled = activation->grid == RFDN_GRID_POOLED;
  const RfdnRect extent = rfdn_grid_get_extent (activation->grid, run->network->layout.width,
                                                run->network->layout.height);
  const RfdnRect *region = &view->region;

  for (gint y = y0; y < y1; y++)
    fill_row_margins (view, slice, y, pooled, extent.x1);
  if (y0 < y1 && y0 == region->y0)
    fill_margin_row (view, slice, y0 - 1, y0, pooled && y0 > 0);
  if (y0 < y1 && y1 == region->y1)
    fill_margin_row (view, slice, y1, y1 - 1, pooled && y1 < extent.y1);
}

static void
load_input (const Run *run)
{
  const RfdnPicture *picture = run->picture;
  const RfdnSlice input = rfdn_graph_get_input (run->network->graph);
  const View view = get_view (run, input.activation);
  gint y0, y1;
  get_share (&view.region, run->team, &y0, &y1);

  const gint x0 = view.region.x0, x1 = view.region.x1;
  const gint end = MIN (x1, (gint)picture->width);
  for (gint y = y0; y < y1; y++) {
    for (guint c = 0; c < input.n; c++) {
      const RfdnPlane *plane = &picture->in[c];
      const guint8 *src = (const guint8 *)plane->data +
                          MIN (y, (gint)picture->height - 1) * plane->stride +
                          (gsize)x0 * plane->pixel_stride;
      float *dst = view_at (&view, x0, y, c);
      run->network->kernels->load_row (dst, src, plane->pixel_stride, &picture->format,
                                       picture->in_gain, (guint)(end - x0));
      for (gint x = end; x < x1; x++)
        dst[x - x0] = dst[end - 1 - x0];
    }
  }
  fill_margins (run, &view, &input, y0, y1);
}

/* A row of the last layer's output, to the picture. */
static void
store_output (const Run *run, const float *row, gsize pitch, const RfdnRect *region, gint y)
{
  const RfdnPicture *picture = run->picture;
  const RfdnModelInfo *info = rfdn_model_get_info (run->network->model);
  const gint end = MIN (region->x1, (gint)picture->width);

  if (y >= (gint)picture->height || end <= region->x0)
    return;
  for (guint c = 0; c < info->channels; c++) {
    for (guint k = 0; k < info->scale; k++) {
      const RfdnPlane *plane = &picture->out[c];
      guint8 *dst = (guint8 *)plane->data + ((gssize)y * info->scale + k) * plane->stride +
                    (gsize)region->x0 * info->scale * plane->pixel_stride;
      run->network->kernels->store_row (dst, plane->pixel_stride, &picture->format,
                                        row + (c * info->scale + k) * info->scale * pitch, pitch,
                                        info->scale, picture->out_gain,
                                        (guint)(end - region->x0) * info->scale);
    }
  }
}

static void
upsample_row (const Run *run, const RfdnLayer *layer, float *dst, gsize pitch,
              const RfdnRect *region, gint y)
{
  const RfdnLayout *layout = &run->network->layout;
  const View pooled = get_view (run, layer->upsampled.activation);
  const RfdnRect extent = rfdn_grid_get_extent (RFDN_GRID_POOLED, layout->width, layout->height);
  const gsize at = (gsize)run->network->max_width * run->team.index;
  gint first, second;
  float weight;

  rfdn_bilinear_at (y, layout->height, extent.y1, &first, &second, &weight);
  first = CLAMP (first, pooled.region.y0, pooled.region.y1 - 1);
  second = CLAMP (second, pooled.region.y0, pooled.region.y1 - 1);
  run->network->kernels->upsample_row (
      dst, pitch, view_at (&pooled, 0, first, layer->upsampled.first),
      view_at (&pooled, 0, second, layer->upsampled.first), pooled.pitch, weight,
      run->scratch->left + at, run->scratch->right + at, run->scratch->weight + at, layer->out.n,
      (guint)rfdn_rect_width (region));
}

/* The columns that upsample_row() interpolates between, the same for every row. */
static void
prepare_upsampling (const Run *run, const RfdnLayer *layer, const RfdnRect *region)
{
  const RfdnLayout *layout = &run->network->layout;
  const RfdnRect *pooled = &run->regions[layer->upsampled.activation];
  const RfdnRect extent = rfdn_grid_get_extent (RFDN_GRID_POOLED, layout->width, layout->height);
  gsize at = (gsize)run->network->max_width * run->team.index;

  for (gint x = region->x0; x < region->x1; x++, at++) {
    gint first, second;
    rfdn_bilinear_at (x, layout->width, extent.x1, &first, &second, &run->scratch->weight[at]);
    run->scratch->left[at] = CLAMP (first, pooled->x0, pooled->x1 - 1);
    run->scratch->right[at] = CLAMP (second, pooled->x0, pooled->x1 - 1);
  }
}

static void
run_max_pool (const Run *run, const RfdnLayer *layer)
{
  const View in = get_view (run, layer->in.activation);
  const View out = get_view (run, layer->out.activation);
  gint y0, y1;
  get_share (&out.region, run->team, &y0, &y1);

  for (gint y = y0; y < y1; y++) {
    const float *src[7];
    for (gint k = 0; k < 7; k++)
      src[k] = view_at (&in, 3 * out.region.x0, 3 * y + k, layer->in.first);
    run->network->kernels->max_pool_row (view_at (&out, out.region.x0, y, layer->out.first),
                                         out.pitch, src, in.pitch, layer->out.n,
                                         (guint)rfdn_rect_width (&out.region));
  }
  fill_margins (run, &out, &layer->out, y0, y1);
}

static RfdnConvRowFunc
get_conv_func (const RfdnKernels *kernels, RfdnLayerKind kind)
{
  switch (kind) {
  case RFDN_LAYER_CONV_3X3:
    return kernels->conv3x3_row;
  case RFDN_LAYER_CONV_1X1:
    return kernels->conv1x1_row;
  case RFDN_LAYER_CONV_3X3_STRIDE2:
    return kernels->conv3x3_stride2_row;
  default:
    g_assert_not_reached ();
  }
}

/* Where the rows of a layer's input begin for row `y` of its output. */
static void
get_source_rows (const RfdnLayer *layer, const View *in, gint x, gint y, const float *src[3])
{
  for (gint k = 0; k < 3; k++) {
    switch (layer->kind) {
    case RFDN_LAYER_CONV_3X3:
      src[k] = view_at (in, x, y - 1 + k, layer->in.first);
      break;
    case RFDN_LAYER_CONV_3X3_STRIDE2:
      src[k] = view_at (in, 2 * x, 2 * y + k, layer->in.first);
      break;
    default:
      src[k] = view_at (in, x, y, layer->in.first);
      break;
    }
  }
}

static void
run_conv (const Run *run, guint index, gboolean is_output)
{
  const RfdnNetwork *network = run->network;
  const RfdnLayer *layer = rfdn_graph_layer (network->graph, index);
  const RfdnConvRowFunc conv = get_conv_func (network->kernels, layer->kind);
  const RfdnRect region = run->regions[layer->out.activation];
  const View in = get_view (run, layer->in.activation);
  View out = {.region = region, .pitch = row_pitch (rfdn_rect_width (&region))};
  View add = {0}, gate = {0};
  RfdnConvRow row = {
      .src_pitch = in.pitch,
      .in_channels = layer->in.n,
      .out_channels = layer->out.n,
      .weights = network->packed + network->weights[index],
      .dst = run->scratch->rows + run->team.index * network->row_size + RFDN_ROW_BEFORE,
      .dst_pitch = out.pitch,
      .add_last = layer->add_last,
      .slope = layer->slope,
      .n = (guint)rfdn_rect_width (&region),
  };
  gint y0, y1;

  if (!is_output)
    out = get_view (run, layer->out.activation);
  if (layer->add.n) {
    add = get_view (run, layer->add.activation);
    row.add_pitch = add.pitch;
  }
  if (layer->gate.n)
    gate = get_view (run, layer->gate.activation);
  if (layer->upsampled.n)
    prepare_upsampling (run, layer, &region);

  get_share (&region, run->team, &y0, &y1);
  for (gint y = y0; y < y1; y++) {
    get_source_rows (layer, &in, region.x0, y, row.src);
    if (layer->add.n)
      row.add = view_at (&add, region.x0, y, layer->add.first);
    if (!is_output)
      row.dst = view_at (&out, region.x0, y, layer->out.first);
    conv (&row);
    if (layer->upsampled.n)
      upsample_row (run, layer, row.dst, row.dst_pitch, &region, y);
    if (layer->gate.n)
      network->kernels->gate_row (row.dst, row.dst_pitch,
                                  view_at (&gate, region.x0, y, layer->gate.first), gate.pitch,
                                  layer->out.n, row.n);
    if (is_output)
      store_output (run, row.dst, row.dst_pitch, &region, y);
  }
  if (!is_output)
    fill_margins (run, &out, &layer->out, y0, y1);
}

void
rfdn_network_run (const RfdnNetwork *self, guint tile, const RfdnPicture *picture,
                  RfdnScratch *scratch, RfdnTeam team)
{
  const RfdnGraph *graph = self->graph;
  const Run run = {self, picture, scratch->regions, scratch, team};

  if (team.index == 0)
    rfdn_layout_get_regions (&self->layout, graph, tile, scratch->regions);
  wait_for_team (team);
  load_input (&run);
  for (guint i = 0; i < graph->layers->len; i++) {
    wait_for_team (team);
    if (rfdn_graph_layer (graph, i)->kind == RFDN_LAYER_MAX_POOL)
      run_max_pool (&run, rfdn_graph_layer (graph, i));
    else
      run_conv (&run, i, i == graph->layers->len - 1);
  }
  wait_for_team (team);
}
