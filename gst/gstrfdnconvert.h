/* gst-rfdn - frames between the steps of a plan, and what turns one kind into another
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_CONVERT_H
#define GST_RFDN_CONVERT_H

#include <gst/video/video.h>

G_BEGIN_DECLS

/* A frame of one's own, mapped as long as it lives. */
typedef struct {
  GstVideoFrame frame;
  gboolean mapped;
} GstRfdnIntermediate;

/** Makes a frame whose memory is not touched before it is used; or sets @error. */
gboolean gst_rfdn_intermediate_alloc (GstRfdnIntermediate *self, const GstVideoInfo *info,
                                      GError **error);

/** Makes a frame, all ones, so that no component is ever undefined; or sets @error. */
gboolean gst_rfdn_intermediate_init (GstRfdnIntermediate *self, const GstVideoInfo *info,
                                     GError **error);

/** Frees what a frame has, if it has been made. */
void gst_rfdn_intermediate_clear (GstRfdnIntermediate *self);

/** Sets @info to @format with the size, the rate and the colours of @like; or sets @error. */
gboolean gst_rfdn_convert_get_info (GstVideoInfo *info, GstVideoFormat format,
                                    const GstVideoInfo *like, GError **error);

/**
 * gst_rfdn_convert_new:
 *
 * Returns: (transfer full) (nullable): a converter as precise as GStreamer has one, or %NULL with
 *   @error set
 */
GstVideoConverter *gst_rfdn_convert_new (const GstVideoInfo *from, const GstVideoInfo *to,
                                         GError **error);

/* Gives frames another size. */
typedef struct GstRfdnResize GstRfdnResize;

/**
 * gst_rfdn_resize_new:
 * @from: what frames are
 * @to: what they become
 * @picture: where in @to the picture is; around it there are black borders
 * @error: where to say what is wrong
 *
 * @to may have other colours, too. Subsampled chroma of @from is assumed to be centred: GStreamer's
 * scaler knows no chroma sites, and its chroma resampler none on the top edge. The caller can
 * compensate by shifting the chroma of @from.
 *
 * Returns: (transfer full) (nullable): a resizer, or %NULL with @error set
 */
GstRfdnResize *gst_rfdn_resize_new (const GstVideoInfo *from, const GstVideoInfo *to,
                                    const GstVideoRectangle *picture, GError **error);

void gst_rfdn_resize_run (GstRfdnResize *self, GstVideoFrame *in, GstVideoFrame *out);

/** Frees @self; %NULL is ignored. */
void gst_rfdn_resize_free (GstRfdnResize *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstRfdnResize, gst_rfdn_resize_free)

G_END_DECLS

#endif /* GST_RFDN_CONVERT_H */
