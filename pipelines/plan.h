/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a film is cut into parts.
 */
#pragma once

#include "manifest.h"
#include "options.h"

typedef struct {
  gint64 time;
  gboolean key;
} TcStamp;

/* When the pictures of a film are shown. */
typedef struct {
  GArray *packets; /* TcStamp, one for each packet of the video, in the order of the file */
  GArray *times;   /* gint64, one for each picture, in the order of time */
  AVRational base;
  gboolean exact; /* packets tell all times by themselves: decoding may begin at any key frame */
  gboolean from_start; /* but has to begin with the first picture all the same */
  gboolean one_clock;  /* and it can be found there by its time */
} TcTimes;

/* Reads all of IN, or as much as `options` wants; where its packets do not tell the times, decodes
 * it as well. */
gboolean tc_times_scan (TcTimes *times, const TcOptions *options, GError **error);
void tc_times_clear (TcTimes *times);

/* Into `n` parts of equally many pictures, or fewer where there are not so many. */
void tc_plan_by_number (TcManifest *manifest, const TcTimes *times, guint n);
/* Into parts of `length` seconds, the last of half to one and a half of that. */
gboolean tc_plan_by_length (TcManifest *manifest, const TcTimes *times, double length,
                            GError **error);
