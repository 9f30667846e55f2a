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

/* An empty one, for the rows that `filter` sees of row y of its result and the rows below it. */
static inline RfdnWindow
rfdn_window_new (float *memory, gsize pitch, const RfdnLanczos *filter, guint scale, guint y)
{
  gint first = G_MAXINT;

  for (guint k = 0; k < scale; k++)
    first = MIN (first, filter->first[k]);
  return (RfdnWindow){memory, pitch, (gint) (y / scale) + first};
}

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

/* Row of the result by columns: those of the window from row `first` on, by the filter's taps of
 * `phase`; n floats. */
static inline void
rfdn_window_filter_columns (const RfdnWindow *window, const RfdnKernels *kernels,
                            const RfdnLanczos *vertical, guint phase, gint first, float *sum,
                            guint n)
{
  const float *src[RFDN_LANCZOS_TAPS];

  for (gint t = 0; t < RFDN_LANCZOS_TAPS; t++)
    src[t] = rfdn_window_row (window, first + t);
  kernels->fir_row (sum, src, vertical->taps[phase], RFDN_LANCZOS_TAPS, n);
}

/* Of that row all samples, phase by phase, `pitch` floats apart. Extends it by margins. */
static inline void
rfdn_window_filter_row (float *sum, const RfdnKernels *kernels, const RfdnLanczos *horizontal,
                        guint scale, float *phases, gsize pitch, guint n)
{
  const float *src[RFDN_LANCZOS_TAPS];

  rfdn_extend_row (sum, n, RFDN_WINDOW_MARGIN, RFDN_WINDOW_MARGIN);
  for (guint k = 0; k < scale; k++) {
    for (gint t = 0; t < RFDN_LANCZOS_TAPS; t++)
      src[t] = sum + horizontal->first[k] + t;
    kernels->fir_row (phases + k * pitch, src, horizontal->taps[k], RFDN_LANCZOS_TAPS, n);
  }
}

#endif
