/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pipelines as people write them, each of which failed once, and the right results. Clips come from
 * $RFDN_SHARED/cases, which is not part of the project; the rest is made here. */

#include "util.h"

#include "shared.h"

#include <glib/gstdio.h>
#include <string.h>

/* Of any size, so that the scaler has to choose sizes. */
#define SOURCE "videotestsrc num-buffers=3"
/* What has not ended by then hangs. */
#ifdef TEST_SANITIZED
#define PATIENCE (300 * GST_SECOND)
#else
#define PATIENCE (20 * GST_SECOND)
#endif

/* ---- running a pipeline ---------------------------------------------------------------------- */

/* Plays to the end and returns the last frame of the sink "sink"; NULL and @failure after an error.
 * A critical message of GStreamer fails the test. */
static GstSample *
play (const char *description, char **failure)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;
  GstSample *sample = NULL;

  *failure = NULL;
  if (error != NULL) {
    *failure = g_strdup (error->message);
    return NULL;
  }
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, PATIENCE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (message == NULL) {
    *failure = g_strdup ("neither an error nor the end");
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) said = NULL;

    gst_message_parse_error (message, &said, NULL);
    *failure = g_strdup_printf ("%s: %s", GST_MESSAGE_SRC_NAME (message), said->message);
  } else {
    g_object_get (sink, "last-sample", &sample, NULL);
    if (sample == NULL)
      *failure = g_strdup ("no frame came");
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return sample;
}

/* The last frame of a pipeline that must work. */
static Picture *play_picture (const char *format, ...) G_GNUC_PRINTF (1, 2);

static Picture *
play_picture (const char *format, ...)
{
  g_autofree char *description = NULL, *failure = NULL;
  g_autoptr (GstSample) sample = NULL;
  GstVideoInfo info;
  va_list args;

  va_start (args, format);
  description = g_strdup_vprintf (format, args);
  va_end (args);
  sample = play (description, &failure);
  if (sample == NULL)
    g_test_message ("%s: %s", description, failure);
  g_assert_nonnull (sample);
  g_assert_true (gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  return picture_new_from_buffer (gst_buffer_ref (gst_sample_get_buffer (sample)), &info);
}

/* The clip's path for a pipeline, or NULL and the test is skipped. */
static char *
clip_or_skip (const char *name)
{
  g_autofree char *relative = g_build_filename ("cases", name, NULL);
  char *path = shared_path (relative);

  if (!shared_or_skip (path))
    g_clear_pointer (&path, g_free);
  return path;
}

static char *
write_file (const void *data, gsize size)
{
  char *path = NULL;
  const int fd = g_file_open_tmp ("rfdn-case-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  return path;
}

static void
remove_file (char *path)
{
  g_remove (path);
  g_free (path);
}

/* ---- works as with videoscale ---------------------------------------------------------------- */

/* %s is the scaler. Elements that are not installed fail with both. OpenGL and qroverlay, which
 * leak something at the end, are in neighbours.c. */
static const struct {
  const char *name, *pipeline;
} chains[] = {
    {"after/alphacolor", SOURCE " ! %s ! alphacolor ! fakesink name=sink"},
    {"after/smptealpha", SOURCE " ! %s ! smptealpha ! fakesink name=sink"},
    {"before/textoverlay", SOURCE " ! textoverlay text=hi ! %s ! fakesink name=sink"},
    {"before/clockoverlay", SOURCE " ! clockoverlay ! %s ! fakesink name=sink"},
    {"before/timeoverlay", SOURCE " ! timeoverlay ! %s ! fakesink name=sink"},
    {"before/assrender", SOURCE " ! assrender ! %s ! fakesink name=sink"},
    {"before/cc708overlay", SOURCE " ! cc708overlay ! %s ! fakesink name=sink"},
    {"before/dvdspu", SOURCE " ! dvdspu ! %s ! fakesink name=sink"},
    {"before/dvbsuboverlay", SOURCE " ! dvbsuboverlay ! %s ! fakesink name=sink"},
    /* These check whether downstream accepts text as overlays. */
    {"before/cc708overlay-sized", SOURCE " ! video/x-raw,width=64,height=48 ! cc708overlay ! %s ! "
                                         "video/x-raw,height=96 ! fakesink name=sink"},
    {"before/ttmlrender-sized", SOURCE " ! video/x-raw,width=64,height=48 ! ttmlrender ! %s ! "
                                       "video/x-raw,height=96 ! fakesink name=sink"},
    {"before/output-selector", SOURCE " ! output-selector ! %s ! fakesink name=sink"},
    {"before/decodebin", SOURCE " ! decodebin ! %s ! fakesink name=sink"},
};

static GstSample *
play_with (const char *pipeline, const char *scaler, char **failure)
{
  const char *place = strstr (pipeline, "%s");
  g_autofree char *text =
      g_strdup_printf ("%.*s%s%s", (int) (place - pipeline), pipeline, scaler, place + 2);

  return play (text, failure);
}

static gboolean
has_element (const char *name)
{
  return gst_registry_check_feature_version (gst_registry_get (), name, 1, 0, 0);
}

static void
test_chain (gconstpointer data)
{
  const char *pipeline = data;
  g_autofree char *failure = NULL, *its_failure = NULL;
  g_autoptr (GstSample) its = NULL, ours = NULL;
  guint major, minor, micro, nano;

  gst_version (&major, &minor, &micro, &nano);
  if (strstr (pipeline, "cc708overlay") != NULL && minor >= 26) {
    g_test_skip ("this GStreamer warns of cc708overlay");
    return;
  }
  its = play_with (pipeline, "videoscale", &its_failure);
  if (its == NULL) {
    g_autofree char *why = g_strdup_printf ("fails with videoscale too: %s", its_failure);

    g_test_skip (why);
    return;
  }
  ours = play_with (pipeline, "rfdnupscale", &failure);
  g_assert_cmpstr (failure, ==, NULL);
}

/* Without caps of any features, which GStreamer cannot subtract. */
static gboolean
has_features (GstCapsFeatures *features, GstStructure *structure, gpointer nothing)
{
  return !gst_caps_features_is_any (features);
}

/* GStreamer can do arithmetic on the caps that pads answer. */
static void
test_queried_caps (void)
{
  static const char *const names[] = {"sink", "src"};
  g_autoptr (GstElement) pipeline =
      gst_parse_launch ("videotestsrc ! rfdnupscale name=upscale ! fakesink", NULL);
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "upscale");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstPad) pad = gst_element_get_static_pad (element, names[i]);
    g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
    g_autoptr (GstCaps) template = gst_pad_get_pad_template_caps (pad);
    g_autoptr (GstCaps) simple = NULL, more = NULL, less = NULL;

    template = gst_caps_make_writable (template);
    gst_caps_filter_and_map_in_place (template, has_features, NULL);
    caps = gst_caps_make_writable (caps);
    gst_caps_filter_and_map_in_place (caps, has_features, NULL);
    simple = gst_caps_simplify (gst_caps_copy (caps));
    more = gst_caps_subtract (caps, template);
    less = gst_caps_subtract (caps, caps);
    g_assert_false (gst_caps_is_empty (simple));
    g_assert_true (gst_caps_is_equal (simple, caps));
    g_assert_nonnull (more);
    g_assert_true (gst_caps_is_empty (less));
  }
}

/* ---- colours --------------------------------------------------------------------------------- */

/* Mean of the rectangle given by fractions of width and height. */
static double
mean (const Picture *picture, guint component, double left, double top, double right, double bottom)
{
  const guint width = picture_width (picture, component);
  const guint height = picture_height (picture, component);
  double sum = 0;
  guint n = 0;

  for (guint y = (guint) (top * height); y < (guint) (bottom * height); y++) {
    for (guint x = (guint) (left * width); x < (guint) (right * width); x++, n++)
      sum += picture_get (picture, component, x, y);
  }
  g_assert_cmpuint (n, >, 0);
  return sum / n;
}

/* The middles of @n columns of two pictures, of whatever sizes. */
static void
assert_same_columns (const Picture *a, const Picture *b, guint n, double tolerance)
{
  for (guint component = 0; component < GST_VIDEO_INFO_N_COMPONENTS (&a->info); component++) {
    for (guint i = 0; i < n; i++) {
      const double left = (i + 0.25) / n, right = (i + 0.75) / n;

      g_assert_cmpfloat_with_epsilon (mean (a, component, left, 0.25, right, 0.75),
                                      mean (b, component, left, 0.25, right, 0.75), tolerance);
    }
  }
}

static const struct {
  const char *name, *clip, *format, *colorimetry;
  double tolerance;
} colours[] = {
    {"hd-pq", "01-hd-pq10.mp4", "I420_10LE", "bt2100-pq", 4},
    {"sd-bt709", "01-sd-bt709.mp4", "I420", "bt709", 1},
};

static void
test_colours (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autofree char *clip = clip_or_skip (colours[i].clip);
  g_autofree char *input = NULL, *got = NULL;
  g_autoptr (Picture) before = NULL;
  g_autoptr (Picture) after = NULL;

  if (clip == NULL)
    return;
  input =
      g_strdup_printf ("filesrc location=\"%s\" ! decodebin ! videoconvert ! video/x-raw,format=%s",
                       clip, colours[i].format);
  before = play_picture ("%s ! fakesink name=sink", input);
  after = play_picture ("%s ! rfdnupscale ! fakesink name=sink", input);
  got = gst_video_colorimetry_to_string (&after->info.colorimetry);
  g_assert_cmpstr (got, ==, colours[i].colorimetry);
  g_assert_cmpint (GST_VIDEO_INFO_WIDTH (&after->info), ==,
                   2 * GST_VIDEO_INFO_WIDTH (&before->info));
  assert_same_columns (before, after, 4, colours[i].tolerance);
}

/* A player shows the enlarged picture in the colours of the small one, although its caps have no
 * colorimetry. */
static void
test_uyvy (void)
{
  g_autofree char *clip = clip_or_skip ("01-sd-bt709-uyvy.mov");
  g_autoptr (Picture) before = NULL;
  g_autoptr (Picture) after = NULL;

  if (clip == NULL)
    return;
  before = play_picture ("filesrc location=\"%s\" ! decodebin ! videoconvert ! "
                         "video/x-raw,format=RGB ! fakesink name=sink",
                         clip);
  after = play_picture ("filesrc location=\"%s\" ! decodebin ! rfdnupscale ! "
                        "video/x-raw,height=1152 ! videoconvert ! video/x-raw,format=RGB ! "
                        "fakesink name=sink",
                        clip);
  assert_same_columns (before, after, 4, 2);
}

/* alphacolor converts a frame's format in place, and leaves a GstVideoMeta with the former
 * format. */
static void
test_alphacolor (void)
{
  g_autoptr (Picture) picture = NULL;

  if (!has_element ("alphacolor")) {
    g_test_skip ("there is no alphacolor");
    return;
  }
  picture = play_picture ("videotestsrc num-buffers=1 pattern=blue ! "
                          "video/x-raw,format=AYUV,width=64,height=48 ! alphacolor ! "
                          "video/x-raw,format=RGBA ! rfdnupscale ! fakesink name=sink");
  g_assert_cmpint (GST_VIDEO_INFO_WIDTH (&picture->info), ==, 128);
  for (guint component = 0; component < 4; component++)
    g_assert_cmpfloat_with_epsilon (mean (picture, component, 0, 0, 1, 1), component < 2 ? 0 : 255,
                                    3);
}

/* The result for 16x12 gray pixels of @format whose GstVideoMeta says something else. */
static GstFlowReturn
push_with_meta (const char *format, GstVideoFormat of_meta, Picture **result)
{
  GstHarness *harness = upscale_harness ("");
  g_autofree char *caps =
      g_strdup_printf ("video/x-raw,format=%s,width=16,height=12,framerate=30/1", format);
  gsize offset[GST_VIDEO_MAX_PLANES] = {32};
  gint stride[GST_VIDEO_MAX_PLANES] = {80};
  GstBuffer *buffer = gray_frame (32 + 80 * 12);
  GstVideoInfo info;
  GstFlowReturn flow;

  gst_buffer_memset (buffer, 0, 0, 32);
  for (guint y = 0; y < 12; y++)
    gst_buffer_memset (buffer, 32 + 80 * y + 64, 0, 16);
  gst_video_info_set_format (&info, of_meta, 16, 12);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, of_meta, 16, 12,
                                  GST_VIDEO_INFO_N_PLANES (&info), offset, stride);
  gst_harness_set_src_caps_str (harness, caps);
  flow = gst_harness_push (harness, buffer);
  if (flow == GST_FLOW_OK) {
    g_autoptr (GstCaps) out = gst_pad_get_current_caps (harness->sinkpad);

    g_assert_true (gst_video_info_from_caps (&info, out));
    *result = picture_new_from_buffer (gst_harness_pull (harness), &info);
  }
  gst_harness_teardown (harness);
  return flow;
}

static void
test_meta_of_another_format (void)
{
  g_autoptr (Picture) picture = NULL;

  g_assert_cmpint (push_with_meta ("RGBA", GST_VIDEO_FORMAT_AYUV, &picture), ==, GST_FLOW_OK);
  g_assert_cmpint (GST_VIDEO_INFO_FORMAT (&picture->info), ==, GST_VIDEO_FORMAT_RGBA);
  for (guint component = 0; component < 4; component++) {
    for (guint y = 0; y < 24; y++) {
      for (guint x = 0; x < 32; x++)
        g_assert_cmpint (ABS ((gint) picture_get (picture, component, x, y) - 128), <=, 2);
    }
  }
}

/* Nobody can tell where the samples are. */
static void
test_meta_of_another_layout (void)
{
  Picture *none = NULL;

  g_assert_cmpint (push_with_meta ("RGBA", GST_VIDEO_FORMAT_YUY2, &none), ==, GST_FLOW_ERROR);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static void
test_borders (gconstpointer data)
{
  const char *format = data;
  const gboolean rgb = g_str_equal (format, "RGB");
  g_autoptr (Picture) picture = play_picture (
      "videotestsrc num-buffers=1 pattern=white ! video/x-raw,format=%s,width=320,height=240 ! "
      "rfdnupscale ! video/x-raw,width=960,height=540,pixel-aspect-ratio=1/1 ! fakesink name=sink",
      format);

  for (guint component = 0; component < 3; component++) {
    const double black = rgb ? 0 : component == 0 ? 16 : 128;
    const double white = rgb ? 255 : component == 0 ? 235 : 128;

    /* 720 of 960 columns are picture. */
    g_assert_cmpfloat_with_epsilon (mean (picture, component, 0, 0, 118. / 960, 1), black, 0.01);
    g_assert_cmpfloat_with_epsilon (mean (picture, component, 842. / 960, 0, 1, 1), black, 0.01);
    g_assert_cmpfloat_with_epsilon (mean (picture, component, 124. / 960, 0, 836. / 960, 1), white,
                                    1);
  }
}

static void
test_ranges (void)
{
  g_autoptr (Picture) picture = play_picture (
      "videotestsrc num-buffers=1 ! video/x-raw,width=640,height=480 ! rfdnupscale ! "
      "video/x-raw,width=[1,1280],height=[1,720],pixel-aspect-ratio=1/1 ! fakesink name=sink");

  g_assert_cmpint (GST_VIDEO_INFO_WIDTH (&picture->info), ==, 960);
  g_assert_cmpint (GST_VIDEO_INFO_HEIGHT (&picture->info), ==, 720);
}

/* ---- files of frames ------------------------------------------------------------------------- */

#define FRAME_CAPS "video/x-raw,format=I420,width=64,height=48,framerate=30/1"
#define FRAME_SIZE (64 * 48 * 3 / 2)

static char *
write_frames (void)
{
  g_autofree char *frames = g_malloc (3 * FRAME_SIZE);

  memset (frames, 100, 3 * FRAME_SIZE);
  return write_file (frames, 3 * FRAME_SIZE);
}

static void
test_bytes (void)
{
  char *path = write_frames ();
  g_autoptr (Picture) picture =
      play_picture ("filesrc location=\"%s\" blocksize=%d ! " FRAME_CAPS " ! rfdnupscale ! "
                    "fakesink name=sink",
                    path, FRAME_SIZE);

  g_assert_cmpint (GST_VIDEO_INFO_WIDTH (&picture->info), ==, 128);
  g_assert_cmpfloat_with_epsilon (mean (picture, 0, 0, 0, 1, 1), 100, 1);
  remove_file (path);
}

/* Frames are progressive unless their caps say otherwise, whatever downstream asks for. */
static void
test_interlaced_only (void)
{
  char *path = write_frames ();
  g_autofree char *description =
      g_strdup_printf ("filesrc location=\"%s\" blocksize=%d ! " FRAME_CAPS " ! rfdnupscale ! "
                       "video/x-raw,interlace-mode=interleaved ! fakesink name=sink",
                       path, FRAME_SIZE);
  g_autofree char *failure = NULL;
  g_autoptr (GstSample) sample = play (description, &failure);

  g_assert_nonnull (failure);
  g_assert_null (sample);
  remove_file (path);
}

static void
test_interlaced_rather (void)
{
  GstHarness *harness = upscale_harness ("");
  g_autoptr (GstCaps) caps = NULL;
  const char *mode;

  gst_harness_set_sink_caps_str (harness, "video/x-raw,interlace-mode=interleaved;video/x-raw");
  gst_harness_set_src_caps_str (harness, FRAME_CAPS);
  gst_buffer_unref (gst_harness_push_and_pull (harness, gray_frame (FRAME_SIZE)));
  caps = gst_pad_get_current_caps (harness->sinkpad);
  mode = gst_structure_get_string (gst_caps_get_structure (caps, 0), "interlace-mode");
  if (mode != NULL)
    g_assert_cmpstr (mode, ==, "progressive");
  gst_harness_teardown (harness);
}

/* ---- model files ----------------------------------------------------------------------------- */

static char *
write_model (const GString *header, gsize payload)
{
  const gsize size = sizeof (guint64) + header->len + payload;
  g_autofree char *bytes = g_malloc0 (size);
  const guint64 length = GUINT64_TO_LE ((guint64) header->len);

  memcpy (bytes, &length, sizeof length);
  memcpy (bytes + sizeof length, header->str, header->len);
  return write_file (bytes, size);
}

static void
assert_model_is_refused (const GString *header, gsize payload)
{
  char *path = write_model (header, payload);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *description =
      g_strdup_printf (SOURCE " ! rfdnupscale model=\"%s\" ! fakesink name=sink", path);
  guint n_errors = 0;
  g_autofree char *failure = run_pipeline (description, &n_errors);

  g_assert_nonnull (failure);
  g_assert_nonnull (strstr (failure, name));
  g_assert_cmpuint (n_errors, ==, 1);
  remove_file (path);
}

static void
test_deep_model (gconstpointer beginning)
{
  g_autoptr (GString) header = g_string_new (beginning);

  for (guint i = 0; i < 100000; i++)
    g_string_append_c (header, '[');
  assert_model_is_refused (header, 16);
}

/* 3,000 tensors, all of the same bytes. */
static void
test_shared_bytes (void)
{
  g_autoptr (GString) header = g_string_new ("{");

  for (guint i = 0; i < 3000; i++)
    g_string_append_printf (header,
                            "%s\"B%u.c1_r.weight\":{\"dtype\":\"F32\",\"shape\":[250,250,1,1],"
                            "\"data_offsets\":[0,250000]}",
                            i > 0 ? "," : "", i);
  g_string_append_c (header, '}');
  assert_model_is_refused (header, 250000);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (chains); i++) {
    g_autofree char *path = g_strconcat ("/cases/", chains[i].name, NULL);

    g_test_add_data_func (path, chains[i].pipeline, test_chain);
  }
  g_test_add_func ("/cases/queried-caps", test_queried_caps);
  for (guint i = 0; i < G_N_ELEMENTS (colours); i++) {
    g_autofree char *path = g_strconcat ("/cases/colours/", colours[i].name, NULL);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_colours);
  }
  g_test_add_func ("/cases/colours/uyvy", test_uyvy);
  g_test_add_func ("/cases/metas/alphacolor", test_alphacolor);
  g_test_add_func ("/cases/metas/another-format", test_meta_of_another_format);
  g_test_add_func ("/cases/metas/another-layout", test_meta_of_another_layout);
  g_test_add_data_func ("/cases/shapes/borders/I420", "I420", test_borders);
  g_test_add_data_func ("/cases/shapes/borders/RGB", "RGB", test_borders);
  g_test_add_func ("/cases/shapes/ranges", test_ranges);
  g_test_add_func ("/cases/segments/bytes", test_bytes);
  g_test_add_func ("/cases/interlaced/only", test_interlaced_only);
  g_test_add_func ("/cases/interlaced/rather", test_interlaced_rather);
  g_test_add_data_func ("/cases/models/comment", "{/*\"*/\"a\":", test_deep_model);
  g_test_add_data_func ("/cases/models/apostrophe", "{'\"':", test_deep_model);
  g_test_add_func ("/cases/models/shared-bytes", test_shared_bytes);
  return test_run ();
}
