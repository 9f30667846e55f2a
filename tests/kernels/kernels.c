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
#define LENGTHS (2 * RFDN_ROW_ALIGN + 3)

typedef struct {
  const RfdnKernels *reference, *tested;
} Pair;

/* ---- memory ---------------------------------------------------------------------------------- */

/* Rows of floats as activations have them. */
typedef struct {
  float *memory;
  gsize size, pitch;
  guint channels;
} Rows;

static Rows
rows_new (guint channels, guint n)
{
  Rows rows = {.channels = channels};
  /* Not the engine's own pitch, so that nothing depends on it. */
  rows.pitch = RFDN_ROW_BEFORE + n + RFDN_ROW_ALIGN + RFDN_ROW_AFTER + 1;
  rows.size = channels * rows.pitch;
  rows.memory = g_new (float, rows.size);
  return rows;
}

static float *
rows_at (const Rows *rows, guint channel)
{
  return rows->memory + channel * rows->pitch + RFDN_ROW_BEFORE;
}

/* Numbers of the sizes that networks have, sometimes zeros, sometimes large. */
static float
random_number (void)
{
  switch (g_test_rand_int_range (0, 16)) {
  case 0:
    return 0;
  case 1:
    return (float)g_test_rand_double_range (-3e4, 3e4);
  default:
    return (float)g_test_rand_double_range (-2, 2);
  }
}

static void
fill_random (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    values[i] = random_number ();
}

static void
fill_guard (const Rows *rows)
{
  for (gsize i = 0; i < rows->size; i++)
    rows->memory[i] = GUARD;
}

/* Nothing before a channel's first pixel nor behind the slack of its last one was written. */
static void
assert_guards (const Rows *rows, guint n, const char *what)
{
  for (guint c = 0; c < rows->channels; c++) {
    const float *row = rows->memory + c * rows->pitch;
    for (gsize i = 0; i < rows->pitch; i++) {
      gboolean writable = i >= RFDN_ROW_BEFORE && i < RFDN_ROW_BEFORE + n + RFDN_ROW_ALIGN - 1;
      if (!writable && row[i] != GUARD)
        g_error ("%s, %u pixels: wrote at channel %u, pixel %d", what, n, c,
                 (gint)i - RFDN_ROW_BEFORE);
    }
  }
}

/* `scale` bounds the sum of the magnitudes that a value is made of. */
static void
assert_close (const Rows *got, const Rows *want, const Rows *scale, guint n, const char *what)
{
  for (guint c = 0; c < got->channels; c++) {
    for (guint x = 0; x < n; x++) {
      float a = rows_at (got, c)[x], b = rows_at (want, c)[x];
      float bound = 2e-6f * (scale ? rows_at (scale, c)[x] : fabsf (b)) + 1e-30f;
      if (!(fabsf (a - b) <= bound))
        g_error ("%s, %u pixels: channel %u, pixel %u is %.9g, not %.9g", what, n, c, x, a, b);
    }
  }
}

/* ---- convolutions ---------------------------------------------------------------------------- */

typedef enum { CONV_3X3, CONV_1X1, CONV_3X3_STRIDE2 } Conv;

typedef struct {
  guint in, out, taps;
  Rows src[3], add;
  float *weights, *bias;
  gboolean with_add, add_last;
  float slope;
} ConvCase;

static void
run_conv (const RfdnKernels *kernels, Conv conv, const ConvCase *c, Rows *dst, guint n)
{
  float *packed = g_new (float, rfdn_kernels_packed_size (c->in, c->out, c->taps));
  rfdn_kernels_pack_conv (kernels, packed, c->weights, c->bias, c->in, c->out, c->taps);
  RfdnConvRow row = {
      .src_pitch = c->src[0].pitch,
      .in_channels = c->in,
      .out_channels = c->out,
      .weights = packed,
      .dst = rows_at (dst, 0),
      .dst_pitch = dst->pitch,
      .add_last = c->add_last,
      .slope = c->slope,
      .n = n,
  };
  for (guint i = 0; i < 3; i++)
    row.src[i] = rows_at (&c->src[i], 0);
  if (c->with_add) {
    row.add = rows_at (&c->add, 0);
    row.add_pitch = c->add.pitch;
  }
  RfdnConvRowFunc func = conv == CONV_3X3   ? kernels->conv3x3_row
                         : conv == CONV_1X1 ? kernels->conv1x1_row
                                            : kernels->conv3x3_stride2_row;
  func (&row);
  g_free (packed);
}

static void
absolute (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    values[i] = fabsf (values[i]);
}

static void
check_conv_case (const Pair *pair, Conv conv, guint in, guint out, guint n, const char *what)
{
  ConvCase c = {.in = in, .out = out, .taps = conv == CONV_1X1 ? 1 : 9};
  gsize n_weights = (gsize)in * out * c.taps;
  const float slopes[] = {1, 0.05f, 0};
  c.slope = slopes[g_test_rand_int_range (0, 3)];
  c.with_add = g_test_rand_bit ();
  c.add_last = g_test_rand_bit ();
  c.weights = g_new (float, n_weights);
  c.bias = g_test_rand_bit () ? g_new (float, out) : NULL;
  fill_random (c.weights, n_weights);
  if (c.bias)
    fill_random (c.bias, out);
  for (guint i = 0; i < 3; i++) {
    c.src[i] = rows_new (in, 2 * n + 2 * RFDN_ROW_ALIGN);
    fill_random (c.src[i].memory, c.src[i].size);
  }
  c.add = rows_new (out, n);
  fill_random (c.add.memory, c.add.size);

  Rows got = rows_new (out, n), want = rows_new (out, n), scale = rows_new (out, n);
  fill_guard (&got);
  run_conv (pair->tested, conv, &c, &got, n);
  run_conv (pair->reference, conv, &c, &want, n);
  /* The same with all magnitudes bounds the error. */
  absolute (c.weights, n_weights);
  if (c.bias)
    absolute (c.bias, out);
  for (guint i = 0; i < 3; i++)
    absolute (c.src[i].memory, c.src[i].size);
  absolute (c.add.memory, c.add.size);
  c.slope = 1;
  run_conv (pair->reference, conv, &c, &scale, n);

  assert_close (&got, &want, &scale, n, what);
  assert_guards (&got, n, what);
  for (guint i = 0; i < 3; i++)
    g_free (c.src[i].memory);
  g_free (c.add.memory);
  g_free (c.weights);
  g_free (c.bias);
  g_free (got.memory);
  g_free (want.memory);
  g_free (scale.memory);
}

static void
check_conv (const Pair *pair, Conv conv, const char *what)
{
  /* Every number of channels in the last block, every length of the last vector. */
  for (guint out = 1; out <= 13; out++)
    check_conv_case (pair, conv, 1 + out % 4, out, 21, what);
  for (guint n = 1; n <= LENGTHS; n++)
    check_conv_case (pair, conv, 3, 7, n, what);
  check_conv_case (pair, conv, 50, 50, 64, what);
  check_conv_case (pair, conv, 16, 16, 320, what);
}

static void
check_conv3x3 (const Pair *pair)
{
  check_conv (pair, CONV_3X3, "conv3x3_row");
}

static void
check_conv1x1 (const Pair *pair)
{
  check_conv (pair, CONV_1X1, "conv1x1_row");
}

static void
check_conv3x3_stride2 (const Pair *pair)
{
  check_conv (pair, CONV_3X3_STRIDE2, "conv3x3_stride2_row");
}

/* The place of a pixel in a row must not change its value, or tiles would show. */
static void
check_conv_position (const Pair *pair)
{
  const guint n = 80, shift = 5;
  ConvCase c = {.in = 4, .out = 8, .taps = 9, .slope = 0.05f};
  c.weights = g_new (float, c.in *c.out * 9);
  fill_random (c.weights, c.in * c.out * 9);
  for (guint i = 0; i < 3; i++) {
    c.src[i] = rows_new (c.in, n);
    fill_random (c.src[i].memory, c.src[i].size);
  }
  Rows whole = rows_new (c.out, n), part = rows_new (c.out, n);
  run_conv (pair->tested, CONV_3X3, &c, &whole, n);
  for (guint i = 0; i < 3; i++)
    memmove (c.src[i].memory, c.src[i].memory + shift, (c.src[i].size - shift) * sizeof (float));
  run_conv (pair->tested, CONV_3X3, &c, &part, n - shift - 2);
  for (guint o = 0; o < c.out; o++)
    g_assert_cmpmem (rows_at (&part, o), (n - shift - 2) * sizeof (float),
                     rows_at (&whole, o) + shift, (n - shift - 2) * sizeof (float));
  for (guint i = 0; i < 3; i++)
    g_free (c.src[i].memory);
  g_free (c.weights);
  g_free (whole.memory);
  g_free (part.memory);
}

/* ---- attention ------------------------------------------------------------------------------- */

static void
check_max_pool (const Pair *pair)
{
  for (guint n = 1; n <= LENGTHS; n++) {
    Rows src[7], got = rows_new (3, n), want = rows_new (3, n);
    const float *rows[7];
    for (guint i = 0; i < 7; i++) {
      src[i] = rows_new (3, 3 * n + 4 + RFDN_ROW_ALIGN * 3);
      fill_random (src[i].memory, src[i].size);
      rows[i] = rows_at (&src[i], 0);
    }
    fill_guard (&got);
    pair->tested->max_pool_row (rows_at (&got, 0), got.pitch, rows, src[0].pitch, 3, n);
    pair->reference->max_pool_row (rows_at (&want, 0), want.pitch, rows, src[0].pitch, 3, n);
    assert_close (&got, &want, NULL, n, "max_pool_row");
    assert_guards (&got, n, "max_pool_row");
    for (guint i = 0; i < 7; i++)
      g_free (src[i].memory);
    g_free (got.memory);
    g_free (want.memory);
  }
}

static void
check_upsample (const Pair *pair)
{
  for (guint n = 1; n <= LENGTHS; n++) {
    Rows low[2] = {rows_new (3, 12), rows_new (3, 12)};
    Rows got = rows_new (3, n), want = rows_new (3, n), scale = rows_new (3, n);
    gint32 left[LENGTHS], right[LENGTHS];
    float weight[LENGTHS], w1 = (float)g_test_rand_double ();
    fill_random (low[0].memory, low[0].size);
    fill_random (low[1].memory, low[1].size);
    fill_guard (&got);
    for (guint x = 0; x < n; x++) {
      left[x] = g_test_rand_int_range (0, 12);
      right[x] = g_test_rand_int_range (0, 12);
      weight[x] = (float)g_test_rand_double ();
    }
    for (guint c = 0; c < 3; c++) {
      fill_random (rows_at (&want, c), n);
      memcpy (rows_at (&got, c), rows_at (&want, c), n * sizeof (float));
      for (guint x = 0; x < n; x++)
        rows_at (&scale, c)[x] = 1e5f;
    }
    pair->tested->upsample_row (rows_at (&got, 0), got.pitch, rows_at (&low[0], 0),
                                rows_at (&low[1], 0), low[0].pitch, w1, left, right, weight, 3, n);
    pair->reference->upsample_row (rows_at (&want, 0), want.pitch, rows_at (&low[0], 0),
                                   rows_at (&low[1], 0), low[0].pitch, w1, left, right, weight, 3,
                                   n);
    assert_close (&got, &want, &scale, n, "upsample_row");
    assert_guards (&got, n, "upsample_row");
    g_free (low[0].memory);
    g_free (low[1].memory);
    g_free (got.memory);
    g_free (want.memory);
    g_free (scale.memory);
  }
}

static void
check_gate (const Pair *pair)
{
  static const float extremes[] = {0, -0.0f, 88, -88, 1e5f, -1e5f, 1e30f, -1e30f, 1e-30f};

  for (guint n = 1; n <= LENGTHS; n++) {
    Rows got = rows_new (3, n), want = rows_new (3, n), gate = rows_new (3, n);
    fill_random (gate.memory, gate.size);
    fill_guard (&got);
    for (guint c = 0; c < 3; c++) {
      for (guint x = 0; x < n; x++)
        rows_at (&want, c)[x] = c == 0 && x < G_N_ELEMENTS (extremes)
                                    ? extremes[x]
                                    : (float)g_test_rand_double_range (-12, 12);
      memcpy (rows_at (&got, c), rows_at (&want, c), n * sizeof (float));
    }
    pair->tested->gate_row (rows_at (&got, 0), got.pitch, rows_at (&gate, 0), gate.pitch, 3, n);
    pair->reference->gate_row (rows_at (&want, 0), want.pitch, rows_at (&gate, 0), gate.pitch, 3,
                               n);
    absolute (gate.memory, gate.size);
    assert_close (&got, &want, &gate, n, "gate_row");
    assert_guards (&got, n, "gate_row");
    g_free (got.memory);
    g_free (want.memory);
    g_free (gate.memory);
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

static void
check_load (const Pair *pair)
{
  for (guint k = 0; k < G_N_ELEMENTS (sample_cases); k++) {
    for (guint n = 1; n <= LENGTHS; n++) {
      gsize size = n * sample_cases[k].pixel_stride;
      /* On the heap and just as long as it may be, for the address sanitizer to see. */
      guint8 *samples = g_malloc (size);
      for (gsize i = 0; i < size; i++)
        samples[i] = (guint8)g_test_rand_int_range (0, 256);
      if (sample_cases[k].format.samples == RFDN_SAMPLES_F32)
        fill_random ((float *)(void *)samples, n);
      Rows got = rows_new (1, n), want = rows_new (1, n);
      fill_guard (&got);
      pair->tested->load_row (rows_at (&got, 0), samples, sample_cases[k].pixel_stride,
                              &sample_cases[k].format, 0.37f, n);
      pair->reference->load_row (rows_at (&want, 0), samples, sample_cases[k].pixel_stride,
                                 &sample_cases[k].format, 0.37f, n);
      assert_close (&got, &want, NULL, n, "load_row");
      assert_guards (&got, n, "load_row");
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
  gsize pixel_stride = sample_cases[k].pixel_stride, size = n * pixel_stride;
  guint8 *got = g_malloc (size), *want = g_malloc (size);
  Rows src = rows_new (scale, n);

  memset (got, 0xa5, size);
  memset (want, 0xa5, size);
  for (gsize i = 0; i < src.size; i++) {
    gint pick = g_test_rand_int_range (0, 4 * G_N_ELEMENTS (extremes));
    src.memory[i] = pick < (gint)G_N_ELEMENTS (extremes)
                        ? extremes[pick]
                        : (float)g_test_rand_double_range (-20, 300);
  }
  pair->tested->store_row (got, pixel_stride, format, rows_at (&src, 0), src.pitch, scale, 1, n);
  pair->reference->store_row (want, pixel_stride, format, rows_at (&src, 0), src.pitch, scale, 1,
                              n);
  /* To the bit, and nothing between the samples was touched. */
  if (format->samples != RFDN_SAMPLES_F32)
    g_assert_cmpmem (got, size, want, size);
  g_free (got);
  g_free (want);
  g_free (src.memory);
}

static void
check_store (const Pair *pair)
{
  for (guint k = 0; k < G_N_ELEMENTS (sample_cases); k++) {
    for (guint scale = 1; scale <= 4; scale++) {
      for (guint n = 1; n <= LENGTHS; n++)
        check_store_case (pair, k, scale, n);
    }
  }
}

static void
check_fir (const Pair *pair)
{
  const float taps[6] = {0.02f, -0.13f, 0.61f, 0.61f, -0.13f, 0.02f};

  for (guint n = 1; n <= LENGTHS; n++) {
    Rows src = rows_new (6, n), got = rows_new (1, n), want = rows_new (1, n);
    Rows scale = rows_new (1, n);
    const float *rows[6];
    for (guint t = 0; t < 6; t++)
      rows[t] = rows_at (&src, t);
    fill_random (src.memory, src.size);
    fill_guard (&got);
    for (guint x = 0; x < n; x++)
      rows_at (&scale, 0)[x] = 1e5f;
    pair->tested->fir_row (rows_at (&got, 0), rows, taps, 6, n);
    pair->reference->fir_row (rows_at (&want, 0), rows, taps, 6, n);
    assert_close (&got, &want, &scale, n, "fir_row");
    assert_guards (&got, n, "fir_row");
    g_free (src.memory);
    g_free (got.memory);
    g_free (want.memory);
    g_free (scale.memory);
  }
}

/* ---- the list -------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  void (*check) (const Pair *pair);
} checks[] = {
    {"conv3x3", check_conv3x3},
    {"conv1x1", check_conv1x1},
    {"conv3x3-stride2", check_conv3x3_stride2},
    {"conv-position", check_conv_position},
    {"max-pool", check_max_pool},
    {"upsample", check_upsample},
    {"gate", check_gate},
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
