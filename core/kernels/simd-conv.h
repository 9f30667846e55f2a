/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Direct convolutions: a block of output channels times two vectors of pixels is summed up in
 * registers. */

/* Registers hold accumulators, the input's vectors and one spare. */
#if VECTOR_REGISTERS == 32
#define CONV_BLOCK 12
#else
#define CONV_BLOCK 6
#endif
#define CONV_VECTORS 2

typedef enum { CONV_3X3, CONV_1X1, CONV_3X3_STRIDE2, CONV_ANY } Conv;

/* ---- packing: for each block its biases, then weights[in][taps][channels of the block] ------- */

static gsize
conv_no_scratch (const RfdnConvShape *shape)
{
  return 0;
}

static gsize
conv_packed_size (const RfdnConvShape *shape)
{
  return (gsize) shape->out_channels * (shape->in_channels * shape->width * shape->height + 1);
}

static void
conv_pack (float *packed, const float *weights, const float *bias, const RfdnConvShape *shape)
{
  const gsize row = (gsize) shape->in_channels * shape->width * shape->height;

  for (guint o = 0, k = 0; o < shape->out_channels; k++) {
    const guint block = block_size (shape->out_channels, CONV_BLOCK, k);
    for (guint b = 0; b < block; b++)
      *packed++ = bias ? bias[o + b] : 0;
    for (gsize i = 0; i < row; i++) {
      for (guint b = 0; b < block; b++)
        *packed++ = weights[(o + b) * row + i];
    }
    o += block;
  }
}

/* ---- one run of one row ---------------------------------------------------------------------- */

/* Where the taps of a run lie in channel 0, and where its results go. */
typedef struct {
  const float *taps[RFDN_MAX_KERNEL * RFDN_MAX_KERNEL];
  guint n_taps;
  gsize src_channel, dst_channel, add_channel; /* floats from a channel to the next */
  float *dst;
  const float *add;
  const float *next; /* where the next run's channel 0 lies, for 1x1 */
  const RfdnConvStrip *strip;
} Run;

/* Of the negative values of channel o. */
INLINE float
conv_slope (const RfdnConvStrip *a, guint o)
{
  return a->slopes ? a->slopes[o] : a->slope;
}

INLINE Vec
conv_epilogue (Vec v, const float *add, gboolean add_last, float slope)
{
  if (add && !add_last)
    v += load (add);
  if (slope != 1)
    v = choose (v < 0, v * slope, v);
  if (add && add_last)
    v += load (add);
  return v;
}

/* The source columns under one tap of VECTOR_FLOATS output columns. */
INLINE Vec
conv_load (const float *from, Conv conv)
{
  if (conv == CONV_3X3_STRIDE2)
    return __builtin_shufflevector (load (from), load (from + VECTOR_FLOATS), EVEN_LANES);
  return load (from);
}

/* `block` channels from o on and `vectors` vectors of columns from t on. `conv`, `block` and
 * `vectors` are constants where this is inlined, so that `acc` lives in registers. */
INLINE void
conv_tile (const Run *run, const float *weights, guint in_channels, guint o, guint t,
           const Conv conv, const guint block, const guint vectors)
{
  const guint taps = conv == CONV_1X1 ? 1 : conv == CONV_ANY ? run->n_taps : 9;
  const gsize step = conv == CONV_3X3_STRIDE2 ? 2 : 1;
  Vec acc[CONV_BLOCK][CONV_VECTORS];

#pragma GCC unroll 12
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 8
    for (guint v = 0; v < vectors; v++)
      acc[b][v] = splat (weights[b]);
  }
  weights += block;

  /* The addend was written long ago. */
  if (conv == CONV_1X1 && run->add) {
#pragma GCC unroll 28
    for (guint b = 0; b < block; b++) {
#pragma GCC unroll 8
      for (guint v = 0; v < vectors; v++)
        __builtin_prefetch (run->add + (o + b) * run->add_channel + t + v * VECTOR_FLOATS);
    }
  }

  for (guint i = 0; i < in_channels; i++) {
    const gsize at = i * run->src_channel + t * step;
    /* That many channels are more streams than the processor prefetches by itself. */
    if (conv == CONV_1X1 && o == 0) {
#pragma GCC unroll 8
      for (guint v = 0; v < vectors; v++)
        __builtin_prefetch (run->next + at + v * VECTOR_FLOATS);
    }
#pragma GCC unroll 9
    for (guint k = 0; k < taps; k++) {
      Vec in[CONV_VECTORS];
#pragma GCC unroll 8
      for (guint v = 0; v < vectors; v++) {
        in[v] = conv_load (run->taps[k] + at + v * VECTOR_FLOATS * step, conv);
        /* Keeps gcc from reloading the vector for every channel. */
        __asm__("" : "+" VECTOR_REGISTER (in[v]));
      }
#pragma GCC unroll 12
      for (guint b = 0; b < block; b++) {
#pragma GCC unroll 8
        for (guint v = 0; v < vectors; v++)
          acc[b][v] += in[v] * weights[b];
      }
      weights += block;
    }
  }

#pragma GCC unroll 12
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 8
    for (guint v = 0; v < vectors; v++) {
      const gsize x = t + v * VECTOR_FLOATS;
      const float *add = run->add ? run->add + (o + b) * run->add_channel + x : NULL;
      store (run->dst + (o + b) * run->dst_channel + x,
             conv_epilogue (acc[b][v], add, run->strip->add_last, conv_slope (run->strip, o + b)));
    }
  }
}

INLINE void
conv_block (const Run *run, const float *weights, guint in_channels, guint o, guint n,
            const Conv conv, const guint block)
{
  guint t = 0;

  for (; t + VECTOR_FLOATS < n; t += CONV_VECTORS * VECTOR_FLOATS)
    conv_tile (run, weights, in_channels, o, t, conv, block, CONV_VECTORS);
  if (t < n)
    conv_tile (run, weights, in_channels, o, t, conv, block, 1);
}

#define CONV_CASE(size)                                                                            \
  case size:                                                                                       \
    conv_block (run, weights, a->shape.in_channels, o, a->n, conv, size);                          \
    break;

INLINE void
conv_run (const Run *run, const RfdnConvStrip *a, const Conv conv)
{
  const float *weights = a->weights;

  for (guint o = 0, k = 0; o < a->shape.out_channels; k++) {
    const guint block = block_size (a->shape.out_channels, CONV_BLOCK, k);
    switch (block) {
      CONV_CASE (1)
      CONV_CASE (2)
      CONV_CASE (3)
      CONV_CASE (4)
      CONV_CASE (5)
      CONV_CASE (6)
#if CONV_BLOCK == 12
      CONV_CASE (7)
      CONV_CASE (8)
      CONV_CASE (9)
      CONV_CASE (10)
      CONV_CASE (11)
      CONV_CASE (12)
#endif
    }
    weights += block * (1 + (gsize) a->shape.in_channels * run->n_taps);
    o += block;
  }
}

/* ---- strips ---------------------------------------------------------------------------------- */

INLINE void
conv_strip (const RfdnConvStrip *a, const Conv conv)
{
  const guint width = conv == CONV_1X1 ? 1 : conv == CONV_ANY ? a->shape.width : 3;
  const guint height = conv == CONV_1X1 ? 1 : conv == CONV_ANY ? a->shape.height : 3;
  const guint step = conv == CONV_3X3_STRIDE2 ? 2 : 1;
  const gssize left = conv == CONV_3X3_STRIDE2 ? 0 : -(gssize) (width / 2);
  Run run = {
      .n_taps = width * height,
      .src_channel = RFDN_PHASES * a->src_run,
      .dst_channel = RFDN_PHASES * a->dst_run,
      .add_channel = RFDN_PHASES * a->add_run,
      .strip = a,
  };

  for (guint y = 0; y < a->rows; y++) {
    for (guint phase = 0; phase < RFDN_PHASES; phase++) {
      for (guint k = 0; k < width * height; k++)
        run.taps[k] = a->src[y * step + k / width] +
                      pixel_at ((gssize) (phase * step + k % width) + left, a->src_run);
      run.next =
          phase + 1 < RFDN_PHASES ? run.taps[0] + a->src_run : a->src[MIN (y + 1, a->rows - 1)];
      run.dst = a->dst[y] + phase * a->dst_run;
      run.add = a->add[y] ? a->add[y] + phase * a->add_run : NULL;
      conv_run (&run, a, conv);
    }
  }
}

static void
conv3x3_strip (const RfdnConvStrip *a)
{
  conv_strip (a, CONV_3X3);
}

static void
conv1x1_strip (const RfdnConvStrip *a)
{
  conv_strip (a, CONV_1X1);
}

static void
conv3x3_stride2_strip (const RfdnConvStrip *a)
{
  conv_strip (a, CONV_3X3_STRIDE2);
}

static void
conv_any_strip (const RfdnConvStrip *a)
{
  conv_strip (a, CONV_ANY);
}
