/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The output's container. Packets of all tracks are written in the order of their decoding times,
 * from any thread; those that come before the header wait for it.
 *
 * Decoding times have to be monotonic within a track, in most containers strictly. One that is not
 * is adjusted by as little as possible, and at the end a line says how many were, and of which
 * track. A packet that the container refuses is left out and counted as well, unless it is the
 * film's: damage in another track does not end the work.
 */
#pragma once

#include "target.h"

#include <glib.h>

#include <libavformat/avformat.h>

typedef struct _TcMuxer TcMuxer;

/* Opens the temporary file of `out`, whose extension names the container. */
TcMuxer *tc_muxer_new (const TcOptions *options, const AVInputFormat *source, GError **error);
/* One that is no file: it has all that belongs to the container of `out`, but each packet goes to
 * `func`, in the time base that it comes in. */
typedef gboolean (*TcMuxerFunc) (gpointer data, AVPacket *packet, GError **error);
TcMuxer *tc_muxer_new_sink (const TcOptions *options, TcMuxerFunc func, gpointer data,
                            GError **error);
/* What is not complete is removed. */
void tc_muxer_free (TcMuxer *muxer);
const AVOutputFormat *tc_muxer_get_format (const TcMuxer *muxer);
/* For what is set before the header: tags, chapters. */
AVFormatContext *tc_muxer_get_context (TcMuxer *muxer);
/* A track with the tags and the disposition of `like`, which is one of an input; notes name its
 * index. Of the side data, what tells of the bits themselves is kept only when `same_bits`. */
AVStream *tc_muxer_add_stream (TcMuxer *muxer, const AVStream *like, gboolean same_bits);
/* The track without which there is no file. */
void tc_muxer_set_film (TcMuxer *muxer, const AVStream *stream);
/* `video_base`: the time base that the video track is to have where the container lets choose. */
gboolean tc_muxer_write_header (TcMuxer *muxer, AVRational video_base, GError **error);
/* Takes what `packet` holds, whose times are in `base`. */
gboolean tc_muxer_write (TcMuxer *muxer, AVPacket *packet, const AVStream *stream, AVRational base,
                         GError **error);
/* Writes the end, makes sure that it is on the disk, and gives the file its name. */
gboolean tc_muxer_commit (TcMuxer *muxer, GError **error);
