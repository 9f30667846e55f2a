/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encoders that take their pictures from a device's own memory (VA-API and the like).
 */
#pragma once

#include <glib.h>

#include <libavcodec/avcodec.h>

/* `device` stays NULL for an encoder that needs none. FALSE: it needs one that is not there. */
gboolean tc_hardware_open (const AVCodec *codec, AVBufferRef **device, GError **error);
/* The format nearest to `source` that can be loaded up to the device. */
enum AVPixelFormat tc_hardware_choose_format (AVBufferRef *device, enum AVPixelFormat source);
/* Before the encoder is opened, with its size and `pix_fmt` as chosen above. A code of FFmpeg's. */
int tc_hardware_attach (AVCodecContext *encoder, AVBufferRef *device);
/* Loads the frame up where the encoder wants that. A code of FFmpeg's. */
int tc_hardware_upload (const AVCodecContext *encoder, AVFrame *frame);
