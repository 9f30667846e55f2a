/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_POOL_H
#define RFDN_POOL_H

#include "rfdn.h"

/* The threads of one or more upscalers and resamplers (see rfdn_pool_new()): the caller of
 * rfdn_pool_run() and helpers, which sleep between two runs. They are OpenMP's, in a parallel
 * region that lasts as long as the pool: OpenMP's own threads would spin for milliseconds after
 * each region, and belong to nobody. */

/* Who takes part in a run: the caller has number 0. */
typedef struct {
  RfdnPool *pool;
  guint index;
} RfdnMember;

/* One who works by itself, and stays. */
#define RFDN_MEMBER_ALONE ((RfdnMember){NULL, 0})

typedef void (*RfdnPoolFunc) (RfdnMember member, gpointer data);

/* The most members that a run can have. */
guint rfdn_pool_get_size (const RfdnPool *pool);

/* Calls `func` in the caller and in helpers, each with its own number below the pool's size, and
 * returns when all have returned. How many helpers there are, and when they begin, is not sure:
 * `func` is to take from common work until there is none. One run at a time. */
void rfdn_pool_run (RfdnPool *pool, RfdnPoolFunc func, gpointer data);

/* Whether a member is to return, with work left to the others: more threads are at work in this
 * process than there are processors. */
gboolean rfdn_member_must_leave (RfdnMember member);

#endif
