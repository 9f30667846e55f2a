/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What goes with the pixels: times, flags, metas, navigation. */

#include "util.h"

#include <glib/gstdio.h>
#include <gst/video/navigation.h>
#include <gst/video/video-overlay-composition.h>
#include <string.h>

#define CAPS "video/x-raw,format=I420,width=32,height=24,framerate=30/1"
#define FRAME_SIZE (32 * 24 * 3 / 2)

static GstBuffer *
enlarge (GstBuffer *buffer)
{
  GstHarness *harness = upscale_harness ("");

  gst_harness_set_src_caps_str (harness, CAPS);
  buffer = gst_harness_push_and_pull (harness, buffer);
  gst_harness_teardown (harness);
  g_assert_nonnull (buffer);
  return buffer;
}

/* Irregular times, as of variable frame rate; some fields unknown. */
static void
test_times (void)
{
  static const struct {
    GstClockTime pts, dts, duration;
    guint64 offset, offset_end;
    guint flags;
  } frames[] = {
      {0, 0, 33366666, 0, 1, GST_BUFFER_FLAG_DISCONT},
      {33366667, 1, 1, 1, 2, GST_BUFFER_FLAG_MARKER},
      {33366669, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_BUFFER_OFFSET_NONE,
       GST_BUFFER_OFFSET_NONE, 0},
      {5000000000, 4000000000, 7, 99, 100,
       GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_CORRUPTED | GST_BUFFER_FLAG_GAP},
      {5000000001, GST_CLOCK_TIME_NONE, 1000, 100, 101,
       GST_VIDEO_BUFFER_FLAG_FIRST_IN_BUNDLE | GST_VIDEO_BUFFER_FLAG_MULTIPLE_VIEW},
  };
  GstHarness *harness = upscale_harness ("");

  gst_harness_set_src_caps_str (harness, CAPS);
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
    GstBuffer *buffer = gray_frame (FRAME_SIZE);
    const guint ignored = GST_BUFFER_FLAG_TAG_MEMORY;

    GST_BUFFER_PTS (buffer) = frames[i].pts;
    GST_BUFFER_DTS (buffer) = frames[i].dts;
    GST_BUFFER_DURATION (buffer) = frames[i].duration;
    GST_BUFFER_OFFSET (buffer) = frames[i].offset;
    GST_BUFFER_OFFSET_END (buffer) = frames[i].offset_end;
    GST_BUFFER_FLAG_SET (buffer, frames[i].flags);
    buffer = gst_harness_push_and_pull (harness, buffer);
    g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, frames[i].pts);
    g_assert_cmpuint (GST_BUFFER_DTS (buffer), ==, frames[i].dts);
    g_assert_cmpuint (GST_BUFFER_DURATION (buffer), ==, frames[i].duration);
    g_assert_cmpuint (GST_BUFFER_OFFSET (buffer), ==, frames[i].offset);
    g_assert_cmpuint (GST_BUFFER_OFFSET_END (buffer), ==, frames[i].offset_end);
    g_assert_cmphex (GST_BUFFER_FLAGS (buffer) & ~ignored, ==, frames[i].flags);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (harness);
}

/* Raw frames out of a file: the segment counts bytes, and buffers have no times. */
static void
test_no_times (void)
{
  g_autofree char *folder = g_dir_make_tmp ("rfdn-metas-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "frames.yuv", NULL);
  g_autofree guint8 *frames = g_malloc0 (4 * FRAME_SIZE);
  g_autofree char *launch = g_strdup_printf ("filesrc location=%s blocksize=%u ! " CAPS
                                             " ! rfdnupscale name=rfdnupscale ! fakesink "
                                             "qos=true",
                                             path, FRAME_SIZE);
  g_autofree char *error = NULL;

  g_assert_true (g_file_set_contents (path, (const char *) frames, 4 * FRAME_SIZE, NULL));
  error = run_pipeline (launch, NULL);
  g_assert_null (error);
  g_remove (path);
  g_rmdir (folder);
}

static void
test_region (void)
{
  GstBuffer *buffer = gray_frame (FRAME_SIZE);
  GstVideoRegionOfInterestMeta *region =
      gst_buffer_add_video_region_of_interest_meta (buffer, "face", 3, 5, 7, 9);
  GstStructure *param;

  region->id = 4;
  region->parent_id = 2;
  gst_video_region_of_interest_meta_add_param (
      region, gst_structure_new ("detection", "confidence", G_TYPE_DOUBLE, 0.75, NULL));
  gst_buffer_add_video_region_of_interest_meta (buffer, "face", 0, 0, 1, 1);

  buffer = enlarge (buffer);
  g_assert_cmpuint (gst_buffer_get_n_meta (buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==,
                    2);
  region = gst_buffer_get_video_region_of_interest_meta_id (buffer, 4);
  g_assert_nonnull (region);
  g_assert_cmpuint (region->x, ==, 6);
  g_assert_cmpuint (region->y, ==, 10);
  g_assert_cmpuint (region->w, ==, 14);
  g_assert_cmpuint (region->h, ==, 18);
  g_assert_cmpint (region->parent_id, ==, 2);
  param = gst_video_region_of_interest_meta_get_param (region, "detection");
  g_assert_nonnull (param);
  g_assert_true (gst_structure_has_field_typed (param, "confidence", G_TYPE_DOUBLE));
  gst_buffer_unref (buffer);
}

static void
test_overlay (void)
{
  GstBuffer *buffer = gray_frame (FRAME_SIZE);
  GstBuffer *pixels = gst_buffer_new_allocate (NULL, 4 * 4 * 4, NULL);
  GstVideoOverlayRectangle *rectangle;
  GstVideoOverlayComposition *composition;
  GstVideoOverlayCompositionMeta *meta;
  gint x, y;
  guint w, h;

  gst_buffer_memset (pixels, 0, 255, 64);
  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
                             GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 4, 4);
  rectangle = gst_video_overlay_rectangle_new_raw (pixels, -2, 10, 4, 8,
                                                   GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
  composition = gst_video_overlay_composition_new (rectangle);
  gst_buffer_add_video_overlay_composition_meta (buffer, composition);
  gst_video_overlay_rectangle_unref (rectangle);
  gst_video_overlay_composition_unref (composition);
  gst_buffer_unref (pixels);

  buffer = enlarge (buffer);
  meta = gst_buffer_get_video_overlay_composition_meta (buffer);
  g_assert_nonnull (meta);
  rectangle = gst_video_overlay_composition_get_rectangle (meta->overlay, 0);
  gst_video_overlay_rectangle_get_render_rectangle (rectangle, &x, &y, &w, &h);
  g_assert_cmpint (x, ==, -4);
  g_assert_cmpint (y, ==, 20);
  g_assert_cmpuint (w, ==, 8);
  g_assert_cmpuint (h, ==, 16);
  gst_buffer_unref (buffer);
}

/* Metas that say nothing of places go on as they are; a crop of the small frame does not. */
static void
test_other_metas (void)
{
  static const guint8 caption[] = {0xfc, 0x94, 0x2c};
  GstBuffer *buffer = gray_frame (FRAME_SIZE);
  g_autoptr (GstCaps) clock = gst_caps_new_empty_simple ("timestamp/x-ntp");
  GstVideoTimeCodeMeta *code;
  GstVideoCaptionMeta *said;
  GstVideoCropMeta *crop;
  GstReferenceTimestampMeta *time;

  gst_buffer_add_video_time_code_meta_full (buffer, 25, 1, NULL, GST_VIDEO_TIME_CODE_FLAGS_NONE, 1,
                                            2, 3, 4, 0);
  gst_buffer_add_video_caption_meta (buffer, GST_VIDEO_CAPTION_TYPE_CEA708_RAW, caption,
                                     sizeof caption);
  gst_buffer_add_reference_timestamp_meta (buffer, clock, 12345, GST_CLOCK_TIME_NONE);
  crop = gst_buffer_add_video_crop_meta (buffer);
  crop->x = crop->y = 2;
  crop->width = crop->height = 8;

  buffer = enlarge (buffer);
  code = gst_buffer_get_video_time_code_meta (buffer);
  g_assert_nonnull (code);
  g_assert_cmpuint (code->tc.seconds, ==, 3);
  said = gst_buffer_get_video_caption_meta (buffer);
  g_assert_nonnull (said);
  g_assert_cmpmem (said->data, said->size, caption, sizeof caption);
  time = gst_buffer_get_reference_timestamp_meta (buffer, clock);
  g_assert_nonnull (time);
  g_assert_cmpuint (time->timestamp, ==, 12345);
  g_assert_null (gst_buffer_get_video_crop_meta (buffer));
  gst_buffer_unref (buffer);
}

/* Upstream is offered GstVideoMeta and a pool, and is not asked for crop metas. */
static void
test_allocation (void)
{
  GstHarness *harness = upscale_harness ("");
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  GstQuery *query;

  gst_harness_set_src_caps (harness, gst_caps_ref (caps));
  gst_buffer_unref (gst_harness_push_and_pull (harness, gray_frame (FRAME_SIZE)));
  query = gst_query_new_allocation (caps, TRUE);
  g_assert_true (gst_pad_peer_query (harness->srcpad, query));
  g_assert_true (gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));
  g_assert_false (gst_query_find_allocation_meta (query, GST_VIDEO_CROP_META_API_TYPE, NULL));
  gst_query_unref (query);
  gst_harness_teardown (harness);
}

static void
test_navigation (void)
{
  GstHarness *harness = upscale_harness ("");
  GstEvent *event;
  gdouble x, y;

  gst_harness_set_src_caps_str (harness, CAPS);
  gst_buffer_unref (gst_harness_push_and_pull (harness, gray_frame (FRAME_SIZE)));
  gst_harness_push_upstream_event (
      harness, gst_navigation_event_new_mouse_move (63.0, 11.0, GST_NAVIGATION_MODIFIER_NONE));
  while ((event = gst_harness_pull_upstream_event (harness)) != NULL &&
         GST_EVENT_TYPE (event) != GST_EVENT_NAVIGATION)
    gst_event_unref (event);
  g_assert_nonnull (event);
  g_assert_true (gst_navigation_event_get_coordinates (event, &x, &y));
  g_assert_cmpfloat (x, ==, 31.5);
  g_assert_cmpfloat (y, ==, 5.5);
  gst_event_unref (event);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/metas/times", test_times);
  g_test_add_func ("/metas/no-times", test_no_times);
  g_test_add_func ("/metas/region", test_region);
  g_test_add_func ("/metas/overlay", test_overlay);
  g_test_add_func ("/metas/other", test_other_metas);
  g_test_add_func ("/metas/allocation", test_allocation);
  g_test_add_func ("/events/navigation", test_navigation);
  return test_run ();
}
