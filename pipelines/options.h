/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the command line says.
 */
#pragma once

#include <glib.h>

typedef enum { TC_AUDIO_COPY, TC_AUDIO_AAC, TC_AUDIO_OPUS, TC_AUDIO_NONE } TcAudioMode;

typedef struct {
  char *in, *out;
  char *model; /* NULL: the element's own */
  char *scale;
  char *codec; /* NULL: by the container */
  char *preset;
  int crf; /* -1: by the codec */
  int threads;
  int tile_size, tile_overlap;
  TcAudioMode audio;
  gboolean deinterlace;
  gint64 frames; /* 0: all */
} TcOptions;

gboolean tc_options_parse (TcOptions *options, int argc, char **argv, GError **error);
void tc_options_clear (TcOptions *options);
void tc_options_help (void);
