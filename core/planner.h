/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_PLANNER_H
#define RFDN_PLANNER_H

#include "graph.h"

/* Which rectangles a frame is computed in, and which part of every activation each of them takes.
 *
 * A tile is the rectangle of the frame whose output is wanted. What is known of the input is the
 * tile and `overlap` pixels around it. At the frame's own border the network pads with zeros.
 *
 * Convolutions alone: every activation is valid in a rectangle that shrinks with each 3x3
 * convolution, and of that just what later layers need is computed. The result is the whole
 * frame's.
 *
 * Attention: its pooled maps reach further than any overlap, so that every tile makes do with a
 * part of them. ESA's grids are anchored in the frame: a tile sees the very windows that the whole
 * frame has, as far as it sees them, and continues the maps by their outermost values. The more
 * windows the better: activations do not shrink, but are padded with zeros at the edge of the
 * tile's view too, since a pixel that is slightly wrong there still tells the pooling more than
 * none. (At an overlap of 48 this leaves the authors' RFDN within 0.13 of the whole frame's 0..255
 * in tiles of 16 pixels, where shrinking leaves 0.96.)
 */

/* Tiles and the parts of activations over FRAME begin at multiples of this and end there or at the
 * frame's border. Winograd's transforms mix 4x4 pixels: where all of them are computed from the
 * same numbers in every layout, the layout does not change a bit. */
#define RFDN_GRAIN 4
/* The same for what a tile sees of a frame in front of attention: whole cells of the pooling, too.
 */
#define RFDN_ATTENTION_GRAIN 12

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

typedef struct {
  gint width, height; /* of the frame that the network sees */
  gint tile_width, tile_height;
  gint columns, rows; /* of tiles */
  gint overlap;
  gboolean attention;
  gboolean together; /* all threads compute one tile after the other; else each its own tiles */
  gint step;         /* rows of the input that are loaded at a time (see RfdnSchedule) */
  guint chunks;      /* that a strip's columns are cut into */
  guint distance;    /* tasks that lie at least between two users of a page */
} RfdnLayout;

/* The smallest frame side for a network with attention: one pooling window. */
#define RFDN_ATTENTION_MIN_SIZE 15

/* Width and height of a grid under a frame. */
RfdnRect rfdn_grid_get_extent (RfdnGrid grid, gint frame_width, gint frame_height);

/* Lays the tiles out. `tile_size`, `tile_height` and `overlap` as in RfdnUpscalerParams; tile sizes
 * are rounded up to multiples of RFDN_GRAIN. With attention the answer depends on the network and
 * the frame's size alone. Without, where no layout changes a bit, every thread gets as much to do.
 * FALSE if there is no memory to find out. */
gboolean rfdn_layout_init (RfdnLayout *layout, const RfdnGraph *graph, gint width, gint height,
                           guint n_threads, guint tile_size, guint tile_height, gint overlap);

/* What was chosen, in words. */
char *rfdn_layout_describe (const RfdnLayout *layout);

/* The output rectangle of tile number `tile`, counted row by row. */
RfdnRect rfdn_layout_get_tile (const RfdnLayout *layout, guint tile);

/* The part of each activation that a tile takes; regions[] has an entry for each. */
void rfdn_layout_get_regions (const RfdnLayout *layout, const RfdnGraph *graph, guint tile,
                              RfdnRect *regions);

/* Multiply-adds of all tiles. */
double rfdn_layout_get_macs (const RfdnLayout *layout, const RfdnGraph *graph);

/* Columns or rows `*first` and `*second` of a grid of `size` pixels that pixel `at` of a frame side
 * of `frame_size` lies between, and the weight of the second: bilinear, half-pixel centres. */
void rfdn_bilinear_at (gint at, gint frame_size, gint size, gint *first, gint *second,
                       float *weight);

#endif
