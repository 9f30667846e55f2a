/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage.h"

/* The pixel shown beyond the border of a side of `size` pixels: at v < 0 or v >= size. */
static gint
get_inside (RfdnBorder border, gint v, gint size)
{
  if (border != RFDN_BORDER_MIRROR)
    return CLAMP (v, 0, size - 1);
  v = (v % (2 * size) + 2 * size) % (2 * size);
  return v < size ? v : 2 * size - 1 - v;
}

const float *
rfdn_view_padded_row (const RfdnView *view, gint y, guint channel)
{
  const gint y0 = view->region.y0, y1 = view->region.y1, size = view->extent.y1;
  const gboolean is_outside = y < 0 || y >= size;

  if (y >= y0 && y < y1)
    return rfdn_view_channel (view, y, channel);
  if (is_outside ? view->border == RFDN_BORDER_ZERO : view->grid != RFDN_GRID_POOLED)
    return view->zeros;
  if (is_outside)
    y = get_inside (view->border, y, size);
  return rfdn_view_channel (view, CLAMP (y, y0, y1 - 1), channel);
}

/* What a window shall see at pixel x, which is outside the region. */
static float
get_beyond (const RfdnView *view, const float *row, gint x)
{
  const gint x0 = view->region.x0, x1 = view->region.x1, size = view->extent.x1;
  const gboolean is_outside = x < 0 || x >= size;

  if (is_outside ? view->border == RFDN_BORDER_ZERO : view->grid != RFDN_GRID_POOLED)
    return 0;
  if (is_outside)
    x = get_inside (view->border, x, size);
  return row[rfdn_view_pixel (view, CLAMP (x, x0, x1 - 1))];
}

/* The rest of the last pixel's column is filled as well. */
void
rfdn_view_pad (const RfdnView *view, guint first, guint n, guint from, guint end, gint y)
{
  const gint x0 = view->region.x0, x1 = view->region.x1;
  const gint padded_end = rfdn_cell_floor (x1 + RFDN_PHASES - 1) + view->margin;
  const gboolean is_last = end == rfdn_view_columns (view);

  for (guint c = first; c < first + n; c += 1u << view->packing) {
    float *row = rfdn_view_channel (view, y, c);
    for (gint x = x0 - view->margin; from == 0 && x < x0; x++)
      row[rfdn_view_pixel (view, x)] = get_beyond (view, row, x);
    for (gint x = x1; is_last && x < padded_end; x++)
      row[rfdn_view_pixel (view, x)] = get_beyond (view, row, x);
  }
}
