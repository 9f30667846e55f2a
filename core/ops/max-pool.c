/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#define SIDE 7
#define STEP 3

static RfdnWindow
get_window (const RfdnLayer *layer)
{
  return (RfdnWindow){.width = SIDE, .height = SIDE, .step = STEP};
}

/* The kernel goes pixel by pixel from the first column on; pixels before the region are computed
 * from slack and mean nothing. */
static void
run (const RfdnPart *part)
{
  const RfdnView *in = &part->in, *out = &part->out;
  const RfdnLayer *layer = part->layer;
  const gssize at = rfdn_view_pixel (in, STEP * out->column0);

  for (guint r = 0; r < part->rows; r++) {
    const float *src[SIDE];
    for (gint k = 0; k < SIDE; k++)
      src[k] = rfdn_view_channel (in, STEP * (part->y + (gint) r) + k, layer->in.first) + at;
    part->kernels->max_pool_row (part->dst[r], out->run, src, in->run, layer->out.n,
                                 (guint) (out->region.x1 - out->column0));
  }
}

const RfdnOp rfdn_op_max_pool = {
    .name = "largest of 7x7, every third pixel,",
    .get_window = get_window,
    .run = run,
};
