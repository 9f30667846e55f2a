/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnmap.h"

#include <string.h>

static gboolean
have_same_layout (const GstVideoFormatInfo *a, const GstVideoFormatInfo *b)
{
  if (a->n_planes != b->n_planes || a->n_components != b->n_components)
    return FALSE;
  for (guint i = 0; i < a->n_components; i++) {
    if (a->depth[i] != b->depth[i] || a->pixel_stride[i] != b->pixel_stride[i] ||
        a->w_sub[i] != b->w_sub[i] || a->h_sub[i] != b->h_sub[i])
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_rfdn_map_input (GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer)
{
  const GstMapFlags flags = GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF;
  const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);
  GstVideoInfo left, agreed = *info;

  if (meta == NULL || meta->format == GST_VIDEO_INFO_FORMAT (info))
    return gst_video_frame_map (frame, info, buffer, flags);

  if (!gst_video_info_set_format (&left, meta->format, (guint) GST_VIDEO_INFO_WIDTH (info),
                                  (guint) GST_VIDEO_INFO_HEIGHT (info)) ||
      !have_same_layout (left.finfo, info->finfo) ||
      !gst_video_frame_map (frame, &left, buffer, flags))
    return FALSE;
  memcpy (agreed.stride, frame->info.stride, sizeof agreed.stride);
  memcpy (agreed.offset, frame->info.offset, sizeof agreed.offset);
  frame->info = agreed;
  return TRUE;
}
