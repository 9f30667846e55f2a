/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lanczos.h"

#include <math.h>

#define LOBES RFDN_LANCZOS_LOBES
#define TAPS RFDN_LANCZOS_TAPS

static double
lanczos (double x)
{
  if (fabs (x) < 1e-9)
    return 1;
  if (fabs (x) >= LOBES)
    return 0;
  return LOBES * sin (G_PI * x) * sin (G_PI * x / LOBES) / (G_PI * G_PI * x * x);
}

/* Rounds taps to multiples of 2^-bits; the largest one is adjusted so that their sum stays 1. */
static void
round_taps (float taps[TAPS], guint bits)
{
  const float unit = 1.0f / (float) (1 << bits);
  float sum = 0;
  gint largest = 0;

  for (gint t = 0; t < TAPS; t++) {
    taps[t] = roundf (taps[t] / unit) * unit;
    sum += taps[t];
    if (taps[t] > taps[largest])
      largest = t;
  }
  taps[largest] += 1 - sum;
}

void
rfdn_lanczos_init (RfdnLanczos *filter, guint scale, double shift, guint bits)
{
  for (guint k = 0; k < scale; k++) {
    double position = (k + 0.5 - shift) / scale - 0.5;
    double weights[TAPS], sum = 0;

    filter->first[k] = (gint) floor (position) - (LOBES - 1);
    filter->after[k] = (float) (position - floor (position));
    for (gint t = 0; t < TAPS; t++) {
      weights[t] = lanczos (position - (filter->first[k] + t));
      sum += weights[t];
    }
    for (gint t = 0; t < TAPS; t++)
      filter->taps[k][t] = (float) (weights[t] / sum);
    if (bits > 0)
      round_taps (filter->taps[k], bits);
  }
}
