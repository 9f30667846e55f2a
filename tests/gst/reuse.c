/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Unchanged parts are not computed again, and the picture is the same as if they were. */

#include "util.h"

#include "rfdn.h"

#define WIDTH 400
#define HEIGHT 150

static guint64
get_stat (GstHarness *harness, const char *name)
{
  GstElement *element = gst_harness_find_element (harness, "rfdnupscale");
  g_autoptr (GstStructure) stats = NULL;
  guint64 value;

  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  gst_object_unref (element);
  return value;
}

/* A box of noise in all components. */
static void
draw_box (Picture *picture, guint x, guint y, guint size, guint32 seed)
{
  g_autoptr (GRand) rand = NULL;

  rand = g_rand_new_with_seed (seed);
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&picture->info); c++) {
    const guint w_sub = GST_VIDEO_FORMAT_INFO_W_SUB (picture->info.finfo, c);
    const guint h_sub = GST_VIDEO_FORMAT_INFO_H_SUB (picture->info.finfo, c);

    for (guint j = y >> h_sub; j < (y + size) >> h_sub; j++) {
      for (guint i = x >> w_sub; i < (x + size) >> w_sub; i++)
        picture_set (picture, c, i, j,
                     (guint) g_rand_int_range (rand, 0, (gint32) picture_max (picture, c)));
    }
  }
}

/* A screen: nothing, a moving pointer, a window, nothing again, another picture; everything moves;
 * nothing. */
static void
draw_frame (Picture *picture, guint n)
{
  picture_fill_scene (picture, n < 12 ? 1 : n < 16 ? n : 2);
  if (n >= 2 && n < 6)
    draw_box (picture, 20 + 60 * n, 8 * n, 8, 5);
  if (n >= 7 && n < 16)
    draw_box (picture, 100, 40, 64, 6);
}
#define N_FRAMES 20

typedef struct {
  const char *format;
  guint channels; /* of the model */
  gboolean attention;
  const char *size; /* that downstream asks for, or "" */
  gboolean stabilized;
} Case;

static void
check_frames (GstHarness *with, GstHarness *without, const Case *c, guint first, guint end)
{
  for (guint n = first; n < end; n++) {
    g_autoptr (Picture) small = picture_new_printf ("format=%s,width=%d,height=%d,framerate=25/1",
                                                    c->format, WIDTH, HEIGHT);
    g_autoptr (Picture) a = NULL;
    g_autoptr (Picture) b = NULL;

    draw_frame (small, n);
    a = upscale_with (with, small, NULL);
    b = upscale_with (without, small, NULL);
    if (!picture_is_equal (a, b)) {
      g_test_message ("%s: frame %u differs", c->format, n);
      g_test_fail ();
    }
    /* Nothing else holds the output buffer, so it can be written to in place. */
    g_assert_true (gst_buffer_is_writable (a->buffer) ||
                   GST_MINI_OBJECT_REFCOUNT_VALUE (a->buffer) == 2 /* the mapped frame's */);
  }
}

static void
test_same (gconstpointer data)
{
  const Case *c = data;
  g_autofree char *properties = g_strdup_printf (
      "n-threads=2 model=\"%s\" stabilize=%s",
      random_model ("reprfn", c->channels, 2, c->attention), c->stabilized ? "0.6" : "0");
  g_autofree char *off = g_strconcat (properties, " reuse=false", NULL);
  GstHarness *with = upscale_harness (properties);
  GstHarness *without = upscale_harness (off);

  if (*c->size != '\0') {
    gst_harness_set_sink_caps_str (with, c->size);
    gst_harness_set_sink_caps_str (without, c->size);
  }
  check_frames (with, without, c, 0, N_FRAMES);
  g_assert_cmpuint (get_stat (without, "reused-rectangles"), ==, 0);
  g_assert_cmpuint (get_stat (with, "reused-rectangles"), >, 0);
  /* Parts of frames too, not only whole ones, unless everything depends on everything. */
  if (!c->attention)
    g_assert_cmpuint (get_stat (with, "network-rectangles") %
                          (get_stat (without, "network-rectangles") / N_FRAMES),
                      !=, 0);

  /* A flush, and other frames in between. */
  gst_harness_push_event (with, gst_event_new_flush_start ());
  gst_harness_push_event (with, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (without, gst_event_new_flush_start ());
  gst_harness_push_event (without, gst_event_new_flush_stop (TRUE));
  {
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (with, gst_event_new_segment (&segment));
    gst_harness_push_event (without, gst_event_new_segment (&segment));
  }
  check_frames (with, without, c, N_FRAMES - 1, N_FRAMES);
  {
    g_autoptr (Picture) other = picture_new ("format=I420,width=64,height=48");
    g_autoptr (Picture) a = NULL;
    g_autoptr (Picture) b = NULL;

    picture_fill_scene (other, 1);
    a = upscale_with (with, other, NULL);
    b = upscale_with (without, other, NULL);
    g_assert_true (picture_is_equal (a, b));
  }
  check_frames (with, without, c, N_FRAMES - 2, N_FRAMES);
  gst_harness_teardown (with);
  gst_harness_teardown (without);
}

/* Properties that change the picture change it at once, though the input stays. */
static void
test_properties (void)
{
  g_autoptr (Picture) small = picture_new ("format=I420,width=320,height=128,framerate=25/1");
  GstHarness *harness = upscale_harness ("model=live");
  GstElement *element = gst_harness_find_element (harness, "rfdnupscale");
  const struct {
    const char *property, *value;
  } changes[] = {{"strength", "0.5"},     {"strength", "0"},   {"strength", "1"},
                 {"model", "live-clean"}, {"tile-size", "32"}, {"n-threads", "1"}};

  picture_fill_scene (small, 3);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    g_autoptr (Picture) got = NULL;
    g_autoptr (Picture) want = NULL;
    GstHarness *fresh = upscale_harness ("reuse=false");
    GstElement *other = gst_harness_find_element (fresh, "rfdnupscale");

    for (guint k = 0; k <= i; k++)
      gst_util_set_object_arg (G_OBJECT (other), changes[k].property, changes[k].value);
    for (guint n = 0; n < 3; n++)
      picture_free (upscale_with (harness, small, NULL));
    gst_util_set_object_arg (G_OBJECT (element), changes[i].property, changes[i].value);
    got = upscale_with (harness, small, NULL);
    want = upscale_with (fresh, small, NULL);
    g_assert_true (picture_is_equal (got, want));
    gst_object_unref (other);
    gst_harness_teardown (fresh);
  }
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* With half the weight, every sample is half way between. */
static void
test_strength (void)
{
  static const char *const formats[] = {"I420", "RGB", "I420_10LE", "GBR"};

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    const guint channels = f % 2 == 0 ? 1 : 3;
    const char *model = random_model ("reprfn", channels, 2, FALSE);
    g_autofree char *all = g_strdup_printf ("model=\"%s\"", model);
    g_autofree char *half = g_strdup_printf ("model=\"%s\" strength=0.5", model);
    g_autofree char *none = g_strdup_printf ("model=\"%s\" strength=0", model);
    g_autoptr (Picture) small = picture_new_printf ("format=%s,width=200,height=90", formats[f]);
    g_autoptr (Picture) a = NULL;
    g_autoptr (Picture) b = NULL;
    g_autoptr (Picture) c = NULL;
    guint differs = 0;

    picture_fill_scene (small, f);
    a = upscale (small, all);
    b = upscale (small, half);
    c = upscale (small, none);
    for (guint k = 0; k < channels; k++) {
      for (guint y = 0; y < picture_height (a, k); y++) {
        for (guint x = 0; x < picture_width (a, k); x++) {
          const double mean = (picture_get (a, k, x, y) + picture_get (c, k, x, y)) / 2.0;

          g_assert_cmpfloat_with_epsilon (picture_get (b, k, x, y), mean, 0.51);
          differs += picture_get (a, k, x, y) != picture_get (c, k, x, y);
        }
      }
    }
    g_assert_cmpuint (differs, >, 1000);
  }
}

/* In most of a slide show, next to nothing is computed: one slide in ten frames. */
static void
test_slide_show (void)
{
  GstHarness *harness = upscale_harness ("");
  guint64 network, reused;

  for (guint n = 0; n < 60; n++) {
    g_autoptr (Picture) slide = picture_new ("format=I420,width=640,height=360,framerate=25/1");
    g_autoptr (Picture) out = NULL;

    picture_fill_scene (slide, n / 10);
    out = upscale_with (harness, slide, NULL);
  }
  network = get_stat (harness, "network-rectangles");
  reused = get_stat (harness, "reused-rectangles");
  /* Two frames of the first slide: it was not known yet that it would stay. */
  g_assert_cmpuint (60 * network, <=, 7 * (network + reused));
  gst_harness_teardown (harness);
}

/* Whether an element gives the same result for @after whether or not it has seen @before. */
static void
check_after (const Picture *before, const Picture *after, const char *properties)
{
  GstHarness *harness = upscale_harness (properties);
  g_autoptr (Picture) second = NULL;
  g_autoptr (Picture) fresh = upscale (after, properties);

  picture_free (upscale_with (harness, before, NULL));
  second = upscale_with (harness, after, NULL);
  g_assert_true (picture_is_equal (second, fresh));
  gst_harness_teardown (harness);
}

/* Every format: part of the picture changes, each component by itself, and nothing. */
static void
test_format (gconstpointer format)
{
  g_autoptr (Picture) before =
      picture_new_printf ("format=%s,width=360,height=20", (const char *) format);
  g_autoptr (Picture) after =
      picture_new_printf ("format=%s,width=360,height=20", (const char *) format);

  picture_fill_scene (before, 1);
  picture_fill_scene (after, 1);
  check_after (before, after, "");
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&after->info); c++) {
    const guint x = picture_width (after, c) - 2, y = picture_height (after, c) - 1;

    picture_set (after, c, x, y, picture_max (after, c) - picture_get (after, c, x, y));
    check_after (before, after, "");
  }
}

/* The pixels of the left half of a picture of 352x16 that a tile there is computed from. */
static guint
get_seen_width (const char *path)
{
  g_autofree char *data = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (RfdnModel) model = NULL;
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  RfdnUpscaler *upscaler;
  RfdnArea area, seen;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  bytes = g_bytes_new (data, size);
  model = rfdn_model_new (bytes, NULL);
  params.width = 352;
  params.height = 16;
  params.tile_size = 176;
  params.tile_height = 16;
  params.tile_overlap = 0;
  upscaler = rfdn_upscaler_new (model, &params, NULL);
  rfdn_upscaler_get_tile (upscaler, 0, &area, &seen);
  rfdn_upscaler_free (upscaler);
  return seen.width;
}

/* Before an RGB network sees YUV, chroma is interpolated: a pixel takes from samples beyond those
 * that a tile of the network sees. How many depends on GStreamer: a change six pixels beyond
 * must recompute the tile, one sixteen pixels beyond must not. */
static void
test_conversion (void)
{
  const char *path = random_model ("reprfn", 3, 2, FALSE);
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", path);

  for (guint distance = 6; distance <= 16; distance += 10) {
    g_autoptr (Picture) before = picture_new ("format=I420,width=352,height=16");
    g_autoptr (Picture) after = picture_new ("format=I420,width=352,height=16");
    g_autoptr (Picture) first = NULL;
    g_autoptr (Picture) second = NULL;
    GstHarness *harness = upscale_harness (properties);

    picture_fill_scene (before, 1);
    picture_fill_scene (after, 1);
    for (guint x = (get_seen_width (path) + distance) / 2; x < 176; x++)
      picture_set (after, 1, x, 4, 255 - picture_get (after, 1, x, 4));
    first = upscale_with (harness, before, NULL);
    second = upscale_with (harness, after, NULL);
    g_assert_cmpuint (get_stat (harness, "reused-rectangles"), ==, distance == 6 ? 0 : 1);
    gst_harness_teardown (harness);
  }
}

int
main (int argc, char **argv)
{
  static const Case cases[] = {
      {"I420", 1, FALSE, ""},
      {"NV12", 1, FALSE, ""},
      {"Y42B", 1, FALSE, ""},
      {"GRAY8", 1, FALSE, ""},
      {"I420_10LE", 1, FALSE, ""},
      {"P010_10LE", 1, FALSE, ""},
      {"RGB", 3, FALSE, ""},
      {"BGRx", 3, FALSE, ""},
      {"ARGB", 3, FALSE, ""},
      {"GBR", 3, FALSE, ""},
      {"BGRx", 1, FALSE, ""},
      {"I420", 3, FALSE, ""},
      {"I420", 1, TRUE, ""},
      {"I420", 1, FALSE, "video/x-raw,width=700,height=290"},
      {"BGRx", 1, FALSE, "video/x-raw,width=700,height=290"},
      {"xRGB", 3, FALSE, "video/x-raw,width=700,height=290"},
      {"I420", 1, FALSE, "", TRUE},
      {"I420", 1, TRUE, "", TRUE},
      {"YUY2", 1, FALSE, "", TRUE},
      {"P010_10LE", 1, FALSE, "", TRUE},
      {"v210", 1, FALSE, "", TRUE},
      {"BGRx", 3, FALSE, "", TRUE},
      {"BGRx", 1, FALSE, "", TRUE},
      {"I420", 1, FALSE, "video/x-raw,width=700,height=290", TRUE},
  };

  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path =
        g_strdup_printf ("/reuse/same/%s/%u%s%s%s", cases[i].format, cases[i].channels,
                         cases[i].attention ? "/attention" : "", *cases[i].size ? "/resampled" : "",
                         cases[i].stabilized ? "/stabilized" : "");
    g_test_add_data_func (path, &cases[i], test_same);
  }
  for (const char *const *format = all_formats (); *format != NULL; format++) {
    g_autofree char *path = g_strconcat ("/reuse/format/", *format, NULL);

    g_test_add_data_func (path, *format, test_format);
  }
  g_test_add_func ("/reuse/conversion", test_conversion);
  g_test_add_func ("/reuse/properties", test_properties);
  g_test_add_func ("/reuse/slide-show", test_slide_show);
  g_test_add_func ("/strength", test_strength);
  return test_run ();
}
