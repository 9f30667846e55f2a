/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_SCHEDULE_H
#define RFDN_SCHEDULE_H

#include "planner.h"

/* The order in which a tile is computed: rows roll through the layers.
 *
 * The input is loaded a few rows at a time, and after each load every layer goes as far as its
 * inputs allow. So an activation is kept no longer than later layers need it, in a ring of strips,
 * and a frame of any height takes the same memory. Attention rolls along: its pooled maps lag some
 * forty rows behind the features that they weigh.
 *
 * A schedule is a list of tasks. One thread works it off from first to last; several take the next
 * task each, and begin it as soon as enough of those in front of it are done. Order and arithmetic
 * of a task are the same for any number of threads, and so is the result. */

/* Layers that are computed together, strip by strip: each needs of the others no row but those of
 * its own strip. A group without layers stands for loading the input. */
typedef struct {
  guint first, end; /* layers */
} RfdnGroup;

/* Rows y0 to y1 - 1 of what a group writes, at most a strip, in chunk `chunk` of `n_chunks` from
 * left to right. */
typedef struct {
  guint16 group;
  guint8 chunk, n_chunks;
  gint y0, y1;
  guint after; /* so many tasks, from the schedule's first on, must be done before this one */
} RfdnTask;

/* The groups of a graph, in the order of its layers, loading first. An array of RfdnGroup. */
GArray *rfdn_find_groups (const RfdnGraph *graph);

/* The tasks of a tile with these regions, an array of RfdnTask; rings[i] is raised to the number of
 * strips of activation i that the order needs at the same time. `after` is not set yet. */
GArray *rfdn_schedule_new (const RfdnGraph *graph, const GArray *groups, const RfdnLayout *layout,
                           const RfdnRect *regions, guint *rings);

/* Sets `after` of all tasks, given rings at least as long as rfdn_schedule_new() asked for. */
void rfdn_schedule_link (GArray *tasks, const RfdnGraph *graph, const GArray *groups,
                         const RfdnLayout *layout, const RfdnRect *regions, const guint *rings);

#endif
