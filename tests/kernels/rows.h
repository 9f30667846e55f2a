/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_KERNELS_ROWS_H
#define TEST_KERNELS_ROWS_H

/* Rows of random numbers for kernels to work on, with guards around them. */

#include "kernels/kernels.h"

#define GUARD 1e30f
#define COLUMNS (2 * RFDN_RUN_ALIGN + 3)

typedef struct {
  const RfdnKernels *reference, *tested;
} Pair;

/* Rows of an activation of n columns. */
typedef struct {
  float *memory;
  gsize size, run;
  guint channels, rows;
} Rows;

Rows rows_new (guint rows, guint channels, guint n);

/* Column 0 of phase 0. */
float *rows_at (const Rows *r, guint row, guint channel);
void fill_random (float *values, gsize n);
void fill (float *values, gsize n, float value);

/* Nothing was written before a run's first column, after the slack of its last one, or from row
 * `rows` on. */
void assert_guards (const Rows *r, guint rows, guint n, const char *what);

/* `scale` bounds the sum of the magnitudes of a value's terms. */
void assert_close (const Rows *got, const Rows *want, const Rows *scale, guint rows, guint n,
                   double precision, const char *what);
void absolute (float *values, gsize n);

#endif
