/* gst-rfdn - what frames are where their caps do not say
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_DEFAULTS_H
#define GST_RFDN_DEFAULTS_H

#include <gst/video/video.h>

G_BEGIN_DECLS

/**
 * gst_rfdn_defaults_apply:
 * @in: fixed caps of frames in system memory
 * @out: (inout): a structure of what the enlarged frames might be
 * @conflict: (out) (optional) (transfer none): the field that @out does not leave as it is in @in
 *
 * A field that caps leave out stands for any value during negotiation, and for GStreamer's default
 * once frames flow. The default colours of YUV depend on the picture's height, so that enlarged SD
 * pictures would be taken for HD. When one of the possible caps is chosen, this function works out
 * what the frames of @in are and writes it into @out. The fields are colorimetry, chroma-site and
 * interlace-mode; the last is written only if @out has it.
 *
 * Returns: FALSE if @out asks for something else, and is left unchanged
 */
gboolean gst_rfdn_defaults_apply (const GstCaps *in, GstStructure *out, const char **conflict);

/**
 * gst_rfdn_defaults_correct_info:
 * @caps: fixed caps
 * @info: what gst_video_info_from_caps() reads from them
 *
 * GStreamer 1.22 ignores the chroma site of caps without colorimetry. Puts it back.
 */
void gst_rfdn_defaults_correct_info (const GstCaps *caps, GstVideoInfo *info);

G_END_DECLS

#endif /* GST_RFDN_DEFAULTS_H */
