/* gst-rfdn - pictures and harnesses for the tests of the element
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef RFDN_TESTS_GST_UTIL_H
#define RFDN_TESTS_GST_UTIL_H

#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "rfdn.h"

G_BEGIN_DECLS

/* ---- pictures ------------------------------------------------------------------------------ */

/* A frame of video, mapped as long as it lives. */
typedef struct {
  GstVideoInfo info;
  GstBuffer *buffer;
  GstVideoFrame frame;
  guint16 *row; /* the one that was unpacked last, or NULL */
  guint row_y;
} Picture;

/** Empty, with the format and size of a caps string; missing fields get GStreamer's defaults. */
Picture *picture_new (const char *caps);

/** The same with a printf-like caps string. */
Picture *picture_new_printf (const char *caps, ...) G_GNUC_PRINTF (1, 2);

/** Takes @buffer. */
Picture *picture_new_from_buffer (GstBuffer *buffer, const GstVideoInfo *info);

/** A PNG file, as @format; NULL when it cannot be read. */
Picture *picture_load (const char *path, const char *format);

/** A frame of a video file as @format, the @index-th one of those decoded. */
Picture *picture_load_frame (const char *path, const char *format, guint index);

void picture_free (Picture *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Picture, picture_free)

guint picture_get (const Picture *self, guint component, guint x, guint y);
void picture_set (Picture *self, guint component, guint x, guint y, guint value);
guint picture_width (const Picture *self, guint component);
guint picture_height (const Picture *self, guint component);
guint picture_max (const Picture *self, guint component);

/** Value of one component everywhere. */
void picture_fill (Picture *self, guint component, guint value);
/** Seeded noise in all components. */
void picture_fill_noise (Picture *self, guint32 seed);
/** Slopes, an edge and some noise in all components. */
void picture_fill_scene (Picture *self, guint32 seed);

/** Converted by videoconvert without dither to the format and colours of @caps, in the same size.
 */
Picture *picture_convert (const Picture *self, const char *caps, ...) G_GNUC_PRINTF (2, 3);

/** Largest difference of a component, @border samples on each side aside. */
guint picture_max_difference (const Picture *a, const Picture *b, guint component, guint border);
gboolean picture_is_equal (const Picture *a, const Picture *b);

double picture_psnr (const Picture *a, const Picture *b, guint component, guint border);
/** Structural similarity with an 11x11 Gaussian window (Wang et al. 2004). */
double picture_ssim (const Picture *a, const Picture *b, guint component, guint border);

/** "1" of 8 bits: what is allowed where colours should be the same. */
guint picture_tolerance (const Picture *self, guint component);

/* ---- models -------------------------------------------------------------------------------- */

/** Path of a model that repeats each pixel @scale times each way and changes nothing else, so that
 * its result is known. Of 1 or 3 channels. The file is removed when the test ends. */
const char *nearest_model (guint channels, guint scale);

/** The same as a list of layers, of any possible scale, with @added of 255 levels added to each
 * sample: with a scale of 1, a model that cleans pictures, whose effect can be seen. */
const char *listed_model (guint channels, guint scale, guint added);

/** Path of a model of random weights. */
const char *random_model (const char *architecture, guint channels, guint scale,
                          gboolean attention);

/** The engine's model of a file, or its first built-in one without a path. */
RfdnModel *load_model (const char *path);

/** Removes the files of all models above; test_init() sees to it. */
void remove_model_files (void);

/* ---- the element --------------------------------------------------------------------------- */

/** A harness around rfdnupscale with properties as gst-launch-1.0 takes them; not live. */
GstHarness *upscale_harness (const char *properties);

/** Pushes @in with the caps of its info, or with @in_caps if not NULL, and returns the output,
 * described by its caps. */
Picture *upscale_with (GstHarness *harness, const Picture *in, const char *in_caps);

/** A harness for one picture. */
Picture *upscale (const Picture *in, const char *properties);

/** A buffer of so many bytes, all of one gray. */
GstBuffer *gray_frame (gsize size);

/** Runs a pipeline until its end or first error; returns the text of the error, or NULL. */
char *run_pipeline (const char *description, guint *n_errors);

/** @width, or the next even number if GStreamer loses or swaps the chroma of the last pixel of an
 * odd row when it packs or unpacks @format. */
guint good_width (const char *format, guint width);

/** The formats of the pad templates. */
const char *const *all_formats (void);

void test_init (int *argc, char ***argv);

/** Runs the tests and ends GStreamer, whose leaks tracer then says what is left over. */
int test_run (void);

G_END_DECLS

#endif
