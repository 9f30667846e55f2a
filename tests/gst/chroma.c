/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Chroma that follows luma: sharper where they share edges, and cases in which it must be plain. */

#include "util.h"

#include <math.h>

#define SIDE 64 /* of the small picture */
#define FINE 6  /* points of a sample each way */

/* ---- a drawing ------------------------------------------------------------------------------- */

/* 0 or 1: rings around a point, in pixels of the small picture. */
static guint
get_ring (double x, double y)
{
  return (guint) (hypot (x - 20.3, y - 25.1) / 5.7) % 2;
}

/* The mean of an area of `size` around a place, in pixels of the small picture. */
static double
get_mean (double x, double y, double width, double height)
{
  guint sum = 0;

  for (guint j = 0; j < FINE; j++) {
    for (guint i = 0; i < FINE; i++)
      sum += get_ring (x + width * ((i + 0.5) / FINE - 0.5), y + height * ((j + 0.5) / FINE - 0.5));
  }
  return (double) sum / (FINE * FINE);
}

static double
get_place (guint at, guint sub, gboolean cosited)
{
  return sub == 0 ? at + 0.5 : cosited ? 2.0 * at + 0.5 : 2.0 * at + 1;
}

/* The drawing in any size and format: the input, and the expected result. */
static void
draw (Picture *picture, gboolean left, gboolean top)
{
  const double pixel_x = (double) SIDE / picture->info.width;
  const double pixel_y = (double) SIDE / picture->info.height;
  const gboolean yuv = GST_VIDEO_INFO_IS_YUV (&picture->info);

  for (guint c = 0; c < 3; c++) {
    const guint sub_x = GST_VIDEO_FORMAT_INFO_W_SUB (picture->info.finfo, c);
    const guint sub_y = GST_VIDEO_FORMAT_INFO_H_SUB (picture->info.finfo, c);
    const guint max = picture_max (picture, c);
    const double low = yuv ? (c == 2 ? 0.7 : 0.3) : (c == 0 ? 0.7 : 0.2);
    const double high = yuv ? (c == 2 ? 0.3 : 0.8) : (c == 0 ? 0.2 : 0.8);

    for (guint y = 0; y < picture_height (picture, c); y++) {
      for (guint x = 0; x < picture_width (picture, c); x++) {
        const double mean =
            get_mean (pixel_x * get_place (x, sub_x, left), pixel_y * get_place (y, sub_y, top),
                      pixel_x * (1 << sub_x), pixel_y * (1 << sub_y));
        picture_set (picture, c, x, y, (guint) lround (max * (low + (high - low) * mean)));
      }
    }
  }
}

static Picture *
enlarge (const Picture *small, const char *chroma, guint side, const char *more)
{
  g_autofree char *properties = g_strdup_printf ("model=live chroma=%s %s", chroma, more);
  g_autofree char *asked = g_strdup_printf ("video/x-raw,width=%u,height=%u", side, side);
  GstHarness *harness = upscale_harness (properties);
  Picture *large;

  gst_harness_set_sink_caps_str (harness, asked);
  large = upscale_with (harness, small, NULL);
  gst_harness_teardown (harness);
  return large;
}

static Picture *
draw_small (const char *format, const char *site, gboolean left, gboolean top)
{
  Picture *small =
      picture_new_printf ("format=%s,width=%d,height=%d,framerate=30/1%s%s", format, SIDE, SIDE,
                          site != NULL ? ",chroma-site=" : "", site != NULL ? site : "");

  draw (small, left, top);
  return small;
}

/* ---- sharper --------------------------------------------------------------------------------- */

static const struct {
  const char *format, *site;
  gboolean left, top;
} sharper[] = {
    {"I420", "jpeg", FALSE, FALSE},       {"I420", "mpeg2", TRUE, FALSE},
    {"I420", "cosited", TRUE, TRUE},      {"NV12", "mpeg2", TRUE, FALSE},
    {"Y42B", "mpeg2", TRUE, FALSE},       {"YUY2", "mpeg2", TRUE, FALSE},
    {"Y444", NULL, FALSE, FALSE},         {"AYUV", NULL, FALSE, FALSE},
    {"P010_10LE", "cosited", TRUE, TRUE}, {"I420_12LE", "jpeg", FALSE, FALSE},
    {"RGB", NULL, FALSE, FALSE},          {"BGRx", NULL, FALSE, FALSE},
};

/* Both planes, at the network's own factors and with resizing of its result. */
static void
test_sharper (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  static const guint sides[] = {2 * SIDE, 3 * SIDE, 4 * SIDE, 3 * SIDE / 2, 5 * SIDE / 2};

  for (guint k = 0; k < G_N_ELEMENTS (sides); k++) {
    g_autoptr (Picture) small =
        draw_small (sharper[i].format, sharper[i].site, sharper[i].left, sharper[i].top);
    g_autoptr (Picture) truth = NULL, plain = NULL, guided = NULL;

    plain = enlarge (small, "plain", sides[k], "");
    guided = enlarge (small, "guided", sides[k], "");
    truth =
        picture_new_printf ("format=%s,width=%u,height=%u", sharper[i].format, sides[k], sides[k]);
    draw (truth, sharper[i].left, sharper[i].top);
    for (guint c = 1; c < 3; c++) {
      const double before = picture_psnr (plain, truth, c, 4);
      const double after = picture_psnr (guided, truth, c, 4);
      g_test_message ("%s %s, %u: component %u %.2f dB, plain %.2f", sharper[i].format,
                      sharper[i].site, sides[k], c, after, before);
      g_assert_cmpfloat (after, >, before + 0.7);
    }
    if (GST_VIDEO_INFO_IS_YUV (&small->info))
      g_assert_cmpuint (picture_max_difference (plain, guided, 0, 0), ==, 0);
  }
}

/* ---- the same ----------------------------------------------------------------------------------
 */

static void
assert_plain (const Picture *small, const char *more)
{
  g_autoptr (Picture) plain = enlarge (small, "plain", 2 * SIDE, more);
  g_autoptr (Picture) guided = enlarge (small, "guided", 2 * SIDE, more);

  g_assert_true (picture_is_equal (plain, guided));
}

/* Too coarse chroma, no network, a strength of 0, and networks that see the colours themselves. */
static void
test_plain (void)
{
  static const char *const coarse[] = {"Y41B", "YUV9", "YVU9"};
  g_autofree char *coloured = g_strdup_printf ("model=\"%s\"", nearest_model (3, 2));

  for (guint i = 0; i < G_N_ELEMENTS (coarse); i++) {
    g_autoptr (Picture) small =
        picture_new_printf ("format=%s,width=%d,height=%d,framerate=30/1", coarse[i], SIDE, SIDE);
    picture_fill_scene (small, i);
    assert_plain (small, "");
  }
  g_autoptr (Picture) small = draw_small ("I420", "mpeg2", TRUE, FALSE);
  assert_plain (small, "strength=0");
  assert_plain (small, coloured);
  /* Results no larger than half of the network's lose what luma adds: they are plain, too. */
  for (guint side = SIDE / 2; side <= SIDE + 8; side += 8) {
    g_autoptr (Picture) plain = enlarge (small, "plain", side, "scale=2");
    g_autoptr (Picture) guided = enlarge (small, "guided", side, "scale=2");
    g_assert_true (picture_is_equal (plain, guided) == (side <= SIDE));
  }
}

/* Any number of threads gives the same samples. */
static void
test_threads (void)
{
  g_autoptr (Picture) small = draw_small ("I420", "mpeg2", TRUE, FALSE);
  g_autoptr (Picture) one = enlarge (small, "guided", 2 * SIDE, "n-threads=1");

  for (guint n = 2; n <= 5; n++) {
    g_autofree char *more = g_strdup_printf ("n-threads=%u", n);
    g_autoptr (Picture) many = enlarge (small, "guided", 2 * SIDE, more);
    g_assert_true (picture_is_equal (one, many));
  }
}

/* The next frame after a change has it. */
static void
test_change (void)
{
  g_autoptr (Picture) small = draw_small ("NV12", "mpeg2", TRUE, FALSE);
  g_autoptr (Picture) plain = enlarge (small, "plain", 2 * SIDE, "");
  g_autoptr (Picture) guided = enlarge (small, "guided", 2 * SIDE, "");
  GstHarness *harness = upscale_harness ("model=live");

  g_assert_false (picture_is_equal (plain, guided));
  for (guint turn = 0; turn < 4; turn++) {
    g_autoptr (Picture) large = NULL;

    if (turn > 0)
      gst_util_set_object_arg (G_OBJECT (harness->element), "chroma",
                               turn % 2 ? "plain" : "guided");
    large = upscale_with (harness, small, NULL);
    g_assert_true (picture_is_equal (large, turn % 2 ? plain : guided));
  }
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (sharper); i++) {
    g_autofree char *path = g_strdup_printf ("/chroma/sharper/%s-%s", sharper[i].format,
                                             sharper[i].site != NULL ? sharper[i].site : "none");
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_sharper);
  }
  g_test_add_func ("/chroma/plain", test_plain);
  g_test_add_func ("/chroma/threads", test_threads);
  g_test_add_func ("/chroma/change", test_change);
  return test_run ();
}
