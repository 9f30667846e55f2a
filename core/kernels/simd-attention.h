/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ESA has besides convolutions. */

/* Pixels of a row that are reduced at a time. */
#define MAX_POOL_PIXELS 64

/* The seven rows first, in vectors, then seven of their pixels for each pixel of dst. */
static void
max_pool_row (float *dst, gsize dst_run, const float *const src[7], gsize src_run, guint channels,
              guint n)
{
  float largest[RFDN_PHASES][(3 * MAX_POOL_PIXELS + 8) / RFDN_PHASES + VECTOR_FLOATS];

  for (guint c = 0; c < channels; c++) {
    for (guint x0 = 0; x0 < n; x0 += MAX_POOL_PIXELS) {
      const guint end = MIN (x0 + MAX_POOL_PIXELS, n);
      /* The last window reaches four pixels further than the others' distance. */
      const guint used = (3 * (end - x0) + 4 + RFDN_PHASES - 1) / RFDN_PHASES;
      for (guint p = 0; p < RFDN_PHASES; p++) {
        const gsize at = (c * RFDN_PHASES + p) * src_run + 3 * x0 / RFDN_PHASES;
        for (guint t = 0; t < used; t++) {
          float best = src[0][at + t];
          for (guint k = 1; k < 7; k++)
            best = best < src[k][at + t] ? src[k][at + t] : best;
          largest[p][t] = best;
        }
      }
      for (guint x = x0; x < end; x++) {
        const guint first = 3 * (x - x0);
        float best = largest[first % RFDN_PHASES][first / RFDN_PHASES];
        for (guint k = first + 1; k < first + 7; k++) {
          const float v = largest[k % RFDN_PHASES][k / RFDN_PHASES];
          best = best < v ? v : best;
        }
        dst[c * RFDN_PHASES * dst_run + (gsize) pixel_at (x, dst_run)] = best;
      }
    }
  }
}

/* Between the two rows first, which are a sixth as long, and then along them. */
static void
upsample_row (float *dst, gsize dst_run, const float *row0, const float *row1, gsize src_run,
              float w1, const gint32 *left, const gint32 *right, const float *weight, gsize pitch,
              guint channels, guint n)
{
  float row[POOLED_ROW];
  const float w0 = 1 - w1;

  for (guint c = 0; c < channels; c++) {
    const float *r0 = row0 + c * RFDN_PHASES * src_run, *r1 = row1 + c * RFDN_PHASES * src_run;
    /* The floats at the end of the last run are the next one's slack. */
    for (gsize k = 0; k < RFDN_PHASES * src_run - RFDN_RUN_SLACK; k++)
      row[k] = r0[k] * w0 + r1[k] * w1;
    for (guint p = 0; p < RFDN_PHASES; p++) {
      const gint32 *l = left + p * pitch, *r = right + p * pitch;
      const float *w = weight + p * pitch;
      float *d = dst + (c * RFDN_PHASES + p) * dst_run;
      for (guint t = 0; t < n; t++)
        d[t] += row[l[t]] * (1 - w[t]) + row[r[t]] * w[t];
    }
  }
}

static void
gate_row (float *dst, gsize dst_run, const float *gate, gsize gate_run, guint channels, guint n)
{
  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    for (guint t = 0; t < n; t += VECTOR_FLOATS) {
      float *d = dst + r * dst_run + t;
      store (d, load (gate + r * gate_run + t) / (1.0f + vec_exp (-load (d))));
    }
  }
}
