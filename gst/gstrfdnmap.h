/* gst-rfdn - frames as other elements leave them
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_MAP_H
#define GST_RFDN_MAP_H

#include <gst/video/video.h>

G_BEGIN_DECLS

/**
 * gst_rfdn_map_input:
 * @frame: (out caller-allocates): what is mapped
 * @info: what the caps tell
 * @buffer: a frame; has to outlive the mapping
 *
 * Maps a frame for reading. Elements that convert a frame in place may leave a #GstVideoMeta of the
 * old format behind. Then only its layout is used, and only if both formats have their samples at
 * the same places: the caps decide.
 *
 * Returns: whether @frame is mapped, to be unmapped by gst_video_frame_unmap()
 */
gboolean gst_rfdn_map_input (GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer);

G_END_DECLS

#endif
