/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Subtitles that OUT's container cannot hold as they are: decoded, and encoded as it has them. Text
 * becomes text and pictures become pictures. Used from one thread.
 */
#pragma once

#include "audio.h"

typedef struct _TcSubtitle TcSubtitle;

/* Whether subtitles are text that any text format can hold; else they are pictures. */
gboolean tc_subtitle_is_text (enum AVCodecID codec);
/* `film`: the video that they are shown over, for its size. */
TcSubtitle *tc_subtitle_new (const AVStream *source, enum AVCodecID codec, const AVStream *film,
                             gboolean global_header, GError **error);
void tc_subtitle_free (TcSubtitle *subtitle);
const AVCodecContext *tc_subtitle_get_encoder (const TcSubtitle *subtitle);
/* `packet` NULL: drains. The packets made are in the encoder's time base. FALSE only when `func`
 * fails; what cannot be converted is left out and counted. */
gboolean tc_subtitle_push (TcSubtitle *subtitle, const AVPacket *packet, TcPacketFunc func,
                           gpointer data, GError **error);
/* How many could not be converted. */
gint64 tc_subtitle_count_lost (const TcSubtitle *subtitle);
