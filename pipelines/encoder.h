/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chooses and opens the encoder of the video.
 */
#pragma once

#include "options.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

typedef struct {
  const AVCodec *codec;
  enum AVPixelFormat format;
} TcEncoderChoice;

gboolean tc_encoder_choose (TcEncoderChoice *choice, const TcOptions *options,
                            const AVOutputFormat *container, enum AVPixelFormat source,
                            GError **error);
AVCodecContext *tc_encoder_open (const TcEncoderChoice *choice, const TcOptions *options,
                                 const AVFrame *first, const AVStream *source,
                                 AVRational frame_rate, gboolean global_header, GError **error);
/* The encoder of gst-launch-1.0 that comes nearest. */
char *tc_encoder_describe (const TcEncoderChoice *choice, const TcOptions *options);
int tc_encoder_crf (const AVCodec *codec, const TcOptions *options);
