/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is to be known of a video track before it is decoded.
 */
#pragma once

#include <libavformat/avformat.h>

/* `codec`, or the decoder that sees the transparency where `codec` does not. */
const AVCodec *tc_decoder_with_alpha (const AVStream *stream, const AVCodec *codec);
/* One line for each thing about the pictures that will be lost. */
void tc_decoder_warn (const AVStream *stream);
