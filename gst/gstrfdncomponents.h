/* gst-rfdn - the components of a frame as planes of samples
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_COMPONENTS_H
#define GST_RFDN_COMPONENTS_H

#include <gst/video/video.h>
#include "rfdn-filters.h"

G_BEGIN_DECLS

/* For formats that are unpacked, places and samples are those of the unpacked frame, although
 * @format names the packed one. */

/** How the samples of a component are stored. */
RfdnSampleFormat gst_rfdn_component_get_format (const GstVideoFormatInfo *format, guint component);

/**
 * GstRfdnPlace:
 * @plane: the frame's plane that holds them
 * @offset: bytes from the beginning of a row to the first one
 * @pixel_stride: bytes from each to the next
 * @n_rows: rows of the plane from one of the component's rows to the next
 *
 * Where the samples of a component lie in any frame of a format.
 */
typedef struct {
  guint plane;
  gsize offset;
  gsize pixel_stride;
  gint n_rows;
} GstRfdnPlace;

/** Where the samples of @component lie. Looks the format up, so do not call it for each frame. */
GstRfdnPlace gst_rfdn_component_get_place (const GstVideoFormatInfo *format, guint component);

/** The same in a mapped frame. */
RfdnPlane gst_rfdn_place_in_frame (const GstRfdnPlace *place, GstVideoFrame *frame);

/** The bytes from the first sample of a row of @plane to its last one. Not of formats that are
 * unpacked. */
gsize gst_rfdn_components_get_row_size (const GstVideoInfo *info, guint plane);

/** Whether pixels have padding bytes that belong to no component. */
gboolean gst_rfdn_components_have_padding (const GstVideoInfo *info);

/** Sets the padding (the x of RGBx) to ones, like an opaque alpha, along with everything else. */
void gst_rfdn_components_fill_padding (GstVideoFrame *frame);

/**
 * gst_rfdn_component_resampler_new:
 * @in: what frames are
 * @enlarged: what they become, @scale times as large; subsampled chroma of an odd size may be
 * smaller
 * @out: what a filter that assumes centred chroma turns those into; or @enlarged
 * @error: where to say what is wrong
 *
 * Subsampled chroma ends up in its place in @out.
 *
 * Returns: (transfer full) (nullable): a Lanczos filter for a component, or %NULL with @error set
 */
RfdnResampler *gst_rfdn_component_resampler_new (const GstVideoInfo *in,
                                                 const GstVideoInfo *enlarged,
                                                 const GstVideoInfo *out, guint component,
                                                 guint scale, RfdnPool *pool, GError **error);

/**
 * gst_rfdn_component_guide_chroma:
 * @chroma: a resampler of chroma, made for the same @in, @enlarged and @out, the last more than
 * half as large as @enlarged
 * @error: where to say what is wrong
 *
 * Lets it be guided by luma.
 *
 * Returns: FALSE with @error set if it cannot be
 */
gboolean gst_rfdn_component_guide_chroma (RfdnResampler *chroma, const GstVideoInfo *in,
                                          const GstVideoInfo *enlarged, const GstVideoInfo *out,
                                          GError **error);

/** Whether chroma of this format can be guided by luma. */
gboolean gst_rfdn_components_have_guide (const GstVideoFormatInfo *format);

G_END_DECLS

#endif /* GST_RFDN_COMPONENTS_H */
