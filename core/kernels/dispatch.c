/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels.h"

#include "rfdn-config.h"

#if RFDN_HAVE_X86
#include <cpuid.h>
#endif

#if RFDN_HAVE_X86
#define X86(kernels) &kernels
#else
#define X86(kernels) NULL
#endif
#if RFDN_HAVE_NEON
#define NEON(kernels) &kernels
#else
#define NEON(kernels) NULL
#endif

/* The only place that knows which levels this build has. VNNI is only about integers: for floats
 * these levels use the kernels of the level without it. */
static const struct {
  const char *name;
  const RfdnKernels *float32, *int16;
} levels[] = {
    [RFDN_CPU_AUTO] = {"auto", NULL, NULL},
    [RFDN_CPU_SCALAR] = {"scalar", &rfdn_kernels_scalar, &rfdn_kernels_scalar_int16},
    [RFDN_CPU_SSE2] = {"sse2", X86 (rfdn_kernels_sse2), X86 (rfdn_kernels_sse2_int16)},
    [RFDN_CPU_AVX2] = {"avx2", X86 (rfdn_kernels_avx2), X86 (rfdn_kernels_avx2_int16)},
    [RFDN_CPU_AVX_VNNI] = {"avx-vnni", X86 (rfdn_kernels_avx2), X86 (rfdn_kernels_avx_vnni_int16)},
    [RFDN_CPU_AVX512] = {"avx512", X86 (rfdn_kernels_avx512), X86 (rfdn_kernels_avx512_int16)},
    [RFDN_CPU_AVX512_VNNI] = {"avx512-vnni", X86 (rfdn_kernels_avx512),
                              X86 (rfdn_kernels_avx512_vnni_int16)},
    [RFDN_CPU_NEON] = {"neon", NEON (rfdn_kernels_neon), NEON (rfdn_kernels_neon_int16)},
};

const char *
rfdn_cpu_get_name (RfdnCpu cpu)
{
  return (guint) cpu < G_N_ELEMENTS (levels) ? levels[cpu].name : NULL;
}

#if RFDN_HAVE_X86
/* AVX-VNNI, which not all compilers' __builtin_cpu_supports() knows: CPUID leaf 7, 1, EAX, bit 4.
 */
static gboolean
has_avx_vnni (void)
{
  unsigned int a, b, c, d;

  return __get_cpuid_count (7, 0, &a, &b, &c, &d) && a >= 1 &&
         __get_cpuid_count (7, 1, &a, &b, &c, &d) && (a & 1u << 4) != 0;
}

/* For AVX and AVX-512 __builtin_cpu_supports() also checks that the operating system supports them
 * (XCR0). */
static gboolean
is_supported (RfdnCpu cpu)
{
  const gboolean avx2 = __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma");
  const gboolean avx512 =
      __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw") &&
      __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vl");

  switch (cpu) {
  case RFDN_CPU_AVX2:
    return avx2;
  case RFDN_CPU_AVX_VNNI:
    return avx2 && has_avx_vnni ();
  case RFDN_CPU_AVX512:
    return avx512;
  case RFDN_CPU_AVX512_VNNI:
    return avx512 && __builtin_cpu_supports ("avx512vnni");
  default:
    return TRUE;
  }
}
#else
static gboolean
is_supported (RfdnCpu cpu)
{
  return TRUE;
}
#endif

gboolean
rfdn_cpu_is_available (RfdnCpu cpu)
{
  return cpu == RFDN_CPU_AUTO ||
         ((guint) cpu < G_N_ELEMENTS (levels) && levels[cpu].float32 && is_supported (cpu));
}

static RfdnCpu
find_best (void)
{
  static const RfdnCpu best_first[] = {RFDN_CPU_AVX512_VNNI, RFDN_CPU_AVX512, RFDN_CPU_AVX_VNNI,
                                       RFDN_CPU_AVX2,        RFDN_CPU_SSE2,   RFDN_CPU_NEON,
                                       RFDN_CPU_SCALAR};
  guint i = 0;
  while (!rfdn_cpu_is_available (best_first[i]))
    i++;
  return best_first[i];
}

/* NOTES.md has the figures: 1.3 to 1.9 times as fast at all levels of x86-64 on a Xeon (Emerald
 * Rapids), hardly faster at AVX2 on an EPYC 7001, which has a single unit for integer products.
 * NEON has not been measured on a real processor. */
static gboolean
prefers_int16 (RfdnCpu cpu)
{
  return cpu != RFDN_CPU_SCALAR && cpu != RFDN_CPU_NEON;
}

/* The level that RFDN_CPU_AUTO stands for. `name` is set to the environment's name for it, if
 * any. */
static RfdnCpu
find_level (const char **name)
{
  *name = g_getenv ("RFDN_CPU");
  if (*name == NULL || **name == '\0' || g_str_equal (*name, "auto"))
    return find_best ();
  RfdnCpu cpu = RFDN_CPU_SCALAR;
  while (cpu < G_N_ELEMENTS (levels) && !g_str_equal (*name, levels[cpu].name))
    cpu++;
  return cpu;
}

const RfdnKernels *
rfdn_kernels_get (RfdnCpu cpu, RfdnPrecision precision, GError **error)
{
  const char *name = rfdn_cpu_get_name (cpu);

  if (cpu == RFDN_CPU_AUTO)
    cpu = find_level (&name);
  if (!rfdn_cpu_is_available (cpu)) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS,
                 "this machine or this build has no code for the CPU level '%s'",
                 name ? name : "(unknown)");
    return NULL;
  }
  if (precision == RFDN_PRECISION_AUTO)
    precision = prefers_int16 (cpu) ? RFDN_PRECISION_INT16 : RFDN_PRECISION_FLOAT32;
  return precision == RFDN_PRECISION_INT16 ? levels[cpu].int16 : levels[cpu].float32;
}
