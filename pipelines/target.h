/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where OUT goes: a file, one numbered picture a frame (frames/%05d.png), one picture, stdout
 * ("-"), or nowhere (--dry-run). And where IN comes from, of the same kinds.
 */
#pragma once

#include "options.h"

#include <libavformat/avformat.h>

typedef enum {
  TC_TARGET_FILE,
  TC_TARGET_PICTURES,
  TC_TARGET_STDOUT,
  TC_TARGET_NOWHERE,
  TC_TARGET_SINK
} TcTarget;

/* Whether `path` is the pattern of numbered pictures, which is no file by itself. */
gboolean tc_is_sequence (const char *path);
/* The lowest number that there is a picture of, or -1. */
int tc_sequence_first (const char *pattern);
/* Whether both are there and are one, by whatever names. */
gboolean tc_is_same_file (const char *a, const char *b);
/* Opens IN. `format` is closed by avformat_close_input(). */
gboolean tc_source_open (AVFormatContext **format, const TcOptions *options, GError **error);
/* Makes `format`, which the caller frees, and its `pb`, which pictures have none of. `temp`: what
 * tc_target_commit() gives its final name, to be freed; NULL where there is nothing to name.
 * `source`: the format of IN, or NULL. A `target` that is TC_TARGET_SINK stays so: nothing is
 * opened then. */
gboolean tc_target_open (TcTarget *target, AVFormatContext **format, char **temp,
                         const TcOptions *options, const AVInputFormat *source, GError **error);
gboolean tc_target_commit (const char *temp, const char *out, GError **error);
/* The container that OUT has, or NULL with an error. `source`: the format of IN, or NULL. */
const AVOutputFormat *tc_target_get_container (const TcOptions *options,
                                               const AVInputFormat *source, GError **error);
/* Whether it is for pictures, animated ones too, rather than for films. */
gboolean tc_target_holds_pictures (const AVOutputFormat *container);
/* The encoder that a container's pictures have when none is named, or NULL: any that films have. */
const char *tc_target_get_codec (const AVOutputFormat *container, const char *out);
