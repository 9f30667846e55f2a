/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Closed captions and HDR10+ in HEVC's packets, for encoders that do not write them.
 */
#pragma once

#include <glib.h>

#include <libavcodec/packet.h>
#include <libavutil/frame.h>

/* Puts what of both `properties` has before the first slice of `packet` (Annex B), but for what is
 * there already. `scale_x` and `scale_y`: how many times as large the picture is now. */
gboolean tc_sei_add (AVPacket *packet, const AVFrame *properties, double scale_x, double scale_y,
                     GError **error);
