/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* 3x3 convolutions by Winograd's F(4x4, 3x3) (Lavin and Gray, "Fast algorithms for convolutional
 * neural networks", CVPR 2016, section 4.3): Y = A' [(G g G') * (B' d B)] A, 36 products for 16
 * pixels instead of 144.
 *
 * A batch is a row of 4x4 tiles, as many as one or two vectors have lanes. All of its input is
 * transformed. Then, for a block of output channels, the products over all input channels are a
 * small matrix product for each of the 36 positions; after each row of six positions they are
 * turned into four columns, so that the block's results stay in the first cache. */

#include "fine.h"

#define WINOGRAD_POSITIONS 36

/* With vectors of 16, a single one keeps a pair of rows and the products of 50 channels in 150 KiB:
 * a tenth faster than two, measured on AVX-512. */
#if VECTOR_FLOATS == 16
#define WINOGRAD_VECTORS 1
#else
#define WINOGRAD_VECTORS 2
#endif

/* Blocks of output channels: registers hold accumulators, the input's vectors, a weight and two
 * spares. (With one spare, gcc spills an accumulator.) */
#define WINOGRAD_BLOCK ((VECTOR_REGISTERS - 3 - WINOGRAD_VECTORS) / WINOGRAD_VECTORS)

#define WINOGRAD_LANES (WINOGRAD_VECTORS * VECTOR_FLOATS)

/* Channels from a position of the transformed input to the next: an odd number, since positions a
 * power of two apart would share a few lines of the cache. */
INLINE gsize
winograd_pitch (guint in_channels)
{
  return in_channels | 1;
}

/* ---- packing: biases, then [block][36 positions][in][channels of the block] ------------------ */

static gsize
winograd_packed_size (const RfdnConvShape *shape)
{
  return (gsize) shape->out_channels * (WINOGRAD_POSITIONS * shape->in_channels + 1);
}

/* All of the transformed input; of a block, a row of products and what it has been turned into. */
static gsize
winograd_scratch_size (const RfdnConvShape *shape)
{
  return WINOGRAD_LANES *
         (WINOGRAD_POSITIONS * winograd_pitch (shape->in_channels) + (6 + 24) * WINOGRAD_BLOCK);
}

/* G g G' of one filter. */
static void
winograd_filter (float u[WINOGRAD_POSITIONS], const float *g)
{
  static const double G[6][3] = {
      {1.0 / 4, 0, 0},
      {-1.0 / 6, -1.0 / 6, -1.0 / 6},
      {-1.0 / 6, 1.0 / 6, -1.0 / 6},
      {1.0 / 24, 1.0 / 12, 1.0 / 6},
      {1.0 / 24, -1.0 / 12, 1.0 / 6},
      {0, 0, 1},
  };

  for (guint r = 0; r < 6; r++) {
    double half[3];
    for (guint x = 0; x < 3; x++)
      half[x] = G[r][0] * (double) g[x] + G[r][1] * (double) g[3 + x] + G[r][2] * (double) g[6 + x];
    for (guint j = 0; j < 6; j++)
      u[6 * r + j] = (float) (half[0] * G[j][0] + half[1] * G[j][1] + half[2] * G[j][2]);
  }
}

/* Packs the filters and biases of a finer grid. */
static void
winograd_pack_fine (float *packed, const RfdnFine *fine, const float *weights, const float *bias,
                    const RfdnConvShape *shape)
{
  const guint cells = fine->n * fine->n;
  const guint in_channels = shape->in_channels / cells, out_channels = shape->out_channels / cells;

  for (guint o = 0; o < out_channels; o++)
    *packed++ = bias ? bias[rfdn_fine_channel (fine->out, fine->n, out_channels, o, 0, 0)] : 0;
  for (guint o = 0, k = 0; o < out_channels; k++) {
    const guint block = block_size (out_channels, WINOGRAD_BLOCK, k);
    for (guint b = 0; b < block; b++) {
      for (guint i = 0; i < in_channels; i++) {
        float filter[9], u[WINOGRAD_POSITIONS];
        rfdn_fine_get_filter (filter, fine, weights, shape, o + b, i);
        winograd_filter (u, filter);
        for (guint position = 0; position < WINOGRAD_POSITIONS; position++)
          packed[((gsize) position * in_channels + i) * block + b] = u[position];
      }
    }
    packed += (gsize) WINOGRAD_POSITIONS * in_channels * block;
    o += block;
  }
}

static void
winograd_pack (float *packed, const float *weights, const float *bias, const RfdnConvShape *shape)
{
  const RfdnFine pixels = {1, RFDN_FINE_CELLS, RFDN_FINE_CELLS}; /* the picture's own grid */

  winograd_pack_fine (packed, &pixels, weights, bias, shape);
}

/* ---- transforms ------------------------------------------------------------------------------ */

/* A row of B' d B from a row c[6] of B' d, to positions that lie `step` floats apart. */
INLINE void
winograd_input_row (float *to, gsize step, const Vec c[6])
{
  Vec even = c[4] - 4 * c[2], odd = c[3] - 4 * c[1];
  store (to + 1 * step, even + odd);
  store (to + 2 * step, even - odd);
  even = c[4] - c[2];
  odd = 2 * (c[3] - c[1]);
  store (to + 3 * step, even + odd);
  store (to + 4 * step, even - odd);
  store (to, 4 * c[0] - 5 * c[2] + c[4]);
  store (to + 5 * step, 4 * c[1] - 5 * c[3] + c[5]);
}

/* Column j of B' d, from column j of d. */
INLINE void
winograd_input_column (Vec half[6][6], const guint j, const Vec d[6])
{
  Vec even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
  half[1][j] = even + odd;
  half[2][j] = even - odd;
  even = d[4] - d[2];
  odd = d[3] - d[1];
  half[3][j] = even + 2 * odd;
  half[4][j] = even - 2 * odd;
  half[0][j] = 4 * d[0] - 5 * d[2] + d[4];
  half[5][j] = 4 * d[1] - 5 * d[3] + d[5];
}

/* B' d B for one vector of tiles of one channel, to 36 positions. rows[] point at the first of its
 * columns. */
INLINE void
winograd_input (float *to, gsize step, const float *const rows[6], gsize run)
{
  Vec half[6][6];

#pragma GCC unroll 6
  for (guint j = 0; j < 6; j++) {
    /* Column j of a tile is pixel j - 1 of it: the phases, the last of the tile before, the first
     * of the tile behind. */
    const gssize at = j == 0 ? 3 * (gssize) run - 1 : j == 5 ? 1 : (gssize) ((j - 1) * run);
    Vec d[6];
#pragma GCC unroll 6
    for (guint r = 0; r < 6; r++)
      d[r] = load (rows[r] + at);
    winograd_input_column (half, j, d);
  }
#pragma GCC unroll 6
  for (guint i = 0; i < 6; i++)
    winograd_input_row (to + 6 * i * step, step, half[i]);
}

/* Prefetches what the transform reads after channel i of a batch at column t: that many runs are
 * more streams than the processor prefetches by itself. */
INLINE void
winograd_prefetch (const RfdnConvStrip *a, guint i, guint t, gsize lanes)
{
  const gsize at =
      i + 1 < a->shape.in_channels ? (i + 1) * RFDN_PHASES * a->src_run + t : t + lanes;

#pragma GCC unroll 6
  for (guint r = 0; r < 6; r++) {
#pragma GCC unroll 4
    for (guint p = 0; p < RFDN_PHASES; p++)
      __builtin_prefetch (a->src[r] + at + p * a->src_run);
  }
}

/* The input of a batch at column t: to[36][in][vectors]. */
INLINE void
winograd_transform_input (float *to, const RfdnConvStrip *a, guint t, const guint vectors)
{
  const gsize lanes = vectors * VECTOR_FLOATS;

  for (guint i = 0; i < a->shape.in_channels; i++) {
    winograd_prefetch (a, i, t, lanes);
    for (guint v = 0; v < vectors; v++) {
      const float *rows[6];
      for (guint r = 0; r < 6; r++)
        rows[r] = a->src[r] + i * RFDN_PHASES * a->src_run + t + v * VECTOR_FLOATS;
      winograd_input (to + i * lanes + v * VECTOR_FLOATS,
                      winograd_pitch (a->shape.in_channels) * lanes, rows, a->src_run);
    }
  }
}

/* A' times six numbers. */
INLINE void
winograd_output_column (Vec y[4], const Vec m[6])
{
  const Vec sum12 = m[1] + m[2], difference12 = m[1] - m[2];
  const Vec sum34 = m[3] + m[4], difference34 = m[3] - m[4];
  y[0] = m[0] + sum12 + sum34;
  y[1] = difference12 + 2 * difference34;
  y[2] = sum12 + 4 * sum34;
  y[3] = difference12 + 8 * difference34 + m[5];
}

/* A row of products, [6][block][vectors], times A: to half[block][4 of 24][vectors]. */
INLINE void
winograd_output_row (float *half, const float *products, guint block, const guint vectors)
{
  const gsize lanes = vectors * VECTOR_FLOATS;

  for (guint b = 0; b < block; b++) {
    for (guint v = 0; v < vectors; v++) {
      Vec m[6], y[4];
#pragma GCC unroll 6
      for (guint j = 0; j < 6; j++)
        m[j] = load (products + (j * block + b) * lanes + v * VECTOR_FLOATS);
      winograd_output_column (y, m);
#pragma GCC unroll 4
      for (guint p = 0; p < RFDN_PHASES; p++)
        store (half + (b * 24 + p) * lanes + v * VECTOR_FLOATS, y[p]);
    }
  }
}

/* half[6][4] of one vector of tiles of channel o, `step` floats from number to number: A' times it
 * are the 4x4 pixels. */
INLINE void
winograd_output (const RfdnConvStrip *a, const float *half, gsize step, guint o, guint t)
{
  const float slope = conv_slope (a, o);

#pragma GCC unroll 4
  for (guint p = 0; p < RFDN_PHASES; p++) {
    const gsize x = o * RFDN_PHASES + p;
    Vec m[6], pixels[4];
#pragma GCC unroll 6
    for (guint r = 0; r < 6; r++)
      m[r] = load (half + (r * RFDN_PHASES + p) * step);
    winograd_output_column (pixels, m);
#pragma GCC unroll 4
    for (guint y = 0; y < RFDN_STRIP; y++) {
      if (y >= a->rows)
        break;
      const float *add = a->add[y] ? a->add[y] + x * a->add_run + t : NULL;
      store (a->dst[y] + x * a->dst_run + t, conv_epilogue (pixels[y], add, a->add_last, slope));
    }
  }
}

/* ---- products -------------------------------------------------------------------------------- */

/* products[channels of a block][vectors] = weights[in][block] times input[in][vectors]. */
INLINE void
winograd_tile (float *products, const float *weights, const float *bias, const float *input,
               guint in_channels, const guint block, const guint vectors)
{
  const gsize lanes = vectors * VECTOR_FLOATS;
  Vec acc[WINOGRAD_BLOCK][WINOGRAD_VECTORS];

#pragma GCC unroll 28
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++)
      acc[b][v] = bias ? splat (bias[b]) : splat (0);
  }
  for (guint i = 0; i < in_channels; i++) {
    Vec in[WINOGRAD_VECTORS];
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++) {
      in[v] = load (input + i * lanes + v * VECTOR_FLOATS);
      __asm__("" : "+" VECTOR_REGISTER (in[v]));
    }
#pragma GCC unroll 28
    for (guint b = 0; b < block; b++) {
#pragma GCC unroll 2
      for (guint v = 0; v < vectors; v++)
        acc[b][v] += in[v] * weights[b];
    }
    weights += block;
  }
#pragma GCC unroll 28
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++)
      store (products + b * lanes + v * VECTOR_FLOATS, acc[b][v]);
  }
}

#define WINOGRAD_CASE(size)                                                                        \
  case size:                                                                                       \
    winograd_tile (products, weights, bias, input, in_channels, size, vectors);                    \
    break;
#define WINOGRAD_CASES_7(first)                                                                    \
  WINOGRAD_CASE (first)                                                                            \
  WINOGRAD_CASE (first + 1)                                                                        \
  WINOGRAD_CASE (first + 2)                                                                        \
  WINOGRAD_CASE (first + 3)                                                                        \
  WINOGRAD_CASE (first + 4)                                                                        \
  WINOGRAD_CASE (first + 5)                                                                        \
  WINOGRAD_CASE (first + 6)

INLINE void
winograd_multiply (float *products, const float *weights, const float *bias, const float *input,
                   guint in_channels, guint block, const guint vectors)
{
  switch (block) {
    WINOGRAD_CASE (1)
    WINOGRAD_CASE (2)
    WINOGRAD_CASE (3)
    WINOGRAD_CASE (4)
    WINOGRAD_CASE (5)
#if WINOGRAD_BLOCK > 5
    WINOGRAD_CASE (6)
    WINOGRAD_CASES_7 (7)
#endif
#if WINOGRAD_BLOCK > 13
    WINOGRAD_CASES_7 (14)
    WINOGRAD_CASES_7 (21)
    WINOGRAD_CASE (28)
#endif
  }
}

/* The products of a block of channels, half transformed to pixels: half[block][6][4][vectors]. Not
 * inlined, since it is large and two kernels share it. */
static __attribute__ ((noinline)) void
winograd_block (float *half, float *products, const float *weights, const float *bias,
                const float *input, guint in_channels, guint block, guint vectors)
{
  const gsize lanes = vectors * VECTOR_FLOATS, step = winograd_pitch (in_channels) * lanes;

  for (guint r = 0; r < 6; r++) {
    for (guint j = 0; j < 6; j++) {
      /* Column (1, 1) of A' ... A is all ones: what is added there is added to every pixel. */
      const float *added = r == 1 && j == 1 ? bias : NULL;
      float *to = products + j * block * lanes;
      const float *from = input + (6 * r + j) * step;
      if (vectors == WINOGRAD_VECTORS)
        winograd_multiply (to, weights, added, from, in_channels, block, WINOGRAD_VECTORS);
      else
        winograd_multiply (to, weights, added, from, in_channels, block, 1);
      weights += (gsize) block * in_channels;
    }
    winograd_output_row (half + r * RFDN_PHASES * lanes, products, block, vectors);
  }
}

INLINE void
winograd_batch (const RfdnConvStrip *a, guint t, const guint vectors)
{
  const guint in_channels = a->shape.in_channels;
  const gsize lanes = vectors * VECTOR_FLOATS;
  float *input = a->scratch;
  float *products = input + WINOGRAD_POSITIONS * winograd_pitch (in_channels) * WINOGRAD_LANES;
  float *half = products + 6 * WINOGRAD_BLOCK * WINOGRAD_LANES;
  const float *weights = a->weights + a->shape.out_channels;

  winograd_transform_input (input, a, t, vectors);
  for (guint o = 0, k = 0; o < a->shape.out_channels; k++) {
    const guint block = block_size (a->shape.out_channels, WINOGRAD_BLOCK, k);
    winograd_block (half, products, weights, a->weights + o, input, in_channels, block, vectors);
    for (guint b = 0; b < block; b++) {
      for (guint v = 0; v < vectors; v++)
        winograd_output (a, half + 24 * b * lanes + v * VECTOR_FLOATS, lanes, o + b,
                         t + v * VECTOR_FLOATS);
    }
    weights += (gsize) WINOGRAD_POSITIONS * block * in_channels;
    o += block;
  }
}

static void
winograd_strip (const RfdnConvStrip *a)
{
  guint t = 0;

  for (; t + (WINOGRAD_VECTORS - 1) * VECTOR_FLOATS < a->n; t += WINOGRAD_LANES)
    winograd_batch (a, t, WINOGRAD_VECTORS);
  if (t < a->n)
    winograd_batch (a, t, 1);
}
