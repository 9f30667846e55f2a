/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chooses and opens the encoder of the video.
 */
#pragma once

#include "options.h"
#include "pixels.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

typedef struct {
  const AVCodec *codec;
  enum AVPixelFormat format; /* as the encoder has it; of a device: what is loaded up to it */
  gboolean alpha;            /* transparency is kept */
  AVBufferRef *device;       /* NULL: the encoder is no hardware that needs one */
} TcEncoderChoice;

/* `first`: a frame as it was decoded. Says what of it will be lost. */
gboolean tc_encoder_choose (TcEncoderChoice *choice, const TcOptions *options,
                            const AVOutputFormat *container, const AVFrame *first, GError **error);
void tc_encoder_choice_clear (TcEncoderChoice *choice);
/* What enlarged frames such as this one are to be converted to. */
TcPixelKind tc_encoder_get_kind (const TcEncoderChoice *choice, const AVFrame *frame);
/* `first`: a frame of that kind. */
AVCodecContext *tc_encoder_open (const TcEncoderChoice *choice, const TcOptions *options,
                                 const AVFrame *first, const AVStream *source, AVRational time_base,
                                 AVRational frame_rate, gboolean global_header, GError **error);
/* The encoder of gst-launch-1.0 that comes nearest. */
char *tc_encoder_describe (const TcEncoderChoice *choice, const TcOptions *options);
