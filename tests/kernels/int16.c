/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels in 16-bit integers: every CPU level gives the same bits as the scalar kernels; these are
 * close to the same layer in real numbers, and no sum overflows. */

#include <math.h>
#include <string.h>

#include "int16-rows.h"

/* ---- a layer --------------------------------------------------------------------------------- */

typedef enum { FIRST, SMALL, WIDE, POINT, STRIDE2 } Kind;

typedef struct {
  RfdnConvShape shape;
  Kind kind;
  double in_limit;
  float *weights, *bias, *in_steps, *out_steps;
  RfdnInt16Filter filter;
  guint n, rows;
  Rows src, add;
  gboolean with_add, add_last;
  float slope;
} Case;

static double
random_normal (void)
{
  double sum = 0;
  for (guint i = 0; i < 12; i++)
    sum += g_test_rand_double ();
  return sum - 6;
}

static float *
random_numbers (gsize n, double size)
{
  float *numbers = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    numbers[i] = (float) (size * random_normal ());
  return numbers;
}

static float *
random_steps (guint n, double step)
{
  float *steps = g_new (float, n);
  for (guint i = 0; i < n; i++)
    steps[i] = (float) (step * g_test_rand_double_range (0.3, 3));
  return steps;
}

/* Converts the case's weights to integers. */
static void
make_filter (Case *c)
{
  rfdn_int16_filter_clear (&c->filter);
  g_assert_true (rfdn_int16_filter_init (&c->filter, &c->shape, c->kind == WIDE, c->weights,
                                         c->bias, c->in_steps, c->out_steps, c->in_limit));
  g_assert_true (c->filter.fits);
}

static Case
case_new (Kind kind, guint in, guint out, guint n, Loudness loudness)
{
  const float slopes[] = {1, 0.05f, 0, 0.2f};
  const guint side = kind == POINT ? 1 : 3, taps = side * side;
  const guint columns = kind == STRIDE2 ? 2 * n + 1 : n;
  Case c = {.shape = {in, out, side, side}, .kind = kind, .n = n};

  c.in_limit = kind == FIRST ? 255 : 32768;
  c.weights = random_numbers ((gsize) in * out * taps, sqrt (2.0 / (taps * in)));
  c.bias = random_numbers (out, 0.05);
  c.in_steps = random_steps (in, 1.0 / RFDN_INT16_LIMIT);
  c.out_steps = random_steps (out, 1.5 / RFDN_INT16_LIMIT);
  make_filter (&c);
  c.rows = (guint) g_test_rand_int_range (1, RFDN_STRIP + 1);
  c.with_add = g_test_rand_bit ();
  c.add_last = g_test_rand_bit ();
  c.slope = slopes[g_test_rand_int_range (0, G_N_ELEMENTS (slopes))];
  c.src = rows_new (RFDN_MAX_ROWS, in, columns);
  fill (&c.src, RFDN_MAX_ROWS, in, columns, loudness);
  c.add = rows_new (RFDN_STRIP, out, n);
  fill (&c.add, RFDN_STRIP, out, n, LOUD);
  return c;
}

static void
case_clear (Case *c)
{
  rfdn_int16_filter_clear (&c->filter);
  g_free (c->weights);
  g_free (c->bias);
  g_free (c->in_steps);
  g_free (c->out_steps);
  g_free (c->src.memory);
  g_free (c->add.memory);
}

static const RfdnConv *
get_conv (const RfdnKernels *kernels, Kind kind)
{
  switch (kind) {
  case WIDE:
    return &kernels->conv3x3_wide;
  case POINT:
    return &kernels->conv1x1;
  case STRIDE2:
    return &kernels->conv3x3_stride2;
  default:
    return &kernels->conv3x3;
  }
}

/* The case's result, in rows whose other words are all GUARD. */
static Rows
run (const RfdnKernels *kernels, const Case *c)
{
  const RfdnConv *conv = get_conv (kernels, c->kind);
  Rows dst = rows_new (RFDN_STRIP, c->shape.out_channels, c->n);
  float *packed = g_new (float, conv->packed_size (&c->shape));
  float *scratch = g_new (float, conv->scratch_size (&c->shape) + 1);
  RfdnConvStrip strip = {
      .shape = c->shape,
      .src_run = c->src.run,
      .weights = packed,
      .dst_run = dst.run,
      .add_run = c->add.run,
      .add_last = c->add_last,
      .slope = c->slope,
      .rows = c->rows,
      .n = c->n,
      .scratch = scratch,
  };

  for (gsize i = 0; i < dst.size; i++)
    dst.memory[i] = GUARD;
  conv->pack_int16 (packed, &c->filter);
  for (guint r = 0; r < RFDN_MAX_ROWS; r++)
    strip.src[r] = (const float *) rows_at (&c->src, r, 0);
  for (guint r = 0; r < c->rows; r++) {
    strip.dst[r] = (float *) rows_at (&dst, r, 0);
    strip.add[r] = c->with_add ? (const float *) rows_at (&c->add, r, 0) : NULL;
  }
  conv->strip (&strip);
  g_free (packed);
  g_free (scratch);
  return dst;
}

/* ---- each level against the scalar one ------------------------------------------------------- */

static void
assert_same (const Case *c, const Rows *got, const Rows *want)
{
  for (gsize i = 0; i < got->size; i++) {
    const gsize row = i / got->run, column = i % got->run;
    const gsize y = row / (got->channels / 2 * RFDN_PHASES);
    const gboolean inside = y < c->rows && column >= RFDN_RUN_SLACK;
    const gboolean wanted = inside && column < RFDN_RUN_SLACK + c->n;
    const gboolean slack = inside && column < RFDN_RUN_SLACK + c->n + RFDN_RUN_ALIGN - 1;
    const guint32 expected = wanted ? want->memory[i] : GUARD;
    if (got->memory[i] != expected && (wanted || !slack))
      g_error ("%u -> %u, %u columns: row %u, run %u, column %d is %08x, not %08x",
               c->shape.in_channels, c->shape.out_channels, c->n, (guint) y, (guint) row,
               (gint) column - RFDN_RUN_SLACK, got->memory[i], expected);
  }
}

static void
check_case (const RfdnKernels *kernels, Kind kind, guint in, guint out, guint n, Loudness loudness)
{
  Case c = case_new (kind, in, out, n, loudness);
  Rows got = run (kernels, &c), want = run (&rfdn_kernels_scalar_int16, &c);

  assert_same (&c, &got, &want);
  g_free (got.memory);
  g_free (want.memory);
  case_clear (&c);
}

/* Every number of channels in the last block, every length of the last vector. */
static void
test_convolutions (gconstpointer data)
{
  const RfdnKernels *kernels = data;

  for (guint out = 1; out <= 26; out++)
    check_case (kernels, FIRST, 1, out, 21, QUIET);
  for (guint n = 1; n <= COLUMNS; n++)
    check_case (kernels, FIRST, 1, 7, n, QUIET);
  for (Loudness loudness = QUIET; loudness <= LOUD; loudness++) {
    for (Kind kind = SMALL; kind <= STRIDE2; kind++) {
      for (guint out = 1; out <= 26; out++)
        check_case (kernels, kind, 2 + out % 9, out, 21, loudness);
      for (guint n = 1; n <= COLUMNS; n++)
        check_case (kernels, kind, 9, 6, n, loudness);
      check_case (kernels, kind, 50, 50, 20, loudness);
      check_case (kernels, kind, 16, 16, 80, loudness);
    }
  }
}

static void
test_load (gconstpointer data)
{
  const RfdnKernels *kernels = data;
  const RfdnSampleFormat format = {.samples = RFDN_SAMPLES_U8, .depth = 8};
  guint8 samples[256];

  for (guint i = 0; i < sizeof samples; i++)
    samples[i] = (guint8) g_test_rand_int ();
  for (guint stride = 1; stride <= 3; stride++) {
    for (guint n = 1; n <= 71; n++) {
      Rows got = rows_new (1, 2, (n + 3) / 4);
      for (gsize i = 0; i < got.size; i++)
        got.memory[i] = GUARD;
      kernels->load_row ((float *) rows_at (&got, 0, 0), got.run, samples, stride, &format, 0, 0,
                         n);
      for (guint x = 0; x < n; x++) {
        g_assert_cmpint (*rows_number (&got, 0, 0, (gint) x), ==, samples[x * stride]);
        g_assert_cmpint (*rows_number (&got, 0, 1, (gint) x), ==, 0);
      }
      g_free (got.memory);
    }
  }
}

/* All 16-bit values are among them. */
static void
test_store (gconstpointer data)
{
  const RfdnKernels *kernels = data;
  const RfdnSampleFormat format = {.samples = RFDN_SAMPLES_U8, .depth = 8};

  for (guint scale = 1; scale <= RFDN_MAX_SCALE; scale++) {
    for (guint n = scale == 2 ? 65536 / 2 : 1; n <= (scale == 2 ? 65536 / 2 : 71); n++) {
      const guint stride = 1 + n % 3, first = scale * (n % 2), size = n * scale * stride;
      Rows src = rows_new (1, 2 * scale, (n + 3) / 4);
      g_autofree guint8 *got = g_malloc0 (size + 1), *want = g_malloc0 (size + 1);
      for (guint x = 0; x < n * scale; x++)
        *rows_number (&src, 0, first + x % scale, (gint) (x / scale)) = (gint16) (x * 32771u);
      kernels->store_row (got, stride, &format, (const float *) rows_at (&src, 0, 0), src.run,
                          first, scale, 0, n);
      rfdn_kernels_scalar_int16.store_row (
          want, stride, &format, (const float *) rows_at (&src, 0, 0), src.run, first, scale, 0, n);
      g_assert_cmpmem (got, size + 1, want, size + 1);
      g_free (src.memory);
    }
  }
}

/* ---- the scalar one against real numbers ----------------------------------------------------- */

static double
get_real (const Case *c, guint o, guint y, guint x)
{
  double v = c->bias[o];
  const guint side = c->shape.width, taps = side * side, step = c->kind == STRIDE2 ? 2 : 1;
  const gint left = c->kind == STRIDE2 ? 0 : (gint) side / 2;

  for (guint i = 0; i < c->shape.in_channels; i++) {
    for (guint k = 0; k < taps; k++)
      v += (double) c->weights[(o * c->shape.in_channels + i) * taps + k] * c->in_steps[i] *
           *rows_number (&c->src, step * y + k / side, i, (gint) (step * x + k % side) - left);
  }
  const double add = c->with_add ? c->out_steps[o] * *rows_number (&c->add, y, o, (gint) x) : 0;
  if (!c->add_last)
    v += add;
  if (v < 0)
    v *= (double) c->slope;
  return c->add_last ? v + add : v;
}

/* The largest sum that inputs up to @most can give, without the bias. */
static double
get_largest_sum (const Case *c, guint o, double most)
{
  const guint taps = c->shape.width * c->shape.height, n = taps * c->shape.in_channels;
  double sum = 0;

  for (guint k = 0; k < n; k++)
    sum += fabs ((double) c->weights[o * n + k]) * c->in_steps[k / taps] * most;
  return sum;
}

/* Makes the output steps so large that no sum saturates, so that only rounding is left. */
static void
make_room (Case *c, double most)
{
  for (guint o = 0; o < c->shape.out_channels; o++) {
    const double largest = get_largest_sum (c, o, most) + fabs ((double) c->bias[o]);
    c->out_steps[o] = MAX (c->out_steps[o], (float) (largest / 32000));
  }
  make_filter (c);
  c->with_add = FALSE; /* which would saturate */
}

/* Signal-to-noise ratio of a case's result, in dB. */
static double
get_ratio (Case *c)
{
  Rows got = run (&rfdn_kernels_scalar_int16, c);
  double signal = 0, error = 0;

  for (guint y = 0; y < c->rows; y++) {
    for (guint o = 0; o < c->shape.out_channels; o++) {
      for (guint x = 0; x < RFDN_PHASES * c->n; x++) {
        const double want = get_real (c, o, y, x);
        const double off = *rows_number (&got, y, o, (gint) x) * (double) c->out_steps[o] - want;
        signal += want * want;
        error += off * off;
      }
    }
  }
  g_free (got.memory);
  return 10 * log10 (signal / error);
}

static void
test_accuracy (void)
{
  for (guint i = 0; i < 30; i++) {
    const Kind kind = i % 5;
    Case c = case_new (kind, kind == FIRST ? 1 : 4 * (1 + i % 7), 5 + i, 30, QUIET);
    make_room (&c, RFDN_INT16_LIMIT);
    g_test_message ("%u, %u -> %u: %.1f dB", kind, c.shape.in_channels, c.shape.out_channels,
                    get_ratio (&c));
    g_assert_cmpfloat (get_ratio (&c), >, 45);
    case_clear (&c);
  }
}

/* Values beyond RFDN_INT16_LIMIT are rounded by their tile's exponent, not clamped. */
static void
test_loud_accuracy (void)
{
  for (guint i = 0; i < 16; i++) {
    Case c = case_new (SMALL + i % 4, 16, 8, 30, LOUD);
    make_room (&c, 32768);
    g_test_message ("%.1f dB", get_ratio (&c));
    g_assert_cmpfloat (get_ratio (&c), >, 35);
    case_clear (&c);
  }
}

/* The largest inputs for which sums are guaranteed, each with its weight's sign. */
static void
test_largest_sums (void)
{
  static const gint most[] = {255, 32767, RFDN_INT16_LIMIT, 32767, 32767};

  for (guint i = 0; i < 25; i++) {
    const Kind kind = i % 5;
    Case c = case_new (kind, kind == FIRST ? 1 : 16, 2, 2, QUIET);
    const guint side = c.shape.width, taps = side * side;
    const gint first = kind == STRIDE2 ? 2 : 1 - (gint) side / 2;
    c.bias[0] = fabsf (c.bias[0]);
    const double expected = c.bias[0] + get_largest_sum (&c, 0, most[kind]);
    c.out_steps[0] = (float) (expected / 32000); /* all of 16 bits */
    make_filter (&c);
    for (guint k = 0; k < taps * c.shape.in_channels; k++)
      *rows_number (&c.src, k % taps / side, k / taps, first + (gint) (k % side)) =
          (gint16) (c.weights[k] < 0 ? -most[kind] : most[kind]);
    c.slope = 1;
    c.with_add = FALSE;
    Rows got = run (&rfdn_kernels_scalar_int16, &c);
    g_assert_cmpfloat_with_epsilon (*rows_number (&got, 0, 0, 1), 32000, 320);
    g_free (got.memory);
    case_clear (&c);
  }
}

/* Addends may bring a sum that exceeds 16 bits back into range, and LeakyReLU one far below it. */
static void
test_cancelling (void)
{
  for (guint i = 0; i < 20; i++) {
    Case c = case_new (SMALL + i % 4, 16, 4, 5, QUIET);
    c.slope = i % 3 ? 0.05f : 1;
    c.add_last = i / 4 % 2;
    c.with_add = TRUE;
    for (guint o = 0; o < 4; o++)
      c.out_steps[o] = (float) (get_largest_sum (&c, o, RFDN_INT16_LIMIT) / 150000);
    make_filter (&c);
    for (guint y = 0; y < c.rows; y++) {
      for (guint k = 0; k < 4 * 4 * c.n; k++) {
        const guint o = k % 4, x = k / 4;
        *rows_number (&c.add, y, o, (gint) x) = 0;
        const double sum = get_real (&c, o, y, x) / c.out_steps[o];
        *rows_number (&c.add, y, o, (gint) x) = (gint16) (fabs (sum) < 20000 ? -sum
                                                          : sum > 0          ? -32000
                                                                             : 32000);
      }
    }
    Rows got = run (&rfdn_kernels_scalar_int16, &c);
    for (guint y = 0; y < c.rows; y++) {
      for (guint k = 0; k < 4 * 4 * c.n; k++) {
        const double want = get_real (&c, k % 4, y, k / 4) / c.out_steps[k % 4];
        g_assert_cmpfloat_with_epsilon (*rows_number (&got, y, k % 4, (gint) k / 4),
                                        CLAMP (want, -32768, 32767), 200);
      }
    }
    g_free (got.memory);
    case_clear (&c);
  }
}

/* Filters of zeros are accepted; steps that leave no room for a weight are reported. */
static void
test_steps (void)
{
  const RfdnConvShape shape = {8, 3, 3, 3};
  g_autofree float *weights = random_numbers (8 * 3 * 9, 1);
  float in_steps[8] = {1, 1, 1, 1, 1, 1, 1, 1}, out_steps[3] = {1, 1, 1};
  RfdnInt16Filter filter;

  memset (weights + 8 * 9, 0, 8 * 9 * sizeof (float));
  g_assert_true (
      rfdn_int16_filter_init (&filter, &shape, TRUE, weights, NULL, in_steps, out_steps, 32768));
  g_assert_true (filter.fits);
  g_assert_cmpint (filter.shift[1], ==, RFDN_INT16_MAX_SHIFT);
  rfdn_int16_filter_clear (&filter);
  out_steps[2] = 1e-4f;
  g_assert_true (
      rfdn_int16_filter_init (&filter, &shape, TRUE, weights, NULL, in_steps, out_steps, 32768));
  g_assert_false (filter.fits);
  rfdn_int16_filter_clear (&filter);
}

int
main (int argc, char **argv)
{
  static const LevelTest tests[] = {
      {"conv", test_convolutions},
      {"load_row", test_load},
      {"store_row", test_store},
  };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/int16/accuracy", test_accuracy);
  g_test_add_func ("/int16/loud-accuracy", test_loud_accuracy);
  g_test_add_func ("/int16/largest-sums", test_largest_sums);
  g_test_add_func ("/int16/cancelling", test_cancelling);
  g_test_add_func ("/int16/steps", test_steps);
  add_level_tests ("int16", tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
