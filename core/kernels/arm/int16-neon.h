/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What simd-int16-ops.h needs, with 128 bits. */

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
round_quarter (Vec16 a)
{
  return (Vec16) vrshrq_n_s16 ((int16x8_t) a, 2);
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

INLINE Vec16
or_three (Vec16 a, Vec16 b, Vec16 c)
{
  return a | b | c;
}

INLINE Vec32
shift_right (Vec32 a, gint n)
{
  return (Vec32) vshlq_s32 ((int32x4_t) a, vdupq_n_s32 (-n));
}

INLINE Vec32
shift_left (Vec32 a, gint n)
{
  return (Vec32) vshlq_s32 ((int32x4_t) a, vdupq_n_s32 (n));
}

INLINE Vec32
shift_right_lanes (Vec32 a, gint n, Vec32 k)
{
  return (Vec32) vshlq_s32 ((int32x4_t) a, (int32x4_t) (k - n));
}

INLINE Vec16
pack (Vec32 a, Vec32 b)
{
  return (Vec16) vqmovn_high_s32 (vqmovn_s32 ((int32x4_t) a), (int32x4_t) b);
}

INLINE Vec16
interleave (Vec16 v)
{
  return (Vec16) vzip1q_s16 ((int16x8_t) v, vextq_s16 ((int16x8_t) v, (int16x8_t) v, 4));
}

INLINE gboolean
is_any (Vec32 a)
{
  return vmaxvq_u32 ((uint32x4_t) a) != 0;
}
