/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FFmpeg's formats and colours, and GStreamer's.
 */
#pragma once

#include <gst/video/video.h>

#include <libavutil/frame.h>

/* `work` is what the element takes for it: another format where it has no such one. */
gboolean tc_format_from_av (enum AVPixelFormat format, GstVideoFormat *own, GstVideoFormat *work);
enum AVPixelFormat tc_format_to_av (GstVideoFormat format);
/* The same without FFmpeg's doubled formats of full range. */
enum AVPixelFormat tc_format_plain (enum AVPixelFormat format, gboolean *full_range);
GstCaps *tc_caps_from_frame (const AVFrame *frame, GstVideoFormat format, AVRational frame_rate,
                             AVRational aspect);
/* Colours that `frame` does not tell are taken from the caps that the element made. */
void tc_frame_set_colours (AVFrame *frame, const GstVideoInfo *info);
