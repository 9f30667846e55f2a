/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sound that OUT's container cannot hold as it is.
 */
#pragma once

#include <glib.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

typedef struct _TcAudio TcAudio;
typedef gboolean (*TcPacketFunc) (gpointer data, AVPacket *packet, GError **error);

TcAudio *tc_audio_new (const AVStream *source, enum AVCodecID codec, gboolean global_header,
                       GError **error);
void tc_audio_free (TcAudio *audio);
const AVCodecContext *tc_audio_get_encoder (const TcAudio *audio);
/* `packet` NULL: drains. The packets made are in the encoder's time base. */
gboolean tc_audio_push (TcAudio *audio, const AVPacket *packet, TcPacketFunc func, gpointer data,
                        GError **error);
