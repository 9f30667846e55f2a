/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What accompanies the pixels: times, flags, metas, navigation. */

#include "util.h"

#include "gstrfdnmeta.h"

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

/* Raw frames from a file: the segment is in bytes, and buffers have no times. */
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

/* ---- places in the picture ------------------------------------------------------------------- */

#define BIG_CAPS "video/x-raw,format=I420,width=320,height=240,framerate=30/1"

typedef struct {
  gint x, y;
  guint width, height;
} Rectangle;

static void
assert_is (const Rectangle *r, gint x, gint y, guint width, guint height)
{
  g_assert_cmpint (x, ==, r->x);
  g_assert_cmpint (y, ==, r->y);
  g_assert_cmpuint (width, ==, r->width);
  g_assert_cmpuint (height, ==, r->height);
}

static GstVideoOverlayComposition *
overlay_new (const Rectangle *r)
{
  GstBuffer *pixels = gst_buffer_new_allocate (NULL, 4 * 4 * 4, NULL);
  GstVideoOverlayRectangle *rectangle;
  GstVideoOverlayComposition *composition;

  gst_buffer_memset (pixels, 0, 255, 64);
  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
                             GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 4, 4);
  rectangle = gst_video_overlay_rectangle_new_raw (pixels, r->x, r->y, r->width, r->height,
                                                   GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
  composition = gst_video_overlay_composition_new (rectangle);
  gst_video_overlay_rectangle_unref (rectangle);
  gst_buffer_unref (pixels);
  return composition;
}

static void
assert_overlay_is (GstBuffer *buffer, const Rectangle *wanted)
{
  GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta (buffer);
  gint x, y;
  guint width, height;

  g_assert_nonnull (meta);
  gst_video_overlay_rectangle_get_render_rectangle (
      gst_video_overlay_composition_get_rectangle (meta->overlay, 0), &x, &y, &width, &height);
  assert_is (wanted, x, y, width, height);
}

static void
assert_region_is (GstBuffer *buffer, const Rectangle *wanted)
{
  const GstVideoRegionOfInterestMeta *meta =
      gst_buffer_get_video_region_of_interest_meta_id (buffer, 4);

  g_assert_nonnull (meta);
  assert_is (wanted, (gint) meta->x, (gint) meta->y, meta->w, meta->h);
}

/* Regions and overlays stay on the same part of the picture, at any factors. */
static void
test_places (void)
{
  static const struct {
    const char *size;
    Rectangle small, large;
  } cases[] = {
      {"width=480,height=360", {10, 20, 30, 40}, {15, 30, 45, 60}},
      {"width=480,height=360", {0, 0, 320, 240}, {0, 0, 480, 360}},
      /* A side at half a pixel is rounded up, and so is a region that begins there. */
      {"width=480,height=360", {1, 3, 2, 2}, {2, 5, 3, 3}},
      {"width=480,height=360", {3, 5, 1, 1}, {5, 8, 1, 1}},
      {"width=800,height=360", {10, 20, 30, 40}, {25, 30, 75, 60}},
      {"width=640,height=480", {3, 5, 7, 9}, {6, 10, 14, 18}},
      {"width=960,height=720", {319, 239, 1, 1}, {957, 717, 3, 3}},
      {"width=1000,height=750", {100, 100, 100, 100}, {313, 313, 312, 312}},
      /* A region less than a pixel wide stays visible. */
      {"width=160,height=120", {4, 4, 1, 1}, {2, 2, 1, 1}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Rectangle *r = &cases[i].small;
    GstHarness *harness = upscale_harness ("");
    g_autofree char *caps = g_strdup_printf ("video/x-raw,%s", cases[i].size);
    GstBuffer *buffer = gray_frame (320 * 240 * 3 / 2);
    GstVideoOverlayComposition *overlay = overlay_new (r);

    gst_buffer_add_video_overlay_composition_meta (buffer, overlay);
    gst_video_overlay_composition_unref (overlay);
    gst_buffer_add_video_region_of_interest_meta (buffer, "face", (guint) r->x, (guint) r->y,
                                                  r->width, r->height)
        ->id = 4;
    gst_harness_set_sink_caps_str (harness, caps);
    gst_harness_set_src_caps_str (harness, BIG_CAPS);
    buffer = gst_harness_push_and_pull (harness, buffer);
    g_assert_nonnull (buffer);
    assert_overlay_is (buffer, &cases[i].large);
    assert_region_is (buffer, &cases[i].large);
    gst_buffer_unref (buffer);
    gst_harness_teardown (harness);
  }
}

/* The same for a picture with borders, and for one that extends beyond the frame. */
static void
test_places_with_borders (void)
{
  static const struct {
    GstVideoRectangle picture;
    Rectangle small, large;
  } cases[] = {
      {{0, 0, 480, 360}, {-3, -2, 4, 8}, {-4, -3, 6, 12}},
      {{120, 0, 720, 540}, {0, 0, 320, 240}, {120, 0, 720, 540}},
      {{120, 0, 720, 540}, {100, 80, 20, 40}, {345, 180, 45, 90}},
      {{0, 30, 640, 480}, {10, 20, 30, 40}, {20, 70, 60, 80}},
  };
  GstVideoInfo in, out;

  gst_rfdn_meta_init ();
  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_I420, 320, 240);
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_I420, 960, 540);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const GstRfdnPlacement placement = {320, 240, cases[i].picture};
    GstBuffer *small = gst_buffer_new (), *large = gst_buffer_new ();
    GstVideoOverlayComposition *overlay = overlay_new (&cases[i].small);
    GstRfdnOverlays overlays = {0};
    GstMeta *meta = (GstMeta *) gst_buffer_add_video_overlay_composition_meta (small, overlay);

    g_assert_cmpint (gst_rfdn_meta_transform (large, meta, small, &in, &out, &placement, &overlays),
                     ==, GST_RFDN_META_DONE);
    assert_overlay_is (large, &cases[i].large);
    gst_rfdn_overlays_clear (&overlays);
    gst_video_overlay_composition_unref (overlay);
    gst_buffer_unref (small);
    gst_buffer_unref (large);
  }
}

/* All that is known about a region stays known. */
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
  g_assert_cmpuint (region->roi_type, ==, g_quark_from_string ("face"));
  g_assert_cmpint (region->parent_id, ==, 2);
  param = gst_video_region_of_interest_meta_get_param (region, "detection");
  g_assert_nonnull (param);
  g_assert_true (gst_structure_has_field_typed (param, "confidence", G_TYPE_DOUBLE));
  gst_buffer_unref (buffer);
}

static GstVideoOverlayComposition *
enlarge_overlay (GstHarness *harness, GstVideoOverlayComposition *overlay)
{
  GstBuffer *buffer = gray_frame (FRAME_SIZE);
  GstVideoOverlayComposition *large;

  gst_buffer_add_video_overlay_composition_meta (buffer, overlay);
  buffer = gst_harness_push_and_pull (harness, buffer);
  g_assert_nonnull (buffer);
  large = gst_video_overlay_composition_ref (
      gst_buffer_get_video_overlay_composition_meta (buffer)->overlay);
  gst_buffer_unref (buffer);
  return large;
}

/* If the next frame has the same overlays, so has the next large frame: a sink that caches them by
 * sequence number need not upload them again. */
static void
test_same_overlays (void)
{
  static const Rectangle rectangle = {1, 2, 3, 4};
  GstHarness *harness = upscale_harness ("");
  GstVideoOverlayComposition *overlays[2], *large[3];

  gst_harness_set_src_caps_str (harness, CAPS);
  overlays[0] = overlay_new (&rectangle);
  overlays[1] = overlay_new (&rectangle);
  large[0] = enlarge_overlay (harness, overlays[0]);
  large[1] = enlarge_overlay (harness, overlays[0]);
  large[2] = enlarge_overlay (harness, overlays[1]);
  g_assert_true (large[0] == large[1]);
  g_assert_true (large[1] != large[2]);
  for (guint i = 0; i < 3; i++)
    gst_video_overlay_composition_unref (large[i]);
  gst_video_overlay_composition_unref (overlays[0]);
  gst_video_overlay_composition_unref (overlays[1]);
  gst_harness_teardown (harness);
}

/* Metas without positions are passed on unchanged; a crop of the small frame is not. */
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
  g_test_add_func ("/metas/places", test_places);
  g_test_add_func ("/metas/places-with-borders", test_places_with_borders);
  g_test_add_func ("/metas/region", test_region);
  g_test_add_func ("/metas/same-overlays", test_same_overlays);
  g_test_add_func ("/metas/other", test_other_metas);
  g_test_add_func ("/events/navigation", test_navigation);
  return test_run ();
}
