/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* 3x3 convolutions by Winograd's algorithm in 16-bit integers: int16.h has the arithmetic,
 * simd-winograd.h the order of the work. */

#define INT16_VECTORS 2
#define INT16_LANES (INT16_VECTORS * VECTOR_FLOATS)

/* Blocks of output channels, whose sums stay in registers: two vectors each, beside two of the
 * input and what a product takes. */
#if VECTOR_REGISTERS == 32
#define INT16_BLOCK 12
#else
#define INT16_BLOCK 5
#endif
/* Output channels whose products are turned into pixels together: an even number. */
#define INT16_GROUP 12

/* ---- packing: biases, shifts, then words of two input channels ------------------------------- */

static gsize
int16_winograd_packed_size (const RfdnConvShape *shape)
{
  const gsize in = int16_pairs (shape->in_channels), out = int16_pairs (shape->out_channels);
  return out * (4 + 2 * RFDN_INT16_POSITIONS * in);
}

/* [group][36 positions][block][in pairs][channels of the block] */
static void
int16_winograd_pack (float *packed, const RfdnInt16Filter *filter)
{
  const gsize out = filter->out_channels, in = filter->in_channels;
  guint32 *to = int16_pack_results (packed, filter);

  for (guint o = 0, g = 0; o < out; g++) {
    const guint group = 2 * block_size ((guint) out / 2, INT16_GROUP / 2, g);
    for (guint position = 0; position < RFDN_INT16_POSITIONS; position++) {
      for (guint b = 0, k = 0; b < group; k++) {
        const guint block = block_size (group, INT16_BLOCK, k);
        for (guint i = 0; i < in; i += 2) {
          for (guint c = 0; c < block; c++) {
            const gint16 *w =
                filter->weights + ((o + b + c) * in + i) * RFDN_INT16_POSITIONS + position;
            *to++ = rfdn_int16_pair (w[0], w[RFDN_INT16_POSITIONS]);
          }
        }
        b += block;
      }
    }
    o += group;
  }
}

/* ---- transforms ------------------------------------------------------------------------------ */

/* Words from a position of the transformed input to the next, in lanes: see winograd_pitch(). */
INLINE gsize
int16_pitch (guint in_pairs)
{
  return in_pairs | 1;
}

/* All of the transformed input; of a group, a row of products and what it has been turned into. */
static gsize
int16_winograd_scratch_size (const RfdnConvShape *shape)
{
  return INT16_LANES * (RFDN_INT16_POSITIONS * int16_pitch (int16_pairs (shape->in_channels)) +
                        (6 + 24) * INT16_GROUP);
}

/* B' times six numbers. */
INLINE void
int16_input_column (Vec16 to[6], const Vec16 d[6])
{
  const Vec16 e = d[4] - d[2], o = d[3] - d[1], o2 = o + o;
  const Vec16 even = d[4] - (d[2] << 2), odd = d[3] - (d[1] << 2);

  to[0] = ((d[0] - d[2]) << 2) + e;
  to[1] = even + odd;
  to[2] = even - odd;
  to[3] = e + o2;
  to[4] = e - o2;
  to[5] = (d[5] - d[3]) - (o2 + o2);
}

/* A quarter of B' times six numbers, rounded as if all their sums had been. */
INLINE void
int16_input_row (Vec16 to[6], const Vec16 d[6])
{
  const Vec16 o = d[3] - d[1], o_half = o >> 1, o_rest = (o & 1) << 1, e = d[4] - d[2] + 2;

  to[0] = (d[0] - d[2]) + (e >> 2);
  to[1] = ((d[3] + d[4] + 2) >> 2) - (d[1] + d[2]);
  to[2] = (d[1] - d[2]) + ((d[4] - d[3] + 2) >> 2);
  to[3] = ((e + o_rest) >> 2) + o_half;
  to[4] = ((e - o_rest) >> 2) - o_half;
  to[5] = ((d[5] - d[3] + 2) >> 2) - o;
}

/* Where column j of a tile lies: a pixel of the phases, the last of the tile before, the first of
 * the tile behind. */
INLINE gssize
int16_column (guint j, gsize run)
{
  return j == 0 ? 3 * (gssize) run - 1 : j == 5 ? 1 : (gssize) ((j - 1) * run);
}

/* V of one vector of tiles of a pair of channels, to 36 positions. Where scaled, d is d times
 * `multiplier` first, rounded. */
INLINE void
int16_input (float *to, gsize step, const float *const rows[6], gsize run, const gboolean scaled,
             Vec16 multiplier)
{
  Vec16 half[6][6];

#pragma GCC unroll 6
  for (guint j = 0; j < 6; j++) {
    Vec16 d[6], column[6];
#pragma GCC unroll 6
    for (guint r = 0; r < 6; r++) {
      d[r] = load16 (rows[r] + int16_column (j, run));
      if (scaled)
        d[r] = multiply_round (d[r], multiplier);
    }
    int16_input_column (column, d);
#pragma GCC unroll 6
    for (guint r = 0; r < 6; r++)
      half[r][j] = column[r];
  }
#pragma GCC unroll 6
  for (guint r = 0; r < 6; r++) {
    Vec16 v[6];
    int16_input_row (v, half[r]);
#pragma GCC unroll 6
    for (guint j = 0; j < 6; j++)
      store16 (to + (6 * r + j) * step, v[j]);
  }
}

/* What d is multiplied by: 2^-k, in units of 2^-15. Of k = 0 it is 1 - 2^-15, which leaves |d| <=
 * RFDN_INT16_LIMIT as it is. */
INLINE Vec16
int16_multiplier (Vec32 k)
{
  const Vec32 is_0 = k == 0;
  Vec32 m = splat32 (0);

#pragma GCC unroll 5
  for (gint i = 1; i <= RFDN_INT16_MAX_EXPONENT; i++)
    m |= (k == i) & (1 << (15 - i));
  m |= is_0 & 32767;
  return (Vec16) (m | m << 16);
}

/* The input of a batch at column t: to[36][in pairs][vectors]. */
INLINE void
int16_transform_input (float *to, const RfdnConvStrip *a, guint t, const guint vectors,
                       const gboolean scaled, const Vec32 *k)
{
  const guint in = int16_pairs (a->shape.in_channels);
  const gsize lanes = vectors * VECTOR_FLOATS;

  for (guint i = 0; i < in; i++) {
    for (guint v = 0; v < vectors; v++) {
      const float *rows[6];
      for (guint r = 0; r < 6; r++)
        rows[r] = a->src[r] + i * RFDN_PHASES * a->src_run + t + v * VECTOR_FLOATS;
      int16_input (to + i * lanes + v * VECTOR_FLOATS, int16_pitch (in) * lanes, rows, a->src_run,
                   scaled, scaled ? int16_multiplier (k[v]) : splat16 (0));
    }
  }
}

/* What is read behind pair i of a batch at column t: see winograd_prefetch(). */
INLINE void
int16_prefetch (const RfdnConvStrip *a, guint i, guint in_pairs, guint t, const guint vectors)
{
  const gsize at = i + 1 < in_pairs ? (i + 1) * RFDN_PHASES * a->src_run + t
                                    : t + (gsize) vectors * VECTOR_FLOATS;

#pragma GCC unroll 6
  for (guint r = 0; r < 6; r++) {
#pragma GCC unroll 4
    for (guint p = 0; p < RFDN_PHASES; p++)
      __builtin_prefetch (a->src[r] + at + p * a->src_run);
  }
}

/* k of int16.h from a tile's largest and smallest numbers of both channels of a pair. */
INLINE Vec32
int16_exponents (Vec16 high, Vec16 low)
{
  Vec32 peak = max32 ((Vec32) high << 16 >> 16, (Vec32) high >> 16), k = splat32 (0);

  peak = max32 (peak, -((Vec32) low << 16 >> 16));
  peak = max32 (peak, -((Vec32) low >> 16));
  for (gint i = 0; i < RFDN_INT16_MAX_EXPONENT; i++)
    k -= peak > (RFDN_INT16_LIMIT << i);
  return k;
}

/* k of a batch at column t; returns whether any is not 0. Who reads the batch's input first. */
INLINE gboolean
int16_find_exponents (Vec32 *k, const RfdnConvStrip *a, guint t, const guint vectors)
{
  const guint in = int16_pairs (a->shape.in_channels);
  Vec16 high[INT16_VECTORS] = {{0}}, low[INT16_VECTORS] = {{0}};
  Vec32 any = splat32 (0);

  for (guint i = 0; i < in; i++) {
    int16_prefetch (a, i, in, t, vectors);
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++) {
#pragma GCC unroll 6
      for (guint r = 0; r < 6; r++) {
        const float *row = a->src[r] + i * RFDN_PHASES * a->src_run + t + v * VECTOR_FLOATS;
#pragma GCC unroll 6
        for (guint j = 0; j < 6; j++) {
          const Vec16 d = load16 (row + int16_column (j, a->src_run));
          high[v] = max16 (high[v], d);
          low[v] = min16 (low[v], d);
        }
      }
    }
  }
#pragma GCC unroll 2
  for (guint v = 0; v < vectors; v++) {
    k[v] = int16_exponents (high[v], low[v]);
    any |= k[v];
  }
  return is_any (any);
}

/* A' times six numbers, the last of which is a quarter. */
INLINE void
int16_output_column (Vec32 y[4], const Vec32 m[6])
{
  const Vec32 sum12 = m[1] + m[2], difference12 = m[1] - m[2];
  const Vec32 sum34 = m[3] + m[4], difference34 = m[3] - m[4], twice = difference34 + difference34;

  y[0] = m[0] + sum12 + sum34;
  y[1] = difference12 + twice;
  y[2] = sum12 + (sum34 << 2);
  y[3] = difference12 + ((twice + m[5]) << 2);
}

/* A row of products, [6][group][vectors], times A: to half[group][4 of 24][vectors]. */
INLINE void
int16_output_row (float *half, const float *products, guint group, const guint vectors)
{
  const gsize lanes = vectors * VECTOR_FLOATS;

  for (guint b = 0; b < group; b++) {
    for (guint v = 0; v < vectors; v++) {
      Vec32 m[6], y[4];
#pragma GCC unroll 6
      for (guint j = 0; j < 6; j++)
        m[j] = load32 (products + (j * group + b) * lanes + v * VECTOR_FLOATS);
      int16_output_column (y, m);
#pragma GCC unroll 4
      for (guint p = 0; p < RFDN_PHASES; p++)
        store32 (half + (b * 24 + p) * lanes + v * VECTOR_FLOATS, y[p]);
    }
  }
}

/* Four pixels of a column of a channel: sums, rounded. */
INLINE void
int16_output_channel (Vec32 pixels[4], const float *half, gsize step, gint32 bias,
                      const gboolean scaled, Vec32 k)
{
  Vec32 m[6];

#pragma GCC unroll 6
  for (guint r = 0; r < 6; r++)
    m[r] = load32 (half + r * RFDN_PHASES * step);
  int16_output_column (pixels, m);
  if (!scaled)
    return; /* the products hold the bias */
#pragma GCC unroll 4
  for (guint y = 0; y < RFDN_STRIP; y++)
    pixels[y] += int16_scale_down (splat32 (bias), k);
}

/* half[2][6][4] of one vector of tiles of channels o and o + 1: A' times it are the pixels. */
INLINE void
int16_output (const RfdnConvStrip *a, const float *half, gsize step, guint o, guint t,
              const gboolean scaled, Vec32 k)
{
  const Int16Epilogue epilogue = int16_epilogue_new (a, o);
  const gint32 bias0 = int16_word (a->weights, o), bias1 = int16_word (a->weights, o + 1);

#pragma GCC unroll 4
  for (guint p = 0; p < RFDN_PHASES; p++) {
    const gsize run = o / 2 * RFDN_PHASES + p;
    Vec32 first[4], second[4];
    int16_output_channel (first, half + p * step, step, bias0, scaled, k);
    int16_output_channel (second, half + (24 + p) * step, step, bias1, scaled, k);
#pragma GCC unroll 4
    for (guint y = 0; y < RFDN_STRIP; y++) {
      if (y >= a->rows)
        break;
      const float *add = a->add[y] ? a->add[y] + run * a->add_run + t : NULL;
      store16 (a->dst[y] + run * a->dst_run + t,
               int16_finish (&epilogue, first[y], second[y], add, scaled, k));
    }
  }
}

/* ---- products -------------------------------------------------------------------------------- */

/* products[channels of a block][vectors] = weights[in pairs][block] times input[in pairs][vectors].
 */
INLINE void
int16_tile (float *products, const float *weights, const float *bias, const float *input,
            guint in_pairs, const guint block, const guint vectors)
{
  const gsize lanes = vectors * VECTOR_FLOATS;
  Vec32 acc[INT16_BLOCK][INT16_VECTORS];

#pragma GCC unroll 12
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++)
      acc[b][v] = splat32 (bias ? int16_word (bias, b) : 0);
  }
  for (guint i = 0; i < in_pairs; i++) {
    Vec16 in[INT16_VECTORS];
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++) {
      in[v] = load16 (input + i * lanes + v * VECTOR_FLOATS);
      __asm__("" : "+" VECTOR_REGISTER (in[v]));
    }
#pragma GCC unroll 12
    for (guint b = 0; b < block; b++) {
      const Vec16 w = (Vec16) splat32 (int16_word (weights, b));
#pragma GCC unroll 2
      for (guint v = 0; v < vectors; v++)
        acc[b][v] = dot (acc[b][v], in[v], w);
    }
    weights += block;
  }
#pragma GCC unroll 12
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++)
      store32 (products + b * lanes + v * VECTOR_FLOATS, acc[b][v]);
  }
}

#define INT16_CASE(size)                                                                           \
  case size:                                                                                       \
    int16_tile (products, weights, bias, input, in_pairs, size, vectors);                          \
    break;

INLINE void
int16_multiply (float *products, const float *weights, const float *bias, const float *input,
                guint in_pairs, guint block, const guint vectors)
{
  switch (block) {
    INT16_CASE (1)
    INT16_CASE (2)
    INT16_CASE (3)
    INT16_CASE (4)
    INT16_CASE (5)
#if INT16_BLOCK > 5
    INT16_CASE (6)
    INT16_CASE (7)
    INT16_CASE (8)
    INT16_CASE (9)
    INT16_CASE (10)
    INT16_CASE (11)
    INT16_CASE (12)
#endif
  }
}

/* A row of positions of a group; returns the weights of what follows. */
INLINE const float *
int16_multiply_row (float *products, const float *weights, const float *bias, const float *input,
                    guint in_pairs, guint group, guint row, const guint vectors)
{
  const gsize lanes = vectors * VECTOR_FLOATS, step = int16_pitch (in_pairs) * lanes;

  for (guint j = 0; j < 6; j++) {
    /* Column (1, 1) of A' ... A is all ones: what is added there is added to every pixel. */
    const float *added = row == 1 && j == 1 ? bias : NULL;
    for (guint b = 0, k = 0; b < group; k++) {
      const guint block = block_size (group, INT16_BLOCK, k);
      int16_multiply (products + (j * group + b) * lanes, weights, added ? added + b : NULL,
                      input + (6 * row + j) * step, in_pairs, block, vectors);
      weights += (gsize) block * in_pairs;
      b += block;
    }
  }
  return weights;
}

INLINE void
int16_batch (const RfdnConvStrip *a, guint t, const guint vectors, const gboolean scaled,
             const Vec32 *k)
{
  const guint in = int16_pairs (a->shape.in_channels), out = int16_pairs (a->shape.out_channels);
  const gsize lanes = vectors * VECTOR_FLOATS;
  float *input = a->scratch;
  float *products = input + RFDN_INT16_POSITIONS * int16_pitch (in) * INT16_LANES;
  float *half = products + 6 * INT16_GROUP * INT16_LANES;
  const float *weights = a->weights + 4 * out;

  int16_transform_input (input, a, t, vectors, scaled, k);
  for (guint o = 0, g = 0; o < 2 * out; g++) {
    const guint group = 2 * block_size (out, INT16_GROUP / 2, g);
    for (guint r = 0; r < 6; r++) {
      weights = int16_multiply_row (products, weights, scaled ? NULL : a->weights + o, input, in,
                                    group, r, vectors);
      int16_output_row (half + r * RFDN_PHASES * lanes, products, group, vectors);
    }
    for (guint b = 0; b < group; b += 2) {
      for (guint v = 0; v < vectors; v++)
        int16_output (a, half + 24 * b * lanes + v * VECTOR_FLOATS, lanes, o + b,
                      t + v * VECTOR_FLOATS, scaled, k[v]);
    }
    o += group;
  }
}

/* Apart from the usual case, which it would slow down. */
static __attribute__ ((noinline)) void
int16_scaled_batch (const RfdnConvStrip *a, guint t, guint vectors, const Vec32 *k)
{
  if (vectors == INT16_VECTORS)
    int16_batch (a, t, INT16_VECTORS, TRUE, k);
  else
    int16_batch (a, t, 1, TRUE, k);
}

INLINE void
int16_batch_at (const RfdnConvStrip *a, guint t, const guint vectors)
{
  Vec32 k[INT16_VECTORS];

  if (int16_find_exponents (k, a, t, vectors))
    int16_scaled_batch (a, t, vectors, k);
  else
    int16_batch (a, t, vectors, FALSE, k);
}

static void
int16_winograd_strip (const RfdnConvStrip *a)
{
  guint t = 0;

  for (; t + (INT16_VECTORS - 1) * VECTOR_FLOATS < a->n; t += INT16_LANES)
    int16_batch_at (a, t, INT16_VECTORS);
  if (t < a->n)
    int16_batch_at (a, t, 1);
}
