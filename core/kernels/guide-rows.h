/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "kernels.h"

/* How chroma follows luma (RfdnKernels: slope_row, detail_row, add_product_row), once for the
 * scalar kernels and those of all levels: loops over plain arrays, which the compiler turns into
 * vectors where it may. Compiled without fused multiply-add, they make the same bits everywhere. */

/* Samples whose sums are made at a time. */
#define SLOPE_CHUNK 64
#define SLOPE_SUMS (SLOPE_CHUNK + RFDN_SLOPE_SIDE - 1)

/* Variances below which slopes mean little, in levels of 255 squared. */
#define SLOPE_LUMA_NOISE 4
#define SLOPE_CHROMA_NOISE 25

/* Sums of a column of samples. */
typedef struct {
  float luma[SLOPE_SUMS], chroma[SLOPE_SUMS];
  float luma2[SLOPE_SUMS], chroma2[SLOPE_SUMS], both[SLOPE_SUMS];
} SlopeSums;

/* Of n columns from `at` on. */
static void
sum_columns (SlopeSums *sums, const float *const luma[RFDN_SLOPE_SIDE],
             const float *const chroma[RFDN_SLOPE_SIDE], gssize at, guint n)
{
  for (guint x = 0; x < n; x++) {
    const gssize from = at + (gssize) x;
    float y = 0, c = 0, yy = 0, cc = 0, yc = 0;

    for (guint r = 0; r < RFDN_SLOPE_SIDE; r++) {
      const float a = luma[r][from], b = chroma[r][from];
      y += a;
      c += b;
      yy += a * a;
      cc += b * b;
      yc += a * b;
    }
    sums->luma[x] = y;
    sums->chroma[x] = c;
    sums->luma2[x] = yy;
    sums->chroma2[x] = cc;
    sums->both[x] = yc;
  }
}

#define SUM_OF_FIVE(v, x) ((v)[x] + (v)[(x) + 1] + (v)[(x) + 2] + (v)[(x) + 3] + (v)[(x) + 4])

/* n^2 times the variances and the covariance of the n = 25 samples: no division is needed. */
static void
slopes_of_sums (float *dst, const SlopeSums *sums, float unit, guint n)
{
  const float samples = RFDN_SLOPE_SIDE * RFDN_SLOPE_SIDE;
  const float luma_noise = SLOPE_LUMA_NOISE * samples * samples * unit;
  const float chroma_noise = SLOPE_CHROMA_NOISE * samples * samples * unit;

  for (guint x = 0; x < n; x++) {
    const float y = SUM_OF_FIVE (sums->luma, x), c = SUM_OF_FIVE (sums->chroma, x);
    const float v = samples * SUM_OF_FIVE (sums->luma2, x) - y * y;
    const float w = samples * SUM_OF_FIVE (sums->chroma2, x) - c * c;
    const float both = samples * SUM_OF_FIVE (sums->both, x) - y * c;
    /* Rounding can make them negative. */
    const float luma = v > 0 ? v : 0, chroma = w > 0 ? w : 0;
    const float correlation2 = both * both / (luma * chroma + unit);
    /* The same rounding can make it more than 1. */
    const float trust = correlation2 < 1 ? correlation2 * correlation2 : 1;

    dst[x] = both * trust * chroma / ((luma + luma_noise) * (chroma + chroma_noise));
  }
}
G_STATIC_ASSERT (RFDN_SLOPE_SIDE == 5);

static void
slope_row (float *dst, const float *const luma[RFDN_SLOPE_SIDE],
           const float *const chroma[RFDN_SLOPE_SIDE], float unit, guint n)
{
  SlopeSums sums;

  for (guint x = 0; x < n; x += SLOPE_CHUNK) {
    const guint count = MIN (SLOPE_CHUNK, n - x);

    sum_columns (&sums, luma, chroma, (gssize) x - RFDN_SLOPE_RADIUS, count + RFDN_SLOPE_SIDE - 1);
    slopes_of_sums (dst + x, &sums, unit, count);
  }
}

/* With constant step and scale, for the common ones. */
static inline __attribute__ ((always_inline)) void
detail_row_of (float *dst, gsize pitch, const float *src, const float taps[3], const guint step,
               const guint scale, guint n)
{
  for (guint k = 0; k < scale; k++) {
    const float *from = src + step * k - 1;
    float *to = dst + k * pitch;

    for (guint x = 0; x < n; x++) {
      const float *s = from + (gsize) x * (step * scale);
      to[x] = taps[0] * s[0] + taps[1] * s[1] + taps[2] * s[2] - to[x];
    }
  }
}

static void
detail_row (float *dst, gsize pitch, const float *src, const float taps[3], guint step, guint scale,
            guint n)
{
  if (step == 2 && scale == 1)
    detail_row_of (dst, pitch, src, taps, 2, 1, n);
  else if (step == 2 && scale == 2)
    detail_row_of (dst, pitch, src, taps, 2, 2, n);
  else if (step == 1 && scale == 2)
    detail_row_of (dst, pitch, src, taps, 1, 2, n);
  else
    detail_row_of (dst, pitch, src, taps, step, scale, n);
}

static void
add_product_row (float *dst, const float *a, const float *b, float gain, guint n)
{
  for (guint x = 0; x < n; x++)
    dst[x] += gain * a[x] * b[x];
}
