/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* exp (v) to about two units in the last place: 2^whole times a polynomial (the Taylor series up
 * to the sixth power) in the rest, |rest| <= log (2) / 2. */
INLINE Vec
vec_exp (Vec v)
{
  /* Beyond these the result is practically 0, or as large as a sigmoid needs. */
  v = choose (v < 87.0f, v, splat (87.0f));
  v = choose (v > -87.0f, v, splat (-87.0f));

  const Vec log2_e = splat (1.44269504f);
  /* Adding and subtracting 1.5 * 2^23 rounds to a whole number. */
  Vec magic = splat (12582912.0f);
  Vec shifted = v * log2_e + magic;
  __asm__("" : "+" VECTOR_REGISTER (shifted));
  Vec whole = shifted - magic;
  /* log (2) in two parts, so that the rest is exact. */
  Vec rest = v - whole * 0.693359375f;
  rest = rest + whole * 2.12194440e-4f;

  Vec p = splat (1.0f / 720);
  p = p * rest + 1.0f / 120;
  p = p * rest + 1.0f / 24;
  p = p * rest + 1.0f / 6;
  p = p * rest + 0.5f;
  p = p * rest + 1.0f;
  p = p * rest + 1.0f;
  VecInt exponent = __builtin_convertvector(whole, VecInt) + 127;
  return p * (Vec) (exponent << 23);
}
