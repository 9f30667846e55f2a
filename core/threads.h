/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_THREADS_H
#define RFDN_THREADS_H

#include <glib.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* The number that @n_threads of the public interface stands for; 1 in a build without OpenMP. */
guint rfdn_resolve_threads (guint n_threads);

/* Where the threads of a team wait for each other. They look on for some microseconds and then
 * sleep: a thread that is held up by other programs needs the processor more than those that wait
 * for it. (OpenMP's own barrier would spin for milliseconds.) */
typedef struct {
  GMutex mutex;
  GCond cond;
  gint arrived;
  gint round;
} RfdnBarrier;

void rfdn_barrier_init (RfdnBarrier *barrier);
void rfdn_barrier_clear (RfdnBarrier *barrier);

/* Returns when `n` threads have called it. */
void rfdn_barrier_wait (RfdnBarrier *barrier, guint n);

/* Inside a parallel region: this thread's number, and how many there are. */
static inline guint
rfdn_thread_index (void)
{
#ifdef _OPENMP
  return (guint) omp_get_thread_num ();
#else
  return 0;
#endif
}

static inline guint
rfdn_thread_count (void)
{
#ifdef _OPENMP
  return (guint) omp_get_num_threads ();
#else
  return 1;
#endif
}

#endif
