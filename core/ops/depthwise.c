/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conv.h"
#include "ops.h"

/* A filter for each channel alone. */

static RfdnWindow
get_window (const RfdnLayer *layer)
{
  return rfdn_conv_get_window (layer->kernel_width, layer->kernel_height);
}

static guint64
get_n_weights (const RfdnLayer *layer)
{
  return (guint64) layer->out.n * layer->kernel_width * layer->kernel_height;
}

static guint64
get_macs (const RfdnLayer *layer, RfdnGrid grid)
{
  return rfdn_conv_count_weights (layer);
}

static const RfdnConv *
get_conv (const RfdnLayer *layer, const RfdnKernels *kernels, RfdnGrid grid)
{
  return &kernels->depthwise;
}

const RfdnOp rfdn_op_depthwise = {
    .name = "depthwise",
    .get_window = get_window,
    .get_n_weights = get_n_weights,
    .get_macs = get_macs,
    .get_conv = get_conv,
    .run = rfdn_conv_run,
    .fuses = TRUE,
};
