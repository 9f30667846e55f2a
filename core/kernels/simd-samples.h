/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Between samples in memory and floats. Loops over plain arrays, which the compiler turns into
 * vectors. */

/* Columns that are converted before they are interleaved. */
#define SAMPLES_CHUNK 64

/* A loop for each kind of sample and, of the common kinds, for samples side by side, so that the
 * compiler sees constants. */
#define FOR_SAMPLES(format, pixel_stride, LOOP)                                                    \
  if ((format)->samples == RFDN_SAMPLES_U8 && (pixel_stride) == 1)                                 \
    LOOP (guint8, 1, s)                                                                            \
  else if ((format)->samples == RFDN_SAMPLES_U8)                                                   \
    LOOP (guint8, pixel_stride, s)                                                                 \
  else if ((format)->samples == RFDN_SAMPLES_U16 && (pixel_stride) == 2)                           \
    LOOP (guint16, 2, s >> shift)                                                                  \
  else if ((format)->samples == RFDN_SAMPLES_U16)                                                  \
    LOOP (guint16, pixel_stride, s >> shift)                                                       \
  else                                                                                             \
    LOOP (float, pixel_stride, s)

static void
load_row (float *dst, gsize dst_run, const void *src, gsize pixel_stride,
          const RfdnSampleFormat *format, float gain, float offset, guint n)
{
  const guint shift = format->shift;

#define LOAD_LOOP(Type, stride, expression)                                                        \
  for (guint p = 0; p < MIN (n, RFDN_PHASES); p++) {                                               \
    const guint8 *from = (const guint8 *) src + p * (gsize) (stride);                              \
    float *to = dst + p * dst_run;                                                                 \
    const guint count = (n - p + RFDN_PHASES - 1) / RFDN_PHASES;                                   \
    for (guint t = 0; t < count; t++) {                                                            \
      Type s = *(const Type *) (const void *) (from + t * (gsize) (RFDN_PHASES * (stride)));       \
      to[t] = gain * (float) (expression) + offset;                                                \
    }                                                                                              \
  }
  FOR_SAMPLES (format, pixel_stride, LOAD_LOOP)
#undef LOAD_LOOP
}

static void
unpack_row (float *dst, const void *src, gsize pixel_stride, const RfdnSampleFormat *format,
            guint n)
{
  const guint shift = format->shift;
  const guint8 *from = src;

#define UNPACK_LOOP(Type, stride, expression)                                                      \
  for (guint x = 0; x < n; x++) {                                                                  \
    Type s = *(const Type *) (const void *) (from + x * (gsize) (stride));                         \
    dst[x] = (float) (expression);                                                                 \
  }
  FOR_SAMPLES (format, pixel_stride, UNPACK_LOOP)
#undef UNPACK_LOOP
}

/* Rounded and clamped; the first comparison turns a NaN into 0. */
#define LEVEL(v, max) ((gint32) (((v) > 0 ? ((v) < (max) ? (v) : (max)) : 0) + 0.5f))

/* n samples; sample x takes entry x / n_runs of run x mod n_runs, and run r begins at src +
 * offsets[r]. First all runs are rounded, which vectorises, then they are interleaved. */
#define INTERLEAVE(Type, stride, expression)                                                       \
  {                                                                                                \
    Type levels[RFDN_MAX_SHUFFLE * RFDN_PHASES][SAMPLES_CHUNK];                                    \
    for (guint t0 = 0; t0 * n_runs < n; t0 += SAMPLES_CHUNK) {                                     \
      const guint left = n - t0 * n_runs;                                                          \
      const guint count = MIN (SAMPLES_CHUNK, (left + n_runs - 1) / n_runs);                       \
      for (guint r = 0; r < n_runs; r++) {                                                         \
        const float *from = src + offsets[r] + t0;                                                 \
        for (guint t = 0; t < count; t++) {                                                        \
          float v = gain * from[t];                                                                \
          levels[r][t] = (Type) (expression);                                                      \
        }                                                                                          \
      }                                                                                            \
      guint8 *to = (guint8 *) dst + (gsize) t0 * n_runs * (stride);                                \
      guint t = 0;                                                                                 \
      for (; (t + 1) * n_runs <= MIN (left, count * n_runs); t++) {                                \
        for (guint r = 0; r < n_runs; r++, to += (stride))                                         \
          *(Type *) (void *) to = levels[r][t];                                                    \
      }                                                                                            \
      for (guint r = 0; t < count && r < left - t * n_runs; r++, to += (stride))                   \
        *(Type *) (void *) to = levels[r][t];                                                      \
    }                                                                                              \
  }

/* The same for adjacent bytes and a multiple of four runs: four runs are combined to words, which
 * leaves a quarter as many pieces to interleave. */
INLINE void
interleave_bytes (guint8 *dst, const float *src, const gsize *offsets, const guint n_runs,
                  float gain, float max, guint n)
{
  guint32 words[RFDN_MAX_SHUFFLE][SAMPLES_CHUNK];

  for (guint t0 = 0; t0 * n_runs < n; t0 += SAMPLES_CHUNK) {
    const guint left = n - t0 * n_runs, whole = MIN (SAMPLES_CHUNK, left / n_runs);
    const guint count = MIN (SAMPLES_CHUNK, (left + n_runs - 1) / n_runs);
    for (guint w = 0; w < n_runs / 4; w++) {
      const gsize *o = offsets + 4 * w;
      for (guint t = t0; t < t0 + count; t++) {
        const float a = gain * src[o[0] + t], b = gain * src[o[1] + t];
        const float c = gain * src[o[2] + t], d = gain * src[o[3] + t];
        words[w][t - t0] = (guint32) (LEVEL (a, max) | LEVEL (b, max) << 8 | LEVEL (c, max) << 16) |
                           (guint32) LEVEL (d, max) << 24;
      }
    }
    for (guint t = 0; t < whole; t++) {
      for (guint w = 0; w < n_runs / 4; w++, dst += 4)
        memcpy (dst, &words[w][t], 4);
    }
    for (guint r = 0; whole < count && r < left - whole * n_runs; r++)
      *dst++ = (guint8) (words[r / 4][whole] >> (8 * (r % 4)));
  }
}

INLINE void
interleave (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
            const gsize *offsets, const guint n_runs, float gain, guint n)
{
  const float max = (float) ((1u << format->depth) - 1);
  const guint shift = format->shift;

  if (format->samples == RFDN_SAMPLES_U8 && pixel_stride == 1 && n_runs % 4 == 0 &&
      G_BYTE_ORDER == G_LITTLE_ENDIAN)
    interleave_bytes (dst, src, offsets, n_runs, gain, max, n);
  else if (format->samples == RFDN_SAMPLES_U8 && pixel_stride == 1)
    INTERLEAVE (guint8, 1, LEVEL (v, max))
  else if (format->samples == RFDN_SAMPLES_U8)
    INTERLEAVE (guint8, pixel_stride, LEVEL (v, max))
  else if (format->samples == RFDN_SAMPLES_U16)
    INTERLEAVE (guint16, pixel_stride, LEVEL (v, max) << shift)
  else
    INTERLEAVE (float, pixel_stride, v)
}

static void
store_row (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
           gsize src_run, guint first, guint scale, float gain, guint n)
{
  gsize offsets[RFDN_MAX_SHUFFLE * RFDN_PHASES];

  for (guint p = 0; p < RFDN_PHASES; p++) {
    for (guint k = 0; k < scale; k++)
      offsets[p * scale + k] = ((first + k) * RFDN_PHASES + p) * src_run;
  }
  switch (scale) {
  case 2:
    interleave (dst, pixel_stride, format, src, offsets, 8, gain, n * scale);
    break;
  case 3:
    interleave (dst, pixel_stride, format, src, offsets, 12, gain, n * scale);
    break;
  case 4:
    interleave (dst, pixel_stride, format, src, offsets, 16, gain, n * scale);
    break;
  default:
    interleave (dst, pixel_stride, format, src, offsets, scale * RFDN_PHASES, gain, n * scale);
  }
}

static void
pack_row (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
          gsize pitch, guint scale, guint n)
{
  gsize offsets[RFDN_MAX_SHUFFLE * RFDN_PHASES];

  for (guint k = 0; k < scale; k++)
    offsets[k] = k * pitch;
  if (scale == 2)
    interleave (dst, pixel_stride, format, src, offsets, 2, 1, n);
  else if (scale == 4)
    interleave (dst, pixel_stride, format, src, offsets, 4, 1, n);
  else
    interleave (dst, pixel_stride, format, src, offsets, scale, 1, n);
}
