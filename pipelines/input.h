/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads and decodes the input. Packets have times on one continuous timeline that starts at 0
 * (timeline.h), and so have frames.
 */
#pragma once

#include "options.h"
#include "pixels.h"

#include <glib.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "timeline.h"

typedef struct {
  AVFormatContext *format;
  AVStream *video; /* the film, which is enlarged */
  TcTimeline *timeline;
  GQueue ahead; /* packets read before it was known what to do with them, as the file has them */
  AVCodecContext *decoder;
  AVRational frame_rate;
  TcPixels *pixels; /* makes all frames like the first one */
  gint64 last_pts;
  gint64 last_duration;
  gint64 n_frames;
  gint64 n_damaged; /* packets that the decoder refused, and frames it had to make up */
  gint64 n_moved;   /* frames whose timestamp was not after the previous one */
  gint64 last_seen; /* the largest end of a packet, in microseconds on the timeline */
  int read_error;
} TcInput;

/* Whether there is a film in the file IN, by what it holds: no lone picture, no text, no sound. */
gboolean tc_input_has_film (const TcOptions *options);
/* Opens IN of `options`. */
gboolean tc_input_open (TcInput *input, const TcOptions *options, GError **error);
void tc_input_close (TcInput *input);
/* FALSE at the end, which a reading error is too. */
gboolean tc_input_read (TcInput *input, AVPacket *packet);
/* Goes on from a key frame of the video that is shown at `time` or earlier, or from one near to it;
 * frames count as if the file began there. FALSE: it is not a file that this can be done with. */
gboolean tc_input_seek (TcInput *input, gint64 time);
/* The decoder forgets what it was sent. */
void tc_input_flush (TcInput *input);
/* `packet` NULL: no more will come. */
void tc_input_send (TcInput *input, const AVPacket *packet);
/* A frame with pts and duration in the time base of the stream, or FALSE when there is none yet. */
gboolean tc_input_receive (TcInput *input, AVFrame *frame);
gint64 tc_input_count_frames (const TcInput *input);
/* A message if the file ends earlier than it claims, or NULL. */
char *tc_input_describe_end (const TcInput *input);
