/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conv.h"
#include "ops.h"

static RfdnWindow
get_window (const RfdnLayer *layer)
{
  return rfdn_conv_get_window (1, 1);
}

static const RfdnConv *
get_conv (const RfdnLayer *layer, const RfdnKernels *kernels, RfdnGrid grid)
{
  return rfdn_conv_choose (layer, kernels, &kernels->conv1x1);
}

const RfdnOp rfdn_op_conv1x1 = {
    .name = "1x1",
    .get_window = get_window,
    .get_n_weights = rfdn_conv_get_n_weights,
    .get_macs = rfdn_conv_get_macs,
    .get_conv = get_conv,
    .run = rfdn_conv_run,
    .fuses = TRUE,
};
