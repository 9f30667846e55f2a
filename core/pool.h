/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_POOL_H
#define RFDN_POOL_H

#include "rfdn.h"

/* The threads of one or more upscalers and resamplers (see rfdn_pool_new()): the caller of
 * rfdn_pool_run() and helpers, which sleep between two runs. They are GLib's: where one cannot be
 * started, there is one less. OpenMP's, asked for a thread that it cannot start, end the process,
 * and spin for milliseconds after each region. */

/* Who takes part in a run: the caller has number 0. */
typedef struct {
  RfdnPool *pool;
  guint index;
} RfdnMember;

/* One who works by itself, and stays. */
#define RFDN_MEMBER_ALONE ((RfdnMember){NULL, 0})

typedef void (*RfdnPoolFunc) (RfdnMember member, gpointer data);

/* Calls `func` in the caller and in helpers, each with its own number below the pool's
 * rfdn_pool_get_n_threads(), and
 * returns when all have returned. How many helpers there are, and when they begin, is not sure:
 * `func` is to take from common work until there is none. One run at a time. */
void rfdn_pool_run (RfdnPool *pool, RfdnPoolFunc func, gpointer data);

/* Whether a member is to return, with work left to the others: more threads are at work in this
 * process than there are processors. */
gboolean rfdn_member_must_leave (RfdnMember member);

/* Processors that the member's pool may use. */
guint rfdn_member_get_processors (RfdnMember member);

#endif
