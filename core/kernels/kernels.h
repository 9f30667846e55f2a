/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_KERNELS_H
#define RFDN_KERNELS_H

#include "../rfdn.h"

/* Kernels: the arithmetic, one row of pixels a call. They know nothing of layers and frames.
 *
 * Layout: the rows of an activation follow each other; in a row each channel has its own run of
 * floats, `pitch` floats after the one before: act[row][channel][x]. Vector lanes are neighbouring
 * pixels.
 *
 * Slack: a kernel may read and write up to RFDN_ROW_ALIGN - 1 floats beyond the n that it is asked
 * for, and a 3x3 convolution reads one float before the first and one more behind. Buffers leave
 * room for it (RFDN_ROW_BEFORE, RFDN_ROW_AFTER); what is written there means nothing. The kernels
 * on samples (load, store, resample) touch no sample but those that they are asked for.
 *
 * Every pixel is computed by the same operations in the same order, wherever in a row it lies. */

#define RFDN_ROW_ALIGN 16
#define RFDN_ROW_BEFORE 16
#define RFDN_ROW_AFTER 32

/* Bytes that rows are aligned to. */
#define RFDN_ALIGN 64

/* A convolution: dst[o][x] = f (bias[o] + sum over i, taps of weights * src[i][x + tap]) with
 * f (v) = LeakyReLU (v + add), or LeakyReLU (v) + add where add_last, or LeakyReLU (v) where add is
 * NULL. dst may be add. */
typedef struct {
  const float *src[3]; /* rows above, at and below; a 1x1 convolution has src[0] alone */
  gsize src_pitch;
  guint in_channels;
  guint out_channels;
  const float *weights; /* as rfdn_kernels_pack_conv() lays them out */
  float *dst;
  gsize dst_pitch;
  const float *add;
  gsize add_pitch;
  gboolean add_last;
  float slope; /* of negative values, 0 to 1; 1 is linear */
  guint n;     /* pixels */
} RfdnConvRow;

typedef void (*RfdnConvRowFunc) (const RfdnConvRow *row);

/* dst[c][x] = largest of the 7x7 values of src[c][3x..3x+6]. */
typedef void (*RfdnMaxPoolRowFunc) (float *dst, gsize dst_pitch, const float *const src[7],
                                    gsize src_pitch, guint channels, guint n);

/* dst[c][x] += bilinear interpolation of two rows: with the row weights w0 = 1 - w1 and, for
 * pixel x, the columns left[x] and right[x] and the weight of the latter, weight[x]. */
typedef void (*RfdnUpsampleRowFunc) (float *dst, gsize dst_pitch, const float *row0,
                                     const float *row1, gsize src_pitch, float w1,
                                     const gint32 *left, const gint32 *right, const float *weight,
                                     guint channels, guint n);

/* dst[c][x] = gate[c][x] / (1 + exp (-dst[c][x])). */
typedef void (*RfdnGateRowFunc) (float *dst, gsize dst_pitch, const float *gate, gsize gate_pitch,
                                 guint channels, guint n);

/* dst[x] = gain * sample x. */
typedef void (*RfdnLoadRowFunc) (float *dst, const void *src, gsize pixel_stride,
                                 const RfdnSampleFormat *format, float gain, guint n);

/* Pixel shuffle: sample x * scale + k = gain * src[k][x], rounded to nearest and clamped to the
 * format. Writes n samples, n not necessarily a multiple of scale. */
typedef void (*RfdnStoreRowFunc) (void *dst, gsize pixel_stride, const RfdnSampleFormat *format,
                                  const float *src, gsize src_pitch, guint scale, float gain,
                                  guint n);

/* dst[x] = sum over t of taps[t] * src[t][x]: a filter along columns (src[t] are rows) or along a
 * row (src[t] are shifted by one pixel each). */
typedef void (*RfdnFirRowFunc) (float *dst, const float *const *src, const float *taps,
                                guint n_taps, guint n);

typedef struct {
  RfdnCpu cpu;
  guint conv_block; /* output channels that the convolutions compute at once */
  RfdnConvRowFunc conv3x3_row;
  RfdnConvRowFunc conv1x1_row;
  RfdnConvRowFunc conv3x3_stride2_row; /* src[r][2x..2x+2]; n counts pixels of dst */
  RfdnMaxPoolRowFunc max_pool_row;
  RfdnUpsampleRowFunc upsample_row;
  RfdnGateRowFunc gate_row;
  RfdnLoadRowFunc load_row;
  RfdnStoreRowFunc store_row;
  RfdnFirRowFunc fir_row;
} RfdnKernels;

/* The kernels of a level; RFDN_CPU_AUTO as rfdn.h says. NULL with RFDN_ERROR_PARAMS set when this
 * machine or this build does not have it. */
const RfdnKernels *rfdn_kernels_get (RfdnCpu cpu, GError **error);

/* Floats that the packed form of a convolution takes. */
gsize rfdn_kernels_packed_size (guint in_channels, guint out_channels, guint taps);

/* weights[out][in][taps] and bias[out] (NULL: zeros) -> for every `conv_block` output channels (the
 * last block may have fewer): their biases, then in[] of taps[] of their weights. */
void rfdn_kernels_pack_conv (const RfdnKernels *kernels, float *packed, const float *weights,
                             const float *bias, guint in_channels, guint out_channels, guint taps);

/* One list for declarations, dispatch, tests and benchmarks: the tables that a build may have. */
extern const RfdnKernels rfdn_kernels_scalar;
extern const RfdnKernels rfdn_kernels_sse2;
extern const RfdnKernels rfdn_kernels_avx2;
extern const RfdnKernels rfdn_kernels_avx512;
extern const RfdnKernels rfdn_kernels_neon;

#endif
