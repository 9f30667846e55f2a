/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ESA has besides convolutions, in 16-bit integers. Rows of words, each of two channels. */

/* Pixels of a row that are reduced at a time. */
#define INT16_POOL_PIXELS 64

/* The largest of the seven rows, of `columns` columns of all phases. */
INLINE void
int16_pool_rows (float *largest, gsize pitch, const float *const src[7], gsize src_run, gsize at,
                 guint columns)
{
  for (guint p = 0; p < RFDN_PHASES; p++) {
    for (guint t = 0; t < columns; t += VECTOR_FLOATS) {
      const gsize from = at + p * src_run + t;
      Vec16 best = load16 (src[0] + from);
#pragma GCC unroll 6
      for (guint k = 1; k < 7; k++)
        best = max16 (best, load16 (src[k] + from));
      store16 (largest + p * pitch + t, best);
    }
  }
}

static void
int16_max_pool_row (float *dst, gsize dst_run, const float *const src[7], gsize src_run,
                    guint channels, guint n)
{
  float largest[RFDN_PHASES][(3 * INT16_POOL_PIXELS + 8) / RFDN_PHASES + VECTOR_FLOATS];

  for (guint c = 0; c < int16_pairs (channels); c++) {
    for (guint x0 = 0; x0 < n; x0 += INT16_POOL_PIXELS) {
      const guint end = MIN (x0 + INT16_POOL_PIXELS, n);
      /* The last window reaches four pixels further than the others' distance. */
      const guint used = (3 * (end - x0) + 4 + RFDN_PHASES - 1) / RFDN_PHASES;
      int16_pool_rows (largest[0], G_N_ELEMENTS (largest[0]), src, src_run,
                       c * RFDN_PHASES * src_run + 3 * x0 / RFDN_PHASES, used);
      for (guint x = x0; x < end; x++) {
        gint16 *to = (void *) (dst + c * RFDN_PHASES * dst_run + pixel_at (x, dst_run));
        to[0] = to[1] = G_MININT16;
        for (guint k = 3 * (x - x0); k < 3 * (x - x0) + 7; k++) {
          const gint16 *v = (const void *) &largest[k % RFDN_PHASES][k / RFDN_PHASES];
          to[0] = MAX (to[0], v[0]);
          to[1] = MAX (to[1], v[1]);
        }
      }
    }
  }
}

/* ---- interpolation --------------------------------------------------------------------------- */

/* Words of the weights of two numbers, from the second one's. */
INLINE Vec16
int16_weights (Vec32 second)
{
  return (Vec16) (((1 << RFDN_INT16_WEIGHT_SHIFT) - second) | second << 16);
}

/* Both numbers of each word of a and b. */
INLINE Vec16
int16_interpolate (Vec32 a, Vec32 b, Vec16 weights)
{
  const Vec32 half = splat32 (1 << (RFDN_INT16_WEIGHT_SHIFT - 1));
  const Vec32 low = (a & 0xffff) | b << 16, high = (a >> 16 & 0xffff) | (b & ~0xffff);

  return pair (dot (half, (Vec16) low, weights) >> RFDN_INT16_WEIGHT_SHIFT,
               dot (half, (Vec16) high, weights) >> RFDN_INT16_WEIGHT_SHIFT);
}

/* Words that lie anywhere in a row. */
INLINE Vec32
int16_gather (const gint32 *row, const gint32 *at)
{
#if VECTOR_FLOATS == 16
  return (Vec32){row[at[0]],  row[at[1]],  row[at[2]],  row[at[3]], row[at[4]],  row[at[5]],
                 row[at[6]],  row[at[7]],  row[at[8]],  row[at[9]], row[at[10]], row[at[11]],
                 row[at[12]], row[at[13]], row[at[14]], row[at[15]]};
#elif VECTOR_FLOATS == 8
  return (Vec32){row[at[0]], row[at[1]], row[at[2]], row[at[3]],
                 row[at[4]], row[at[5]], row[at[6]], row[at[7]]};
#else
  return (Vec32){row[at[0]], row[at[1]], row[at[2]], row[at[3]]};
#endif
}

/* A vector of columns of a run. */
INLINE void
int16_upsample_vector (float *dst, const gint32 *row, const gint32 *left, const gint32 *right,
                       const float *weight)
{
  const Vec w = load (weight) * (1 << RFDN_INT16_WEIGHT_SHIFT) + 0.5f;
  const Vec16 v = int16_interpolate (int16_gather (row, left), int16_gather (row, right),
                                     int16_weights ((Vec32) __builtin_convertvector(w, VecInt)));

  store16 (dst, add_saturated (load16 (dst), v));
}

/* The last columns of a run: there is nothing behind them in `left`, `right` and `weight`. */
INLINE void
int16_upsample_rest (float *dst, const gint32 *row, const gint32 *left, const gint32 *right,
                     const float *weight, guint n)
{
  gint32 from[2][VECTOR_FLOATS] = {{0}};
  float w[VECTOR_FLOATS] = {0};

  for (guint t = 0; t < n; t++) {
    from[0][t] = left[t];
    from[1][t] = right[t];
    w[t] = weight[t];
  }
  int16_upsample_vector (dst, row, from[0], from[1], w);
}

/* Between the two rows of a pooled map first, which are a sixth as long, and then along them. */
static void
int16_upsample_row (float *dst, gsize dst_run, const float *row0, const float *row1, gsize src_run,
                    float w1, const gint32 *left, const gint32 *right, const float *weight,
                    gsize pitch, guint channels, guint n)
{
  gint32 row[POOLED_ROW + VECTOR_FLOATS];
  const Vec16 between = int16_weights (splat32 (rfdn_int16_weight (w1)));
  const gsize channel = RFDN_PHASES * src_run;

  for (guint c = 0; c < int16_pairs (channels); c++) {
    /* The words at the end of the last run are the next one's slack. */
    for (gsize k = 0; k < channel - RFDN_RUN_SLACK; k += VECTOR_FLOATS)
      store16 ((float *) row + k, int16_interpolate (load32 (row0 + c * channel + k),
                                                     load32 (row1 + c * channel + k), between));
    for (guint p = 0; p < RFDN_PHASES; p++) {
      const gsize at = p * pitch;
      float *d = dst + (c * RFDN_PHASES + p) * dst_run;
      guint t = 0;
      for (; t + VECTOR_FLOATS <= n; t += VECTOR_FLOATS)
        int16_upsample_vector (d + t, row, left + at + t, right + at + t, weight + at + t);
      if (t < n)
        int16_upsample_rest (d + t, row, left + at + t, right + at + t, weight + at + t, n - t);
    }
  }
}

/* ---- the gate -------------------------------------------------------------------------------- */

/* Both numbers of each word as floats. */
INLINE Vec
int16_low (Vec32 words)
{
  return __builtin_convertvector(words << 16 >> 16, Vec);
}

INLINE Vec
int16_high (Vec32 words)
{
  return __builtin_convertvector(words >> 16, Vec);
}

/* 1 + exp (-z), z in units of RFDN_INT16_GATE_SHIFT: see RFDN_INT16_EXP_TERMS. */
INLINE Vec
int16_divisor (Vec z)
{
  static const float terms[] = {RFDN_INT16_EXP_TERMS};
  const Vec y = z * RFDN_INT16_EXP_UNIT;
  Vec shifted = y + RFDN_INT16_ROUNDER;
  __asm__("" : "+" VECTOR_REGISTER (shifted));
  const Vec rest = y - (shifted - RFDN_INT16_ROUNDER);
  Vec p = splat (terms[0]);

#pragma GCC unroll 5
  for (guint i = 1; i < G_N_ELEMENTS (terms); i++)
    p = p * rest + terms[i];
  /* The whole number is in the last bits; 2 to its power is an addition to the exponent. */
  return 1.0f + (Vec) ((Vec32) p + ((Vec32) shifted << 23));
}

/* v / (1 + exp (-z)) of both numbers of each word. One division serves both. */
INLINE Vec32
int16_gate (Vec32 v, Vec32 z)
{
  const Vec low = int16_divisor (int16_low (z)), high = int16_divisor (int16_high (z));
  const Vec inverse = 1.0f / (low * high);
  const Vec32 first = (Vec32) (int16_low (v) * (high * inverse) + RFDN_INT16_ROUNDER);
  const Vec32 second = (Vec32) (int16_high (v) * (low * inverse) + RFDN_INT16_ROUNDER);

  return (first & 0xffff) | second << 16;
}

static void
int16_gate_row (float *dst, gsize dst_run, const float *gate, gsize gate_run, guint channels,
                guint n)
{
  for (guint r = 0; r < RFDN_PHASES * int16_pairs (channels); r++) {
    for (guint t = 0; t < n; t += VECTOR_FLOATS) {
      float *d = dst + r * dst_run + t;
      store16 (d, (Vec16) int16_gate (load32 (gate + r * gate_run + t), load32 (d)));
    }
  }
}
