/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_KERNELS_H
#define RFDN_KERNELS_H

#include "../function.h"
#include "../rfdn.h"

/* Kernels: the arithmetic, a row or a strip of four rows per call. They know nothing of layers and
 * frames.
 *
 * Layout, *polyphase planar*: the rows of an activation follow each other; a row holds its channels
 * one after the other, a channel holds four *runs*, and the run of phase p holds the pixels x = 4 t
 * + p: act[row][channel][x mod 4][x / 4]. So vector lanes are neighbouring columns of 4x4 pixels,
 * the tiles of Winograd's algorithm: its transforms need no shuffles, and neither do the taps of
 * any other filter. A run is `run` floats long, a channel 4 * run.
 *
 * Slack: a kernel may write up to RFDN_RUN_ALIGN - 1 floats beyond the n columns that it is asked
 * for; their values mean nothing. A 3x3 convolution reads one column before the first and one after
 * the last: the float in front of a run and the one at its end, which share the RFDN_RUN_SLACK
 * floats between two runs. Memory may be read up to RFDN_RUN_SLACK floats before the first run and
 * RFDN_RUN_AFTER floats behind the last. The kernels on samples (load, store) touch only the
 * samples that they are asked for.
 *
 * Every pixel is computed by the same operations in the same order, wherever in a row it lies; only
 * its place in a 4x4 tile matters. */

#define RFDN_PHASES 4
#define RFDN_STRIP 4 /* rows */

#define RFDN_RUN_ALIGN 16
#define RFDN_RUN_SLACK 16
#define RFDN_RUN_AFTER 64

/* Bytes that runs are aligned to. */
#define RFDN_ALIGN 64

/* The longest side of a filter, and rows of input that a strip sees through it. */
#define RFDN_MAX_KERNEL 9
#define RFDN_MAX_ROWS (RFDN_STRIP + RFDN_MAX_KERNEL - 1)

/* Channels, and the filter's sides in pixels. */
typedef struct {
  guint in_channels, out_channels;
  guint width, height;
} RfdnConvShape;

/* A convolution of up to four rows: dst[o] = f (bias[o] + sum over i, taps of weights * src[i])
 * with f (v) = PReLU (v + add), or PReLU (v) + add where add_last, or PReLU (v) where add is NULL.
 * Bit for bit the same as the sum without, function_row() and add_row(). dst may be add.
 *
 * Row pointers point at channel 0, phase 0, first column. 3x3: src[r] is row r - 1 of the strip.
 * 1x1: src[r] is row r. 3x3 with stride 2: src[2 r .. 2 r + 2] belong to row r, pixels 2x..2x+2 to
 * pixel x; n counts columns of dst. Filters of any size: src[r] is row r - height / 2. Rows beyond
 * `rows` are not written; rows that a 3x3 convolution reads beyond the picture are the caller's
 * zeros. */
typedef struct {
  RfdnConvShape shape;
  const float *src[RFDN_MAX_ROWS];
  gsize src_run;
  const float *weights; /* as the kernel's pack function lays them out */
  float *dst[RFDN_STRIP];
  gsize dst_run;
  const float *add[RFDN_STRIP];
  gsize add_run;
  gboolean add_last;
  float slope;         /* of negative values; 1 is linear */
  const float *slopes; /* of each channel, where they are not all the same; else NULL */
  guint rows;
  guint n;        /* columns */
  float *scratch; /* for this thread alone: see RfdnConv.scratch_size */
} RfdnConvStrip;

/* A layer's weights as integers: see int16.h. */
typedef struct RfdnInt16Filter RfdnInt16Filter;

/* A kind of convolution: how its weights are packed, and its kernel. The layout of the packed
 * weights is private to the two. */
typedef struct {
  /* Floats of the packed weights, and of the scratch that a call needs. */
  gsize (*packed_size) (const RfdnConvShape *shape);
  gsize (*scratch_size) (const RfdnConvShape *shape);
  /* weights[out][in][taps], or of depthwise [out][taps]; bias[out] (NULL: zeros) */
  void (*pack) (float *packed, const float *weights, const float *bias, const RfdnConvShape *shape);
  void (*strip) (const RfdnConvStrip *strip);
  /* For kernels in integers, instead of pack(). */
  void (*pack_int16) (float *packed, const RfdnInt16Filter *filter);
} RfdnConv;

/* One row, pixel by pixel: dst[c] at x = largest of the 7x7 values of src[0..6][c] at 3x..3x+6; n
 * counts pixels of dst, from the first on. */
typedef void (*RfdnMaxPoolRowFunc) (float *dst, gsize dst_run, const float *const src[7],
                                    gsize src_run, guint channels, guint n);

/* dst[c][p][t] += bilinear interpolation of two rows: with the row weights 1 - w1 and w1 and, for
 * the pixel of run p and column t, entry p * pitch + t of the floats that lie left and right of it
 * in a channel of src, and of the latter's weight. src is a row of a pooled map, of RFDN_MAX_SIZE /
 * 6 pixels at most. */
typedef void (*RfdnUpsampleRowFunc) (float *dst, gsize dst_run, const float *row0,
                                     const float *row1, gsize src_run, float w1, const gint32 *left,
                                     const gint32 *right, const float *weight, gsize pitch,
                                     guint channels, guint n);

/* row = f (row), over n columns of all runs of a row; `slopes` of each channel for PRELU. */
typedef void (*RfdnFunctionRowFunc) (float *row, gsize run, const RfdnFunction *function,
                                     const float *slopes, guint channels, guint n);

/* dst = dst + src, or their product, over n columns of all runs of a row. `src_channel`: floats
 * from a channel of src to the next; 0 where one stands for all. */
typedef void (*RfdnAddRowFunc) (float *dst, gsize dst_run, const float *src, gsize src_run,
                                gsize src_channel, guint channels, guint n);
typedef void (*RfdnMultiplyRowFunc) (float *dst, gsize dst_run, const float *src, gsize src_run,
                                     gsize src_channel, RfdnProduct product, guint channels,
                                     guint n);

/* src has `values` values for each of `channels` channels, value i of channel j in channel
 * i * channels + j; behind them as many keys. dst[j] = the sum of its values, each weighted by the
 * softmax of its key. */
typedef void (*RfdnSoftmaxRowFunc) (float *dst, gsize dst_run, const float *src, gsize src_run,
                                    guint values, guint channels, guint n);

/* dst = gate / (1 + exp (-dst)), over n columns of all runs of a row. */
typedef void (*RfdnGateRowFunc) (float *dst, gsize dst_run, const float *gate, gsize gate_run,
                                 guint channels, guint n);

/* Pixel x of dst (one channel) = gain * sample x + offset, n pixels from column 0 on. */
typedef void (*RfdnLoadRowFunc) (float *dst, gsize dst_run, const void *src, gsize pixel_stride,
                                 const RfdnSampleFormat *format, float gain, float offset, guint n);

/* Pixel shuffle: sample x * scale + k = gain * pixel x of channel first + k, rounded to nearest and
 * clamped to the format. n counts pixels; writes n * scale samples; scale is at most
 * RFDN_MAX_SHUFFLE. */
#define RFDN_MAX_UNSHUFFLE 4
#define RFDN_MAX_SHUFFLE (RFDN_MAX_SCALE * RFDN_MAX_UNSHUFFLE)

typedef void (*RfdnStoreRowFunc) (void *dst, gsize pixel_stride, const RfdnSampleFormat *format,
                                  const float *src, gsize src_run, guint first, guint scale,
                                  float gain, guint n);

/* dst[x] = sum over t of taps[t] * src[t][x] on plain rows of floats: a filter along columns
 * (src[t] are rows) or along a row (src[t] are shifted by one pixel each). */
typedef void (*RfdnFirRowFunc) (float *dst, const float *const *src, const float *taps,
                                guint n_taps, guint n);

/* The two ends of fir_row: samples to a plain row of floats, and n samples from `scale` plain rows,
 * `pitch` floats apart, of which sample x takes entry x / scale of row x mod scale. */
typedef void (*RfdnUnpackRowFunc) (float *dst, const void *src, gsize pixel_stride,
                                   const RfdnSampleFormat *format, guint n);
typedef void (*RfdnPackRowFunc) (void *dst, gsize pixel_stride, const RfdnSampleFormat *format,
                                 const float *src, gsize pitch, guint scale, guint n);

/* How chroma follows luma, in n samples: the slope of the regression of one on the other, over the
 * 5x5 samples around, times how far it can be trusted (see guide.c). Rows are plain floats, the one
 * of the result in the middle; two floats to their left and two behind their n are read. `unit`: a
 * level of 255, squared, in the rows' own unit. */
#define RFDN_SLOPE_RADIUS 2
#define RFDN_SLOPE_SIDE (2 * RFDN_SLOPE_RADIUS + 1)

typedef void (*RfdnSlopeRowFunc) (float *dst, const float *const luma[RFDN_SLOPE_SIDE],
                                  const float *const chroma[RFDN_SLOPE_SIDE], float unit, guint n);

/* A row thinned out, less what it is like without its details. Sample x of `scale` plain rows,
 * `pitch` floats apart: dst[k][x] = sum over t of taps[t] * src[step * (scale * x + k) + t - 1]
 * - dst[k][x], the sum from its first term on; n samples a row. `step`: 1 or 2. */
typedef void (*RfdnDetailRowFunc) (float *dst, gsize pitch, const float *src, const float taps[3],
                                   guint step, guint scale, guint n);

/* dst[x] += gain * a[x] * b[x], from the left to the right. */
typedef void (*RfdnAddProductRowFunc) (float *dst, const float *a, const float *b, float gain,
                                       guint n);

/* With RFDN_PRECISION_INT16, floats are words of two integers (int16.h), gains are ignored, and
 * there are only these: conv3x3, conv3x3_wide, conv1x1, conv3x3_stride2, max_pool_row,
 * upsample_row, gate_row, load_row, store_row. What works on floats is there only, compiled without
 * fused multiply-add, so that it makes the same bits on every processor: fir_row, which is with
 * floats too, slope_row, detail_row, add_product_row. */
typedef struct {
  RfdnCpu cpu;
  RfdnPrecision precision;
  RfdnConv conv3x3; /* for few channels in */
  RfdnConv conv3x3_wide;
  RfdnConv conv3x3_fine; /* on a finer grid: see fine.h */
  RfdnConv conv1x1;
  RfdnConv conv3x3_stride2;
  RfdnConv conv; /* of any size */
  RfdnConv depthwise;
  RfdnConv pick; /* of any size, whose filters have one weight each, or none, that is not zero */
  RfdnMaxPoolRowFunc max_pool_row;
  RfdnUpsampleRowFunc upsample_row;
  RfdnGateRowFunc gate_row;
  RfdnFunctionRowFunc function_row;
  RfdnAddRowFunc add_row;
  RfdnMultiplyRowFunc multiply_row;
  RfdnSoftmaxRowFunc softmax_row;
  RfdnLoadRowFunc load_row;
  RfdnStoreRowFunc store_row;
  RfdnFirRowFunc fir_row;
  RfdnUnpackRowFunc unpack_row;
  RfdnPackRowFunc pack_row;
  RfdnSlopeRowFunc slope_row;
  RfdnDetailRowFunc detail_row;
  RfdnAddProductRowFunc add_product_row;
} RfdnKernels;

/* A level's kernels; RFDN_CPU_AUTO as in rfdn.h, RFDN_PRECISION_AUTO the faster one. The table's
 * `cpu` may be a lower level, if its kernels serve for this one. NULL with RFDN_ERROR_PARAMS set
 * when this machine or this build does not have the level. */
const RfdnKernels *rfdn_kernels_get (RfdnCpu cpu, RfdnPrecision precision, GError **error);

/* The tables that a build may have; dispatch.c knows which. */
extern const RfdnKernels rfdn_kernels_scalar;
extern const RfdnKernels rfdn_kernels_sse2;
extern const RfdnKernels rfdn_kernels_avx2;
extern const RfdnKernels rfdn_kernels_avx512;
extern const RfdnKernels rfdn_kernels_neon;
extern const RfdnKernels rfdn_kernels_scalar_int16;
extern const RfdnKernels rfdn_kernels_sse2_int16;
extern const RfdnKernels rfdn_kernels_avx2_int16;
extern const RfdnKernels rfdn_kernels_avx_vnni_int16;
extern const RfdnKernels rfdn_kernels_avx512_int16;
extern const RfdnKernels rfdn_kernels_avx512_vnni_int16;
extern const RfdnKernels rfdn_kernels_neon_int16;

#endif
