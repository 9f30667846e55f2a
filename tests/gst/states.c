/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The element's life: states, flushes, seeks, properties that change in between. */

#include "util.h"

#include <gst/base/gstbasetransform.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "usage.h"

#define CAPS "video/x-raw,format=I420,width=32,height=24,framerate=30/1"
#define FRAME_SIZE (32 * 24 * 3 / 2)

/* An incomplete frame is an error: no undefined picture is passed on. */
static void
test_unmappable (void)
{
  GstHarness *harness = upscale_harness ("");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_bus (harness->element, bus);
  gst_harness_set_src_caps_str (harness, CAPS);
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpint (
        gst_harness_push (harness, gst_buffer_new_allocate (NULL, FRAME_SIZE - 1, NULL)), ==,
        GST_FLOW_ERROR);
  }
  g_assert_cmpuint (gst_harness_buffers_in_queue (harness), ==, 0);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR));
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

/* ---- flushes and seeks ----------------------------------------------------------------------- */

static void
test_flush (void)
{
  GstHarness *harness = upscale_harness ("");
  GstSegment segment;

  gst_harness_set_src_caps_str (harness, CAPS);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *buffer = gray_frame (FRAME_SIZE);

    GST_BUFFER_PTS (buffer) = i * GST_SECOND;
    gst_buffer_unref (gst_harness_push_and_pull (harness, buffer));
    g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
    g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE)));
    gst_segment_init (&segment, GST_FORMAT_TIME);
    g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
  }
  gst_harness_teardown (harness);
}

/* 1920x1080 on one thread with the slowest built-in model without attention: a frame takes hundreds
 * of times as long as what is measured here. */
#define SLOW "model=balanced n-threads=1 reuse=false"
#define SLOW_CAPS "video/x-raw,format=I420,width=1920,height=1080,framerate=30/1"
#define SLOW_SIZE (1920 * 1080 * 3 / 2)

static gpointer
push_slow_frame (gpointer harness)
{
  return GINT_TO_POINTER (gst_harness_push (harness, gray_frame (SLOW_SIZE)));
}

/* A flush does not wait for the current frame: it takes a fraction of the frame's own time. */
static void
test_flush_in_frame (void)
{
  GstHarness *harness = upscale_harness (SLOW);
  gint64 begin, whole, answer;
  GstSegment segment;
  GThread *thread;

  gst_harness_set_src_caps_str (harness, SLOW_CAPS);
  gst_buffer_unref (gst_harness_push_and_pull (harness, gray_frame (SLOW_SIZE)));
  begin = g_get_monotonic_time ();
  gst_buffer_unref (gst_harness_push_and_pull (harness, gray_frame (SLOW_SIZE)));
  whole = g_get_monotonic_time () - begin;

  thread = g_thread_new ("push", push_slow_frame, harness);
  g_usleep ((gulong) (whole / 3));
  begin = g_get_monotonic_time ();
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==, GST_FLOW_FLUSHING);
  answer = g_get_monotonic_time () - begin;
  g_test_message ("a frame takes %.0f ms, a flush %.2f ms", (double) whole / 1000,
                  (double) answer / 1000);
  g_assert_cmpint (answer, <, whole / 4);
  g_assert_cmpuint (gst_harness_buffers_in_queue (harness), ==, 0);

  /* And the next frame is a whole one. */
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
  gst_buffer_unref (gst_harness_push_and_pull (harness, gray_frame (SLOW_SIZE)));
  gst_harness_teardown (harness);
}

/* The same for a seek in a pipeline, and for its end. */
static void
test_seek_in_frame (void)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "videotestsrc ! " SLOW_CAPS " ! rfdnupscale name=upscale " SLOW " ! fakesink name=sink",
      NULL);
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "upscale");
  g_autoptr (GstStructure) stats = NULL;
  gint64 begin;
  double whole, seek, stop;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==,
                   GST_STATE_CHANGE_SUCCESS);
  for (guint64 frames = 0; frames < 2; g_usleep (1000)) {
    g_clear_pointer (&stats, gst_structure_free);
    g_object_get (element, "stats", &stats, NULL);
    gst_structure_get_uint64 (stats, "frames", &frames);
  }
  g_assert_true (gst_structure_get_double (stats, "frame-ms-mean", &whole));

  g_usleep ((gulong) (whole * 1000 / 3));
  begin = g_get_monotonic_time ();
  g_assert_true (gst_element_seek_simple (pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
  seek = (double) (g_get_monotonic_time () - begin) / 1000;
  g_usleep ((gulong) (whole * 1000 / 3));
  begin = g_get_monotonic_time ();
  gst_element_set_state (pipeline, GST_STATE_NULL);
  stop = (double) (g_get_monotonic_time () - begin) / 1000;
  g_test_message ("a frame takes %.0f ms, a seek %.2f ms, stopping %.2f ms", whole, seek, stop);
  g_assert_cmpfloat (seek, <, whole / 4);
  g_assert_cmpfloat (stop, <, whole / 4);
}

/* ---- cycles ---------------------------------------------------------------------------------- */

#define CYCLES 200
#define WARM_UP 40
#define PARTS 5

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* KiB per cycle: the median over parts of the run. A leak grows in all of them; the allocator,
 * which has free memory from earlier tests, takes memory from the system or returns some only now
 * and then. */
static double
get_usual_growth (const Usage *usages, guint n)
{
  double growth[PARTS];

  for (guint i = 0; i < PARTS; i++)
    growth[i] = usage_get_slope (usages + n / PARTS * i, n / PARTS).memory;
  qsort (growth, PARTS, sizeof *growth, compare_doubles);
  return growth[PARTS / 2];
}

/* Threads, open files and memory do not grow with the number of times that a pipeline runs. */
static void
test_cycles (void)
{
  g_autoptr (GstElement) pipeline =
      gst_parse_launch ("videotestsrc num-buffers=2 ! video/x-raw,format=RGB,width=33,height=17 ! "
                        "rfdnupscale n-threads=3 ! fakesink",
                        NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  Usage usages[CYCLES], slope;

  if (!usage_get (&usages[0])) {
    g_test_skip ("/proc is not there");
    return;
  }
  for (guint i = 0; i < CYCLES; i++) {
    g_autoptr (GstMessage) message = NULL;

    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    message =
        gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    usage_get (&usages[i]);
  }
  slope = usage_get_slope (usages + WARM_UP, CYCLES - WARM_UP);
  slope.memory = get_usual_growth (usages + WARM_UP, CYCLES - WARM_UP);
  g_test_message ("a cycle adds %.4f threads, %.4f files, %.2f KiB; at the end %.0f, %.0f, %.0f",
                  slope.threads, slope.files, slope.memory, usages[CYCLES - 1].threads,
                  usages[CYCLES - 1].files, usages[CYCLES - 1].memory);
  /* The last pipeline's own threads may still be ending; and sanitizers keep freed memory for a
   * while. A frame is 1,683 bytes, the model and its scratch are half a megabyte. */
  g_assert_cmpfloat (fabs (slope.threads), <, 0.02);
  g_assert_cmpfloat (fabs (slope.files), <, 0.01);
#ifndef TEST_SANITIZED
  g_assert_cmpfloat (slope.memory, <, 8);
#endif
}

/* ---- properties while frames flow --------------------------------------------------------------
 */

typedef struct {
  guint n_caps;
} Counter;

static GstPadProbeReturn
count_caps (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Counter *counter = data;

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_CAPS)
    counter->n_caps++;
  return GST_PAD_PROBE_OK;
}

/* Each change takes effect at the next frame, with one renegotiation if the size changes and none
 * otherwise, and that frame is the same as from an element that always had these properties. */
static void
test_changes (void)
{
  static const struct {
    const char *property, *value;
    guint n_caps;
  } changes[] = {
      {"scale", "3", 1},          {"scale", "4", 1},        {"model", "live-clean", 0},
      {"scale", "2", 1},          {"model", "balanced", 0}, {"late-policy", "never", 0},
      {"late-policy", "drop", 0}, {"model", "live", 0},     {"late-policy", "degrade", 0},
      {"strength", "0.3", 0},     {"scale", "auto", 0},     {"reuse", "false", 0},
      {"tile-size", "16", 0},
  };
  GstHarness *harness = upscale_harness ("");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (harness->element, "src");
  Counter counter = {0};
  GString *properties = g_string_new (NULL);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, count_caps, &counter, NULL);
  for (guint i = 0; i <= G_N_ELEMENTS (changes); i++) {
    g_autoptr (Picture) small = picture_new ("format=I420,width=48,height=40,framerate=30/1");

    for (guint n = 0; n < 3; n++) {
      g_autoptr (Picture) large = NULL;
      g_autoptr (Picture) fresh = NULL;

      picture_fill_scene (small, 3 * i + n);
      large = upscale_with (harness, small, NULL);
      fresh = upscale (small, properties->str);
      g_assert_true (picture_is_equal (large, fresh));
    }
    g_assert_cmpuint (counter.n_caps, ==, i == 0 ? 1 : changes[i - 1].n_caps);
    counter.n_caps = 0;
    if (i == G_N_ELEMENTS (changes))
      break;
    gst_util_set_object_arg (G_OBJECT (harness->element), changes[i].property, changes[i].value);
    g_string_append_printf (properties, " %s=%s", changes[i].property, changes[i].value);
  }
  g_string_free (properties, TRUE);
  gst_harness_teardown (harness);
}

/* All properties change from another thread while frames flow. */
static gpointer
storm (gpointer data)
{
  static const char *const models[] = {"live", "live-clean", "balanced"};
  GstElement *element = data;

  for (guint i = 0; i < 600; i++) {
    g_autoptr (GstStructure) stats = NULL;

    g_object_set (element, "n-threads", i % 3, "tile-size", (i % 2) * 16, "tile-overlap",
                  (gint) (i % 5) - 1, "scale", i % 4 == 0 ? 2 : 0, "strength", (i % 11) / 10.0,
                  "late-policy", i % 3, "reuse", i % 2 == 0, "resample", i % 7 != 0, NULL);
    if (i % 10 == 0)
      g_object_set (element, "model", models[i / 10 % 3], NULL);
    g_object_get (element, "stats", &stats, NULL);
    g_usleep (200);
  }
  return NULL;
}

static void
test_storm (void)
{
  GstHarness *harness = upscale_harness ("");
  GThread *thread;

  gst_harness_set_src_caps_str (harness, CAPS);
  thread = g_thread_new ("storm", storm, harness->element);
  for (guint i = 0; i < 200; i++) {
    GstBuffer *buffer;

    gst_harness_push_upstream_event (
        harness, gst_event_new_qos (GST_QOS_TYPE_OVERFLOW, 0.5, -(gint64) GST_SECOND, GST_SECOND));
    buffer = gst_harness_push_and_pull (harness, gray_frame (FRAME_SIZE));
    g_assert_nonnull (buffer);
    g_assert_cmpuint (gst_buffer_get_size (buffer), ==, 4 * FRAME_SIZE);
    gst_buffer_unref (buffer);
  }
  g_thread_join (thread);
  gst_harness_teardown (harness);
}

typedef struct {
  GstElement *element;
  gint done;
} Changer;

/* All that caps depend on changes while upstream asks for them. */
static gpointer
change_caps (gpointer data)
{
  Changer *changer = data;

  for (guint i = 0; !g_atomic_int_get (&changer->done); i++)
    g_object_set (changer->element, "scale", 2 + i % 3, "resample", i % 2, NULL);
  return NULL;
}

/* Each answer uses a single state of the element. With two, down and up again, it would be empty,
 * and upstream would give up. */
static void
test_caps_meanwhile (void)
{
  GstHarness *harness = upscale_harness ("");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (harness->element, "sink");
  g_autoptr (GstCaps) filter = gst_caps_from_string (CAPS);
  Changer changer = {.element = harness->element};
  GThread *thread;

  gst_element_set_state (harness->element, GST_STATE_READY);
  thread = g_thread_new ("change", change_caps, &changer);
  for (guint i = 0; i < 10000; i++) {
    g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, filter);

    g_assert_false (gst_caps_is_empty (caps));
  }
  g_atomic_int_set (&changer.done, TRUE);
  g_thread_join (thread);
  gst_harness_teardown (harness);
}

/* ---- the class ------------------------------------------------------------------------------- */

/* Other memory is never mistaken for the system's: only frames that pass untouched may be in it. */
static void
test_features (void)
{
  static const char *const features[] = {"memory:DMABuf", "memory:GLMemory", "memory:VASurface"};
  GstHarness *harness = upscale_harness ("");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (harness->element, "sink");

  gst_harness_set_sink_caps_str (harness, "video/x-raw(ANY),width=64,height=48");
  for (guint i = 0; i < G_N_ELEMENTS (features); i++) {
    g_autofree char *text = g_strdup_printf (
        "video/x-raw(%s),format=I420,width=32,height=24,framerate=30/1", features[i]);
    g_autoptr (GstCaps) caps = gst_caps_from_string (text);
    g_autoptr (GstCaps) answer = gst_pad_query_caps (pad, caps);

    g_assert_true (gst_caps_is_empty (answer));
    gst_harness_set_src_caps (harness, g_steal_pointer (&caps));
    g_assert_cmpint (gst_harness_push (harness, gray_frame (FRAME_SIZE)), ==,
                     GST_FLOW_NOT_NEGOTIATED);
  }
  gst_harness_teardown (harness);
}

static void
test_class (void)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("rfdnupscale");
  g_autoptr (GstElement) element = NULL;
  guint n = 0;
  g_autofree GParamSpec **properties = NULL;

  g_assert_nonnull (factory);
  g_assert_cmpstr (gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_KLASS), ==,
                   "Filter/Converter/Video/Scaler");
  g_assert_cmpuint (gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)), ==, GST_RANK_NONE);

  element = gst_object_ref_sink (gst_element_factory_create (factory, NULL));
  g_assert_true (gst_base_transform_is_qos_enabled (GST_BASE_TRANSFORM (element)));
  properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++) {
    if (strcmp (g_type_name (properties[i]->owner_type), "GstRfdnUpscale") != 0)
      continue;
    g_assert_cmpuint (strlen (g_param_spec_get_blurb (properties[i])), >, 10);
    if (properties[i]->flags & G_PARAM_WRITABLE)
      g_assert_cmphex (properties[i]->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING),
                       !=, 0);
  }
}

/* Presets set their properties, and are found in the plugin's data folder. */
static void
test_presets (void)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rfdnupscale", NULL));
  g_auto (GStrv) names = NULL;
  g_autofree char *model = NULL;
  gint policy;

  g_assert_true (GST_IS_PRESET (element));
  names = gst_preset_get_preset_names (GST_PRESET (element));
  g_assert_nonnull (names);
  g_assert_true (g_strv_contains ((const char *const *) names, "realtime"));
  g_assert_true (g_strv_contains ((const char *const *) names, "quality"));
  for (guint i = 0; names[i] != NULL; i++) {
    g_autofree char *comment = NULL;

    g_assert_true (gst_preset_load_preset (GST_PRESET (element), names[i]));
    g_assert_true (gst_preset_get_meta (GST_PRESET (element), names[i], "comment", &comment));
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
                     GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (element, GST_STATE_NULL);
  }
  g_assert_true (gst_preset_load_preset (GST_PRESET (element), "quality"));
  g_object_get (element, "model", &model, "late-policy", &policy, NULL);
  g_assert_cmpstr (model, !=, "live");
  g_assert_cmpint (policy, ==, 2);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/states/unmappable", test_unmappable);
  g_test_add_func ("/states/flush", test_flush);
  g_test_add_func ("/states/flush-in-frame", test_flush_in_frame);
  g_test_add_func ("/states/seek-in-frame", test_seek_in_frame);
  g_test_add_func ("/states/cycles", test_cycles);
  g_test_add_func ("/states/changes", test_changes);
  g_test_add_func ("/states/storm", test_storm);
  g_test_add_func ("/states/caps-meanwhile", test_caps_meanwhile);
  g_test_add_func ("/states/features", test_features);
  g_test_add_func ("/states/class", test_class);
  g_test_add_func ("/states/presets", test_presets);
  return test_run ();
}
