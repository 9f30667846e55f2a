/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live.h"

GstHarness *
live_harness (const char *properties, guint width, guint height, const char *rate)
{
  GstHarness *harness = upscale_harness (properties);
  g_autofree char *caps = g_strdup_printf (
      "video/x-raw,format=I420,width=%u,height=%u,framerate=%s", width, height, rate);

  gst_harness_set_live (harness, TRUE);
  gst_harness_use_testclock (harness);
  gst_harness_set_src_caps_str (harness, caps);
  return harness;
}

GstBuffer *
new_frame (guint width, guint height, guint32 seed, GstClockTime pts, GstClockTime duration)
{
  g_autoptr (Picture) picture =
      picture_new_printf ("format=I420,width=%u,height=%u", width, height);
  GstBuffer *buffer;

  picture_fill_scene (picture, seed);
  buffer = gst_buffer_copy_deep (picture->buffer);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  return buffer;
}

GstBuffer *
push_frame (GstHarness *harness, GstBuffer *buffer)
{
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
  return gst_harness_try_pull (harness);
}

void
push_only (GstHarness *harness, GstBuffer *buffer)
{
  g_autoptr (GstBuffer) out = push_frame (harness, buffer);

  g_assert_nonnull (out);
}

static void
get_stat (GstHarness *harness, const char *name, GType type, gpointer value)
{
  GstElement *element = gst_harness_find_element (harness, "rfdnupscale");
  g_autoptr (GstStructure) stats = NULL;

  g_object_get (element, "stats", &stats, NULL);
  gst_object_unref (element);
  g_assert_true (gst_structure_get (stats, name, type, value, NULL));
}

guint64
get_count (GstHarness *harness, const char *name)
{
  guint64 value;

  get_stat (harness, name, G_TYPE_UINT64, &value);
  return value;
}

double
get_double (GstHarness *harness, const char *name)
{
  double value;

  get_stat (harness, name, G_TYPE_DOUBLE, &value);
  return value;
}
