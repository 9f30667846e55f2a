/* gst-rfdn - what becomes of the metadata of a frame that is enlarged
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_META_H
#define GST_RFDN_META_H

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef enum {
  GST_RFDN_META_COPY,  /* to be copied as it is */
  GST_RFDN_META_DONE,  /* its enlarged form has been attached to the output */
  GST_RFDN_META_DROP,  /* valid only for the small frame */
  GST_RFDN_META_OTHER, /* unknown to this code */
} GstRfdnMetaFate;

/**
 * GstRfdnPlacement:
 * @width: of the small frame, in pixels; 0 while there is none
 * @height: its height
 * @picture: where in the large frame it is shown: all of it unless there are borders
 *
 * Which pixels of the large frame come from which of the small one.
 */
typedef struct {
  gint width, height;
  GstVideoRectangle picture;
} GstRfdnPlacement;

/** Where frames lie that fill @picture of the large one. */
GstRfdnPlacement gst_rfdn_placement_new (const GstVideoInfo *in, const GstVideoRectangle *picture);

/** The point of the small frame that is shown at a point of the large one. On borders it lies
 * beyond the small frame. */
void gst_rfdn_placement_to_small (const GstRfdnPlacement *self, gdouble *x, gdouble *y);

/**
 * GstRfdnOverlays:
 *
 * The overlays of the last frame and their enlarged form: as long as upstream attaches the same
 * ones, the same enlarged ones come out, and a sink need not upload them again. Initially zero.
 */
typedef struct {
  GstVideoOverlayComposition *small, *large;
  GstRfdnPlacement placement;
} GstRfdnOverlays;

/** Forgets them. */
void gst_rfdn_overlays_clear (GstRfdnOverlays *self);

/** Looks up the names that the functions below need. Call it once, before them. */
void gst_rfdn_meta_init (void);

/**
 * gst_rfdn_meta_transform:
 * @outbuf: the large frame
 * @meta: a meta of the small frame @inbuf
 * @in: what the small frame is
 * @out: what the large frame is
 * @placement: where the one is in the other
 * @overlays: those of the frame before
 *
 * Enlarges metas that refer to places in the picture (regions of interest, overlays) and leaves
 * others alone. Each side of a rectangle is rounded to the nearest pixel, so that rectangles that
 * touch still do.
 */
GstRfdnMetaFate gst_rfdn_meta_transform (GstBuffer *outbuf, GstMeta *meta, GstBuffer *inbuf,
                                         GstVideoInfo *in, const GstVideoInfo *out,
                                         const GstRfdnPlacement *placement,
                                         GstRfdnOverlays *overlays);

/** Whether upstream may attach metas of @api because downstream takes them: those that
 * gst_rfdn_meta_transform() passes on. */
gboolean gst_rfdn_meta_is_passed_on (GType api);

/**
 * gst_rfdn_meta_propose_overlays:
 * @query: an ALLOCATION query of upstream, with what downstream takes
 * @out: what the large frame is
 * @placement: where the small one is in it
 *
 * Tells upstream at what resolution overlays are shown: `width` and `height` of the meta are those
 * of the area that the small frame will cover, in downstream's window if known, else in the large
 * frame. Text is then drawn at that size, with positions still in the small frame's pixels.
 */
void gst_rfdn_meta_propose_overlays (GstQuery *query, const GstVideoInfo *out,
                                     const GstRfdnPlacement *placement);

G_END_DECLS

#endif /* GST_RFDN_META_H */
