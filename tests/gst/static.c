/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that the plugin is linked into, and the plugin's description of itself. */

#include "gstrfdni18n.h"

#include "leaks.h"

#include <glib/gstdio.h>
#include <gst/check/gstharness.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

GST_PLUGIN_STATIC_DECLARE (rfdn);
const GstPluginDesc *gst_plugin_rfdn_get_desc (void);

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
  const GstPluginDesc *plugin = gst_plugin_rfdn_get_desc ();
  guint year, month, day;

  g_assert_cmpstr (plugin->license, ==, "LGPL");
  g_assert_cmpstr (plugin->source, ==, "gst-rfdn");
  g_assert_cmpuint (strlen (plugin->package), >, 0);
  g_assert_cmpuint (strlen (plugin->origin), >, 0);
  if (plugin->release_datetime == NULL)
    g_test_skip ("built from no repository, and without a date");
  else
    g_assert_cmpint (sscanf (plugin->release_datetime, "%4u-%2u-%2u", &year, &month, &day), ==, 3);
}

/* ---- messages in the user's language --------------------------------------------------------- */

#ifdef ENABLE_NLS

#define ORIGINAL "There is no model file '%s'."
#define TRANSLATED "Eine Modelldatei '%s' gibt es nicht."

/* A catalogue of one message, as gettext's manual lays it out. */
static void
write_catalogue (const char *path)
{
  static const char header[] = "Content-Type: text/plain; charset=UTF-8\n";
  const guint32 words[] = {
      0x950412de,
      0,
      2,
      28,
      44,
      0,
      60, /* magic, version, messages, three tables */
      0,
      60,
      sizeof ORIGINAL - 1,
      61, /* originals: length and place of each */
      sizeof header - 1,
      61 + sizeof ORIGINAL,
      sizeof TRANSLATED - 1,
      61 + sizeof ORIGINAL + sizeof header, /* translations */
  };
  GByteArray *bytes = g_byte_array_new ();

  g_assert_cmpuint (sizeof words, ==, 60);
  g_byte_array_append (bytes, (const guint8 *) words, sizeof words);
  g_byte_array_append (bytes, (const guint8 *) "", 1);
  g_byte_array_append (bytes, (const guint8 *) ORIGINAL, sizeof ORIGINAL);
  g_byte_array_append (bytes, (const guint8 *) header, sizeof header);
  g_byte_array_append (bytes, (const guint8 *) TRANSLATED, sizeof TRANSLATED);
  g_assert_true (g_file_set_contents (path, (const char *) bytes->data, bytes->len, NULL));
  g_byte_array_unref (bytes);
}

static char *
get_error (void)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rfdnupscale", NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (element, bus);
  g_object_set (element, "model", "/nowhere/a.safetensors", NULL);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  return g_strdup (error->message);
}

static void
test_language (void)
{
  g_autofree char *root = g_dir_make_tmp ("rfdn-locale-XXXXXX", NULL);
  g_autofree char *language = g_build_filename (root, "de", NULL);
  g_autofree char *folder = g_build_filename (language, "LC_MESSAGES", NULL);
  g_autofree char *path = g_build_filename (folder, GETTEXT_PACKAGE ".mo", NULL);
  g_autofree char *error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  write_catalogue (path);
  bindtextdomain (GETTEXT_PACKAGE, root);
  error = get_error ();
  g_dgettext (GETTEXT_PACKAGE, ORIGINAL); /* read while it is there */
  g_test_message ("%s", error);
  g_remove (path);
  g_rmdir (folder);
  g_rmdir (language);
  g_rmdir (root);
  if (strcmp (g_dgettext (GETTEXT_PACKAGE, ORIGINAL), TRANSLATED) != 0)
    g_test_skip ("the C library translates nothing in C.UTF-8");
  else
    g_assert_cmpstr (error, ==, "Eine Modelldatei '/nowhere/a.safetensors' gibt es nicht.");
}

#endif

int
main (int argc, char **argv)
{
  int result;

  g_setenv ("LANGUAGE", "de", TRUE);
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  leaks_allow (TRUE); /* to the plugins of others, which are scanned */
  gst_init (&argc, &argv);
  leaks_allow (FALSE);
  GST_PLUGIN_STATIC_REGISTER (rfdn);
  g_test_add_func ("/static/frame", test_frame);
  g_test_add_func ("/static/description", test_description);
#ifdef ENABLE_NLS
  g_test_add_func ("/static/language", test_language);
#endif
  result = g_test_run ();
  gst_deinit ();
  return result;
}
