/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conv.h"

RfdnWindow
rfdn_conv_get_window (gint side)
{
  return (RfdnWindow){side / 2, side / 2, side, side, 1, TRUE};
}

guint64
rfdn_conv_get_macs (const RfdnLayer *layer, guint taps)
{
  return (guint64) layer->in.n * layer->out.n * taps;
}

/* Where the kernel finds its input. Rows behind those that are wanted may be another thread's work:
 * the kernel, which reads whole strips, sees zeros instead. */
static void
set_source (RfdnConvStrip *strip, const RfdnPart *part, const RfdnWindow *window)
{
  const RfdnView *in = &part->in;
  const gint step = window->step;
  const gssize at =
      (step * part->out.column0 - in->column0) / RFDN_PHASES + step * (gssize) part->column;
  const guint wanted = (part->rows - 1) * (guint) step + (guint) window->height;
  const guint n = (RFDN_STRIP - 1) * (guint) step + (guint) window->height;
  const gint y0 = step * part->y - window->above;

  for (guint r = 0; r < n; r++)
    strip->src[r] = r < wanted
                        ? rfdn_view_padded_row (in, y0 + (gint) r, part->layer->in.first) + at
                        : in->zeros + step * part->column;
  strip->src_run = in->run;
}

static void
set_addend (RfdnConvStrip *strip, const RfdnPart *part)
{
  const RfdnLayer *layer = part->layer;
  const RfdnView *add = &part->add;

  if (layer->add.n == 0)
    return;
  for (guint r = 0; r < strip->rows; r++)
    strip->add[r] = rfdn_view_channel (add, part->y + (gint) r, layer->add.first) +
                    (part->out.column0 - add->column0) / RFDN_PHASES + part->column;
  strip->add_run = add->run;
  strip->add_last = layer->add_last;
}

void
rfdn_conv_run (const RfdnPart *part)
{
  const RfdnLayer *layer = part->layer;
  const RfdnWindow window = layer->op->get_window (layer);
  RfdnConvStrip strip = {
      .in_channels = layer->in.n,
      .out_channels = layer->out.n,
      .weights = part->weights,
      .dst_run = part->out.run,
      .slope = layer->slope,
      .rows = part->rows,
      .n = part->n,
      .scratch = part->scratch,
  };

  for (guint r = 0; r < strip.rows; r++)
    strip.dst[r] = part->dst[r];
  set_source (&strip, part, &window);
  set_addend (&strip, part);
  part->conv->strip (&strip);
}
