/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The convolutions of every level. */

#include "convolutions.h"
#include "kernels/fine.h"

#include <math.h>
#include <string.h>

typedef enum {
  CONV_3X3,
  CONV_3X3_WIDE,
  CONV_3X3_FINE,
  CONV_1X1,
  CONV_3X3_STRIDE2,
  CONV_ANY,
  DEPTHWISE,
  PICK
} Conv;

typedef struct {
  RfdnConvShape shape;
  guint n_weights, rows;
  Rows src, add;
  float *weights, *bias;
  gboolean with_add, add_last;
  float slope, *slopes;
} ConvCase;

static const RfdnConv *
get_conv (const RfdnKernels *kernels, Conv conv)
{
  switch (conv) {
  case CONV_3X3:
    return &kernels->conv3x3;
  case CONV_3X3_WIDE:
    return &kernels->conv3x3_wide;
  case CONV_3X3_FINE:
    return &kernels->conv3x3_fine;
  case CONV_1X1:
    return &kernels->conv1x1;
  case CONV_3X3_STRIDE2:
    return &kernels->conv3x3_stride2;
  case CONV_ANY:
    return &kernels->conv;
  case DEPTHWISE:
    return &kernels->depthwise;
  case PICK:
    return &kernels->pick;
  }
  g_assert_not_reached ();
}

static void
run_conv (const RfdnKernels *kernels, Conv kind, const ConvCase *c, Rows *dst, guint n)
{
  const RfdnConv *conv = get_conv (kernels, kind);
  float *packed = g_new (float, conv->packed_size (&c->shape));
  float *scratch = g_new (float, conv->scratch_size (&c->shape) + 1);
  conv->pack (packed, c->weights, c->bias, &c->shape);
  RfdnConvStrip strip = {
      .src_run = c->src.run,
      .shape = c->shape,
      .weights = packed,
      .dst_run = dst->run,
      .add_last = c->add_last,
      .slope = c->slope,
      .slopes = c->slopes,
      .rows = c->rows,
      .n = n,
      .scratch = scratch,
  };
  for (guint r = 0; r < c->src.rows; r++)
    strip.src[r] = rows_at (&c->src, r, 0);
  for (guint r = 0; r < c->rows; r++) {
    strip.dst[r] = rows_at (dst, r, 0);
    strip.add[r] = c->with_add ? rows_at (&c->add, r, 0) : NULL;
    strip.add_run = c->add.run;
  }
  conv->strip (&strip);
  g_free (packed);
  g_free (scratch);
}

/* Sides of filters: the operation's, or any. */
static RfdnConvShape
get_shape (Conv conv, guint in, guint out)
{
  if (conv == CONV_ANY || conv >= DEPTHWISE)
    return (RfdnConvShape){in, out, 1 + 2 * (guint) g_test_rand_int_range (0, 5),
                           1 + 2 * (guint) g_test_rand_int_range (0, 5)};
  const guint side = conv == CONV_1X1 ? 1 : 3;
  return (RfdnConvShape){in, out, side, side};
}

/* Keeps one weight of each filter, or none. */
static void
make_sparse (float *weights, guint filters, guint size)
{
  for (guint o = 0; o < filters; o++) {
    const guint kept = (guint) g_test_rand_int_range (0, (gint32) size + 1);
    for (guint i = 0; i < size; i++)
      weights[o * size + i] = i == kept ? weights[o * size + i] : 0;
  }
}

/* A fine grid and channel orders that fit this number of channels. */
static RfdnFine
choose_fine (guint in, guint out)
{
  RfdnFine fine = {2, RFDN_FINE_SHUFFLED, RFDN_FINE_SHUFFLED};

  if (in % 9 == 0 && out % 9 == 0)
    fine.n = 3;
  if (in % 16 == 0 && out % 16 == 0 && g_test_rand_bit ())
    fine.n = 4;
  do {
    fine.in = (RfdnFineOrder) g_test_rand_int_range (0, RFDN_FINE_ORDERS);
    fine.out = (RfdnFineOrder) g_test_rand_int_range (0, RFDN_FINE_ORDERS);
  } while (!rfdn_fine_can_have (fine.in, fine.n, in / (fine.n * fine.n)) ||
           !rfdn_fine_can_have (fine.out, fine.n, out / (fine.n * fine.n)));
  return fine;
}

static void
place_tap (float *weights, const RfdnConvShape *shape, guint out, guint in, guint y, guint x,
           float weight)
{
  weights[(out * shape->in_channels + in) * 9 + 3 * y + x] = weight;
}

/* Turns filters on a finer grid into filters on the grid of pixels. */
static void
make_fine (float *weights, float *bias, const RfdnConvShape *shape)
{
  const RfdnFine fine = choose_fine (shape->in_channels, shape->out_channels);
  const guint n = fine.n, n_in = shape->in_channels / (n * n),
              n_out = shape->out_channels / (n * n);

  memset (weights, 0, shape->in_channels * shape->out_channels * 9 * sizeof (float));
  for (guint k = 0; k < n_out * n_in * 9; k++) {
    const guint o = k / 9 / n_in, i = k / 9 % n_in;
    float weight;
    fill_random (&weight, 1);
    for (guint cell = 0; cell < n * n; cell++) {
      const guint y = n + cell / n + k % 9 / 3 - 1, x = n + cell % n + k % 3 - 1;
      const guint out = rfdn_fine_channel (fine.out, n, n_out, o, cell / n, cell % n);
      const guint in = rfdn_fine_channel (fine.in, n, n_in, i, y % n, x % n);
      place_tap (weights, shape, out, in, y / n, x / n, weight);
      if (bias != NULL)
        bias[out] = bias[rfdn_fine_channel (fine.out, n, n_out, o, 0, 0)];
    }
  }
}

static ConvCase
conv_case_new (Conv conv, guint in, guint out, guint n)
{
  const float slopes[] = {1, 0.05f, 0};
  ConvCase c = {.shape = get_shape (conv, conv == DEPTHWISE ? out : in, out)};
  c.n_weights = (conv == DEPTHWISE ? 1 : in) * out * c.shape.width * c.shape.height;
  c.rows = (guint) g_test_rand_int_range (1, RFDN_STRIP + 1);
  c.slope = slopes[g_test_rand_int_range (0, 3)];
  c.slopes = g_test_rand_bit () ? g_new (float, out) : NULL;
  for (guint o = 0; c.slopes && o < out; o++)
    c.slopes[o] = g_test_rand_int_range (0, 8) ? (float) g_test_rand_double_range (-1, 1) : 1;
  c.with_add = g_test_rand_bit ();
  c.add_last = g_test_rand_bit ();
  c.weights = g_new (float, c.n_weights);
  fill_random (c.weights, c.n_weights);
  if (conv == PICK || (conv == DEPTHWISE && g_test_rand_bit ()))
    make_sparse (c.weights, out, c.n_weights / out);
  c.bias = g_test_rand_bit () ? g_new (float, out) : NULL;
  if (c.bias)
    fill_random (c.bias, out);
  if (conv == CONV_3X3_FINE)
    make_fine (c.weights, c.bias, &c.shape);
  c.src = rows_new (conv == CONV_3X3_STRIDE2 ? 9 : RFDN_STRIP + c.shape.height - 1,
                    c.shape.in_channels, conv == CONV_3X3_STRIDE2 ? 2 * n + RFDN_RUN_ALIGN : n);
  fill_random (c.src.memory, c.src.size);
  c.add = rows_new (RFDN_STRIP, out, n);
  fill_random (c.add.memory, c.add.size);
  return c;
}

static void
conv_case_clear (ConvCase *c)
{
  g_free (c->weights);
  g_free (c->bias);
  g_free (c->slopes);
  g_free (c->src.memory);
  g_free (c->add.memory);
}

/* A bound, except for a small factor, of the values in Winograd's transforms: the largest of each
 * channel times all of a filter's weights, whether they belong to a pixel or not. Those that do not
 * cancel out, except for their rounding. */
static float
get_mixed_magnitude (const ConvCase *c, guint n)
{
  float largest = 0, added = 0;

  for (guint o = 0; o < c->shape.out_channels; o++) {
    float sum = c->bias ? fabsf (c->bias[o]) : 0;
    for (guint i = 0; i < c->shape.in_channels; i++) {
      float weights = 0, input = 0;
      for (guint k = 0; k < 9; k++)
        weights += fabsf (c->weights[(o * c->shape.in_channels + i) * 9 + k]);
      for (guint r = 0; r < c->src.rows * RFDN_PHASES; r++) {
        const float *run = rows_at (&c->src, r / RFDN_PHASES, i) + r % RFDN_PHASES * c->src.run;
        for (gint t = -1; t <= (gint) n; t++)
          input = MAX (input, fabsf (run[t]));
      }
      sum += weights * input;
    }
    largest = MAX (largest, sum);
  }
  for (gsize i = 0; c->with_add && i < c->add.size; i++)
    added = MAX (added, fabsf (c->add.memory[i]));
  return largest + added;
}

static void
calm (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    values[i] = CLAMP (values[i], -2, 2);
}

/* Numbers of about the same size. */
static void
calm_case (ConvCase *c)
{
  calm (c->weights, c->n_weights);
  if (c->bias)
    calm (c->bias, c->shape.out_channels);
  calm (c->src.memory, c->src.size);
  calm (c->add.memory, c->add.size);
}

static float
get_largest (const Rows *rows, guint n)
{
  float largest = 0;

  for (gsize i = 0; i < rows->size; i++) {
    if (i % rows->run >= RFDN_RUN_SLACK && i % rows->run < RFDN_RUN_SLACK + n)
      largest = MAX (largest, rows->memory[i]);
  }
  return largest;
}

static void
check_conv_case (const Pair *pair, Conv conv, guint in, guint out, guint n, gboolean is_calm,
                 const char *what)
{
  ConvCase c = conv_case_new (conv, in, out, n);
  if (is_calm)
    calm_case (&c);
  Rows got = rows_new (RFDN_STRIP, out, n), want = rows_new (RFDN_STRIP, out, n);
  Rows scale = rows_new (RFDN_STRIP, out, n);

  fill (got.memory, got.size, GUARD);
  run_conv (pair->tested, conv, &c, &got, n);
  run_conv (pair->reference, conv, &c, &want, n);
  assert_guards (&got, c.rows, n, what);
  /* The same sum of magnitudes bounds the error. Winograd's transforms mix 36 pixels, and values
   * grow: there the largest magnitudes anywhere bound it, also those of rows that are not used. */
  const gboolean mixes = conv == CONV_3X3_WIDE || conv == CONV_3X3_FINE;
  const guint wanted = c.rows;
  absolute (c.weights, c.n_weights);
  if (c.bias)
    absolute (c.bias, out);
  absolute (c.src.memory, c.src.size);
  absolute (c.add.memory, c.add.size);
  c.slope = 1;
  g_clear_pointer (&c.slopes, g_free);
  c.rows = RFDN_STRIP;
  run_conv (pair->reference, conv, &c, &scale, n);
  if (mixes)
    fill (scale.memory, scale.size,
          is_calm ? get_largest (&scale, n) : get_mixed_magnitude (&c, n));
  assert_close (&got, &want, &scale, wanted, n, mixes ? 1e-5 : 2e-6, what);

  conv_case_clear (&c);
  g_free (got.memory);
  g_free (want.memory);
  g_free (scale.memory);
}

static void
check_conv (const Pair *pair, Conv conv, const char *what)
{
  for (guint is_calm = 0; is_calm < 2; is_calm++) {
    /* Every number of channels in the last block, every length of the last vector. */
    for (guint out = 1; out <= 26; out++)
      check_conv_case (pair, conv, 1 + out % 4, out, 21, is_calm, what);
    for (guint n = 1; n <= COLUMNS; n++)
      check_conv_case (pair, conv, 3, 7, n, is_calm, what);
    check_conv_case (pair, conv, 50, 50, 40, is_calm, what);
    check_conv_case (pair, conv, 16, 16, 160, is_calm, what);
  }
}

void
check_conv3x3 (const Pair *pair)
{
  check_conv (pair, CONV_3X3, "conv3x3");
}

void
check_conv3x3_wide (const Pair *pair)
{
  check_conv (pair, CONV_3X3_WIDE, "conv3x3_wide");
}

void
check_conv3x3_fine (const Pair *pair)
{
  static const guint cells[] = {4, 9, 16};

  for (guint round = 0; round < 18; round++) {
    const guint n = cells[round % G_N_ELEMENTS (cells)];
    const guint in = 1 + round % 4, out = 1 + round * 5 % 7, columns = 1 + round * 11 % COLUMNS;
    check_conv_case (pair, CONV_3X3_FINE, n * in, n * out, columns, round % 2, "conv3x3_fine");
  }
  /* More channels than one block has: two blocks. */
  check_conv_case (pair, CONV_3X3_FINE, 4 * 3, 4 * 29, 21, TRUE, "conv3x3_fine");
}

/* Filters that differ between cells, or see more than three, are not recognised as fine ones. */
void
check_fine_find (const Pair *pair)
{
  const RfdnConvShape shape = {32, 32, 3, 3};
  float weights[32 * 32 * 9], bias[32];
  RfdnFine fine;

  for (guint round = 0; round < 50; round++) {
    fill_random (bias, 32);
    make_fine (weights, bias, &shape);
    g_assert_true (rfdn_fine_find (&fine, weights, bias, &shape));
    g_assert_true (rfdn_fine_find (&fine, weights, NULL, &shape));
    const guint at = (guint) g_test_rand_int_range (0, G_N_ELEMENTS (weights));
    const float weight = weights[at];
    weights[at] = weight == 0 ? 1 : -weight;
    g_assert_false (rfdn_fine_find (&fine, weights, bias, &shape));
    weights[at] = weight;
    bias[round % 32] = bias[round % 32] == 0 ? 1 : -bias[round % 32];
    g_assert_false (rfdn_fine_find (&fine, weights, bias, &shape));
  }
}

void
check_conv1x1 (const Pair *pair)
{
  check_conv (pair, CONV_1X1, "conv1x1");
}

void
check_conv3x3_stride2 (const Pair *pair)
{
  check_conv (pair, CONV_3X3_STRIDE2, "conv3x3_stride2");
}

void
check_conv_any (const Pair *pair)
{
  check_conv (pair, CONV_ANY, "conv");
}

void
check_depthwise (const Pair *pair)
{
  check_conv (pair, DEPTHWISE, "depthwise");
}

void
check_pick (const Pair *pair)
{
  check_conv (pair, PICK, "pick");
}

/* The column that a pixel is in must not change its value, or tiles would show. */
void
check_conv_position (const Pair *pair)
{
  const guint n = 45, shift = 5;

  for (Conv conv = CONV_3X3; conv <= PICK; conv++) {
    if (conv == CONV_3X3_STRIDE2)
      continue;
    const guint channels = conv == CONV_3X3_FINE ? 16 : 4;
    ConvCase c = conv_case_new (conv, channels, 2 * channels, n);
    const guint out = c.shape.out_channels;
    Rows whole = rows_new (RFDN_STRIP, out, n), part = rows_new (RFDN_STRIP, out, n);
    run_conv (pair->tested, conv, &c, &whole, n);
    memmove (c.src.memory, c.src.memory + shift, (c.src.size - shift) * sizeof (float));
    memmove (c.add.memory, c.add.memory + shift, (c.add.size - shift) * sizeof (float));
    run_conv (pair->tested, conv, &c, &part, n - shift);
    for (guint y = 0; y < c.rows; y++) {
      for (guint r = 0; r < out * RFDN_PHASES; r++)
        g_assert_cmpmem (rows_at (&part, y, 0) + r * part.run, (n - shift) * sizeof (float),
                         rows_at (&whole, y, 0) + r * whole.run + shift,
                         (n - shift) * sizeof (float));
    }
    conv_case_clear (&c);
    g_free (whole.memory);
    g_free (part.memory);
  }
}

/* ---- what is done to the sums ---------------------------------------------------------------- */

static void
add_map (const RfdnKernels *kernels, const ConvCase *c, Rows *dst, guint y, guint n)
{
  kernels->add_row (rows_at (dst, y, 0), dst->run, rows_at (&c->add, y, 0), c->add.run,
                    RFDN_PHASES * c->add.run, dst->channels, n);
}

/* The same by separate kernels, one after the other. */
static void
finish_rows (const RfdnKernels *kernels, const ConvCase *c, Rows *dst, guint n)
{
  const RfdnFunction leaky = {RFDN_FUNCTION_LEAKY, c->slope, 0},
                     prelu = {RFDN_FUNCTION_PRELU, 0, 0};

  for (guint y = 0; y < c->rows; y++) {
    float *row = rows_at (dst, y, 0);
    if (c->with_add && !c->add_last)
      add_map (kernels, c, dst, y, n);
    kernels->function_row (row, dst->run, c->slopes ? &prelu : &leaky, c->slopes, dst->channels, n);
    if (c->with_add && c->add_last)
      add_map (kernels, c, dst, y, n);
  }
}

static void
check_epilogue_case (const RfdnKernels *kernels, Conv conv, guint n)
{
  ConvCase c = conv_case_new (conv, conv == CONV_3X3_FINE ? 4 : 3, 8, n);
  const guint out = c.shape.out_channels;
  Rows got = rows_new (RFDN_STRIP, out, n), want = rows_new (RFDN_STRIP, out, n);
  ConvCase plain = c;

  run_conv (kernels, conv, &c, &got, n);
  plain.slope = 1;
  plain.slopes = NULL;
  plain.with_add = FALSE;
  run_conv (kernels, conv, &plain, &want, n);
  finish_rows (kernels, &c, &want, n);
  for (guint y = 0; y < c.rows; y++) {
    for (guint r = 0; r < out * RFDN_PHASES; r++)
      g_assert_cmpmem (rows_at (&got, y, 0) + r * got.run, n * sizeof (float),
                       rows_at (&want, y, 0) + r * want.run, n * sizeof (float));
  }
  conv_case_clear (&c);
  g_free (got.memory);
  g_free (want.memory);
}

/* An addition and a function in the same pass change no bit. */
void
check_conv_epilogue (const Pair *pair)
{
  for (Conv conv = CONV_3X3; conv <= PICK; conv++) {
    for (guint n = 1; n <= COLUMNS; n++) {
      check_epilogue_case (pair->tested, conv, n);
      check_epilogue_case (pair->reference, conv, n);
    }
  }
}
