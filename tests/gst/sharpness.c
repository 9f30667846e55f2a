/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The property `sharpness`: what it does to edges, when it takes effect, and what becomes of it
 * with a model that has no siblings. */

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include <math.h>
#include <string.h>

#include "util.h"

#define WIDTH 96
#define HEIGHT 64
#define BLACK 16
#define WHITE 235
#define HALO 8 /* levels above white; so many can be seen */

static const char *const sharpened[] = {"live"};

/* Mean square difference of neighbours in a row. */
static double
get_contrast (const Picture *picture)
{
  const guint width = picture_width (picture, 0), height = picture_height (picture, 0);
  double sum = 0;

  for (guint y = 0; y < height; y++) {
    for (guint x = 1; x < width; x++) {
      const double change =
          (double) picture_get (picture, 0, x, y) - (double) picture_get (picture, 0, x - 1, y);
      sum += change * change;
    }
  }
  return sum / height / (width - 1);
}

static Picture *
enlarge (const Picture *in, const char *model, guint scale, double sharpness, const char *more)
{
  g_autofree char *properties =
      g_strdup_printf ("model=%s scale=%u sharpness=%.2f %s", model, scale, sharpness, more);

  return upscale (in, properties);
}

/* Edges become steeper from -1 to 1, in floating point and in integers. */
static void
test_contrast (void)
{
  static const double values[] = {-1, -0.5, 0, 0.5, 1};
  g_autoptr (Picture) in = picture_new_printf ("format=GRAY8,width=%d,height=%d", WIDTH, HEIGHT);

  picture_fill_scene (in, 4);
  for (guint m = 0; m < G_N_ELEMENTS (sharpened); m++) {
    for (guint scale = 2; scale <= 4; scale++) {
      double before = 0, first = 0;
      for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
        g_autoptr (Picture) floats =
            enlarge (in, sharpened[m], scale, values[i], "precision=float32");
        g_autoptr (Picture) integers =
            enlarge (in, sharpened[m], scale, values[i], "precision=int16");
        const double contrast = get_contrast (floats);

        g_test_message ("%s x%u at %.1f: %.1f", sharpened[m], scale, values[i], contrast);
        g_assert_cmpfloat (contrast, >, before);
        g_assert_cmpuint (picture_max_difference (floats, integers, 0, 0), <=, 8);
        first = i == 0 ? contrast : first;
        before = contrast;
      }
      g_assert_cmpfloat (before, >, 1.2 * first);
    }
  }
}

/* How much of a pixel is black: strokes like those of letters, upright, lying, slanted and round,
 * with soft edges as fonts have them. */
static double
get_ink (double x, double y)
{
  static const double strokes[][4] = {{8, 8, 8, 30},   {8, 8, 22, 8},   {8, 19, 18, 19},
                                      {30, 30, 38, 8}, {38, 8, 46, 30}, {33, 22, 43, 22},
                                      {8, 40, 40, 56}, {8, 56, 40, 40}};
  const double ring = fabs (hypot (x - 68, y - 30) - 16);
  double least = ring;

  for (guint i = 0; i < G_N_ELEMENTS (strokes); i++) {
    const double *s = strokes[i], dx = s[2] - s[0], dy = s[3] - s[1];
    const double along = CLAMP (((x - s[0]) * dx + (y - s[1]) * dy) / (dx * dx + dy * dy), 0, 1);
    least = MIN (least, hypot (x - s[0] - along * dx, y - s[1] - along * dy));
  }
  return CLAMP (1.5 - least, 0, 1);
}

/* Black letters on white get no visible haloes. */
static void
test_haloes (void)
{
  g_autoptr (Picture) in = picture_new_printf ("format=GRAY8,width=%d,height=%d", WIDTH, HEIGHT);

  for (guint y = 0; y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++)
      picture_set (in, 0, x, y, (guint) lrint (WHITE + get_ink (x, y) * (BLACK - WHITE)));
  }
  for (guint m = 0; m < G_N_ELEMENTS (sharpened); m++) {
    for (guint scale = 2; scale <= 4; scale++) {
      g_autoptr (Picture) out = enlarge (in, sharpened[m], scale, 1, "");
      g_autoptr (Picture) plain = enlarge (in, sharpened[m], scale, 0, "");
      guint most = 0;

      g_assert_false (picture_is_equal (out, plain));
      for (guint y = 0; y < scale * HEIGHT; y++) {
        for (guint x = 0; x < scale * WIDTH; x++)
          most = MAX (most, picture_get (out, 0, x, y));
      }
      g_test_message ("%s x%u: %u on %d", sharpened[m], scale, most, WHITE);
      g_assert_cmpuint (most, <, WHITE + HALO);
    }
  }
}

/* A controller's values apply to the very frames whose time they have. */
static void
test_controlled (void)
{
  static const double values[] = {0, 1, -1, 0.25, 0};
  GstHarness *harness = upscale_harness ("model=live");
  g_autoptr (GstControlSource) source = gst_interpolation_control_source_new ();
  GstTimedValueControlSource *timed = GST_TIMED_VALUE_CONTROL_SOURCE (source);
  g_autoptr (Picture) in = picture_new_printf ("format=GRAY8,width=%d,height=%d", WIDTH, HEIGHT);

  picture_fill_scene (in, 5);
  g_object_set (source, "mode", GST_INTERPOLATION_MODE_NONE, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    g_assert_true (gst_timed_value_control_source_set (timed, i * GST_SECOND, values[i]));
  g_assert_true (gst_object_add_control_binding (
      GST_OBJECT (harness->element), gst_direct_control_binding_new_absolute (
                                         GST_OBJECT (harness->element), "sharpness", source)));
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autoptr (Picture) alone = enlarge (in, "live", 2, values[i], "");

    GST_BUFFER_PTS (in->buffer) = i * GST_SECOND;
    g_autoptr (Picture) out = upscale_with (harness, in, NULL);
    g_assert_true (picture_is_equal (out, alone));
  }
  gst_harness_teardown (harness);
}

/* A model without siblings is used as it is, and one warning names it and the property, even if
 * that is set while frames flow. Nothing else is lost: a frame that repeats is still reused. */
static void
test_without_siblings (void)
{
  GstHarness *harness = upscale_harness ("model=rfdn");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) in = picture_new_printf ("format=GRAY8,width=%d,height=%d", WIDTH, HEIGHT);
  g_autoptr (Picture) plain = NULL;
  g_autoptr (GstMessage) warning = NULL;
  g_autoptr (GstStructure) stats = NULL;
  guint64 reused;

  picture_fill_scene (in, 6);
  plain = upscale_with (harness, in, NULL);
  gst_element_set_bus (harness->element, bus);
  for (guint i = 0; i < 4; i++) {
    g_object_set (harness->element, "sharpness", 1 - 0.5 * i, NULL);
    g_autoptr (Picture) out = upscale_with (harness, in, NULL);
    g_assert_true (picture_is_equal (out, plain));
  }
  warning = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  g_assert_nonnull (warning);
  gst_message_parse_warning (warning, &error, NULL);
  g_assert_nonnull (strstr (error->message, "'rfdn'"));
  g_assert_nonnull (strstr (error->message, "'sharpness'"));
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
  g_object_get (harness->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "reused-rectangles", &reused));
  g_assert_cmpuint (reused, >, 0);
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/sharpness/contrast", test_contrast);
  g_test_add_func ("/sharpness/haloes", test_haloes);
  g_test_add_func ("/sharpness/controlled", test_controlled);
  g_test_add_func ("/sharpness/without-siblings", test_without_siblings);
  return test_run ();
}
