/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_SIMULATOR_H
#define TEST_SIMULATOR_H

#include "schedule.h"

/* A schedule without arithmetic: which row of which activation lies where, who wrote it and who
 * read it. It states by itself which rows a layer reads, and takes nothing from schedule.c. */

/* What a tile is computed by. */
typedef struct {
  const RfdnGraph *graph;
  const RfdnArray *groups;
  const RfdnRect *regions; /* the tile's own */
  gint width, height;      /* of the frame */
  gboolean attention;
  const RfdnSchedule *schedule;
} Plan;

/* NULL if the tasks have every row that their group writes once in each chunk, from top to bottom;
 * else what is wrong. */
char *simulator_check_rows (const Plan *plan);

/* NULL if every task finds what it reads, done, and harms no other, whichever thread takes which
 * unit as long as it begins none before the bundles are done that its own waits for; else what is
 * wrong. */
char *simulator_check_order (const Plan *plan);

#endif
