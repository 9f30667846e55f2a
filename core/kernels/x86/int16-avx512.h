/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What simd-int16-ops.h needs, with 512 bits. */

INLINE Vec32
dot (Vec32 acc, Vec16 a, Vec16 b)
{
#ifdef __AVX512VNNI__
  return (Vec32) _mm512_dpwssd_epi32 ((__m512i) acc, (__m512i) a, (__m512i) b);
#else
  return acc + (Vec32) _mm512_madd_epi16 ((__m512i) a, (__m512i) b);
#endif
}

INLINE Vec16
multiply_round (Vec16 a, Vec16 b)
{
  return (Vec16) _mm512_mulhrs_epi16 ((__m512i) a, (__m512i) b);
}

INLINE Vec16
round_quarter (Vec16 a)
{
  return multiply_round (a, splat16 (1 << 13));
}

INLINE Vec16
add_saturated (Vec16 a, Vec16 b)
{
  return (Vec16) _mm512_adds_epi16 ((__m512i) a, (__m512i) b);
}

INLINE Vec16
max16 (Vec16 a, Vec16 b)
{
  return (Vec16) _mm512_max_epi16 ((__m512i) a, (__m512i) b);
}

INLINE Vec16
min16 (Vec16 a, Vec16 b)
{
  return (Vec16) _mm512_min_epi16 ((__m512i) a, (__m512i) b);
}

INLINE Vec16
or_three (Vec16 a, Vec16 b, Vec16 c)
{
  return (Vec16) _mm512_ternarylogic_epi32 ((__m512i) a, (__m512i) b, (__m512i) c, 0xfe);
}

/* With a count for each lane, which is one instruction; with one count that is not a constant it
 * would be two.
 */
INLINE Vec32
shift_right (Vec32 a, gint n)
{
  return (Vec32) _mm512_srav_epi32 ((__m512i) a, _mm512_set1_epi32 (n));
}

INLINE Vec32
shift_left (Vec32 a, gint n)
{
  return (Vec32) _mm512_sllv_epi32 ((__m512i) a, _mm512_set1_epi32 (n));
}

INLINE Vec32
shift_right_lanes (Vec32 a, gint n, Vec32 k)
{
  return (Vec32) _mm512_srav_epi32 ((__m512i) a, (__m512i) (n - k));
}

INLINE Vec16
pack (Vec32 a, Vec32 b)
{
  return (Vec16) _mm512_packs_epi32 ((__m512i) a, (__m512i) b);
}

INLINE Vec16
interleave (Vec16 v)
{
  const __m512i order =
      _mm512_broadcast_i32x4 (_mm_setr_epi8 (0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
  return (Vec16) _mm512_shuffle_epi8 ((__m512i) v, order);
}

INLINE gboolean
is_any (Vec32 a)
{
  return _mm512_test_epi32_mask ((__m512i) a, (__m512i) a) != 0;
}
