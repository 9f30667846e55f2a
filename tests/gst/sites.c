/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Positions in the larger picture: luma, and chroma of every site, at whole factors and at
 * resampled sizes. */

#include "util.h"

#include <math.h>

static const struct {
  const char *format, *site;
  gboolean left, top; /* where samples sit, in subsampled directions */
} sites[] = {
    {"I420", "jpeg", FALSE, FALSE},       {"I420", "mpeg2", TRUE, FALSE},
    {"I420", "cosited", TRUE, TRUE},      {"I420", "v-cosited", FALSE, TRUE},
    {"NV12", "mpeg2", TRUE, FALSE},       {"NV12", "cosited", TRUE, TRUE},
    {"Y42B", "jpeg", FALSE, FALSE},       {"Y42B", "mpeg2", TRUE, FALSE},
    {"Y444", "jpeg", FALSE, FALSE},       {"P010_10LE", "mpeg2", TRUE, FALSE},
    {"P010_10LE", "cosited", TRUE, TRUE},
};

/* Pixels of luma from the middle of the small picture's edge to its end. It is steep enough for a
 * rounded sample to move it by well under a tenth of a pixel. */
#define REACH 9

/* Where a sample of the chroma plane lies in the luma plane. */
static double
position (guint i, guint subsampling, gboolean cosited)
{
  return subsampling ? 2.0 * i + (cosited ? 0 : 0.5) : i;
}

/* The place of a smooth edge across a plane, which is less than `reach` pixels of luma wide on each
 * side of `about`: what else differs, by a level, is how flat areas were rounded. */
static double
find_edge (const Picture *picture, guint c, gboolean vertical, gboolean cosited, guint at,
           double about, double reach)
{
  const guint n = vertical ? picture_height (picture, c) : picture_width (picture, c);
  const guint sub = vertical ? GST_VIDEO_FORMAT_INFO_H_SUB (picture->info.finfo, c)
                             : GST_VIDEO_FORMAT_INFO_W_SUB (picture->info.finfo, c);
  double first = 0, last = 0, weighted = 0, total = 0, before = 0;

  for (guint i = 0; i < n; i++) {
    const double value =
        vertical ? picture_get (picture, c, at, i) : picture_get (picture, c, i, at);

    if (i == 0)
      first = value;
    else {
      const double step = value - before;
      const double middle = (position (i, sub, cosited) + position (i - 1, sub, cosited)) / 2;

      if (fabs (middle - about) < reach) {
        weighted += step * middle;
        total += step;
      }
    }
    before = last = value;
  }
  g_assert_cmpfloat (fabs (last - first), >, picture_max (picture, c) / 4.0);
  return weighted / total;
}

static void
check_site (guint i, guint scale, guint side, gboolean vertical, gboolean tagged)
{
  const double ratio = side / 64.0;
  const gboolean cosited = vertical ? sites[i].top : sites[i].left;
  const double where = 31.3;
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", nearest_model (1, scale));
  g_autoptr (Picture) small =
      picture_new_printf ("format=%s,width=64,height=64,framerate=30/1,colorimetry=bt601,"
                          "chroma-site=%s",
                          sites[i].format, sites[i].site);
  g_autoptr (Picture) large = NULL;
  g_autofree char *caps = tagged ? NULL
                                 : g_strdup_printf ("video/x-raw,format=%s,width=64,height=64,"
                                                    "framerate=30/1,chroma-site=%s",
                                                    sites[i].format, sites[i].site);
  GstHarness *harness = upscale_harness (properties);

  if (side != 64 * scale) {
    g_autofree char *asked = g_strdup_printf ("video/x-raw,width=%u,height=%u", side, side);

    gst_harness_set_sink_caps_str (harness, asked);
  }
  /* Luma too: a smooth edge lies where chroma's lies. */
  for (guint c = 0; c < 3; c++) {
    const guint sub = vertical ? GST_VIDEO_FORMAT_INFO_H_SUB (small->info.finfo, c)
                               : GST_VIDEO_FORMAT_INFO_W_SUB (small->info.finfo, c);

    for (guint y = 0; y < picture_height (small, c); y++) {
      for (guint x = 0; x < picture_width (small, c); x++) {
        const double distance = position (vertical ? y : x, sub, cosited) - where;

        picture_set (small, c, x, y,
                     (guint) lround (picture_max (small, c) * (0.5 + 0.4 * erf (distance / 3))));
      }
    }
  }

  large = upscale_with (harness, small, caps);
  gst_harness_teardown (harness);
  g_assert_cmpint (large->info.width, ==, (gint) side);
  for (guint c = 0; c < 3; c++) {
    /* The edge as the small plane's samples have it, rounding included. */
    const double before = find_edge (small, c, vertical, cosited, 5, where, REACH);
    const double expected = ratio * (before + 0.5) - 0.5;
    const double after = find_edge (large, c, vertical, cosited, 5, expected, REACH * ratio);

    g_assert_cmpfloat (fabs (before - where), <, 0.1);
    if (fabs (after - expected) >= 0.1) {
      g_test_message ("%s %s x%u %s: the edge is at %.3f, not %.3f", sites[i].format, sites[i].site,
                      scale, vertical ? "down" : "across", after, expected);
      g_test_fail ();
    }
  }
}

static void
test_site (gconstpointer data)
{
  /* The network's factor, and what it becomes of 64: resampled to less, to more, and not. */
  static const guint ways[][2] = {{2, 128}, {3, 192}, {4, 256}, {2, 96},
                                  {2, 160}, {3, 144}, {2, 48}};

  for (guint way = 0; way < G_N_ELEMENTS (ways); way++) {
    for (guint tagged = 0; tagged <= 1; tagged++) {
      check_site (GPOINTER_TO_UINT (data), ways[way][0], ways[way][1], FALSE, tagged);
      check_site (GPOINTER_TO_UINT (data), ways[way][0], ways[way][1], TRUE, tagged);
    }
  }
}

/* ---- sizes that no factor gives ---------------------------------------------------------------
 */

/* A uniform colour stays exactly the same, in every format, with either network, at any size. */
static void
test_flat (gconstpointer format)
{
  static const guint sizes[][2] = {{75, 50}, {100, 33}, {20, 10}, {37, 129}, {61, 35}};

  for (guint channels = 1; channels <= 3; channels += 2) {
    g_autofree char *properties = g_strdup_printf ("model=\"%s\"", nearest_model (channels, 2));
    GstHarness *harness = upscale_harness (properties);

    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
      g_autofree char *asked = g_strdup_printf ("video/x-raw,width=%u,height=%u",
                                                good_width (format, sizes[i][0]), sizes[i][1]);
      g_autoptr (Picture) small =
          picture_new_printf ("format=%s,width=30,height=17", (const char *) format);
      g_autoptr (Picture) large = NULL;
      const gboolean converted = (channels == 3) != GST_VIDEO_INFO_IS_RGB (&small->info);

      for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&small->info); c++)
        picture_fill (small, c, picture_max (small, c) * (3 + c) / 8);
      gst_harness_set_sink_caps_str (harness, asked);
      gst_pad_push_event (harness->sinkpad, gst_event_new_reconfigure ());
      large = upscale_with (harness, small, NULL);
      for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&small->info); c++) {
        const guint value = picture_get (small, c, 0, 0);

        for (guint y = 0; y < picture_height (large, c); y++) {
          for (guint x = 0; x < picture_width (large, c); x++) {
            const gint d = (gint) picture_get (large, c, x, y) - (gint) value;

            if (ABS (d) > (converted ? (gint) picture_tolerance (small, c) : 0)) {
              g_test_message ("component %u of %s is %u at %u,%u, not %u", c, asked,
                              picture_get (large, c, x, y), x, y, value);
              g_test_fail ();
              y = G_MAXUINT - 1;
              break;
            }
          }
        }
      }
    }
    gst_harness_teardown (harness);
  }
}

/* A detailed picture, resampled to slightly less than the network's size, is as good as the
 * network's result scaled by GStreamer. */
static void
test_quality (void)
{
  g_autoptr (Picture) small = picture_new ("format=Y444,width=96,height=64");
  g_autoptr (Picture) twice = NULL;
  g_autoptr (Picture) got = NULL;
  g_autoptr (Picture) expected = picture_new ("format=Y444,width=180,height=120");
  GstHarness *harness = upscale_harness ("");
  GstVideoConverter *converter;

  picture_fill_scene (small, 4);
  twice = upscale (small, "");
  expected->info.colorimetry = twice->info.colorimetry;
  converter = gst_video_converter_new (
      &twice->info, &expected->info,
      gst_structure_new ("options", GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD,
                         GST_TYPE_VIDEO_RESAMPLER_METHOD, GST_VIDEO_RESAMPLER_METHOD_LANCZOS,
                         NULL));
  gst_video_converter_frame (converter, &twice->frame, &expected->frame);
  gst_video_converter_free (converter);

  gst_harness_set_sink_caps_str (harness, "video/x-raw,width=180,height=120");
  got = upscale_with (harness, small, NULL);
  /* GStreamer has another filter for the chroma of frames that it need not convert. */
  g_assert_cmpfloat (picture_psnr (got, expected, 0, 0), >, 50);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (sites); i++) {
    g_autofree char *path = g_strdup_printf ("/sites/%s/%s", sites[i].format, sites[i].site);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_site);
  }
  for (const char *const *format = all_formats (); *format != NULL; format++) {
    g_autofree char *path = g_strconcat ("/resample/flat/", *format, NULL);

    g_test_add_data_func (path, *format, test_flat);
  }
  g_test_add_func ("/resample/quality", test_quality);
  return test_run ();
}
