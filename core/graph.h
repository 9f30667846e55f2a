/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_GRAPH_H
#define RFDN_GRAPH_H

#include "alloc.h"

/* A network as a list of layers, in the order in which they are computed, over activations.
 *
 * An activation is a stack of channels over one of three grids. It is written before it is read,
 * whole or slice by slice: concatenation is writing side by side. A layer is one convolution and
 * what can be done to its result before it is stored. */

/* Where the pixels of an activation lie. ESA's low-resolution part has grids of its own, anchored
 * in the frame: pixel i of HALF sees rows 2i..2i+2 of FRAME, pixel i of POOLED rows 3i..3i+6 of
 * HALF. */
typedef enum {
  RFDN_GRID_FRAME,
  RFDN_GRID_HALF,
  RFDN_GRID_POOLED,
  RFDN_N_GRIDS,
} RfdnGrid;

typedef struct {
  RfdnGrid grid;
  guint channels;
  guint depth; /* 3x3 convolutions over FRAME on the longest way to it */
} RfdnActivation;

/* Some channels of an activation; n = 0 stands for none at all. */
typedef struct {
  guint activation;
  guint first;
  guint n;
} RfdnSlice;

typedef enum {
  RFDN_LAYER_CONV_3X3, /* zero padding at the frame's border */
  RFDN_LAYER_CONV_1X1,
  RFDN_LAYER_CONV_3X3_STRIDE2, /* FRAME -> HALF, no padding */
  RFDN_LAYER_MAX_POOL,         /* HALF -> POOLED, windows of 7x7 every 3 pixels; no weights */
} RfdnLayerKind;

/* out = conv (in) + bias
 *       + add                      unless add_last
 *       -> LeakyReLU (slope)       1: linear, 0: ReLU
 *       + add                      if add_last
 *       + bilinear (upsampled)     POOLED -> FRAME, half-pixel centres
 *       -> sigmoid, times gate     if there is a gate */
typedef struct {
  RfdnLayerKind kind;
  RfdnSlice in, out;
  RfdnSlice add;
  gboolean add_last;
  float slope;
  RfdnSlice upsampled;
  RfdnSlice gate;
  float *weights; /* [out.n][in.n][taps] */
  float *bias;    /* [out.n], or NULL for zeros */
} RfdnLayer;

typedef struct {
  RfdnArray *activations; /* RfdnActivation; the first one is the input */
  RfdnArray *layers;      /* RfdnLayer; the last one makes the output, scale^2 channels a colour */
  RfdnSlice input;
} RfdnGraph;

/* What there is no memory for is left out: whoever builds a graph looks in the end whether anything
 * was, and uses it for nothing if so. */
RfdnGraph *rfdn_graph_new (guint in_channels);
gboolean rfdn_graph_has_failed (const RfdnGraph *graph);
void rfdn_graph_free (RfdnGraph *graph);

/* A new activation, as the slice of all its channels. */
RfdnSlice rfdn_graph_add_activation (RfdnGraph *graph, RfdnGrid grid, guint channels);
RfdnSlice rfdn_graph_get_input (const RfdnGraph *graph);
RfdnSlice rfdn_slice (RfdnSlice whole, guint first, guint n);

/* Appends a layer; the graph owns its weights and bias from here on. */
void rfdn_graph_add_layer (RfdnGraph *graph, const RfdnLayer *layer);

static inline const RfdnLayer *
rfdn_graph_layer (const RfdnGraph *graph, guint i)
{
  return &g_array_index (graph->layers, RfdnLayer, i);
}

static inline const RfdnActivation *
rfdn_graph_activation (const RfdnGraph *graph, guint i)
{
  return &g_array_index (graph->activations, RfdnActivation, i);
}

/* Taps of a layer's filter: 9, 1, or 0 for a layer without weights. */
guint rfdn_layer_get_taps (const RfdnLayer *layer);

/* Pixels of FRAME on each side that an output pixel depends on through its convolutions alone:
 * what ESA's pooling adds is left out. */
guint rfdn_graph_get_halo (const RfdnGraph *graph);

/* Multiply-adds an LR pixel in a large frame, and the number of weights and biases. */
guint64 rfdn_graph_get_macs (const RfdnGraph *graph);
guint64 rfdn_graph_get_n_parameters (const RfdnGraph *graph);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnGraph, rfdn_graph_free)

#endif
