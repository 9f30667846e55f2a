/* gst-rfdn - what the caps of one side say about the other side
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_CAPS_H
#define GST_RFDN_CAPS_H

#include <gst/gst.h>
#include <gst/video/video.h>
#include "rfdn.h"

G_BEGIN_DECLS

/* Pure functions on caps. A set of factors is a bit mask: bit N stands for "N times as large", bit
 * 1 for frames that pass untouched. */

#define GST_RFDN_FACTOR(n) (1u << (n))
#define GST_RFDN_FACTORS_ALL (GST_RFDN_FACTOR (2) | GST_RFDN_FACTOR (3) | GST_RFDN_FACTOR (4))
#define GST_RFDN_MAX_FACTOR 4

/* The formats of both pads. */
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define GST_RFDN_DEEP_FORMATS ", I420_10LE, I422_10LE, Y444_10LE, P010_10LE, GRAY16_LE"
#else
#define GST_RFDN_DEEP_FORMATS
#endif
#define GST_RFDN_FORMATS                                                                           \
  "{ I420, YV12, NV12, NV21, Y42B, Y444, GRAY8" GST_RFDN_DEEP_FORMATS                              \
  ", RGB, BGR, RGBx, xRGB, BGRx, xBGR, RGBA, ARGB, BGRA, ABGR, GBR }"

/**
 * gst_rfdn_caps_next_factor:
 * @factors: a set of factors
 * @after: the factor before, 0 to begin
 *
 * Goes through a set in the order of preference: 2, 3, 4, and 1 last.
 *
 * Returns: a factor, or 0 after the last one
 */
guint gst_rfdn_caps_next_factor (guint factors, guint after);

/**
 * gst_rfdn_caps_transform:
 * @caps: caps of the pad on the side @direction
 * @factors: what is possible
 * @resample: whether any other size is possible too
 *
 * Sizes, be they numbers, ranges or lists, are multiplied on the way from sink to source and
 * divided on the way back; all other fields stay. Where @caps tell a whole picture, the source's
 * get the colorimetry and chroma site that #GstVideoInfo reads from them, for those that the
 * larger picture would otherwise be given depend on its height.
 *
 * Returns: (transfer full): caps of the other pad, those of preferred factors first
 */
GstCaps *gst_rfdn_caps_transform (const GstCaps *caps, GstPadDirection direction, guint factors,
                                  gboolean resample);

/**
 * gst_rfdn_caps_prefer:
 * @caps: (transfer full): caps for the sink pad
 * @colour: what the network sees
 *
 * Where @caps leave the format open, the order of formats becomes one that costs least.
 *
 * Returns: (transfer full): the same set of formats
 */
GstCaps *gst_rfdn_caps_prefer (GstCaps *caps, RfdnColour colour);

/**
 * gst_rfdn_caps_fixate:
 * @in: fixed caps of the sink pad
 * @out: (transfer full): what the source pad might have
 * @factors: what is possible
 * @resample: whether any other size is possible too
 *
 * Prefers one of @factors in their order, then a larger size of the same display aspect, then the
 * same size, then any.
 *
 * Returns: (transfer full): fixed caps
 */
GstCaps *gst_rfdn_caps_fixate (const GstCaps *in, GstCaps *out, guint factors, gboolean resample);

/**
 * gst_rfdn_caps_get_interlacing:
 *
 * Returns: (nullable): how the fields of @caps are interlaced, %NULL when they are not
 */
const char *gst_rfdn_caps_get_interlacing (const GstCaps *caps);

/** Whether @out is just @factor times as large as @in. */
gboolean gst_rfdn_caps_is_exact (const GstVideoInfo *in, const GstVideoInfo *out, guint factor);

/**
 * gst_rfdn_caps_get_factor:
 *
 * Returns: by which of @factors to enlarge @in on the way to @out: the one that leads there, or the
 *   least that leads beyond, or the largest; 1 when it is better done without a network
 */
guint gst_rfdn_caps_get_factor (const GstVideoInfo *in, const GstVideoInfo *out, guint factors);

/**
 * gst_rfdn_caps_correct_info:
 * @caps: fixed caps
 * @info: what gst_video_info_from_caps() reads from them
 *
 * GStreamer 1.22 forgets the chroma site that caps tell when they tell no colorimetry. Puts it
 * back.
 */
void gst_rfdn_caps_correct_info (const GstCaps *caps, GstVideoInfo *info);

G_END_DECLS

#endif /* GST_RFDN_CAPS_H */
