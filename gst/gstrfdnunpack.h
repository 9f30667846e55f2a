/* gst-rfdn - frames whose samples have no bytes or words of their own
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_UNPACK_H
#define GST_RFDN_UNPACK_H

#include <gst/video/video.h>

#include "gstrfdncomponents.h"
#include "rfdn.h"

G_BEGIN_DECLS

/* GStreamer unpacks any format to pixels of four components side by side, of 8 or 16 bits, and
 * packs them again. Unpacking repeats subsampled chroma, and packing reads only its first pixel. So
 * no filter is involved: the subsampled samples lie a few pixels apart, and are enlarged as such.
 * Narrow samples fill the upper bits of a byte or word. */

/** Sets @info to what frames of @packed are unpacked to, wide enough for what GStreamer writes
 * beyond the last pixel; or sets @error. */
gboolean gst_rfdn_unpack_get_info (GstVideoInfo *info, const GstVideoInfo *packed, GError **error);

/**
 * gst_rfdn_unpack_check:
 * @packed: frames that GStreamer unpacks or packs
 * @error: where to say what is wrong
 *
 * Checks, on one row, whether GStreamer stays inside a frame. At some odd widths of UYVP,
 * NV12_10LE32 and NV16_10LE32 its frames are too small for the samples that it writes or reads
 * itself.
 *
 * Returns: whether it does, or %FALSE with @error set to one of RFDN_ERROR
 */
gboolean gst_rfdn_unpack_check (const GstVideoInfo *packed, GError **error);

/** How the samples of unpacked frames are stored. */
RfdnSampleFormat gst_rfdn_unpack_get_sample_format (const GstVideoFormatInfo *packed);

/** Where the samples of a component of @packed lie in an unpacked frame. */
GstRfdnPlace gst_rfdn_unpack_get_place (const GstVideoFormatInfo *packed, guint component);

/** Unpacks a frame into one of gst_rfdn_unpack_get_info(). */
void gst_rfdn_unpack_run (GstVideoFrame *packed, GstVideoFrame *unpacked);

/** Packs it again. Samples of fewer bits than the others, such as 2-bit alpha, are rounded to the
 * nearest; @unpacked is overwritten. */
void gst_rfdn_unpack_run_back (GstVideoFrame *unpacked, GstVideoFrame *packed);

G_END_DECLS

#endif /* GST_RFDN_UNPACK_H */
