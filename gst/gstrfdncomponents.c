/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdncomponents.h"

#include <string.h>

RfdnSampleFormat
gst_rfdn_component_get_format (const GstVideoFormatInfo *format, guint component)
{
  const guint depth = GST_VIDEO_FORMAT_INFO_DEPTH (format, component);
  const guint shift = GST_VIDEO_FORMAT_INFO_SHIFT (format, component);

  return (RfdnSampleFormat){
      .samples = depth + shift > 8 ? RFDN_SAMPLES_U16 : RFDN_SAMPLES_U8,
      .depth = depth,
      .shift = shift,
  };
}

RfdnPlane
gst_rfdn_component_get_plane (GstVideoFrame *frame, guint component)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  gsize offset = (gsize) GST_VIDEO_FORMAT_INFO_POFFSET (format, component);

  /* GStreamer's table has the V of P010 one byte after the U, as in NV12, where it is two. */
  if (gst_rfdn_component_get_format (format, component).samples == RFDN_SAMPLES_U16 &&
      offset % 2 != 0)
    offset *= 2;
  return (RfdnPlane){
      .data = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (
                  frame, GST_VIDEO_FORMAT_INFO_PLANE (format, component)) +
              offset,
      .stride = GST_VIDEO_FRAME_COMP_STRIDE (frame, component),
      .pixel_stride = (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (frame, component),
  };
}

gboolean
gst_rfdn_components_have_padding (const GstVideoInfo *info)
{
  return GST_VIDEO_INFO_IS_RGB (info) && GST_VIDEO_INFO_N_PLANES (info) == 1 &&
         GST_VIDEO_INFO_COMP_PSTRIDE (info, 0) > (gint) GST_VIDEO_INFO_N_COMPONENTS (info);
}

void
gst_rfdn_components_fill_padding (GstVideoFrame *frame)
{
  guint8 *row = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  const gsize size =
      (gsize) GST_VIDEO_FRAME_WIDTH (frame) * (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (frame, 0);

  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (frame); y++)
    memset (row + y * (gssize) GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0), 0xff, size);
}

/* ---- resamplers ---------------------------------------------------------------------------- */

/* Where the first sample lies decides by how much a grid has to move, in samples of the larger
 * picture. GstVideoScaler, which lines up the outer edges of both pictures, has no such shift:
 * through it left-sited chroma would end up too far to the right. Chroma of an unknown site is
 * taken to be centred, as GstVideoConverter takes it.
 *
 * If the larger picture is then brought to yet another size as if chroma were centred, `rest` times
 * as large, the shift makes up for that too: there, half a pixel is to be 1 / rest of one here. */
static double
get_shift (gboolean cosited, guint subsampling, guint scale, double rest)
{
  if (!cosited || subsampling != 1)
    return 0;
  return CLAMP ((1 / rest - scale) / 4, -(double) scale, (double) scale);
}

RfdnResampler *
gst_rfdn_component_resampler_new (const GstVideoInfo *in, const GstVideoInfo *enlarged,
                                  const GstVideoInfo *out, guint component, guint scale,
                                  RfdnPool *pool, GError **error)
{
  const GstVideoFormatInfo *format = in->finfo;
  const double rest_x = (double) out->width / enlarged->width;
  const double rest_y = (double) out->height / enlarged->height;
  const RfdnResamplerParams params = {
      .in_width = (guint) GST_VIDEO_INFO_COMP_WIDTH (in, component),
      .in_height = (guint) GST_VIDEO_INFO_COMP_HEIGHT (in, component),
      .out_width = (guint) GST_VIDEO_INFO_COMP_WIDTH (enlarged, component),
      .out_height = (guint) GST_VIDEO_INFO_COMP_HEIGHT (enlarged, component),
      .scale = scale,
      .shift_x = get_shift (in->chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED,
                            GST_VIDEO_FORMAT_INFO_W_SUB (format, component), scale, rest_x),
      .shift_y = get_shift (in->chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED,
                            GST_VIDEO_FORMAT_INFO_H_SUB (format, component), scale, rest_y),
      .format = gst_rfdn_component_get_format (format, component),
      .pool = pool,
  };

  return rfdn_resampler_new (&params, error);
}
