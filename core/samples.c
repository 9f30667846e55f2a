/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "samples.h"

#include <string.h>

#include "network-private.h"

/* ---- load ------------------------------------------------------------------------------------ */

static const guint8 *
get_sample (const RfdnPlane *plane, gint x, gint y)
{
  return (const guint8 *) plane->data + y * plane->stride +
         (gssize) x * (gssize) plane->pixel_stride;
}

/* One channel of a row: sample `column` of every cell, in row `sy` of the picture. The vector
 * kernel loads only the cells that lie inside; the others repeat the picture's outermost sample,
 * which may be another channel's. */
static void
load_channel (const RfdnNetwork *network, const RfdnPicture *picture, const RfdnView *view,
              float *dst, guint colour, guint column, gint sy)
{
  const gint u = (gint) picture->unshuffle, width = (gint) picture->width;
  const gint border = network->layout.border, x0 = view->region.x0, x1 = view->region.x1;
  const RfdnPlane *plane = &picture->in[colour];
  const float gain = picture->in_gain[colour], offset = picture->in_offset[colour];
  /* Cells whose sample is in the picture. */
  const gint inside = border + (width - (gint) column + u - 1) / u;
  const gint first = CLAMP (border, x0, x1), end = CLAMP (inside, first, x1);
  float edge[RFDN_PHASES * 2 * RFDN_RUN_ALIGN];

  if (end > first)
    network->kernels->load_row (dst + rfdn_view_pixel (view, first), view->run,
                                get_sample (plane, u * (first - border) + (gint) column, sy),
                                (gsize) u * plane->pixel_stride, &picture->format, gain, offset,
                                (guint) (end - first));
  if (first > x0) {
    network->kernels->load_row (edge, 2 * RFDN_RUN_ALIGN, get_sample (plane, 0, sy),
                                plane->pixel_stride, &picture->format, gain, offset, 1);
    for (gint x = x0; x < first; x++)
      dst[rfdn_view_pixel (view, x)] = edge[0];
  }
  if (end < x1) {
    network->kernels->load_row (edge, 2 * RFDN_RUN_ALIGN, get_sample (plane, width - 1, sy),
                                plane->pixel_stride, &picture->format, gain, offset, 1);
    for (gint x = end; x < x1; x++)
      dst[rfdn_view_pixel (view, x)] = edge[0];
  }
}

void
rfdn_load_rows (const RfdnNetwork *network, const RfdnPicture *picture, const RfdnView *input,
                gint y, gint end)
{
  const guint u = picture->unshuffle;
  const guint n = rfdn_graph_get_input (network->graph).n;

  for (; y < end; y++) {
    for (guint c = 0; c < n; c++) {
      const gint cell = (y - network->layout.border) * (gint) u + (gint) (c / u % u);
      load_channel (network, picture, input, rfdn_view_channel (input, y, c), c / (u * u), c % u,
                    CLAMP (cell, 0, (gint) picture->height - 1));
    }
    rfdn_view_pad (input, 0, n, 0, rfdn_view_columns (input), y);
  }
}

/* ---- store ----------------------------------------------------------------------------------- */

/* The cell at the right end, some of whose samples lie beyond the picture. */
static void
store_cut (const RfdnNetwork *network, const RfdnPicture *picture, const float *row, gsize run,
           guint first, guint8 *dst, gsize pixel_stride, guint shuffle, guint n)
{
  guint32 whole[RFDN_MAX_SHUFFLE];
  const gsize size = picture->format.samples == RFDN_SAMPLES_U8    ? 1
                     : picture->format.samples == RFDN_SAMPLES_U16 ? 2
                                                                   : 4;

  network->kernels->store_row (whole, size, &picture->format, row, run, first, shuffle,
                               picture->out_gain, 1);
  for (guint k = 0; k < n; k++)
    memcpy (dst + k * pixel_stride, (const guint8 *) whole + k * size, size);
}

/* A row of samples of one plane: channels `first` on, of cells `x0` to `end` - 1. */
static void
store_samples (const RfdnNetwork *network, const RfdnPicture *picture, const RfdnPlane *plane,
               const float *row, gsize run, guint first, guint shuffle, gint x0, gint end, gint sy)
{
  const gint width = (gint) (picture->width * (shuffle / picture->unshuffle));
  const gint n = (gint) shuffle, whole = CLAMP (width / n, x0, end);
  guint8 *dst =
      (guint8 *) plane->data + sy * plane->stride + (gssize) x0 * n * (gssize) plane->pixel_stride;

  network->kernels->store_row (dst, plane->pixel_stride, &picture->format, row, run, first, shuffle,
                               picture->out_gain, (guint) (whole - x0));
  if (whole == end || width % n == 0)
    return;
  const gint at = whole - x0;
  store_cut (network, picture, row + (gsize) (at % RFDN_PHASES) * run + at / RFDN_PHASES, run,
             first, dst + (gssize) at * n * (gssize) plane->pixel_stride, plane->pixel_stride,
             shuffle, (guint) (width % n));
}

void
rfdn_store_row (const RfdnNetwork *network, const RfdnPicture *picture, const float *row, gsize run,
                const RfdnRect *region, guint first, guint end, gint y)
{
  const RfdnModelInfo *info = rfdn_model_get_info (network->model);
  const guint shuffle = info->scale * picture->unshuffle;
  const gint border = network->layout.border, height = (gint) (picture->height * info->scale);
  const gint cells = (gint) ((picture->width + picture->unshuffle - 1) / picture->unshuffle);
  const gint x0 = region->x0 + RFDN_PHASES * (gint) first - border;
  const gint x1 =
      MIN (MIN (region->x1 - border, cells), region->x0 + RFDN_PHASES * (gint) end - border);

  if (x1 <= x0)
    return;
  for (guint c = 0; c < info->channels; c++) {
    for (guint k = 0; k < shuffle; k++) {
      const gint sy = (y - border) * (gint) shuffle + (gint) k;
      if (sy < height)
        store_samples (network, picture, &picture->out[c], row, run, (c * shuffle + k) * shuffle,
                       shuffle, x0, x1, sy);
    }
  }
}
