/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FFmpeg's formats and colours, and GStreamer's.
 */
#pragma once

#include <gst/video/video.h>

#include <libavutil/frame.h>

/* UNKNOWN where the element does not take it as it is. */
GstVideoFormat tc_format_from_av (enum AVPixelFormat format);
enum AVPixelFormat tc_format_to_av (GstVideoFormat format);
/* The one that loses least, and then holds least, of `list`, which ends with AV_PIX_FMT_NONE;
 * `alpha`: what `from` has of it counts. */
enum AVPixelFormat tc_format_nearest (enum AVPixelFormat from, gboolean alpha,
                                      const enum AVPixelFormat *list);
/* Whether `to` holds all of `from` but its alpha. */
gboolean tc_format_keeps (enum AVPixelFormat from, enum AVPixelFormat to);
/* What the frame is to be converted to for the element, where it is then encoded as `encoded`, or
 * AV_PIX_FMT_NONE where that cannot be. */
enum AVPixelFormat tc_format_for_element (const AVFrame *frame, enum AVPixelFormat encoded);
gboolean tc_format_is_rgb (enum AVPixelFormat format);
gboolean tc_format_is_gray (enum AVPixelFormat format);
/* A palette's own colours are looked at. */
gboolean tc_frame_has_alpha (const AVFrame *frame);
/* The same without FFmpeg's doubled formats of full range. */
enum AVPixelFormat tc_format_plain (enum AVPixelFormat format, gboolean *full_range);
GstCaps *tc_caps_from_frame (const AVFrame *frame, GstVideoFormat format, AVRational frame_rate,
                             AVRational aspect);
/* Colours that `frame` does not tell are taken from the caps that the element made. */
void tc_frame_set_colours (AVFrame *frame, const GstVideoInfo *info);
