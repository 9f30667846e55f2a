/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rows.h"

#include <math.h>

Rows
rows_new (guint rows, guint channels, guint n)
{
  Rows r = {.channels = channels, .rows = rows};
  /* Not as long as the engine's own runs, so that kernels cannot depend on it. */
  r.run = RFDN_RUN_SLACK + n + RFDN_RUN_ALIGN + RFDN_RUN_AFTER + 1;
  r.size = rows * channels * RFDN_PHASES * r.run;
  r.memory = g_new (float, r.size);
  return r;
}

float *
rows_at (const Rows *r, guint row, guint channel)
{
  return r->memory + (row * r->channels + channel) * RFDN_PHASES * r->run + RFDN_RUN_SLACK;
}

/* Values as large as in networks, sometimes zero, sometimes large. */
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

void
fill_random (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    values[i] = random_number ();
}

void
fill (float *values, gsize n, float value)
{
  for (gsize i = 0; i < n; i++)
    values[i] = value;
}

void
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

void
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

void
absolute (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    values[i] = fabsf (values[i]);
}
