/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Filters of plain rows of floats. */

static void
fir_row (float *dst, const float *const *src, const float *taps, guint n_taps, guint n)
{
  for (guint x = 0; x < n; x += VECTOR_FLOATS) {
    Vec v = load (src[0] + x) * taps[0];
    for (guint t = 1; t < n_taps; t++)
      v += load (src[t] + x) * taps[t];
    store (dst + x, v);
  }
}
