/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks from files, of every possible scale: those that clean pictures and keep their size, and
 * those that enlarge up to eight times. All add something to each sample, which shows whether the
 * network was used. */

#include "live.h"
#include "mosaic.h"

#include <gst/base/gstbasetransform.h>
#include <string.h>

/* Of 255 levels. */
#define ADDED 17

/* The network's result for a sample. */
static guint
get_expected (const Picture *in, guint c, guint x, guint y)
{
  const guint max = picture_max (in, c);

  return MIN (picture_get (in, c, x, y) + (max * ADDED + 127) / 255, max);
}

static guint
count_network_components (const Picture *picture)
{
  return GST_VIDEO_INFO_IS_RGB (&picture->info) ? 3 : 1;
}

static GstHarness *
listed_harness (guint channels, guint scale, const char *properties)
{
  g_autofree char *all =
      g_strdup_printf ("model=\"%s\" %s", listed_model (channels, scale, ADDED), properties);

  return upscale_harness (all);
}

static gboolean
is_passthrough (GstHarness *harness)
{
  return gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (harness->element));
}

/* Components that the network computes are right within a level; the others are the same bit for
 * bit. */
static void
assert_cleaned (const Picture *in, const Picture *out)
{
  const guint n_network = count_network_components (in);

  g_assert_cmpint (GST_VIDEO_INFO_FORMAT (&out->info), ==, GST_VIDEO_INFO_FORMAT (&in->info));
  g_assert_cmpint (out->info.width, ==, in->info.width);
  g_assert_cmpint (out->info.height, ==, in->info.height);
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&in->info); c++) {
    for (guint y = 0; y < picture_height (in, c); y++) {
      for (guint x = 0; x < picture_width (in, c); x++) {
        const guint got = picture_get (out, c, x, y);
        const guint expected =
            c < n_network ? get_expected (in, c, x, y) : picture_get (in, c, x, y);

        if ((guint) ABS ((gint) got - (gint) expected) > (c < n_network ? 1 : 0))
          g_error ("%s: component %u is %u at %u,%u, not %u", GST_VIDEO_INFO_NAME (&in->info), c,
                   got, x, y, expected);
      }
    }
  }
}

/* ---- pictures ------------------------------------------------------------------------------- */

static void
test_format (gconstpointer format)
{
  static const guint sizes[][2] = {{37, 23}, {1, 1}, {200, 90}};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (Picture) in =
        picture_new_printf ("format=%s,width=%u,height=%u,framerate=30/1", (const char *) format,
                            good_width (format, sizes[i][0]), sizes[i][1]);
    GstHarness *harness = listed_harness (count_network_components (in), 1, "");
    g_autoptr (Picture) out = NULL;

    picture_fill_noise (in, i);
    out = upscale_with (harness, in, NULL);
    assert_cleaned (in, out);
    g_assert_false (is_passthrough (harness));
    g_assert_cmpfloat (get_double (harness, "level"), ==, 1);
    gst_harness_teardown (harness);
  }
}

/* Wherever chroma lies, it stays there. */
static void
test_sites (void)
{
  static const char *const sites[] = {"mpeg2", "jpeg", "dv", "cosited"};

  for (guint i = 0; i < G_N_ELEMENTS (sites); i++) {
    g_autoptr (Picture) in = picture_new_printf (
        "format=NV12,width=46,height=30,framerate=30/1,colorimetry=bt709,chroma-site=%s", sites[i]);
    GstHarness *harness = listed_harness (1, 1, "");
    g_autoptr (Picture) out = NULL;

    picture_fill_noise (in, i);
    out = upscale_with (harness, in, NULL);
    assert_cleaned (in, out);
    gst_harness_teardown (harness);
  }
}

static void
test_nearest (gconstpointer data)
{
  const guint scale = GPOINTER_TO_UINT (data);

  for (guint channels = 1; channels <= 3; channels += 2) {
    g_autoptr (Picture) in = picture_new_printf ("format=%s,width=19,height=13,framerate=30/1",
                                                 channels == 1 ? "I420" : "RGB");
    GstHarness *harness = listed_harness (channels, scale, "");
    g_autoptr (Picture) out = NULL;

    picture_fill_noise (in, scale);
    out = upscale_with (harness, in, NULL);
    g_assert_cmpint (out->info.width, ==, 19 * (gint) scale);
    g_assert_cmpint (out->info.height, ==, 13 * (gint) scale);
    for (guint c = 0; c < channels; c++) {
      for (guint y = 0; y < picture_height (out, c); y++) {
        for (guint x = 0; x < picture_width (out, c); x++) {
          const gint expected = (gint) get_expected (in, c, x / scale, y / scale);

          g_assert_cmpint (ABS ((gint) picture_get (out, c, x, y) - expected), <=, 1);
        }
      }
    }
    gst_harness_teardown (harness);
  }
}

/* Frames of one kind and a network of the other. Gray stays gray. */
static void
test_converted (void)
{
  static const struct {
    guint channels;
    const char *format;
    guint gray[3], expected[3];
  } cases[] = {
      /* 17 of 255 levels are 14.6 of video range. */
      {3, "I420", {100, 128, 128}, {115, 128, 128}},
      {3, "NV12", {100, 128, 128}, {115, 128, 128}},
      /* 17 of video range are 19.8 of full range. */
      {1, "RGB", {100, 100, 100}, {120, 120, 120}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Picture) in =
        picture_new_printf ("format=%s,width=40,height=30,framerate=30/1", cases[i].format);
    GstHarness *harness = listed_harness (cases[i].channels, 1, "");
    g_autoptr (Picture) out = NULL;

    for (guint c = 0; c < 3; c++)
      picture_fill (in, c, cases[i].gray[c]);
    out = upscale_with (harness, in, NULL);
    g_assert_cmpint (out->info.width, ==, 40);
    for (guint c = 0; c < 3; c++)
      g_assert_cmpint (ABS ((gint) picture_get (out, c, 9, 7) - (gint) cases[i].expected[c]), <=,
                       1);
    gst_harness_teardown (harness);
  }
}

/* The plain filter's part is the frame itself. */
static void
test_strength (void)
{
  g_autoptr (Picture) in = picture_new ("format=I420,width=40,height=30,framerate=30/1");
  GstHarness *harness = listed_harness (1, 1, "strength=0");
  g_autoptr (Picture) none = NULL;
  g_autoptr (Picture) half = NULL;

  picture_fill_noise (in, 1);
  none = upscale_with (harness, in, NULL);
  g_assert_true (picture_is_equal (none, in));
  g_object_set (harness->element, "strength", 0.5, NULL);
  picture_fill (in, 0, 100);
  half = upscale_with (harness, in, NULL);
  g_assert_cmpuint (picture_get (half, 0, 20, 20), >=, 100 + ADDED / 2);
  g_assert_cmpuint (picture_get (half, 0, 20, 20), <=, 100 + ADDED / 2 + 1);
  gst_harness_teardown (harness);
}

/* ---- sizes ---------------------------------------------------------------------------------- */

/* Downstream may ask for another size: the network does its part, and a plain filter the rest. */
static void
test_resized (void)
{
  static const struct {
    const char *downstream;
    gint width, height;
  } cases[] = {
      {"video/x-raw", 64, 48},
      {"video/x-raw,width=[1,1000],height=[1,1000]", 64, 48},
      {"video/x-raw,width=96,height=72;video/x-raw", 64, 48},
      {"video/x-raw,width=96", 96, 72},
      {"video/x-raw,height=24", 32, 24},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Picture) in = picture_new ("format=I420,width=64,height=48,framerate=30/1");
    GstHarness *harness = listed_harness (1, 1, "");
    g_autoptr (Picture) out = NULL;

    picture_fill (in, 0, 100);
    picture_fill (in, 1, 60);
    picture_fill (in, 2, 200);
    gst_harness_set_sink_caps_str (harness, cases[i].downstream);
    out = upscale_with (harness, in, NULL);
    g_assert_cmpint (out->info.width, ==, cases[i].width);
    g_assert_cmpint (out->info.height, ==, cases[i].height);
    g_assert_cmpuint (picture_get (out, 0, 5, 5), ==, 100 + ADDED);
    g_assert_cmpuint (picture_get (out, 1, 5, 5), ==, 60);
    g_assert_cmpuint (picture_get (out, 2, 5, 5), ==, 200);
    g_assert_false (is_passthrough (harness));
    gst_harness_teardown (harness);
  }
}

/* No frame passes untouched: not to another size without the filter, nor in memory that cannot be
 * mapped. The reason is reported. */
static void
test_refused (void)
{
  static const struct {
    const char *properties, *in, *downstream, *told;
  } cases[] = {
      {"resample=false", "video/x-raw", "video/x-raw,width=96", "as large as they are,"},
      {"", "video/x-raw", "video/x-raw,colorimetry=bt709", "as large as they are or resampled,"},
      {"", "video/x-raw,interlace-mode=interleaved", "ANY", "deinterlace"},
      {"", "video/x-raw(memory:DMABuf)", "ANY", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *caps = g_strconcat (
        cases[i].in, ",format=I420,width=64,height=48,framerate=30/1,colorimetry=bt601", NULL);
    GstHarness *harness = listed_harness (1, 1, cases[i].properties);
    g_autoptr (GstBus) bus = gst_bus_new ();
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) error = NULL;

    gst_element_set_bus (harness->element, bus);
    gst_harness_set_sink_caps_str (harness, cases[i].downstream);
    gst_harness_set_src_caps_str (harness, caps);
    g_assert_cmpint (gst_harness_push (harness, gray_frame (64 * 48 * 3 / 2)), ==,
                     GST_FLOW_NOT_NEGOTIATED);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    g_assert_true ((message != NULL) == (cases[i].told != NULL));
    if (message != NULL) {
      gst_message_parse_error (message, &error, NULL);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, cases[i].told));
    }
    gst_element_set_bus (harness->element, NULL);
    gst_harness_teardown (harness);
  }
}

/* ---- the property `scale` ------------------------------------------------------------------- */

static void
test_property (void)
{
  static const struct {
    guint of_model, wanted;
    const char *told; /* NULL: it is taken */
  } cases[] = {
      {1, 0, NULL}, {1, 1, NULL},          {8, 8, NULL},          {5, 5, NULL},
      {2, 2, NULL}, {1, 2, "made for x1"}, {2, 1, "made for x2"}, {8, 4, "made for x8"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstElement) element =
        gst_object_ref_sink (gst_element_factory_make ("rfdnupscale", NULL));
    g_autoptr (GstBus) bus = gst_bus_new ();
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) error = NULL;

    gst_element_set_bus (element, bus);
    g_object_set (element, "model", listed_model (1, cases[i].of_model, ADDED), "scale",
                  cases[i].wanted, NULL);
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
                     cases[i].told ? GST_STATE_CHANGE_FAILURE : GST_STATE_CHANGE_SUCCESS);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    g_assert_true ((message != NULL) == (cases[i].told != NULL));
    if (message != NULL) {
      gst_message_parse_error (message, &error, NULL);
      g_assert_nonnull (strstr (error->message, cases[i].told));
    }
    gst_element_set_state (element, GST_STATE_NULL);
    gst_element_set_bus (element, NULL);
  }
}

/* The property's values are the scales that files can have, each with its own number. */
static void
test_values (void)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rfdnupscale", NULL));
  const GParamSpec *property = g_object_class_find_property (G_OBJECT_GET_CLASS (element), "scale");
  GEnumClass *values = G_PARAM_SPEC_ENUM (property)->enum_class;

  g_assert_cmpuint (values->n_values, ==, RFDN_MAX_SCALE + 1);
  for (guint i = 0; i <= RFDN_MAX_SCALE; i++) {
    g_autofree char *nick = i == 0 ? g_strdup ("auto") : g_strdup_printf ("%u", i);

    g_assert_cmpint (values->values[i].value, ==, (gint) i);
    g_assert_cmpstr (values->values[i].value_nick, ==, nick);
  }
}

/* ---- in a pipeline -------------------------------------------------------------------------- */

static void
wait_for_preroll (GstElement *pipeline)
{
  g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, 60 * GST_SECOND), ==,
                   GST_STATE_CHANGE_SUCCESS);
}

static Picture *
get_last (GstElement *pipeline)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstSample) sample = NULL;
  GstVideoInfo info;

  g_object_get (sink, "last-sample", &sample, NULL);
  g_assert_nonnull (sample);
  g_assert_true (gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  return picture_new_from_buffer (gst_buffer_ref (gst_sample_get_buffer (sample)), &info);
}

/* The last of some frames, through what @element says. */
static Picture *
run_through (const char *format, const char *element)
{
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc num-buffers=3 pattern=zone-plate kx2=20 ky2=20 kt=1 ! "
      "video/x-raw,format=%s,width=64,height=48,framerate=30/1 ! %s ! fakesink name=sink",
      format, element);
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  Picture *last;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  last = get_last (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return last;
}

static void
test_pipeline (void)
{
  static const char *const formats[] = {"I420", "NV12", "RGB", "GRAY8", "I420_10LE", "AYUV"};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autoptr (Picture) in = run_through (formats[i], "identity");
    g_autofree char *element = g_strdup_printf (
        "rfdnupscale model=\"%s\"", listed_model (count_network_components (in), 1, ADDED));
    g_autoptr (Picture) out = run_through (formats[i], element);

    assert_cleaned (in, out);
  }
}

/* The model changes while the pipeline is paused: the next frame, after a seek, is the new model's,
 * in its size. If @downstream has a fixed size, a model that enlarges lets frames pass, and one
 * that cleans them does not. */
static void
switch_models (const char *downstream, gboolean grows)
{
  static const guint scales[] = {1, 2, 1, 8, 3, 1, 1};
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc pattern=solid-color foreground-color=0xff808080 ! "
      "video/x-raw,format=GRAY8,width=64,height=48,framerate=30/1 ! rfdnupscale name=upscale "
      "model=\"%s\" ! %s ! fakesink name=sink",
      listed_model (1, 1, ADDED), downstream);
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "upscale");
  guint plain = 0;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  wait_for_preroll (pipeline);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    const gboolean enlarges = grows && scales[i] > 1;
    g_autoptr (Picture) last = NULL;

    g_object_set (element, "model", listed_model (1, scales[i], ADDED), NULL);
    g_assert_true (gst_element_seek_simple (pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                            i * 100 * GST_MSECOND));
    wait_for_preroll (pipeline);
    last = get_last (pipeline);
    g_assert_cmpint (last->info.width, ==, 64 * (enlarges ? (gint) scales[i] : 1));
    g_assert_cmpint (last->info.height, ==, 48 * (enlarges ? (gint) scales[i] : 1));
    if (i == 0)
      plain = picture_get (last, 0, 30, 20) - ADDED;
    g_assert_cmpuint (picture_get (last, 0, 30, 20), ==,
                      plain + (grows || scales[i] == 1 ? ADDED : 0));
    g_assert_cmpint (gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (element)), ==,
                     !grows && scales[i] > 1);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
test_switch (void)
{
  switch_models ("identity", TRUE);
}

static void
test_switch_same_size (void)
{
  switch_models ("video/x-raw,width=64,height=48", FALSE);
}

/* Frames of other formats and sizes, in one stream. */
static void
test_change (void)
{
  static const char *const kinds[] = {
      "format=I420,width=32,height=24", "format=I420,width=17,height=5",
      "format=NV12,width=64,height=48", "format=I420_10LE,width=64,height=48",
      "format=GRAY8,width=1,height=1",  "format=AYUV,width=33,height=9",
  };
  GstHarness *harness = listed_harness (1, 1, "");

  for (guint i = 0; i < 3 * G_N_ELEMENTS (kinds); i++) {
    g_autoptr (Picture) in =
        picture_new_printf ("%s,framerate=30/1", kinds[i % G_N_ELEMENTS (kinds)]);
    g_autoptr (Picture) out = NULL;

    picture_fill_noise (in, i);
    out = upscale_with (harness, in, NULL);
    assert_cleaned (in, out);
  }
  gst_harness_teardown (harness);
}

/* What has not changed is not computed again, and is the same. */
static void
test_reuse (void)
{
  g_autoptr (Picture) in = picture_new ("format=I420,width=400,height=200,framerate=30/1");
  GstHarness *harness = listed_harness (1, 1, "");

  picture_fill_noise (in, 1);
  for (guint i = 0; i < 6; i++) {
    g_autoptr (Picture) out = NULL;

    if (i == 2)
      picture_set (in, 1, 7, 7, picture_get (in, 1, 7, 7) ^ 1);
    if (i > 3)
      picture_set (in, 0, 7, 7, picture_get (in, 0, 7, 7) ^ 16);
    out = upscale_with (harness, in, NULL);
    assert_cleaned (in, out);
  }
  g_assert_cmpuint (get_count (harness, "reused-rectangles"), >, 0);
  gst_harness_teardown (harness);
}

/* ---- when there is not enough time ---------------------------------------------------------- */

#define WIDTH 704
#define HEIGHT 256
#define N_TILES 16

/* Tiles that the network leaves out are unchanged, and blended with its own: no sample is anything
 * else. */
static void
test_late_tiles (void)
{
  g_autoptr (RfdnModel) model = load_model (listed_model (1, 1, ADDED));
  g_autoptr (Picture) in = new_gray (WIDTH, HEIGHT);
  GstRfdnMosaic *mosaic = new_mosaic (model, NULL, WIDTH, HEIGHT);

  picture_fill_scene (in, 1);
  g_assert_cmpuint (gst_rfdn_mosaic_get_n_tiles (mosaic), ==, N_TILES);
  for (guint n = 0; n <= N_TILES; n++) {
    g_autoptr (Picture) out = new_gray (WIDTH, HEIGHT);
    guint n_left = 0, n_done = 0;
    GstRfdnWork work;

    gst_rfdn_mosaic_reset (mosaic);
    foretell (mosaic, n, FALSE);
    work = run_late (mosaic, in, out, NULL);
    g_assert_cmpuint (work.network, ==, n);
    g_assert_cmpuint (work.cheap, ==, N_TILES - n);
    for (guint y = 0; y < HEIGHT; y++) {
      for (guint x = 0; x < WIDTH; x++) {
        const guint before = picture_get (in, 0, x, y), after = picture_get (out, 0, x, y);
        const guint done = get_expected (in, 0, x, y);

        g_assert_cmpuint (after, >=, before);
        g_assert_cmpuint (after, <=, done + 1);
        n_left += after == before;
        n_done += after + 1 >= done;
      }
    }
    /* Except for four pixels at the edges of the network's tiles. */
    g_assert_cmpuint (n_left, >=, (N_TILES - n) * 176 * 64);
    g_assert_cmpuint (n_done, >=, n * (176 - 8) * (64 - 8));
  }
  gst_rfdn_mosaic_free (mosaic);
}

/* Far behind the clock frames come unchanged, as a whole; and with the network again when there is
 * time. */
static void
test_late_frames (void)
{
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", listed_model (1, 1, ADDED));
  const GstClockTime duration = GST_SECOND / 30;
  GstHarness *harness = live_harness (properties, 64, 48, "30/1");
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 64, 48);
  gst_harness_query_latency (harness);
  push_only (harness, new_frame (64, 48, 0, 0, duration));
  g_assert_cmpfloat (get_double (harness, "level"), ==, 1);
  gst_harness_set_time (harness, 1000 * GST_SECOND);
  for (guint i = 1; i < 6; i++) {
    GstBuffer *frame = new_frame (64, 48, i, i * duration, duration);
    g_autoptr (Picture) in = picture_new_from_buffer (gst_buffer_copy_deep (frame), &info);
    g_autoptr (Picture) out = NULL;
    GstBuffer *pushed = push_frame (harness, frame);

    g_assert_nonnull (pushed);
    out = picture_new_from_buffer (pushed, &info);
    /* The one that has come after a pause may take its time. */
    if (get_double (harness, "level") == 0)
      g_assert_true (picture_is_equal (out, in));
    else
      assert_cleaned (in, out);
  }
  g_assert_cmpfloat (get_double (harness, "level"), ==, 0);
  g_assert_false (is_passthrough (harness));
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (const char *const *format = all_formats (); *format != NULL; format++) {
    g_autofree char *path = g_strconcat ("/scales/same/", *format, NULL);

    g_test_add_data_func (path, *format, test_format);
  }
  for (guint scale = 1; scale <= RFDN_MAX_SCALE; scale++) {
    g_autofree char *path = g_strdup_printf ("/scales/nearest/x%u", scale);

    g_test_add_data_func (path, GUINT_TO_POINTER (scale), test_nearest);
  }
  g_test_add_func ("/scales/sites", test_sites);
  g_test_add_func ("/scales/converted", test_converted);
  g_test_add_func ("/scales/strength", test_strength);
  g_test_add_func ("/scales/resized", test_resized);
  g_test_add_func ("/scales/refused", test_refused);
  g_test_add_func ("/scales/property", test_property);
  g_test_add_func ("/scales/values", test_values);
  g_test_add_func ("/scales/pipeline", test_pipeline);
  g_test_add_func ("/scales/switch", test_switch);
  g_test_add_func ("/scales/switch-same-size", test_switch_same_size);
  g_test_add_func ("/scales/change", test_change);
  g_test_add_func ("/scales/reuse", test_reuse);
  g_test_add_func ("/scales/late/tiles", test_late_tiles);
  g_test_add_func ("/scales/late/frames", test_late_frames);
  return test_run ();
}
