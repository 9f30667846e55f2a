/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_REGION_H
#define RFDN_REGION_H

#include "graph.h"

/* Which part of every activation a tile needs.
 *
 * A tile is the rectangle of the frame whose output is computed. It sees the input inside that
 * rectangle and `overlap` pixels around it. At the frame's own border the network pads.
 *
 * Convolutions only: every activation is valid in a rectangle that shrinks with each convolution of
 * more than one tap, and only the part that later layers need is computed. The result equals that
 * of the whole frame.
 *
 * Attention: its pooled maps reach further than any overlap, so that every tile has only part of
 * them. ESA's grids are anchored in the frame: a tile sees the same windows as the whole frame, as
 * far as its view goes, and extends the maps by their outermost values. The more windows the
 * better: activations do not shrink, but are padded with zeros at the edge of the tile's view too,
 * since a slightly wrong pixel there is better for pooling than none. (At an overlap of 48 this
 * leaves the authors' RFDN within 0.13 of the whole frame's 0..255 in tiles of 16 pixels, where
 * shrinking leaves 0.96.) */

/* Tiles and the parts of activations over FRAME begin at multiples of this and end there or at the
 * frame's border. Winograd's transforms mix 4x4 pixels: where all of them are computed from the
 * same numbers in every layout, the layout does not change a bit. */
#define RFDN_GRAIN 4
/* The same for a tile's view in front of attention: it must consist of whole cells of the pooling,
 * too.
 */
#define RFDN_ATTENTION_GRAIN 12

/* Which rectangles a frame is computed in, and how threads share them: see layout.h. */
typedef struct {
  gint width, height; /* of the frame that the network sees */
  gint tile_width, tile_height;
  gint columns, rows; /* of tiles */
  gint border;        /* on each side of the frame, that no tile outputs */
  gint overlap;
  gboolean attention;
  gboolean together; /* all threads compute one tile after the other; else each its own tiles */
  gint step;         /* rows of the input that are loaded at a time (see RfdnSchedule) */
  guint chunks;      /* that a strip's columns are cut into */
  guint distance;    /* least number of tasks between two users of a page */
} RfdnLayout;

/* The output rectangle of tile number `tile`, counted row by row. */
RfdnRect rfdn_layout_get_tile (const RfdnLayout *layout, guint tile);

/* The part of each activation that a tile needs; regions[] has an entry for each. */
void rfdn_layout_get_regions (const RfdnLayout *layout, const RfdnGraph *graph, guint tile,
                              RfdnRect *regions);

typedef struct {
  guint activation;
  gint first, end;
} RfdnRows;

/* The rows that `layer` reads for rows y0 to y1 - 1 of its output, within the regions of a tile;
 * returns how many entries there are. */
guint rfdn_layer_get_rows (const RfdnLayer *layer, const RfdnGraph *graph, const RfdnLayout *layout,
                           const RfdnRect *regions, gint y0, gint y1,
                           RfdnRows rows[RFDN_MAX_READS]);

#endif
