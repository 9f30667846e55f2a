/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels.h"

#include <string.h>

#include "rfdn-config.h"

static const char *const names[] = {
    [RFDN_CPU_AUTO] = "auto", [RFDN_CPU_SCALAR] = "scalar", [RFDN_CPU_SSE2] = "sse2",
    [RFDN_CPU_AVX2] = "avx2", [RFDN_CPU_AVX512] = "avx512", [RFDN_CPU_NEON] = "neon",
};

const char *
rfdn_cpu_get_name (RfdnCpu cpu)
{
  return (guint) cpu < G_N_ELEMENTS (names) ? names[cpu] : NULL;
}

/* The only place that knows which levels this build has. What __builtin_cpu_supports() answers for
 * AVX and AVX-512 includes the operating system's consent (XCR0). */
static const RfdnKernels *
lookup (RfdnCpu cpu)
{
  switch (cpu) {
  case RFDN_CPU_SCALAR:
    return &rfdn_kernels_scalar;
#if RFDN_HAVE_X86
  case RFDN_CPU_SSE2:
    return &rfdn_kernels_sse2;
  case RFDN_CPU_AVX2:
    return __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma") ? &rfdn_kernels_avx2
                                                                             : NULL;
  case RFDN_CPU_AVX512:
    return __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw") &&
                   __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vl")
               ? &rfdn_kernels_avx512
               : NULL;
#endif
#if RFDN_HAVE_NEON
  case RFDN_CPU_NEON:
    return &rfdn_kernels_neon;
#endif
  default:
    return NULL;
  }
}

/* There are none for AVX-512 yet: AVX2's do. */
const RfdnKernels *
rfdn_kernels_get_int16 (const RfdnKernels *kernels)
{
  switch (kernels->cpu) {
#if RFDN_HAVE_X86
  case RFDN_CPU_SSE2:
    return &rfdn_kernels_sse2_int16;
  case RFDN_CPU_AVX2:
  case RFDN_CPU_AVX512:
    return &rfdn_kernels_avx2_int16;
#endif
#if RFDN_HAVE_NEON
  case RFDN_CPU_NEON:
    return &rfdn_kernels_neon_int16;
#endif
  default:
    return &rfdn_kernels_scalar_int16;
  }
}

/* x2, 640x360, one thread of an EPYC 7001 (rfdn-bench -m MODEL -t 1 -c LEVEL -p PRECISION): `live`
 * is 1.36 times as quick at SSE2 and 1.05 at AVX2, `balanced` 1.10 and 1.02. That processor has one
 * unit for products of integers and two for those of floats; others have two. AVX2's have not been
 * measured against AVX-512's floats. */
gboolean
rfdn_kernels_prefer_int16 (const RfdnKernels *kernels)
{
  return kernels->cpu == RFDN_CPU_SSE2 || kernels->cpu == RFDN_CPU_AVX2;
}

gboolean
rfdn_cpu_is_available (RfdnCpu cpu)
{
  return cpu == RFDN_CPU_AUTO || lookup (cpu) != NULL;
}

static const RfdnKernels *
lookup_best (void)
{
  static const RfdnCpu best_first[] = {RFDN_CPU_AVX512, RFDN_CPU_AVX2, RFDN_CPU_SSE2, RFDN_CPU_NEON,
                                       RFDN_CPU_SCALAR};
  guint i = 0;
  while (lookup (best_first[i]) == NULL)
    i++;
  return lookup (best_first[i]);
}

const RfdnKernels *
rfdn_kernels_get (RfdnCpu cpu, GError **error)
{
  const char *name = rfdn_cpu_get_name (cpu);

  if (cpu == RFDN_CPU_AUTO) {
    name = g_getenv ("RFDN_CPU");
    if (name == NULL || *name == '\0' || g_str_equal (name, "auto"))
      return lookup_best ();
    for (cpu = RFDN_CPU_SCALAR; cpu < G_N_ELEMENTS (names); cpu++) {
      if (g_str_equal (name, names[cpu]))
        break;
    }
  }

  const RfdnKernels *kernels = lookup (cpu);
  if (kernels == NULL)
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS,
                 "this machine or this build has no code for the CPU level '%s'",
                 name ? name : "(unknown)");
  return kernels;
}
