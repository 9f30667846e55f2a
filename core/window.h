/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_WINDOW_H
#define RFDN_WINDOW_H

#include "kernels/kernels.h"
#include "lanczos.h"

/* Pixels by which a row is extended on each side: a shift of up to one input sample, and the taps.
 */
#define RFDN_WINDOW_MARGIN 8

/* The last rows of a plane, as floats, that a vertical filter needs: row y, which may lie beyond
 * the picture, is in slot y modulo the taps. */
typedef struct {
  float *memory; /* RFDN_LANCZOS_TAPS rows */
  gsize pitch;
  gint end; /* the first row that has not been loaded yet */
} RfdnWindow;

static inline float *
rfdn_window_row (const RfdnWindow *window, gint y)
{
  const gsize slot = (gsize) (y + RFDN_LANCZOS_TAPS * RFDN_WINDOW_MARGIN) % RFDN_LANCZOS_TAPS;

  return window->memory + slot * window->pitch + RFDN_RUN_SLACK;
}

/* Repeats the first and the last of n numbers on both sides. */
static inline void
rfdn_extend_row (float *row, guint n, guint before, guint behind)
{
  for (guint x = 1; x <= before; x++)
    row[-(gssize) x] = row[0];
  for (guint x = 0; x < behind; x++)
    row[n + x] = row[n - 1];
}

#endif
