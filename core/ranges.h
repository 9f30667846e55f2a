/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_RANGES_H
#define RFDN_RANGES_H

#include "rfdn.h"

/* How large a network's numbers get, channel by channel: the basis of steps for integers. */

/* From now on, the largest magnitude of each channel is kept. With RFDN_PRECISION_FLOAT32. */
void rfdn_upscaler_start_ranges (RfdnUpscaler *upscaler);

/* The ranges measured since, in the form of metadata `steps` (steps.h): a line for each activation
 * except the input and the output, with a number for each channel. Channels that must have the same
 * step (steps.h) get the larger range of the two. */
char *rfdn_upscaler_dup_ranges (const RfdnUpscaler *upscaler);

#endif
