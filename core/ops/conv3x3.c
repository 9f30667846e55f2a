/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conv.h"
#include "kernels/fine.h"
#include "ops.h"

/* From this many input channels on, Winograd's products outweigh its transforms. */
#define WIDE_CHANNELS 8

static RfdnWindow
get_window (const RfdnLayer *layer)
{
  return rfdn_conv_get_window (3, 3);
}

/* Winograd's tiles are anchored in the frame. The pooled grid begins anywhere in a tile's view, and
 * is small. */
gboolean
rfdn_conv3x3_is_wide (const RfdnLayer *layer, RfdnGrid grid)
{
  return grid == RFDN_GRID_FRAME && layer->in.n >= WIDE_CHANNELS;
}

/* A convolution behind a pixel shuffle is listed as one on the coarsest grid. */
static gboolean
find_fine (const RfdnLayer *layer, RfdnGrid grid, RfdnFine *fine)
{
  const RfdnConvShape shape = rfdn_conv_get_shape (layer);
  return rfdn_conv3x3_is_wide (layer, grid) &&
         rfdn_fine_find (fine, layer->weights, layer->bias, &shape);
}

/* The finer grid's filters reach over one of n x n channels, in and out, and are used by each of
 * its n x n pixels. */
static guint64
get_macs (const RfdnLayer *layer, RfdnGrid grid)
{
  const guint64 macs = rfdn_conv_get_macs (layer, grid);
  RfdnFine fine;
  return macs == rfdn_conv_get_n_weights (layer) && find_fine (layer, grid, &fine)
             ? macs / (fine.n * fine.n)
             : macs;
}

static const RfdnConv *
get_conv (const RfdnLayer *layer, const RfdnKernels *kernels, RfdnGrid grid)
{
  const RfdnConv *conv = &kernels->conv3x3;
  RfdnFine fine;

  if (rfdn_conv3x3_is_wide (layer, grid))
    conv = kernels->conv3x3_fine.strip != NULL && find_fine (layer, grid, &fine)
               ? &kernels->conv3x3_fine
               : &kernels->conv3x3_wide;
  return rfdn_conv_choose (layer, kernels, conv);
}

const RfdnOp rfdn_op_conv3x3 = {
    .name = "3x3",
    .get_window = get_window,
    .get_n_weights = rfdn_conv_get_n_weights,
    .get_macs = get_macs,
    .get_conv = get_conv,
    .run = rfdn_conv_run,
    .fuses = TRUE,
};
