/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Between samples of 8 bits and words of two 16-bit integers. */

/* Columns that are made levels before they are interleaved. */
#define INT16_CHUNK 64

static void
int16_load_row (float *dst, gsize dst_run, const void *src, gsize pixel_stride,
                const RfdnSampleFormat *format, float gain, float offset, guint n)
{
  for (guint p = 0; p < MIN (n, RFDN_PHASES); p++) {
    const guint8 *from = (const guint8 *) src + p * pixel_stride;
    gint32 *to = (void *) (dst + p * dst_run);
    const guint count = (n - p + RFDN_PHASES - 1) / RFDN_PHASES;
    if (pixel_stride == 1)
      for (guint t = 0; t < count; t++)
        to[t] = from[t * RFDN_PHASES];
    else
      for (guint t = 0; t < count; t++)
        to[t] = from[t * RFDN_PHASES * pixel_stride];
  }
}

/* Levels of both numbers of each word, as its two lower bytes. */
INLINE Vec32
int16_bytes (const float *from)
{
  const Vec16 half = splat16 (1 << (RFDN_INT16_OUTPUT_SHIFT - 1));
  const Vec16 v = add_saturated (load16 (from), half) >> RFDN_INT16_OUTPUT_SHIFT;
  const Vec32 levels = (Vec32) max16 (min16 (v, splat16 (255)), splat16 (0));

  return (levels | levels >> 8) & 0xffff;
}

/* Samples that follow each other, of whole pairs of channels. A column's are `scale` units of four:
 * of two pixels of a pair, or of one pixel of two pairs. */
INLINE void
int16_store_pairs (guint8 *dst, const float *src, gsize src_run, guint first, const guint scale,
                   guint n)
{
  const float *pair = src + first / 2 * RFDN_PHASES * src_run;
  guint32 units[4][INT16_CHUNK];

  for (guint x0 = 0; x0 < n; x0 += RFDN_PHASES * INT16_CHUNK) {
    const guint left = MIN (n - x0, RFDN_PHASES * INT16_CHUNK);
    const guint whole = left / RFDN_PHASES, rest = left % RFDN_PHASES;
    for (guint u = 0; u < scale; u++) {
      const float *low = pair + (scale == 2 ? 2 * u : u) * src_run + x0 / RFDN_PHASES;
      const float *high = low + (scale == 2 ? 1 : RFDN_PHASES) * src_run;
      for (guint t = 0; t < whole + (rest > 0); t += VECTOR_FLOATS)
        store32 ((float *) units[u] + t, int16_bytes (low + t) | int16_bytes (high + t) << 16);
    }
    for (guint t = 0; t < whole; t++) {
      for (guint u = 0; u < scale; u++, dst += sizeof units[0][0])
        memcpy (dst, &units[u][t], sizeof units[0][0]);
    }
    for (guint k = 0; k < rest * scale; k++)
      *dst++ = (guint8) (units[k / 4][whole] >> (8 * (k % 4)));
  }
}

/* A channel's levels of some columns of one run. */
INLINE void
int16_levels (guint8 *to, const float *from, guint half, guint n)
{
  const gint16 *numbers = (const void *) from;

  for (guint t = 0; t < n; t++) {
    const gint v =
        (numbers[2 * t + half] + (1 << (RFDN_INT16_OUTPUT_SHIFT - 1))) >> RFDN_INT16_OUTPUT_SHIFT;
    to[t] = (guint8) (v < 0 ? 0 : v > 255 ? 255 : v);
  }
}

/* First convert all channels to levels, which vectorises, then interleave them. */
INLINE void
int16_store (guint8 *dst, gsize pixel_stride, const float *src, gsize src_run, guint first,
             const guint scale, guint n)
{
  guint8 levels[RFDN_MAX_SHUFFLE * RFDN_PHASES][INT16_CHUNK];
  const guint n_runs = scale * RFDN_PHASES;

  for (guint x0 = 0; x0 < n; x0 += RFDN_PHASES * INT16_CHUNK) {
    const guint left = MIN (n - x0, RFDN_PHASES * INT16_CHUNK), samples = left * scale;
    const guint columns = (left + RFDN_PHASES - 1) / RFDN_PHASES;
    for (guint r = 0; r < n_runs; r++) {
      const guint channel = first + r % scale;
      int16_levels (levels[r],
                    src + (channel / 2 * RFDN_PHASES + r / scale) * src_run + x0 / RFDN_PHASES,
                    channel % 2, columns);
    }
    guint t = 0;
    for (; (t + 1) * n_runs <= samples; t++) {
      for (guint r = 0; r < n_runs; r++, dst += pixel_stride)
        *dst = levels[r][t];
    }
    for (guint r = 0; t * n_runs + r < samples; r++, dst += pixel_stride)
      *dst = levels[r][t];
  }
}

static void
int16_store_row (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
                 gsize src_run, guint first, guint scale, float gain, guint n)
{
  if (scale == 2 && pixel_stride == 1 && first % 2 == 0)
    int16_store_pairs (dst, src, src_run, first, 2, n);
  else if (scale == 4 && pixel_stride == 1 && first % 2 == 0)
    int16_store_pairs (dst, src, src_run, first, 4, n);
  else if (scale == 3 && pixel_stride == 1)
    int16_store (dst, 1, src, src_run, first, 3, n);
  else
    int16_store (dst, pixel_stride, src, src_run, first, scale, n);
}
