/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pipeline that enlarges frames.
 */
#pragma once

#include "options.h"

#include <gst/video/video.h>

#include <libavutil/frame.h>

typedef struct _TcUpscale TcUpscale;

/* `work`: the format that frames are enlarged and come out in. */
TcUpscale *tc_upscale_new (const TcOptions *options, const AVFrame *first, enum AVPixelFormat work,
                           AVRational time_base, AVRational frame_rate, GError **error);
void tc_upscale_free (TcUpscale *upscale);
/* Waits while enough frames are on their way; may convert `frame`. FALSE: it has failed or was
 * stopped. */
gboolean tc_upscale_push (TcUpscale *upscale, AVFrame *frame, AVRational aspect, GError **error);
void tc_upscale_push_end (TcUpscale *upscale);
/* From the encoding thread: the next frame, or NULL after the last one or when stopped. */
AVFrame *tc_upscale_pull (TcUpscale *upscale);
/* From the encoding thread: nothing more will be pulled; wakes whoever waits. */
void tc_upscale_finish (TcUpscale *upscale, gboolean failed);
/* Waits for tc_upscale_finish. FALSE with the error when the pipeline failed. */
gboolean tc_upscale_wait (TcUpscale *upscale, GError **error);
/* The middle of the pipeline as gst-launch-1.0 reads it. */
char *tc_upscale_describe (const TcOptions *options, const AVFrame *first, gboolean for_shell);
