/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conv.h"
#include "ops.h"

static RfdnWindow
get_window (const RfdnLayer *layer)
{
  return (RfdnWindow){.width = 3, .height = 3, .step = 2};
}

static const RfdnConv *
get_conv (const RfdnLayer *layer, const RfdnKernels *kernels, RfdnGrid grid)
{
  return &kernels->conv3x3_stride2;
}

const RfdnOp rfdn_op_conv3x3_stride2 = {
    .name = "3x3, every second pixel,",
    .get_window = get_window,
    .get_n_weights = rfdn_conv_get_n_weights,
    .get_conv = get_conv,
    .run = rfdn_conv_run,
    .fuses = TRUE,
};
