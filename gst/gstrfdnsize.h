/* gst-rfdn - which sizes frames on one side may have, given those on the other
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
 * Multiplies or divides a field of @structure by @factor: a number, a range, a list, or none.
 *
 * Returns: whether any size is left
 */
gboolean gst_rfdn_size_scale (GstStructure *structure, const char *field, guint factor,
                              gboolean enlarge);

/** Lets @structure have any size up to @max each way, and pixels of any shape. */
void gst_rfdn_size_set_any (GstStructure *structure, gint max);

/** Restricts @structure to @factor times @size; FALSE, changing nothing, if it does not allow
 * that. */
gboolean gst_rfdn_size_set (GstStructure *structure, const GstRfdnSize *size, guint factor);

/**
 * gst_rfdn_size_fit:
 *
 * Gives @structure a size that keeps the display aspect: width, height and pixel aspect ratio that
 * it prescribes stay, and the others follow; as near to @factor times @size as possible when all
 * are open. If both width and height are prescribed, the pixel aspect ratio follows, if allowed.
 */
void gst_rfdn_size_fit (GstStructure *structure, const GstRfdnSize *size, guint factor);

/**
 * gst_rfdn_size_place:
 * @in: what the small frames are
 * @out: what the large ones are
 * @add_borders: whether there may be borders
 *
 * Returns: where in the large frame to put the picture so that it keeps its display aspect: in the
 * middle, aligned to subsampled chroma; all of the frame without borders, or if they would be
 * narrower than a pixel
 */
GstVideoRectangle gst_rfdn_size_place (const GstVideoInfo *in, const GstVideoInfo *out,
                                       gboolean add_borders);

G_END_DECLS

#endif /* GST_RFDN_SIZE_H */
