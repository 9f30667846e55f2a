/* gst-rfdn - what the caps of one side say about the other side
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_CAPS_H
#define GST_RFDN_CAPS_H

#include <gst/gst.h>
#include <gst/video/video.h>
#include "rfdn.h"

G_BEGIN_DECLS

/* Pure functions on caps. A set of factors is a bit mask: bit N stands for "N times as large". Bit
 * 1 together with others means that frames may pass through untouched; alone it means a network
 * that cleans frames and keeps their size: then no frame passes through. */

#define GST_RFDN_FACTOR(n) (1u << (n))
#define GST_RFDN_MAX_FACTOR RFDN_MAX_SCALE
/* All factors that enlarge: 2 to the largest. */
#define GST_RFDN_FACTORS_ALL (GST_RFDN_FACTOR (GST_RFDN_MAX_FACTOR + 1) - GST_RFDN_FACTOR (2))

/**
 * gst_rfdn_caps_next_factor:
 * @factors: a set of factors
 * @after: the factor before, 0 to begin
 *
 * Iterates over a set in order of preference: from 2 up, and 1 last.
 *
 * Returns: a factor, or 0 after the last one
 */
guint gst_rfdn_caps_next_factor (guint factors, guint after);

/** Whether frames that keep their size may pass through untouched. */
gboolean gst_rfdn_caps_can_pass (guint factors);

/**
 * gst_rfdn_caps_transform:
 * @caps: caps of the pad on the side @direction
 * @factors: what is possible
 * @resample: whether any other size is possible too
 *
 * Sizes (numbers, ranges or lists) are multiplied on the way from sink to source and divided on the
 * way back. All other fields stay; a missing one stands for any value, both ways. On the way to the
 * sink interlaced frames are removed. Frames in memory that cannot be mapped can only pass through.
 *
 * Returns: (transfer full): caps of the other pad, those of preferred factors first
 */
GstCaps *gst_rfdn_caps_transform (const GstCaps *caps, GstPadDirection direction, guint factors,
                                  gboolean resample);

/** Whether frames with these caps features are in system memory, and are thus enlarged. */
gboolean gst_rfdn_caps_can_enlarge (const GstCapsFeatures *features);

/**
 * gst_rfdn_caps_answer_upstream:
 * @caps: (transfer full): caps that the sink pad might have
 * @question: (nullable): the caps that upstream asks about
 *
 * Limits @caps to what is asked. Frames have to be progressive: the answer says so, unless the
 * question does not mention it; the same holds for square pixels.
 *
 * Returns: (transfer full): the answer, in the order of @caps: sources that can make any format
 * would otherwise choose an expensive one
 */
GstCaps *gst_rfdn_caps_answer_upstream (GstCaps *caps, const GstCaps *question);

/**
 * gst_rfdn_caps_prefer:
 * @caps: (transfer full): caps for the sink pad
 * @colour: what the network sees
 *
 * Where @caps leave the format open, puts the cheapest formats first.
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
 * Prefers one of @factors in their order, then a larger size of the same display aspect, then
 * passing frames through, then any size. Defaults that hold for the frames of @in are written into
 * the result: see gst_rfdn_defaults_apply().
 *
 * Returns: (transfer full): fixed caps; empty if all of @out have other colours or are interlaced
 */
GstCaps *gst_rfdn_caps_fixate (const GstCaps *in, GstCaps *out, guint factors, gboolean resample);

/** The field in which all of @out differ from the frames of @in, or %NULL. */
const char *gst_rfdn_caps_find_conflict (const GstCaps *in, const GstCaps *out);

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
 * smallest that leads beyond, or the largest; 1 when it is better not to enlarge with the network
 */
guint gst_rfdn_caps_get_factor (const GstVideoInfo *in, const GstVideoInfo *out, guint factors);

G_END_DECLS

#endif /* GST_RFDN_CAPS_H */
