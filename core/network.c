/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network-private.h"

#include <stdlib.h>

/* ---- schedules and memory -------------------------------------------------------------------- */

/* Tiles side by side need the same rows: one schedule serves them all. */
static gboolean
make_schedules (RfdnNetwork *self, RfdnRect *regions)
{
  const guint n = (guint) self->layout.rows, columns = (guint) self->layout.columns;

  self->schedules = rfdn_try_new (RfdnSchedule *, n);
  for (guint row = 0; self->schedules != NULL && row < n; row++) {
    rfdn_layout_get_regions (&self->layout, self->graph, row * columns, regions);
    self->schedules[row] = rfdn_schedule_new (self->graph, self->groups, &self->layout, regions);
    if (self->schedules[row] == NULL)
      return FALSE;
  }
  return self->schedules != NULL;
}

/* Pages for the row of tiles that needs most of them. */
static void
measure_pages (RfdnNetwork *self, RfdnRect *regions)
{
  const RfdnGraph *graph = self->graph;
  const RfdnSchedule *schedule = self->schedules[0];
  const guint output = rfdn_graph_get_output (graph).activation;
  const gsize slack = RFDN_RUN_SLACK + RFDN_RUN_AFTER;

  for (gint column = 0; column < self->layout.columns; column++) {
    rfdn_layout_get_regions (&self->layout, graph, (guint) column, regions);
    for (guint i = 0; i < graph->activations->len; i++) {
      const gint width = regions[i].x1 - rfdn_cell_floor (regions[i].x0);
      const guint words = rfdn_get_words (rfdn_graph_activation (graph, i)->channels,
                                          rfdn_get_packing (self->kernels));
      const gsize row = words * RFDN_PHASES * rfdn_run_size (width);
      gsize *size = i == output ? &self->row_size : &self->pages[schedule->kind[i]].size;
      *size = MAX (*size, slack + RFDN_STRIP * row);
      self->zero_size = MAX (self->zero_size, slack + row);
      self->max_columns = MAX (self->max_columns, (guint) (width + 3) / RFDN_PHASES);
    }
  }
}

static void
place_pages (RfdnNetwork *self)
{
  const guint n_kinds = self->schedules[0]->kinds->len;

  for (guint k = 0; k < n_kinds; k++) {
    RfdnPages *pages = &self->pages[k];
    for (gint row = 0; row < self->layout.rows; row++)
      pages->n = MAX (pages->n, self->schedules[row]->n_pages[k]);
    pages->offset = self->arena_size;
    self->arena_size += pages->n * pages->size;
  }
}

/* ---- the network ----------------------------------------------------------------------------- */

RfdnNetwork *
rfdn_network_new (RfdnModel *model, const RfdnKernels *kernels, const RfdnLayout *layout)
{
  g_autoptr (RfdnNetwork) self = g_new0 (RfdnNetwork, 1);
  self->model = rfdn_model_ref (model);
  self->graph = rfdn_model_get_graph (model);
  self->kernels = kernels;
  self->layout = *layout;
  self->groups = rfdn_find_groups (self->graph);

  RfdnRect *regions = g_newa (RfdnRect, self->graph->activations->len);
  self->weights = rfdn_model_get_weights (model, kernels);
  if (self->groups == NULL || self->weights == NULL || !make_schedules (self, regions))
    return NULL;
  self->pages = rfdn_try_new (RfdnPages, self->schedules[0]->kinds->len);
  if (self->pages == NULL)
    return NULL;
  measure_pages (self, regions);
  place_pages (self);
  return g_steal_pointer (&self);
}

void
rfdn_network_free (RfdnNetwork *self)
{
  if (self == NULL)
    return;
  rfdn_model_unref (self->model);
  rfdn_array_free (self->groups);
  for (gint row = 0; self->schedules != NULL && row < self->layout.rows; row++)
    rfdn_schedule_free (self->schedules[row]);
  g_free (self->schedules);
  g_free (self->pages);
  g_free (self);
}

/* ---- scratch --------------------------------------------------------------------------------- */

static gsize
worker_size (const RfdnNetwork *self)
{
  return self->row_size + self->weights->scratch_size;
}

gsize
rfdn_network_get_scratch_size (const RfdnNetwork *self, guint n_threads)
{
  return (self->arena_size + self->zero_size + n_threads * worker_size (self)) * sizeof (float);
}

static gboolean
worker_init (RfdnWorker *worker, const RfdnNetwork *network)
{
  const gsize columns = (gsize) network->max_columns * RFDN_PHASES;

  worker->regions = rfdn_try_new (RfdnRect, network->graph->activations->len);
  worker->left = rfdn_try_new (gint32, columns);
  worker->right = rfdn_try_new (gint32, columns);
  worker->weight = rfdn_try_new (float, columns);
  worker->splat = rfdn_try_new (float, network->max_columns + RFDN_RUN_ALIGN);
  worker->memory = rfdn_try_floats (worker_size (network));
  return worker->regions && worker->left && worker->right && worker->weight && worker->splat &&
         worker->memory;
}

/* What threads share that work off a schedule together; FALSE if there is no memory. */
static gboolean
alloc_shared (RfdnScratch *self, const RfdnNetwork *network)
{
  gsize n_counts = 0, n_words = 0;

  if (self->n_workers == 1)
    return TRUE;
  for (gint row = 0; row < network->layout.rows; row++) {
    const RfdnSchedule *schedule = network->schedules[row];
    n_counts = MAX (n_counts, schedule->bundles->len);
    n_words = MAX (n_words, (schedule->units->len + RFDN_WORD - 1) / RFDN_WORD);
  }
  self->shared = rfdn_try_alloc (n_counts + n_words + 1, RFDN_LINE);
  if (self->shared == NULL)
    return FALSE;
  self->counts = (RfdnCount *) (((guintptr) self->shared + RFDN_LINE - 1) & -(guintptr) RFDN_LINE);
  self->words = (RfdnWord *) (self->counts + n_counts);
  return TRUE;
}

RfdnScratch *
rfdn_scratch_new (const RfdnNetwork *network, guint n_threads, const RfdnStop *stop)
{
  RfdnScratch *self = g_new0 (RfdnScratch, 1);

  self->stop = stop;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  /* Fresh memory is zero, and the system provides it on first use: threads spread that work. */
  self->memory = rfdn_try_new (float, network->arena_size + RFDN_ALIGN);
  self->arena = (float *) (((guintptr) self->memory + RFDN_ALIGN - 1) & -(guintptr) RFDN_ALIGN);
  self->zeros = rfdn_try_floats (network->zero_size);
  self->n_workers = n_threads;
  self->workers = rfdn_try_new (RfdnWorker, n_threads);
  gboolean ok = self->memory && self->zeros && self->workers && alloc_shared (self, network);
  for (guint i = 0; i < n_threads && ok; i++)
    ok = worker_init (&self->workers[i], network);
  if (ok)
    return self;
  rfdn_scratch_free (self);
  return NULL;
}

void
rfdn_scratch_free (RfdnScratch *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; self->workers != NULL && i < self->n_workers; i++) {
    g_free (self->workers[i].regions);
    g_free (self->workers[i].left);
    g_free (self->workers[i].right);
    g_free (self->workers[i].weight);
    g_free (self->workers[i].splat);
    free (self->workers[i].memory);
    g_free (self->workers[i].times);
    g_free (self->workers[i].ranges);
  }
  g_free (self->workers);
  g_free (self->memory);
  free (self->zeros);
  g_free (self->shared);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}
