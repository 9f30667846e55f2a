/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A chain of FFmpeg's filters. Used from one thread.
 */
#pragma once

#include <glib.h>

#include <libavutil/frame.h>

typedef struct _TcFilter TcFilter;

/* `text` as ffmpeg's -vf has it; `like`: a frame of the kind that all will be of. */
TcFilter *tc_filter_new (const char *text, const AVFrame *like, AVRational time_base,
                         AVRational frame_rate, GError **error);
void tc_filter_free (TcFilter *filter);
/* Takes what `frame` holds. */
gboolean tc_filter_push (TcFilter *filter, AVFrame *frame, GError **error);
/* No more will come; the last one ends at `end`. */
gboolean tc_filter_end (TcFilter *filter, gint64 end, GError **error);
/* FALSE: there is none yet, or no more. */
gboolean tc_filter_pull (TcFilter *filter, AVFrame *frame);
AVRational tc_filter_get_time_base (const TcFilter *filter);
