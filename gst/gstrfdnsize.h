/* gst-rfdn - which sizes the frames of one side may have, given those of the other
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_SIZE_H
#define GST_RFDN_SIZE_H

#include <gst/video/video.h>

G_BEGIN_DECLS

/**
 * GstRfdnSize:
 * @width: pixels
 * @height: pixels
 * @par_n: shape of a pixel, its width
 * @par_d: its height
 * @step_x: what a width should be a multiple of: 2 where chroma is subsampled, else 1
 * @step_y: the same of a height
 *
 * The frames that come in.
 */
typedef struct {
  gint width, height;
  gint par_n, par_d;
  gint step_x, step_y;
} GstRfdnSize;

/**
 * gst_rfdn_size_scale:
 * @field: "width" or "height"
 *
 * Multiplies a field of @structure by @factor, or divides it, be it a number, a range, a list or
 * not there.
 *
 * Returns: whether any size is left
 */
gboolean gst_rfdn_size_scale (GstStructure *structure, const char *field, guint factor,
                              gboolean enlarge);

/** Lets @structure have any size up to @max each way, and pixels of any shape. */
void gst_rfdn_size_set_any (GstStructure *structure, gint max);

/** Makes @structure one of @factor times @size; FALSE, and nothing changes, where it cannot be. */
gboolean gst_rfdn_size_set (GstStructure *structure, const GstRfdnSize *size, guint factor);

/**
 * gst_rfdn_size_fit:
 *
 * Gives @structure a size that keeps the shape of the picture: what it prescribes of width, height
 * and shape of pixels stays, and what it leaves open follows; as near to @factor times @size as may
 * be when all is open. If both width and height are prescribed, the shape of pixels follows, if it
 * may.
 */
void gst_rfdn_size_fit (GstStructure *structure, const GstRfdnSize *size, guint factor);

/**
 * gst_rfdn_size_place:
 * @in: what the small frames are
 * @out: what the large ones are
 * @add_borders: whether there may be borders
 *
 * Returns: where in the large frame the picture is to be, so that it keeps its display aspect: in
 * the middle, at a place that subsampled chroma can have; all of the frame without borders, or
 * where they would be of less than a pixel
 */
GstVideoRectangle gst_rfdn_size_place (const GstVideoInfo *in, const GstVideoInfo *out,
                                       gboolean add_borders);

G_END_DECLS

#endif /* GST_RFDN_SIZE_H */
