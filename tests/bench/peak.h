/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <glib.h>

/* Floating-point operations a second of one core at each CPU level, two a multiply-add. */
double peak_scalar (void);
double peak_sse2 (void);
double peak_avx2 (void);
double peak_avx512 (void);
double peak_neon (void);

#endif
