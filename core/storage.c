/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage.h"

const float *
rfdn_view_padded_row (const RfdnView *view, gint y, guint channel)
{
  if (y >= view->region.y0 && y < view->region.y1)
    return rfdn_view_channel (view, y, channel);
  if (view->grid == RFDN_GRID_POOLED && y >= 0 && y < view->extent.y1)
    return rfdn_view_channel (view, CLAMP (y, view->region.y0, view->region.y1 - 1), channel);
  return view->zeros;
}

/* Behind the last pixel zeros fill its column and one more pixel. */
void
rfdn_view_pad (const RfdnView *view, guint first, guint n, guint from, guint end, gint y)
{
  const gint x0 = view->region.x0, x1 = view->region.x1;
  const gint padded_end = rfdn_cell_floor (x1 + RFDN_PHASES - 1) + 1;
  const gboolean is_pooled = view->grid == RFDN_GRID_POOLED;
  const gboolean keep_left = is_pooled && x0 > 0;
  const gboolean keep_right = is_pooled && x1 < view->extent.x1;
  const gboolean is_last = end == rfdn_view_columns (view);

  for (guint c = first; c < first + n; c++) {
    float *row = rfdn_view_channel (view, y, c);
    if (from == 0)
      row[rfdn_view_pixel (view, x0 - 1)] = keep_left ? row[rfdn_view_pixel (view, x0)] : 0;
    for (gint x = x1; is_last && x < padded_end; x++)
      row[rfdn_view_pixel (view, x)] = keep_right ? row[rfdn_view_pixel (view, x1 - 1)] : 0;
  }
}
