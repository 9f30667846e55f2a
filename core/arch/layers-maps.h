/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_LAYERS_MAPS_H
#define RFDN_LAYERS_MAPS_H

#include "arch.h"
#include "layers-text.h"

/* The maps of a list of layers by name, and in which activations their channels are.
 *
 * The part of an activation that a tile needs is right for all layers that write to it only if
 * nobody reads it before the last of them. So a map that is summed up becomes another activation
 * from there on, and a stack that is read too early has one for each slice; they are gathered side
 * by side for layers that read several. Errors go to the builder. */

typedef struct {
  RfdnBuilder *builder;
  GHashTable *by_name;
  guint n_channels; /* of all activations */
} RfdnMaps;

/* Begins with the network's input, `x`. */
void rfdn_maps_init (RfdnMaps *self, RfdnBuilder *builder, guint in_channels);
void rfdn_maps_clear (RfdnMaps *self);

/* `word` is a map to be written slice by slice. `is_early`: some layer reads part of it before, or
 * while, the last slice is written. */
void rfdn_maps_add_stack (RfdnMaps *self, const RfdnMapWord *word, guint channels,
                          gboolean is_early);

/* Channels to read, which must have been written. n = 0 after a failure. */
RfdnSlice rfdn_maps_read (RfdnMaps *self, const RfdnMapWord *word);

/* Channels that a layer is to write, on `grid`, `n` of them. `add` is what it adds to its result
 * (n = 0: nothing): the map itself, where that is summed up. n = 0 after a failure. */
RfdnSlice rfdn_maps_write (RfdnMaps *self, const RfdnMapWord *word, RfdnGrid grid, guint n,
                           RfdnBorder border, const RfdnSlice *add);

#endif
