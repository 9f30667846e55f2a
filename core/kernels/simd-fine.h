/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* 3x3 convolutions on a finer grid (fine.h) by the algorithm of simd-winograd.h: four pixels hold n
 * of its 4x4 tiles each way, and the vectors' lanes take them one after the other. */

/* ---- packing: the grid, for each cell where its channels lie, biases, blocks as in
 * simd-winograd.h. Sizes are those of n = 2, the most there are ---------------------------------
 */

static gsize
fine_packed_size (const RfdnConvShape *shape)
{
  const RfdnConvShape half = {shape->in_channels / 4, shape->out_channels / 4, 3, 3};
  return 1 + shape->in_channels + shape->out_channels + winograd_packed_size (&half);
}

/* The transformed input of a row of tiles, n of them; of a block, as in simd-winograd.h. */
static gsize
fine_scratch_size (const RfdnConvShape *shape)
{
  return WINOGRAD_LANES * (2 * WINOGRAD_POSITIONS * winograd_pitch (shape->in_channels / 4) +
                           (6 + 24) * WINOGRAD_BLOCK);
}

static float *
fine_pack_channels (float *packed, RfdnFineOrder order, guint n, guint channels)
{
  for (guint cell = 0; cell < n * n; cell++) {
    for (guint c = 0; c < channels; c++)
      *packed++ = (float) rfdn_fine_channel (order, n, channels, c, cell / n, cell % n);
  }
  return packed;
}

static void
fine_pack (float *packed, const float *weights, const float *bias, const RfdnConvShape *shape)
{
  RfdnFine fine;

  if (!rfdn_fine_find (&fine, weights, bias, shape))
    g_assert_not_reached ();
  const guint cells = fine.n * fine.n;

  *packed++ = (float) fine.n;
  packed = fine_pack_channels (packed, fine.in, fine.n, shape->in_channels / cells);
  packed = fine_pack_channels (packed, fine.out, fine.n, shape->out_channels / cells);
  winograd_pack_fine (packed, &fine, weights, bias, shape);
}

/* ---- tiles ----------------------------------------------------------------------------------- */

typedef struct {
  const RfdnConvStrip *strip;
  guint n, in_channels, out_channels; /* of the finer grid */
  const float *in, *out;              /* where channels lie: [cell][channel] */
  const float *weights;               /* biases, then blocks */
} Fine;

/* A row of cells, 0 to 4 n - 1 in a strip, from -1 to 4 n around it: the pixel it is in, 0 being
 * the one in front, and the row in that. The same of columns. */
INLINE guint
fine_pixel (const Fine *fine, guint tile, guint at, guint *cell)
{
  const guint place = fine->n + 4 * tile + at - 1;
  *cell = place % fine->n;
  return place / fine->n;
}

/* B' d B of tile (u, v) of a vector of pixels at column t, for all channels. */
INLINE void
fine_transform_input (float *to, const Fine *fine, guint u, guint v, guint t, const guint vectors)
{
  const RfdnConvStrip *a = fine->strip;
  const gsize lanes = vectors * VECTOR_FLOATS, step = winograd_pitch (fine->in_channels) * lanes;
  const float *channels[6][6], *from[6][6];

  for (guint r = 0; r < 6; r++) {
    for (guint j = 0; j < 6; j++) {
      guint row, column;
      const guint y = fine_pixel (fine, u, r, &row), x = fine_pixel (fine, v, j, &column);
      channels[r][j] = fine->in + (row * fine->n + column) * fine->in_channels;
      from[r][j] = a->src[y] + pixel_at ((gssize) x - 1, a->src_run) + t;
    }
  }
  for (guint i = 0; i < fine->in_channels; i++) {
    for (guint k = 0; k < vectors; k++) {
      Vec half[6][6];
#pragma GCC unroll 6
      for (guint j = 0; j < 6; j++) {
        Vec d[6];
#pragma GCC unroll 6
        for (guint r = 0; r < 6; r++)
          d[r] = load (from[r][j] + (gsize) channels[r][j][i] * RFDN_PHASES * a->src_run +
                       k * VECTOR_FLOATS);
        winograd_input_column (half, j, d);
      }
#pragma GCC unroll 6
      for (guint r = 0; r < 6; r++)
        winograd_input_row (to + i * lanes + k * VECTOR_FLOATS + 6 * r * step, step, half[r]);
    }
  }
}

/* A' times half[6][4] of a vector of tiles (u, v) of channel o, to its cells. */
INLINE void
fine_output (const Fine *fine, const float *half, gsize step, guint o, guint u, guint v, guint t)
{
  const RfdnConvStrip *a = fine->strip;

#pragma GCC unroll 4
  for (guint p = 0; p < 4; p++) {
    guint column;
    const guint x = fine_pixel (fine, v, p + 1, &column) - 1;
    Vec m[6], cells[4];
#pragma GCC unroll 6
    for (guint r = 0; r < 6; r++)
      m[r] = load (half + (r * 4 + p) * step);
    winograd_output_column (cells, m);
#pragma GCC unroll 4
    for (guint q = 0; q < 4; q++) {
      guint row;
      const guint y = fine_pixel (fine, u, q + 1, &row) - 1;
      const guint channel = (guint) fine->out[(row * fine->n + column) * fine->out_channels + o];
      const gsize run = channel * RFDN_PHASES + x;
      if (y >= a->rows)
        break;
      const float *add = a->add[y] ? a->add[y] + run * a->add_run + t : NULL;
      store (a->dst[y] + run * a->dst_run + t,
             conv_epilogue (cells[q], add, a->add_last, conv_slope (a, channel)));
    }
  }
}

/* A row of tiles at a time, so that a block's weights are still in the cache for the next tile. */
INLINE void
fine_batch (const Fine *fine, guint u, guint t, const guint vectors)
{
  const gsize lanes = vectors * VECTOR_FLOATS;
  const gsize size = WINOGRAD_POSITIONS * winograd_pitch (fine->in_channels) * lanes;
  float *input = fine->strip->scratch;
  float *products = input + fine->n * size;
  float *half = products + 6 * WINOGRAD_BLOCK * lanes;
  const float *weights = fine->weights + fine->out_channels;

  for (guint v = 0; v < fine->n; v++)
    fine_transform_input (input + v * size, fine, u, v, t, vectors);
  for (guint o = 0, k = 0; o < fine->out_channels; k++) {
    const guint block = block_size (fine->out_channels, WINOGRAD_BLOCK, k);
    for (guint v = 0; v < fine->n; v++) {
      winograd_block (half, products, weights, fine->weights + o, input + v * size,
                      fine->in_channels, block, vectors);
      for (guint b = 0; b < block; b++) {
        for (guint i = 0; i < vectors; i++)
          fine_output (fine, half + 24 * b * lanes + i * VECTOR_FLOATS, lanes, o + b, u, v,
                       t + i * VECTOR_FLOATS);
      }
    }
    weights += (gsize) WINOGRAD_POSITIONS * block * fine->in_channels;
    o += block;
  }
}

static void
fine_strip (const RfdnConvStrip *a)
{
  const guint n = (guint) a->weights[0], cells = n * n;
  const Fine fine = {
      .strip = a,
      .n = n,
      .in_channels = a->shape.in_channels / cells,
      .out_channels = a->shape.out_channels / cells,
      .in = a->weights + 1,
      .out = a->weights + 1 + a->shape.in_channels,
      .weights = a->weights + 1 + a->shape.in_channels + a->shape.out_channels,
  };

  for (guint u = 0; u < n && 4 * u < n * a->rows; u++) {
    guint t = 0;
    for (; t + (WINOGRAD_VECTORS - 1) * VECTOR_FLOATS < a->n; t += WINOGRAD_LANES)
      fine_batch (&fine, u, t, WINOGRAD_VECTORS);
    if (t < a->n)
      fine_batch (&fine, u, t, 1);
  }
}
