/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many multiply-adds a core can do at most: chains of them on registers, enough to hide their
 * latency. Compiled once for each CPU level, with PEAK_NAME and PEAK_FLOATS defined. */

#include "peak.h"

#include "common.h"

#if PEAK_FLOATS == 1
typedef float Vec;
#else
typedef float Vec __attribute__ ((vector_size (4 * PEAK_FLOATS)));
#endif

#define CHAINS 12

double
PEAK_NAME (void)
{
  const guint rounds = 2000000;
  double best = 0;

  for (guint repeat = 0; repeat < 9; repeat++) {
    Vec sum[CHAINS], a = 0.999f - (Vec){0}, b = 1e-3f - (Vec){0};
    for (guint i = 0; i < CHAINS; i++)
      sum[i] = (float) i - (Vec){0};
    gint64 start = bench_look_at_clock ();
    for (guint r = 0; r < rounds; r++) {
#pragma GCC unroll 12
      for (guint i = 0; i < CHAINS; i++) {
        sum[i] = sum[i] * a + b;
        __asm__ volatile("" : "+" PEAK_REGISTER (sum[i]));
      }
    }
    double seconds = (double) (bench_look_at_clock () - start) / 1e9;
    best = MAX (best, 2.0 * rounds * CHAINS * PEAK_FLOATS / seconds);
  }
  return best;
}
