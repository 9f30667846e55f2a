/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_OPS_CONV_H
#define RFDN_OPS_CONV_H

#include "op.h"

/* What the convolutions share. */

/* A square window in the middle of `side` pixels, padded. */
RfdnWindow rfdn_conv_get_window (gint side);

/* Multiply-adds a pixel, with filters of so many taps. */
guint64 rfdn_conv_get_macs (const RfdnLayer *layer, guint taps);

/* RfdnOp.run: calls the kernel with the part's rows. */
void rfdn_conv_run (const RfdnPart *part);

#endif
