/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What becomes of each track of the input but the video that is enlarged: copied packet for packet,
 * encoded anew, or left out with a line that says why. Also the file's tags and chapters.
 */
#pragma once

#include "input.h"
#include "muxer.h"
#include "options.h"

typedef struct _TcTracks TcTracks;

/* Adds the tracks to `muxer`, the enlarged video among them, in the order of the input. */
TcTracks *tc_tracks_new (const TcOptions *options, const TcInput *input, TcMuxer *muxer,
                         GError **error);
void tc_tracks_free (TcTracks *tracks);
/* A line for each track that is kept, but for the enlarged video. */
void tc_tracks_tell (const TcTracks *tracks);
/* The track of the enlarged video. */
AVStream *tc_tracks_get_video (const TcTracks *tracks);
/* A packet of another track than the video; takes what it holds. */
gboolean tc_tracks_push (TcTracks *tracks, AVPacket *packet, GError **error);
gboolean tc_tracks_end (TcTracks *tracks, GError **error);
