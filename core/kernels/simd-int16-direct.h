/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Convolutions in 16-bit integers that sum up products directly: a block of output channels times
 * two vectors of pixels in registers, as in simd-conv.h. */

/* Registers hold pairs of accumulators, two vectors of the input and the temporaries of a
 * product. */
#if VECTOR_REGISTERS == 32
#define INT16_DIRECT_BLOCK 12
#else
#define INT16_DIRECT_BLOCK 6
#endif
#define INT16_DIRECT_VECTORS 2

/* ---- packing: biases, shifts, then words of two weights [block][in pairs][taps][channels] ---- */

static gsize
int16_direct_packed_size (const RfdnConvShape *shape)
{
  const gsize words = (gsize) int16_pairs (shape->in_channels) * shape->width * shape->height;
  return (gsize) int16_pairs (shape->out_channels) * (4 + 2 * words);
}

INLINE guint
int16_direct_block (guint out_pairs, guint k)
{
  return 2 * block_size (out_pairs, INT16_DIRECT_BLOCK / 2, k);
}

static void
int16_direct_pack (float *packed, const RfdnInt16Filter *filter)
{
  const guint out = filter->out_channels, in = filter->in_channels, taps = filter->positions;
  guint32 *to = int16_pack_results (packed, filter);

  for (guint o = 0, k = 0; o < out; k++) {
    const guint block = int16_direct_block (out / 2, k);
    for (guint i = 0; i < in; i += 2) {
      for (guint tap = 0; tap < taps; tap++) {
        for (guint b = 0; b < block; b++) {
          const gint16 *w = filter->weights + ((gsize) (o + b) * in + i) * taps + tap;
          *to++ = rfdn_int16_pair (w[0], w[taps]);
        }
      }
    }
    o += block;
  }
}

/* ---- one run of one row ---------------------------------------------------------------------- */

typedef enum { INT16_1X1, INT16_3X3, INT16_STRIDE2 } Int16Direct;

/* Where the taps of a run lie in channel 0, and where its results go. */
typedef struct {
  const float *taps[9];
  float *dst;
  const float *add;
  const float *next; /* where the next run's channel 0 lies, for 1x1 */
  const RfdnConvStrip *strip;
  const Int16Strip *results;
} Int16Run;

INLINE Vec16
int16_direct_load (const float *from, Int16Direct kind)
{
  if (kind == INT16_STRIDE2)
    return (Vec16) __builtin_shufflevector (load32 (from), load32 (from + VECTOR_FLOATS),
                                            EVEN_LANES);
  return load16 (from);
}

/* Adds up the products of a block; `weights` are the block's. */
INLINE void
int16_direct_sums (Vec32 acc[][INT16_DIRECT_VECTORS], const Int16Run *run, const float *weights,
                   guint o, guint t, const Int16Direct kind, const guint block, const guint vectors)
{
  const RfdnConvStrip *a = run->strip;
  const guint taps = kind == INT16_1X1 ? 1 : 9;
  const gsize step = kind == INT16_STRIDE2 ? 2 : 1;

  for (guint i = 0; i < int16_pairs (a->shape.in_channels); i++) {
    const gsize at = i * RFDN_PHASES * a->src_run + t * step;
    /* That many channels are more streams than the processor prefetches by itself. */
    if (kind == INT16_1X1 && o == 0) {
#pragma GCC unroll 2
      for (guint v = 0; v < vectors; v++)
        __builtin_prefetch (run->next + at + v * VECTOR_FLOATS);
    }
#pragma GCC unroll 9
    for (guint k = 0; k < taps; k++) {
      Vec16 in[INT16_DIRECT_VECTORS];
#pragma GCC unroll 2
      for (guint v = 0; v < vectors; v++) {
        in[v] = int16_direct_load (run->taps[k] + at + v * VECTOR_FLOATS * step, kind);
        /* Keeps gcc from reloading the vector for every channel. */
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
  }
}

INLINE void
int16_direct_finish (const Int16Run *run, const Vec32 *acc, guint o, guint t, guint block,
                     guint vectors, const Int16Finish finish)
{
  const RfdnConvStrip *a = run->strip;

  for (guint b = 0; b < block; b += 2, acc += 2 * INT16_DIRECT_VECTORS) {
    const Int16Epilogue epilogue = int16_epilogue_new (run->results, o + b);
    const gsize channel = (o + b) / 2 * RFDN_PHASES;
    for (guint v = 0; v < vectors; v++) {
      const gsize x = t + v * VECTOR_FLOATS;
      store16 (run->dst + channel * a->dst_run + x,
               int16_finish (&epilogue, acc[v], acc[INT16_DIRECT_VECTORS + v],
                             finish >= INT16_ADD ? run->add + channel * a->add_run + x : NULL,
                             FALSE, splat32 (0), finish));
    }
  }
}

/* Numbers of a block's sums. Not inlined into every block, of which there are many. */
static __attribute__ ((noinline)) void
int16_direct_results (const Int16Run *run, const Vec32 *acc, guint o, guint t, guint block,
                      guint vectors){
    INT16_WITH_FINISH (run->results->finish, int16_direct_finish, run, acc, o, t, block, vectors)}

INLINE void int16_direct_tile (const Int16Run *run, const float *weights, guint o, guint t,
                               const Int16Direct kind, const guint block, const guint vectors)
{
  const RfdnConvStrip *a = run->strip;
  Vec32 acc[INT16_DIRECT_BLOCK][INT16_DIRECT_VECTORS];

#pragma GCC unroll 12
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++)
      acc[b][v] = splat32 (int16_word (a->weights, o + b));
  }
  int16_direct_sums (acc, run, weights, o, t, kind, block, vectors);
  /* A copy: behind a pointer it would not be kept in registers. */
  Vec32 sums[INT16_DIRECT_BLOCK][INT16_DIRECT_VECTORS];
#pragma GCC unroll 12
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 2
    for (guint v = 0; v < vectors; v++)
      sums[b][v] = acc[b][v];
  }
  int16_direct_results (run, sums[0], o, t, block, vectors);
}

INLINE void
int16_direct_columns (const Int16Run *run, const float *weights, guint o, const Int16Direct kind,
                      const guint block)
{
  const guint n = run->strip->n;
  guint t = 0;

  for (; t + VECTOR_FLOATS < n; t += INT16_DIRECT_VECTORS * VECTOR_FLOATS)
    int16_direct_tile (run, weights, o, t, kind, block, INT16_DIRECT_VECTORS);
  if (t < n)
    int16_direct_tile (run, weights, o, t, kind, block, 1);
}

#define INT16_DIRECT_CASE(size)                                                                    \
  case size:                                                                                       \
    int16_direct_columns (run, weights, o, kind, size);                                            \
    break;

INLINE void
int16_direct_run (const Int16Run *run, const Int16Direct kind)
{
  const RfdnConvShape *shape = &run->strip->shape;
  const guint in = int16_pairs (shape->in_channels), out = int16_pairs (shape->out_channels);
  const float *weights = run->strip->weights + 4 * out;

  for (guint o = 0, k = 0; o < 2 * out; k++) {
    const guint block = int16_direct_block (out, k);
    switch (block) {
      INT16_DIRECT_CASE (2)
      INT16_DIRECT_CASE (4)
      INT16_DIRECT_CASE (6)
#if INT16_DIRECT_BLOCK == 12
      INT16_DIRECT_CASE (8)
      INT16_DIRECT_CASE (10)
      INT16_DIRECT_CASE (12)
#endif
    }
    weights += (gsize) block * in * (kind == INT16_1X1 ? 1 : 9);
    o += block;
  }
}

/* ---- strips ---------------------------------------------------------------------------------- */

INLINE void
int16_direct_strip (const RfdnConvStrip *a, const Int16Direct kind)
{
  const guint side = kind == INT16_1X1 ? 1 : 3, step = kind == INT16_STRIDE2 ? 2 : 1;
  const gssize left = kind == INT16_3X3 ? 1 : 0;
  const Int16Strip results = int16_strip_new (a);
  Int16Run run = {.strip = a, .results = &results};

  for (guint y = 0; y < a->rows; y++) {
    for (guint phase = 0; phase < RFDN_PHASES; phase++) {
      for (guint k = 0; k < side * side; k++)
        run.taps[k] = a->src[y * step + k / side] +
                      pixel_at ((gssize) (phase * step + k % side) - left, a->src_run);
      run.next =
          phase + 1 < RFDN_PHASES ? run.taps[0] + a->src_run : a->src[MIN (y + 1, a->rows - 1)];
      run.dst = a->dst[y] + phase * a->dst_run;
      run.add = a->add[y] ? a->add[y] + phase * a->add_run : NULL;
      int16_direct_run (&run, kind);
    }
  }
}

static void
int16_conv1x1_strip (const RfdnConvStrip *a)
{
  int16_direct_strip (a, INT16_1X1);
}

static void
int16_stride2_strip (const RfdnConvStrip *a)
{
  int16_direct_strip (a, INT16_STRIDE2);
}

/* ---- 3x3, not wide: of one channel, as the first layer's, or of several ---------------------- */

static gsize
int16_conv_packed_size (const RfdnConvShape *shape)
{
  return shape->in_channels == 1 ? int16_first_packed_size (shape)
                                 : int16_direct_packed_size (shape);
}

static void
int16_conv_pack (float *packed, const RfdnInt16Filter *filter)
{
  if (filter->shape.in_channels == 1)
    int16_first_pack (packed, filter);
  else
    int16_direct_pack (packed, filter);
}

static void
int16_conv3x3_strip (const RfdnConvStrip *a)
{
  if (a->shape.in_channels == 1)
    int16_first_strip (a);
  else
    int16_direct_strip (a, INT16_3X3);
}
