/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels.h"

#include <math.h>

/* The reference: what the network computes, as plainly as C can say it. It is what the tests
 * believe; it is not tuned. */

/* `step`: source pixels a pixel of dst; `side`: of the filter, 1 or 3; `left`: where it begins. */
static void
conv_row (const RfdnConvRow *a, guint side, guint step, gssize left)
{
  const float *weights = a->weights;

  for (guint o = 0; o < a->out_channels; o++) {
    float *dst = a->dst + o * a->dst_pitch;
    const float *add = a->add ? a->add + o * a->add_pitch : NULL;
    float bias = *weights++;

    for (guint x = 0; x < a->n; x++) {
      const float *w = weights;
      float v = bias;
      for (guint i = 0; i < a->in_channels; i++) {
        for (guint ky = 0; ky < side; ky++) {
          const float *src = a->src[ky] + i * a->src_pitch + (gsize)x * step + left;
          for (guint kx = 0; kx < side; kx++)
            v += src[kx] * *w++;
        }
      }
      if (add && !a->add_last)
        v += add[x];
      v = v < 0 ? v * a->slope : v;
      if (add && a->add_last)
        v += add[x];
      dst[x] = v;
    }
    weights += (gsize)a->in_channels * side * side;
  }
}

static void
conv3x3_row (const RfdnConvRow *a)
{
  conv_row (a, 3, 1, -1);
}

static void
conv1x1_row (const RfdnConvRow *a)
{
  conv_row (a, 1, 1, 0);
}

static void
conv3x3_stride2_row (const RfdnConvRow *a)
{
  conv_row (a, 3, 2, 0);
}

static void
max_pool_row (float *dst, gsize dst_pitch, const float *const src[7], gsize src_pitch,
              guint channels, guint n)
{
  for (guint c = 0; c < channels; c++) {
    for (guint x = 0; x < n; x++) {
      float v = src[0][c * src_pitch + 3 * (gsize)x];
      for (guint ky = 0; ky < 7; ky++) {
        for (guint kx = 0; kx < 7; kx++)
          v = MAX (v, src[ky][c * src_pitch + 3 * (gsize)x + kx]);
      }
      dst[c * dst_pitch + x] = v;
    }
  }
}

static void
upsample_row (float *dst, gsize dst_pitch, const float *row0, const float *row1, gsize src_pitch,
              float w1, const gint32 *left, const gint32 *right, const float *weight,
              guint channels, guint n)
{
  for (guint c = 0; c < channels; c++) {
    const float *r0 = row0 + c * src_pitch, *r1 = row1 + c * src_pitch;
    for (guint x = 0; x < n; x++) {
      float a = r0[left[x]] * (1 - w1) + r1[left[x]] * w1;
      float b = r0[right[x]] * (1 - w1) + r1[right[x]] * w1;
      dst[c * dst_pitch + x] += a * (1 - weight[x]) + b * weight[x];
    }
  }
}

static void
gate_row (float *dst, gsize dst_pitch, const float *gate, gsize gate_pitch, guint channels, guint n)
{
  for (guint c = 0; c < channels; c++) {
    for (guint x = 0; x < n; x++)
      dst[c * dst_pitch + x] = gate[c * gate_pitch + x] / (1 + expf (-dst[c * dst_pitch + x]));
  }
}

static void
load_row (float *dst, const void *src, gsize pixel_stride, const RfdnSampleFormat *format,
          float gain, guint n)
{
  const guint8 *sample = src;

  for (guint x = 0; x < n; x++, sample += pixel_stride) {
    switch (format->samples) {
    case RFDN_SAMPLES_U8:
      dst[x] = gain * (float)*sample;
      break;
    case RFDN_SAMPLES_U16:
      dst[x] = gain * (float)(*(const guint16 *)sample >> format->shift);
      break;
    case RFDN_SAMPLES_F32:
      dst[x] = gain * *(const float *)sample;
      break;
    }
  }
}

static void
store_row (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
           gsize src_pitch, guint scale, float gain, guint n)
{
  guint8 *sample = dst;
  float max = (float)((1u << format->depth) - 1);

  for (guint x = 0; x < n; x++, sample += pixel_stride) {
    float v = gain * src[x % scale * src_pitch + x / scale];
    if (format->samples == RFDN_SAMPLES_F32) {
      *(float *)sample = v;
      continue;
    }
    /* The comparison this way round turns a NaN into 0. */
    v = v > 0 ? v : 0;
    v = v < max ? v : max;
    guint level = (guint)(v + 0.5f);
    if (format->samples == RFDN_SAMPLES_U8)
      *sample = (guint8)level;
    else
      *(guint16 *)sample = (guint16)(level << format->shift);
  }
}

static void
fir_row (float *dst, const float *const *src, const float *taps, guint n_taps, guint n)
{
  for (guint x = 0; x < n; x++) {
    float v = 0;
    for (guint t = 0; t < n_taps; t++)
      v += taps[t] * src[t][x];
    dst[x] = v;
  }
}

const RfdnKernels rfdn_kernels_scalar = {
    .cpu = RFDN_CPU_SCALAR,
    .conv_block = 1,
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
