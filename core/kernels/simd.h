/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernels once for all vector widths, in GNU vector extensions. Each file under x86/ and arm/
 * defines the following, includes this file and is compiled with its instruction set:
 *
 * VECTOR_FLOATS     lanes of a vector: 4, 8 or 16
 * VECTOR_REGISTER   the letter that asm statements name a vector register by
 * KERNELS_NAME      the table to define
 * KERNELS_CPU       its RfdnCpu */

#include "kernels.h"

#include <string.h>

typedef float Vec __attribute__ ((vector_size (4 * VECTOR_FLOATS)));
typedef gint32 VecInt __attribute__ ((vector_size (4 * VECTOR_FLOATS)));
/* A vector anywhere in memory. */
typedef Vec VecAt __attribute__ ((aligned (4), may_alias));

#define INLINE static inline __attribute__ ((always_inline))

INLINE Vec
load (const float *from)
{
  return *(const VecAt *)from;
}

INLINE void
store (float *to, Vec v)
{
  *(VecAt *)to = v;
}

INLINE Vec
splat (float value)
{
  return value - (Vec){0};
}

/* mask ? a : b, lane by lane; mask is all ones or all zeros. */
INLINE Vec
choose (VecInt mask, Vec a, Vec b)
{
  return (Vec)(((VecInt)a & mask) | ((VecInt)b & ~mask));
}

/* ---- convolutions ---------------------------------------------------------------------------- */

/* Output channels and vectors of pixels that are accumulated in registers at once. */
#define CONV_BLOCK 6
#define CONV_VECTORS 2

typedef enum { CONV_3X3, CONV_1X1, CONV_3X3_STRIDE2 } Conv;

#if VECTOR_FLOATS == 4
#define EVEN_LANES 0, 2, 4, 6
#elif VECTOR_FLOATS == 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#else
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#endif

/* The source pixels under one tap of VECTOR_FLOATS output pixels. */
INLINE Vec
load_tap (const float *from, Conv conv)
{
  if (conv == CONV_3X3_STRIDE2)
    return __builtin_shufflevector (load (from), load (from + VECTOR_FLOATS), EVEN_LANES);
  return load (from);
}

INLINE void
conv_finish (const RfdnConvRow *a, guint o, guint x, Vec v)
{
  Vec add = {0};

  if (a->add) {
    add = load (a->add + o * a->add_pitch + x);
    if (!a->add_last)
      v += add;
  }
  if (a->slope != 1)
    v = choose (v < 0, v * a->slope, v);
  if (a->add && a->add_last)
    v += add;
  store (a->dst + o * a->dst_pitch + x, v);
}

/* `block` channels from o on and `vectors` vectors of pixels from x on. All arguments but those
 * that say where are constants where this is inlined, so that `acc` lives in registers. */
INLINE void
conv_tile (const RfdnConvRow *a, const float *weights, guint o, guint x, const Conv conv,
           const guint block, const guint vectors)
{
  const guint side = conv == CONV_1X1 ? 1 : 3;
  const gssize step = conv == CONV_3X3_STRIDE2 ? 2 : 1;
  const gssize left = conv == CONV_3X3 ? -1 : 0;
  Vec acc[CONV_BLOCK][CONV_VECTORS];

#pragma GCC unroll 8
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 8
    for (guint v = 0; v < vectors; v++)
      acc[b][v] = splat (weights[b]);
  }
  weights += block;

  for (guint i = 0; i < a->in_channels; i++) {
#pragma GCC unroll 3
    for (guint ky = 0; ky < side; ky++) {
      const float *src = a->src[ky] + i * a->src_pitch + (gssize)x * step + left;
#pragma GCC unroll 3
      for (guint kx = 0; kx < side; kx++) {
        Vec in[CONV_VECTORS];
#pragma GCC unroll 8
        for (guint v = 0; v < vectors; v++) {
          in[v] = load_tap (src + kx + v * VECTOR_FLOATS * step, conv);
          /* Keeps gcc from reading the vector from memory again for every channel. */
          __asm__("" : "+" VECTOR_REGISTER (in[v]));
        }
#pragma GCC unroll 8
        for (guint b = 0; b < block; b++) {
#pragma GCC unroll 8
          for (guint v = 0; v < vectors; v++)
            acc[b][v] += in[v] * weights[b];
        }
        weights += block;
      }
    }
  }

#pragma GCC unroll 8
  for (guint b = 0; b < block; b++) {
#pragma GCC unroll 8
    for (guint v = 0; v < vectors; v++)
      conv_finish (a, o + b, x + v * VECTOR_FLOATS, acc[b][v]);
  }
}

/* `block` channels of the whole row. */
INLINE void
conv_channels (const RfdnConvRow *a, const float *weights, guint o, const Conv conv,
               const guint block)
{
  guint x = 0;

  for (; x + VECTOR_FLOATS < a->n; x += CONV_VECTORS * VECTOR_FLOATS)
    conv_tile (a, weights, o, x, conv, block, CONV_VECTORS);
  if (x < a->n)
    conv_tile (a, weights, o, x, conv, block, 1);
}

INLINE void
conv_row (const RfdnConvRow *a, const Conv conv)
{
  const gsize taps = conv == CONV_1X1 ? 1 : 9;
  const float *weights = a->weights;
  guint o = 0;

  for (; o + CONV_BLOCK <= a->out_channels; o += CONV_BLOCK) {
    conv_channels (a, weights, o, conv, CONV_BLOCK);
    weights += CONV_BLOCK * (1 + a->in_channels * taps);
  }
  switch (a->out_channels - o) {
  case 5:
    conv_channels (a, weights, o, conv, 5);
    break;
  case 4:
    conv_channels (a, weights, o, conv, 4);
    break;
  case 3:
    conv_channels (a, weights, o, conv, 3);
    break;
  case 2:
    conv_channels (a, weights, o, conv, 2);
    break;
  case 1:
    conv_channels (a, weights, o, conv, 1);
    break;
  }
}

static void
conv3x3_row (const RfdnConvRow *a)
{
  conv_row (a, CONV_3X3);
}

static void
conv1x1_row (const RfdnConvRow *a)
{
  conv_row (a, CONV_1X1);
}

static void
conv3x3_stride2_row (const RfdnConvRow *a)
{
  conv_row (a, CONV_3X3_STRIDE2);
}

/* ---- attention ------------------------------------------------------------------------------- */

static void
max_pool_row (float *dst, gsize dst_pitch, const float *const src[7], gsize src_pitch,
              guint channels, guint n)
{
  for (guint c = 0; c < channels; c++) {
    for (guint x = 0; x < n; x++) {
      const gsize at = c * src_pitch + 3 * (gsize)x;
      float v[7];
      for (guint k = 0; k < 7; k++)
        v[k] = src[0][at + k];
      for (guint row = 1; row < 7; row++) {
        for (guint k = 0; k < 7; k++)
          v[k] = v[k] < src[row][at + k] ? src[row][at + k] : v[k];
      }
      for (guint k = 1; k < 7; k++)
        v[0] = v[0] < v[k] ? v[k] : v[0];
      dst[c * dst_pitch + x] = v[0];
    }
  }
}

static void
upsample_row (float *dst, gsize dst_pitch, const float *row0, const float *row1, gsize src_pitch,
              float w1, const gint32 *left, const gint32 *right, const float *weight,
              guint channels, guint n)
{
  const float w0 = 1 - w1;

  for (guint c = 0; c < channels; c++) {
    const float *r0 = row0 + c * src_pitch, *r1 = row1 + c * src_pitch;
    float *d = dst + c * dst_pitch;
    for (guint x = 0; x < n; x++) {
      float a = r0[left[x]] * w0 + r1[left[x]] * w1;
      float b = r0[right[x]] * w0 + r1[right[x]] * w1;
      d[x] += a * (1 - weight[x]) + b * weight[x];
    }
  }
}

/* exp (v) to about two units in the last place: 2^whole times a polynomial (the Taylor series up
 * to the sixth power) in the rest, |rest| <= log (2) / 2. */
INLINE Vec
vec_exp (Vec v)
{
  /* Beyond these the result is as good as 0 or as large as a sigmoid needs. */
  v = choose (v < 87.0f, v, splat (87.0f));
  v = choose (v > -87.0f, v, splat (-87.0f));

  const Vec log2_e = splat (1.44269504f);
  /* Adding and subtracting 1.5 * 2^23 rounds to a whole number. */
  Vec magic = splat (12582912.0f);
  Vec shifted = v * log2_e + magic;
  __asm__("" : "+" VECTOR_REGISTER (shifted));
  Vec whole = shifted - magic;
  /* log (2) in two parts, so that the rest is exact. */
  Vec rest = v - whole * 0.693359375f;
  rest = rest + whole * 2.12194440e-4f;

  Vec p = splat (1.0f / 720);
  p = p * rest + 1.0f / 120;
  p = p * rest + 1.0f / 24;
  p = p * rest + 1.0f / 6;
  p = p * rest + 0.5f;
  p = p * rest + 1.0f;
  p = p * rest + 1.0f;
  VecInt exponent = __builtin_convertvector(whole, VecInt) + 127;
  return p * (Vec)(exponent << 23);
}

static void
gate_row (float *dst, gsize dst_pitch, const float *gate, gsize gate_pitch, guint channels, guint n)
{
  for (guint c = 0; c < channels; c++) {
    for (guint x = 0; x < n; x += VECTOR_FLOATS) {
      float *d = dst + c * dst_pitch + x;
      store (d, load (gate + c * gate_pitch + x) / (1.0f + vec_exp (-load (d))));
    }
  }
}

/* ---- samples --------------------------------------------------------------------------------- */

/* A loop for each kind of sample and, of the common kinds, for samples side by side, so that the
 * compiler sees constants. */
#define LOAD_LOOP(Type, stride, expression)                                                        \
  for (guint x = 0; x < n; x++) {                                                                  \
    Type s = *(const Type *)(const void *)(from + x * (gsize)(stride));                            \
    dst[x] = gain * (float)(expression);                                                           \
  }

static void
load_row (float *dst, const void *src, gsize pixel_stride, const RfdnSampleFormat *format,
          float gain, guint n)
{
  const guint8 *from = src;
  const guint shift = format->shift;

  if (format->samples == RFDN_SAMPLES_U8 && pixel_stride == 1)
    LOAD_LOOP (guint8, 1, s)
  else if (format->samples == RFDN_SAMPLES_U8)
    LOAD_LOOP (guint8, pixel_stride, s)
  else if (format->samples == RFDN_SAMPLES_U16 && pixel_stride == 2)
    LOAD_LOOP (guint16, 2, s >> shift)
  else if (format->samples == RFDN_SAMPLES_U16)
    LOAD_LOOP (guint16, pixel_stride, s >> shift)
  else
    LOAD_LOOP (float, pixel_stride, s)
}

/* Every scale-th sample of a row, from the k-th on. */
#define STORE_LOOP(Type, step, expression)                                                         \
  for (guint x = 0; x < count; x++) {                                                              \
    float v = gain * from[x];                                                                      \
    *(Type *)(void *)(to + x * (gsize)(step)) = (Type)(expression);                                \
  }

/* Rounded and clamped; the first comparison turns a NaN into 0. */
#define LEVEL(v, max) ((gint32)(((v) > 0 ? ((v) < (max) ? (v) : (max)) : 0) + 0.5f))

static void
store_row (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
           gsize src_pitch, guint scale, float gain, guint n)
{
  const float max = (float)((1u << format->depth) - 1);
  const guint shift = format->shift;

  for (guint k = 0; k < MIN (scale, n); k++) {
    const float *from = src + k * src_pitch;
    guint8 *to = (guint8 *)dst + k * pixel_stride;
    const gsize step = scale * pixel_stride;
    const guint count = (n - k + scale - 1) / scale;

    if (format->samples == RFDN_SAMPLES_U8 && step == 2)
      STORE_LOOP (guint8, 2, LEVEL (v, max))
    else if (format->samples == RFDN_SAMPLES_U8)
      STORE_LOOP (guint8, step, LEVEL (v, max))
    else if (format->samples == RFDN_SAMPLES_U16)
      STORE_LOOP (guint16, step, LEVEL (v, max) << shift)
    else
      STORE_LOOP (float, step, v)
  }
}

static void
fir_row (float *dst, const float *const *src, const float *taps, guint n_taps, guint n)
{
  for (guint x = 0; x < n; x += VECTOR_FLOATS) {
    Vec v = load (src[0] + x) * taps[0];
    for (guint t = 1; t < n_taps; t++)
      v += load (src[t] + x) * taps[t];
    store (dst + x, v);
  }
}

const RfdnKernels KERNELS_NAME = {
    .cpu = KERNELS_CPU,
    .conv_block = CONV_BLOCK,
    .conv3x3_row = conv3x3_row,
    .conv1x1_row = conv1x1_row,
    .conv3x3_stride2_row = conv3x3_stride2_row,
    .max_pool_row = max_pool_row,
    .upsample_row = upsample_row,
    .gate_row = gate_row,
    .load_row = load_row,
    .store_row = store_row,
    .fir_row = fir_row,
};
