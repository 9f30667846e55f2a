/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rfdn.h"

#include "format.h"
#include "network-private.h"

struct RfdnUpscaler {
  RfdnModel *model;
  RfdnUpscalerParams params;
  RfdnLayout layout;
  RfdnNetwork *network;
  RfdnPool *pool;
  /* One for all threads, or one each: see RfdnLayout.together. */
  RfdnScratch **scratch;
  guint n_scratch;
  float in_gain, out_gain;

  /* The run at hand. */
  RfdnPicture picture;
  gint next_tile; /* when each thread computes its own */
  gint cancelled;
};

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
  if (params->tile_size > RFDN_MAX_SIZE) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "tiles of %u pixels are not possible",
                 params->tile_size);
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
  const guint n_tiles = (guint) (self->layout.columns * self->layout.rows);
  const guint n_threads = rfdn_pool_get_size (self->pool);
  const guint sharing = self->layout.together ? n_threads : 1;

  self->n_scratch = self->layout.together ? 1 : MIN (n_threads, n_tiles);
  self->scratch = g_new0 (RfdnScratch *, self->n_scratch);
  for (guint i = 0; i < self->n_scratch; i++) {
    self->scratch[i] = rfdn_scratch_new (self->network, sharing, &self->cancelled);
    if (self->scratch[i] == NULL) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY,
                   "no memory for %ux%u pixels: a tile of %dx%d takes %" G_GSIZE_FORMAT " MiB",
                   self->params.width, self->params.height, self->layout.tile_width,
                   self->layout.tile_height,
                   rfdn_network_get_scratch_size (self->network, sharing) >> 20);
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
  self->pool = params->pool ? rfdn_pool_ref (params->pool) : rfdn_pool_new (params->n_threads);
  rfdn_layout_init (&self->layout, rfdn_model_get_graph (model), MAX ((gint) params->width, least),
                    MAX ((gint) params->height, least), rfdn_pool_get_size (self->pool),
                    params->tile_size, params->tile_overlap);
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
  rfdn_pool_unref (self->pool);
  g_free (self);
}

static void
run_member (RfdnMember member, gpointer data)
{
  RfdnUpscaler *self = data;
  const guint n_tiles = (guint) (self->layout.columns * self->layout.rows);

  if (self->layout.together) {
    rfdn_network_run (self->network, 0, n_tiles, &self->picture, self->scratch[0], member.index,
                      member);
    return;
  }
  if (member.index >= self->n_scratch)
    return;
  while (!rfdn_member_must_leave (member) && !rfdn_upscaler_is_cancelled (self)) {
    const guint tile = (guint) g_atomic_int_add (&self->next_tile, 1);
    if (tile >= n_tiles)
      return;
    rfdn_scratch_begin (self->scratch[member.index]);
    rfdn_network_run (self->network, tile, 1, &self->picture, self->scratch[member.index], 0,
                      RFDN_MEMBER_ALONE);
  }
}

void
rfdn_upscaler_run (RfdnUpscaler *self, const RfdnPlane *in, const RfdnPlane *out)
{
  self->picture = (RfdnPicture){
      .in = in,
      .out = out,
      .format = self->params.format,
      .width = self->params.width,
      .height = self->params.height,
      .in_gain = self->in_gain,
      .out_gain = self->out_gain,
  };
  g_atomic_int_set (&self->next_tile, 0);
  if (self->layout.together)
    rfdn_scratch_begin (self->scratch[0]);
  rfdn_pool_run (self->pool, run_member, self);
}

void
rfdn_upscaler_set_cancelled (RfdnUpscaler *self, gboolean cancelled)
{
  g_atomic_int_set (&self->cancelled, cancelled);
}

gboolean
rfdn_upscaler_is_cancelled (const RfdnUpscaler *self)
{
  return g_atomic_int_get (&self->cancelled);
}

char *
rfdn_upscaler_describe (const RfdnUpscaler *self)
{
  const guint n_threads = rfdn_pool_get_size (self->pool);
  const gsize size =
      rfdn_network_get_scratch_size (self->network, self->layout.together ? n_threads : 1) *
      self->n_scratch;
  g_autofree char *memory = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *layout = rfdn_layout_describe (&self->layout);

  return g_strdup_printf ("%ux%u: %s, %u threads, %s, scratch %s", self->params.width,
                          self->params.height, rfdn_cpu_get_name (self->params.cpu), n_threads,
                          layout, memory);
}

void
rfdn_upscaler_start_profile (RfdnUpscaler *self)
{
  for (guint i = 0; i < self->n_scratch; i++)
    rfdn_network_start_profile (self->network, self->scratch[i]);
}

RfdnLayerTime *
rfdn_upscaler_get_profile (const RfdnUpscaler *self, guint *n)
{
  RfdnLayerTime *times = rfdn_network_get_profile (self->network, n);

  for (guint i = 0; i < self->n_scratch; i++)
    rfdn_scratch_add_profile (self->scratch[i], times, *n);
  return times;
}
