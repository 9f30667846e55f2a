/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* 3x3 convolutions by Winograd's algorithm in 16-bit integers: int16.h has the arithmetic,
 * simd-winograd.h the order of the work. */

/* Blocks of output channels whose sums stay in registers: two vectors each, next to two of the
 * input and the temporaries of a product. */
#if VECTOR_REGISTERS == 32
#define INT16_BLOCK 12
#else
#define INT16_BLOCK 5
#endif

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

/* ---- products -------------------------------------------------------------------------------- */

/* products[channels of a block][vectors] = weights[in pairs][block] times a position of the input,
 * plus biases[channels of a block][vectors], if any. */
INLINE void
int16_tile (float *products, const float *weights, const float *biases, const float *input,
            guint in_pairs, const guint block, const guint vectors)
{
  Vec32 acc[INT16_BLOCK][INT16_VECTORS];

#pragma GCC unroll 12
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++)
      acc[b][v] = biases ? load32 (biases + b * INT16_LANES + v * VECTOR_FLOATS) : splat32 (0);
  }
  for (guint i = 0; i < in_pairs; i++) {
    Vec16 in[INT16_VECTORS];
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++) {
      in[v] = load16 (input + i * INT16_PAIR_PITCH + v * VECTOR_FLOATS);
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
      store32 (products + b * INT16_LANES + v * VECTOR_FLOATS, acc[b][v]);
  }
}

#define INT16_CASE(size)                                                                           \
  case size:                                                                                       \
    int16_tile (products, weights, biases, input, in_pairs, size, vectors);                        \
    break;

INLINE void
int16_multiply (float *products, const float *weights, const float *biases, const float *input,
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
int16_multiply_positions (float *products, const float *weights, const float *biases,
                          const float *input, guint in_pairs, guint group, guint row,
                          const guint vectors)
{
  for (guint j = 0; j < 6; j++) {
    /* Column (1, 1) of A' ... A is all ones: what is added there is added to every pixel. */
    const float *added = row == 1 && j == 1 ? biases : NULL;
    for (guint b = 0, k = 0; b < group; k++) {
      const guint block = block_size (group, INT16_BLOCK, k);
      int16_multiply (products + (j * INT16_GROUP + b) * INT16_LANES, weights,
                      added ? added + b * INT16_LANES : NULL, input + (6 * row + j) * INT16_LANES,
                      in_pairs, block, vectors);
      weights += (gsize) block * in_pairs;
      b += block;
    }
  }
  return weights;
}

/* Not inlined, into every kind of batch. */
static __attribute__ ((noinline)) const float *
int16_multiply_row (float *products, const float *weights, const float *biases, const float *input,
                    guint in_pairs, guint group, guint row, guint vectors)
{
  if (vectors == 1)
    return int16_multiply_positions (products, weights, biases, input, in_pairs, group, row, 1);
  return int16_multiply_positions (products, weights, biases, input, in_pairs, group, row,
                                   INT16_VECTORS);
}

/* Biases of a group's channels, from o on: of scaled tiles a 2^k-th. */
INLINE void
int16_find_biases (float *to, const RfdnConvStrip *a, guint o, guint group, const guint vectors,
                   const gboolean scaled, const Vec32 *k)
{
  for (guint b = 0; b < group; b++) {
    const Vec32 bias = splat32 (int16_word (a->weights, o + b));
    for (guint v = 0; v < vectors; v++)
      store32 (to + b * INT16_LANES + v * VECTOR_FLOATS,
               scaled ? int16_scale_down (bias, k[v]) : bias);
  }
}

INLINE void
int16_output_pair (const Int16Strip *s, const float *half, guint o, guint t, const Int16Kind kind,
                   const Vec32 *k)
{
  if (kind == INT16_QUIET)
    int16_quiet_output (s, half, o, t);
  else if (kind == INT16_SCALED)
    int16_scaled_output (s, half, o, t, k);
  else
    int16_rest_output (s, half, o, t, k);
}

INLINE void
int16_batch (const Int16Strip *s, guint t, const guint vectors, const Int16Kind kind,
             const Vec32 *k)
{
  const RfdnConvStrip *a = s->strip;
  const guint in = int16_pairs (a->shape.in_channels), out = int16_pairs (a->shape.out_channels);
  float *biases = a->scratch, *products = biases + INT16_BIASES;
  float *half = products + INT16_PRODUCTS, *input = half + 2 * INT16_HALF;
  float *rest = input + int16_input_size (&a->shape);
  const float *weights = a->weights + 4 * out;

  int16_transform_input (input, rest, a, t, vectors, kind, k);
  for (guint o = 0, g = 0; o < 2 * out; g++) {
    const guint group = 2 * block_size (out, INT16_GROUP / 2, g);
    int16_find_biases (biases, a, o, group, vectors, kind != INT16_QUIET, k);
    for (guint r = 0; r < 6; r++) {
      float *row = half + r * RFDN_PHASES * INT16_LANES;
      if (kind == INT16_WITH_REST) {
        int16_multiply_row (products, weights, NULL, rest, in, group, r, vectors);
        int16_output_row (row + INT16_HALF, products, group, vectors);
      }
      weights = int16_multiply_row (products, weights, biases, input, in, group, r, vectors);
      int16_output_row (row, products, group, vectors);
    }
    for (guint b = 0; b < group; b += 2) {
      for (guint v = 0; v < vectors; v++)
        int16_output_pair (s, half + 24 * b * INT16_LANES + v * VECTOR_FLOATS, o + b,
                           t + v * VECTOR_FLOATS, kind, kind != INT16_QUIET ? k + v : NULL);
    }
    o += group;
  }
}

/* Kept out of the usual case, which it would slow down. Returns whether any tile is scaled. */
static __attribute__ ((noinline)) gboolean
int16_loud_batch (const Int16Strip *s, guint t, guint vectors)
{
  Vec32 k[INT16_VECTORS];
  const Int16Kind kind = int16_find_exponents (k, s->strip, t, vectors);

  if (kind == INT16_WITH_REST)
    int16_batch (s, t, vectors, INT16_WITH_REST, k);
  else if (kind == INT16_SCALED)
    int16_batch (s, t, vectors, INT16_SCALED, k);
  else
    int16_batch (s, t, vectors, INT16_QUIET, k);
  return kind != INT16_QUIET;
}

/* Returns whether any tile is scaled; `guess`: whether one was in the batch before. */
INLINE gboolean
int16_batch_at (const Int16Strip *s, guint t, const guint vectors, gboolean guess)
{
  if (guess || !int16_is_quiet (s->strip, t, vectors))
    return int16_loud_batch (s, t, vectors);
  int16_batch (s, t, vectors, INT16_QUIET, NULL);
  return FALSE;
}

static void
int16_winograd_strip (const RfdnConvStrip *a)
{
  const Int16Strip s = int16_strip_new (a);
  gboolean is_scaled = FALSE;
  guint t = 0;

  for (; t + (INT16_VECTORS - 1) * VECTOR_FLOATS < a->n; t += INT16_LANES)
    is_scaled = int16_batch_at (&s, t, INT16_VECTORS, is_scaled);
  if (t < a->n)
    int16_batch_at (&s, t, 1, is_scaled);
}
