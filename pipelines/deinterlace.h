/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes whole pictures of fields, by FFmpeg's yadif and pullup. Used from one thread.
 */
#pragma once

#include "options.h"

#include <libavutil/frame.h>

typedef struct _TcDeinterlace TcDeinterlace;

/* `time_base` and `frame_rate`: of the frames that go in. */
TcDeinterlace *tc_deinterlace_new (const TcOptions *options, AVRational time_base,
                                   AVRational frame_rate);
void tc_deinterlace_free (TcDeinterlace *deinterlace);
/* Takes what `frame` holds; NULL: no more will come. FALSE for a first frame of fields too, where
 * nobody said what is to be done with them. */
gboolean tc_deinterlace_push (TcDeinterlace *deinterlace, AVFrame *frame, GError **error);
/* FALSE: there is none yet, or no more. */
gboolean tc_deinterlace_pull (TcDeinterlace *deinterlace, AVFrame *frame);
/* Of the frames that come out. */
AVRational tc_deinterlace_get_time_base (const TcDeinterlace *deinterlace);
AVRational tc_deinterlace_get_frame_rate (const TcDeinterlace *deinterlace);
/* As gst-launch-1.0 reads it, with " ! " behind, or "". */
char *tc_deinterlace_describe (const TcOptions *options);
