/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_LAYOUT_H
#define RFDN_LAYOUT_H

#include "region.h"

/* Chooses how large the tiles of a frame are, and how threads share them. */

/* The smallest frame side for a network with attention: one pooling window. */
#define RFDN_ATTENTION_MIN_SIZE 15

/* Lays the tiles out over `width` x `height` pixels, around which the frame has `border` more, a
 * multiple of RFDN_GRAIN. `tile_size`, `tile_height` and `overlap` as in RfdnUpscalerParams; tile
 * sizes are rounded up to multiples of RFDN_GRAIN. `cache`: how many of the network's numbers the
 * caches of a thread hold. With attention the layout depends only on the network and the frame's
 * size. Without, where no layout changes a bit, work is divided evenly among threads. A network
 * that needs the whole frame has one tile. FALSE if there is no memory to find out. */
gboolean rfdn_layout_init (RfdnLayout *layout, const RfdnGraph *graph, gint width, gint height,
                           gint border, guint n_threads, guint tile_size, guint tile_height,
                           gint overlap, gsize cache);

/* What was chosen, in words. */
char *rfdn_layout_describe (const RfdnLayout *layout);

/* Multiply-adds of all tiles. */
double rfdn_layout_get_macs (const RfdnLayout *layout, const RfdnGraph *graph);

#endif
