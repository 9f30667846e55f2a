/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Vectors of words of two 16-bit integers, and what C has no operators for. */

#if VECTOR_FLOATS > 4
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#else
#include <arm_neon.h>
#endif

typedef gint16 Vec16 __attribute__ ((vector_size (4 * VECTOR_FLOATS), may_alias));
typedef gint32 Vec32 __attribute__ ((vector_size (4 * VECTOR_FLOATS), may_alias));
typedef Vec16 Vec16At __attribute__ ((aligned (4), may_alias));
typedef Vec32 Vec32At __attribute__ ((aligned (4), may_alias));

INLINE Vec16
load16 (const float *from)
{
  return *(const Vec16At *) from;
}

INLINE void
store16 (float *to, Vec16 v)
{
  *(Vec16At *) to = v;
}

INLINE Vec32
load32 (const float *from)
{
  return *(const Vec32At *) from;
}

INLINE void
store32 (float *to, Vec32 v)
{
  *(Vec32At *) to = v;
}

INLINE Vec16
splat16 (gint16 v)
{
  return v - (Vec16){0};
}

INLINE Vec32
splat32 (gint32 v)
{
  return v - (Vec32){0};
}

INLINE Vec32
max32 (Vec32 a, Vec32 b)
{
  const Vec32 mask = a > b;
  return (a & mask) | (b & ~mask);
}

/* dot (acc, a, b): acc + the products of both numbers of a word.
 * multiply_round (a, b): a b + 2^14 >> 15, for b > -2^15.
 * round_quarter (a): a + 2 >> 2.
 * add_saturated, max16, min16: of each number. or_three (a, b, c): a | b | c.
 * shift_right (a, n), shift_left (a, n): every lane by n. shift_right_lanes (a, n, k): each lane by
 * n - k, where k is 0 to RFDN_INT16_MAX_EXPONENT. pack (a, b): numbers of both, saturated, in
 * whatever order suits the processor; interleave() makes words of them, of a number of a and one of
 * b each. */

#if VECTOR_FLOATS == 16
#include "x86/int16-avx512.h"
#elif VECTOR_FLOATS == 8
#include "x86/int16-avx2.h"
#elif defined(__SSE2__)
#include "x86/int16-sse2.h"
#else
#include "arm/int16-neon.h"
#endif

/* Words of both, saturated. */
INLINE Vec16
pair (Vec32 a, Vec32 b)
{
  return interleave (pack (a, b));
}
