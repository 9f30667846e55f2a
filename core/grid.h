/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_GRID_H
#define RFDN_GRID_H

#include <glib.h>

/* Grids that activations lie on, and rectangles of pixels. */

/* ESA's low-resolution part has grids of its own, anchored in the frame: pixel i of HALF sees rows
 * 2i..2i+2 of FRAME, pixel i of POOLED rows 3i..3i+6 of HALF. */
typedef enum {
  RFDN_GRID_FRAME,
  RFDN_GRID_HALF,
  RFDN_GRID_POOLED,
  RFDN_GRID_POINT, /* one pixel for the whole frame */
  RFDN_N_GRIDS,
} RfdnGrid;

typedef struct {
  gint x0, y0; /* first pixel inside */
  gint x1, y1; /* first pixel outside */
} RfdnRect;

static inline gint
rfdn_rect_width (const RfdnRect *rect)
{
  return rect->x1 - rect->x0;
}

static inline gint
rfdn_rect_height (const RfdnRect *rect)
{
  return rect->y1 - rect->y0;
}

RfdnRect rfdn_rect_intersect (const RfdnRect *a, const RfdnRect *b);

/* The smallest rectangle that holds both; an empty one counts for nothing. */
void rfdn_rect_add (RfdnRect *rect, const RfdnRect *other);

RfdnRect rfdn_rect_grow (const RfdnRect *rect, gint by);

/* Grown to whole cells of `step` pixels, but not beyond `extent`. */
RfdnRect rfdn_rect_align (const RfdnRect *rect, gint step, const RfdnRect *extent);

/* To a multiple of `step`, of negative numbers too. */
gint rfdn_round_down (gint v, gint step);
gint rfdn_round_up (gint v, gint step);

/* Width and height of a grid under a frame. */
RfdnRect rfdn_grid_get_extent (RfdnGrid grid, gint frame_width, gint frame_height);

/* The columns or rows `*first` and `*second` of a grid of `size` pixels between which pixel `at` of
 * a frame side of `frame_size` lies, and the weight of the second: bilinear, half-pixel centres. */
void rfdn_bilinear_at (gint at, gint frame_size, gint size, gint *first, gint *second,
                       float *weight);

#endif
