/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The enlarged video: its encoder, and its track in the container. Used from one thread.
 */
#pragma once

#include "encoder.h"
#include "input.h"
#include "muxer.h"
#include "options.h"

typedef struct _TcVideo TcVideo;

/* `stream`: its track, not yet filled in. */
TcVideo *tc_video_new (const TcOptions *options, const TcInput *input, TcMuxer *muxer,
                       AVStream *stream);
void tc_video_free (TcVideo *video);
/* Before the first frame; takes what `choice` holds. `time_base`: that of the frames. */
void tc_video_set_encoder (TcVideo *video, const TcEncoderChoice *choice, AVRational time_base,
                           AVRational frame_rate);
/* An encoder that knows of no frame yet, of the same settings as the one there was, or the first
 * one, for which `first` is needed: it goes by that, whatever is encoded then. What the encoder
 * before still had is lost. It is valid until the next call. */
const AVCodecContext *tc_video_restart (TcVideo *video, AVFrame *first, GError **error);
/* The first frame opens the encoder and writes the container's header; NULL drains. May convert
 * `frame`. */
gboolean tc_video_encode (TcVideo *video, AVFrame *frame, GError **error);
/* NULL before the first frame. */
const AVCodecContext *tc_video_get_encoder (const TcVideo *video);
/* After the first frame. */
const char *tc_video_get_encoder_name (const TcVideo *video);
gint64 tc_video_count_frames (const TcVideo *video);
void tc_video_get_size (const TcVideo *video, int *width, int *height);
