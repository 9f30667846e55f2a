/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"
#include "pixelwise.h"

/* Of in.n = 2 N out.n channels, N values for each of the result's (value i of channel j is channel
 * i out.n + j), then as many keys: the sum of the values, weighted by the softmax of their keys. */
static void
run (const RfdnPart *part)
{
  const RfdnLayer *layer = part->layer;

  for (guint r = 0; r < part->rows; r++)
    part->kernels->softmax_row (
        part->dst[r], part->out.run,
        rfdn_view_column (&part->in, &part->out, part->y + (gint) r, layer->in.first, part->column),
        part->in.run, layer->in.n / (2 * layer->out.n), layer->out.n, part->n);
}

const RfdnOp rfdn_op_softmax = {
    .name = "softmax",
    .get_window = rfdn_pixelwise_get_window,
    .run = run,
};
