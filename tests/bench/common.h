/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include "rfdn.h"

/* What the benchmarks share. */

/* The level that `name` names, "auto" included. FALSE when there is none. */
gboolean bench_find_level (const char *name, RfdnCpu *cpu);

/* Floating-point operations a second of one core at a level, two a multiply-add: measured now. */
double bench_measure_peak (RfdnCpu cpu);

/* Nanoseconds for which the calling thread had a processor: what other programs take is left out.
 */
gint64 bench_look_at_clock (void);

/* In ascending order. */
void bench_sort (double *values, guint n);

#endif
