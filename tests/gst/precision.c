/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Property precision: with integers the result equals the engine's, whatever the tiles and threads;
 * auto uses them if they are faster; what they cannot do is reported, and does not stop a running
 * stream. */

#include "util.h"

#include <string.h>

/* The engine's result for the luma of `small`. */
static Picture *
enlarge (const Picture *small, RfdnModel *model, RfdnPrecision precision)
{
  const guint scale = rfdn_model_get_info (model)->scale;
  Picture *large =
      picture_new_printf ("format=%s,width=%d,height=%d", GST_VIDEO_INFO_NAME (&small->info),
                          small->info.width * (gint) scale, small->info.height * (gint) scale);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  const RfdnPlane in = {GST_VIDEO_FRAME_COMP_DATA (&small->frame, 0),
                        GST_VIDEO_FRAME_COMP_STRIDE (&small->frame, 0),
                        (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (&small->frame, 0)};
  const RfdnPlane out = {GST_VIDEO_FRAME_COMP_DATA (&large->frame, 0),
                         GST_VIDEO_FRAME_COMP_STRIDE (&large->frame, 0),
                         (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (&large->frame, 0)};

  params.width = (guint) small->info.width;
  params.height = (guint) small->info.height;
  params.precision = precision;
  RfdnUpscaler *upscaler = rfdn_upscaler_new (model, &params, NULL);
  g_assert_nonnull (upscaler);
  rfdn_upscaler_run (upscaler, &in, &out);
  rfdn_upscaler_free (upscaler);
  return large;
}

static Picture *
new_scene (const char *format, guint width, guint height)
{
  Picture *scene = picture_new_printf ("format=%s,width=%u,height=%u", format, width, height);

  picture_fill_scene (scene, 3);
  return scene;
}

static void
test_engine (void)
{
  static const char *const formats[] = {"GRAY8", "I420", "NV12", "YUY2", "AYUV", "A420"};
  g_autoptr (RfdnModel) model = rfdn_model_new_builtin ("live", 2, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autoptr (Picture) small = new_scene (formats[i], 86, 50);
    g_autoptr (Picture) expected = enlarge (small, model, RFDN_PRECISION_INT16);
    g_autoptr (Picture) floats = enlarge (small, model, RFDN_PRECISION_FLOAT32);
    g_assert_cmpuint (picture_max_difference (expected, floats, 0, 0), >, 0);
    for (guint n = 1; n <= 3; n++) {
      g_autofree char *properties =
          g_strdup_printf ("model=live precision=int16 n-threads=%u tile-size=%u", n, (n - 1) * 16);
      g_autoptr (Picture) large = upscale (small, properties);
      g_assert_cmpuint (picture_max_difference (large, expected, 0, 0), ==, 0);
    }
  }
}

static void
force (const char *level)
{
  if (level != NULL)
    g_assert_true (g_setenv ("RFDN_CPU", level, TRUE));
  else
    g_unsetenv ("RFDN_CPU");
}

/* Luma of `network`, blended with that of `plain` by integers: `weight` of 256. */
static void
fade (Picture *network, const Picture *plain, gint weight)
{
  for (gint y = 0; y < network->info.height; y++) {
    guint8 *row = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (&network->frame, 0) +
                  y * GST_VIDEO_FRAME_COMP_STRIDE (&network->frame, 0);
    const guint8 *other = (const guint8 *) GST_VIDEO_FRAME_COMP_DATA (&plain->frame, 0) +
                          y * GST_VIDEO_FRAME_COMP_STRIDE (&plain->frame, 0);
    for (gint x = 0; x < network->info.width; x++)
      row[x] = (guint8) ((256 * other[x] + weight * (row[x] - other[x]) + 128) / 256);
  }
}

/* Any strength, chroma included: the same bits at every CPU level, in any tiles, by any threads. */
static void
test_strength (void)
{
  static const struct {
    const char *text;
    gint weight;
  } strengths[] = {{"1", 256}, {"0.3", 77}, {"0.9", 230}, {"0.001", 0}};
  g_autofree char *before = g_strdup (g_getenv ("RFDN_CPU"));
  g_autoptr (RfdnModel) model = rfdn_model_new_builtin ("live", 2, NULL);
  g_autoptr (Picture) small = new_scene ("I420", 86, 50);
  g_autoptr (Picture) plain = upscale (small, "model=live precision=int16 strength=0");

  for (guint i = 0; i < G_N_ELEMENTS (strengths); i++) {
    g_autoptr (Picture) luma = enlarge (small, model, RFDN_PRECISION_INT16);
    g_autoptr (Picture) chroma = NULL;
    fade (luma, plain, strengths[i].weight);
    for (RfdnCpu cpu = RFDN_CPU_SCALAR; cpu <= RFDN_CPU_NEON; cpu++) {
      for (guint n = 1; rfdn_cpu_is_available (cpu) && n <= 3; n++) {
        g_autofree char *properties =
            g_strdup_printf ("model=live precision=int16 strength=%s n-threads=%u tile-size=%u",
                             strengths[i].text, n, (n - 1) * 16);
        force (rfdn_cpu_get_name (cpu));
        g_autoptr (Picture) large = upscale (small, properties);
        g_assert_cmpuint (picture_max_difference (large, luma, 0, 0), ==, 0);
        if (chroma == NULL)
          chroma = g_steal_pointer (&large);
        else
          g_assert_true (picture_is_equal (large, chroma));
      }
    }
  }
  force (before);
}

/* Auto chooses the same as the engine's auto; floats if integers are not possible. */
static void
test_auto (void)
{
  static const char *const models[] = {"live", "balanced", "rfdn"};

  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    g_autoptr (RfdnModel) model = rfdn_model_new_builtin (models[i], 2, NULL);
    g_autoptr (Picture) small = new_scene ("I420", 86, 50);
    g_autoptr (Picture) expected = enlarge (small, model, RFDN_PRECISION_AUTO);
    g_autofree char *properties = g_strdup_printf ("model=%s", models[i]);
    g_autoptr (Picture) large = upscale (small, properties);
    g_assert_cmpuint (picture_max_difference (large, expected, 0, 0), ==, 0);
  }
  g_autoptr (Picture) deep = new_scene ("I420_10LE", 86, 50);
  g_autoptr (Picture) with_auto = upscale (deep, "model=live");
  g_autoptr (Picture) with_floats = upscale (deep, "model=live precision=float32");
  g_assert_true (picture_is_equal (with_auto, with_floats));
}

/* From one frame to the next. */
static void
test_change (void)
{
  g_autoptr (RfdnModel) model = rfdn_model_new_builtin ("live", 2, NULL);
  g_autoptr (Picture) small = new_scene ("GRAY8", 86, 50);
  g_autoptr (Picture) integers = enlarge (small, model, RFDN_PRECISION_INT16);
  g_autoptr (Picture) floats = enlarge (small, model, RFDN_PRECISION_FLOAT32);
  GstHarness *harness = upscale_harness ("model=live precision=int16");

  for (guint i = 0; i < 4; i++) {
    gint precision;
    gst_util_set_object_arg (G_OBJECT (harness->element), "precision", i % 2 ? "float32" : "int16");
    g_object_get (harness->element, "precision", &precision, NULL);
    g_assert_cmpint (precision, ==, i % 2 ? RFDN_PRECISION_FLOAT32 : RFDN_PRECISION_INT16);
    g_autoptr (Picture) large = upscale_with (harness, small, NULL);
    g_assert_true (picture_is_equal (large, i % 2 ? floats : integers));
  }
  gst_harness_teardown (harness);
}

static void
test_impossible (void)
{
  const struct {
    const char *format, *model, *text;
  } cases[] = {
      {"I420_10LE", "live", "samples of 8 bits"},
      {"I420", nearest_model (1, 2), "has no steps"},
      {"RGB", nearest_model (1, 2), "has no steps"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint n_errors;
    g_autofree char *pipeline =
        g_strdup_printf ("videotestsrc num-buffers=2 ! video/x-raw,format=%s,width=64,height=48 ! "
                         "rfdnupscale model=\"%s\" precision=int16 ! fakesink",
                         cases[i].format, cases[i].model);
    g_autofree char *error = run_pipeline (pipeline, &n_errors);
    g_assert_nonnull (error);
    g_test_message ("%s", error);
    g_autofree char *begin = g_strdup_printf (
        "With the model '%s' the property 'precision' must be auto or float32", cases[i].model);
    g_assert_true (g_str_has_prefix (error, begin));
    g_assert_nonnull (strstr (error, cases[i].text));
    g_assert_cmpuint (n_errors, ==, 1);
  }
}

/* ---- while frames flow ----------------------------------------------------------------------- */

static void
assert_properties (GObject *element, const char *model, const char *precision)
{
  g_autoptr (GEnumClass) values = g_type_class_ref (G_PARAM_SPEC_VALUE_TYPE (
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), "precision")));
  g_autofree char *name = NULL;
  gint value;

  g_object_get (element, "model", &name, "precision", &value, NULL);
  g_assert_cmpstr (name, ==, model);
  g_assert_cmpstr (g_enum_get_value (values, value)->value_nick, ==, precision);
}

/* One of this text, and no error. */
static void
assert_warning (GstBus *bus, const char *why, const char *stays)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  g_autoptr (GError) warning = NULL;

  g_assert_nonnull (message);
  gst_message_parse_warning (message, &warning, NULL);
  g_test_message ("%s", warning->message);
  g_assert_error (warning, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
  g_assert_nonnull (strstr (warning->message, "the property 'precision' must be auto or float32"));
  g_assert_nonnull (strstr (warning->message, why));
  g_assert_true (g_str_has_suffix (warning->message, stays));
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer count)
{
  (*(guint *) count)++;
}

/* An impossible setting while frames flow is reported, and the former one stays in use. */
static void
test_refused (void)
{
  const struct {
    const char *format, *precision; /* with the model `live` */
    const char *property, *value;   /* that cannot be had with them */
    const char *why, *stays;
  } cases[] = {
      {"I420_10LE", "auto", "precision", "int16", "samples of 8 bits", "The precision stays auto."},
      {"I420_10LE", "float32", "precision", "int16", "samples", "The precision stays float32."},
      {"RGB", "auto", "precision", "int16", "luma has 16", "The precision stays auto."},
      {"I420", "int16", "model", nearest_model (1, 2), "has no steps",
       "The model 'live' stays in use."},
      {"UYVP", "auto", "precision", "int16", "samples", "The precision stays auto."},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *properties =
        g_strdup_printf ("model=live scale=2 precision=%s", cases[i].precision);
    g_autoptr (Picture) small = new_scene (cases[i].format, 86, 50);
    g_autoptr (Picture) expected = upscale (small, properties);
    GstHarness *harness = upscale_harness (properties);
    GObject *element = G_OBJECT (harness->element);
    g_autoptr (GstBus) bus = gst_bus_new ();
    g_autofree char *signal = g_strconcat ("notify::", cases[i].property, NULL);
    guint n_notified = 0;

    gst_element_set_bus (harness->element, bus);
    picture_free (upscale_with (harness, small, NULL));
    gst_util_set_object_arg (element, cases[i].property, cases[i].value);
    g_signal_connect (element, signal, G_CALLBACK (count_notify), &n_notified);
    for (guint n = 0; n < 3; n++) {
      g_autoptr (Picture) large = upscale_with (harness, small, NULL);
      g_assert_true (picture_is_equal (large, expected));
    }
    g_assert_cmpuint (n_notified, ==, 1);
    assert_properties (element, "live", cases[i].precision);
    assert_warning (bus, cases[i].why, cases[i].stays);
    gst_element_set_bus (harness->element, NULL);
    gst_harness_teardown (harness);
  }
}

/* Properties set in one call are accepted or refused together. */
static void
test_refused_together (void)
{
  g_autoptr (Picture) small = new_scene ("I420", 86, 50);
  g_autoptr (Picture) expected = upscale (small, "model=live precision=float32");
  g_autoptr (Picture) others = upscale (small, "model=balanced precision=int16");
  GstHarness *harness = upscale_harness ("model=live precision=float32");
  GObject *element = G_OBJECT (harness->element);
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_element_set_bus (harness->element, bus);
  picture_free (upscale_with (harness, small, NULL));
  g_object_set (element, "model", nearest_model (1, 2), "precision", RFDN_PRECISION_INT16, NULL);
  g_autoptr (Picture) large = upscale_with (harness, small, NULL);
  g_assert_true (picture_is_equal (large, expected));
  assert_properties (element, "live", "float32");
  assert_warning (bus, "has no steps", "The model 'live' stays in use.");
  g_object_set (element, "precision", RFDN_PRECISION_INT16, "model", "balanced", NULL);
  g_autoptr (Picture) next = upscale_with (harness, small, NULL);
  g_assert_true (picture_is_equal (next, others));
  assert_properties (element, "balanced", "int16");
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

static void
set_scale (GstHarness *harness, guint scale, const char *precision)
{
  g_object_set (harness->element, "scale", scale, NULL);
  gst_util_set_object_arg (G_OBJECT (harness->element), "precision", precision);
}

static void
assert_frame (GstHarness *harness, gsize size, gsize scale)
{
  GstBuffer *buffer = gst_harness_push_and_pull (harness, gray_frame (size));

  g_assert_nonnull (buffer);
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, size * scale * scale);
  gst_buffer_unref (buffer);
}

#define GRAY8 "video/x-raw,format=GRAY8,width=16,height=16,framerate=30/1"
#define GRAY16 "video/x-raw,format=GRAY16_LE,width=16,height=16,framerate=30/1"

/* After a frame that could not be enlarged, the next one can, whatever has been set meanwhile. */
static void
test_failed_change (void)
{
  for (guint flush = 0; flush < 2; flush++) {
    const gsize size = (flush ? 1 : 2) * 16 * 16;

    for (guint next = 2; next <= 4; next++) {
      GstHarness *harness = upscale_harness ("model=live scale=2 precision=int16");
      g_autoptr (GstBus) bus = gst_bus_new ();
      GstPad *pad = gst_element_get_static_pad (harness->element, "src");
      gst_element_set_bus (harness->element, bus);
      gst_harness_set_src_caps_str (harness, GRAY8);
      assert_frame (harness, 16 * 16, 2);
      /* Frames become larger, but downstream cannot be told; or they get 16 bits, which integers
       * cannot enlarge. */
      g_object_set (harness->element, "scale", 3, NULL);
      if (flush)
        GST_PAD_SET_FLUSHING (pad);
      else
        gst_harness_set_src_caps_str (harness, GRAY16);
      g_assert_cmpint (gst_harness_push (harness, gray_frame (size)), !=, GST_FLOW_OK);
      GST_PAD_UNSET_FLUSHING (pad);
      g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
      g_assert_true ((message == NULL) == (flush == 1));
      set_scale (harness, next, "auto");
      assert_frame (harness, size, next);
      assert_frame (harness, size, next);
      g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR));
      gst_element_set_bus (harness->element, NULL);
      gst_object_unref (pad);
      gst_harness_teardown (harness);
    }
  }
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/precision/engine", test_engine);
  g_test_add_func ("/precision/strength", test_strength);
  g_test_add_func ("/precision/auto", test_auto);
  g_test_add_func ("/precision/change", test_change);
  g_test_add_func ("/precision/impossible", test_impossible);
  g_test_add_func ("/precision/refused", test_refused);
  g_test_add_func ("/precision/refused/together", test_refused_together);
  g_test_add_func ("/precision/failed-change", test_failed_change);
  return test_run ();
}
