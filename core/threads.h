/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_THREADS_H
#define RFDN_THREADS_H

#include <glib.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* The number that @n_threads of the public interface stands for; 1 in a build without OpenMP. */
guint rfdn_resolve_threads (guint n_threads);

/* A hint to the processor that a thread does nothing but look whether something has changed. */
void rfdn_relax (void);

/* Inside a parallel region: this thread's number. */
static inline guint
rfdn_thread_index (void)
{
#ifdef _OPENMP
  return (guint) omp_get_thread_num ();
#else
  return 0;
#endif
}

#endif
