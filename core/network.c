/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network-private.h"

#include <stdlib.h>
#include <string.h>

/* From so many channels in on, Winograd's products outweigh its transforms. */
#define WIDE_CHANNELS 8

static RfdnGrid
layer_grid (const RfdnGraph *graph, const RfdnLayer *layer)
{
  return rfdn_graph_activation (graph, layer->out.activation)->grid;
}

/* ---- weights --------------------------------------------------------------------------------- */

/* Winograd's tiles are anchored in the frame. The pooled grid begins anywhere in a tile's view, and
 * is small. */
static const RfdnConv *
choose_conv (const RfdnKernels *kernels, const RfdnLayer *layer, RfdnGrid grid)
{
  switch (layer->kind) {
  case RFDN_LAYER_CONV_3X3:
    return grid == RFDN_GRID_FRAME && layer->in.n >= WIDE_CHANNELS ? &kernels->conv3x3_wide
                                                                   : &kernels->conv3x3;
  case RFDN_LAYER_CONV_1X1:
    return &kernels->conv1x1;
  case RFDN_LAYER_CONV_3X3_STRIDE2:
    return &kernels->conv3x3_stride2;
  case RFDN_LAYER_MAX_POOL:
    return NULL;
  }
  g_assert_not_reached ();
}

static void
pack_weights (RfdnNetwork *self)
{
  const RfdnGraph *graph = self->graph;
  gsize total = 0;

  self->convs = g_new0 (const RfdnConv *, graph->layers->len);
  self->weights = g_new0 (gsize, graph->layers->len);
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    const RfdnConv *conv = choose_conv (self->kernels, layer, layer_grid (graph, layer));
    self->convs[i] = conv;
    self->weights[i] = total;
    if (conv == NULL)
      continue;
    total += conv->packed_size (layer->in.n, layer->out.n);
    self->conv_scratch_size =
        MAX (self->conv_scratch_size, conv->scratch_size (layer->in.n, layer->out.n));
  }
  self->packed = g_new (float, total);
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    if (self->convs[i] != NULL)
      self->convs[i]->pack (self->packed + self->weights[i], layer->weights, layer->bias,
                            layer->in.n, layer->out.n);
  }
}

/* ---- groups ---------------------------------------------------------------------------------- */

static gboolean
is_written_in (const RfdnGraph *graph, guint activation, const RfdnGroup *group)
{
  for (guint i = group->first; i < group->end; i++) {
    if (rfdn_graph_layer (graph, i)->out.activation == activation)
      return TRUE;
  }
  return FALSE;
}

static gboolean
can_join (const RfdnGraph *graph, const RfdnGroup *group, const RfdnLayer *layer)
{
  const RfdnLayer *first = rfdn_graph_layer (graph, group->first);

  if (layer_grid (graph, layer) != layer_grid (graph, first))
    return FALSE;
  if (layer_grid (graph, layer) == RFDN_GRID_POOLED)
    return layer->kind == RFDN_LAYER_CONV_3X3 && first->kind == RFDN_LAYER_CONV_3X3;
  if (layer->upsampled.n && is_written_in (graph, layer->upsampled.activation, group))
    return FALSE;
  return layer->kind == RFDN_LAYER_CONV_1X1 || !is_written_in (graph, layer->in.activation, group);
}

static void
find_groups (RfdnNetwork *self)
{
  const RfdnGraph *graph = self->graph;

  self->groups = g_array_new (FALSE, FALSE, sizeof (RfdnGroup));
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    RfdnGroup *last =
        self->groups->len ? &g_array_index (self->groups, RfdnGroup, self->groups->len - 1) : NULL;
    if (last != NULL && can_join (graph, last, layer)) {
      last->end = i + 1;
      continue;
    }
    RfdnGroup group = {i, i + 1,
                       layer_grid (graph, layer) == RFDN_GRID_POOLED &&
                           layer->kind == RFDN_LAYER_CONV_3X3};
    g_array_append_val (self->groups, group);
  }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static gint
n_strips (const RfdnRect *region)
{
  return (region->y1 - rfdn_grain_floor (region->y0) + RFDN_STRIP - 1) / RFDN_STRIP;
}

typedef struct {
  const RfdnGraph *graph;
  const RfdnRect *regions;
  RfdnPlace *places;
} Rings;

/* How many strips of what `layer` writes are wanted at the same time, as it writes strip y. */
static void
measure_ring (gint layer, gint y, const gint *next, gpointer data)
{
  const Rings *rings = data;
  guint written = layer < 0 ? 0 : rfdn_graph_layer (rings->graph, layer)->out.activation;
  gint oldest = y;

  for (guint i = 0; i < rings->graph->layers->len; i++) {
    const RfdnLayer *reader = rfdn_graph_layer (rings->graph, i);
    const gboolean reads = reader->in.activation == written ||
                           (reader->add.n && reader->add.activation == written) ||
                           (reader->gate.n && reader->gate.activation == written);
    if (!reads || next[1 + i] >= rings->regions[reader->out.activation].y1)
      continue;
    gint above = reader->in.activation == written && reader->kind == RFDN_LAYER_CONV_3X3 ? 1 : 0;
    oldest = MIN (oldest, MAX (next[1 + i] - above, rings->regions[written].y0));
  }
  guint strips = (guint) (y / RFDN_STRIP - rfdn_grain_floor (oldest) / RFDN_STRIP + 1);
  rings->places[written].n_strips = MAX (rings->places[written].n_strips, strips);
}

static void
measure_strips (RfdnNetwork *self, const RfdnRect *regions)
{
  const RfdnGraph *graph = self->graph;
  g_autofree gint *next = g_new (gint, graph->layers->len + 1);
  Rings rings = {graph, regions, self->places};

  if (self->rolling) {
    rfdn_roll (graph, regions, next, measure_ring, &rings);
    return;
  }
  for (guint i = 0; i < graph->activations->len; i++)
    self->places[i].n_strips = MAX (self->places[i].n_strips, (guint) n_strips (&regions[i]));
}

/* How much each activation takes in the tile where it takes most. */
static void
measure_activations (RfdnNetwork *self)
{
  const RfdnGraph *graph = self->graph;
  const guint n_tiles = (guint) (self->layout.columns * self->layout.rows);
  const guint output = rfdn_graph_layer (graph, graph->layers->len - 1)->out.activation;
  g_autofree RfdnRect *regions = g_new (RfdnRect, graph->activations->len);
  g_autofree gsize *rows = g_new0 (gsize, graph->activations->len);

  for (guint tile = 0; tile < n_tiles; tile++) {
    rfdn_layout_get_regions (&self->layout, graph, tile, regions);
    measure_strips (self, regions);
    for (guint i = 0; i < graph->activations->len; i++) {
      const gint width = regions[i].x1 - rfdn_grain_floor (regions[i].x0);
      const gsize row =
          rfdn_graph_activation (graph, i)->channels * RFDN_PHASES * rfdn_run_size (width);
      rows[i] = MAX (rows[i], row);
      self->max_columns = MAX (self->max_columns, (guint) (width + 3) / RFDN_PHASES);
    }
  }
  const gsize slack = RFDN_RUN_SLACK + RFDN_RUN_AFTER;
  for (guint i = 0; i < graph->activations->len; i++) {
    self->zero_size = MAX (self->zero_size, slack + rows[i]);
    if (i != output)
      self->places[i].size = slack + rows[i] * RFDN_STRIP * self->places[i].n_strips;
  }
  /* The output goes strip by strip to the picture. */
  self->row_size = slack + rows[output] * RFDN_STRIP;
}

/* The groups in which an activation is written or read. */
typedef struct {
  guint first, last;
} Life;

static void
get_lives (const RfdnNetwork *self, Life *lives)
{
  const RfdnGraph *graph = self->graph;

  for (guint i = 0; i < graph->activations->len; i++)
    lives[i] = i == 0 || self->rolling ? (Life){0, 0} : (Life){G_MAXUINT, 0};
  for (guint g = 0; g < self->groups->len && !self->rolling; g++) {
    const RfdnGroup *group = &g_array_index (self->groups, RfdnGroup, g);
    for (guint i = group->first; i < group->end; i++) {
      const RfdnLayer *layer = rfdn_graph_layer (graph, i);
      const RfdnSlice *used[] = {&layer->in, &layer->out, &layer->add, &layer->gate,
                                 &layer->upsampled};
      for (guint k = 0; k < G_N_ELEMENTS (used); k++) {
        Life *life = &lives[used[k]->activation];
        if (used[k]->n == 0)
          continue;
        life->first = MIN (life->first, g);
        life->last = MAX (life->last, g);
      }
    }
  }
}

/* Gives each activation the lowest place that none has which lives at the same time. */
static void
place_activations (RfdnNetwork *self)
{
  guint n = self->graph->activations->len;
  g_autofree Life *lives = g_new (Life, n);
  get_lives (self, lives);

  for (guint i = 0; i < n; i++) {
    RfdnPlace *place = &self->places[i];
    gboolean moved = TRUE;
    place->offset = 0;
    while (moved) {
      moved = FALSE;
      for (guint k = 0; k < i; k++) {
        const RfdnPlace *other = &self->places[k];
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

/* ---- the network ----------------------------------------------------------------------------- */

RfdnNetwork *
rfdn_network_new (RfdnModel *model, const RfdnKernels *kernels, const RfdnLayout *layout)
{
  RfdnNetwork *self = g_new0 (RfdnNetwork, 1);
  self->model = rfdn_model_ref (model);
  self->graph = rfdn_model_get_graph (model);
  self->kernels = kernels;
  self->layout = *layout;
  self->rolling = !layout->attention;
  self->places = g_new0 (RfdnPlace, self->graph->activations->len);
  pack_weights (self);
  find_groups (self);
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
  g_free (self->convs);
  g_free (self->weights);
  g_free (self->packed);
  g_clear_pointer (&self->groups, g_array_unref);
  g_free (self->places);
  g_free (self);
}

gboolean
rfdn_network_wants_team (const RfdnNetwork *self)
{
  return !self->rolling;
}

/* ---- scratch --------------------------------------------------------------------------------- */

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

static gsize
thread_size (const RfdnNetwork *self)
{
  const gsize aligned = RFDN_ALIGN / sizeof (float);
  return (self->row_size + self->conv_scratch_size + aligned - 1) / aligned * aligned;
}

gsize
rfdn_network_get_scratch_size (const RfdnNetwork *self, guint team_size)
{
  return (self->arena_size + self->zero_size + team_size * thread_size (self)) * sizeof (float);
}

RfdnScratch *
rfdn_scratch_new (const RfdnNetwork *network, guint team_size)
{
  RfdnScratch *self = g_new0 (RfdnScratch, 1);
  gsize columns = (gsize) network->max_columns * RFDN_PHASES * team_size;

  rfdn_barrier_init (&self->barrier);
  self->thread_size = thread_size (network);
  self->arena = alloc_floats (network->arena_size);
  self->zeros = alloc_floats (network->zero_size);
  self->threads = alloc_floats (team_size * self->thread_size);
  self->regions = g_new0 (RfdnRect, network->graph->activations->len);
  self->next = g_new0 (gint, network->graph->layers->len + 1);
  self->strips = g_new0 (gint, network->groups->len + 1);
  self->left = g_try_new0 (gint32, columns);
  self->right = g_try_new0 (gint32, columns);
  self->weight = g_try_new0 (float, columns);
  if (!self->arena || !self->zeros || !self->threads || !self->left || !self->right ||
      !self->weight) {
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
  rfdn_barrier_clear (&self->barrier);
  free (self->arena);
  free (self->zeros);
  free (self->threads);
  g_free (self->regions);
  g_free (self->next);
  g_free ((gint *) self->strips);
  g_free (self->left);
  g_free (self->right);
  g_free (self->weight);
  g_free (self);
}
