/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shape of pictures: which sizes are chosen, compared with videoscale's, and borders if no size
 * keeps the display aspect. */

#include "util.h"

#include "gstrfdncaps.h"

#include <math.h>

/* ---- sizes ---------------------------------------------------------------------------------- */

static const struct {
  gint width, height, par_n, par_d;
} inputs[] = {
    {320, 240, 1, 1},  {640, 480, 1, 1},   {848, 464, 1, 1}, {720, 576, 16, 15}, {720, 480, 32, 27},
    {1280, 720, 1, 1}, {352, 288, 12, 11}, {161, 121, 1, 1}, {240, 320, 1, 1},   {1920, 800, 1, 1},
};

static const char *const wishes[] = {
    "width=[1,1280],height=[1,720]",
    "width=[1,1280],height=[1,720],pixel-aspect-ratio=1/1",
    "width=[1,720],height=[1,1280],pixel-aspect-ratio=1/1",
    "width=[600,1300],height=[300,800]",
    "width=[1,1000],height=[1,1000],pixel-aspect-ratio=1/1",
    "width={640,960,1280},height=[1,2000],pixel-aspect-ratio=1/1",
    "width={640,1280},height={480,720,960},pixel-aspect-ratio=1/1",
    "width=[1,2000],height={480,720,1080},pixel-aspect-ratio=1/1",
    "width=960",
    "height=720",
    "width=960,pixel-aspect-ratio=1/1",
    "height=720,pixel-aspect-ratio=1/1",
    "width=960,pixel-aspect-ratio=16/15",
    "height=[100,700],pixel-aspect-ratio=1/1",
    "width=[100,500]",
    "width=[100,500],pixel-aspect-ratio=1/1",
    "pixel-aspect-ratio=1/1",
    "pixel-aspect-ratio=2/1",
    "pixel-aspect-ratio={1/1,4/3}",
    "width=[1,641],height=[1,481],pixel-aspect-ratio=1/1",
    "width=960,height=540",
    "width=[1,1920],height=[1,1080],pixel-aspect-ratio=1/1",
    /* The size nearest to the factor does not keep the shape. */
    "width=[996,1259],height=848,pixel-aspect-ratio={1/1,16/15,4/3}",
    "width={748,1364,1980},height={981,1468,1956},pixel-aspect-ratio={1/1,16/15,4/3}",
    "width={1301,1988,2675},height=[1121,2417],pixel-aspect-ratio={1/1,16/15,4/3}",
    "width={213,460,707},height=[513,649],pixel-aspect-ratio=1/1",
    "width=[458,1536],height={273,895,1518},pixel-aspect-ratio={1/1,16/15,4/3}",
};

/* The size that an element chooses for an input and a downstream filter. */
static GstVideoInfo
negotiate (const char *element, guint input, const char *wish)
{
  GstHarness *harness = gst_harness_new_parse (element);
  g_autofree char *downstream = g_strconcat ("video/x-raw,", wish, NULL);
  g_autofree char *upstream = g_strdup_printf (
      "video/x-raw,format=I420,width=%d,height=%d,pixel-aspect-ratio=%d/%d,framerate=25/1",
      inputs[input].width, inputs[input].height, inputs[input].par_n, inputs[input].par_d);
  g_autoptr (GstCaps) caps = NULL;
  GstVideoInfo info;

  gst_harness_set_sink_caps_str (harness, downstream);
  gst_harness_set_src_caps_str (harness, upstream);
  /* Both negotiate where a frame comes. */
  gst_harness_push (
      harness,
      gst_buffer_new_allocate (NULL, 4 * (gsize) inputs[input].width * inputs[input].height, NULL));
  caps = gst_pad_get_current_caps (harness->sinkpad);
  if (caps == NULL)
    g_error ("%s: nothing for %s and %s", element, upstream, downstream);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_teardown (harness);
  return info;
}

/* By how many pixels, at least, one side is off the display aspect. */
static double
distance (guint input, const GstVideoInfo *out)
{
  const double ratio = (double) inputs[input].width * inputs[input].par_n * out->par_d /
                       ((double) inputs[input].height * inputs[input].par_d * out->par_n);

  return MIN (fabs (out->width - out->height * ratio), fabs (out->height - out->width / ratio));
}

static void
test_sizes (gconstpointer data)
{
  const guint input = GPOINTER_TO_UINT (data);

  for (guint w = 0; w < G_N_ELEMENTS (wishes); w++) {
    const GstVideoInfo ours = negotiate ("rfdnupscale late-policy=never", input, wishes[w]);
    const GstVideoInfo theirs = negotiate ("videoscale", input, wishes[w]);

    /* A pixel of chroma is two of luma. */
    if (distance (input, &ours) > MAX (distance (input, &theirs), 1.01)) {
      g_test_message ("%dx%d %d/%d, %s: %dx%d %d/%d is off by %.2f pixels; videoscale: %dx%d %d/%d",
                      inputs[input].width, inputs[input].height, inputs[input].par_n,
                      inputs[input].par_d, wishes[w], ours.width, ours.height, ours.par_n,
                      ours.par_d, distance (input, &ours), theirs.width, theirs.height,
                      theirs.par_n, theirs.par_d);
      g_test_fail ();
    }
  }
}

static void
test_width_again (void)
{
  const GstVideoInfo out =
      negotiate ("rfdnupscale", 1, "width=[1,1280],height=[1,720],pixel-aspect-ratio=1/1");

  g_assert_cmpint (out.width, ==, 960);
  g_assert_cmpint (out.height, ==, 720);
}

/* ---- borders -------------------------------------------------------------------------------- */

/* Black as each format has it: a gray picture is enlarged into a frame that is too wide and into
 * one that is too high. */
static void
check_borders (const char *fields, const char *size, guint x, guint y, const guint *black)
{
  g_autoptr (Picture) small = picture_new_printf ("%s,width=32,height=24", fields);
  g_autofree char *downstream = g_strdup_printf ("video/x-raw,%s,pixel-aspect-ratio=1/1", size);
  g_autofree char *properties = g_strdup_printf (
      "model=\"%s\"", nearest_model (GST_VIDEO_INFO_IS_RGB (&small->info) ? 3 : 1, 2));
  GstHarness *harness = upscale_harness (properties);
  g_autoptr (Picture) large = NULL;

  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&small->info); c++)
    picture_fill (small, c, picture_max (small, c) * (c + 5) / 8);
  gst_harness_set_sink_caps_str (harness, downstream);
  large = upscale_with (harness, small, NULL);
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&small->info); c++) {
    const guint left = x >> GST_VIDEO_FORMAT_INFO_W_SUB (small->info.finfo, c);
    const guint top = y >> GST_VIDEO_FORMAT_INFO_H_SUB (small->info.finfo, c);
    const guint right = picture_width (large, c) - left;
    const guint bottom = picture_height (large, c) - top;

    for (guint j = 0; j < picture_height (large, c); j++) {
      for (guint i = 0; i < picture_width (large, c); i++) {
        const gboolean inside = i >= left && i < right && j >= top && j < bottom;
        const guint expected = inside ? picture_get (small, c, 0, 0) : black[c];

        if (picture_get (large, c, i, j) != expected)
          g_error ("%s %s: component %u is %u at %u,%u, not %u", fields, size, c,
                   picture_get (large, c, i, j), i, j, expected);
      }
    }
  }
  gst_harness_teardown (harness);
}

static void
test_borders (void)
{
  static const struct {
    const char *fields;
    guint black[4];
  } formats[] = {
      {"format=I420,colorimetry=bt601", {16, 128, 128}},
      {"format=NV12,colorimetry=1:4:16:4", {0, 128, 128}},
      {"format=Y42B,colorimetry=bt709", {16, 128, 128}},
      {"format=Y444_10LE,colorimetry=bt709", {64, 512, 512}},
      {"format=P010_10LE,colorimetry=bt2100-pq", {64, 512, 512}},
      {"format=A420,colorimetry=bt601", {16, 128, 128, 255}},
      {"format=RGB", {0, 0, 0}},
      {"format=RGBA", {0, 0, 0, 255}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    check_borders (formats[i].fields, "width=96,height=48", 16, 0, formats[i].black);
    check_borders (formats[i].fields, "width=64,height=64", 0, 8, formats[i].black);
  }
}

/* 320x240 into 960x540 with square pixels: 720 of 960 pixels; and without borders, all of them. */
static void
test_add_borders (void)
{
  for (guint add = 0; add <= 1; add++) {
    g_autofree char *properties =
        g_strdup_printf ("model=\"%s\" add-borders=%u", nearest_model (1, 2), add);
    g_autoptr (Picture) small = picture_new ("format=I420,width=320,height=240");
    GstHarness *harness = upscale_harness (properties);
    g_autoptr (Picture) large = NULL;
    guint first;

    picture_fill (small, 0, 200);
    gst_harness_set_sink_caps_str (harness,
                                   "video/x-raw,width=960,height=540,pixel-aspect-ratio=1/1");
    large = upscale_with (harness, small, NULL);
    for (first = 0; picture_get (large, 0, first, 270) < 100; first++)
      ;
    g_assert_cmpuint (first, ==, add ? 120 : 0);
    g_assert_cmpuint (picture_get (large, 0, 959, 270), ==, add ? 16 : 200);
    gst_harness_teardown (harness);
  }
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++) {
    g_autofree char *path =
        g_strdup_printf ("/shape/sizes/%dx%d", inputs[i].width, inputs[i].height);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_sizes);
  }
  g_test_add_func ("/shape/width-again", test_width_again);
  g_test_add_func ("/shape/borders", test_borders);
  g_test_add_func ("/shape/add-borders", test_add_borders);
  return test_run ();
}
