/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ALLOCATION queries from upstream, at any time, and their answers. */

#include "util.h"

#include "gstrfdnmeta.h"

#include <gst/video/video-overlay-composition.h>

#define CAPS "video/x-raw,format=I420,width=32,height=24,framerate=30/1"

/* ---- what upstream may attach ---------------------------------------------------------------- */

/* The answer to upstream's query once frames flow. */
static GstQuery *
ask (GstHarness *harness)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  GstQuery *query = gst_query_new_allocation (caps, TRUE);

  gst_harness_set_src_caps (harness, g_steal_pointer (&caps));
  gst_buffer_unref (gst_harness_push_and_pull (harness, gray_frame (32 * 24 * 3 / 2)));
  g_assert_true (gst_pad_peer_query (harness->srcpad, query));
  return query;
}

/* GstVideoMeta, a pool of the right frames, and otherwise only what downstream asked for. */
static void
test_own (void)
{
  GstHarness *harness = upscale_harness ("");
  GstQuery *query = ask (harness);
  GstBufferPool *pool;
  guint size, min, max;

  g_assert_true (gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));
  g_assert_cmpuint (gst_query_get_n_allocation_metas (query), ==, 1);
  g_assert_cmpuint (gst_query_get_n_allocation_pools (query), ==, 1);
  gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, &min, &max);
  g_assert_nonnull (pool);
  g_assert_cmpuint (size, ==, 32 * 24 * 3 / 2);
  g_assert_cmpuint (max, ==, 0); /* upstream may have as many as it likes */
  gst_object_unref (pool);
  gst_query_unref (query);
  gst_harness_teardown (harness);
}

/* Upstream may attach the metas that downstream accepts if they survive enlarging: no crop, and
 * nothing about memory. */
static void
test_metas (void)
{
  GstHarness *harness = upscale_harness ("");
  GstQuery *query;

  gst_harness_add_propose_allocation_meta (harness, GST_VIDEO_CROP_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (harness, GST_VIDEO_GL_TEXTURE_UPLOAD_META_API_TYPE,
                                           NULL);
  gst_harness_add_propose_allocation_meta (harness, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE,
                                           NULL);
  gst_harness_add_propose_allocation_meta (harness, GST_VIDEO_CAPTION_META_API_TYPE, NULL);
  query = ask (harness);
  g_assert_false (gst_query_find_allocation_meta (query, GST_VIDEO_CROP_META_API_TYPE, NULL));
  g_assert_false (
      gst_query_find_allocation_meta (query, GST_VIDEO_GL_TEXTURE_UPLOAD_META_API_TYPE, NULL));
  g_assert_false (
      gst_query_find_allocation_meta (query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL));
  g_assert_true (
      gst_query_find_allocation_meta (query, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE, NULL));
  g_assert_true (gst_query_find_allocation_meta (query, GST_VIDEO_CAPTION_META_API_TYPE, NULL));
  gst_query_unref (query);
  gst_harness_teardown (harness);
}

/* Text must be drawn at the resolution at which it is shown: of the sink's window if there is one,
 * else of the large frame. */
static void
test_overlays (void)
{
  static const struct {
    const char *window;
    guint width, height;
  } cases[] = {
      {NULL, 64, 48},
      {"GstVideoOverlayCompositionMeta,width=(uint)1920,height=(uint)1080", 1920, 1080},
      {"GstVideoOverlayCompositionMeta,width=(uint)0,height=(uint)0", 64, 48},
      {"GstVideoOverlayCompositionMeta,shape=(string)round", 64, 48},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = upscale_harness ("");
    GstStructure *window =
        cases[i].window != NULL ? gst_structure_from_string (cases[i].window, NULL) : NULL;
    const GstStructure *params;
    guint index, width, height;
    GstQuery *query;

    gst_harness_add_propose_allocation_meta (harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE,
                                             window);
    query = ask (harness);
    g_assert_true (gst_query_find_allocation_meta (
        query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, &index));
    gst_query_parse_nth_allocation_meta (query, index, &params);
    g_assert_nonnull (params);
    g_assert_true (gst_structure_get (params, "width", G_TYPE_UINT, &width, "height", G_TYPE_UINT,
                                      &height, NULL));
    g_assert_cmpuint (width, ==, cases[i].width);
    g_assert_cmpuint (height, ==, cases[i].height);
    if (i == 3)
      g_assert_true (gst_structure_has_field (params, "shape"));
    gst_query_unref (query);
    gst_clear_structure (&window);
    gst_harness_teardown (harness);
  }
}

/* The overlay of the first frame that comes out. */
static GstPadProbeReturn
keep_overlay (GstPad *pad, GstPadProbeInfo *info, gpointer overlay)
{
  GstVideoOverlayCompositionMeta *meta =
      gst_buffer_get_video_overlay_composition_meta (GST_PAD_PROBE_INFO_BUFFER (info));
  GstVideoOverlayComposition **kept = overlay;

  if (*kept == NULL && meta != NULL)
    *kept = gst_video_overlay_composition_ref (meta->overlay);
  return GST_PAD_PROBE_OK;
}

/* Text over the small picture, for a sink that draws overlays: it has the resolution of the large
 * picture. */
static void
test_text (void)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("textoverlay");
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) element = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;
  GstVideoOverlayComposition *overlay = NULL;
  GstVideoOverlayRectangle *rectangle;
  GstBuffer *pixels;
  gint x, y;
  guint width, height;

  if (factory == NULL) {
    g_test_skip ("there is no textoverlay");
    return;
  }
  pipeline = gst_parse_launch ("videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=320,"
                               "height=240 ! textoverlay text=Text ! rfdnupscale name=upscale ! "
                               "video/x-raw(ANY),width=960 ! fakevideosink sync=false",
                               NULL);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "upscale");
  pad = gst_element_get_static_pad (element, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, keep_overlay, &overlay, NULL);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  g_assert_nonnull (overlay);
  rectangle = gst_video_overlay_composition_get_rectangle (overlay, 0);
  gst_video_overlay_rectangle_get_render_rectangle (rectangle, &x, &y, &width, &height);
  pixels = gst_video_overlay_rectangle_get_pixels_unscaled_raw (rectangle,
                                                                GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
  g_test_message ("%u pixels of text are shown on %u", gst_buffer_get_video_meta (pixels)->width,
                  width);
  /* Within a pixel of the small picture, the unit in which the text's source gives positions. */
  g_assert_cmpfloat_with_epsilon ((double) gst_buffer_get_video_meta (pixels)->width, width, 3.01);
  g_assert_cmpfloat_with_epsilon ((double) gst_buffer_get_video_meta (pixels)->height, height,
                                  3.01);
  gst_video_overlay_composition_unref (overlay);
}

/* With borders the small frame covers a part of the window. */
static void
test_overlays_with_borders (void)
{
  const GstRfdnPlacement placement = {320, 240, {120, 0, 720, 540}};
  GstQuery *query = gst_query_new_allocation (NULL, FALSE);
  GstStructure *window = gst_structure_new ("GstVideoOverlayCompositionMeta", "width", G_TYPE_UINT,
                                            1920, "height", G_TYPE_UINT, 1080, NULL);
  const GstStructure *params;
  guint width, height;
  GstVideoInfo out;

  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_I420, 960, 540);
  gst_query_add_allocation_meta (query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, window);
  gst_rfdn_meta_propose_overlays (query, &out, &placement);
  gst_query_parse_nth_allocation_meta (query, 0, &params);
  g_assert_true (gst_structure_get (params, "width", G_TYPE_UINT, &width, "height", G_TYPE_UINT,
                                    &height, NULL));
  g_assert_cmpuint (width, ==, 1440);
  g_assert_cmpuint (height, ==, 1080);
  gst_structure_free (window);
  gst_query_unref (query);
}

/* ---- while the element stops ----------------------------------------------------------------- */

#define N_STOPS 300

typedef struct {
  GstHarness *harness;
  GMutex upstream; /* where one thread at a time pushes and asks */
  gint done;
} Stopping;

static gpointer
query_allocation (gpointer data)
{
  Stopping *self = data;
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  guint n_answers = 0;

  while (!g_atomic_int_get (&self->done)) {
    GstQuery *query = gst_query_new_allocation (caps, TRUE);

    g_mutex_lock (&self->upstream);
    n_answers += gst_pad_peer_query (self->harness->srcpad, query);
    g_mutex_unlock (&self->upstream);
    gst_query_unref (query);
  }
  return GUINT_TO_POINTER (n_answers);
}

/* Each of these makes the next query renegotiate, and the next frame too. */
static gpointer
set_properties (gpointer data)
{
  Stopping *self = data;

  for (guint i = 0; !g_atomic_int_get (&self->done); i++)
    g_object_set (self->harness->element, "scale", 2 + i % 3, "resample", i % 2, "n-threads", 1,
                  NULL);
  return NULL;
}

/* It is answered or refused, but never uses memory that is being freed. */
static void
test_stopping (void)
{
  Stopping self = {.harness = upscale_harness ("n-threads=1")};
  GstElement *element = self.harness->element;
  GThread *query = g_thread_new ("query", query_allocation, &self);
  GThread *properties = g_thread_new ("properties", set_properties, &self);
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  guint n_answers;

  for (guint i = 0; i < N_STOPS; i++) {
    GstSegment segment;

    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), !=,
                     GST_STATE_CHANGE_FAILURE);
    gst_segment_init (&segment, GST_FORMAT_TIME);
    g_mutex_lock (&self.upstream);
    g_assert_true (gst_harness_push_event (self.harness, gst_event_new_stream_start ("a")));
    g_assert_true (gst_harness_push_event (self.harness, gst_event_new_caps (caps)));
    g_assert_true (gst_harness_push_event (self.harness, gst_event_new_segment (&segment)));
    if (i % 3 == 0)
      gst_harness_push (self.harness, gray_frame (32 * 24 * 3 / 2));
    g_mutex_unlock (&self.upstream);
    gst_element_set_state (element, GST_STATE_READY);
  }
  g_atomic_int_set (&self.done, TRUE);
  n_answers = GPOINTER_TO_UINT (g_thread_join (query));
  g_thread_join (properties);
  g_test_message ("%u queries were answered", n_answers);
  g_assert_cmpuint (n_answers, >, 0);
  gst_harness_teardown (self.harness);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/allocation/own", test_own);
  g_test_add_func ("/allocation/metas", test_metas);
  g_test_add_func ("/allocation/overlays", test_overlays);
  g_test_add_func ("/allocation/text", test_text);
  g_test_add_func ("/allocation/overlays-with-borders", test_overlays_with_borders);
  g_test_add_func ("/allocation/stopping", test_stopping);
  return test_run ();
}
