/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rfdn.h"

#include <math.h>
#include <stdlib.h>

#include "alloc.h"
#include "format.h"
#include "kernels/kernels.h"
#include "pool.h"

#define LOBES 3
#define TAPS (2 * LOBES)
/* Pixels by which a row is extended on each side: a shift of up to one input sample, and the taps.
 */
#define MARGIN 8

/* 8-bit samples come out the same on every processor: taps are multiples of 2^-14 vertically and
 * 2^-12 horizontally, and the intermediate result is rounded to quarters of a level, so that no sum
 * needs more bits than a float has: it is exact in whatever order it is computed. */
#define VERTICAL_BITS 14
#define HORIZONTAL_BITS 12
/* A float of this size is a multiple of 1/4. */
#define QUARTERS (1.5f * (1 << 21))

/* Output sample scale * m + k is the sum of taps[k][t] times input sample m + first[k] + t. */
typedef struct {
  gint first[RFDN_MAX_SCALE];
  float taps[RFDN_MAX_SCALE][TAPS];
} Filter;

struct RfdnResampler {
  RfdnResamplerParams params;
  const RfdnKernels *kernels;
  Filter horizontal, vertical;
  RfdnPool *pool;
  guint n_bands;      /* of a plane: one for each thread */
  gsize pitch;        /* floats of a row, margins included */
  gsize scratch_size; /* floats of a thread */
  float *scratch;

  /* The run at hand. */
  const RfdnPlane *in, *out;
  guint n_planes;
  gint next_band; /* of all planes */
};

static gboolean
is_exact (const RfdnResamplerParams *params)
{
  return params->format.depth == 8;
}

static double
lanczos (double x)
{
  if (fabs (x) < 1e-9)
    return 1;
  if (fabs (x) >= LOBES)
    return 0;
  return LOBES * sin (G_PI * x) * sin (G_PI * x / LOBES) / (G_PI * G_PI * x * x);
}

/* Rounds taps to multiples of 2^-bits; the largest one is adjusted so that their sum stays 1. */
static void
round_taps (float taps[TAPS], guint bits)
{
  const float unit = 1.0f / (float) (1 << bits);
  float sum = 0;
  gint largest = 0;

  for (gint t = 0; t < TAPS; t++) {
    taps[t] = roundf (taps[t] / unit) * unit;
    sum += taps[t];
    if (taps[t] > taps[largest])
      largest = t;
  }
  taps[largest] += 1 - sum;
}

/* `bits`: that taps are rounded to; 0: not at all. */
static void
filter_init (Filter *filter, guint scale, double shift, guint bits)
{
  for (guint k = 0; k < scale; k++) {
    double position = (k + 0.5 - shift) / scale - 0.5;
    double weights[TAPS], sum = 0;

    filter->first[k] = (gint) floor (position) - (LOBES - 1);
    for (gint t = 0; t < TAPS; t++) {
      weights[t] = lanczos (position - (filter->first[k] + t));
      sum += weights[t];
    }
    for (gint t = 0; t < TAPS; t++)
      filter->taps[k][t] = (float) (weights[t] / sum);
    if (bits > 0)
      round_taps (filter->taps[k], bits);
  }
}

static gboolean
check_params (const RfdnResamplerParams *p, GError **error)
{
  gboolean sizes = p->in_width >= 1 && p->in_width <= RFDN_MAX_SIZE && p->in_height >= 1 &&
                   p->in_height <= RFDN_MAX_SIZE && p->scale >= 1 && p->scale <= RFDN_MAX_SCALE &&
                   p->out_width >= 1 && p->out_width <= p->scale * p->in_width &&
                   p->out_height >= 1 && p->out_height <= p->scale * p->in_height;

  if (!sizes) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "cannot resample %ux%u to %ux%u by %u",
                 p->in_width, p->in_height, p->out_width, p->out_height, p->scale);
    return FALSE;
  }
  /* Written so that a NaN fails too. */
  if (!(fabs (p->shift_x) <= p->scale && fabs (p->shift_y) <= p->scale)) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "cannot shift samples by %g, %g", p->shift_x,
                 p->shift_y);
    return FALSE;
  }
  if (p->format.samples == RFDN_SAMPLES_F32) {
    g_set_error_literal (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "only integers can be resampled");
    return FALSE;
  }
  return rfdn_sample_format_check (&p->format, error);
}

RfdnResampler *
rfdn_resampler_new (const RfdnResamplerParams *params, GError **error)
{
  if (!check_params (params, error))
    return NULL;
  const RfdnKernels *kernels = rfdn_kernels_get (RFDN_CPU_AUTO, RFDN_PRECISION_FLOAT32, error);
  if (kernels == NULL)
    return NULL;

  g_autoptr (RfdnResampler) self = g_new0 (RfdnResampler, 1);
  self->params = *params;
  self->kernels = kernels;
  self->pool = params->pool ? rfdn_pool_ref (params->pool) : rfdn_pool_new (params->n_threads);
  self->n_bands = rfdn_pool_get_n_threads (self->pool, NULL);
  const gboolean exact = is_exact (params);
  filter_init (&self->horizontal, params->scale, params->shift_x, exact ? HORIZONTAL_BITS : 0);
  filter_init (&self->vertical, params->scale, params->shift_y, exact ? VERTICAL_BITS : 0);
  self->pitch = RFDN_RUN_SLACK +
                (params->in_width + RFDN_RUN_ALIGN) / RFDN_RUN_ALIGN * (gsize) RFDN_RUN_ALIGN +
                RFDN_RUN_AFTER;
  /* A window of input rows, their vertical sum, and an output row phase by phase. */
  self->scratch_size = (TAPS + 1 + params->scale) * self->pitch;
  self->scratch = rfdn_try_floats (self->scratch_size * self->n_bands);
  if (self->scratch == NULL) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY, "no memory to resample %ux%u",
                 params->in_width, params->in_height);
    return NULL;
  }
  return g_steal_pointer (&self);
}

void
rfdn_resampler_free (RfdnResampler *self)
{
  if (self == NULL)
    return;
  free (self->scratch);
  rfdn_pool_unref (self->pool);
  g_free (self);
}

/* A band's window of input rows: row y lies in slot y modulo TAPS. */
typedef struct {
  const RfdnResampler *self;
  const RfdnPlane *in;
  float *scratch;
  gint loaded_end; /* the first row that has not been loaded yet */
} Window;

static float *
window_row (const Window *window, gint y)
{
  gsize slot = (gsize) (y + TAPS * MARGIN) % TAPS;
  return window->scratch + slot * window->self->pitch + RFDN_RUN_SLACK;
}

/* Loads rows up to, and without, `end`. */
static void
window_load (Window *window, gint end)
{
  const RfdnResamplerParams *p = &window->self->params;

  for (; window->loaded_end < end; window->loaded_end++) {
    gint y = CLAMP (window->loaded_end, 0, (gint) p->in_height - 1);
    window->self->kernels->unpack_row (window_row (window, window->loaded_end),
                                       (const guint8 *) window->in->data + y * window->in->stride,
                                       window->in->pixel_stride, &p->format, p->in_width);
  }
}

static void
resample_row (Window *window, const RfdnPlane *out, guint y)
{
  const RfdnResampler *self = window->self;
  const RfdnResamplerParams *p = &self->params;
  const guint phase = y % p->scale;
  const gint first = (gint) (y / p->scale) + self->vertical.first[phase];
  const float *src[TAPS];
  float *sum = window->scratch + TAPS * self->pitch + RFDN_RUN_SLACK;
  float *phases = sum + self->pitch;

  window_load (window, first + TAPS);
  for (gint t = 0; t < TAPS; t++)
    src[t] = window_row (window, first + t);
  self->kernels->fir_row (sum, src, self->vertical.taps[phase], TAPS, p->in_width);

  if (is_exact (p)) {
    for (guint x = 0; x < p->in_width; x++)
      sum[x] = (sum[x] + QUARTERS) - QUARTERS;
  }
  for (gint x = 1; x <= MARGIN; x++) {
    sum[-x] = sum[0];
    sum[p->in_width - 1 + x] = sum[p->in_width - 1];
  }
  for (guint k = 0; k < p->scale; k++) {
    for (gint t = 0; t < TAPS; t++)
      src[t] = sum + self->horizontal.first[k] + t;
    self->kernels->fir_row (phases + k * self->pitch, src, self->horizontal.taps[k], TAPS,
                            p->in_width);
  }
  self->kernels->pack_row ((guint8 *) out->data + (gssize) y * out->stride, out->pixel_stride,
                           &p->format, phases, self->pitch, p->scale, p->out_width);
}

/* The rows of a band of a plane, with the scratch memory of one thread. */
static void
resample_band (RfdnResampler *self, guint plane, guint band, guint thread)
{
  const guint64 height = self->params.out_height;
  const guint y0 = (guint) (height * band / self->n_bands);
  const guint y1 = (guint) (height * (band + 1) / self->n_bands);
  gint first = G_MAXINT;
  for (guint k = 0; k < self->params.scale; k++)
    first = MIN (first, self->vertical.first[k]);
  Window window = {self, &self->in[plane], self->scratch + thread * self->scratch_size,
                   (gint) (y0 / self->params.scale) + first};

  for (guint y = y0; y < y1; y++)
    resample_row (&window, &self->out[plane], y);
}

static void
run_member (RfdnMember member, gpointer data)
{
  RfdnResampler *self = data;

  while (!rfdn_member_must_leave (member)) {
    const guint next = (guint) g_atomic_int_add (&self->next_band, 1);
    if (next >= self->n_bands * self->n_planes)
      return;
    resample_band (self, next / self->n_bands, next % self->n_bands, member.index);
  }
}

void
rfdn_resampler_run (RfdnResampler *self, const RfdnPlane *in, const RfdnPlane *out, guint n_planes)
{
  self->in = in;
  self->out = out;
  self->n_planes = n_planes;
  g_atomic_int_set (&self->next_band, 0);
  rfdn_pool_run (self->pool, run_member, self);
}
