/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parts that hardly change are kept still, moving parts are left alone, and nothing outlasts a cut.
 */

#include "util.h"

#define WIDTH 160
#define HEIGHT 96
#define N_FRAMES 6

/* A scene with noise of its own in each frame, as compression leaves it, and a box in it. */
static Picture *
draw (guint32 scene, guint32 noise, gint box)
{
  Picture *picture = picture_new_printf ("format=I420,width=%d,height=%d", WIDTH, HEIGHT);
  g_autoptr (GRand) rand = g_rand_new_with_seed (noise);

  picture_fill_scene (picture, scene);
  for (guint y = 0; noise > 0 && y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++)
      picture_set (
          picture, 0, x, y,
          (guint) CLAMP ((gint) picture_get (picture, 0, x, y) + g_rand_int_range (rand, -2, 3), 0,
                         255));
  }
  for (guint y = 30; box >= 0 && y < 50; y++) {
    for (guint x = 0; x < 20; x++)
      picture_set (picture, 0, (guint) box + x, y, (x + y) % 5 < 2 ? 30 : 220);
  }
  return picture;
}

/* Mean change of luma from one picture to the other, in levels. */
static double
get_change (const Picture *a, const Picture *b)
{
  guint64 sum = 0;

  for (guint y = 0; y < picture_height (a, 0); y++) {
    for (guint x = 0; x < picture_width (a, 0); x++)
      sum += (guint64) ABS ((gint) picture_get (a, 0, x, y) - (gint) picture_get (b, 0, x, y));
  }
  return (double) sum / picture_width (a, 0) / picture_height (a, 0);
}

/* Mean change from frame to frame of a noisy scene. */
static double
get_flicker (const char *properties)
{
  GstHarness *harness = upscale_harness (properties);
  g_autoptr (Picture) before = NULL;
  double sum = 0;

  for (guint n = 0; n < N_FRAMES; n++) {
    g_autoptr (Picture) in = draw (4, n + 1, -1);
    Picture *out = upscale_with (harness, in, NULL);

    sum += before != NULL ? get_change (before, out) : 0;
    g_clear_pointer (&before, picture_free);
    before = out;
  }
  gst_harness_teardown (harness);
  return sum / (N_FRAMES - 1);
}

static void
test_flicker (void)
{
  const double plain = get_flicker ("model=live-clean strength=0");
  const double without = get_flicker ("model=live-clean");
  const double half = get_flicker ("model=live-clean stabilize=0.5");
  const double whole = get_flicker ("model=live-clean stabilize=1");

  g_test_message ("Lanczos %.3f, the network %.3f, at 0.5 %.3f, at 1 %.3f levels", plain, without,
                  half, whole);
  g_assert_cmpfloat (without, >, plain);
  g_assert_cmpfloat (half, <, 0.8 * without);
  g_assert_cmpfloat (whole, <, 0.7 * half);
}

/* No less like the scene without its noise. */
static void
test_detail (void)
{
  GstHarness *harness = upscale_harness ("model=live-clean stabilize=0.7");
  g_autoptr (Picture) clean = draw (4, 0, -1);
  g_autoptr (Picture) ideal = upscale (clean, "model=live-clean");
  double last = 0;

  for (guint n = 0; n < N_FRAMES; n++) {
    g_autoptr (Picture) in = draw (4, n + 1, -1);
    g_autoptr (Picture) alone = upscale (in, "model=live-clean");
    g_autoptr (Picture) out = upscale_with (harness, in, NULL);

    last = picture_psnr (out, ideal, 0, 0) - picture_psnr (alone, ideal, 0, 0);
  }
  g_assert_cmpfloat (last, >, 0.5);
  gst_harness_teardown (harness);
}

static void
check_alone (GstHarness *harness, const Picture *in, const char *properties)
{
  g_autoptr (Picture) alone = upscale (in, properties);
  g_autoptr (Picture) out = upscale_with (harness, in, NULL);

  g_assert_true (picture_is_equal (out, alone));
}

/* The first frame, one after a cut, and one after a seek do not depend on earlier ones. */
static void
test_cuts (void)
{
  const char *properties = "model=live stabilize=1";
  GstHarness *harness = upscale_harness (properties);
  g_autoptr (Picture) one = draw (4, 1, -1);
  g_autoptr (Picture) same = draw (4, 2, -1);
  g_autoptr (Picture) other = draw (4, 3, -1);
  GstSegment segment;

  check_alone (harness, one, properties);
  {
    g_autoptr (Picture) mixed = upscale_with (harness, same, NULL);
    g_autoptr (Picture) alone = upscale (same, properties);
    g_assert_false (picture_is_equal (mixed, alone));
  }
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  check_alone (harness, one, properties);
  for (guint y = 0; y < HEIGHT; y++) { /* all of it changes */
    for (guint x = 0; x < WIDTH; x++)
      picture_set (other, 0, x, y, picture_get (one, 0, x, y) < 128 ? 235 : 16);
  }
  check_alone (harness, other, properties);
  gst_harness_teardown (harness);
}

/* A box that moves over a still scene leaves hardly any trace. */
static void
test_motion (void)
{
  GstHarness *harness = upscale_harness ("model=live stabilize=1");

  for (gint n = 0; n < 5; n++) {
    g_autoptr (Picture) in = draw (4, 0, 22 * n);
    g_autoptr (Picture) alone = upscale (in, "model=live");
    g_autoptr (Picture) out = upscale_with (harness, in, NULL);

    g_assert_cmpfloat (get_change (out, alone), <, 0.1);
    g_assert_cmpuint (picture_max_difference (out, alone, 0, 0), <=, 16);
  }
  gst_harness_teardown (harness);
}

/* Fades are followed: level by level, and never by more than that behind. */
static void
test_fade (void)
{
  GstHarness *harness = upscale_harness ("model=live stabilize=1");

  for (guint level = 60; level < 90; level++) {
    g_autoptr (Picture) in = draw (4, 0, -1);
    g_autoptr (Picture) out = NULL;

    for (guint y = 0; y < HEIGHT; y++) {
      for (guint x = 0; x < WIDTH; x++)
        picture_set (in, 0, x, y, picture_get (in, 0, x, y) / 2 + level);
    }
    g_autoptr (Picture) alone = upscale (in, "model=live");
    out = upscale_with (harness, in, NULL);
    g_assert_cmpfloat (get_change (out, alone), <, 1);
  }
  gst_harness_teardown (harness);
}

/* Turned on and off while it plays. */
static void
test_changes (void)
{
  GstHarness *harness = upscale_harness ("model=live");
  GstElement *element = gst_harness_find_element (harness, "rfdnupscale");

  for (guint n = 1; n <= 6; n++) {
    g_autoptr (Picture) in = draw (4, n, -1);
    g_autoptr (Picture) alone = upscale (in, "model=live");
    g_autoptr (Picture) out = NULL;

    g_object_set (element, "stabilize", n == 3 || n == 4 ? 0.8 : 0.0, NULL);
    out = upscale_with (harness, in, NULL);
    /* Turned on at the third, which starts anew. */
    g_assert_cmpint (picture_is_equal (out, alone), ==, n != 4);
  }
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/stabilize/flicker", test_flicker);
  g_test_add_func ("/stabilize/detail", test_detail);
  g_test_add_func ("/stabilize/cuts", test_cuts);
  g_test_add_func ("/stabilize/motion", test_motion);
  g_test_add_func ("/stabilize/fade", test_fade);
  g_test_add_func ("/stabilize/changes", test_changes);
  return test_run ();
}
