/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every vector kernel compared with the scalar one: random and extreme values, every length of the
 * last vector, odd pitches, and guards around the memory that may be written.
 *
 * Adding a kernel: a check function, here or in convolutions.c, and a line in `checks`. --seed
 * repeats a run, -p /kernels/avx2 runs one level. */

#include <math.h>
#include <string.h>

#include "convolutions.h"

#define PIXELS 71

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

/* A row of values to test functions with, the same for both kernels; guards around `got`. */
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

/* The allowed error: relative to the value, and absolute near 0. */
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

/* load_row, and unpack_row, which does the same to a plain row. */
static void
check_load (const Pair *pair)
{
  for (guint k = 0; k < G_N_ELEMENTS (sample_cases); k++) {
    const RfdnSampleFormat *format = &sample_cases[k].format;
    const gsize pixel_stride = sample_cases[k].pixel_stride;
    for (guint n = 1; n <= PIXELS; n++) {
      /* On the heap and exactly as long as allowed, so that the address sanitizer notices accesses
       * beyond it. */
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
      /* Multiplication and addition may be rounded once or twice. */
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
  pair->tested->store_row (got, pixel_stride, format, rows_at (&src, 0, 0), src.run, 0, scale, 1,
                           n);
  pair->reference->store_row (want, pixel_stride, format, rows_at (&src, 0, 0), src.run, 0, scale,
                              1, n);
  /* Equal bit for bit, and nothing between the samples was written. */
  g_assert_cmpmem (got, size, want, size);

  /* pack_row, which does the same from plain rows; any number of samples. */
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
    {"conv3x3-fine", check_conv3x3_fine},
    {"fine-find", check_fine_find},
    {"conv1x1", check_conv1x1},
    {"conv3x3-stride2", check_conv3x3_stride2},
    {"conv", check_conv_any},
    {"depthwise", check_depthwise},
    {"pick", check_pick},
    {"conv-position", check_conv_position},
    {"conv-epilogue", check_conv_epilogue},
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
  Pair pair = {rfdn_kernels_get (RFDN_CPU_SCALAR, RFDN_PRECISION_FLOAT32, &error), NULL};
  g_assert_no_error (error);

  pair.tested = rfdn_kernels_get (test->cpu, RFDN_PRECISION_FLOAT32, NULL);
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
