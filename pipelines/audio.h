/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sound that OUT's container cannot hold as it is: decoded, and encoded as it has it. A change of
 * rate or channels midway is converted to what the track began with. Used from one thread.
 */
#pragma once

#include <glib.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

typedef struct _TcAudio TcAudio;
/* Takes what `packet` holds. */
typedef gboolean (*TcPacketFunc) (gpointer data, AVPacket *packet, GError **error);

TcAudio *tc_audio_new (const AVStream *source, enum AVCodecID codec, gboolean global_header,
                       GError **error);
void tc_audio_free (TcAudio *audio);
const AVCodecContext *tc_audio_get_encoder (const TcAudio *audio);
/* `packet` NULL: drains. The packets made are in the encoder's time base. FALSE only when `func`
 * fails: packets that cannot be decoded are left out and counted, and when the encoder fails a line
 * says so and nothing more is made. */
gboolean tc_audio_push (TcAudio *audio, const AVPacket *packet, TcPacketFunc func, gpointer data,
                        GError **error);
/* Packets that could not be decoded. */
gint64 tc_audio_count_lost (const TcAudio *audio);
