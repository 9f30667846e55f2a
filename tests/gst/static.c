/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that the plugin is linked into, and what the plugin says of itself. */

#include <gst/check/gstharness.h>
#include <stdio.h>
#include <string.h>

GST_PLUGIN_STATIC_DECLARE (rfdn);

/* The element comes from the program, and enlarges a frame. */
static void
test_frame (void)
{
  g_autoptr (GstPlugin) plugin = gst_registry_find_plugin (gst_registry_get (), "rfdn");
  GstHarness *harness;
  GstBuffer *buffer;

  g_assert_nonnull (plugin);
  g_assert_null (gst_plugin_get_filename (plugin));
  harness = gst_harness_new ("rfdnupscale");
  gst_harness_set_src_caps_str (harness,
                                "video/x-raw,format=GRAY8,width=32,height=24,framerate=30/1");
  buffer = gst_buffer_new_allocate (NULL, 32 * 24, NULL);
  gst_buffer_memset (buffer, 0, 128, 32 * 24);
  buffer = gst_harness_push_and_pull (harness, buffer);
  g_assert_nonnull (buffer);
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, 64 * 48);
  gst_buffer_unref (buffer);
  gst_harness_teardown (harness);
}

static void
test_description (void)
{
  g_autoptr (GstPlugin) plugin = gst_registry_find_plugin (gst_registry_get (), "rfdn");
  const char *date;
  guint year, month, day;

  g_assert_nonnull (plugin);
  g_assert_cmpstr (gst_plugin_get_license (plugin), ==, "LGPL");
  g_assert_cmpstr (gst_plugin_get_source (plugin), ==, "gst-rfdn");
  g_assert_cmpuint (strlen (gst_plugin_get_package (plugin)), >, 0);
  g_assert_cmpuint (strlen (gst_plugin_get_origin (plugin)), >, 0);
  date = gst_plugin_get_release_date_string (plugin);
  if (date == NULL)
    g_test_skip ("built from no repository, and without a date");
  else
    g_assert_cmpint (sscanf (date, "%4u-%2u-%2u", &year, &month, &day), ==, 3);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  GST_PLUGIN_STATIC_REGISTER (rfdn);
  g_test_add_func ("/static/frame", test_frame);
  g_test_add_func ("/static/description", test_description);
  result = g_test_run ();
  gst_deinit ();
  return result;
}
