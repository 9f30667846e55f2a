/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every vector kernel against the scalar one: random and extreme numbers, every length of the last
 * vector, odd pitches, and guards around what may be written.
 *
 * Adding a kernel: a check function and a line in `checks`. --seed repeats a run, -p /kernels/avx2
 * runs one level. */

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

#define GUARD 1e30f
#define COLUMNS (2 * RFDN_RUN_ALIGN + 3)
#define PIXELS 71

typedef struct {
  const RfdnKernels *reference, *tested;
} Pair;

/* ---- memory ---------------------------------------------------------------------------------- */

/* Rows of an activation of n columns. */
typedef struct {
  float *memory;
  gsize size, run;
  guint channels, rows;
} Rows;

static Rows
rows_new (guint rows, guint channels, guint n)
{
  Rows r = {.channels = channels, .rows = rows};
  /* Not the engine's own run, so that nothing depends on it. */
  r.run = RFDN_RUN_SLACK + n + RFDN_RUN_ALIGN + RFDN_RUN_AFTER + 1;
  r.size = rows * channels * RFDN_PHASES * r.run;
  r.memory = g_new (float, r.size);
  return r;
}

/* Column 0 of phase 0. */
static float *
rows_at (const Rows *r, guint row, guint channel)
{
  return r->memory + (row * r->channels + channel) * RFDN_PHASES * r->run + RFDN_RUN_SLACK;
}

/* Numbers of the sizes that networks have, sometimes zeros, sometimes large. */
static float
random_number (void)
{
  switch (g_test_rand_int_range (0, 16)) {
  case 0:
    return 0;
  case 1:
    return (float) g_test_rand_double_range (-3e4, 3e4);
  default:
    return (float) g_test_rand_double_range (-2, 2);
  }
}

static void
fill_random (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    values[i] = random_number ();
}

static void
fill (float *values, gsize n, float value)
{
  for (gsize i = 0; i < n; i++)
    values[i] = value;
}

/* Nothing before a run's first column nor behind the slack of its last one was written, and no row
 * from `rows` on. */
static void
assert_guards (const Rows *r, guint rows, guint n, const char *what)
{
  for (gsize i = 0; i < r->size; i++) {
    const gsize column = i % r->run, row = i / (r->run * RFDN_PHASES * r->channels);
    const gboolean writable =
        row < rows && column >= RFDN_RUN_SLACK && column < RFDN_RUN_SLACK + n + RFDN_RUN_ALIGN - 1;
    if (!writable && r->memory[i] != GUARD)
      g_error ("%s, %u columns: wrote at row %u, run %u, column %d", what, n, (guint) row,
               (guint) (i / r->run), (gint) column - RFDN_RUN_SLACK);
  }
}

/* `scale` bounds the sum of the magnitudes that a value is made of. */
static void
assert_close (const Rows *got, const Rows *want, const Rows *scale, guint rows, guint n,
              double precision, const char *what)
{
  for (guint y = 0; y < rows; y++) {
    for (guint c = 0; c < got->channels; c++) {
      for (guint k = 0; k < RFDN_PHASES * n; k++) {
        const gsize at = k / n * got->run + k % n;
        const float a = rows_at (got, y, c)[at], b = rows_at (want, y, c)[at];
        const double bound = precision * (scale ? rows_at (scale, y, c)[at] : fabsf (b)) + 1e-30;
        if (!(fabsf (a - b) <= bound))
          g_error ("%s, %u columns: row %u, channel %u, pixel %u is %.9g, not %.9g", what, n, y, c,
                   k % n * RFDN_PHASES + k / n, a, b);
      }
    }
  }
}

/* ---- convolutions ---------------------------------------------------------------------------- */

typedef enum { CONV_3X3, CONV_3X3_WIDE, CONV_1X1, CONV_3X3_STRIDE2, CONV_ANY, DEPTHWISE } Conv;

typedef struct {
  RfdnConvShape shape;
  guint n_weights, rows;
  Rows src, add;
  float *weights, *bias;
  gboolean with_add, add_last;
  float slope;
} ConvCase;

static const RfdnConv *
get_conv (const RfdnKernels *kernels, Conv conv)
{
  switch (conv) {
  case CONV_3X3:
    return &kernels->conv3x3;
  case CONV_3X3_WIDE:
    return &kernels->conv3x3_wide;
  case CONV_1X1:
    return &kernels->conv1x1;
  case CONV_3X3_STRIDE2:
    return &kernels->conv3x3_stride2;
  case CONV_ANY:
    return &kernels->conv;
  case DEPTHWISE:
    return &kernels->depthwise;
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

static void
absolute (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    values[i] = fabsf (values[i]);
}

/* Sides of filters: what the operation has, or any. */
static RfdnConvShape
get_shape (Conv conv, guint in, guint out)
{
  if (conv == CONV_ANY || conv == DEPTHWISE)
    return (RfdnConvShape){in, out, 1 + 2 * (guint) g_test_rand_int_range (0, 5),
                           1 + 2 * (guint) g_test_rand_int_range (0, 5)};
  const guint side = conv == CONV_1X1 ? 1 : 3;
  return (RfdnConvShape){in, out, side, side};
}

static ConvCase
conv_case_new (Conv conv, guint in, guint out, guint n)
{
  const float slopes[] = {1, 0.05f, 0};
  ConvCase c = {.shape = get_shape (conv, conv == DEPTHWISE ? out : in, out)};
  c.n_weights = (conv == DEPTHWISE ? 1 : in) * out * c.shape.width * c.shape.height;
  c.rows = (guint) g_test_rand_int_range (1, RFDN_STRIP + 1);
  c.slope = slopes[g_test_rand_int_range (0, 3)];
  c.with_add = g_test_rand_bit ();
  c.add_last = g_test_rand_bit ();
  c.weights = g_new (float, c.n_weights);
  fill_random (c.weights, c.n_weights);
  c.bias = g_test_rand_bit () ? g_new (float, out) : NULL;
  if (c.bias)
    fill_random (c.bias, out);
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
  g_free (c->src.memory);
  g_free (c->add.memory);
}

static void
check_conv_case (const Pair *pair, Conv conv, guint in, guint out, guint n, const char *what)
{
  ConvCase c = conv_case_new (conv, in, out, n);
  Rows got = rows_new (RFDN_STRIP, out, n), want = rows_new (RFDN_STRIP, out, n);
  Rows scale = rows_new (RFDN_STRIP, out, n);

  fill (got.memory, got.size, GUARD);
  run_conv (pair->tested, conv, &c, &got, n);
  run_conv (pair->reference, conv, &c, &want, n);
  assert_guards (&got, c.rows, n, what);
  /* The same with all magnitudes bounds the error. Winograd's transforms mix 36 pixels, and their
   * numbers grow: there the largest magnitudes anywhere do. */
  const gboolean mixes = conv == CONV_3X3_WIDE;
  absolute (c.weights, c.n_weights);
  if (c.bias)
    absolute (c.bias, out);
  absolute (c.src.memory, c.src.size);
  absolute (c.add.memory, c.add.size);
  c.slope = 1;
  run_conv (pair->reference, conv, &c, &scale, n);
  if (mixes) {
    float largest = 0;
    for (gsize i = 0; i < scale.size; i++)
      largest = MAX (largest, i / scale.run < scale.channels * RFDN_PHASES * c.rows &&
                                      i % scale.run >= RFDN_RUN_SLACK &&
                                      i % scale.run < RFDN_RUN_SLACK + n
                                  ? scale.memory[i]
                                  : 0);
    fill (scale.memory, scale.size, largest);
  }
  assert_close (&got, &want, &scale, c.rows, n, mixes ? 1e-5 : 2e-6, what);

  conv_case_clear (&c);
  g_free (got.memory);
  g_free (want.memory);
  g_free (scale.memory);
}

static void
check_conv (const Pair *pair, Conv conv, const char *what)
{
  /* Every number of channels in the last block, every length of the last vector. */
  for (guint out = 1; out <= 26; out++)
    check_conv_case (pair, conv, 1 + out % 4, out, 21, what);
  for (guint n = 1; n <= COLUMNS; n++)
    check_conv_case (pair, conv, 3, 7, n, what);
  check_conv_case (pair, conv, 50, 50, 40, what);
  check_conv_case (pair, conv, 16, 16, 160, what);
}

static void
check_conv3x3 (const Pair *pair)
{
  check_conv (pair, CONV_3X3, "conv3x3");
}

static void
check_conv3x3_wide (const Pair *pair)
{
  check_conv (pair, CONV_3X3_WIDE, "conv3x3_wide");
}

static void
check_conv1x1 (const Pair *pair)
{
  check_conv (pair, CONV_1X1, "conv1x1");
}

static void
check_conv3x3_stride2 (const Pair *pair)
{
  check_conv (pair, CONV_3X3_STRIDE2, "conv3x3_stride2");
}

static void
check_conv_any (const Pair *pair)
{
  check_conv (pair, CONV_ANY, "conv");
}

static void
check_depthwise (const Pair *pair)
{
  check_conv (pair, DEPTHWISE, "depthwise");
}

/* The column that a pixel is in must not change its value, or tiles would show. */
static void
check_conv_position (const Pair *pair)
{
  const guint n = 45, shift = 5;

  for (Conv conv = CONV_3X3; conv <= DEPTHWISE; conv++) {
    if (conv == CONV_3X3_STRIDE2)
      continue;
    ConvCase c = conv_case_new (conv, 4, 8, n);
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

/* ---- attention ------------------------------------------------------------------------------- */

static void
check_max_pool (const Pair *pair)
{
  for (guint n = 1; n <= PIXELS; n++) {
    const guint columns = (n + 3) / 4;
    Rows src = rows_new (7, 3, n), got = rows_new (1, 3, columns), want = rows_new (1, 3, columns);
    const float *rows[7];
    fill_random (src.memory, src.size);
    for (guint i = 0; i < 7; i++)
      rows[i] = rows_at (&src, i, 0);
    fill (got.memory, got.size, GUARD);
    fill (want.memory, want.size, GUARD);
    pair->tested->max_pool_row (rows_at (&got, 0, 0), got.run, rows, src.run, 3, n);
    pair->reference->max_pool_row (rows_at (&want, 0, 0), want.run, rows, src.run, 3, n);
    g_assert_cmpmem (got.memory, got.size * sizeof (float), want.memory,
                     want.size * sizeof (float));
    g_free (src.memory);
    g_free (got.memory);
    g_free (want.memory);
  }
}

static void
check_upsample (const Pair *pair)
{
  for (guint n = 1; n <= COLUMNS; n++) {
    Rows low = rows_new (2, 3, 5);
    Rows got = rows_new (1, 3, n), want = rows_new (1, 3, n), scale = rows_new (1, 3, n);
    gint32 left[4 * COLUMNS], right[4 * COLUMNS];
    float weight[4 * COLUMNS], w1 = (float) g_test_rand_double ();
    fill_random (low.memory, low.size);
    fill (scale.memory, scale.size, 1e5f);
    fill (got.memory, got.size, GUARD);
    for (guint k = 0; k < 4 * n; k++) {
      left[k] = g_test_rand_int_range (0, (gint) (4 * low.run) - RFDN_RUN_SLACK);
      right[k] = g_test_rand_int_range (0, (gint) (4 * low.run) - RFDN_RUN_SLACK);
      weight[k] = (float) g_test_rand_double ();
    }
    for (guint r = 0; r < 3 * RFDN_PHASES; r++) {
      fill_random (rows_at (&want, 0, 0) + r * want.run, n);
      memcpy (rows_at (&got, 0, 0) + r * got.run, rows_at (&want, 0, 0) + r * want.run,
              n * sizeof (float));
    }
    pair->tested->upsample_row (rows_at (&got, 0, 0), got.run, rows_at (&low, 0, 0),
                                rows_at (&low, 1, 0), low.run, w1, left, right, weight, n, 3, n);
    pair->reference->upsample_row (rows_at (&want, 0, 0), want.run, rows_at (&low, 0, 0),
                                   rows_at (&low, 1, 0), low.run, w1, left, right, weight, n, 3, n);
    assert_close (&got, &want, &scale, 1, n, 2e-6, "upsample_row");
    assert_guards (&got, 1, n, "upsample_row");
    g_free (low.memory);
    g_free (got.memory);
    g_free (want.memory);
    g_free (scale.memory);
  }
}

static void
check_gate (const Pair *pair)
{
  static const float extremes[] = {0, -0.0f, 88, -88, 1e5f, -1e5f, 1e30f, -1e30f, 1e-30f};

  for (guint n = 1; n <= COLUMNS; n++) {
    Rows got = rows_new (1, 3, n), want = rows_new (1, 3, n), gate = rows_new (1, 3, n);
    fill_random (gate.memory, gate.size);
    fill (got.memory, got.size, GUARD);
    for (guint r = 0; r < 3 * RFDN_PHASES; r++) {
      for (guint t = 0; t < n; t++)
        rows_at (&want, 0, 0)[r * want.run + t] = r == 0 && t < G_N_ELEMENTS (extremes)
                                                      ? extremes[t]
                                                      : (float) g_test_rand_double_range (-12, 12);
      memcpy (rows_at (&got, 0, 0) + r * got.run, rows_at (&want, 0, 0) + r * want.run,
              n * sizeof (float));
    }
    pair->tested->gate_row (rows_at (&got, 0, 0), got.run, rows_at (&gate, 0, 0), gate.run, 3, n);
    pair->reference->gate_row (rows_at (&want, 0, 0), want.run, rows_at (&gate, 0, 0), gate.run, 3,
                               n);
    absolute (gate.memory, gate.size);
    assert_close (&got, &want, &gate, 1, n, 2e-6, "gate_row");
    assert_guards (&got, 1, n, "gate_row");
    g_free (got.memory);
    g_free (want.memory);
    g_free (gate.memory);
  }
}

/* ---- number by number ------------------------------------------------------------------------ */

/* A row of numbers that functions are looked at for, the same for both; guards around `got`. */
static void
fill_numbers (Rows *got, Rows *want, guint n)
{
  static const float extremes[] = {0, -0.0f, 88, -88, 1e4f, -1e4f, 1e-30f, -1e-7f, 1e-7f};

  fill (got->memory, got->size, GUARD);
  for (guint r = 0; r < want->channels * RFDN_PHASES; r++) {
    for (guint t = 0; t < n; t++)
      rows_at (want, 0, 0)[r * want->run + t] = r == 0 && t < G_N_ELEMENTS (extremes)
                                                    ? extremes[t]
                                                    : (float) g_test_rand_double_range (-12, 12);
    memcpy (rows_at (got, 0, 0) + r * got->run, rows_at (want, 0, 0) + r * want->run,
            n * sizeof (float));
  }
}

/* What may be off: a part of the number itself, and as much near 0. */
static void
check_function_case (const Pair *pair, const RfdnFunction *function, guint n)
{
  const float slopes[3] = {0.25f, -0.5f, 1};
  Rows got = rows_new (1, 3, n), want = rows_new (1, 3, n), scale = rows_new (1, 3, n);

  fill_numbers (&got, &want, n);
  for (gsize i = 0; i < scale.size; i++)
    scale.memory[i] = 1 + fabsf (want.memory[i]);
  pair->tested->function_row (rows_at (&got, 0, 0), got.run, function, slopes, 3, n);
  pair->reference->function_row (rows_at (&want, 0, 0), want.run, function, slopes, 3, n);
  assert_close (&got, &want, &scale, 1, n, 5e-7, "function_row");
  assert_guards (&got, 1, n, "function_row");
  g_free (got.memory);
  g_free (want.memory);
  g_free (scale.memory);
}

static void
check_functions (const Pair *pair)
{
  for (RfdnFunctionKind kind = RFDN_FUNCTION_LEAKY; kind <= RFDN_FUNCTION_CLIP; kind++) {
    const RfdnFunction function = {kind, kind == RFDN_FUNCTION_CLIP ? -0.5f : 0.3f, 2};
    for (guint n = 1; n <= COLUMNS; n++)
      check_function_case (pair, &function, n);
  }
}

/* add_row where `product` is behind the last one. */
static void
combine (const RfdnKernels *kernels, Rows *row, const Rows *map, gboolean shared, guint product,
         guint n)
{
  const gsize channel = shared ? 0 : RFDN_PHASES * map->run;

  if (product > RFDN_PRODUCT_GATE)
    kernels->add_row (rows_at (row, 0, 0), row->run, rows_at (map, 0, 0), map->run, channel, 3, n);
  else
    kernels->multiply_row (rows_at (row, 0, 0), row->run, rows_at (map, 0, 0), map->run, channel,
                           product, 3, n);
}

static void
check_combine (const Pair *pair)
{
  for (guint product = 0; product <= RFDN_PRODUCT_GATE + 1; product++) {
    for (guint n = 1; n <= COLUMNS; n++) {
      const gboolean shared = n % 2;
      Rows got = rows_new (1, 3, n), want = rows_new (1, 3, n), map = rows_new (1, 3, n);
      Rows scale = rows_new (1, 3, n);
      fill_numbers (&got, &want, n);
      fill_random (map.memory, map.size);
      for (gsize i = 0; i < scale.size; i++)
        scale.memory[i] = 4e4f * (1 + fabsf (want.memory[i])) + 4e4f;
      combine (pair->tested, &got, &map, shared, product, n);
      combine (pair->reference, &want, &map, shared, product, n);
      assert_close (&got, &want, &scale, 1, n, 1e-6, "multiply_row");
      assert_guards (&got, 1, n, "multiply_row");
      g_free (got.memory);
      g_free (want.memory);
      g_free (map.memory);
      g_free (scale.memory);
    }
  }
}

static void
check_softmax (const Pair *pair)
{
  for (guint values = 1; values <= 9; values++) {
    for (guint n = 1; n <= COLUMNS; n++) {
      Rows src = rows_new (1, 2 * values * 3, n), got = rows_new (1, 3, n);
      Rows want = rows_new (1, 3, n), scale = rows_new (1, 3, n);
      fill (got.memory, got.size, GUARD);
      for (gsize i = 0; i < src.size; i++)
        src.memory[i] = (float) g_test_rand_double_range (-20, 20);
      fill (scale.memory, scale.size, 20);
      pair->tested->softmax_row (rows_at (&got, 0, 0), got.run, rows_at (&src, 0, 0), src.run,
                                 values, 3, n);
      pair->reference->softmax_row (rows_at (&want, 0, 0), want.run, rows_at (&src, 0, 0), src.run,
                                    values, 3, n);
      assert_close (&got, &want, &scale, 1, n, 1e-6, "softmax_row");
      assert_guards (&got, 1, n, "softmax_row");
      g_free (src.memory);
      g_free (got.memory);
      g_free (want.memory);
      g_free (scale.memory);
    }
  }
}

/* ---- samples --------------------------------------------------------------------------------- */

static const struct {
  RfdnSampleFormat format;
  gsize pixel_stride;
} sample_cases[] = {
    {{RFDN_SAMPLES_U8, 8, 0}, 1},   {{RFDN_SAMPLES_U8, 8, 0}, 2},   {{RFDN_SAMPLES_U8, 8, 0}, 3},
    {{RFDN_SAMPLES_U8, 8, 0}, 4},   {{RFDN_SAMPLES_U16, 10, 0}, 2}, {{RFDN_SAMPLES_U16, 10, 6}, 2},
    {{RFDN_SAMPLES_U16, 10, 6}, 4}, {{RFDN_SAMPLES_U16, 16, 0}, 2}, {{RFDN_SAMPLES_U16, 16, 0}, 8},
    {{RFDN_SAMPLES_F32, 0, 0}, 4},
};

/* load_row, and unpack_row, which is the same to a plain row. */
static void
check_load (const Pair *pair)
{
  for (guint k = 0; k < G_N_ELEMENTS (sample_cases); k++) {
    const RfdnSampleFormat *format = &sample_cases[k].format;
    const gsize pixel_stride = sample_cases[k].pixel_stride;
    for (guint n = 1; n <= PIXELS; n++) {
      /* On the heap and just as long as it may be, for the address sanitizer to see. */
      gsize size = (n - 1) * pixel_stride + (format->samples == RFDN_SAMPLES_U8    ? 1
                                             : format->samples == RFDN_SAMPLES_U16 ? 2
                                                                                   : 4);
      guint8 *samples = g_malloc (size);
      Rows got = rows_new (1, 1, n), want = rows_new (1, 1, n);
      for (gsize i = 0; i < size; i++)
        samples[i] = (guint8) g_test_rand_int_range (0, 256);
      if (format->samples == RFDN_SAMPLES_F32)
        fill_random ((float *) (void *) samples, n);
      fill (got.memory, got.size, GUARD);
      fill (want.memory, want.size, GUARD);
      pair->tested->load_row (rows_at (&got, 0, 0), got.run, samples, pixel_stride, format, 0.37f,
                              0, n);
      pair->reference->load_row (rows_at (&want, 0, 0), want.run, samples, pixel_stride, format,
                                 0.37f, 0, n);
      g_assert_cmpmem (got.memory, got.size * sizeof (float), want.memory,
                       want.size * sizeof (float));
      pair->tested->unpack_row (got.memory, samples, pixel_stride, format, n);
      pair->reference->unpack_row (want.memory, samples, pixel_stride, format, n);
      g_assert_cmpmem (got.memory, got.size * sizeof (float), want.memory,
                       want.size * sizeof (float));
      /* Multiplying and adding may be one rounding or two. */
      pair->tested->load_row (rows_at (&got, 0, 0), got.run, samples, pixel_stride, format, 0.37f,
                              -3, n);
      pair->reference->load_row (rows_at (&want, 0, 0), want.run, samples, pixel_stride, format,
                                 0.37f, -3, n);
      for (guint x = 0; x < n; x++) {
        const gsize at = x % RFDN_PHASES * got.run + x / RFDN_PHASES;
        const float a = rows_at (&got, 0, 0)[at], b = rows_at (&want, 0, 0)[at];
        g_assert_cmpfloat (fabsf (a - b), <=, 3e-7f * (6 + fabsf (b)));
      }
      g_free (samples);
      g_free (got.memory);
      g_free (want.memory);
    }
  }
}

static void
check_store_case (const Pair *pair, guint k, guint scale, guint n)
{
  static const float extremes[] = {0,        -1,     1e30f,  -1e30f, NAN,
                                   INFINITY, 254.5f, 255.4f, 0.49f,  0.5f};
  const RfdnSampleFormat *format = &sample_cases[k].format;
  const gsize pixel_stride = sample_cases[k].pixel_stride;
  const gsize size = n * scale * pixel_stride;
  guint8 *got = g_malloc (size), *want = g_malloc (size);
  Rows src = rows_new (1, scale, n);

  memset (got, 0xa5, size);
  memset (want, 0xa5, size);
  for (gsize i = 0; i < src.size; i++) {
    gint pick = g_test_rand_int_range (0, 4 * G_N_ELEMENTS (extremes));
    src.memory[i] = pick < (gint) G_N_ELEMENTS (extremes)
                        ? extremes[pick]
                        : (float) g_test_rand_double_range (-20, 300);
  }
  pair->tested->store_row (got, pixel_stride, format, rows_at (&src, 0, 0), src.run, scale, 1, n);
  pair->reference->store_row (want, pixel_stride, format, rows_at (&src, 0, 0), src.run, scale, 1,
                              n);
  /* To the bit, and nothing between the samples was touched. */
  g_assert_cmpmem (got, size, want, size);

  /* pack_row, which is the same from plain rows; any number of samples. */
  const guint samples = n * scale - scale / 2;
  pair->tested->pack_row (got, pixel_stride, format, src.memory, src.run, scale, samples);
  pair->reference->pack_row (want, pixel_stride, format, src.memory, src.run, scale, samples);
  g_assert_cmpmem (got, size, want, size);
  g_free (got);
  g_free (want);
  g_free (src.memory);
}

static void
check_store (const Pair *pair)
{
  for (guint k = 0; k < G_N_ELEMENTS (sample_cases); k++) {
    for (guint scale = 1; scale <= RFDN_MAX_SHUFFLE; scale += 1 + scale / 4) {
      for (guint n = 1; n <= PIXELS; n++)
        check_store_case (pair, k, scale, n);
      check_store_case (pair, k, scale, 4 * 64 + 1);
    }
  }
}

static void
check_fir (const Pair *pair)
{
  const float taps[6] = {0.02f, -0.13f, 0.61f, 0.61f, -0.13f, 0.02f};

  for (guint n = 1; n <= PIXELS; n++) {
    const gsize size = n + RFDN_RUN_ALIGN;
    float *src = g_new (float, 6 * size), *got = g_new (float, size), *want = g_new (float, size);
    const float *rows[6];
    fill_random (src, 6 * size);
    fill (got, size, GUARD);
    for (guint t = 0; t < 6; t++)
      rows[t] = src + t * size;
    pair->tested->fir_row (got, rows, taps, 6, n);
    pair->reference->fir_row (want, rows, taps, 6, n);
    for (guint x = 0; x < n; x++)
      g_assert_cmpfloat_with_epsilon (got[x], want[x], 0.1f);
    g_assert_cmpfloat (got[n + RFDN_RUN_ALIGN - 1], ==, GUARD);
    g_free (src);
    g_free (got);
    g_free (want);
  }
}

/* ---- the list -------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  void (*check) (const Pair *pair);
} checks[] = {
    {"conv3x3", check_conv3x3},
    {"conv3x3-wide", check_conv3x3_wide},
    {"conv1x1", check_conv1x1},
    {"conv3x3-stride2", check_conv3x3_stride2},
    {"conv", check_conv_any},
    {"depthwise", check_depthwise},
    {"conv-position", check_conv_position},
    {"max-pool", check_max_pool},
    {"upsample", check_upsample},
    {"gate", check_gate},
    {"function", check_functions},
    {"combine", check_combine},
    {"softmax", check_softmax},
    {"load", check_load},
    {"store", check_store},
    {"fir", check_fir},
};

typedef struct {
  RfdnCpu cpu;
  guint check;
} Test;

static void
run_test (gconstpointer data)
{
  const Test *test = data;
  g_autoptr (GError) error = NULL;
  Pair pair = {rfdn_kernels_get (RFDN_CPU_SCALAR, &error), NULL};
  g_assert_no_error (error);

  pair.tested = rfdn_kernels_get (test->cpu, NULL);
  if (pair.tested == NULL) {
    g_test_skip ("this machine or build does not have this level");
    return;
  }
  checks[test->check].check (&pair);
}

int
main (int argc, char **argv)
{
  static const RfdnCpu levels[] = {RFDN_CPU_SSE2, RFDN_CPU_AVX2, RFDN_CPU_AVX512, RFDN_CPU_NEON};

  g_test_init (&argc, &argv, NULL);
  for (guint l = 0; l < G_N_ELEMENTS (levels); l++) {
    for (guint k = 0; k < G_N_ELEMENTS (checks); k++) {
      g_autofree char *path =
          g_strdup_printf ("/kernels/%s/%s", rfdn_cpu_get_name (levels[l]), checks[k].name);
      Test test = {levels[l], k};
      g_test_add_data_func_full (path, g_memdup2 (&test, sizeof test), run_test, g_free);
    }
  }
  return g_test_run ();
}
