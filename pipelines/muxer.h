/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The output's container. Packets of all tracks are written in the order of their times, from any
 * thread; those that come before the header wait for it.
 */
#pragma once

#include <glib.h>

#include <libavformat/avformat.h>

typedef struct _TcMuxer TcMuxer;

/* Opens the temporary file of `out`, whose extension names the container. */
TcMuxer *tc_muxer_new (const char *out, GError **error);
/* What is not complete is removed. */
void tc_muxer_free (TcMuxer *muxer);
const AVOutputFormat *tc_muxer_get_format (const TcMuxer *muxer);
/* For what is set before the header: tags, chapters. */
AVFormatContext *tc_muxer_get_context (TcMuxer *muxer);
/* A track with the tags, disposition and side data of `like`, which is one of an input. */
AVStream *tc_muxer_add_stream (TcMuxer *muxer, const AVStream *like);
/* `video_base`: the time base that the video track is to have where the container lets choose. */
gboolean tc_muxer_write_header (TcMuxer *muxer, AVRational video_base, GError **error);
/* Takes what `packet` holds, whose times are in `base`. */
gboolean tc_muxer_write (TcMuxer *muxer, AVPacket *packet, const AVStream *stream, AVRational base,
                         GError **error);
/* Writes the end, makes sure that it is on the disk, and gives the file its name. */
gboolean tc_muxer_commit (TcMuxer *muxer, GError **error);
