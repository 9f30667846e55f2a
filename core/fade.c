/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "rfdn-filters.h"

/* Weights are multiples of 1 / 256. */
#define ONE 256

/* Columns faded at a time, with their weights on the stack. */
#define COLUMNS 1024

/* Weight of sample i of n: it rises over the first `before` and falls over the last `after` ones.
 */
static guint
get_weight (guint i, guint n, guint before, guint after)
{
  guint weight = ONE;

  if (i < before)
    weight = (2 * i + 1) * ONE / (2 * before);
  if (n - 1 - i < after)
    weight = MIN (weight, (2 * (n - 1 - i) + 1) * ONE / (2 * after));
  return weight;
}

#define DEFINE_FADE_ROW(TYPE)                                                                      \
  static void fade_row_##TYPE (TYPE *row, const TYPE *into, gsize step, gsize into_step,           \
                               const guint16 *weights, guint weight, guint shift, guint n)         \
  {                                                                                                \
    _Pragma ("omp simd") for (guint x = 0; x < n; x++)                                             \
    {                                                                                              \
      const gint32 w = (gint32) (weights[x] * weight / ONE);                                       \
      const gint32 a = row[x * step] >> shift, b = into[x * into_step] >> shift;                   \
      row[x * step] = (TYPE) ((b * ONE + w * (a - b) + ONE / 2) / ONE << shift);                   \
    }                                                                                              \
  }
DEFINE_FADE_ROW (guint8)
DEFINE_FADE_ROW (guint16)

static void
fade_row (gpointer row, const RfdnPlane *plane, gconstpointer into, const RfdnPlane *other,
          const RfdnSampleFormat *format, const guint16 *weights, guint weight, guint n)
{
  const gsize size = format->samples == RFDN_SAMPLES_U8 ? 1 : 2;
  const gsize step = plane->pixel_stride / size, into_step = other->pixel_stride / size;

  if (weight == 0 && step == 1 && into_step == 1)
    memcpy (row, into, n * size);
  else if (size == 1 && step == 1 && into_step == 1) /* vectors */
    fade_row_guint8 (row, into, 1, 1, weights, weight, format->shift, n);
  else if (size == 1)
    fade_row_guint8 (row, into, step, into_step, weights, weight, format->shift, n);
  else if (step == 1 && into_step == 1)
    fade_row_guint16 (row, into, 1, 1, weights, weight, format->shift, n);
  else
    fade_row_guint16 (row, into, step, into_step, weights, weight, format->shift, n);
}

/* Columns `x0` to `x0` + `n` - 1 of the area, at most COLUMNS. */
static void
fade_columns (const RfdnPlane *plane, const RfdnPlane *into, const RfdnSampleFormat *format,
              const RfdnArea *area, const RfdnFade *fade, guint x0, guint n)
{
  const guint whole = (guint) (CLAMP (fade->weight, 0, 1) * ONE + 0.5);
  /* Between the ramps' ends all weights are 1. */
  const guint right = area->width - MIN (fade->right, area->width);
  const guint left_end = CLAMP (fade->left, x0, x0 + n) - x0;
  const guint right_begin = MAX (CLAMP (right, x0, x0 + n) - x0, left_end);
  guint16 weights[COLUMNS];

  for (guint x = 0; x < n; x++)
    weights[x] = (guint16) get_weight (x0 + x, area->width, fade->left, fade->right);
  for (guint y = 0; y < area->height; y++) {
    const gssize at = (gssize) (area->y + y);
    const gsize x = area->x + x0;
    guint8 *row = (guint8 *) plane->data + at * plane->stride + x * plane->pixel_stride;
    const guint8 *other = (const guint8 *) into->data + at * into->stride + x * into->pixel_stride;
    const guint weight = get_weight (y, area->height, fade->top, fade->bottom) * whole / ONE;

    if (weight < ONE) {
      fade_row (row, plane, other, into, format, weights, weight, n);
      continue;
    }
    /* Only the ramps change. */
    fade_row (row, plane, other, into, format, weights, weight, left_end);
    fade_row (row + right_begin * plane->pixel_stride, plane,
              other + right_begin * into->pixel_stride, into, format, weights + right_begin, weight,
              n - right_begin);
  }
}

void
rfdn_fade (const RfdnPlane *plane, const RfdnPlane *into, const RfdnSampleFormat *format,
           const RfdnArea *area, const RfdnFade *fade)
{
  for (guint x = 0; x < area->width; x += COLUMNS)
    fade_columns (plane, into, format, area, fade, x, MIN (area->width - x, COLUMNS));
}
