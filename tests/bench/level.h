/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BENCH_LEVEL_H
#define BENCH_LEVEL_H

#include "rfdn.h"

/* What the benchmarks share about CPU levels. */

/* The level that `name` names, "auto" included. FALSE when there is none. */
gboolean level_find (const char *name, RfdnCpu *cpu);

/* Floating-point operations a second of one core at a level, two a multiply-add: measured now. */
double level_measure_peak (RfdnCpu cpu);

/* Nanoseconds for which the calling thread had a processor: what other programs take is left out.
 */
gint64 level_look_at_clock (void);

#endif
