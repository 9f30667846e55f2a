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
 * gst_rfdn_meta_transform:
 * @outbuf: the large frame
 * @meta: a meta of the small frame @inbuf
 * @in: what the small frame is
 * @out: what the large frame is
 *
 * Enlarges what speaks of places in the picture (regions of interest, overlays) and leaves alone
 * what does not.
 */
GstRfdnMetaFate gst_rfdn_meta_transform (GstBuffer *outbuf, GstMeta *meta, GstBuffer *inbuf,
                                         GstVideoInfo *in, GstVideoInfo *out);

G_END_DECLS

#endif /* GST_RFDN_META_H */
