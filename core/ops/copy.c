/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ops.h"
#include "pixelwise.h"

static void
run (const RfdnPart *part)
{
  const RfdnLayer *layer = part->layer;

  for (guint r = 0; r < part->rows; r++) {
    const float *src =
        rfdn_view_column (&part->in, &part->out, part->y + (gint) r, layer->in.first, part->column);
    for (guint k = 0; k < RFDN_PHASES * layer->out.n; k++)
      memcpy (part->dst[r] + k * part->out.run, src + k * part->in.run, part->n * sizeof (float));
  }
}

const RfdnOp rfdn_op_copy = {
    .name = "copy",
    .get_window = rfdn_pixelwise_get_window,
    .run = run,
};
