/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rfdn-filters.h"

#include <math.h>
#include <stdlib.h>

#include "alloc.h"
#include "format.h"
#include "guide.h"
#include "kernels/kernels.h"
#include "lanczos.h"
#include "pool.h"
#include "window.h"

#define TAPS RFDN_LANCZOS_TAPS

/* 8-bit samples come out the same on every processor: taps are multiples of 2^-14 vertically and
 * 2^-12 horizontally, and the intermediate result is rounded to quarters of a level, so that no sum
 * needs more bits than a float has: it is exact in whatever order it is computed. */
#define VERTICAL_BITS 14
#define HORIZONTAL_BITS 12
/* A float of this size is a multiple of 1/4. */
#define QUARTERS (1.5f * (1 << 21))

struct RfdnResampler {
  RfdnResamplerParams params;
  const RfdnKernels *kernels;
  RfdnLanczos horizontal, vertical;
  RfdnGuide *guide; /* NULL: none */
  RfdnPool *pool;
  guint n_bands;      /* of a plane: one for each thread */
  gsize pitch;        /* floats of a row, margins included */
  gsize scratch_size; /* floats of a thread */
  float *scratch;

  /* The run at hand. */
  const RfdnPlane *in, *out;
  const RfdnPlane *luma_in, *luma_out; /* of a guided run; else NULL */
  double amount;
  guint n_planes;
  gint next_band; /* of all planes; with a guide, of all planes at once */
};

static gboolean
is_exact (const RfdnResamplerParams *params)
{
  return params->format.depth == 8;
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

/* Memory for each thread: a sum of rows, a row phase by phase, and the window of a plane; with a
 * guide the windows of all planes, and the guide's own. */
static gboolean
allocate (RfdnResampler *self, GError **error)
{
  const guint n_windows = self->guide != NULL ? RFDN_GUIDED : 1;
  gsize size = (1 + self->params.scale + n_windows * TAPS) * self->pitch;
  float *scratch;

  if (self->guide != NULL)
    size += rfdn_guide_scratch_size (self->guide);
  scratch = rfdn_try_floats (size * self->n_bands);
  if (scratch == NULL) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY, "no memory to resample %ux%u",
                 self->params.in_width, self->params.in_height);
    return FALSE;
  }
  free (self->scratch);
  self->scratch = scratch;
  self->scratch_size = size;
  return TRUE;
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
  rfdn_lanczos_init (&self->horizontal, params->scale, params->shift_x,
                     exact ? HORIZONTAL_BITS : 0);
  rfdn_lanczos_init (&self->vertical, params->scale, params->shift_y, exact ? VERTICAL_BITS : 0);
  self->pitch = RFDN_RUN_SLACK +
                (params->in_width + RFDN_RUN_ALIGN) / RFDN_RUN_ALIGN * (gsize) RFDN_RUN_ALIGN +
                RFDN_RUN_AFTER;
  if (!allocate (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

gboolean
rfdn_resampler_set_guide (RfdnResampler *self, const RfdnGuideParams *params, GError **error)
{
  RfdnGuide *guide = rfdn_guide_new (params, &self->params, &self->horizontal, &self->vertical,
                                     self->pitch, error);

  if (guide == NULL)
    return FALSE;
  rfdn_guide_free (self->guide);
  self->guide = guide;
  if (allocate (self, error))
    return TRUE;
  g_clear_pointer (&self->guide, rfdn_guide_free);
  return FALSE;
}

void
rfdn_resampler_free (RfdnResampler *self)
{
  if (self == NULL)
    return;
  free (self->scratch);
  rfdn_guide_free (self->guide);
  rfdn_pool_unref (self->pool);
  g_free (self);
}

/* Rows of a thread's memory that are not a window's: a sum of rows, and a row phase by phase. */
static float *
get_work (const RfdnResampler *self, guint thread)
{
  return self->scratch + thread * self->scratch_size + RFDN_RUN_SLACK;
}

static RfdnWindow
get_window (const RfdnResampler *self, guint thread, guint n, guint y0)
{
  const gsize rows = 1 + self->params.scale + n * TAPS;
  float *memory = self->scratch + thread * self->scratch_size + rows * self->pitch;

  return rfdn_window_new (memory, self->pitch, &self->vertical, self->params.scale, y0);
}

/* Loads rows up to, and without, `end`. */
static void
load_window (const RfdnResampler *self, RfdnWindow *window, const RfdnPlane *in, gint end)
{
  const RfdnResamplerParams *p = &self->params;

  for (; window->end < end; window->end++) {
    const gint y = CLAMP (window->end, 0, (gint) p->in_height - 1);
    float *row = rfdn_window_row (window, window->end);

    self->kernels->unpack_row (row, (const guint8 *) in->data + y * in->stride, in->pixel_stride,
                               &p->format, p->in_width);
    rfdn_extend_row (row, p->in_width, RFDN_WINDOW_MARGIN, RFDN_WINDOW_MARGIN);
  }
}

/* Row y, phase by phase. */
static float *
filter_row (const RfdnResampler *self, RfdnWindow *window, guint plane, guint y, float *work)
{
  const RfdnResamplerParams *p = &self->params;
  const guint phase = y % p->scale;
  const gint first = (gint) (y / p->scale) + self->vertical.first[phase];
  float *sum = work, *phases = work + self->pitch;

  load_window (self, window, &self->in[plane], first + TAPS);
  rfdn_window_filter_columns (window, self->kernels, &self->vertical, phase, first, sum,
                              p->in_width);
  if (is_exact (p)) {
    for (guint x = 0; x < p->in_width; x++)
      sum[x] = (sum[x] + QUARTERS) - QUARTERS;
  }
  rfdn_window_filter_row (sum, self->kernels, &self->horizontal, p->scale, phases, self->pitch,
                          p->in_width);
  return phases;
}

static void
store_row (const RfdnResampler *self, guint plane, guint y, const float *phases)
{
  const RfdnResamplerParams *p = &self->params;
  const RfdnPlane *out = &self->out[plane];

  self->kernels->pack_row ((guint8 *) out->data + (gssize) y * out->stride, out->pixel_stride,
                           &p->format, phases, self->pitch, p->scale, p->out_width);
}

/* The rows of a band of a plane, with the scratch memory of one thread. */
static void
resample_band (const RfdnResampler *self, guint plane, guint y0, guint y1, guint thread)
{
  RfdnWindow window = get_window (self, thread, 0, y0);

  for (guint y = y0; y < y1; y++)
    store_row (self, plane, y, filter_row (self, &window, plane, y, get_work (self, thread)));
}

/* The rows of a band of all planes. */
static void
guide_band (const RfdnResampler *self, guint y0, guint y1, guint thread)
{
  RfdnWindow windows[RFDN_GUIDED];
  RfdnGuideBand band;

  for (guint plane = 0; plane < self->n_planes; plane++)
    windows[plane] = get_window (self, thread, plane, y0);
  rfdn_guide_begin (&band, self->guide, self->luma_in, self->luma_out, self->amount, y0,
                    get_window (self, thread, RFDN_GUIDED, y0).memory);
  for (guint y = y0; y < y1; y++) {
    rfdn_guide_look (&band, y);
    for (guint plane = 0; plane < self->n_planes; plane++) {
      float *phases = filter_row (self, &windows[plane], plane, y, get_work (self, thread));

      rfdn_guide_add (&band, plane, &windows[plane], y, phases);
      store_row (self, plane, y, phases);
    }
  }
}

static void
run_band (const RfdnResampler *self, guint n, guint thread)
{
  const guint64 height = self->params.out_height;
  const guint band = n % self->n_bands;
  const guint y0 = (guint) (height * band / self->n_bands);
  const guint y1 = (guint) (height * (band + 1) / self->n_bands);

  if (self->luma_in != NULL)
    guide_band (self, y0, y1, thread);
  else
    resample_band (self, n / self->n_bands, y0, y1, thread);
}

static void
run_member (RfdnMember member, gpointer data)
{
  RfdnResampler *self = data;

  while (!rfdn_member_must_leave (member)) {
    const guint next = (guint) g_atomic_int_add (&self->next_band, 1);
    if (next >= self->n_bands * (self->luma_in != NULL ? 1 : self->n_planes))
      return;
    run_band (self, next, member.index);
  }
}

static void
run (RfdnResampler *self, const RfdnPlane *in, const RfdnPlane *out, guint n_planes)
{
  self->in = in;
  self->out = out;
  self->n_planes = n_planes;
  g_atomic_int_set (&self->next_band, 0);
  rfdn_pool_run (self->pool, run_member, self);
}

void
rfdn_resampler_run (RfdnResampler *self, const RfdnPlane *in, const RfdnPlane *out, guint n_planes)
{
  self->luma_in = NULL;
  run (self, in, out, n_planes);
}

void
rfdn_resampler_run_guided (RfdnResampler *self, const RfdnPlane *in, const RfdnPlane *out,
                           guint n_planes, const RfdnPlane *luma_in, const RfdnPlane *luma_out,
                           double amount)
{
  g_return_if_fail (self->guide != NULL && n_planes <= RFDN_GUIDED);

  self->luma_in = amount > 0 ? luma_in : NULL;
  self->luma_out = luma_out;
  self->amount = MIN (amount, 1);
  run (self, in, out, n_planes);
}
