/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Vectors of words of two 16-bit integers, and what C has no operators for. */

#if VECTOR_FLOATS == 8
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
 * add_saturated, max16, min16: of each number.
 * shift_right (a, n): every lane by n. shift_right_lanes (a, n, k): each lane by n - k, where k is
 * 0 to RFDN_INT16_MAX_EXPONENT. pair (a, b): words of both, saturated. */

#if VECTOR_FLOATS == 8

INLINE Vec32
dot (Vec32 acc, Vec16 a, Vec16 b)
{
  return acc + (Vec32) _mm256_madd_epi16 ((__m256i) a, (__m256i) b);
}

INLINE Vec16
multiply_round (Vec16 a, Vec16 b)
{
  return (Vec16) _mm256_mulhrs_epi16 ((__m256i) a, (__m256i) b);
}

INLINE Vec16
add_saturated (Vec16 a, Vec16 b)
{
  return (Vec16) _mm256_adds_epi16 ((__m256i) a, (__m256i) b);
}

INLINE Vec16
max16 (Vec16 a, Vec16 b)
{
  return (Vec16) _mm256_max_epi16 ((__m256i) a, (__m256i) b);
}

INLINE Vec16
min16 (Vec16 a, Vec16 b)
{
  return (Vec16) _mm256_min_epi16 ((__m256i) a, (__m256i) b);
}

INLINE Vec32
shift_right (Vec32 a, gint n)
{
  return (Vec32) _mm256_sra_epi32 ((__m256i) a, _mm_cvtsi32_si128 (n));
}

INLINE Vec32
shift_right_lanes (Vec32 a, gint n, Vec32 k)
{
  return a >> (n - k);
}

INLINE Vec16
pair (Vec32 a, Vec32 b)
{
  const __m256i order = _mm256_broadcastsi128_si256 (
      _mm_setr_epi8 (0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
  return (Vec16) _mm256_shuffle_epi8 (_mm256_packs_epi32 ((__m256i) a, (__m256i) b), order);
}

INLINE gboolean
is_any (Vec32 a)
{
  return !_mm256_testz_si256 ((__m256i) a, (__m256i) a);
}

#elif defined(__SSE2__)

INLINE Vec32
dot (Vec32 acc, Vec16 a, Vec16 b)
{
  return acc + (Vec32) _mm_madd_epi16 ((__m128i) a, (__m128i) b);
}

/* From both halves of the product. */
INLINE Vec16
multiply_round (Vec16 a, Vec16 b)
{
  const __m128i low = _mm_mullo_epi16 ((__m128i) a, (__m128i) b);
  const __m128i high = _mm_mulhi_epi16 ((__m128i) a, (__m128i) b);
  const __m128i top = _mm_srli_epi16 (low, 14);
  return (Vec16) _mm_add_epi16 (_mm_add_epi16 (high, high),
                                _mm_srli_epi16 (_mm_add_epi16 (top, _mm_set1_epi16 (1)), 1));
}

INLINE Vec16
add_saturated (Vec16 a, Vec16 b)
{
  return (Vec16) _mm_adds_epi16 ((__m128i) a, (__m128i) b);
}

INLINE Vec16
max16 (Vec16 a, Vec16 b)
{
  return (Vec16) _mm_max_epi16 ((__m128i) a, (__m128i) b);
}

INLINE Vec16
min16 (Vec16 a, Vec16 b)
{
  return (Vec16) _mm_min_epi16 ((__m128i) a, (__m128i) b);
}

INLINE Vec32
shift_right (Vec32 a, gint n)
{
  return (Vec32) _mm_sra_epi32 ((__m128i) a, _mm_cvtsi32_si128 (n));
}

/* There is no shift of each lane by its own number: all of them by the least, then some of them by
 * 1, 2 and 4 more. */
INLINE Vec32
shift_right_lanes (Vec32 a, gint n, Vec32 k)
{
  const Vec32 more = RFDN_INT16_MAX_EXPONENT - k;
  Vec32 v = shift_right (a, n - RFDN_INT16_MAX_EXPONENT);

#pragma GCC unroll 3
  for (gint bit = 0; bit < 3; bit++) {
    const Vec32 mask = more << (31 - bit) >> 31;
    v = ((v >> (1 << bit)) & mask) | (v & ~mask);
  }
  return v;
}

INLINE Vec16
pair (Vec32 a, Vec32 b)
{
  const __m128i both = _mm_packs_epi32 ((__m128i) a, (__m128i) b);
  return (Vec16) _mm_unpacklo_epi16 (both, _mm_srli_si128 (both, 8));
}

INLINE gboolean
is_any (Vec32 a)
{
  return _mm_movemask_epi8 (_mm_cmpeq_epi32 ((__m128i) a, _mm_setzero_si128 ())) != 0xffff;
}

#else

INLINE Vec32
dot (Vec32 acc, Vec16 a, Vec16 b)
{
  const int16x8_t x = (int16x8_t) a, y = (int16x8_t) b;
  return acc +
         (Vec32) vpaddq_s32 (vmull_s16 (vget_low_s16 (x), vget_low_s16 (y)), vmull_high_s16 (x, y));
}

INLINE Vec16
multiply_round (Vec16 a, Vec16 b)
{
  return (Vec16) vqrdmulhq_s16 ((int16x8_t) a, (int16x8_t) b);
}

INLINE Vec16
add_saturated (Vec16 a, Vec16 b)
{
  return (Vec16) vqaddq_s16 ((int16x8_t) a, (int16x8_t) b);
}

INLINE Vec16
max16 (Vec16 a, Vec16 b)
{
  return (Vec16) vmaxq_s16 ((int16x8_t) a, (int16x8_t) b);
}

INLINE Vec16
min16 (Vec16 a, Vec16 b)
{
  return (Vec16) vminq_s16 ((int16x8_t) a, (int16x8_t) b);
}

INLINE Vec32
shift_right (Vec32 a, gint n)
{
  return (Vec32) vshlq_s32 ((int32x4_t) a, vdupq_n_s32 (-n));
}

INLINE Vec32
shift_right_lanes (Vec32 a, gint n, Vec32 k)
{
  return (Vec32) vshlq_s32 ((int32x4_t) a, (int32x4_t) (k - n));
}

INLINE Vec16
pair (Vec32 a, Vec32 b)
{
  const int16x4x2_t both = vzip_s16 (vqmovn_s32 ((int32x4_t) a), vqmovn_s32 ((int32x4_t) b));
  return (Vec16) vcombine_s16 (both.val[0], both.val[1]);
}

INLINE gboolean
is_any (Vec32 a)
{
  return vmaxvq_u32 ((uint32x4_t) a) != 0;
}

#endif
