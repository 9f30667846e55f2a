/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_TEST_FLOATS_H
#define RFDN_TEST_FLOATS_H

#include "rfdn.h"
#include "util.h"

/* What a network makes of a picture of bytes, in the network's own range: its planes one after the
 * other. To be freed with g_free(). */
float *upscale_float (RfdnModel *model, const Picture *picture, RfdnCpu cpu, guint tile_size);

/* The largest difference on the scale of 0..255; a NaN is the worst. */
double worst_difference (const float *a, const float *b, gsize n, float range);

#endif
