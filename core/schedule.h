/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_SCHEDULE_H
#define RFDN_SCHEDULE_H

#include "region.h"

/* The order in which a tile is computed, and where its activations lie: rows roll through the
 * layers.
 *
 * The input is loaded a few rows at a time, and after each load every layer goes as far as its
 * inputs allow. Attention rolls along: its pooled maps lag some forty rows behind the features that
 * they weigh. So a strip of an activation is kept only as long as later layers need it, and a frame
 * of any height takes the same memory: strips live in pages, which are allocated in advance, like
 * registers by a compiler. A strip gets the page that was returned last, which is still in the
 * cache.
 *
 * A schedule is a list of tasks and their dependencies. One thread does them from first to last;
 * several each take the first task that can be started, wherever it is in the list. What a task
 * computes is the same for any number of threads, and so is the result. */

/* Layers that are computed together, strip by strip: each needs only rows of its own strip from the
 * others. A group without layers stands for loading the input. */
typedef struct {
  guint first, end; /* layers */
} RfdnGroup;

/* Rows y0 to y1 - 1 of what a group writes, at most a strip, in chunk `chunk` of `n_chunks` from
 * left to right. */
typedef struct {
  guint16 group;
  guint8 chunk, n_chunks;
  gboolean joined; /* to the task in front: the thread that does that one does this one next */
  gint y0, y1;
} RfdnTask;

/* Tasks with the same dependencies that count as one dependency: all chunks of a strip, which
 * several threads may do, or a task and those joined to it, which one thread does in turn. The last
 * bundle has no tasks: it stands for the end. */
typedef struct {
  guint first_unit, n_units;
  guint n_before;                    /* bundles that must be done before it */
  guint first_follower, n_followers; /* those that wait for it: numbers of bundles */
} RfdnBundle;

/* What a thread takes: a task and those joined to it. */
typedef struct {
  guint task;
  guint bundle;
} RfdnUnit;

/* The groups of a graph, in the order of its layers, loading first. An array of RfdnGroup, or NULL
 * if there is no memory. */
RfdnArray *rfdn_find_groups (const RfdnGraph *graph);

/* Strips of activations that have grid and channels in common share pages. */
typedef struct {
  RfdnGrid grid;
  guint channels;
} RfdnPageKind;

typedef struct {
  RfdnArray *tasks;   /* RfdnTask */
  RfdnArray *bundles; /* RfdnBundle; each depends only on earlier ones */
  RfdnArray *units;   /* RfdnUnit, in the order of the tasks */
  guint *followers;   /* of all bundles */
  guint32 **page;     /* of each activation and strip, within its kind */
  guint *kind;        /* of each activation: index of its kind */
  RfdnArray *kinds;   /* RfdnPageKind */
  guint *n_pages;     /* of each kind */
} RfdnSchedule;

/* The schedule of a tile with these regions. It can be used for all tiles that have the same rows;
 * NULL if there is no memory. */
RfdnSchedule *rfdn_schedule_new (const RfdnGraph *graph, const RfdnArray *groups,
                                 const RfdnLayout *layout, const RfdnRect *regions);
void rfdn_schedule_free (RfdnSchedule *schedule);

/* The second half of rfdn_schedule_new(), in pages.c: where the tasks' strips lie, and which
 * bundles depend on which. FALSE if there is no memory. */
gboolean rfdn_schedule_place (RfdnSchedule *schedule, const RfdnGraph *graph,
                              const RfdnArray *groups, const RfdnLayout *layout,
                              const RfdnRect *regions);

#endif
