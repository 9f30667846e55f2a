/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_SIBLINGS_H
#define RFDN_SIBLINGS_H

#include "safetensors.h"

/* A file may hold, besides a network, two siblings of it: the same layers with weights that
 * were trained further, starting from the network's: one makes a sharper picture, one a softer.
 * Their tensors are `sharp.NAME` and `soft.NAME` for each NAME of the network's, and the metadata
 * `siblings` is "sharp soft".
 *
 * Networks trained from one another can be mixed weight by weight, and the mixture's pictures lie
 * between theirs (Wang, Yu, Dong, Tang and Loy, "Deep Network Interpolation for Continuous Imagery
 * Effect Transition", CVPR 2019, section 3). */

/* Whether there are siblings. FALSE with RFDN_ERROR_MODEL set if there should be, but a tensor of
 * theirs is missing or has another shape than the network's. */
gboolean rfdn_siblings_find (const RfdnTensorFile *file, gboolean *found, GError **error);

/* Mixes the network's tensors with a sibling's: the sharper one's where `sharpness` is above 0, the
 * softer one's where it is below, by its magnitude (0 to 1). There must be siblings. */
void rfdn_siblings_mix (RfdnTensorFile *file, float sharpness);

/* What the names of the sibling's tensors and metadata begin with that rfdn_siblings_mix() takes.
 */
const char *rfdn_siblings_get_prefix (float sharpness);

#endif
