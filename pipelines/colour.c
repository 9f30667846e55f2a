/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "colour.h"
#include "compat.h"

#include <libavcodec/avcodec.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

/* What the element takes as it is and FFmpeg has too; the first match counts both ways. Words that
 * hold less than 8 bits a colour (RGB565 and the like) are left out on purpose: what is enlarged
 * would be rounded to them again. */
static const struct {
  enum AVPixelFormat av;
  GstVideoFormat gst;
} formats[] = {
#define SAME(av, gst)                                                                              \
  {                                                                                                \
    AV_PIX_FMT_##av, GST_VIDEO_FORMAT_##gst                                                        \
  }
    SAME (YUV420P, I420),
    SAME (NV12, NV12),
    SAME (NV21, NV21),
    SAME (YUV422P, Y42B),
    SAME (NV16, NV16),
    SAME (YUV444P, Y444),
    SAME (NV24, NV24),
    SAME (YUV411P, Y41B),
    SAME (YUV410P, YUV9),
    SAME (YUYV422, YUY2),
    SAME (UYVY422, UYVY),
    SAME (YVYU422, YVYU),
    SAME (GRAY8, GRAY8),
    SAME (RGB24, RGB),
    SAME (BGR24, BGR),
    SAME (GBRP, GBR),
    SAME (RGB0, RGBx),
    SAME (BGR0, BGRx),
    SAME (0RGB, xRGB),
    SAME (0BGR, xBGR),
    SAME (YUVA420P, A420),
    SAME (RGBA, RGBA),
    SAME (BGRA, BGRA),
    SAME (ARGB, ARGB),
    SAME (ABGR, ABGR),
    SAME (GBRAP, GBRA),
    SAME (YUV420P10LE, I420_10LE),
    SAME (YUV422P10LE, I422_10LE),
    SAME (YUV444P10LE, Y444_10LE),
    SAME (P010LE, P010_10LE),
    SAME (Y210LE, Y210),
    SAME (YUV420P12LE, I420_12LE),
    SAME (YUV422P12LE, I422_12LE),
    SAME (YUV444P12LE, Y444_12LE),
    SAME (P016LE, P016_LE),
    SAME (YUV444P16LE, Y444_16LE),
    SAME (GRAY16LE, GRAY16_LE),
    SAME (GBRP10LE, GBR_10LE),
    SAME (GBRP12LE, GBR_12LE),
    SAME (YUVA420P10LE, A420_10LE),
    SAME (YUVA422P10LE, A422_10LE),
    SAME (YUVA444P10LE, A444_10LE),
    SAME (GBRAP10LE, GBRA_10LE),
    SAME (GBRAP12LE, GBRA_12LE),
    SAME (RGBA64LE, RGBA64_LE),
    SAME (BGRA64LE, BGRA64_LE),
#if GST_CHECK_VERSION(1, 26, 0)
    SAME (YUVA422P, A422),
    SAME (YUVA444P, A444),
    SAME (YUVA422P12LE, A422_12LE),
    SAME (YUVA444P12LE, A444_12LE),
    SAME (YUVA420P16LE, A420_16LE),
    SAME (YUVA422P16LE, A422_16LE),
    SAME (YUVA444P16LE, A444_16LE),
    SAME (GBRP16LE, GBR_16LE),
#endif
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
    SAME (AYUV64LE, AYUV64),
#endif
#undef SAME
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

GstVideoFormat
tc_format_from_av (enum AVPixelFormat format)
{
  gboolean full;

  format = tc_format_plain (format, &full);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i].av == format)
      return formats[i].gst;
  return GST_VIDEO_FORMAT_UNKNOWN;
}

enum AVPixelFormat
tc_format_to_av (GstVideoFormat format)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i].gst == format)
      return formats[i].av;
  return AV_PIX_FMT_NONE;
}

gboolean
tc_format_is_rgb (enum AVPixelFormat format)
{
  const AVPixFmtDescriptor *description = av_pix_fmt_desc_get (format);

  return format == AV_PIX_FMT_PAL8 || format == AV_PIX_FMT_XYZ12LE ||
         format == AV_PIX_FMT_XYZ12BE ||
         (description->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_BAYER)) != 0;
}

gboolean
tc_format_is_gray (enum AVPixelFormat format)
{
  const AVPixFmtDescriptor *description = av_pix_fmt_desc_get (format);

  return description->nb_components < 3 && !tc_format_is_rgb (format);
}

static int
depth_of (enum AVPixelFormat format)
{
  const AVPixFmtDescriptor *description = av_pix_fmt_desc_get (format);
  int depth = 0;

  if ((description->flags & AV_PIX_FMT_FLAG_BAYER) != 0)
    return av_get_bits_per_pixel (description);
  if ((description->flags & AV_PIX_FMT_FLAG_FLOAT) != 0)
    return 16; /* as much of it as there is anything to be had in */
  for (int c = 0; c < description->nb_components; c++)
    depth = MAX (depth, description->comp[c].depth);
  return depth;
}

static gboolean
has_alpha (enum AVPixelFormat format)
{
  return (av_pix_fmt_desc_get (format)->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
}

/* Whether all of what `from` can say can be said in `to`. */
static gboolean
loses_nothing (enum AVPixelFormat from, enum AVPixelFormat to, gboolean alpha)
{
  const AVPixFmtDescriptor *a = av_pix_fmt_desc_get (from), *b = av_pix_fmt_desc_get (to);

  if (tc_format_is_rgb (from) != tc_format_is_rgb (to) || depth_of (from) > depth_of (to) ||
      (alpha && !has_alpha (to)))
    return FALSE;
  return tc_format_is_gray (from) ||
         (!tc_format_is_gray (to) && a->log2_chroma_w >= b->log2_chroma_w &&
          a->log2_chroma_h >= b->log2_chroma_h);
}

gboolean
tc_frame_has_alpha (const AVFrame *frame)
{
  const uint32_t *palette = (const void *) frame->data[1];

  if (frame->format != AV_PIX_FMT_PAL8)
    return has_alpha (frame->format);
  for (int i = 0; palette != NULL && i < 256; i++)
    if (palette[i] >> 24 != 0xff)
      return TRUE;
  return FALSE;
}

gboolean
tc_format_keeps (enum AVPixelFormat from, enum AVPixelFormat to)
{
  gboolean full;

  return loses_nothing (from, tc_format_plain (to, &full), FALSE);
}

/* How much more than `from` needs `to` holds: what is compared first comes first. */
static int
excess (enum AVPixelFormat from, enum AVPixelFormat to, gboolean alpha)
{
  return (has_alpha (to) && !alpha ? 10000 : 0) +
         (tc_format_is_gray (from) != tc_format_is_gray (to) ? 5000 : 0) +
         av_get_padded_bits_per_pixel (av_pix_fmt_desc_get (to));
}

enum AVPixelFormat
tc_format_nearest (enum AVPixelFormat from, gboolean alpha, const enum AVPixelFormat *list)
{
  enum AVPixelFormat best = AV_PIX_FMT_NONE;

  for (int i = 0; list[i] != AV_PIX_FMT_NONE; i++) {
    if (list[i] == from)
      return from;
    if (loses_nothing (from, list[i], alpha) &&
        (best == AV_PIX_FMT_NONE || excess (from, list[i], alpha) < excess (from, best, alpha)))
      best = list[i];
  }
  return best != AV_PIX_FMT_NONE ? best
                                 : avcodec_find_best_pix_fmt_of_list (list, from, alpha, NULL);
}

enum AVPixelFormat
tc_format_for_element (const AVFrame *frame, enum AVPixelFormat encoded)
{
  enum AVPixelFormat list[G_N_ELEMENTS (formats) + 1], from;
  gboolean full;
  guint n = 0;

  from = tc_format_plain (frame->format, &full);
  /* What is to become YUV is made so before, which rounds once instead of twice. */
  if (tc_format_is_rgb (from) && !tc_format_is_rgb (encoded) && !tc_frame_has_alpha (frame) &&
      sws_isSupportedInput (from))
    return depth_of (encoded) <= 8    ? AV_PIX_FMT_YUV444P
           : depth_of (encoded) <= 10 ? AV_PIX_FMT_YUV444P10LE
                                      : AV_PIX_FMT_YUV444P16LE;
  if (tc_format_from_av (encoded) != GST_VIDEO_FORMAT_UNKNOWN &&
      loses_nothing (from, encoded, tc_frame_has_alpha (frame)) &&
      loses_nothing (encoded, from, FALSE))
    return tc_format_plain (encoded, &full);
  if (tc_format_from_av (from) != GST_VIDEO_FORMAT_UNKNOWN)
    return from;
  if (!sws_isSupportedInput (from))
    return AV_PIX_FMT_NONE;
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (sws_isSupportedOutput (formats[i].av))
      list[n++] = formats[i].av;
  list[n] = AV_PIX_FMT_NONE;
  return tc_format_nearest (from, tc_frame_has_alpha (frame), list);
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
      aspect.den, "interlace-mode", G_TYPE_STRING, "progressive", NULL);
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

  if (GST_VIDEO_INFO_IS_RGB (info))
    frame->color_range = AVCOL_RANGE_JPEG;
  else if (frame->color_range == AVCOL_RANGE_UNSPECIFIED && !gray)
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
