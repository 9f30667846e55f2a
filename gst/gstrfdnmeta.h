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
  GST_RFDN_META_DROP,  /* true of the small frame alone */
  GST_RFDN_META_OTHER, /* nothing that this code knows */
} GstRfdnMetaFate;

/**
 * GstRfdnPlacement:
 * @width: of the small frame, in pixels; 0 while there is none
 * @height: its height
 * @picture: where in the large frame it ends up: all of that unless there are borders
 *
 * Which pixels of the large frame come from which of the small one.
 */
typedef struct {
  gint width, height;
  GstVideoRectangle picture;
} GstRfdnPlacement;

/** The placement of frames that fill @picture of the large one. */
GstRfdnPlacement gst_rfdn_placement_new (const GstVideoInfo *in, const GstVideoRectangle *picture);

/** The point of the small frame that is shown at a point of the large one. On borders it lies
 * beyond the small frame. */
void gst_rfdn_placement_to_small (const GstRfdnPlacement *self, gdouble *x, gdouble *y);

/**
 * GstRfdnOverlays:
 *
 * The overlays of the last frame and their enlarged form: as long as a source of text attaches the
 * same ones, the same come out, which a sink need not upload again. Zeroes to begin with.
 */
typedef struct {
  GstVideoOverlayComposition *small, *large;
  GstRfdnPlacement placement;
} GstRfdnOverlays;

/** Forgets them. */
void gst_rfdn_overlays_clear (GstRfdnOverlays *self);

/** Looks the names up that the functions below need. Once, before they are called. */
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
 * Enlarges what speaks of places in the picture (regions of interest, overlays) and leaves alone
 * what does not. A rectangle's sides are moved each to the nearest pixel, so that what touches
 * still does.
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
 * Tells upstream in how many pixels overlays are shown: `width` and `height` of the meta are those
 * of the area that the small frame will cover, in downstream's window if it has told of one, else
 * in the large frame. Text is then drawn at that size, with places still in the small frame's
 * pixels.
 */
void gst_rfdn_meta_propose_overlays (GstQuery *query, const GstVideoInfo *out,
                                     const GstRfdnPlacement *placement);

G_END_DECLS

#endif /* GST_RFDN_META_H */
