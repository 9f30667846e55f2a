/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fine.h"

gboolean
rfdn_fine_can_have (RfdnFineOrder order, guint n, guint channels)
{
  if (order == RFDN_FINE_TWICE)
    return n == 4;
  return order != RFDN_FINE_FINER || channels % 4 == 0;
}

guint
rfdn_fine_channel (RfdnFineOrder order, guint n, guint channels, guint c, guint row, guint column)
{
  const guint quarter = channels / 4;

  switch (order) {
  case RFDN_FINE_SHUFFLED:
    return (c * n + row) * n + column;
  case RFDN_FINE_CELLS:
    return (row * n + column) * channels + c;
  case RFDN_FINE_TWICE:
    return (((row / 2 * 2 + column / 2) * channels + c) * 2 + row % 2) * 2 + column % 2;
  case RFDN_FINE_FINER:
    return ((2 * row + c / quarter / 2) * 2 * n + 2 * column + c / quarter % 2) * quarter +
           c % quarter;
  case RFDN_FINE_ORDERS:
    break;
  }
  g_assert_not_reached ();
}

/* The cell that a filter's tap (0, 1 or 2) reads along one axis, seen from cell `from` of n: the
 * pixel (0, 1 or 2), and the cell in it. */
static guint
find_cell (guint from, guint tap, guint n, guint *cell)
{
  const guint at = n + from + tap - 1;

  *cell = at % n;
  return at / n;
}

static const float *
get_filter (const float *weights, const RfdnConvShape *shape, guint out, guint in)
{
  return weights + ((gsize) out * shape->in_channels + in) * 9;
}

/* The tap of a fine filter that reads cell `cell` of `pixel`, seen from cell `from`; 3 if there is
 * none. */
static guint
find_tap (guint from, guint cell, guint pixel, guint n)
{
  const guint tap = n * pixel + cell + 1 - n - from; /* wraps around if before the first one */
  return MIN (tap, 3);
}

void
rfdn_fine_get_filter (float filter[9], const RfdnFine *fine, const float *weights,
                      const RfdnConvShape *shape, guint o, guint i)
{
  const guint n = fine->n, n_in = shape->in_channels / (n * n),
              n_out = shape->out_channels / (n * n);
  const guint out = rfdn_fine_channel (fine->out, n, n_out, o, 0, 0);

  for (guint k = 0; k < 9; k++) {
    guint row, column;
    const guint y = find_cell (0, k / 3, n, &row), x = find_cell (0, k % 3, n, &column);
    const guint in = rfdn_fine_channel (fine->in, n, n_in, i, row, column);
    filter[k] = get_filter (weights, shape, out, in)[3 * y + x];
  }
}

/* Whether filters from channel i to o are the same from every cell, and zero elsewhere. */
static gboolean
check_filters (const RfdnFine *fine, const float *weights, const RfdnConvShape *shape, guint o,
               guint i)
{
  const guint n = fine->n, n_in = shape->in_channels / (n * n),
              n_out = shape->out_channels / (n * n);
  float wanted[9];

  rfdn_fine_get_filter (wanted, fine, weights, shape, o, i);
  for (guint from = 0; from < n * n; from++) {
    const guint out = rfdn_fine_channel (fine->out, n, n_out, o, from / n, from % n);
    for (guint cell = 0; cell < n * n; cell++) {
      const guint in = rfdn_fine_channel (fine->in, n, n_in, i, cell / n, cell % n);
      const float *filter = get_filter (weights, shape, out, in);
      for (guint k = 0; k < 9; k++) {
        const guint y = find_tap (from / n, cell / n, k / 3, n);
        const guint x = find_tap (from % n, cell % n, k % 3, n);
        if (filter[k] != (y < 3 && x < 3 ? wanted[3 * y + x] : 0))
          return FALSE;
      }
    }
  }
  return TRUE;
}

static gboolean
check_bias (const RfdnFine *fine, const float *bias, guint channels)
{
  for (guint o = 0; bias != NULL && o < channels; o++) {
    for (guint cell = 0; cell < fine->n * fine->n; cell++) {
      const guint first = rfdn_fine_channel (fine->out, fine->n, channels, o, 0, 0);
      const guint at =
          rfdn_fine_channel (fine->out, fine->n, channels, o, cell / fine->n, cell % fine->n);
      if (bias[at] != bias[first])
        return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check (const RfdnFine *fine, const float *weights, const float *bias, const RfdnConvShape *shape)
{
  const guint cells = fine->n * fine->n;
  const guint n_in = shape->in_channels / cells, n_out = shape->out_channels / cells;

  if (!rfdn_fine_can_have (fine->in, fine->n, n_in) ||
      !rfdn_fine_can_have (fine->out, fine->n, n_out) || !check_bias (fine, bias, n_out))
    return FALSE;
  for (guint o = 0; o < n_out; o++) {
    for (guint i = 0; i < n_in; i++) {
      if (!check_filters (fine, weights, shape, o, i))
        return FALSE;
    }
  }
  return TRUE;
}

gboolean
rfdn_fine_find (RfdnFine *fine, const float *weights, const float *bias, const RfdnConvShape *shape)
{
  /* Filters of an even finer grid are wider than 3x3 on this one. */
  for (fine->n = RFDN_FINE_MOST; fine->n >= 2; fine->n--) {
    const guint cells = fine->n * fine->n;
    if (shape->in_channels % cells != 0 || shape->out_channels % cells != 0)
      continue;
    for (fine->in = 0; fine->in < RFDN_FINE_ORDERS; fine->in++) {
      for (fine->out = 0; fine->out < RFDN_FINE_ORDERS; fine->out++) {
        if (check (fine, weights, bias, shape))
          return TRUE;
      }
    }
  }
  return FALSE;
}
