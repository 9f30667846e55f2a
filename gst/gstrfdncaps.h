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
 * 1 among others stands for frames that pass untouched; alone, for those of a network that cleans
 * frames and leaves their size: none of them passes. */

#define GST_RFDN_FACTOR(n) (1u << (n))
#define GST_RFDN_MAX_FACTOR RFDN_MAX_SCALE
/* Those that enlarge: 2 to the largest. */
#define GST_RFDN_FACTORS_ALL (GST_RFDN_FACTOR (GST_RFDN_MAX_FACTOR + 1) - GST_RFDN_FACTOR (2))

/**
 * gst_rfdn_caps_next_factor:
 * @factors: a set of factors
 * @after: the factor before, 0 to begin
 *
 * Goes through a set in the order of preference: from 2 on, and 1 last.
 *
 * Returns: a factor, or 0 after the last one
 */
guint gst_rfdn_caps_next_factor (guint factors, guint after);

/** Whether frames may pass untouched where they keep their size. */
gboolean gst_rfdn_caps_can_pass (guint factors);

/**
 * gst_rfdn_caps_transform:
 * @caps: caps of the pad on the side @direction
 * @factors: what is possible
 * @resample: whether any other size is possible too
 *
 * Sizes, be they numbers, ranges or lists, are multiplied on the way from sink to source and
 * divided on the way back. All other fields stay; one that is not there stands for any value, both
 * ways. On the way to the sink interlaced frames are taken out. Frames in memory that cannot be
 * mapped can only pass.
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
 * Limits @caps to what is asked. Frames that pass have to be progressive: the answer says so,
 * except to a question that does not speak of it; the same goes for square pixels.
 *
 * Returns: (transfer full): the answer; its order is that of @caps, since sources that can make any
 *   format would otherwise choose one that costs most
 */
GstCaps *gst_rfdn_caps_answer_upstream (GstCaps *caps, const GstCaps *question);

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
 * Prefers one of @factors in their order, then a larger size of the same display aspect, then to
 * have frames pass, then any size. What the frames of @in are by default is written into the
 * result: see gst_rfdn_defaults_apply().
 *
 * Returns: (transfer full): fixed caps; empty if all of @out stand for other colours or interlaced
 *   frames
 */
GstCaps *gst_rfdn_caps_fixate (const GstCaps *in, GstCaps *out, guint factors, gboolean resample);

/** The field in which all of @out differ from what the frames of @in are, or %NULL. */
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
 *   least that leads beyond, or the largest; 1 when it is better done without one that enlarges
 */
guint gst_rfdn_caps_get_factor (const GstVideoInfo *in, const GstVideoInfo *out, guint factors);

G_END_DECLS

#endif /* GST_RFDN_CAPS_H */
