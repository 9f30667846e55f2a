/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one place that knows what time it is. Packets come in as the demuxer has read them and go out
 * on one continuous timeline that starts at 0:
 *
 * - A start common to all tracks and chapters is taken off. Only a start below 0 that priming makes
 *   (Opus in Matroska) stays, for players leave that out by themselves.
 * - Where the clock of a program starts anew, jumps or wraps (at 2^33 in MPEG-TS), what follows is
 *   joined on without a gap, by the same amount for all tracks, whichever of them gets there first.
 *   The pictures of the reference track decide by how much.
 *
 * Times of packets are in the time base of their stream, others in microseconds. Packets of a track
 * keep their order; those of one track may wait until it is known what becomes of another. Used
 * from one thread.
 */
#pragma once

#include <glib.h>

#include <libavformat/avformat.h>

typedef struct _TcTimeline TcTimeline;

/* `format`: opened, its streams found; it is not owned. `reference`: the index of the video. */
TcTimeline *tc_timeline_new (AVFormatContext *format, int reference);
void tc_timeline_free (TcTimeline *timeline);
/* Takes what `packet` holds. */
void tc_timeline_push (TcTimeline *timeline, AVPacket *packet);
/* The next packet pushed comes from another place of the file. Times go on as they were counted
 * there only if no clock starts anew in between. */
void tc_timeline_seek (TcTimeline *timeline);
/* No more will be pushed. */
void tc_timeline_end (TcTimeline *timeline);
/* FALSE when there is none yet, or none left. */
gboolean tc_timeline_pull (TcTimeline *timeline, AVPacket *packet);
/* What was taken off all times. */
gint64 tc_timeline_get_start (const TcTimeline *timeline);
/* How often the clock did not go on by itself. */
guint tc_timeline_count_joins (const TcTimeline *timeline);
