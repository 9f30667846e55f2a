/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Convolutions with sparse filters: only the taps that are not zero. The others would add nothing
 * to a sum, except for the sign of a zero. */

/* ---- packing: for each channel its bias, how many taps there are, and of each the channel that it
 * reads, its place in the filter and its weight ------------------------------------------------ */

static gsize
sparse_packed_size (const RfdnConvShape *shape, guint most)
{
  return (gsize) shape->out_channels * (2 + 3 * most);
}

/* A filter over `n` channels from `first` on; returns where the next one goes. */
static float *
sparse_pack_filter (float *packed, const float *weights, float bias, guint first, guint n,
                    guint taps)
{
  float *count = packed + 1;

  packed[0] = bias;
  *count = 0;
  packed += 2;
  for (guint i = 0; i < n * taps; i++) {
    if (weights[i] == 0)
      continue;
    packed[0] = (float) (first + i / taps);
    packed[1] = (float) (i % taps);
    packed[2] = weights[i];
    packed += 3;
    *count += 1;
  }
  return packed;
}

static gsize
depthwise_packed_size (const RfdnConvShape *shape)
{
  return sparse_packed_size (shape, shape->width * shape->height);
}

static void
depthwise_pack (float *packed, const float *weights, const float *bias, const RfdnConvShape *shape)
{
  const guint taps = shape->width * shape->height;

  for (guint c = 0; c < shape->out_channels; c++)
    packed = sparse_pack_filter (packed, weights + c * taps, bias ? bias[c] : 0, c, 1, taps);
}

static gsize
pick_packed_size (const RfdnConvShape *shape)
{
  return sparse_packed_size (shape, 1);
}

static void
pick_pack (float *packed, const float *weights, const float *bias, const RfdnConvShape *shape)
{
  const guint taps = shape->width * shape->height, n = shape->in_channels;

  for (guint o = 0; o < shape->out_channels; o++)
    packed =
        sparse_pack_filter (packed, weights + (gsize) o * n * taps, bias ? bias[o] : 0, 0, n, taps);
}

/* ---- strips ---------------------------------------------------------------------------------- */

/* One run of one row of a channel; from[] is where its taps lie. */
INLINE void
sparse_run (const RfdnConvStrip *a, const float *const *from, const float *filter, const guint n,
            float slope, float *dst, const float *add)
{
  for (guint t = 0; t < a->n; t += VECTOR_FLOATS) {
    Vec v = splat (filter[0]);
    for (guint k = 0; k < n; k++)
      v += load (from[k] + t) * filter[4 + 3 * k];
    store (dst + t, conv_epilogue (v, add ? add + t : NULL, a->add_last, slope));
  }
}

/* All channels of one run of row y; taps[] is where channel 0 lies under the filter. */
INLINE void
sparse_channels (const RfdnConvStrip *a, const float *const *taps, guint y, guint phase)
{
  const float *filter = a->weights;
  const float *from[RFDN_MAX_KERNEL * RFDN_MAX_KERNEL];

  for (guint o = 0; o < a->shape.out_channels; o++) {
    const gsize run = o * RFDN_PHASES + phase;
    const guint n = (guint) filter[1];
    float *dst = a->dst[y] + run * a->dst_run;
    const float *add = a->add[y] ? a->add[y] + run * a->add_run : NULL;
    for (guint k = 0; k < n; k++)
      from[k] =
          taps[(guint) filter[3 + 3 * k]] + (gsize) filter[2 + 3 * k] * RFDN_PHASES * a->src_run;
    if (n == 1)
      sparse_run (a, from, filter, 1, conv_slope (a, o), dst, add);
    else
      sparse_run (a, from, filter, n, conv_slope (a, o), dst, add);
    filter += 2 + 3 * n;
  }
}

static void
sparse_strip (const RfdnConvStrip *a)
{
  const guint width = a->shape.width, n_taps = width * a->shape.height;
  const float *taps[RFDN_MAX_KERNEL * RFDN_MAX_KERNEL];

  for (guint y = 0; y < a->rows; y++) {
    for (guint phase = 0; phase < RFDN_PHASES; phase++) {
      for (guint k = 0; k < n_taps; k++)
        taps[k] = a->src[y + k / width] +
                  pixel_at ((gssize) (phase + k % width) - (gssize) (width / 2), a->src_run);
      sparse_channels (a, taps, y, phase);
    }
  }
}
