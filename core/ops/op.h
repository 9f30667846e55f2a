/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_OP_H
#define RFDN_OP_H

#include "../graph.h"
#include "../kernels/kernels.h"
#include "../storage.h"

/* An operation: a kind of layer. One file each (ops/NAME.c), one line in ops.h. */

/* The pixels of the input that a pixel of a layer's result is computed from: for pixel x, columns
 * step x - left to step x - left + width - 1; for row y, rows step y - above to step y - above +
 * height - 1. */
typedef struct {
  gint left, above;
  gint width, height;
  gint step;
  gboolean padded; /* the frame is padded beyond its border; else windows lie inside it */
} RfdnWindow;

/* What an operation that fuses does itself: adding all channels of `add`, LeakyReLU or PReLU, and,
 * if there is no `add`, adding all channels of `plus`. */
typedef struct {
  gboolean adds, applies, adds_last;
} RfdnFusion;

/* Nothing, for an operation that does not fuse. */
RfdnFusion rfdn_layer_get_fusion (const RfdnLayer *layer);

/* Whether a map that is added or multiplied has one channel for all. */
gboolean rfdn_layer_shares_map (const RfdnLayer *layer, const RfdnSlice *map);

/* A part of a layer for a thread to compute: up to four rows of its result, in one chunk of
 * columns. The operation writes `dst`; what the layer does to its result afterwards is done
 * elsewhere, except for what an operation that fuses is asked to do here. */
typedef struct {
  const RfdnLayer *layer;
  const RfdnKernels *kernels;
  const RfdnConv *conv; /* of get_conv() */
  const float *weights; /* packed by it */
  RfdnView in, out;
  RfdnFusion fusion;
  /* What to fuse; addend.n = 0: adds nothing. */
  RfdnSlice addend;
  RfdnView addend_view;
  float slope;         /* of LeakyReLU; 1: nothing */
  const float *slopes; /* of PReLU; NULL: not PReLU */
  gint y;
  guint rows;
  guint column, n;        /* the first column of `out`, and how many */
  float *dst[RFDN_STRIP]; /* channel 0 of the result, at the first column */
  float *scratch;         /* as many floats as `conv` needs */
} RfdnPart;

struct RfdnOp {
  const char *name; /* as profiles show it */
  RfdnWindow (*get_window) (const RfdnLayer *layer);
  /* Whether a pixel depends on the whole input, whatever the window. */
  gboolean whole;
  /* How many weights there are; NULL: none. */
  guint64 (*get_n_weights) (const RfdnLayer *layer);
  /* Multiply-adds a pixel of the result, which lies on `grid`, without those of zeros that the
   * kernels of all CPU levels but the scalar one leave out; NULL: one a weight. */
  guint64 (*get_macs) (const RfdnLayer *layer, RfdnGrid grid);

  /* The kernel, which packs the weights too; NULL for an operation without weights. `grid` is that
   * of the result. */
  const RfdnConv *(*get_conv) (const RfdnLayer *layer, const RfdnKernels *kernels, RfdnGrid grid);

  void (*run) (const RfdnPart *part);

  /* Whether run() also adds something and applies LeakyReLU or PReLU, as RfdnPart says. */
  gboolean fuses;
};

#endif
