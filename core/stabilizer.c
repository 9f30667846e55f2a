/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "format.h"
#include "pool.h"
#include "rfdn-filters.h"

/* Of a change's window, in LR pixels. */
#define RADIUS 2
#define SIDE (2 * RADIUS + 1)

/* Levels of 255 that a window may change by on average and still count as at rest. */
#define REST 4

/* What moves or fades changes all of a window the same way; noise does not. */
#define ONE_WAY 2

/* Weights are of 1 / 128: times a difference of bytes, they fit into 16 bits. */
#define SHIFT 7
#define ONE (1 << SHIFT)

/* A thread's memory for the rows in work. */
typedef struct {
  gint32 *sums, *magnitudes; /* of columns: changes, from RADIUS before the row to RADIUS behind */
  gint32 *weights;           /* of the LR row's pixels */
  guint16 *wide_weights;     /* of HR pixels */
  guint16 *low, *high;       /* of three HR rows, from 1 before the row to 1 behind */
} Rows;

struct RfdnStabilizer {
  RfdnStabilizerParams params;
  RfdnPool *pool;
  guint out_width, out_height;
  gsize sample; /* bytes */
  guint8 *memory;
  RfdnPlane *result, *shown; /* of each channel: the network's, and the picture shown last */
  RfdnPlane *seen;           /* the LR picture before */
  gboolean has_last;

  guint n_bands; /* of LR rows */
  gint32 *sums;
  guint16 *words;

  /* Of a run. */
  guint channel, amount;
  const RfdnPlane *in, *out;
  gint next_band;
};

/* ---- life ---------------------------------------------------------------------------------- */

static gsize
get_n_sums (const RfdnStabilizer *self)
{
  return self->params.width + 2 * RADIUS;
}

static gsize
get_n_words (const RfdnStabilizer *self)
{
  return 3 * ((gsize) self->out_width + 2);
}

static Rows
get_rows (const RfdnStabilizer *self, guint band)
{
  gint32 *sums = self->sums + 3 * band * get_n_sums (self);
  guint16 *words = self->words + band * get_n_words (self);
  const gsize width = self->out_width + 2;

  return (Rows){sums,          sums + get_n_sums (self), sums + 2 * get_n_sums (self), words,
                words + width, words + 2 * width};
}

/* Lays out planes one behind the other, and returns what is behind them. */
static guint8 *
place_planes (const RfdnStabilizer *self, RfdnPlane *planes, guint8 *at, guint width, guint height)
{
  const gsize stride = width * self->sample;

  for (guint c = 0; c < self->params.channels; c++, at += stride * height)
    planes[c] = (RfdnPlane){at, (gssize) stride, (gssize) self->sample};
  return at;
}

static gboolean
allocate (RfdnStabilizer *self)
{
  const RfdnStabilizerParams *p = &self->params;
  const gsize small = (gsize) p->width * p->height;
  const gsize large = (gsize) self->out_width * self->out_height;
  guint8 *at;

  self->result = g_new0 (RfdnPlane, p->channels);
  self->shown = g_new0 (RfdnPlane, p->channels);
  self->seen = g_new0 (RfdnPlane, p->channels);
  self->memory = rfdn_try_new (guint8, p->channels * self->sample * (small + 2 * large));
  self->sums = rfdn_try_new (gint32, 3 * self->n_bands * get_n_sums (self));
  self->words = rfdn_try_new (guint16, self->n_bands * get_n_words (self));
  if (self->memory == NULL || self->sums == NULL || self->words == NULL)
    return FALSE;
  at = place_planes (self, self->result, self->memory, self->out_width, self->out_height);
  at = place_planes (self, self->shown, at, self->out_width, self->out_height);
  place_planes (self, self->seen, at, p->width, p->height);
  return TRUE;
}

RfdnStabilizer *
rfdn_stabilizer_new (const RfdnStabilizerParams *params, GError **error)
{
  if (!rfdn_sample_format_check (&params->format, error))
    return NULL;
  if (params->width < 1 || params->width > RFDN_MAX_SIZE || params->height < 1 ||
      params->height > RFDN_MAX_SIZE || params->scale < 1 || params->scale > RFDN_MAX_SCALE ||
      params->channels < 1 || params->channels > 3 || params->format.samples == RFDN_SAMPLES_F32) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS,
                 "a picture of %ux%u, %u times as large, with %u channels", params->width,
                 params->height, params->scale, params->channels);
    return NULL;
  }

  g_autoptr (RfdnStabilizer) self = g_new0 (RfdnStabilizer, 1);
  self->params = *params;
  self->pool = params->pool != NULL ? rfdn_pool_ref (params->pool) : rfdn_pool_new (1);
  self->out_width = params->width * params->scale;
  self->out_height = params->height * params->scale;
  self->sample = params->format.samples == RFDN_SAMPLES_U8 ? 1 : 2;
  self->n_bands = MIN (2 * rfdn_pool_get_n_threads (self->pool, NULL), params->height);
  if (!allocate (self)) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY, "no memory for two pictures of %ux%u",
                 self->out_width, self->out_height);
    return NULL;
  }
  return g_steal_pointer (&self);
}

void
rfdn_stabilizer_free (RfdnStabilizer *self)
{
  if (self == NULL)
    return;
  rfdn_pool_unref (self->pool);
  g_free (self->memory);
  g_free (self->sums);
  g_free (self->words);
  g_free (self->result);
  g_free (self->shown);
  g_free (self->seen);
  g_free (self);
}

const RfdnPlane *
rfdn_stabilizer_get_result (const RfdnStabilizer *self)
{
  return self->result;
}

void
rfdn_stabilizer_reset (RfdnStabilizer *self)
{
  self->has_last = FALSE;
}

/* ---- what has changed ------------------------------------------------------------------------ */

#define DEFINE_ADD_CHANGES(TYPE)                                                                   \
  static void add_changes_##TYPE (gint32 *sums, gint32 *magnitudes, const TYPE *now, gsize step,   \
                                  const TYPE *before, guint shift, guint n)                        \
  {                                                                                                \
    _Pragma ("omp simd") for (guint x = 0; x < n; x++)                                             \
    {                                                                                              \
      const gint32 change = (now[x * step] >> shift) - (before[x] >> shift);                       \
      sums[x] += change;                                                                           \
      magnitudes[x] += abs (change);                                                               \
    }                                                                                              \
  }
DEFINE_ADD_CHANGES (guint8)
DEFINE_ADD_CHANGES (guint16)

static const guint8 *
get_row (const RfdnPlane *plane, guint y)
{
  return (const guint8 *) plane->data + (gssize) y * plane->stride;
}

/* Sums of the columns around LR row y; rows beyond the picture are its first and last. */
static void
sum_columns (const RfdnStabilizer *self, const Rows *rows, guint y)
{
  const guint width = self->params.width, shift = self->params.format.shift;
  const RfdnPlane *now = &self->in[self->channel], *before = &self->seen[self->channel];
  const gsize step = (gsize) now->pixel_stride / self->sample;
  gint32 *sums = rows->sums + RADIUS, *magnitudes = rows->magnitudes + RADIUS;

  memset (sums, 0, width * sizeof *sums);
  memset (magnitudes, 0, width * sizeof *magnitudes);
  for (gint k = -RADIUS; k <= RADIUS; k++) {
    const guint row = (guint) CLAMP ((gint) y + k, 0, (gint) self->params.height - 1);
    const guint8 *a = get_row (now, row), *b = get_row (before, row);

    if (self->sample == 2)
      add_changes_guint16 (sums, magnitudes, (const guint16 *) a, step, (const guint16 *) b, shift,
                           width);
    else if (step == 1) /* vectors */
      add_changes_guint8 (sums, magnitudes, a, 1, b, shift, width);
    else
      add_changes_guint8 (sums, magnitudes, a, step, b, shift, width);
  }
  for (guint k = 1; k <= RADIUS; k++) {
    sums[-(gint) k] = sums[0];
    magnitudes[-(gint) k] = magnitudes[0];
    sums[width - 1 + k] = sums[width - 1];
    magnitudes[width - 1 + k] = magnitudes[width - 1];
  }
}

/* Weights of the picture shown last, for the HR pixels of LR row y. */
static void
weigh_row (const RfdnStabilizer *self, const Rows *rows, guint y)
{
  const guint width = self->params.width, scale = self->params.scale;
  const gint32 limit =
      (gint32) (REST * SIDE * SIDE * rfdn_sample_format_get_max (&self->params.format) / 255);
  const float unit = 1.0f / (float) limit;
  const gint32 amount = (gint32) self->amount, *sums = rows->sums, *magnitudes = rows->magnitudes;
  gint32 *weights = rows->weights;

  if (!self->has_last) {
    memset (rows->wide_weights, 0, self->out_width * sizeof *rows->wide_weights);
    return;
  }
  sum_columns (self, rows, y);
  _Pragma ("omp simd") for (guint x = 0; x < width; x++)
  {
    const gint32 sum = sums[x] + sums[x + 1] + sums[x + 2] + sums[x + 3] + sums[x + 4];
    const gint32 magnitude = magnitudes[x] + magnitudes[x + 1] + magnitudes[x + 2] +
                             magnitudes[x + 3] + magnitudes[x + 4];
    const gint32 change = MIN (MAX (magnitude, ONE_WAY * abs (sum)), limit);
    /* Below 2^24, and so exact. */
    const gint32 weight = (gint32) ((float) (amount * (limit - change)) * unit);
    weights[x] = magnitude == 0 ? ONE : weight;
  }
  for (guint x = 0; x < width; x++) {
    for (guint k = 0; k < scale; k++)
      rows->wide_weights[scale * x + k] = (guint16) weights[x];
  }
}
G_STATIC_ASSERT (SIDE == 5);

/* ---- mixing ---------------------------------------------------------------------------------- */

/* A row of the result, of which `row`, and the ones above and below it, into what is shown. */
#define DEFINE_MIX_ROW(TYPE, WIDE)                                                                 \
  static void mix_row_##TYPE (TYPE *shown, TYPE *out, gsize step, const TYPE *above,               \
                              const TYPE *row, const TYPE *below, const Rows *rows, guint shift,   \
                              guint n)                                                             \
  {                                                                                                \
    TYPE *low = (TYPE *) rows->low + 1, *high = (TYPE *) rows->high + 1;                           \
    const guint16 *weights = rows->wide_weights;                                                   \
                                                                                                   \
    _Pragma ("omp simd") for (guint x = 0; x < n; x++)                                             \
    {                                                                                              \
      const TYPE a = above[x], b = row[x], c = below[x];                                           \
      const TYPE least = a < b ? a : b, most = a < b ? b : a;                                      \
      low[x] = least < c ? least : c;                                                              \
      high[x] = most < c ? c : most;                                                               \
    }                                                                                              \
    low[-1] = low[0];                                                                              \
    high[-1] = high[0];                                                                            \
    low[n] = low[n - 1];                                                                           \
    high[n] = high[n - 1];                                                                         \
    _Pragma ("omp simd") for (gint x = 0; x < (gint) n; x++)                                       \
    {                                                                                              \
      const TYPE now = row[x], last = shown[x];                                                    \
      TYPE from = low[x] < low[x - 1] ? low[x] : low[x - 1];                                       \
      TYPE to = high[x] < high[x - 1] ? high[x - 1] : high[x];                                     \
      from = from < low[x + 1] ? from : low[x + 1];                                                \
      to = to < high[x + 1] ? high[x + 1] : to;                                                    \
      const TYPE raised = last < from ? from : last, clamped = raised > to ? to : raised;          \
      const WIDE difference = (WIDE) ((WIDE) (clamped >> shift) - (WIDE) (now >> shift));          \
      const WIDE change = (WIDE) ((WIDE) ((WIDE) weights[x] * difference + ONE / 2) >> SHIFT);     \
      shown[x] = (TYPE) (((now >> shift) + change) << shift);                                      \
    }                                                                                              \
    if (step == 1) {                                                                               \
      memcpy (out, shown, n * sizeof *out);                                                        \
      return;                                                                                      \
    }                                                                                              \
    for (guint x = 0; x < n; x++)                                                                  \
      out[x * step] = shown[x];                                                                    \
  }
DEFINE_MIX_ROW (guint8, gint16)
DEFINE_MIX_ROW (guint16, gint32)

static void
mix_row (const RfdnStabilizer *self, const Rows *rows, guint y)
{
  const RfdnPlane *result = &self->result[self->channel], *out = &self->out[self->channel];
  const guint8 *above = get_row (result, y > 0 ? y - 1 : 0), *row = get_row (result, y);
  const guint8 *below = get_row (result, MIN (y + 1, self->out_height - 1));
  guint8 *shown = (guint8 *) get_row (&self->shown[self->channel], y);
  guint8 *to = (guint8 *) get_row (out, y);
  const gsize step = (gsize) out->pixel_stride / self->sample;
  const guint shift = self->params.format.shift;

  if (self->sample == 1)
    mix_row_guint8 (shown, to, step, above, row, below, rows, shift, self->out_width);
  else
    mix_row_guint16 ((guint16 *) shown, (guint16 *) to, step, (const guint16 *) above,
                     (const guint16 *) row, (const guint16 *) below, rows, shift, self->out_width);
}

/* ---- running --------------------------------------------------------------------------------- */

static void
run_band (RfdnStabilizer *self, guint band)
{
  const guint64 height = self->params.height;
  const guint begin = (guint) (height * band / self->n_bands);
  const guint end = (guint) (height * (band + 1) / self->n_bands);
  const guint scale = self->params.scale;
  const Rows rows = get_rows (self, band);

  for (guint y = begin; y < end; y++) {
    weigh_row (self, &rows, y);
    for (guint k = 0; k < scale; k++)
      mix_row (self, &rows, scale * y + k);
  }
}

static void
run_member (RfdnMember member, gpointer data)
{
  RfdnStabilizer *self = data;

  while (!rfdn_member_must_leave (member)) {
    const guint band = (guint) g_atomic_int_add (&self->next_band, 1);
    if (band >= self->n_bands)
      return;
    run_band (self, band);
  }
}

static void
keep_input (RfdnStabilizer *self, guint channel)
{
  const RfdnPlane *from = &self->in[channel], *to = &self->seen[channel];
  const gsize sample = self->sample;

  for (guint y = 0; y < self->params.height; y++) {
    const guint8 *a = get_row (from, y);
    guint8 *b = (guint8 *) get_row (to, y);
    if (from->pixel_stride == sample) {
      memcpy (b, a, self->params.width * sample);
      continue;
    }
    for (guint x = 0; x < self->params.width; x++)
      memcpy (b + x * sample, a + (gssize) x * from->pixel_stride, sample);
  }
}

void
rfdn_stabilizer_run (RfdnStabilizer *self, const RfdnPlane *in, const RfdnPlane *out, double amount)
{
  self->in = in;
  self->out = out;
  self->amount = (guint) (CLAMP (amount, 0, 1) * ONE + 0.5);
  for (self->channel = 0; self->channel < self->params.channels; self->channel++) {
    g_atomic_int_set (&self->next_band, 0);
    rfdn_pool_run (self->pool, run_member, self);
    keep_input (self, self->channel);
  }
  self->has_last = TRUE;
}
