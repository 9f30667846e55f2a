/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_NAIVE_GRAPH_H
#define TEST_NAIVE_GRAPH_H

#include "graph.h"
#include "naive.h"

/* Computes a graph layer by layer, in the plainest C, in double precision: whole maps, no code
 * shared with the operations. Returns the last layer's result, before any shuffle. */
Map *naive_run_graph (const RfdnGraph *graph, const Map *in);

#endif
