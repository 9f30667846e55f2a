/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ESA's kernels that are not convolutions, in 16-bit integers: the same bits as the scalar kernels;
 * gates are also compared with real numbers. */

#include <math.h>
#include <string.h>

#include "int16-rows.h"

/* Rows are equal, except where a kernel may write anything. */
static void
assert_same_row (const Rows *got, const Rows *want, guint pairs, guint n)
{
  for (guint r = 0; r < pairs * RFDN_PHASES; r++) {
    const gsize at = r * got->run + RFDN_RUN_SLACK;
    for (guint t = 0; t < n; t++)
      g_assert_cmphex (got->memory[at + t], ==, want->memory[at + t]);
    g_assert_cmphex (got->memory[at - 1], ==, want->memory[at - 1]);
    g_assert_cmphex (got->memory[at + n + RFDN_RUN_ALIGN - 1], ==,
                     want->memory[at + n + RFDN_RUN_ALIGN - 1]);
  }
}

/* n counts pixels here. */
static void
test_max_pool (gconstpointer data)
{
  const RfdnKernels *kernels = data;

  for (guint n = 1; n <= 150; n++) {
    Rows src = rows_new (7, 5, n), got = rows_new (1, 5, n), want = rows_new (1, 5, n);
    const float *from[7];
    fill (&src, 7, 5, n, LOUD);
    for (guint k = 0; k < 7; k++)
      from[k] = (const float *) rows_at (&src, k, 0);
    kernels->max_pool_row ((float *) rows_at (&got, 0, 0), got.run, from, src.run, 5, n);
    rfdn_kernels_scalar_int16.max_pool_row ((float *) rows_at (&want, 0, 0), want.run, from,
                                            src.run, 5, n);
    assert_same_row (&got, &want, 3, n / RFDN_PHASES);
    for (guint x = 0; x < n; x++)
      g_assert_cmpint (*rows_number (&got, 0, 4, (gint) x), ==,
                       *rows_number (&want, 0, 4, (gint) x));
    g_free (src.memory);
    g_free (got.memory);
    g_free (want.memory);
  }
}

/* Sums of any values, and interpolation between any two pixels. */
static void
test_upsample (gconstpointer data)
{
  const RfdnKernels *kernels = data;

  for (guint n = 1; n <= COLUMNS; n++) {
    const guint channels = 1 + n % 5, pixels = 4 + n, size = RFDN_PHASES * n;
    Rows low = rows_new (2, channels, pixels), got = rows_new (1, channels, n);
    Rows want = rows_new (1, channels, n);
    g_autofree gint32 *left = g_new (gint32, size), *right = g_new (gint32, size);
    g_autofree float *weight = g_new (float, size);
    const float w1 = n == 1 ? 0 : n == 2 ? 1 : (float) g_test_rand_double ();
    fill (&low, 2, channels, pixels, n % 2 ? LOUD : QUIET);
    fill (&got, 1, channels, n, LOUD);
    memcpy (want.memory, got.memory, got.size * sizeof *got.memory);
    for (guint k = 0; k < size; k++) {
      const gint x = g_test_rand_int_range (0, (gint) (RFDN_PHASES * pixels));
      const double w = g_test_rand_double_range (-0.1, 1.1);
      left[k] = (gint32) ((gsize) (x & 3) * low.run) + x / RFDN_PHASES;
      right[k] = k % 3 ? left[k] : (gint32) ((gsize) (x & 3) * low.run);
      weight[k] = (float) CLAMP (w, 0, 1);
    }
    const float *row0 = (const float *) rows_at (&low, 0, 0);
    const float *row1 = (const float *) rows_at (&low, 1, 0);
    kernels->upsample_row ((float *) rows_at (&got, 0, 0), got.run, row0, row1, low.run, w1, left,
                           right, weight, n, channels, n);
    rfdn_kernels_scalar_int16.upsample_row ((float *) rows_at (&want, 0, 0), want.run, row0, row1,
                                            low.run, w1, left, right, weight, n, channels, n);
    assert_same_row (&got, &want, (channels + 1) / 2, n);
    g_free (low.memory);
    g_free (got.memory);
    g_free (want.memory);
  }
}

/* One of the numbers of pixel x, against the gate as real numbers make it. */
static void
assert_gated (const Rows *got, const Rows *through, const Rows *z, guint c, guint x)
{
  const double number = *rows_number (z, 0, c, (gint) x) / (double) (1 << RFDN_INT16_GATE_SHIFT);

  g_assert_cmpfloat_with_epsilon (*rows_number (got, 0, c, (gint) x),
                                  *rows_number (through, 0, c, (gint) x) / (1 + exp (-number)),
                                  0.51);
}

/* Every value that a gate can get: even ones in the first of two channels that share a division,
 * odd ones, in another order, in the second. They multiply values that include the largest. */
static void
test_gate (gconstpointer data)
{
  const RfdnKernels *kernels = data;
  const guint n = 65536 / (2 * RFDN_PHASES) / 4;

  for (guint part = 0; part < 4; part++) {
    Rows got = rows_new (1, 2, n), want = rows_new (1, 2, n), through = rows_new (1, 2, n);
    Rows z = rows_new (1, 2, n);
    fill (&through, 1, 2, n, LOUD);
    for (guint x = 0; x < RFDN_PHASES * n; x++) {
      const guint k = 2 * (part * RFDN_PHASES * n + x);
      *rows_number (&z, 0, 0, (gint) x) = (gint16) k;
      *rows_number (&z, 0, 1, (gint) x) = (gint16) ((k + 1) * 40503);
      if (x % 2)
        *rows_number (&through, 0, x / 2 % 2, (gint) x) = x % 3 ? G_MAXINT16 : G_MININT16;
    }
    memcpy (got.memory, z.memory, z.size * sizeof *z.memory);
    memcpy (want.memory, z.memory, z.size * sizeof *z.memory);
    kernels->gate_row ((float *) rows_at (&got, 0, 0), got.run,
                       (const float *) rows_at (&through, 0, 0), through.run, 1 + part % 2, n);
    rfdn_kernels_scalar_int16.gate_row ((float *) rows_at (&want, 0, 0), want.run,
                                        (const float *) rows_at (&through, 0, 0), through.run,
                                        1 + part % 2, n);
    assert_same_row (&got, &want, 1, n);
    for (guint x = 0; x < RFDN_PHASES * n; x++) {
      assert_gated (&got, &through, &z, 0, x);
      assert_gated (&got, &through, &z, 1, x);
    }
    g_free (got.memory);
    g_free (want.memory);
    g_free (through.memory);
    g_free (z.memory);
  }
}

int
main (int argc, char **argv)
{
  static const LevelTest tests[] = {
      {"max_pool_row", test_max_pool},
      {"upsample_row", test_upsample},
      {"gate_row", test_gate},
  };

  g_test_init (&argc, &argv, NULL);
  add_level_tests ("int16-attention", tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
