/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"

#include <stdlib.h>
#include <time.h>

#include "peak.h"
#include "rfdn-config.h"

gboolean
bench_find_level (const char *name, RfdnCpu *cpu)
{
  for (*cpu = RFDN_CPU_AUTO; rfdn_cpu_get_name (*cpu) != NULL; (*cpu)++) {
    if (g_str_equal (rfdn_cpu_get_name (*cpu), name))
      return TRUE;
  }
  return FALSE;
}

double
bench_measure_peak (RfdnCpu cpu)
{
  switch (cpu) {
#if RFDN_HAVE_X86
  case RFDN_CPU_SSE2:
    return peak_sse2 ();
  case RFDN_CPU_AVX2:
    return peak_avx2 ();
  case RFDN_CPU_AVX512:
    return peak_avx512 ();
#endif
#if RFDN_HAVE_NEON
  case RFDN_CPU_NEON:
    return peak_neon ();
#endif
  default:
    return peak_scalar ();
  }
}

gint64
bench_look_at_clock (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

void
bench_sort (double *values, guint n)
{
  qsort (values, n, sizeof *values, compare);
}
