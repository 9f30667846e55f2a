/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rfdn.h"

#include "cache.h"
#include "format.h"
#include "network-private.h"
#include "ranges.h"

struct RfdnUpscaler {
  RfdnModel *model;
  RfdnUpscalerParams params;
  RfdnLayout layout;
  RfdnNetwork *network;
  RfdnPool *pool;
  /* One for all threads, or one each: see RfdnLayout.together. */
  RfdnScratch **scratch;
  guint n_scratch;

  /* The run at hand; all but the planes is set beforehand. */
  RfdnPicture picture;
  const guint *tiles; /* in this order; NULL for all of them */
  guint n_tiles;
  gint64 deadline;
  gint next_tile; /* when each thread computes its own */
  RfdnStop stop;

  double tile_time; /* see rfdn_upscaler_get_tile_time() */
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
  if (MAX (params->tile_size, params->tile_height) > RFDN_MAX_SIZE) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "tiles of %ux%u pixels are not possible",
                 params->tile_size, params->tile_height);
    return FALSE;
  }
  if (params->tile_overlap < RFDN_TILE_OVERLAP_AUTO || params->tile_overlap > RFDN_MAX_SIZE) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "a tile overlap of %d is not possible",
                 params->tile_overlap);
    return FALSE;
  }
  return rfdn_sample_format_check (&params->format, error);
}

/* Why integers are not possible, in words; NULL if they are. */
static const char *
get_int16_obstacle (const RfdnModel *model, const RfdnUpscalerParams *params)
{
  if (!rfdn_model_get_info (model)->has_steps)
    return "its file has no steps for integers";
  if (params->format.samples != RFDN_SAMPLES_U8)
    return "it is for samples of 8 bits (of RGB frames, luma has 16)";
  return NULL;
}

/* The kernels of the level and precision that `params` ask for. */
static const RfdnKernels *
get_kernels (const RfdnModel *model, const RfdnUpscalerParams *params, GError **error)
{
  const char *obstacle = get_int16_obstacle (model, params);
  RfdnPrecision precision = params->precision;

  if (precision == RFDN_PRECISION_AUTO && obstacle)
    precision = RFDN_PRECISION_FLOAT32;
  if (precision != RFDN_PRECISION_INT16 || obstacle == NULL)
    return rfdn_kernels_get (params->cpu, precision, error);
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_PRECISION,
               "precision int16 is not possible with model '%s': %s",
               info->name[0] != '\0' ? info->name : info->architecture, obstacle);
  return NULL;
}

static gboolean
alloc_scratch (RfdnUpscaler *self, GError **error)
{
  const guint n_tiles = rfdn_upscaler_get_n_tiles (self);
  const guint n_threads = rfdn_pool_get_n_threads (self->pool, NULL);
  const guint sharing = self->layout.together ? n_threads : 1;
  const gsize size = rfdn_network_get_scratch_size (self->network, sharing);

  if (size > RFDN_MAX_TILE_MEMORY) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY,
                 "a tile of %dx%d would take %" G_GSIZE_FORMAT
                 " MiB; %u are the most: the network is too wide, or the tile",
                 self->layout.tile_width, self->layout.tile_height, size >> 20,
                 (guint) (RFDN_MAX_TILE_MEMORY >> 20));
    return FALSE;
  }
  self->n_scratch = self->layout.together ? 1 : MIN (n_threads, n_tiles);
  self->scratch = g_new0 (RfdnScratch *, self->n_scratch); /* as many as threads, at most */
  for (guint i = 0; i < self->n_scratch; i++) {
    self->scratch[i] = rfdn_scratch_new (self->network, sharing, &self->stop);
    if (self->scratch[i] == NULL) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY,
                   "no memory for %ux%u pixels: a tile of %dx%d takes %" G_GSIZE_FORMAT " MiB",
                   self->params.width, self->params.height, self->layout.tile_width,
                   self->layout.tile_height, size >> 20);
      return FALSE;
    }
  }
  return TRUE;
}

static guint
divide_up (guint a, guint b)
{
  return (a + b - 1) / b;
}

/* FALSE if there is no memory. */
static gboolean
init_layout (RfdnLayout *layout, const RfdnGraph *graph, const RfdnFrameInfo *frame,
             const RfdnUpscalerParams *params, RfdnPrecision precision, guint n_threads)
{
  const gsize number = precision == RFDN_PRECISION_INT16 ? sizeof (gint16) : sizeof (float);
  const guint least = rfdn_graph_pools (graph) ? RFDN_ATTENTION_MIN_SIZE : 1;
  const guint u = frame->unshuffle;

  return rfdn_layout_init (layout, graph, (gint) MAX (divide_up (params->width, u), least),
                           (gint) MAX (divide_up (params->height, u), least), (gint) frame->border,
                           n_threads, divide_up (params->tile_size, u),
                           divide_up (params->tile_height, u), params->tile_overlap,
                           rfdn_get_cache_share (n_threads) / number);
}

static void
init_picture (RfdnUpscaler *self)
{
  const RfdnFrameInfo *frame = rfdn_model_get_frame_info (self->model);
  const float range = rfdn_model_get_info (self->model)->input_range;
  const float largest = rfdn_sample_format_get_max (&self->params.format);

  self->picture = (RfdnPicture){
      .format = self->params.format,
      .width = self->params.width,
      .height = self->params.height,
      .unshuffle = frame->unshuffle,
      .out_gain = largest > 0 ? largest / range : 1,
  };
  for (guint c = 0; c < G_N_ELEMENTS (frame->gain); c++) {
    self->picture.in_gain[c] = (largest > 0 ? range / largest : 1) * frame->gain[c];
    self->picture.in_offset[c] = frame->offset[c];
  }
}

RfdnUpscaler *
rfdn_upscaler_new (RfdnModel *model, const RfdnUpscalerParams *params, GError **error)
{
  if (!check_params (params, error))
    return NULL;
  const RfdnKernels *kernels = get_kernels (model, params, error);
  if (kernels == NULL)
    return NULL;

  const RfdnGraph *graph = rfdn_model_get_graph (model);
  const RfdnFrameInfo *frame = rfdn_model_get_frame_info (model);
  g_autoptr (RfdnUpscaler) self = g_new0 (RfdnUpscaler, 1);
  self->model = rfdn_model_ref (model);
  self->params = *params;
  self->params.cpu = kernels->cpu;
  self->params.precision = kernels->precision;
  self->pool = params->pool ? rfdn_pool_ref (params->pool) : rfdn_pool_new (params->n_threads);
  if (init_layout (&self->layout, graph, frame, params, kernels->precision,
                   rfdn_pool_get_n_threads (self->pool, NULL)))
    self->network = rfdn_network_new (model, kernels, &self->layout);
  if (self->network == NULL) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY,
                 "no memory to plan how %ux%u pixels are enlarged", params->width, params->height);
    return NULL;
  }
  if (!alloc_scratch (self, error))
    return NULL;

  init_picture (self);
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

static RfdnArea
to_area (const RfdnUpscaler *self, RfdnRect rect)
{
  const gint width = (gint) self->params.width, height = (gint) self->params.height;
  const gint u = (gint) self->picture.unshuffle, border = self->layout.border;
  const gint x0 = CLAMP ((rect.x0 - border) * u, 0, width);
  const gint y0 = CLAMP ((rect.y0 - border) * u, 0, height);
  const gint x1 = CLAMP ((rect.x1 - border) * u, x0, width);
  const gint y1 = CLAMP ((rect.y1 - border) * u, y0, height);

  return (RfdnArea){(guint) x0, (guint) y0, (guint) (x1 - x0), (guint) (y1 - y0)};
}

/* ---- running --------------------------------------------------------------------------------- */

/* A tile that is started is finished. With N threads, one tile takes a thread as long as N tiles
 * take overall. */
static gboolean
is_late (const RfdnUpscaler *self)
{
  if (self->deadline == G_MAXINT64)
    return FALSE;
  const double needed = self->tile_time * self->n_scratch * G_USEC_PER_SEC;
  return (double) g_get_monotonic_time () + needed > (double) self->deadline;
}

static void
run_tiles_apart (RfdnMember member, gpointer data)
{
  RfdnUpscaler *self = data;

  if (member.index >= self->n_scratch)
    return;
  while (!rfdn_member_must_leave (member) && !rfdn_stop_is_abandoned (&self->stop) &&
         !is_late (self)) {
    const guint next = (guint) g_atomic_int_add (&self->next_tile, 1);
    if (next >= self->n_tiles)
      return;
    rfdn_scratch_begin (self->scratch[member.index], self->network,
                        self->tiles ? self->tiles[next] : next, 1);
    rfdn_network_run (self->network, &self->picture, self->scratch[member.index], 0,
                      RFDN_MEMBER_ALONE);
  }
}

static void
run_together (RfdnMember member, gpointer data)
{
  RfdnUpscaler *self = data;

  rfdn_network_run (self->network, &self->picture, self->scratch[0], member.index, member);
}

static void
begin_run (RfdnUpscaler *self, const RfdnPlane *in, const RfdnPlane *out)
{
  rfdn_stop_begin (&self->stop);
  g_atomic_int_set (&self->next_tile, 0);
  self->picture.in = in;
  self->picture.out = out;
}

gboolean
rfdn_upscaler_run (RfdnUpscaler *self, const RfdnPlane *in, const RfdnPlane *out)
{
  begin_run (self, in, out);
  self->tiles = NULL;
  self->n_tiles = rfdn_upscaler_get_n_tiles (self);
  self->deadline = G_MAXINT64;
  if (self->layout.together)
    rfdn_scratch_begin (self->scratch[0], self->network, 0, self->n_tiles);
  rfdn_pool_run (self->pool, self->layout.together ? run_together : run_tiles_apart, self);
  return !rfdn_stop_is_abandoned (&self->stop);
}

guint
rfdn_upscaler_run_tiles (RfdnUpscaler *self, const RfdnPlane *in, const RfdnPlane *out,
                         const guint *tiles, guint n, gint64 deadline)
{
  const gint64 begin = g_get_monotonic_time ();
  guint done;

  begin_run (self, in, out);
  self->tiles = tiles;
  self->n_tiles = n;
  self->deadline = deadline;
  if (self->layout.together) {
    for (; (guint) self->next_tile < n && !rfdn_stop_is_abandoned (&self->stop) && !is_late (self);
         self->next_tile++) {
      rfdn_scratch_begin (self->scratch[0], self->network, tiles[self->next_tile], 1);
      rfdn_pool_run (self->pool, run_together, self);
    }
  } else if (n > 0) {
    rfdn_pool_run (self->pool, run_tiles_apart, self);
  }

  if (rfdn_stop_is_abandoned (&self->stop))
    return 0;
  done = MIN ((guint) self->next_tile, n);
  if (done == 0) {
    self->tile_time *= 0.98; /* or a single slow one would keep all later ones from being tried */
  } else {
    const double time = (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC / done;
    self->tile_time = self->tile_time > 0 ? self->tile_time + (time - self->tile_time) / 4 : time;
  }
  return done;
}

double
rfdn_upscaler_get_tile_time (const RfdnUpscaler *self)
{
  return self->tile_time;
}

guint
rfdn_upscaler_get_n_tiles (const RfdnUpscaler *self)
{
  return (guint) (self->layout.columns * self->layout.rows);
}

void
rfdn_upscaler_get_tile (const RfdnUpscaler *self, guint tile, RfdnArea *area, RfdnArea *seen)
{
  const RfdnGraph *graph = rfdn_model_get_graph (self->model);
  RfdnRect *regions = g_newa (RfdnRect, graph->activations->len);

  /* If a small picture has been padded for the network, tiles are cropped to the picture. */
  *area = to_area (self, rfdn_layout_get_tile (&self->layout, tile));
  if (seen == NULL)
    return;
  rfdn_layout_get_regions (&self->layout, graph, tile, regions);
  *seen = to_area (self, regions[0]);
}

double
rfdn_upscaler_get_work (const RfdnUpscaler *self)
{
  return rfdn_layout_get_macs (&self->layout, rfdn_model_get_graph (self->model));
}

void
rfdn_upscaler_set_cancelled (RfdnUpscaler *self, gboolean cancelled)
{
  rfdn_stop_set_cancelled (&self->stop, cancelled);
}

char *
rfdn_upscaler_describe (const RfdnUpscaler *self)
{
  const guint n_threads = rfdn_pool_get_n_threads (self->pool, NULL);
  const gsize size =
      rfdn_network_get_scratch_size (self->network, self->layout.together ? n_threads : 1) *
      self->n_scratch;
  g_autofree char *memory = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *layout = rfdn_layout_describe (&self->layout);

  return g_strdup_printf ("%ux%u: %s, %s, %u threads, %s, scratch %s", self->params.width,
                          self->params.height, rfdn_cpu_get_name (self->params.cpu),
                          self->params.precision == RFDN_PRECISION_INT16 ? "int16" : "float32",
                          n_threads, layout, memory);
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

void
rfdn_upscaler_start_ranges (RfdnUpscaler *self)
{
  for (guint i = 0; i < self->n_scratch; i++)
    rfdn_network_start_ranges (self->network, self->scratch[i]);
}

char *
rfdn_upscaler_dup_ranges (const RfdnUpscaler *self)
{
  const RfdnGraph *graph = rfdn_model_get_graph (self->model);
  g_autofree float *ranges = rfdn_ranges_new (graph);

  for (guint i = 0; i < self->n_scratch; i++)
    rfdn_scratch_add_ranges (self->scratch[i], ranges, graph);
  return rfdn_ranges_print (ranges, graph);
}
