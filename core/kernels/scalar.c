/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels.h"

#include <math.h>
#include <string.h>

/* The reference: what the network computes, in plain C. Tests use it as ground truth; it is not
 * tuned. */

/* Pixel x of a channel (which may be -1 or n, for a filter's taps) in the polyphase layout. */
static gssize
at (gssize x, gsize run)
{
  gssize phase = x & 3;
  return phase * (gssize) run + (x - phase) / 4;
}

/* ---- convolutions ---------------------------------------------------------------------------- */

static gsize
get_taps (const RfdnConvShape *shape)
{
  return (gsize) shape->width * shape->height;
}

static gsize
packed_size (const RfdnConvShape *shape)
{
  return (gsize) shape->out_channels * (shape->in_channels * get_taps (shape) + 1);
}

static gsize
no_scratch (const RfdnConvShape *shape)
{
  return 0;
}

/* Packed: for each output channel its bias and its weights[in][taps]. */
static void
pack (float *packed, const float *weights, const float *bias, const RfdnConvShape *shape)
{
  const gsize row = shape->in_channels * get_taps (shape);

  for (guint o = 0; o < shape->out_channels; o++, packed += row + 1) {
    packed[0] = bias ? bias[o] : 0;
    memcpy (packed + 1, weights + o * row, row * sizeof (float));
  }
}

/* What a convolution adds to its sum, and the function it applies. */
static float
finish (const RfdnConvStrip *a, guint o, guint y, guint x, float v)
{
  const float *add =
      a->add[y] ? a->add[y] + o * RFDN_PHASES * a->add_run + at (x, a->add_run) : NULL;

  if (add && !a->add_last)
    v += *add;
  v = v < 0 ? v * (a->slopes ? a->slopes[o] : a->slope) : v;
  if (add && a->add_last)
    v += *add;
  return v;
}

/* `step`: source pixels a pixel of dst; `left`: where the filter begins. */
static void
conv_row (const RfdnConvStrip *a, guint y, guint step, gssize left)
{
  const RfdnConvShape *shape = &a->shape;

  for (guint o = 0; o < shape->out_channels; o++) {
    const float *packed = a->weights + o * (shape->in_channels * get_taps (shape) + 1);
    for (guint x = 0; x < RFDN_PHASES * a->n; x++) {
      const float *w = packed;
      float v = *w++;
      for (guint i = 0; i < shape->in_channels; i++) {
        for (guint ky = 0; ky < shape->height; ky++) {
          const float *src = a->src[y * step + ky] + i * RFDN_PHASES * a->src_run;
          for (guint kx = 0; kx < shape->width; kx++)
            v += src[at ((gssize) x * step + left + kx, a->src_run)] * *w++;
        }
      }
      a->dst[y][o * RFDN_PHASES * a->dst_run + (gsize) at (x, a->dst_run)] = finish (a, o, y, x, v);
    }
  }
}

static void
conv_strip (const RfdnConvStrip *a)
{
  for (guint y = 0; y < a->rows; y++)
    conv_row (a, y, 1, -(gssize) (a->shape.width / 2));
}

static void
conv3x3_stride2_strip (const RfdnConvStrip *a)
{
  for (guint y = 0; y < a->rows; y++)
    conv_row (a, y, 2, 0);
}

/* Packed: for each channel its bias and its taps. */
static gsize
depthwise_packed_size (const RfdnConvShape *shape)
{
  return shape->out_channels * (get_taps (shape) + 1);
}

static void
depthwise_pack (float *packed, const float *weights, const float *bias, const RfdnConvShape *shape)
{
  pack (packed, weights, bias,
        &(RfdnConvShape){1, shape->out_channels, shape->width, shape->height});
}

static void
depthwise_strip (const RfdnConvStrip *a)
{
  const RfdnConvShape *shape = &a->shape;
  const gssize left = -(gssize) (shape->width / 2);

  for (guint y = 0; y < a->rows; y++) {
    for (guint c = 0; c < shape->out_channels; c++) {
      const float *packed = a->weights + c * (get_taps (shape) + 1);
      for (guint x = 0; x < RFDN_PHASES * a->n; x++) {
        const float *w = packed;
        float v = *w++;
        for (guint ky = 0; ky < shape->height; ky++) {
          const float *src = a->src[y + ky] + c * RFDN_PHASES * a->src_run;
          for (guint kx = 0; kx < shape->width; kx++)
            v += src[at ((gssize) x + left + kx, a->src_run)] * *w++;
        }
        a->dst[y][c * RFDN_PHASES * a->dst_run + (gsize) at (x, a->dst_run)] =
            finish (a, c, y, x, v);
      }
    }
  }
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

/* ---- number by number ------------------------------------------------------------------------ */

static float
sigmoid (float v)
{
  return 1 / (1 + expf (-v));
}

static float
apply (const RfdnFunction *f, float slope, float v)
{
  switch (f->kind) {
  case RFDN_FUNCTION_LEAKY:
    return v < 0 ? f->a * v : v;
  case RFDN_FUNCTION_PRELU:
    return v < 0 ? slope * v : v;
  case RFDN_FUNCTION_SILU:
    return v * sigmoid (v);
  case RFDN_FUNCTION_ELU:
    return v < 0 ? f->a * (expf (v) - 1) : v;
  case RFDN_FUNCTION_GELU:
    return v * 0.5f * (1 + erff (v * 0.70710678f));
  case RFDN_FUNCTION_TANH:
    return tanhf (v);
  case RFDN_FUNCTION_SIGMOID:
    return sigmoid (v);
  case RFDN_FUNCTION_HARD_SWISH:
    return v * (CLAMP (v + 3, 0, 6) / 6);
  case RFDN_FUNCTION_CLIP:
    v = v > f->a ? v : f->a;
    return v < f->b ? v : f->b;
  }
  g_assert_not_reached ();
}

static void
function_row (float *row, gsize run, const RfdnFunction *function, const float *slopes,
              guint channels, guint n)
{
  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    const float slope = slopes ? slopes[r / RFDN_PHASES] : 0;
    for (guint t = 0; t < n; t++)
      row[r * run + t] = apply (function, slope, row[r * run + t]);
  }
}

static void
add_row (float *dst, gsize dst_run, const float *src, gsize src_run, gsize src_channel,
         guint channels, guint n)
{
  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    const float *from = src + r / RFDN_PHASES * src_channel + r % RFDN_PHASES * src_run;
    for (guint t = 0; t < n; t++)
      dst[r * dst_run + t] += from[t];
  }
}

static float
multiply (RfdnProduct product, float v, float m)
{
  switch (product) {
  case RFDN_PRODUCT_PLAIN:
    return v * m;
  case RFDN_PRODUCT_SIGMOID:
    return v * sigmoid (m);
  case RFDN_PRODUCT_SIGMOID_HALF:
    return v * (sigmoid (m) - 0.5f);
  case RFDN_PRODUCT_GATE:
    return sigmoid (v) * m;
  }
  g_assert_not_reached ();
}

static void
multiply_row (float *dst, gsize dst_run, const float *src, gsize src_run, gsize src_channel,
              RfdnProduct product, guint channels, guint n)
{
  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    const float *from = src + r / RFDN_PHASES * src_channel + r % RFDN_PHASES * src_run;
    for (guint t = 0; t < n; t++)
      dst[r * dst_run + t] = multiply (product, dst[r * dst_run + t], from[t]);
  }
}

static void
softmax_row (float *dst, gsize dst_run, const float *src, gsize src_run, guint values,
             guint channels, guint n)
{
  const gsize next = (gsize) channels * RFDN_PHASES * src_run, keys = values * next;

  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    for (guint t = 0; t < n; t++) {
      const float *from = src + r * src_run + t;
      float largest = from[keys], sum = 0, weights = 0;
      for (guint i = 1; i < values; i++)
        largest = MAX (largest, from[keys + i * next]);
      for (guint i = 0; i < values; i++) {
        const float weight = expf (from[keys + i * next] - largest);
        sum += weight * from[i * next];
        weights += weight;
      }
      dst[r * dst_run + t] = sum / weights;
    }
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
  /* Written this way round, the comparison turns a NaN into 0. */
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
          const RfdnSampleFormat *format, float gain, float offset, guint n)
{
  for (guint x = 0; x < n; x++)
    dst[at (x, dst_run)] =
        gain * get_sample ((const guint8 *) src + x * pixel_stride, format) + offset;
}

static void
store_row (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
           gsize src_run, guint first, guint scale, float gain, guint n)
{
  for (guint x = 0; x < n * scale; x++)
    set_sample ((guint8 *) dst + x * pixel_stride, format,
                gain * src[(first + x % scale) * RFDN_PHASES * src_run + at (x / scale, src_run)]);
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
    .conv3x3 = {packed_size, no_scratch, pack, conv_strip},
    .conv3x3_wide = {packed_size, no_scratch, pack, conv_strip},
    .conv3x3_fine = {packed_size, no_scratch, pack, conv_strip},
    .conv1x1 = {packed_size, no_scratch, pack, conv_strip},
    .conv3x3_stride2 = {packed_size, no_scratch, pack, conv3x3_stride2_strip},
    .conv = {packed_size, no_scratch, pack, conv_strip},
    .depthwise = {depthwise_packed_size, no_scratch, depthwise_pack, depthwise_strip},
    .pick = {packed_size, no_scratch, pack, conv_strip},
    .max_pool_row = max_pool_row,
    .upsample_row = upsample_row,
    .gate_row = gate_row,
    .function_row = function_row,
    .add_row = add_row,
    .multiply_row = multiply_row,
    .softmax_row = softmax_row,
    .load_row = load_row,
    .store_row = store_row,
    .fir_row = fir_row,
    .unpack_row = unpack_row,
    .pack_row = pack_row,
};
