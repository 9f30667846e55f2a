/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_SAMPLES_H
#define RFDN_SAMPLES_H

#include "network.h"
#include "storage.h"

/* Both ends of a network: samples of the picture to pixels of the frame, and back. */

/* Loads rows y to end - 1 of the input. */
void rfdn_load_rows (const RfdnNetwork *network, const RfdnPicture *picture, const RfdnView *input,
                     gint y, gint end);

/* Some columns of row y of the last layer's result, to the picture. */
void rfdn_store_row (const RfdnNetwork *network, const RfdnPicture *picture, const float *row,
                     gsize run, const RfdnRect *region, guint first, guint end, gint y);

#endif
