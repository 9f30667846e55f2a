/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rfdn.h"

#include "format.h"
#include "network.h"
#include "threads.h"

struct RfdnUpscaler {
  RfdnModel *model;
  RfdnUpscalerParams params;
  RfdnLayout layout;
  RfdnNetwork *network;
  guint n_threads;
  /* Many tiles: each thread computes its own, in its own scratch. Few: all threads share one. */
  gboolean tiles_apart;
  RfdnScratch **scratch;
  guint n_scratch;
  float in_gain, out_gain;
};

/* With fewer tiles than this for each thread, the last ones would leave threads idle. */
#define MIN_TILES_A_THREAD 4

static gboolean
check_params (const RfdnUpscalerParams *params, GError **error)
{
  if (params->width < 1 || params->width > RFDN_MAX_SIZE || params->height < 1 ||
      params->height > RFDN_MAX_SIZE) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS,
                 "pictures of %ux%u pixels are not possible: 1 to %d each way", params->width,
                 params->height, RFDN_MAX_SIZE);
    return FALSE;
  }
  if (params->tile_overlap < RFDN_TILE_OVERLAP_AUTO || params->tile_overlap > RFDN_MAX_SIZE) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "a tile overlap of %d is not possible",
                 params->tile_overlap);
    return FALSE;
  }
  return rfdn_sample_format_check (&params->format, error);
}

static gboolean
alloc_scratch (RfdnUpscaler *self, GError **error)
{
  guint n_tiles = (guint) (self->layout.columns * self->layout.rows);
  self->tiles_apart =
      !rfdn_network_wants_team (self->network) || n_tiles >= MIN_TILES_A_THREAD * self->n_threads;
  self->n_scratch = self->tiles_apart ? MIN (self->n_threads, n_tiles) : 1;
  guint team_size = self->tiles_apart ? 1 : self->n_threads;

  self->scratch = g_new0 (RfdnScratch *, self->n_scratch);
  for (guint i = 0; i < self->n_scratch; i++) {
    self->scratch[i] = rfdn_scratch_new (self->network, team_size);
    if (self->scratch[i] == NULL) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY,
                   "no memory for %ux%u pixels: a tile of %dx%d takes %" G_GSIZE_FORMAT " MiB",
                   self->params.width, self->params.height, self->layout.tile_width,
                   self->layout.tile_height,
                   rfdn_network_get_scratch_size (self->network, team_size) >> 20);
      return FALSE;
    }
  }
  return TRUE;
}

RfdnUpscaler *
rfdn_upscaler_new (RfdnModel *model, const RfdnUpscalerParams *params, GError **error)
{
  if (!check_params (params, error))
    return NULL;
  const RfdnKernels *kernels = rfdn_kernels_get (params->cpu, error);
  if (kernels == NULL)
    return NULL;

  const RfdnModelInfo *info = rfdn_model_get_info (model);
  gint least = info->attention ? RFDN_ATTENTION_MIN_SIZE : 1;
  g_autoptr (RfdnUpscaler) self = g_new0 (RfdnUpscaler, 1);
  self->model = rfdn_model_ref (model);
  self->params = *params;
  self->params.cpu = kernels->cpu;
  self->n_threads = rfdn_resolve_threads (params->n_threads);
  rfdn_layout_init (&self->layout, rfdn_model_get_graph (model), MAX ((gint) params->width, least),
                    MAX ((gint) params->height, least), self->n_threads, params->tile_size,
                    params->tile_overlap);
  self->network = rfdn_network_new (model, kernels, &self->layout);
  if (!alloc_scratch (self, error))
    return NULL;

  float largest = rfdn_sample_format_get_max (&params->format);
  self->in_gain = largest > 0 ? info->input_range / largest : 1;
  self->out_gain = largest > 0 ? largest / info->input_range : 1;
  return g_steal_pointer (&self);
}

void
rfdn_upscaler_free (RfdnUpscaler *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_scratch; i++)
    rfdn_scratch_free (self->scratch[i]);
  g_free (self->scratch);
  rfdn_network_free (self->network);
  rfdn_model_unref (self->model);
  g_free (self);
}

static void
run_tiles (RfdnUpscaler *self, const RfdnPicture *picture)
{
  const gint n_tiles = self->layout.columns * self->layout.rows;

  if (self->tiles_apart) {
#pragma omp parallel for num_threads(self->n_scratch) schedule(dynamic)
    for (gint tile = 0; tile < n_tiles; tile++) {
      rfdn_network_run (self->network, (guint) tile, picture, self->scratch[rfdn_thread_index ()],
                        (RfdnTeam){0, 1});
    }
    return;
  }

#pragma omp parallel num_threads(self->n_threads)
  {
    const RfdnTeam team = {rfdn_thread_index (), rfdn_thread_count ()};
    for (gint tile = 0; tile < n_tiles; tile++)
      rfdn_network_run (self->network, (guint) tile, picture, self->scratch[0], team);
  }
}

void
rfdn_upscaler_run (RfdnUpscaler *self, const RfdnPlane *in, const RfdnPlane *out)
{
  const RfdnPicture picture = {
      .in = in,
      .out = out,
      .format = self->params.format,
      .width = self->params.width,
      .height = self->params.height,
      .in_gain = self->in_gain,
      .out_gain = self->out_gain,
  };
  run_tiles (self, &picture);
}

char *
rfdn_upscaler_describe (const RfdnUpscaler *self)
{
  guint team_size = self->tiles_apart ? 1 : self->n_threads;
  gsize size = rfdn_network_get_scratch_size (self->network, team_size) * self->n_scratch;
  g_autofree char *memory = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);

  return g_strdup_printf (
      "%ux%u: %s, %u threads, %dx%d tiles of %dx%d, overlap %d, %s, scratch %s", self->params.width,
      self->params.height, rfdn_cpu_get_name (self->params.cpu), self->n_threads,
      self->layout.columns, self->layout.rows, self->layout.tile_width, self->layout.tile_height,
      self->layout.overlap, self->tiles_apart ? "a thread each" : "all threads together", memory);
}
