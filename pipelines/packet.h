/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets: in GLib's queues, and how they come.
 */
#pragma once

#include <glib.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

/* A GDestroyNotify for packets. */
static inline void
tc_packet_destroy (gpointer data)
{
  AVPacket *packet = data;

  av_packet_free (&packet);
}

/* Whether none need follow from where the last one was: a subtitle may come after minutes. */
static inline gboolean
tc_stream_is_sparse (const AVStream *stream)
{
  enum AVMediaType type = stream->codecpar->codec_type;

  return (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO) ||
         (stream->disposition & AV_DISPOSITION_ATTACHED_PIC);
}
