/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnmosaic.h"

#include "rfdn-filters.h"

/* Approximate size of tiles, in LR pixels. Small ones can be chosen more finely, but their overlap
 * is wasted work, and the kernels want long rows: tiles of 64x64 took 2.8 times as long as the
 * whole picture, of 96x96 twice as long, of 160x60 1.4 times. */
#define TILE_WIDTH 176
#define TILE_HEIGHT 64
#define ATTENTION_TILE_HEIGHT 128
#define ATTENTION_OVERLAP 26

/* LR pixels over which a tile of the network is blended into the ground. */
#define FADE 4

/* A sharp tile stays sharp unless another one gains this much more. */
#define INERTIA 1.5f

enum { LEFT = 1 << 0, RIGHT = 1 << 1, TOP = 1 << 2, BOTTOM = 1 << 3 };

/* What is shown where the network has done nothing. */
typedef enum { GROUND_NONE, GROUND_PLAIN, GROUND_SMALL } Ground;

typedef struct {
  RfdnArea area, seen; /* LR pixels */
  guint neighbours[4]; /* left, right, top, bottom; G_MAXUINT: none */
  gboolean network;    /* shows the network's result rather than the ground */
  guint faded;         /* the edges at which it is blended into the ground */
  gboolean fresh;      /* computed in this run */
  float gain;          /* how much the network is expected to add */
} Tile;

struct GstRfdnMosaic {
  guint channels, scale;
  RfdnSampleFormat format;
  guint out_width, out_height;
  gint cancelled; /* pictures are unwanted */
  gint abandoned; /* the picture in work has been cancelled */
  RfdnUpscaler *whole, *parts;
  RfdnUpscaler *small; /* NULL: there is no smaller network */
  RfdnResampler *plain;
  RfdnPlane *plain_out,
      *small_out; /* of each channel; small_out is NULL without a smaller network */
  gpointer plain_memory, small_memory;
  Ground ground; /* of the last picture */

  guint n;
  Tile *tiles;
  guint *order; /* of the tiles to be computed */
  guint n_order;
  GstRfdnForecast forecast;
};

/* ---- life ---------------------------------------------------------------------------------- */

/* The side of a tile, so that all are about equally large. */
static guint
divide_evenly (guint size, guint about)
{
  const guint n = MAX ((size + about / 2) / about, 1);

  return (size + n - 1) / n;
}

static void
init_tiles (GstRfdnMosaic *self)
{
  self->n = rfdn_upscaler_get_n_tiles (self->parts);
  self->tiles = g_new0 (Tile, self->n);
  self->order = g_new (guint, self->n);

  guint columns = 0;
  for (guint t = 0; t < self->n; t++) {
    Tile *tile = &self->tiles[t];
    rfdn_upscaler_get_tile (self->parts, t, &tile->area, &tile->seen);
    if (tile->area.y == 0)
      columns++;
  }
  for (guint t = 0; t < self->n; t++) {
    const guint column = t % columns;
    Tile *tile = &self->tiles[t];
    tile->neighbours[0] = column > 0 ? t - 1 : G_MAXUINT;
    tile->neighbours[1] = column + 1 < columns ? t + 1 : G_MAXUINT;
    tile->neighbours[2] = t >= columns ? t - columns : G_MAXUINT;
    tile->neighbours[3] = t + columns < self->n ? t + columns : G_MAXUINT;
  }
}

/* The planes of a large picture; @memory receives what they lie in. */
static RfdnPlane *
new_planes (const GstRfdnMosaic *self, gpointer *memory, GError **error)
{
  const gsize sample = self->format.samples == RFDN_SAMPLES_U8 ? 1 : 2;
  const gsize stride = self->out_width * sample, size = stride * self->out_height;
  RfdnPlane *planes;

  *memory = g_try_malloc0_n (self->channels, size);
  if (*memory == NULL) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY, "no memory for a picture of %ux%u",
                 self->out_width, self->out_height);
    return NULL;
  }
  planes = g_new (RfdnPlane, self->channels);
  for (guint c = 0; c < self->channels; c++)
    planes[c] = (RfdnPlane){(guint8 *) *memory + c * size, (gssize) stride, sample};
  return planes;
}

static gboolean
init_plain (GstRfdnMosaic *self, const RfdnUpscalerParams *params, GError **error)
{
  const RfdnResamplerParams plain = {
      .in_width = params->width,
      .in_height = params->height,
      .out_width = self->out_width,
      .out_height = self->out_height,
      .scale = self->scale,
      .format = params->format,
      .pool = params->pool,
  };

  self->plain = rfdn_resampler_new (&plain, error);
  if (self->plain == NULL)
    return FALSE;
  self->plain_out = new_planes (self, &self->plain_memory, error);
  return self->plain_out != NULL;
}

static gboolean
init_small (GstRfdnMosaic *self, RfdnModel *model, const RfdnUpscalerParams *params, GError **error)
{
  RfdnUpscalerParams small = *params;

  small.tile_size = small.tile_height = 0;
  small.tile_overlap = RFDN_TILE_OVERLAP_AUTO;
  /* Parameters that the whole picture is computed with need not suit tiles. */
  if (small.precision == RFDN_PRECISION_INT16 && !rfdn_model_get_info (model)->has_steps)
    small.precision = RFDN_PRECISION_FLOAT32;
  self->small = rfdn_upscaler_new (model, &small, error);
  if (self->small == NULL)
    return FALSE;
  self->small_out = new_planes (self, &self->small_memory, error);
  return self->small_out != NULL;
}

GstRfdnMosaic *
gst_rfdn_mosaic_new (RfdnModel *model, RfdnModel *small, const RfdnUpscalerParams *params,
                     GError **error)
{
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  g_autoptr (GstRfdnMosaic) self = g_new0 (GstRfdnMosaic, 1);
  RfdnUpscalerParams parts = *params;

  self->channels = info->channels;
  self->scale = info->scale;
  self->format = params->format;
  self->out_width = params->width * self->scale;
  self->out_height = params->height * self->scale;
  self->whole = rfdn_upscaler_new (model, params, error);
  if (self->whole == NULL)
    return NULL;
  parts.tile_size = divide_evenly (params->width, TILE_WIDTH);
  parts.tile_height =
      divide_evenly (params->height, info->attention ? ATTENTION_TILE_HEIGHT : TILE_HEIGHT);
  parts.tile_overlap = info->attention ? ATTENTION_OVERLAP : 0;
  self->parts = rfdn_upscaler_new (model, &parts, error);
  if (self->parts == NULL || !init_plain (self, params, error) ||
      (small != NULL && !init_small (self, small, params, error)))
    return NULL;
  init_tiles (self);
  gst_rfdn_forecast_init (&self->forecast, self->n, rfdn_upscaler_get_work (self->whole),
                          rfdn_upscaler_get_work (self->parts));
  if (small != NULL)
    gst_rfdn_forecast_set_small (&self->forecast, rfdn_upscaler_get_work (self->small),
                                 rfdn_upscaler_get_work (self->parts));
  return g_steal_pointer (&self);
}

void
gst_rfdn_mosaic_free (GstRfdnMosaic *self)
{
  if (self == NULL)
    return;
  rfdn_upscaler_free (self->whole);
  rfdn_upscaler_free (self->parts);
  rfdn_upscaler_free (self->small);
  rfdn_resampler_free (self->plain);
  g_free (self->plain_out);
  g_free (self->plain_memory);
  g_free (self->small_out);
  g_free (self->small_memory);
  g_free (self->tiles);
  g_free (self->order);
  g_free (self);
}

guint
gst_rfdn_mosaic_get_n_tiles (const GstRfdnMosaic *self)
{
  return self->n;
}

RfdnArea
gst_rfdn_mosaic_get_seen (const GstRfdnMosaic *self, guint tile)
{
  return self->tiles[tile].seen;
}

GstRfdnForecast *
gst_rfdn_mosaic_get_forecast (GstRfdnMosaic *self)
{
  return &self->forecast;
}

char *
gst_rfdn_mosaic_describe (const GstRfdnMosaic *self)
{
  g_autofree char *whole = rfdn_upscaler_describe (self->whole);
  const char *plain = self->scale > 1 ? "Lanczos" : "the picture itself";

  return g_strdup_printf ("%s, %s where there is no time", whole,
                          self->small != NULL ? "a smaller network" : plain);
}

static void
set_upscalers_cancelled (GstRfdnMosaic *self, gboolean cancelled)
{
  rfdn_upscaler_set_cancelled (self->whole, cancelled);
  rfdn_upscaler_set_cancelled (self->parts, cancelled);
  if (self->small != NULL)
    rfdn_upscaler_set_cancelled (self->small, cancelled);
}

/* The order matters: an upscaler must not abandon its part of a picture before `abandoned` is
 * set. */
void
gst_rfdn_mosaic_set_cancelled (GstRfdnMosaic *self, gboolean cancelled)
{
  if (!cancelled)
    set_upscalers_cancelled (self, FALSE);
  g_atomic_int_set (&self->cancelled, cancelled);
  if (!cancelled)
    return;
  g_atomic_int_set (&self->abandoned, TRUE);
  set_upscalers_cancelled (self, TRUE);
}

/* Whether the picture in work has been cancelled, even if that was revoked at once. */
static gboolean
is_cancelled (const GstRfdnMosaic *self)
{
  return g_atomic_int_get (&self->abandoned);
}

/* ---- which tiles, in which order ------------------------------------------------------------ */

static int
compare_gain (gconstpointer a, gconstpointer b, gpointer data)
{
  const GstRfdnMosaic *self = data;
  const float one = self->tiles[*(const guint *) a].gain;
  const float other = self->tiles[*(const guint *) b].gain;

  return one > other ? -1 : one < other;
}

/* Lists the tiles that have to be computed. */
static void
list_tiles (GstRfdnMosaic *self, const gboolean *same)
{
  self->n_order = 0;
  for (guint t = 0; t < self->n; t++) {
    Tile *tile = &self->tiles[t];

    tile->fresh = FALSE;
    if (same == NULL || !same[t] || !tile->network || tile->faded != 0)
      self->order[self->n_order++] = t;
  }
}

static void
sort_tiles (GstRfdnMosaic *self, const RfdnPlane *in, const gboolean *same)
{
  for (guint i = 0; i < self->n_order; i++) {
    Tile *tile = &self->tiles[self->order[i]];

    tile->gain = 0;
    for (guint c = 0; c < self->channels; c++)
      tile->gain += rfdn_measure_detail (&in[c], &self->format, &tile->area);
    if (tile->network)
      tile->gain *= INERTIA;
    /* Only its edges are not the network's yet. */
    if (tile->network && same != NULL && same[self->order[i]])
      tile->gain = -1;
  }
  g_qsort_with_data (self->order, (gint) self->n_order, sizeof *self->order, compare_gain, self);
}

/* ---- putting them together ------------------------------------------------------------------- */

static void
run_plain (GstRfdnMosaic *self, const RfdnPlane *in, const RfdnPlane *out)
{
  rfdn_resampler_run (self->plain, in, out, self->channels);
}

/* The ground's planes, computed or not. */
static const RfdnPlane *
get_ground (const GstRfdnMosaic *self)
{
  return self->ground == GROUND_SMALL ? self->small_out : self->plain_out;
}

static void
fade_tile (const GstRfdnMosaic *self, const RfdnPlane *out, const RfdnPlane *into, const Tile *tile,
           double weight, guint edges)
{
  const guint s = self->scale;
  const RfdnArea area = {s * tile->area.x, s * tile->area.y, s * tile->area.width,
                         s * tile->area.height};
  const RfdnFade fade = {
      .weight = weight,
      .left = edges & LEFT ? FADE * s : 0,
      .right = edges & RIGHT ? FADE * s : 0,
      .top = edges & TOP ? FADE * s : 0,
      .bottom = edges & BOTTOM ? FADE * s : 0,
  };

  if (weight == 1 && edges == 0)
    return;
  for (guint c = 0; c < self->channels; c++)
    rfdn_fade (&out[c], &into[c], &self->format, &area, &fade);
}

static guint
get_ground_edges (const GstRfdnMosaic *self, const Tile *tile)
{
  guint edges = 0;

  for (guint k = 0; k < 4; k++) {
    if (tile->neighbours[k] != G_MAXUINT && !self->tiles[tile->neighbours[k]].network)
      edges |= 1u << k;
  }
  return edges;
}

/* Fills the tiles that the network left out with the ground, and blends the two across the borders.
 * When the kind of ground has changed, edges that were blended with the old one are blended
 * again. */
static void
compose (GstRfdnMosaic *self, const RfdnPlane *out, Ground before, double strength)
{
  const RfdnPlane *ground = get_ground (self);

  for (guint t = 0; t < self->n; t++) {
    Tile *tile = &self->tiles[t];
    guint edges, done;

    if (!tile->network) {
      fade_tile (self, out, ground, tile, 0, 0);
      continue;
    }
    edges = get_ground_edges (self, tile);
    if (tile->fresh) {
      tile->faded = 0;
      fade_tile (self, out, self->plain_out, tile, strength, 0);
    }
    done = self->ground == before ? tile->faded : 0;
    fade_tile (self, out, ground, tile, 1, edges & ~done);
    tile->faded |= edges;
  }
}

static void
count (const GstRfdnMosaic *self, GstRfdnWork *work)
{
  guint network = 0;

  *work = (GstRfdnWork){0};
  for (guint t = 0; t < self->n; t++) {
    const Tile *tile = &self->tiles[t];

    network += tile->network;
    work->network += tile->fresh;
    if (!tile->network && self->ground == GROUND_SMALL)
      work->small++;
    else if (!tile->network)
      work->cheap++;
    work->reused += tile->network && !tile->fresh;
  }
  work->level = (double) network / self->n;
}

/* ---- running ------------------------------------------------------------------------------- */

static void
set_tiles (GstRfdnMosaic *self, gboolean network)
{
  for (guint t = 0; t < self->n; t++) {
    self->tiles[t].network = self->tiles[t].fresh = network;
    self->tiles[t].faded = 0;
  }
}

void
gst_rfdn_mosaic_reset (GstRfdnMosaic *self)
{
  set_tiles (self, FALSE);
  self->ground = GROUND_NONE;
}

/* The plain filter alone. */
static void
run_without (GstRfdnMosaic *self, const RfdnPlane *in, const RfdnPlane *out)
{
  run_plain (self, in, out);
  set_tiles (self, FALSE);
  self->ground = GROUND_NONE;
}

/* The network's quality everywhere, as a whole or in the tiles that lack it. */
static void
run_full (GstRfdnMosaic *self, const RfdnPlane *in, const RfdnPlane *out, double strength)
{
  const gint64 begin = g_get_monotonic_time ();

  self->ground = GROUND_NONE;
  if (strength < 1)
    run_plain (self, in, self->plain_out);
  if (gst_rfdn_forecast_prefers_parts (&self->forecast, self->n_order)) {
    rfdn_upscaler_run_tiles (self->parts, in, out, self->order, self->n_order, G_MAXINT64);
    for (guint i = 0; i < self->n_order; i++) {
      Tile *tile = &self->tiles[self->order[i]];
      tile->network = tile->fresh = TRUE;
      tile->faded = 0;
    }
    gst_rfdn_forecast_set_tile_time (&self->forecast, rfdn_upscaler_get_tile_time (self->parts));
  } else {
    rfdn_upscaler_run (self->whole, in, out);
    set_tiles (self, TRUE);
    gst_rfdn_forecast_add_whole (&self->forecast, begin, g_get_monotonic_time ());
  }
  for (guint t = 0; strength < 1 && t < self->n; t++) {
    if (self->tiles[t].fresh)
      fade_tile (self, out, self->plain_out, &self->tiles[t], strength, 0);
  }
}

static gboolean
is_unchanged (const GstRfdnMosaic *self, const gboolean *same)
{
  for (guint t = 0; same != NULL && t < self->n; t++) {
    if (!same[t])
      return FALSE;
  }
  return same != NULL;
}

static void
run_ground (GstRfdnMosaic *self, const RfdnPlane *in, double strength)
{
  const RfdnArea all = {0, 0, self->out_width, self->out_height};
  const RfdnFade fade = {.weight = strength};
  gint64 begin;

  if (self->ground == GROUND_PLAIN || strength < 1)
    run_plain (self, in, self->plain_out);
  if (self->ground == GROUND_PLAIN)
    return;
  begin = g_get_monotonic_time ();
  rfdn_upscaler_run (self->small, in, self->small_out);
  if (is_cancelled (self))
    return;
  for (guint c = 0; strength < 1 && c < self->channels; c++)
    rfdn_fade (&self->small_out[c], &self->plain_out[c], &self->format, &all, &fade);
  gst_rfdn_forecast_add_small (&self->forecast, g_get_monotonic_time () - begin);
}

/* As many tiles as there is time for, those that gain most first. Returns how many of `order` were
 * done. */
static guint
run_tiles (GstRfdnMosaic *self, const RfdnPlane *in, const RfdnPlane *out, const gboolean *same,
           gint64 deadline)
{
  const guint n_begun = MIN (self->n_order, self->forecast.most);
  guint n_done;

  sort_tiles (self, in, same);
  n_done = rfdn_upscaler_run_tiles (self->parts, in, out, self->order, n_begun,
                                    deadline - self->forecast.compose_time);
  if (is_cancelled (self))
    return 0;
  gst_rfdn_forecast_settle (&self->forecast, n_begun, n_done);
  gst_rfdn_forecast_set_tile_time (&self->forecast, rfdn_upscaler_get_tile_time (self->parts));
  return n_done;
}

static void
run_until (GstRfdnMosaic *self, const RfdnPlane *in, const RfdnPlane *out, const gboolean *same,
           gint64 deadline, double strength)
{
  const gint64 now = g_get_monotonic_time ();
  const gboolean is_blank = gst_rfdn_forecast_is_blank (&self->forecast);
  const Ground before = self->ground;
  guint n_done = 0;
  gint64 begin;

  self->ground = gst_rfdn_forecast_affords_small (&self->forecast, now, deadline) ? GROUND_SMALL
                                                                                  : GROUND_PLAIN;
  if (self->ground != before || !is_unchanged (self, same))
    run_ground (self, in, strength);
  /* The time of a tile is not known before the first one. One network is enough to begin with. */
  if (!is_blank || self->ground == GROUND_PLAIN)
    n_done = run_tiles (self, in, out, same, deadline);
  if (is_cancelled (self))
    return;
  for (guint i = 0; i < self->n_order; i++) {
    Tile *tile = &self->tiles[self->order[i]];
    const gboolean stays = same != NULL && same[self->order[i]] && tile->network;

    tile->fresh = i < n_done;
    tile->network = tile->fresh || stays;
  }
  begin = g_get_monotonic_time ();
  compose (self, out, before, strength);
  gst_rfdn_forecast_add_compose (&self->forecast, g_get_monotonic_time () - begin);
}

gboolean
gst_rfdn_mosaic_run (GstRfdnMosaic *self, const RfdnPlane *in, const RfdnPlane *out,
                     const gboolean *same, gint64 deadline, double strength, GstRfdnWork *work)
{
  g_atomic_int_set (&self->abandoned, FALSE);
  if (g_atomic_int_get (&self->cancelled))
    g_atomic_int_set (&self->abandoned, TRUE);
  list_tiles (self, same);
  if (strength <= 0)
    run_without (self, in, out);
  else if (gst_rfdn_forecast_is_late (&self->forecast, g_get_monotonic_time (), deadline,
                                      self->n_order))
    run_until (self, in, out, same, deadline, strength);
  else if (self->n_order > 0)
    run_full (self, in, out, strength);
  if (is_cancelled (self))
    return FALSE;
  count (self, work);
  return TRUE;
}
