/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_SIMULATOR_H
#define TEST_SIMULATOR_H

#include "schedule.h"

/* Simulates a schedule without arithmetic: where each row of each activation lies, and which tasks
 * write and read it. It works out independently of schedule.c which rows a layer reads. */

/* What a tile is computed by. */
typedef struct {
  const RfdnGraph *graph;
  const RfdnArray *groups;
  const RfdnRect *regions; /* the tile's own */
  gint width, height;      /* of the frame */
  gboolean attention;
  const RfdnSchedule *schedule;
} Plan;

/* NULL if the tasks of each group write every row once in each chunk, from top to bottom; else what
 * is wrong. */
char *simulator_check_rows (const Plan *plan);

/* NULL if every task finds its inputs complete and overwrites nothing that is needed, whichever
 * threads take the units, as long as no unit begins before the bundles that its bundle waits for
 * are done; else what is wrong. */
char *simulator_check_order (const Plan *plan);

#endif
