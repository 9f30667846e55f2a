/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_LAYERS_METADATA_H
#define RFDN_LAYERS_METADATA_H

#include "arch.h"

/* The other metadata of a file with a list of layers. */

/* Fills `shape` from the metadata, and sets `clip` to what clips the result, or to a function that
 * does nothing. Errors go to the builder. */
void rfdn_layers_read_metadata (RfdnBuilder *builder, RfdnArchShape *shape, RfdnFunction *clip);

#endif
