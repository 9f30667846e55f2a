/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_GRAPH_H
#define RFDN_GRAPH_H

#include "alloc.h"
#include "function.h"
#include "grid.h"

/* A network as a list of layers, in the order in which they are computed, over activations.
 *
 * An activation is a stack of channels over one of three grids. It is written before it is read,
 * whole or slice by slice: concatenation is writing side by side. A layer is one operation (see
 * ops/op.h) and what can be done to its result before it is stored. */

typedef struct RfdnOp RfdnOp;

/* What windows read beyond the frame's border. */
typedef enum {
  RFDN_BORDER_ZERO,
  RFDN_BORDER_EDGE,   /* the outermost pixel again and again */
  RFDN_BORDER_MIRROR, /* the outermost pixel twice, then the one before it, and so on */
} RfdnBorder;

typedef struct {
  RfdnGrid grid;
  guint channels;
  RfdnBorder border;
  guint margin; /* how far windows on it reach to either side, at most; 1 or more */
  guint halo;   /* pixels of FRAME that the longest path to it reaches on each side */
  guint cells;  /* the same in cells of 4x4, where every convolution reads whole ones */
} RfdnActivation;

/* Some channels of an activation; n = 0 stands for none at all. */
typedef struct {
  guint activation;
  guint first;
  guint n;
} RfdnSlice;

/* out = op (in)
 *       + add
 *       -> function
 *       + plus
 *       + bilinear (upsampled)     POOLED -> FRAME, half-pixel centres
 *       -> product with times
 *
 * add, plus and times have as many channels as out, or one for all of them. times may lie on POINT:
 * its one pixel then applies to all. */
typedef struct {
  const RfdnOp *op;
  RfdnSlice in, out;
  RfdnSlice add;
  RfdnFunction function;
  RfdnSlice plus;
  RfdnSlice upsampled;
  RfdnProduct product;
  RfdnSlice times;
  guint kernel_width, kernel_height; /* of operations whose filters have any size */
  float *weights;                    /* [out.n][in.n][taps]; of depthwise, [out.n][taps] */
  float *bias;                       /* [out.n], or NULL for zeros */
  float *slopes;                     /* [out.n], of RFDN_FUNCTION_PRELU */
  guint64 macs; /* multiply-adds a pixel of the result, which rfdn_graph_add_layer() counts */
} RfdnLayer;

/* Which pixels of an activation a pixel of a layer's result needs. */
typedef enum {
  RFDN_REACH_PIXEL,    /* the one at its place */
  RFDN_REACH_WINDOW,   /* the operation's window */
  RFDN_REACH_BILINEAR, /* the four of another grid around it */
  RFDN_REACH_WHOLE,    /* all there are */
} RfdnReach;

typedef struct {
  RfdnSlice slice;
  RfdnReach reach;
} RfdnRead;

#define RFDN_MAX_READS 5

typedef struct {
  RfdnArray *activations; /* RfdnActivation; the first one is the input */
  RfdnArray *layers;      /* RfdnLayer; the last one makes the output, scale^2 channels a colour */
  RfdnSlice input;
} RfdnGraph;

/* What there is no memory for is left out: whoever builds a graph checks at the end whether
 * anything was, and if so must not use it. */
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

/* The last layer's result, from which the picture is made. */
RfdnSlice rfdn_graph_get_output (const RfdnGraph *graph);

/* Everything that a layer reads; returns the number of entries. */
guint rfdn_layer_get_reads (const RfdnLayer *layer, const RfdnGraph *graph,
                            RfdnRead reads[RFDN_MAX_READS]);

/* The grid of a layer's result. */
RfdnGrid rfdn_layer_get_grid (const RfdnLayer *layer, const RfdnGraph *graph);

/* Sets what readers of `activation` see beyond the frame's border; zeros if never called. */
void rfdn_graph_set_border (RfdnGraph *graph, guint activation, RfdnBorder border);

/* Whether some layer needs the whole frame: then there are no tiles. */
gboolean rfdn_graph_needs_whole (const RfdnGraph *graph);

/* Whether there are ESA's grids, which need a minimum size to exist. */
gboolean rfdn_graph_pools (const RfdnGraph *graph);

/* Whether an output pixel depends on no more than the halo: no layer pools. */
gboolean rfdn_graph_is_finite (const RfdnGraph *graph);

/* Pixels of FRAME on each side that an output pixel depends on through its convolutions alone:
 * what ESA's pooling adds is left out. The same in cells of 4x4 pixels, of which each convolution
 * asks for whole ones. */
guint rfdn_graph_get_halo (const RfdnGraph *graph);
guint rfdn_graph_get_halo_cells (const RfdnGraph *graph);

/* Multiply-adds per LR pixel in a large frame, and the number of weights and biases. */
guint64 rfdn_graph_get_macs (const RfdnGraph *graph);
guint64 rfdn_graph_get_n_parameters (const RfdnGraph *graph);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnGraph, rfdn_graph_free)

#endif
