/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnformats.h"

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define LITTLE GST_RFDN_ROUTE_DIRECT
#define BIG GST_RFDN_ROUTE_UNPACK
#else
#define LITTLE GST_RFDN_ROUTE_UNPACK
#define BIG GST_RFDN_ROUTE_DIRECT
#endif
#define BYTES GST_RFDN_ROUTE_DIRECT
#define NATIVE GST_RFDN_ROUTE_DIRECT
#define UNPACK GST_RFDN_ROUTE_UNPACK

#define FORMAT(name, route)                                                                        \
  {                                                                                                \
    GST_VIDEO_FORMAT_##name, route                                                                 \
  }
#define BOTH_ORDERS(name) FORMAT (name##LE, LITTLE), FORMAT (name##BE, BIG)

/* The cheapest first: a source that can make all of them takes the first. Paletted pictures (RGB8P)
 * are missing: a palette lacks the colours between its entries. So are formats that GStreamer
 * itself packs wrongly: NV12_10BE_8L128 is written outside the frame, MT2110T and MT2110R (1.24 and
 * later) lose the samples of a tile narrower than the others. */
static const struct {
  GstVideoFormat format;
  GstRfdnRoute route;
} formats[] = {
    /* 8 bits */
    FORMAT (I420, BYTES),
    FORMAT (YV12, BYTES),
    FORMAT (NV12, BYTES),
    FORMAT (NV21, BYTES),
    FORMAT (Y42B, BYTES),
    FORMAT (Y444, BYTES),
    FORMAT (NV16, BYTES),
    FORMAT (NV61, BYTES),
    FORMAT (NV24, BYTES),
    FORMAT (Y41B, BYTES),
    FORMAT (YUV9, BYTES),
    FORMAT (YVU9, BYTES),
    FORMAT (YUY2, BYTES),
    FORMAT (UYVY, BYTES),
    FORMAT (YVYU, BYTES),
    FORMAT (VYUY, BYTES),
    FORMAT (v308, BYTES),
    FORMAT (IYU2, BYTES),
    FORMAT (A420, BYTES),
    FORMAT (AV12, BYTES),
    FORMAT (AYUV, BYTES),
    FORMAT (VUYA, BYTES),
    FORMAT (GRAY8, BYTES),
    FORMAT (RGB, BYTES),
    FORMAT (BGR, BYTES),
    FORMAT (GBR, BYTES),
    FORMAT (RGBP, BYTES),
    FORMAT (BGRP, BYTES),
    FORMAT (RGBx, BYTES),
    FORMAT (BGRx, BYTES),
    FORMAT (xRGB, BYTES),
    FORMAT (xBGR, BYTES),
    FORMAT (RGBA, BYTES),
    FORMAT (BGRA, BYTES),
    FORMAT (ARGB, BYTES),
    FORMAT (ABGR, BYTES),
    FORMAT (GBRA, BYTES),

    /* 10 to 16 bits */
    BOTH_ORDERS (I420_10),
    BOTH_ORDERS (I422_10),
    BOTH_ORDERS (Y444_10),
    BOTH_ORDERS (P010_10),
    BOTH_ORDERS (I420_12),
    BOTH_ORDERS (I422_12),
    BOTH_ORDERS (Y444_12),
    BOTH_ORDERS (P012_),
    BOTH_ORDERS (P016_),
    BOTH_ORDERS (Y444_16),
    BOTH_ORDERS (A420_10),
    BOTH_ORDERS (A422_10),
    BOTH_ORDERS (A444_10),
    FORMAT (Y210, LITTLE),
    BOTH_ORDERS (Y212_),
    BOTH_ORDERS (Y412_),
    FORMAT (v216, LITTLE),
    FORMAT (AYUV64, NATIVE),
    BOTH_ORDERS (GRAY16_),
    BOTH_ORDERS (GBR_10),
    BOTH_ORDERS (GBR_12),
    BOTH_ORDERS (GBRA_10),
    BOTH_ORDERS (GBRA_12),
    FORMAT (ARGB64, NATIVE),
    BOTH_ORDERS (ARGB64_),
    BOTH_ORDERS (RGBA64_),
    BOTH_ORDERS (BGRA64_),
    BOTH_ORDERS (ABGR64_),
#if GST_CHECK_VERSION(1, 26, 0)
    FORMAT (A422, BYTES),
    FORMAT (A444, BYTES),
    FORMAT (RBGA, BYTES),
    BOTH_ORDERS (A420_12),
    BOTH_ORDERS (A422_12),
    BOTH_ORDERS (A444_12),
    BOTH_ORDERS (A420_16),
    BOTH_ORDERS (A422_16),
    BOTH_ORDERS (A444_16),
    BOTH_ORDERS (GBR_16),
    BOTH_ORDERS (Y216_),
    BOTH_ORDERS (Y416_),
    FORMAT (GRAY10_LE16, LITTLE),
#endif

    /* samples that share words, and tiled formats */
    FORMAT (v210, UNPACK),
    FORMAT (UYVP, UNPACK),
    FORMAT (Y410, UNPACK),
    FORMAT (NV12_10LE32, UNPACK),
    FORMAT (NV16_10LE32, UNPACK),
    FORMAT (NV12_10LE40, UNPACK),
    FORMAT (GRAY10_LE32, UNPACK),
    FORMAT (IYU1, UNPACK),
    FORMAT (NV12_64Z32, UNPACK),
    FORMAT (NV12_4L4, UNPACK),
    FORMAT (NV12_32L32, UNPACK),
    FORMAT (NV12_16L32S, UNPACK),
    FORMAT (NV12_8L128, UNPACK),
#if GST_CHECK_VERSION(1, 24, 0)
    FORMAT (NV12_10LE40_4L4, UNPACK),
#endif
    FORMAT (r210, UNPACK),
    FORMAT (RGB10A2_LE, UNPACK),
    FORMAT (BGR10A2_LE, UNPACK),
    FORMAT (RGB16, UNPACK),
    FORMAT (BGR16, UNPACK),
    FORMAT (RGB15, UNPACK),
    FORMAT (BGR15, UNPACK),
};

GstRfdnRoute
gst_rfdn_format_get_route (GstVideoFormat format)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].format == format)
      return formats[i].route;
  }
  return GST_RFDN_ROUTE_NONE;
}

gboolean
gst_rfdn_format_has_alpha (const GstVideoFormatInfo *format)
{
  return GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format) > GST_VIDEO_COMP_A;
}

GstCaps *
gst_rfdn_formats_get_caps (void)
{
  GValue names = G_VALUE_INIT;
  GstCaps *caps;

  g_value_init (&names, GST_TYPE_LIST);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    GValue name = G_VALUE_INIT;

    g_value_init (&name, G_TYPE_STRING);
    g_value_set_static_string (&name, gst_video_format_to_string (formats[i].format));
    gst_value_list_append_and_take_value (&names, &name);
  }
  caps = gst_caps_from_string ("video/x-raw, width = " GST_VIDEO_SIZE_RANGE
                               ", height = " GST_VIDEO_SIZE_RANGE
                               ", framerate = " GST_VIDEO_FPS_RANGE);
  gst_caps_set_value (caps, "format", &names);
  g_value_unset (&names);
  return caps;
}

GstVideoFormat
gst_rfdn_formats_get_best (RfdnColour colour, guint index)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    const GstVideoFormatInfo *info = gst_video_format_get_info (formats[i].format);
    const gboolean matches = colour == RFDN_COLOUR_LUMA ? GST_VIDEO_FORMAT_INFO_IS_YUV (info)
                                                        : GST_VIDEO_FORMAT_INFO_IS_RGB (info);

    if (matches && formats[i].route == GST_RFDN_ROUTE_DIRECT && index-- == 0)
      return formats[i].format;
  }
  return GST_VIDEO_FORMAT_UNKNOWN;
}
