/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnhistory.h"

#include <string.h>

#include "gstrfdncomponents.h"
#include "gstrfdnconvert.h"
#include "gstrfdnformats.h"

/* After this many frames in which everything moved, stop keeping the output. */
#define PATIENCE 30

/* How frames of a format are copied. */
typedef struct {
  gboolean whole; /* copied by GStreamer, where the layout is not known byte by byte */
  struct {
    gsize size;
    guint n;
  } rows[GST_VIDEO_MAX_PLANES];
} Layout;

struct GstRfdnHistory {
  GstRfdnIntermediate in, out;
  Layout in_layout, out_layout;
  guint n_network, margin;

  guint n_tiles;
  RfdnArea *tiles;
  gboolean *same;

  gboolean has_in, has_out;
  guint moving; /* frames since something stood still */
};

/* ---- copying ------------------------------------------------------------------------------- */

/* Rows of the component that lies in a plane. */
static guint
get_n_rows (const GstVideoInfo *info, guint plane)
{
  guint rows = 0;

  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (info); c++) {
    if ((guint) GST_VIDEO_INFO_COMP_PLANE (info, c) == plane)
      rows = MAX (rows, (guint) GST_VIDEO_INFO_COMP_HEIGHT (info, c));
  }
  return rows;
}

static Layout
get_layout (const GstVideoInfo *info)
{
  Layout layout = {
      .whole = gst_rfdn_format_get_route (GST_VIDEO_INFO_FORMAT (info)) == GST_RFDN_ROUTE_UNPACK,
  };

  for (guint p = 0; !layout.whole && p < GST_VIDEO_INFO_N_PLANES (info); p++) {
    layout.rows[p].size = gst_rfdn_components_get_row_size (info, p);
    layout.rows[p].n = get_n_rows (info, p);
  }
  return layout;
}

/* gst_video_frame_copy() assumes that plane N holds component N, and that rows of an odd width end
 * with the luma of their last pixel. It is used only for tiles and the like. */
static gboolean
copy_frame (const Layout *layout, GstVideoFrame *to, GstVideoFrame *from)
{
  if (layout->whole)
    return gst_video_frame_copy (to, from);
  for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (from); p++) {
    const gssize to_stride = GST_VIDEO_FRAME_PLANE_STRIDE (to, p);
    const gssize from_stride = GST_VIDEO_FRAME_PLANE_STRIDE (from, p);
    guint8 *to_row = GST_VIDEO_FRAME_PLANE_DATA (to, p);
    const guint8 *from_row = GST_VIDEO_FRAME_PLANE_DATA (from, p);

    for (guint y = 0; y < layout->rows[p].n; y++)
      memcpy (to_row + y * to_stride, from_row + y * from_stride, layout->rows[p].size);
  }
  return TRUE;
}

/* ---- life ---------------------------------------------------------------------------------- */

GstRfdnHistory *
gst_rfdn_history_new (const GstVideoInfo *in, const GstVideoInfo *out, guint n_network,
                      guint margin, guint n_tiles, GError **error)
{
  g_autoptr (GstRfdnHistory) self = g_new0 (GstRfdnHistory, 1);

  if (!gst_rfdn_intermediate_alloc (&self->in, in, error) ||
      !gst_rfdn_intermediate_alloc (&self->out, out, error))
    return NULL;
  self->in_layout = get_layout (in);
  self->out_layout = get_layout (out);
  self->n_network = n_network;
  self->margin = margin;
  self->n_tiles = n_tiles;
  self->tiles = g_new0 (RfdnArea, n_tiles);
  self->same = g_new0 (gboolean, n_tiles);
  gst_rfdn_history_clear (self);
  return g_steal_pointer (&self);
}

void
gst_rfdn_history_free (GstRfdnHistory *self)
{
  if (self == NULL)
    return;
  gst_rfdn_intermediate_clear (&self->in);
  gst_rfdn_intermediate_clear (&self->out);
  g_free (self->tiles);
  g_free (self->same);
  g_free (self);
}

void
gst_rfdn_history_set_tile (GstRfdnHistory *self, guint tile, const RfdnArea *seen)
{
  const guint width = (guint) GST_VIDEO_FRAME_WIDTH (&self->in.frame);
  const guint height = (guint) GST_VIDEO_FRAME_HEIGHT (&self->in.frame);
  const guint x0 = MAX (seen->x, self->margin) - self->margin;
  const guint y0 = MAX (seen->y, self->margin) - self->margin;

  self->tiles[tile] = (RfdnArea){x0, y0, MIN (seen->x + seen->width + self->margin, width) - x0,
                                 MIN (seen->y + seen->height + self->margin, height) - y0};
}

/* ---- comparing ----------------------------------------------------------------------------- */

/* The range of bytes that holds a component's samples in an area, rounded outwards for subsampled
 * ones. */
typedef struct {
  guint plane;
  gsize offset, size; /* in a row */
  guint y0, y1;
} Block;

static Block
get_block (GstVideoFrame *frame, guint component, const RfdnArea *area)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  const guint w_sub = GST_VIDEO_FORMAT_INFO_W_SUB (format, component);
  const guint h_sub = GST_VIDEO_FORMAT_INFO_H_SUB (format, component);
  const gsize step = (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (frame, component);
  const guint x0 = area->x >> w_sub, y0 = area->y >> h_sub;
  const guint x1 = ((area->x + area->width - 1) >> w_sub) + 1;
  const guint y1 = ((area->y + area->height - 1) >> h_sub) + 1;

  return (Block){
      .plane = (guint) GST_VIDEO_FORMAT_INFO_PLANE (format, component),
      .offset = x0 * step,
      .size = (x1 - x0) * step,
      .y0 = y0,
      .y1 = y1,
  };
}

static gboolean
is_same_block (GstVideoFrame *a, GstVideoFrame *b, const Block *block)
{
  const gssize stride_a = GST_VIDEO_FRAME_PLANE_STRIDE (a, block->plane);
  const gssize stride_b = GST_VIDEO_FRAME_PLANE_STRIDE (b, block->plane);
  const guint8 *row_a = GST_VIDEO_FRAME_PLANE_DATA (a, block->plane);
  const guint8 *row_b = GST_VIDEO_FRAME_PLANE_DATA (b, block->plane);

  for (guint y = block->y0; y < block->y1; y++) {
    if (memcmp (row_a + y * stride_a + block->offset, row_b + y * stride_b + block->offset,
                block->size) != 0)
      return FALSE;
  }
  return TRUE;
}

/* Components `first` to `end` of an area. Those that share a plane are compared together with the
 * first of them. */
static gboolean
is_same_area (GstRfdnHistory *self, GstVideoFrame *in, guint first, guint end, const RfdnArea *area)
{
  guint planes = 0;

  for (guint c = first; c < end; c++) {
    const Block block = get_block (in, c, area);

    if (planes & (1u << block.plane))
      continue;
    planes |= 1u << block.plane;
    if (!is_same_block (in, &self->in.frame, &block))
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_rfdn_history_compare (GstRfdnHistory *self, GstVideoFrame *in)
{
  const RfdnArea whole = {0, 0, (guint) GST_VIDEO_FRAME_WIDTH (in),
                          (guint) GST_VIDEO_FRAME_HEIGHT (in)};
  guint n_same = 0;

  for (guint t = 0; t < self->n_tiles; t++) {
    self->same[t] = self->has_in && is_same_area (self, in, 0, self->n_network, &self->tiles[t]);
    n_same += self->same[t] ? 1 : 0;
  }
  self->moving = n_same > 0 ? 0 : MIN (self->moving + 1, PATIENCE);
  if (n_same == self->n_tiles &&
      is_same_area (self, in, self->n_network, GST_VIDEO_FRAME_N_COMPONENTS (in), &whole))
    return TRUE;

  self->has_in = copy_frame (&self->in_layout, &self->in.frame, in);
  return FALSE;
}

const gboolean *
gst_rfdn_history_get_same (const GstRfdnHistory *self)
{
  return self->same;
}

/* ---- what went out --------------------------------------------------------------------------- */

gboolean
gst_rfdn_history_has_output (const GstRfdnHistory *self)
{
  return self->has_out;
}

void
gst_rfdn_history_get_output (GstRfdnHistory *self, GstVideoFrame *out)
{
  copy_frame (&self->out_layout, out, &self->out.frame);
}

void
gst_rfdn_history_set_output (GstRfdnHistory *self, GstVideoFrame *out)
{
  self->has_out = self->moving < PATIENCE && copy_frame (&self->out_layout, &self->out.frame, out);
}

void
gst_rfdn_history_clear (GstRfdnHistory *self)
{
  self->has_in = self->has_out = FALSE;
  self->moving = PATIENCE;
}
