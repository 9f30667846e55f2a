/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the user tells the encoder besides: encoder-options=k=v:k=v, under FFmpeg's names.
 */
#pragma once

#include <glib.h>

#include <libavcodec/avcodec.h>

/* FALSE with an error that names what `codec` does not know. `text` may be NULL. */
gboolean tc_encoder_options_check (const AVCodec *codec, const char *text, GError **error);
/* Adds them to `settings`, in place of what is there; lists of the encoder's own library
 * (x264-params and its like) are joined instead. `text` has been checked. */
void tc_encoder_options_add (AVDictionary **settings, const char *text);
