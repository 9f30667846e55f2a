/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels for chroma that follows luma: on plain rows of floats, with the same bits at every CPU
 * level. */

#include <math.h>

#include "int16-rows.h"

#define MOST 200 /* samples of a row */
#define MARGIN RFDN_SLOPE_RADIUS
#define PITCH (RFDN_RUN_SLACK + MOST + RFDN_RUN_AFTER)

/* Rows of eighths, from 0 to `most` of them; some rows are flat. */
static void
fill_rows (float *rows, guint n_rows, gint most)
{
  for (guint y = 0; y < n_rows; y++) {
    const gboolean flat = g_test_rand_int_range (0, 4) == 0;
    const gint level = g_test_rand_int_range (0, most + 1);

    for (guint x = 0; x < PITCH; x++)
      rows[y * PITCH + x] = (float) (flat ? level : g_test_rand_int_range (0, most + 1)) / 8;
  }
}

static void
get_rows (const float **rows, const float *memory, guint n)
{
  for (guint y = 0; y < n; y++)
    rows[y] = memory + y * PITCH + RFDN_RUN_SLACK;
}

static void
test_fir (gconstpointer data)
{
  const RfdnKernels *kernels = data;
  float memory[6 * PITCH], got[PITCH], want[PITCH], taps[6];
  const float *rows[6];

  for (guint turn = 0; turn < 200; turn++) {
    const guint n = (guint) g_test_rand_int_range (1, MOST + 1);
    const guint n_taps = (guint) g_test_rand_int_range (1, 7);

    fill_rows (memory, 6, 2040);
    get_rows (rows, memory, 6);
    for (guint t = 0; t < 6; t++)
      taps[t] = (float) g_test_rand_double_range (-0.5, 1);
    kernels->fir_row (got, rows, taps, n_taps, n);
    rfdn_kernels_scalar_int16.fir_row (want, rows, taps, n_taps, n);
    g_assert_cmpmem (got, n * sizeof *got, want, n * sizeof *want);
  }
}

/* The definition, in double precision. */
static double
get_slope (const float *const *luma, const float *const *chroma, double unit, gssize at)
{
  double y = 0, c = 0, yy = 0, cc = 0, yc = 0, correlation2;

  for (guint r = 0; r < RFDN_SLOPE_SIDE; r++) {
    for (gssize x = at - MARGIN; x <= at + MARGIN; x++) {
      y += luma[r][x] / 25;
      c += chroma[r][x] / 25;
    }
  }
  for (guint r = 0; r < RFDN_SLOPE_SIDE; r++) {
    for (gssize x = at - MARGIN; x <= at + MARGIN; x++) {
      const double a = luma[r][x] - y, b = chroma[r][x] - c;
      yy += a * a / 25;
      cc += b * b / 25;
      yc += a * b / 25;
    }
  }
  if (yy < 1e-4 * unit || cc < 1e-4 * unit)
    return 0;
  correlation2 = yc * yc / (yy * cc);
  return yc / (yy + 4 * unit) * correlation2 * correlation2 * cc / (cc + 25 * unit);
}

static void
test_slopes (gconstpointer data)
{
  const RfdnKernels *kernels = data;
  float memory[10 * PITCH], got[PITCH], want[PITCH];
  const float *luma[5], *chroma[5];

  for (guint turn = 0; turn < 200; turn++) {
    const guint n = (guint) g_test_rand_int_range (1, MOST + 1);
    const gint most = turn % 2 ? 255 : 65535;
    const float unit = (float) most * (float) most / (255 * 255);

    fill_rows (memory, 10, 8 * most);
    get_rows (luma, memory, 5);
    get_rows (chroma, memory + 5 * PITCH, 5);
    if (turn % 3 == 0) { /* one follows the other */
      for (guint k = 0; k < 5 * PITCH; k++)
        memory[5 * PITCH + k] = 0.5f * memory[k] + 0.25f * memory[5 * PITCH + k];
    }
    kernels->slope_row (got, luma, chroma, unit, n);
    rfdn_kernels_scalar_int16.slope_row (want, luma, chroma, unit, n);
    g_assert_cmpmem (got, n * sizeof *got, want, n * sizeof *want);
    for (guint x = 0; x < n; x++)
      g_assert_cmpfloat_with_epsilon (got[x], get_slope (luma, chroma, unit, x), 1e-3);
  }
}

static void
test_details (gconstpointer data)
{
  const RfdnKernels *kernels = data;

  for (guint turn = 0; turn < 300; turn++) {
    const guint step = 1 + turn % 2, scale = 1 + turn / 2 % 8;
    const guint n = (guint) g_test_rand_int_range (1, MOST / (step * scale) + 1);
    const float off = (float) g_test_rand_double_range (-0.25, 0.25);
    const float taps[3] = {0.25f - off, 0.5f, 0.25f + off};
    float row[PITCH], got[8 * PITCH], want[8 * PITCH];

    fill_rows (row, 1, 2040);
    fill_rows (got, 8, 2040);
    memcpy (want, got, sizeof want);
    kernels->detail_row (got, PITCH, row + RFDN_RUN_SLACK, taps, step, scale, n);
    for (guint k = 0; k < scale; k++) {
      for (guint x = 0; x < n; x++) {
        const float *s = row + RFDN_RUN_SLACK + (gssize) (step * (scale * x + k)) - 1;
        const double sum = (double) taps[0] * s[0] + (double) taps[1] * s[1] +
                           (double) taps[2] * s[2] - (double) want[k * PITCH + x];
        g_assert_cmpfloat_with_epsilon (got[k * PITCH + x], sum, 1e-3);
      }
    }
    rfdn_kernels_scalar_int16.detail_row (want, PITCH, row + RFDN_RUN_SLACK, taps, step, scale, n);
    for (guint k = 0; k < scale; k++)
      g_assert_cmpmem (got + k * PITCH, n * sizeof *got, want + k * PITCH, n * sizeof *want);
  }
}

static void
test_products (gconstpointer data)
{
  const RfdnKernels *kernels = data;
  float a[PITCH], b[PITCH], got[PITCH], want[PITCH];

  for (guint turn = 0; turn < 200; turn++) {
    const guint n = (guint) g_test_rand_int_range (1, MOST + 1);
    const float gain = (float) g_test_rand_double_range (0, 1);

    fill_rows (a, 1, 2040);
    fill_rows (b, 1, 17);
    fill_rows (got, 1, 2040);
    memcpy (want, got, sizeof want);
    kernels->add_product_row (got, a, b, gain, n);
    rfdn_kernels_scalar_int16.add_product_row (want, a, b, gain, n);
    g_assert_cmpmem (got, n * sizeof *got, want, n * sizeof *want);
  }
}

int
main (int argc, char **argv)
{
  static const LevelTest tests[] = {
      {"fir_row", test_fir},
      {"slope_row", test_slopes},
      {"detail_row", test_details},
      {"add_product_row", test_products},
  };

  g_test_init (&argc, &argv, NULL);
  add_level_tests ("guide", tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
