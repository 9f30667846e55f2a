/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conv.h"

RfdnWindow
rfdn_conv_get_window (guint width, guint height)
{
  return (RfdnWindow){.left = (gint) width / 2,
                      .above = (gint) height / 2,
                      .width = (gint) width,
                      .height = (gint) height,
                      .step = 1,
                      .padded = TRUE};
}

RfdnConvShape
rfdn_conv_get_shape (const RfdnLayer *layer)
{
  const RfdnWindow window = layer->op->get_window (layer);
  return (RfdnConvShape){layer->in.n, layer->out.n, (guint) window.width, (guint) window.height};
}

guint64
rfdn_conv_get_n_weights (const RfdnLayer *layer)
{
  const RfdnConvShape shape = rfdn_conv_get_shape (layer);
  return (guint64) shape.in_channels * shape.out_channels * shape.width * shape.height;
}

guint64
rfdn_conv_count_weights (const RfdnLayer *layer)
{
  const guint64 size = layer->op->get_n_weights (layer);
  guint64 n = 0;

  for (guint64 i = 0; i < size; i++)
    n += layer->weights[i] != 0;
  return n;
}

/* Whether every filter has at most one weight that is not zero. */
static gboolean
picks (const RfdnLayer *layer)
{
  const RfdnWindow window = layer->op->get_window (layer);
  const gsize size = (gsize) layer->in.n * (guint) window.width * (guint) window.height;

  for (guint o = 0; o < layer->out.n; o++) {
    guint n = 0;
    for (gsize i = 0; i < size; i++)
      n += layer->weights[o * size + i] != 0;
    if (n > 1)
      return FALSE;
  }
  return TRUE;
}

guint64
rfdn_conv_get_macs (const RfdnLayer *layer, RfdnGrid grid)
{
  return picks (layer) ? rfdn_conv_count_weights (layer) : rfdn_conv_get_n_weights (layer);
}

const RfdnConv *
rfdn_conv_choose (const RfdnLayer *layer, const RfdnKernels *kernels, const RfdnConv *conv)
{
  return kernels->pick.strip != NULL && picks (layer) ? &kernels->pick : conv;
}

/* Sets where the kernel reads its input. Another thread may be writing the rows after those that
 * are needed: the kernel, which reads whole strips, gets zeros instead. */
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
  const RfdnView *view = &part->addend_view;

  if (part->addend.n == 0)
    return;
  for (guint r = 0; r < strip->rows; r++)
    strip->add[r] =
        rfdn_view_column (view, &part->out, part->y + (gint) r, part->addend.first, part->column);
  strip->add_run = view->run;
  strip->add_last = part->fusion.adds_last;
}

void
rfdn_conv_run (const RfdnPart *part)
{
  const RfdnLayer *layer = part->layer;
  const RfdnWindow window = layer->op->get_window (layer);
  RfdnConvStrip strip = {
      .shape = rfdn_conv_get_shape (layer),
      .weights = part->weights,
      .dst_run = part->out.run,
      .slope = part->slope,
      .slopes = part->slopes,
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
