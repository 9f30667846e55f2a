/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_NETWORK_PRIVATE_H
#define RFDN_NETWORK_PRIVATE_H

#include "network.h"
#include "ops/op.h"
#include "profile.h"
#include "schedule.h"
#include "storage.h"

/* Where the pages of a kind lie in a scratch's memory. */
typedef struct {
  gsize offset; /* floats from the arena's start */
  gsize size;   /* floats of a page, slack included */
  guint n;
} RfdnPages;

struct RfdnNetwork {
  RfdnModel *model;
  const RfdnGraph *graph;
  const RfdnKernels *kernels;
  RfdnLayout layout;
  const RfdnWeights *weights; /* the model's */
  RfdnArray *groups;          /* RfdnGroup */
  RfdnSchedule **schedules;   /* of each row of tiles */
  RfdnPages *pages;           /* of each kind */
  gsize arena_size;           /* floats */
  gsize row_size;             /* floats: the output layer's strip */
  gsize zero_size;            /* floats: the widest row */
  guint max_columns;          /* of any region */
};

/* Nanoseconds in a layer: see RfdnLayerTime. */
typedef struct {
  gint64 kernel, rest;
} RfdnTimes;

/* A cache line: two processors cannot write to the same one without waiting for each other. */
#define RFDN_LINE 64

/* What threads share about a bundle, and about RFDN_WORD units: see run.c. */
typedef struct {
  gint missing; /* bundles that must be done before */
  gint left;    /* units that are not finished */
  guint8 line[RFDN_LINE - 2 * sizeof (gint)];
} RfdnCount;

#define RFDN_WORD 32

typedef struct {
  guint ready; /* a bit for each unit that can be started */
  gint n;      /* units that have not been started */
  guint8 line[RFDN_LINE - 2 * sizeof (gint)];
} RfdnWord;

/* A thread's own data. */
typedef struct {
  gint round;           /* the run that the rest belongs to */
  guint tile;           /* of the run's last task; `regions` are this one's */
  RfdnRect *regions;    /* of each activation */
  guint upsampled;      /* the layer that left, right and weight were made for; 0: none */
  gint32 *left, *right; /* columns for the bilinear interpolation of a row */
  float *weight;
  float *splat;     /* as many columns as a run has, filled with one number */
  float *memory;    /* what the kernels need, and an output strip */
  RfdnTimes *times; /* of loading and of each layer, or NULL: not measured */
  float *ranges;    /* the largest magnitude of each channel of each activation, or NULL */
} RfdnWorker;

struct RfdnScratch {
  gpointer memory;
  float *arena; /* the pages, in `memory` */
  float *zeros; /* a row of them */
  guint n_workers;
  RfdnWorker *workers;

  const RfdnStop *stop; /* the upscaler's: whether to return */
  gint round;           /* counts runs */

  /* The run at hand: see run.c for who may read and write what. */
  guint tile, last_tile;
  const RfdnSchedule *schedule; /* the tile's */
  gpointer shared;              /* memory of what follows */
  RfdnCount *counts;            /* of each bundle */
  RfdnWord *words;
  guint8 before_first[RFDN_LINE];
  gint first, top; /* words */
  gint over;       /* no unit is left to start, or the run is abandoned */
  guint8 before_awake[RFDN_LINE];
  gint awake, asleep, called; /* threads */
  GMutex mutex;
  GCond cond;
};

/* For tests: called before and after each task by the thread that does it. */
typedef void (*RfdnTaskHook) (const RfdnSchedule *schedule, guint task, gboolean is_done);
void rfdn_run_set_hook (RfdnTaskHook hook);

/* Computes one task, of the tile whose regions the worker has. */
void rfdn_task_run (const RfdnNetwork *network, const RfdnSchedule *schedule, const RfdnTask *task,
                    const RfdnPicture *picture, const RfdnScratch *scratch, RfdnWorker *worker);

/* For profile.h: starts, names the layers, and adds what a scratch's threads measured. */
void rfdn_network_start_profile (const RfdnNetwork *network, RfdnScratch *scratch);
RfdnLayerTime *rfdn_network_get_profile (const RfdnNetwork *network, guint *n);
void rfdn_scratch_add_profile (const RfdnScratch *scratch, RfdnLayerTime *times, guint n);

/* For ranges.h: starts, keeps what row r of a part holds, adds up what a scratch's threads saw, and
 * puts it into words. `ranges` has an entry for each channel of each activation. */
void rfdn_network_start_ranges (const RfdnNetwork *network, RfdnScratch *scratch);
void rfdn_ranges_add_row (float *ranges, const RfdnGraph *graph, const RfdnPart *part, guint r);
float *rfdn_ranges_new (const RfdnGraph *graph);
void rfdn_scratch_add_ranges (const RfdnScratch *scratch, float *ranges, const RfdnGraph *graph);
char *rfdn_ranges_print (float *ranges, const RfdnGraph *graph);

#endif
