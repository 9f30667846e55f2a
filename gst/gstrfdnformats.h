/* gst-rfdn - the formats that frames may have
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_FORMATS_H
#define GST_RFDN_FORMATS_H

#include <gst/video/video.h>

#include "rfdn.h"

G_BEGIN_DECLS

/**
 * GstRfdnRoute:
 * @GST_RFDN_ROUTE_NONE: not taken
 * @GST_RFDN_ROUTE_DIRECT: each sample is a byte or a 16-bit word of the machine's own byte order;
 *   the engine reads and writes samples where they lie in the frame
 * @GST_RFDN_ROUTE_UNPACK: samples share words, lie in tiles, or have the other byte order; frames
 *   are unpacked first and packed afterwards, which changes no value
 *
 * How the samples of a format reach the engine.
 */
typedef enum {
  GST_RFDN_ROUTE_NONE,
  GST_RFDN_ROUTE_DIRECT,
  GST_RFDN_ROUTE_UNPACK,
} GstRfdnRoute;

GstRfdnRoute gst_rfdn_format_get_route (GstVideoFormat format);

/** Whether pixels have alpha. GStreamer's flag for that is missing on some formats. */
gboolean gst_rfdn_format_has_alpha (const GstVideoFormatInfo *format);

/** Returns: (transfer full): caps of all formats, the cheapest first. */
GstCaps *gst_rfdn_formats_get_caps (void);

/**
 * gst_rfdn_formats_get_best:
 * @colour: what the network sees
 * @index: a number from 0 on
 *
 * Returns: the format at that place in a list of those that a network takes directly and without
 * loss of colour, the cheapest first; %GST_VIDEO_FORMAT_UNKNOWN after the last one
 */
GstVideoFormat gst_rfdn_formats_get_best (RfdnColour colour, guint index);

G_END_DECLS

#endif /* GST_RFDN_FORMATS_H */
