/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_POOL_H
#define RFDN_POOL_H

#include "rfdn.h"

/* The threads of one or more upscalers and resamplers (see rfdn_pool_new()): the caller of
 * rfdn_pool_run() and helpers, which sleep between two runs. They are GLib threads: if one cannot
 * be started, there is one less. OpenMP would abort if it cannot start a thread, and its threads
 * spin for milliseconds after each region. */

/* Who takes part in a run: the caller has number 0. */
typedef struct {
  RfdnPool *pool;
  guint index;
} RfdnMember;

/* A member that works alone and never has to leave. */
#define RFDN_MEMBER_ALONE ((RfdnMember){NULL, 0})

typedef void (*RfdnPoolFunc) (RfdnMember member, gpointer data);

/* Calls `func` in the caller and in helpers, each with its own number below
 * rfdn_pool_get_n_threads(), and returns when all have returned. How many helpers join, and when,
 * is not known: `func` has to take shared work until there is none. One run at a time. */
void rfdn_pool_run (RfdnPool *pool, RfdnPoolFunc func, gpointer data);

/* Whether a member should return and leave its work to the others: more threads are at work in this
 * process than there are processors. */
gboolean rfdn_member_must_leave (RfdnMember member);

/* Number of processors that the member's pool may use. */
guint rfdn_member_get_processors (RfdnMember member);

#endif
