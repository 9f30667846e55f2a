/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels.h"

#include <math.h>
#include <string.h>

/* The reference: what the network computes, as plainly as C can say it. It is what the tests
 * believe; it is not tuned. */

/* Pixel x of a channel (which may be -1 or n, for a filter's taps) in the polyphase layout. */
static gssize
at (gssize x, gsize run)
{
  gssize phase = x & 3;
  return phase * (gssize) run + (x - phase) / 4;
}

/* ---- convolutions ---------------------------------------------------------------------------- */

/* Packed: for each output channel its bias and its weights[in][taps]. */
static void
pack (float *packed, const float *weights, const float *bias, guint in_channels, guint out_channels,
      guint taps)
{
  const gsize row = (gsize) in_channels * taps;

  for (guint o = 0; o < out_channels; o++, packed += row + 1) {
    packed[0] = bias ? bias[o] : 0;
    memcpy (packed + 1, weights + o * row, row * sizeof (float));
  }
}

static gsize
packed_size_9 (guint in_channels, guint out_channels)
{
  return (gsize) out_channels * (9 * in_channels + 1);
}

static gsize
packed_size_1 (guint in_channels, guint out_channels)
{
  return (gsize) out_channels * (in_channels + 1);
}

static gsize
no_scratch (guint in_channels, guint out_channels)
{
  return 0;
}

static void
pack_9 (float *packed, const float *weights, const float *bias, guint in_channels,
        guint out_channels)
{
  pack (packed, weights, bias, in_channels, out_channels, 9);
}

static void
pack_1 (float *packed, const float *weights, const float *bias, guint in_channels,
        guint out_channels)
{
  pack (packed, weights, bias, in_channels, out_channels, 1);
}

/* `side`: of the filter, 1 or 3; `step`: source pixels a pixel of dst; `left`: where it begins. */
static void
conv_row (const RfdnConvStrip *a, guint y, guint side, guint step, gssize left)
{
  for (guint o = 0; o < a->out_channels; o++) {
    const float *packed = a->weights + o * ((gsize) a->in_channels * side * side + 1);
    for (guint x = 0; x < RFDN_PHASES * a->n; x++) {
      const float *w = packed;
      float v = *w++;
      for (guint i = 0; i < a->in_channels; i++) {
        for (guint ky = 0; ky < side; ky++) {
          const float *src = a->src[y * step + ky] + i * RFDN_PHASES * a->src_run;
          for (guint kx = 0; kx < side; kx++)
            v += src[at ((gssize) x * step + left + kx, a->src_run)] * *w++;
        }
      }
      float add = a->add[y] ? a->add[y][o * RFDN_PHASES * a->add_run + at (x, a->add_run)] : 0;
      if (!a->add_last)
        v += add;
      v = v < 0 ? v * a->slope : v;
      if (a->add_last)
        v += add;
      a->dst[y][o * RFDN_PHASES * a->dst_run + at (x, a->dst_run)] = v;
    }
  }
}

static void
conv3x3_strip (const RfdnConvStrip *a)
{
  for (guint y = 0; y < a->rows; y++)
    conv_row (a, y, 3, 1, -1);
}

static void
conv1x1_strip (const RfdnConvStrip *a)
{
  for (guint y = 0; y < a->rows; y++)
    conv_row (a, y, 1, 1, 0);
}

static void
conv3x3_stride2_strip (const RfdnConvStrip *a)
{
  for (guint y = 0; y < a->rows; y++)
    conv_row (a, y, 3, 2, 0);
}

/* ---- attention ------------------------------------------------------------------------------- */

static void
max_pool_row (float *dst, gsize dst_run, const float *const src[7], gsize src_run, guint channels,
              guint n)
{
  for (guint c = 0; c < channels; c++) {
    for (guint x = 0; x < n; x++) {
      float v = -INFINITY;
      for (guint ky = 0; ky < 7; ky++) {
        for (guint kx = 0; kx < 7; kx++)
          v = MAX (v, src[ky][c * RFDN_PHASES * src_run + at (3 * x + kx, src_run)]);
      }
      dst[c * RFDN_PHASES * dst_run + at (x, dst_run)] = v;
    }
  }
}

static void
upsample_row (float *dst, gsize dst_run, const float *row0, const float *row1, gsize src_run,
              float w1, const gint32 *left, const gint32 *right, const float *weight, gsize pitch,
              guint channels, guint n)
{
  for (guint c = 0; c < channels; c++) {
    const float *r0 = row0 + c * RFDN_PHASES * src_run, *r1 = row1 + c * RFDN_PHASES * src_run;
    for (guint i = 0; i < RFDN_PHASES * n; i++) {
      const gsize k = i / n * pitch + i % n;
      float a = r0[left[k]] * (1 - w1) + r1[left[k]] * w1;
      float b = r0[right[k]] * (1 - w1) + r1[right[k]] * w1;
      dst[(c * RFDN_PHASES + i / n) * dst_run + i % n] += a * (1 - weight[k]) + b * weight[k];
    }
  }
}

static void
gate_row (float *dst, gsize dst_run, const float *gate, gsize gate_run, guint channels, guint n)
{
  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    for (guint t = 0; t < n; t++)
      dst[r * dst_run + t] = gate[r * gate_run + t] / (1 + expf (-dst[r * dst_run + t]));
  }
}

/* ---- samples --------------------------------------------------------------------------------- */

static float
get_sample (const void *sample, const RfdnSampleFormat *format)
{
  switch (format->samples) {
  case RFDN_SAMPLES_U8:
    return *(const guint8 *) sample;
  case RFDN_SAMPLES_U16:
    return (float) (*(const guint16 *) sample >> format->shift);
  default:
    return *(const float *) sample;
  }
}

static void
set_sample (void *sample, const RfdnSampleFormat *format, float v)
{
  const float max = (float) ((1u << format->depth) - 1);

  if (format->samples == RFDN_SAMPLES_F32) {
    *(float *) sample = v;
    return;
  }
  /* The comparison this way round turns a NaN into 0. */
  v = v > 0 ? v : 0;
  v = v < max ? v : max;
  guint level = (guint) (v + 0.5f);
  if (format->samples == RFDN_SAMPLES_U8)
    *(guint8 *) sample = (guint8) level;
  else
    *(guint16 *) sample = (guint16) (level << format->shift);
}

static void
load_row (float *dst, gsize dst_run, const void *src, gsize pixel_stride,
          const RfdnSampleFormat *format, float gain, guint n)
{
  for (guint x = 0; x < n; x++)
    dst[at (x, dst_run)] = gain * get_sample ((const guint8 *) src + x * pixel_stride, format);
}

static void
store_row (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
           gsize src_run, guint scale, float gain, guint n)
{
  for (guint x = 0; x < n * scale; x++)
    set_sample ((guint8 *) dst + x * pixel_stride, format,
                gain * src[x % scale * RFDN_PHASES * src_run + at (x / scale, src_run)]);
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

static void
unpack_row (float *dst, const void *src, gsize pixel_stride, const RfdnSampleFormat *format,
            guint n)
{
  for (guint x = 0; x < n; x++)
    dst[x] = get_sample ((const guint8 *) src + x * pixel_stride, format);
}

static void
pack_row (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
          gsize pitch, guint scale, guint n)
{
  for (guint x = 0; x < n; x++)
    set_sample ((guint8 *) dst + x * pixel_stride, format, src[x % scale * pitch + x / scale]);
}

const RfdnKernels rfdn_kernels_scalar = {
    .cpu = RFDN_CPU_SCALAR,
    .conv3x3 = {packed_size_9, no_scratch, pack_9, conv3x3_strip},
    .conv3x3_wide = {packed_size_9, no_scratch, pack_9, conv3x3_strip},
    .conv1x1 = {packed_size_1, no_scratch, pack_1, conv1x1_strip},
    .conv3x3_stride2 = {packed_size_9, no_scratch, pack_9, conv3x3_stride2_strip},
    .max_pool_row = max_pool_row,
    .upsample_row = upsample_row,
    .gate_row = gate_row,
    .load_row = load_row,
    .store_row = store_row,
    .fir_row = fir_row,
    .unpack_row = unpack_row,
    .pack_row = pack_row,
};
