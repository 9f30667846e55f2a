/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conv.h"
#include "kernels/fine.h"
#include "ops.h"

/* From so many channels in on, Winograd's products outweigh its transforms. */
#define WIDE_CHANNELS 8

static RfdnWindow
get_window (const RfdnLayer *layer)
{
  return rfdn_conv_get_window (3, 3);
}

static guint64
get_macs (const RfdnLayer *layer)
{
  return rfdn_conv_get_macs (layer, 9);
}

/* Winograd's tiles are anchored in the frame. The pooled grid begins anywhere in a tile's view, and
 * is small. */
gboolean
rfdn_conv3x3_is_wide (const RfdnLayer *layer, RfdnGrid grid)
{
  return grid == RFDN_GRID_FRAME && layer->in.n >= WIDE_CHANNELS;
}

/* What stands behind a pixel shuffle is listed as a convolution on the coarsest grid. */
static gboolean
is_fine (const RfdnLayer *layer, const RfdnKernels *kernels)
{
  const RfdnConvShape shape = rfdn_conv_get_shape (layer);
  RfdnFine fine;
  return kernels->conv3x3_fine.strip != NULL &&
         rfdn_fine_find (&fine, layer->weights, layer->bias, &shape);
}

static const RfdnConv *
get_conv (const RfdnLayer *layer, const RfdnKernels *kernels, RfdnGrid grid)
{
  const RfdnConv *conv = &kernels->conv3x3;

  if (rfdn_conv3x3_is_wide (layer, grid))
    conv = is_fine (layer, kernels) ? &kernels->conv3x3_fine : &kernels->conv3x3_wide;
  return rfdn_conv_choose (layer, kernels, conv);
}

const RfdnOp rfdn_op_conv3x3 = {
    .name = "3x3",
    .get_window = get_window,
    .get_macs = get_macs,
    .get_conv = get_conv,
    .run = rfdn_conv_run,
    .fuses = TRUE,
};
