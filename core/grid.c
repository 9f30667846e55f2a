/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grid.h"

RfdnRect
rfdn_rect_intersect (const RfdnRect *a, const RfdnRect *b)
{
  return (RfdnRect){MAX (a->x0, b->x0), MAX (a->y0, b->y0), MIN (a->x1, b->x1), MIN (a->y1, b->y1)};
}

static gboolean
rect_is_empty (const RfdnRect *rect)
{
  return rect->x0 >= rect->x1 || rect->y0 >= rect->y1;
}

void
rfdn_rect_add (RfdnRect *rect, const RfdnRect *other)
{
  if (rect_is_empty (rect)) {
    *rect = *other;
    return;
  }
  *rect = (RfdnRect){MIN (rect->x0, other->x0), MIN (rect->y0, other->y0),
                     MAX (rect->x1, other->x1), MAX (rect->y1, other->y1)};
}

RfdnRect
rfdn_rect_grow (const RfdnRect *rect, gint by)
{
  return (RfdnRect){rect->x0 - by, rect->y0 - by, rect->x1 + by, rect->y1 + by};
}

gint
rfdn_round_down (gint v, gint step)
{
  return v - (v % step + step) % step;
}

gint
rfdn_round_up (gint v, gint step)
{
  return rfdn_round_down (v + step - 1, step);
}

/* Whole tiles of `step` pixels, but not beyond `extent`. */
RfdnRect
rfdn_rect_align (const RfdnRect *rect, gint step, const RfdnRect *extent)
{
  const RfdnRect aligned = {rfdn_round_down (rect->x0, step), rfdn_round_down (rect->y0, step),
                            rfdn_round_up (rect->x1, step), rfdn_round_up (rect->y1, step)};
  return rfdn_rect_intersect (&aligned, extent);
}

static gint
grid_size (RfdnGrid grid, gint size)
{
  gint half = (size - 3) / 2 + 1;

  switch (grid) {
  case RFDN_GRID_FRAME:
    return size;
  case RFDN_GRID_HALF:
    return half;
  case RFDN_GRID_POOLED:
    return (half - 7) / 3 + 1;
  case RFDN_GRID_POINT:
    return 1;
  default:
    g_assert_not_reached ();
  }
}

RfdnRect
rfdn_grid_get_extent (RfdnGrid grid, gint frame_width, gint frame_height)
{
  return (RfdnRect){0, 0, grid_size (grid, frame_width), grid_size (grid, frame_height)};
}

void
rfdn_bilinear_at (gint at, gint frame_size, gint size, gint *first, gint *second, float *weight)
{
  double position = (at + 0.5) * size / frame_size - 0.5;
  position = MAX (position, 0);
  *first = MIN ((gint) position, size - 1);
  *second = MIN (*first + 1, size - 1);
  *weight = (float) (position - *first);
}
