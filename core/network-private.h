/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_NETWORK_PRIVATE_H
#define RFDN_NETWORK_PRIVATE_H

#include "network.h"
#include "threads.h"

/* Layers that are computed together, strip by strip: each layer of a group needs of its group's
 * other layers no row but those of its own strip. The strips of a group can be computed in any
 * order, by any thread. */
typedef struct {
  guint first, end; /* layers */
  /* So little that one thread does it while the others wait. */
  gboolean serial;
} RfdnGroup;

/* An activation's place in a tile's memory. */
typedef struct {
  gsize offset;   /* floats from the arena's start */
  gsize size;     /* floats */
  guint n_strips; /* that are kept: all, or a ring of the newest */
} RfdnPlace;

struct RfdnNetwork {
  RfdnModel *model;
  const RfdnGraph *graph;
  const RfdnKernels *kernels;
  RfdnLayout layout;
  const RfdnConv **convs; /* of each layer; NULL for one without weights */
  gsize *weights;         /* of each layer: floats from `packed` */
  float *packed;
  GArray *groups;    /* RfdnGroup */
  gboolean rolling;  /* layers roll over rings of strips, instead of group by group */
  RfdnPlace *places; /* of each activation */
  gsize arena_size;  /* floats */
  gsize row_size;    /* floats: the output layer's strip */
  gsize zero_size;   /* floats: the widest row */
  gsize conv_scratch_size;
  guint max_columns; /* of any region */
};

struct RfdnScratch {
  RfdnBarrier barrier;
  float *arena;
  float *zeros;   /* a row of them */
  float *threads; /* for each thread of the team: an output strip, and what the kernels need */
  gsize thread_size;
  RfdnRect *regions;
  gint *next;           /* of each layer, when rolling: the first row that is still to do */
  gint32 *left, *right; /* for each thread: columns for the bilinear interpolation of a row */
  float *weight;
  volatile gint *strips; /* of each group, and of loading: how many strips have been taken */
};

/* Floats from a run to the next, where each holds `width` pixels from a multiple of four on. */
static inline gsize
rfdn_run_size (gint width)
{
  const gsize columns = ((gsize) width + RFDN_PHASES - 1) / RFDN_PHASES;
  return (columns + RFDN_RUN_ALIGN - 1) / RFDN_RUN_ALIGN * RFDN_RUN_ALIGN + RFDN_RUN_SLACK;
}

/* The first pixel of the column, or the first row of the strip, that pixel or row v lies in. */
static inline gint
rfdn_grain_floor (gint v)
{
  return v & ~(RFDN_GRAIN - 1);
}

/* Calls `visit` for every strip of every layer, each as soon as the rows that it needs are there;
 * layer -1 stands for loading the input. next[] has an entry for each layer and one in front of
 * them for the input; it tells which rows are still to do. */
typedef void (*RfdnRollFunc) (gint layer, gint y, const gint *next, gpointer data);

void rfdn_roll (const RfdnGraph *graph, const RfdnRect *regions, gint *next, RfdnRollFunc visit,
                gpointer data);

#endif
