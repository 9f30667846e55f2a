/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What simd-int16-ops.h needs, with 128 bits. */

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
round_quarter (Vec16 a)
{
  return (a + 2) >> 2;
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

INLINE Vec16
or_three (Vec16 a, Vec16 b, Vec16 c)
{
  return a | b | c;
}

INLINE Vec32
shift_right (Vec32 a, gint n)
{
  return (Vec32) _mm_sra_epi32 ((__m128i) a, _mm_cvtsi32_si128 (n));
}

INLINE Vec32
shift_left (Vec32 a, gint n)
{
  return (Vec32) _mm_sll_epi32 ((__m128i) a, _mm_cvtsi32_si128 (n));
}

/* SSE2 cannot shift each lane by its own count: shift all of them by the least, then some by 1, 2
 * and 4 more under masks. */
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
pack (Vec32 a, Vec32 b)
{
  return (Vec16) _mm_packs_epi32 ((__m128i) a, (__m128i) b);
}

INLINE Vec16
interleave (Vec16 v)
{
  return (Vec16) _mm_unpacklo_epi16 ((__m128i) v, _mm_srli_si128 ((__m128i) v, 8));
}

INLINE gboolean
is_any (Vec32 a)
{
  return _mm_movemask_epi8 (_mm_cmpeq_epi32 ((__m128i) a, _mm_setzero_si128 ())) != 0xffff;
}
