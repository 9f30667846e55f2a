/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "format.h"
#include "rfdn-filters.h"

#define EVERY 4 /* rows */

#define DEFINE_SUM_ROW(TYPE)                                                                       \
  static guint64 sum_row_##TYPE (const TYPE *row, const TYPE *above, const TYPE *below,            \
                                 gsize step, guint shift, guint n)                                 \
  {                                                                                                \
    guint32 sum = 0; /* of MOST samples at most, each below 2^18 */                                \
    _Pragma ("omp simd reduction(+ : sum)") for (guint x = 1; x < n - 1; x++) sum +=               \
        (guint32) abs (4 * (row[x * step] >> shift) - (row[(x - 1) * step] >> shift) -             \
                       (row[(x + 1) * step] >> shift) - (above[x * step] >> shift) -               \
                       (below[x * step] >> shift));                                                \
    return sum;                                                                                    \
  }
DEFINE_SUM_ROW (guint8)
DEFINE_SUM_ROW (guint16)

/* Samples of a row that a sum of 32 bits can hold. */
#define MOST 8192

static guint64
sum_row (const guint8 *row, const RfdnPlane *plane, const RfdnSampleFormat *format, guint n)
{
  const guint8 *above = row - plane->stride, *below = row + plane->stride;

  if (format->samples == RFDN_SAMPLES_U8 && plane->pixel_stride == 1)
    return sum_row_guint8 (row, above, below, 1, format->shift, n);
  if (format->samples == RFDN_SAMPLES_U8)
    return sum_row_guint8 (row, above, below, plane->pixel_stride, format->shift, n);
  return sum_row_guint16 ((const guint16 *) row, (const guint16 *) above, (const guint16 *) below,
                          plane->pixel_stride / 2, format->shift, n);
}

float
rfdn_measure_detail (const RfdnPlane *plane, const RfdnSampleFormat *format, const RfdnArea *area)
{
  guint64 sum = 0, n = 0;

  if (area->width < 3)
    return 0;
  for (guint y = 1; y + 1 < area->height; y += EVERY) {
    for (guint x = 0; x + 2 < area->width; x += MOST - 2) {
      const guint width = MIN (area->width - x, MOST);

      sum += sum_row ((const guint8 *) plane->data + (gssize) (area->y + y) * plane->stride +
                          (area->x + x) * plane->pixel_stride,
                      plane, format, width);
      n += width - 2;
    }
  }
  return n > 0 ? (float) sum / (float) n / rfdn_sample_format_get_max (format) : 0;
}
