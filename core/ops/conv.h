/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_OPS_CONV_H
#define RFDN_OPS_CONV_H

#include "op.h"

/* Shared by the convolutions. */

/* A window with the pixel in its middle, padded; odd sides. */
RfdnWindow rfdn_conv_get_window (guint width, guint height);

/* In the form that kernels take. */
RfdnConvShape rfdn_conv_get_shape (const RfdnLayer *layer);

/* RfdnOp.get_n_weights, with a filter for each channel in and out. */
guint64 rfdn_conv_get_n_weights (const RfdnLayer *layer);

/* Weights that are not zero. */
guint64 rfdn_conv_count_weights (const RfdnLayer *layer);

/* RfdnOp.get_macs of the kernels that rfdn_conv_choose() chooses. */
guint64 rfdn_conv_get_macs (const RfdnLayer *layer, RfdnGrid grid);

/* The kernel that copies, if there is one and every filter has at most one weight that is not zero;
 * else `conv`. */
const RfdnConv *rfdn_conv_choose (const RfdnLayer *layer, const RfdnKernels *kernels,
                                  const RfdnConv *conv);

/* Whether a 3x3 convolution whose result lies on `grid` uses Winograd's algorithm. */
gboolean rfdn_conv3x3_is_wide (const RfdnLayer *layer, RfdnGrid grid);

/* RfdnOp.run: calls the kernel with the part's rows. */
void rfdn_conv_run (const RfdnPart *part);

#endif
