/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bad models, through the element: one error that names the file and what is wrong. */

#include "util.h"

#include "rfdn.h"
#include "synthetic.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

/* Tries a model, expects one error of the element, and that it names `name` and `what`. */
static void
expect_error (const char *properties, GQuark domain, gint code, const char *name, const char *what)
{
  g_autofree char *launch = g_strdup_printf ("rfdnupscale %s", properties);
  g_autoptr (GstElement) element = gst_parse_launch (launch, NULL);
  g_autoptr (GstBus) bus = gst_bus_new ();
  GstMessage *message;

  g_assert_nonnull (element);
  gst_object_ref_sink (element);
  gst_element_set_bus (element, bus);
  /* Twice: the second time must be like the first. */
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
                     GST_STATE_CHANGE_FAILURE);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    gst_message_parse_error (message, &error, NULL);
    gst_message_unref (message);
    g_assert_error (error, domain, code);
    if (strstr (error->message, name) == NULL || strstr (error->message, what) == NULL)
      g_error ("'%s' does not name '%s' and '%s'", error->message, name, what);
    if (i == 0)
      g_test_message ("%s", error->message);
    g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR));
    gst_element_set_state (element, GST_STATE_NULL);
  }
  gst_element_set_bus (element, NULL);
}

static char *
write_file (const char *name, gconstpointer data, gsize size)
{
  char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  return path;
}

static void
test_missing (void)
{
  expect_error ("model=/nowhere/a.safetensors", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                "/nowhere/a.safetensors", "no model file");
  expect_error ("model=a.safetensors", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                "a.safetensors", "no model file");
  expect_error ("model=no-such-model", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                "no-such-model", rfdn_builtin_models ()->name);
  expect_error ("model=\"\"", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "''",
                rfdn_builtin_models ()->name);
}

static void
test_directory (void)
{
  g_autofree char *properties = g_strdup_printf ("model=%s", folder);

  expect_error (properties, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, folder, "directory");
}

static void
test_device (void)
{
  g_autofree char *path = g_build_filename (folder, "pipe.safetensors", NULL);
  g_autofree char *properties = g_strdup_printf ("model=%s", path);

  expect_error ("model=/dev/zero", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, "/dev/zero",
                "not a file");
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  expect_error (properties, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, path, "not a file");
  g_remove (path);
}

static void
test_unreadable (void)
{
  g_autofree char *path = write_file ("secret.safetensors", "x", 1);
  g_autofree char *properties = g_strdup_printf ("model=%s", path);

  g_assert_cmpint (g_chmod (path, 0), ==, 0);
  if (g_access (path, R_OK) == 0)
    g_test_skip ("this user may read everything");
  else
    expect_error (properties, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, path, "read");
  g_remove (path);
}

/* Sparse, so that it takes no room. */
static void
test_huge (void)
{
  g_autofree char *path = g_build_filename (folder, "huge.safetensors", NULL);
  g_autofree char *properties = g_strdup_printf ("model=%s", path);
  FILE *file = g_fopen (path, "wb");

  g_assert_nonnull (file);
  g_assert_cmpint (fseek (file, (1l << 30) + 1, SEEK_SET), ==, 0);
  g_assert_cmpint (fputc (0, file), ==, 0);
  fclose (file);
  expect_error (properties, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, path, "too large");
  g_remove (path);
}

static void
test_truncated (void)
{
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (nearest_model (1, 2), &data, &size, NULL));
  for (gsize length = 0; length < size; length += 1 + length / 60) {
    g_autofree char *path = write_file ("cut.safetensors", data, length);
    g_autofree char *properties = g_strdup_printf ("model=%s", path);

    expect_error (properties, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, path, "not a usable");
    g_remove (path);
  }
}

static void
test_not_a_model (void)
{
  static const struct {
    const char *name, *text;
  } files[] = {
      {"text.safetensors", "This is a sentence, and not a model of anything at all."},
      {"length.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{}"},
      {"negative.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff{}"},
      {"json.safetensors", "\x02\0\0\0\0\0\0\0[]"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = write_file (files[i].name, files[i].text, i == 0 ? 55 : 10);
    g_autofree char *properties = g_strdup_printf ("model=%s", path);

    expect_error (properties, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, path, "not a usable");
    g_remove (path);
  }
}

/* A well-formed file of something else, and one whose weights are not numbers. */
static void
test_not_a_network (void)
{
  float values[] = {1, 2, 3, 4};
  const SyntheticTensor tensor = {"layer.weight", 2, {2, 2}, values};
  g_autoptr (GBytes) bytes = synthetic_file_new (&tensor, 1, NULL);
  g_autofree char *path =
      write_file ("other.safetensors", g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_autofree char *properties = g_strdup_printf ("model=%s", path);
  g_autofree char *data = NULL;
  g_autofree char *nan_path = NULL;
  g_autofree char *nan_properties = NULL;
  gsize size;

  expect_error (properties, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, path, "network");
  g_remove (path);

  g_assert_true (g_file_get_contents (nearest_model (1, 2), &data, &size, NULL));
  memset (data + size - 4, 0xff, 4);
  nan_path = write_file ("nan.safetensors", data, size);
  nan_properties = g_strdup_printf ("model=%s", nan_path);
  expect_error (nan_properties, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, nan_path, "finite");
  g_remove (nan_path);
}

static void
test_scale (void)
{
  g_autofree char *path_x2 = g_strdup_printf ("model=%s scale=3", nearest_model (1, 2));

  for (const RfdnBuiltin *builtin = rfdn_builtin_models (); builtin->name != NULL; builtin++) {
    for (guint scale = 2; scale <= 4; scale++) {
      g_autofree char *properties = g_strdup_printf ("model=%s scale=%u", builtin->name, scale);
      g_autofree char *by = g_strdup_printf ("by %u", scale);

      if (!(builtin->scales & (1u << scale)))
        expect_error (properties, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, builtin->name, by);
    }
  }
  expect_error (path_x2, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, nearest_model (1, 2), "x2");
}

/* The scale is changed to one that the model has not got while frames flow. */
static void
test_scale_while_playing (void)
{
  g_autofree char *properties = g_strdup_printf ("model=%s", nearest_model (1, 2));
  GstHarness *harness = upscale_harness (properties);
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (harness->element, bus);
  gst_harness_set_src_caps_str (harness,
                                "video/x-raw,format=GRAY8,width=16,height=16,framerate=30/1");
  gst_buffer_unref (gst_harness_push_and_pull (harness, gst_buffer_new_allocate (NULL, 256, NULL)));
  g_object_set (harness->element, "scale", 4, NULL);
  g_assert_cmpint (gst_harness_push (harness, gst_buffer_new_allocate (NULL, 256, NULL)), ==,
                   GST_FLOW_NOT_NEGOTIATED);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
}

/* After a failure another model works. */
static void
test_recovery (void)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rfdnupscale", NULL));

  g_object_set (element, "model", "/nowhere", NULL);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
  g_object_set (element, "model", nearest_model (3, 4), NULL);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element, GST_STATE_NULL);
  g_object_set (element, "model", NULL, NULL);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element, GST_STATE_NULL);
}

/* Every model that ships, at each of its scales. */
static void
test_builtins (void)
{
  for (const RfdnBuiltin *builtin = rfdn_builtin_models (); builtin->name != NULL; builtin++) {
    for (guint scale = 2; scale <= 4; scale++) {
      g_autofree char *properties = g_strdup_printf ("model=%s scale=%u", builtin->name, scale);
      g_autoptr (Picture) small = picture_new ("format=I420,width=20,height=16");
      g_autoptr (Picture) large = NULL;

      if (!(builtin->scales & (1u << scale)))
        continue;
      large = upscale (small, properties);
      g_assert_cmpint (large->info.width, ==, 20 * (gint) scale);
    }
  }
}

/* What a stranger reads in gst-inspect-1.0: the names that there are. */
static void
test_blurb (void)
{
  g_autoptr (GstElement) element = gst_element_factory_make ("rfdnupscale", NULL);
  const char *blurb;

  g_assert_nonnull (element);
  gst_object_ref_sink (element);
  blurb =
      g_param_spec_get_blurb (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "model"));
  for (const RfdnBuiltin *builtin = rfdn_builtin_models (); builtin->name != NULL; builtin++)
    g_assert_nonnull (strstr (blurb, builtin->name));
}

int
main (int argc, char **argv)
{
  int result;

  test_init (&argc, &argv);
  folder = g_dir_make_tmp ("rfdn-models-XXXXXX", NULL);
  g_test_add_func ("/models/missing", test_missing);
  g_test_add_func ("/models/directory", test_directory);
  g_test_add_func ("/models/device", test_device);
  g_test_add_func ("/models/unreadable", test_unreadable);
  g_test_add_func ("/models/huge", test_huge);
  g_test_add_func ("/models/truncated", test_truncated);
  g_test_add_func ("/models/not-a-model", test_not_a_model);
  g_test_add_func ("/models/not-a-network", test_not_a_network);
  g_test_add_func ("/models/scale", test_scale);
  g_test_add_func ("/models/scale-while-playing", test_scale_while_playing);
  g_test_add_func ("/models/recovery", test_recovery);
  g_test_add_func ("/models/builtins", test_builtins);
  g_test_add_func ("/models/blurb", test_blurb);
  result = test_run ();
  g_rmdir (folder);
  g_free (folder);
  return result;
}
