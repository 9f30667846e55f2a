/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pixels of a frame in another format, size, range, matrix or primaries, by FFmpeg's swscale
 * and its filters. An object is used from one thread at a time.
 */
#pragma once

#include <glib.h>

#include <libavutil/frame.h>

/* What a player has to know to show the pixels. */
typedef struct {
  enum AVPixelFormat format; /* without FFmpeg's doubled formats of full range */
  int width, height;
  enum AVColorRange range;
  enum AVColorSpace matrix;
  enum AVColorPrimaries primaries;
  enum AVColorTransferCharacteristic transfer;
  enum AVChromaLocation site;
} TcPixelKind;

typedef struct _TcPixels TcPixels;

TcPixels *tc_pixels_new (void);
void tc_pixels_free (TcPixels *pixels);
/* That format and size, and whatever there is of all else. */
TcPixelKind tc_pixels_ask (enum AVPixelFormat format, int width, int height);
/* The matrix that players take for one that is not told, which depends on the size. */
enum AVColorSpace tc_pixels_guess_matrix (int width, int height);
/* Nothing is done to a frame that is of that kind. What `to` does not tell stays what it is. Times
 * and side data stay. FALSE: it cannot be done; `frame` is as it was. */
gboolean tc_pixels_convert (TcPixels *pixels, AVFrame *frame, const TcPixelKind *to,
                            GError **error);
/* Converts to the kind of the first frame that was given here, and says so once. */
gboolean tc_pixels_unify (TcPixels *pixels, AVFrame *frame, GError **error);
