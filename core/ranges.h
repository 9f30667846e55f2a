/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_RANGES_H
#define RFDN_RANGES_H

#include "rfdn.h"

/* How large a network's numbers get, channel by channel: what steps for integers are made of. */

/* From now on, the largest magnitude of each channel is kept. With RFDN_PRECISION_FLOAT32. */
void rfdn_upscaler_start_ranges (RfdnUpscaler *upscaler);

/* What was seen since, in the form of metadata `steps` (steps.h): a line for each activation but
 * the input and the output, of a number for each channel. Channels whose steps are the same
 * (steps.h) have the larger range of both. */
char *rfdn_upscaler_dup_ranges (const RfdnUpscaler *upscaler);

#endif
