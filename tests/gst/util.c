/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The element in a harness or a pipeline. */

#include "util.h"

#include "leaks.h"

GstHarness *
upscale_harness (const char *properties)
{
  g_autofree char *launch = g_strconcat ("rfdnupscale name=upscale ", properties, NULL);
  GstElement *element = gst_parse_launch (launch, NULL);
  GstHarness *harness;

  g_assert_nonnull (element);
  gst_object_ref_sink (element);
  harness = gst_harness_new_with_element (element, "sink", "src");
  g_assert_nonnull (harness);
  gst_object_unref (element);
  /* Nothing has to be in time unless a test says so. */
  gst_harness_set_live (harness, FALSE);
  return harness;
}

GstBuffer *
gray_frame (gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, 128, size);
  return buffer;
}

Picture *
upscale_with (GstHarness *harness, const Picture *in, const char *in_caps)
{
  GstCaps *caps = in_caps != NULL ? gst_caps_from_string (in_caps)
                                  : gst_video_info_to_caps ((GstVideoInfo *) &in->info);
  g_autoptr (GstCaps) out_caps = NULL;
  GstBuffer *buffer = gst_buffer_copy_deep (in->buffer);
  GstVideoInfo info;

  gst_harness_set_src_caps (harness, caps);
  buffer = gst_harness_push_and_pull (harness, buffer);
  g_assert_nonnull (buffer);
  out_caps = gst_pad_get_current_caps (harness->sinkpad);
  g_assert_nonnull (out_caps);
  g_assert_true (gst_video_info_from_caps (&info, out_caps));
  return picture_new_from_buffer (buffer, &info);
}

Picture *
upscale (const Picture *in, const char *properties)
{
  GstHarness *harness = upscale_harness (properties);
  Picture *out = upscale_with (harness, in, NULL);

  gst_harness_teardown (harness);
  return out;
}

char *
run_pipeline (const char *description, guint *n_errors)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  g_autoptr (GstBus) bus = NULL;
  GstMessage *message;
  char *text = NULL;
  guint count = 0;

  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 300 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  while (message != NULL) {
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      g_autoptr (GError) said = NULL;

      gst_message_parse_error (message, &said, NULL);
      if (text == NULL)
        text = g_strdup (said->message);
      if (g_str_has_prefix (GST_MESSAGE_SRC_NAME (message), "rfdnupscale"))
        count++;
    }
    gst_message_unref (message);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (n_errors != NULL)
    *n_errors = count;
  return text;
}

guint
good_width (const char *format, guint width)
{
  const GstVideoFormatInfo *info =
      gst_video_format_get_info (gst_video_format_from_string (format));
  const gboolean bad = GST_VIDEO_FORMAT_INFO_PSTRIDE (info, 0) == 0 ||
                       g_str_equal (format, "NV61") || g_str_equal (format, "VYUY");

  return bad ? width + width % 2 : width;
}

const char *const *
all_formats (void)
{
  static char **names;

  if (names == NULL) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find ("rfdnupscale");
    const GList *templates = gst_element_factory_get_static_pad_templates (factory);
    g_autoptr (GstCaps) caps = gst_static_pad_template_get_caps (templates->data);
    const GValue *formats = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
    const guint n = gst_value_list_get_size (formats);

    names = g_new0 (char *, n + 1);
    for (guint i = 0; i < n; i++)
      names[i] = g_value_dup_string (gst_value_list_get_value (formats, i));
  }
  return (const char *const *) names;
}

void
test_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, NULL);
  leaks_allow (TRUE); /* to the plugins of others, which the first program scans */
  gst_init (argc, argv);
  leaks_allow (FALSE);
  atexit (remove_model_files);
}

int
test_run (void)
{
  const int result = g_test_run ();

  gst_deinit ();
  return result;
}
