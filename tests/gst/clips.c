/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Real clips through a pipeline: every frame arrives at its time, in its format, with its tags. */

#include "util.h"

#include "shared.h"

#include <string.h>

/* The output of a pipeline, as far as it is compared. */
typedef struct {
  guint limit;
  GArray *times;    /* of frames, up to `limit` */
  GPtrArray *sizes; /* "WxH", each time that it changes */
  GstCaps *caps;    /* the first */
  char *error;      /* NULL when the end was reached */
  guint n_own_errors;
} Seen;

static void
seen_clear (Seen *seen)
{
  g_clear_pointer (&seen->times, g_array_unref);
  g_clear_pointer (&seen->sizes, g_ptr_array_unref);
  gst_clear_caps (&seen->caps);
  g_free (seen->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Seen, seen_clear)

static GstPadProbeReturn
look (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Seen *seen = user_data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    const GstClockTime time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));

    if (seen->times->len == seen->limit)
      return GST_PAD_PROBE_DROP;
    g_array_append_val (seen->times, time);
    if (seen->times->len == seen->limit)
      gst_element_post_message (
          GST_PAD_PARENT (pad),
          gst_message_new_application (GST_OBJECT (pad), gst_structure_new_empty ("enough")));
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_CAPS) {
    const GstStructure *structure;
    GstCaps *caps;
    gint w = 0, h = 0;

    gst_event_parse_caps (GST_PAD_PROBE_INFO_EVENT (info), &caps);
    structure = gst_caps_get_structure (caps, 0);
    gst_structure_get_int (structure, "width", &w);
    gst_structure_get_int (structure, "height", &h);
    if (seen->caps == NULL)
      seen->caps = gst_caps_ref (caps);
    g_ptr_array_add (seen->sizes, g_strdup_printf ("%dx%d", w, h));
  }
  return GST_PAD_PROBE_OK;
}

/* Runs at most `limit` frames of a file through `filter`. */
static void
run (Seen *seen, const char *path, const char *filter, guint limit)
{
  g_autofree char *launch = g_strdup_printf (
      "filesrc location=\"%s\" ! decodebin ! %s ! fakesink name=sink", path, filter);
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstBus) bus = NULL;
  GstMessage *message;

  *seen = (Seen){.limit = limit,
                 .times = g_array_new (FALSE, FALSE, sizeof (GstClockTime)),
                 .sizes = g_ptr_array_new_with_free_func (g_free)};
  g_assert_nonnull (pipeline);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  pad = gst_element_get_static_pad (sink, "sink");
  bus = gst_element_get_bus (pipeline);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, look,
                     seen, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 300 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_APPLICATION);
  g_assert_nonnull (message);
  for (; message != NULL; message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR)) {
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      g_autoptr (GError) error = NULL;

      gst_message_parse_error (message, &error, NULL);
      if (seen->error == NULL)
        seen->error = g_strdup (error->message);
      seen->n_own_errors += g_str_has_prefix (GST_MESSAGE_SRC_NAME (message), "rfdnupscale");
    }
    gst_message_unref (message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

#define QUICK "rfdnupscale model=\"%s\""

static const struct {
  const char *file;
  guint limit;
  const char *fields; /* that the output's caps must have */
  gboolean broken;    /* decoding ends in an error, or may */
} clips[] = {
    {"HLG_hevc10_848x464_dogsnow_vorbis.mkv", 4,
     "format=I420_10LE,width=1696,height=928,colorimetry=bt2100-hlg"},
    {"PQ_av1_10bit_1920x1080_mdcv_clli_aac.mp4", 2, "width=3840,height=2160,colorimetry=bt2100-pq"},
    {"ODD_bear_vp9_161x121.webm", 20, "width=322,height=242"},
    {"ROTATE90_h264_848x464_aac.mp4", 4, "width=1696,height=928"},
    {"TRUNCATED_elephantsdream_h264_1024x576_matroskatest7_aac.mkv", 10000,
     "width=2048,height=1152"},
    {"bbb_h264_800x640_sar64x45.mp4", 4,
     "width=1600,height=1280,pixel-aspect-ratio=(fraction)64/45"},
    {"bear_vp9_320x240.webm", 20, "width=640,height=480"},
    {"foreman_cif_mpeg4asp_352x288.mp4", 20, "width=704,height=576"},
    {"forest_h264_848x464_aac.mkv", 20, "width=1696,height=928"},
    {"h264_444_320x180_anim.mkv", 20, "format=Y444,width=640,height=360"},
    {"parkjoy_raw420_480x270_10f.y4m", 20, "width=960,height=540"},
    {"phone_h264_518x488_fullrange_aac.mp4", 20, "width=1036,height=976"},
    {"roadtrip_vp9_10bit_426x240.webm", 20, "format=I420_10LE,width=852,height=480"},
    {"traffic_h264_1280x720_VFR.mp4", 40, "width=2560,height=1440"},
    {"CORRUPT_invalid_vp9.webm", 10000, NULL, TRUE},
};

/* As many frames, at the same times, as without the element; the input's caps except for the size
 * and fields that were filled in. A model that repeats pixels is fast, and sufficient here. */
static void
test_clip (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autofree char *relative = g_strconcat ("media/", clips[i].file, NULL);
  g_autofree char *path = shared_path (relative);
  g_autofree char *filter = g_strdup_printf (QUICK, nearest_model (1, 2));
  g_auto (Seen) plain = {0};
  g_auto (Seen) large = {0};

  if (!shared_or_skip (path))
    return;
  run (&plain, path, "identity", clips[i].limit);
  run (&large, path, filter, clips[i].limit);
  g_test_message ("%u frames, %s", large.times->len, large.error ? large.error : "to the end");

  g_assert_cmpuint (large.n_own_errors, ==, 0);
  if (!clips[i].broken)
    g_assert_null (large.error);
  g_assert_cmpuint (large.times->len, ==, plain.times->len);
  g_assert_cmpmem (large.times->data, large.times->len * sizeof (GstClockTime), plain.times->data,
                   plain.times->len * sizeof (GstClockTime));
  if (plain.caps == NULL)
    return;

  if (clips[i].fields != NULL) {
    g_autofree char *text = g_strconcat ("video/x-raw,", clips[i].fields, NULL);
    g_autoptr (GstCaps) expected = gst_caps_from_string (text);

    if (!gst_caps_is_subset (large.caps, expected)) {
      g_autofree char *got = gst_caps_to_string (large.caps);

      g_test_message ("the caps are %s", got);
      g_test_fail ();
    }
  }
  {
    GstVideoInfo before, after;
    const GstStructure *a = gst_caps_get_structure (plain.caps, 0);
    const GstStructure *b = gst_caps_get_structure (large.caps, 0);

    g_assert_true (gst_video_info_from_caps (&before, plain.caps));
    g_assert_true (gst_video_info_from_caps (&after, large.caps));
    g_assert_true (gst_video_colorimetry_is_equal (&before.colorimetry, &after.colorimetry));
    if (!gst_structure_has_field (a, "chroma-site"))
      g_assert_cmpint (before.chroma_site, ==, after.chroma_site);
    for (gint f = 0; f < gst_structure_n_fields (a); f++) {
      const char *name = gst_structure_nth_field_name (a, (guint) f);

      if (strcmp (name, "width") == 0 || strcmp (name, "height") == 0)
        continue;
      g_assert_true (gst_structure_has_field (b, name));
      g_assert_cmpint (
          gst_value_compare (gst_structure_get_value (a, name), gst_structure_get_value (b, name)),
          ==, GST_VALUE_EQUAL);
    }
  }
}

static void
test_size_change (void)
{
  g_autofree char *path = shared_path ("media/RESCHANGE_h264_848x464_to_424x232.h264");
  g_autofree char *filter = g_strdup_printf (QUICK, nearest_model (1, 2));
  g_auto (Seen) plain = {0};
  g_auto (Seen) large = {0};

  if (!shared_or_skip (path))
    return;
  run (&plain, path, "identity", 100000);
  run (&large, path, filter, 100000);
  g_assert_null (large.error);
  g_assert_cmpuint (large.times->len, ==, plain.times->len);
  g_assert_cmpuint (large.sizes->len, >=, 2);
  g_assert_cmpstr (large.sizes->pdata[0], ==, "1696x928");
  g_assert_cmpstr (large.sizes->pdata[large.sizes->len - 1], ==, "848x464");
}

static void
test_interlaced (void)
{
  g_autofree char *path = shared_path ("media/INTERLACED_tff_h264_640x360.mp4");
  g_auto (Seen) seen = {0};
  g_auto (Seen) deinterlaced = {0};

  if (!shared_or_skip (path))
    return;
  run (&seen, path, "rfdnupscale", 5);
  run (&deinterlaced, path, "deinterlace ! rfdnupscale", 5);
  g_assert_nonnull (seen.error);
  g_assert_nonnull (strstr (seen.error, "deinterlace"));
  g_assert_cmpuint (seen.n_own_errors, ==, 1);
  g_assert_cmpuint (seen.times->len, ==, 0);
  g_assert_null (deinterlaced.error);
  g_assert_cmpuint (deinterlaced.times->len, >, 0);
  g_assert_cmpstr (deinterlaced.sizes->pdata[0], ==, "1280x720");
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (clips); i++) {
    g_autofree char *path = g_strconcat ("/clips/", clips[i].file, NULL);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_clip);
  }
  g_test_add_func ("/clips/size-change", test_size_change);
  g_test_add_func ("/clips/interlaced", test_interlaced);
  return test_run ();
}
