/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "colour.h"
#include "compat.h"

#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>

/* The first match counts both ways. Where `work` differs, the element does not take the format and
 * it is converted to the nearest of those that it takes. */
static const struct {
  enum AVPixelFormat av;
  GstVideoFormat own, work;
} formats[] = {
#define SAME(av, gst)                                                                              \
  {                                                                                                \
    AV_PIX_FMT_##av, GST_VIDEO_FORMAT_##gst, GST_VIDEO_FORMAT_##gst                                \
  }
#define VIA(av, gst, work)                                                                         \
  {                                                                                                \
    AV_PIX_FMT_##av, GST_VIDEO_FORMAT_##gst, GST_VIDEO_FORMAT_##work                               \
  }
    SAME (YUV420P, I420),
    SAME (NV12, NV12),
    SAME (NV21, NV21),
    SAME (YUV422P, Y42B),
    SAME (YUV444P, Y444),
    SAME (GRAY8, GRAY8),
    SAME (YUV420P10LE, I420_10LE),
    SAME (YUV422P10LE, I422_10LE),
    SAME (YUV444P10LE, Y444_10LE),
    SAME (P010LE, P010_10LE),
    SAME (GRAY16LE, GRAY16_LE),
    SAME (RGB24, RGB),
    SAME (BGR24, BGR),
    SAME (GBRP, GBR),
    SAME (RGB0, RGBx),
    SAME (BGR0, BGRx),
    SAME (0RGB, xRGB),
    SAME (0BGR, xBGR),
    SAME (RGBA, RGBA),
    SAME (BGRA, BGRA),
    SAME (ARGB, ARGB),
    SAME (ABGR, ABGR),
    VIA (YUV420P12LE, I420_12LE, I420_10LE),
    VIA (YUV422P12LE, I422_12LE, I422_10LE),
    VIA (YUV444P12LE, Y444_12LE, Y444_10LE),
    VIA (GBRP10LE, GBR_10LE, Y444_10LE),
    VIA (GBRP12LE, GBR_12LE, Y444_10LE),
    VIA (YUV411P, Y41B, Y42B),
    VIA (YUV410P, YUV9, I420),
    VIA (YUYV422, YUY2, Y42B),
    VIA (UYVY422, UYVY, Y42B),
    VIA (YVYU422, YVYU, Y42B),
    VIA (YUVA420P, A420, I420),
#undef SAME
#undef VIA
};

enum AVPixelFormat
tc_format_plain (enum AVPixelFormat format, gboolean *full_range)
{
  *full_range = TRUE;
  switch (format) {
  case AV_PIX_FMT_YUVJ420P:
    return AV_PIX_FMT_YUV420P;
  case AV_PIX_FMT_YUVJ422P:
    return AV_PIX_FMT_YUV422P;
  case AV_PIX_FMT_YUVJ444P:
    return AV_PIX_FMT_YUV444P;
  case AV_PIX_FMT_YUVJ411P:
    return AV_PIX_FMT_YUV411P;
  default:
    *full_range = FALSE;
    return format;
  }
}

gboolean
tc_format_from_av (enum AVPixelFormat format, GstVideoFormat *own, GstVideoFormat *work)
{
  gboolean full;

  format = tc_format_plain (format, &full);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].av == format) {
      *own = formats[i].own;
      *work = formats[i].work;
      return TRUE;
    }
  }
  return FALSE;
}

enum AVPixelFormat
tc_format_to_av (GstVideoFormat format)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i].own == format)
      return formats[i].av;
  return AV_PIX_FMT_NONE;
}

/* ---- to caps ------------------------------------------------------------------------------- */

static void
set_colorimetry (GstCaps *caps, const AVFrame *frame, GstVideoFormat format)
{
  GstVideoColorimetry colorimetry;
  GstVideoInfo guess;
  gboolean full;
  char *text;

  tc_format_plain (frame->format, &full);
  full |= frame->color_range == AVCOL_RANGE_JPEG;
  if (!full && frame->color_range == AVCOL_RANGE_UNSPECIFIED &&
      frame->colorspace == AVCOL_SPC_UNSPECIFIED && frame->color_trc == AVCOL_TRC_UNSPECIFIED &&
      frame->color_primaries == AVCOL_PRI_UNSPECIFIED)
    return;

  /* What GStreamer would take it for at this size, before enlarging. Once some of it is told, the
   * rest is better left unknown: at its size a clip may be BT.601 and yet have a matrix of BT.709,
   * and players guess from that. */
  gst_video_info_set_format (&guess, format, frame->width, frame->height);
  colorimetry = guess.colorimetry;
  if (frame->colorspace != AVCOL_SPC_UNSPECIFIED || frame->color_trc != AVCOL_TRC_UNSPECIFIED ||
      frame->color_primaries != AVCOL_PRI_UNSPECIFIED) {
    colorimetry.transfer = GST_VIDEO_TRANSFER_UNKNOWN;
    colorimetry.primaries = GST_VIDEO_COLOR_PRIMARIES_UNKNOWN;
  }
  if (full)
    colorimetry.range = GST_VIDEO_COLOR_RANGE_0_255;
  else if (frame->color_range == AVCOL_RANGE_MPEG)
    colorimetry.range = GST_VIDEO_COLOR_RANGE_16_235;
  if (frame->colorspace != AVCOL_SPC_UNSPECIFIED)
    colorimetry.matrix = gst_video_color_matrix_from_iso (frame->colorspace);
  if (frame->color_trc != AVCOL_TRC_UNSPECIFIED)
    colorimetry.transfer = gst_video_transfer_function_from_iso (frame->color_trc);
  if (frame->color_primaries != AVCOL_PRI_UNSPECIFIED)
    colorimetry.primaries = gst_video_color_primaries_from_iso (frame->color_primaries);
  if (colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_UNKNOWN)
    colorimetry.matrix = guess.colorimetry.matrix;
  text = gst_video_colorimetry_to_string (&colorimetry);
  if (text != NULL)
    gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, text, NULL);
  g_free (text);
}

static const char *
site_of (enum AVChromaLocation location)
{
  switch (location) {
  case AVCHROMA_LOC_LEFT:
    return "mpeg2";
  case AVCHROMA_LOC_CENTER:
    return "jpeg";
  case AVCHROMA_LOC_TOPLEFT:
    return "cosited";
  case AVCHROMA_LOC_TOP:
    return "v-cosited";
  default:
    return NULL;
  }
}

static guint
scaled (AVRational value, int units)
{
  return value.den == 0 ? 0 : (guint) av_rescale (value.num, units, value.den);
}

static void
set_hdr (GstCaps *caps, const AVFrame *frame)
{
  AVFrameSideData *data;

  data = av_frame_get_side_data (frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
  if (data != NULL) {
    const AVMasteringDisplayMetadata *from = (const AVMasteringDisplayMetadata *) data->data;
    GstVideoMasteringDisplayInfo info = {0};

    for (int i = 0; i < 3; i++) {
      info.display_primaries[i].x = (guint16) scaled (from->display_primaries[i][0], 50000);
      info.display_primaries[i].y = (guint16) scaled (from->display_primaries[i][1], 50000);
    }
    info.white_point.x = (guint16) scaled (from->white_point[0], 50000);
    info.white_point.y = (guint16) scaled (from->white_point[1], 50000);
    info.max_display_mastering_luminance = scaled (from->max_luminance, 10000);
    info.min_display_mastering_luminance = scaled (from->min_luminance, 10000);
    if (from->has_primaries && from->has_luminance)
      gst_video_mastering_display_info_add_to_caps (&info, caps);
  }
  data = av_frame_get_side_data (frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
  if (data != NULL) {
    const AVContentLightMetadata *from = (const AVContentLightMetadata *) data->data;
    GstVideoContentLightLevel level = {.max_content_light_level = (guint16) from->MaxCLL,
                                       .max_frame_average_light_level = (guint16) from->MaxFALL};

    gst_video_content_light_level_add_to_caps (&level, caps);
  }
}

GstCaps *
tc_caps_from_frame (const AVFrame *frame, GstVideoFormat format, AVRational frame_rate,
                    AVRational aspect)
{
  const AVPixFmtDescriptor *description = av_pix_fmt_desc_get (frame->format);
  const char *site = site_of (frame->chroma_location);
  GstCaps *caps;

  if (aspect.num <= 0 || aspect.den <= 0)
    aspect = (AVRational){1, 1};
  caps = gst_caps_new_simple (
      "video/x-raw", "format", G_TYPE_STRING, gst_video_format_to_string (format), "width",
      G_TYPE_INT, frame->width, "height", G_TYPE_INT, frame->height, "framerate", GST_TYPE_FRACTION,
      frame_rate.num, frame_rate.den, "pixel-aspect-ratio", GST_TYPE_FRACTION, aspect.num,
      aspect.den, "interlace-mode", G_TYPE_STRING,
      tc_frame_is_interlaced (frame) ? "interleaved" : "progressive", NULL);
  if (tc_frame_is_interlaced (frame))
    gst_caps_set_simple (caps, "field-order", G_TYPE_STRING,
                         tc_frame_is_top_first (frame) ? "top-field-first" : "bottom-field-first",
                         NULL);
  if (site != NULL && (description->log2_chroma_w != 0 || description->log2_chroma_h != 0))
    gst_caps_set_simple (caps, "chroma-site", G_TYPE_STRING, site, NULL);
  set_colorimetry (caps, frame, format);
  set_hdr (caps, frame);
  return caps;
}

/* ---- from caps ----------------------------------------------------------------------------- */

void
tc_frame_set_colours (AVFrame *frame, const GstVideoInfo *info)
{
  const GstVideoColorimetry *resolved = &info->colorimetry;
  gboolean gray = GST_VIDEO_INFO_IS_GRAY (info);

  if (frame->color_range == AVCOL_RANGE_UNSPECIFIED && !gray)
    frame->color_range =
        resolved->range == GST_VIDEO_COLOR_RANGE_0_255 ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  if (GST_VIDEO_INFO_IS_RGB (info))
    frame->colorspace = AVCOL_SPC_RGB;
  else if ((frame->colorspace == AVCOL_SPC_UNSPECIFIED || frame->colorspace == AVCOL_SPC_RGB) &&
           !gray)
    frame->colorspace = (enum AVColorSpace) gst_video_color_matrix_to_iso (resolved->matrix);
  if (frame->color_trc == AVCOL_TRC_UNSPECIFIED)
    frame->color_trc = (enum AVColorTransferCharacteristic) gst_video_transfer_function_to_iso (
        resolved->transfer);
  if (frame->color_primaries == AVCOL_PRI_UNSPECIFIED)
    frame->color_primaries =
        (enum AVColorPrimaries) gst_video_color_primaries_to_iso (resolved->primaries);

  if (info->chroma_site == GST_VIDEO_CHROMA_SITE_MPEG2)
    frame->chroma_location = AVCHROMA_LOC_LEFT;
  else if (info->chroma_site == GST_VIDEO_CHROMA_SITE_JPEG)
    frame->chroma_location = AVCHROMA_LOC_CENTER;
  else if (info->chroma_site == GST_VIDEO_CHROMA_SITE_COSITED)
    frame->chroma_location = AVCHROMA_LOC_TOPLEFT;
  else if (info->chroma_site == GST_VIDEO_CHROMA_SITE_V_COSITED)
    frame->chroma_location = AVCHROMA_LOC_TOP;
}
