/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "ops.h"
#include "pixelwise.h"

/* Statistics of a channel over the whole frame, so that there can be no tiles: FRAME -> POINT.
 * Summed up row by row in double precision, always in the same order. */

typedef struct {
  double sum, squares;
} Sums;

/* Of one run of one row, about `centre`. */
static Sums
sum_row (const RfdnView *in, const float *row, double centre)
{
  Sums sums = {0};

  for (gint x = in->region.x0; x < in->region.x1; x++) {
    const double v = row[rfdn_view_pixel (in, x)] - centre;
    sums.sum += v;
    sums.squares += v * v;
  }
  return sums;
}

static Sums
sum_channel (const RfdnView *in, guint channel, double centre)
{
  Sums sums = {0};

  for (gint y = in->region.y0; y < in->region.y1; y++) {
    const Sums row = sum_row (in, rfdn_view_channel (in, y, channel), centre);
    sums.sum += row.sum;
    sums.squares += row.squares;
  }
  return sums;
}

static void
run_with (const RfdnPart *part, gboolean with_deviation)
{
  const RfdnView *in = &part->in;
  const double n = (double) rfdn_rect_width (&in->region) * rfdn_rect_height (&in->region);

  for (guint c = 0; c < part->layer->out.n; c++) {
    const guint channel = part->layer->in.first + c;
    double v = sum_channel (in, channel, 0).sum / n;
    if (with_deviation)
      v += sqrt (sum_channel (in, channel, v).squares / n);
    part->dst[0][c * RFDN_PHASES * part->out.run] = (float) v;
  }
}

static void
run_mean (const RfdnPart *part)
{
  run_with (part, FALSE);
}

static void
run_mean_std (const RfdnPart *part)
{
  run_with (part, TRUE);
}

const RfdnOp rfdn_op_mean = {
    .name = "mean",
    .whole = TRUE,
    .get_window = rfdn_pixelwise_get_window,
    .run = run_mean,
};

const RfdnOp rfdn_op_mean_std = {
    .name = "mean and deviation",
    .whole = TRUE,
    .get_window = rfdn_pixelwise_get_window,
    .run = run_mean_std,
};
