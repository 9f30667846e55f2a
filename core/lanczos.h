/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_LANCZOS_H
#define RFDN_LANCZOS_H

#include "rfdn-filters.h"

#define RFDN_LANCZOS_LOBES 3
#define RFDN_LANCZOS_TAPS (2 * RFDN_LANCZOS_LOBES)

/* A filter that enlarges a row, or a column, by a whole factor: output sample scale * m + k lies
 * `after[k]` of a sample's distance behind input sample m + first[k] + LOBES - 1, and is the sum of
 * taps[k][t] times input sample m + first[k] + t. */
typedef struct {
  gint first[RFDN_MAX_SCALE];
  float after[RFDN_MAX_SCALE];
  float taps[RFDN_MAX_SCALE][RFDN_LANCZOS_TAPS];
} RfdnLanczos;

/* `shift`: as in RfdnResamplerParams. `bits`: that taps are rounded to; 0: not at all. */
void rfdn_lanczos_init (RfdnLanczos *filter, guint scale, double shift, guint bits);

#endif
