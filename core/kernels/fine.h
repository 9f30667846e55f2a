/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_FINE_H
#define RFDN_FINE_H

#include "kernels.h"

/* 3x3 convolutions on a grid `n` times as fine, each way, as the picture's: those behind a pixel
 * shuffle. A pixel holds n x n *cells* of it; a map of C channels over cells is one of C n n
 * channels over pixels, in one of a few orders. Written as filters over those channels, they are
 * mostly zeros. */

#define RFDN_FINE_MOST 4

typedef enum {
  RFDN_FINE_SHUFFLED, /* as pixel shuffle has them: [channel][row][column] */
  RFDN_FINE_CELLS,    /* [row][column][channel] */
  RFDN_FINE_TWICE,    /* shuffled by 2 and 2 again: [row / 2][column / 2][channel][row % 2][...] */
  RFDN_FINE_FINER,    /* a channel is a cell's quarter: [row, quarter's row][column, ...][rest] */
  RFDN_FINE_ORDERS
} RfdnFineOrder;

typedef struct {
  guint n;
  RfdnFineOrder in, out;
} RfdnFine;

/* Whether that many channels of a grid n times as fine can have that order. */
gboolean rfdn_fine_can_have (RfdnFineOrder order, guint n, guint channels);

/* The number among C n n channels of channel `c` at `row` and `column` of a pixel's cells. */
guint rfdn_fine_channel (RfdnFineOrder order, guint n, guint channels, guint c, guint row,
                         guint column);

/* Whether a convolution, weights[out][in][9] and bias[out] (NULL: zeros), is one on a finer grid.
 */
gboolean rfdn_fine_find (RfdnFine *fine, const float *weights, const float *bias,
                         const RfdnConvShape *shape);

/* The nine weights of its filter for fine channels `o` and `i`. */
void rfdn_fine_get_filter (float filter[9], const RfdnFine *fine, const float *weights,
                           const RfdnConvShape *shape, guint o, guint i);

#endif
