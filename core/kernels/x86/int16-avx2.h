/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What simd-int16-ops.h needs, with 256 bits. */

INLINE Vec32
dot (Vec32 acc, Vec16 a, Vec16 b)
{
#ifdef __AVXVNNI__
  return (Vec32) _mm256_dpwssd_avx_epi32 ((__m256i) acc, (__m256i) a, (__m256i) b);
#else
  return acc + (Vec32) _mm256_madd_epi16 ((__m256i) a, (__m256i) b);
#endif
}

INLINE Vec16
multiply_round (Vec16 a, Vec16 b)
{
  return (Vec16) _mm256_mulhrs_epi16 ((__m256i) a, (__m256i) b);
}

INLINE Vec16
round_quarter (Vec16 a)
{
  return multiply_round (a, splat16 (1 << 13));
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

INLINE Vec16
or_three (Vec16 a, Vec16 b, Vec16 c)
{
  return a | b | c;
}

/* With a count for each lane, which is one instruction; with one count that is not a constant it
 * would be two.
 */
INLINE Vec32
shift_right (Vec32 a, gint n)
{
  return (Vec32) _mm256_srav_epi32 ((__m256i) a, _mm256_set1_epi32 (n));
}

INLINE Vec32
shift_left (Vec32 a, gint n)
{
  return (Vec32) _mm256_sllv_epi32 ((__m256i) a, _mm256_set1_epi32 (n));
}

INLINE Vec32
shift_right_lanes (Vec32 a, gint n, Vec32 k)
{
  return (Vec32) _mm256_srav_epi32 ((__m256i) a, (__m256i) (n - k));
}

INLINE Vec16
pack (Vec32 a, Vec32 b)
{
  return (Vec16) _mm256_packs_epi32 ((__m256i) a, (__m256i) b);
}

INLINE Vec16
interleave (Vec16 v)
{
  const __m256i order = _mm256_broadcastsi128_si256 (
      _mm_setr_epi8 (0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
  return (Vec16) _mm256_shuffle_epi8 ((__m256i) v, order);
}

INLINE gboolean
is_any (Vec32 a)
{
  return !_mm256_testz_si256 ((__m256i) a, (__m256i) a);
}
