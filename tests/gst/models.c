/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bad models in the element: one error that names the file and what is wrong. */

#include "util.h"

#include "gstrfdnmodel.h"
#include "gstrfdnsmaller.h"
#include "rfdn.h"
#include "synthetic.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The way out. */
#define CONVERT "convert it with models/convert.py FILE OUT.safetensors."

static char *folder;

/* Tries a model, and expects one error of the element that contains `name` and `what`. */
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
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", folder);

  expect_error (properties, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, folder, "directory");
}

static void
test_device (void)
{
  g_autofree char *path = g_build_filename (folder, "pipe.safetensors", NULL);
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", path);

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
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", path);

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
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", path);
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
    g_autofree char *properties = g_strdup_printf ("model=\"%s\"", path);

    expect_error (properties, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, path, "not a usable");
    g_remove (path);
  }
}

/* Recognised by its content, whatever its name: one sentence says what it is, and what to do. */
static void
test_not_a_model (void)
{
  static const struct {
    const char *name, *text;
    gsize size;
    const char *what;
  } files[] = {
      {"text.safetensors", "This is a sentence, and not a model of anything at all.", 55, "file;"},
      {"length.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10, "file;"},
      {"negative.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "file;"},
      {"json.safetensors", "\x02\0\0\0\0\0\0\0[]", 10, "file;"},
      {"floats.bin", "\0\0\0\0\x12\x34\x56\x3d\x78\x9a\xbc\x3d", 12, "file;"},
      {"zipped.pth", "PK\3\4\0\0\0\0\0\0", 10, "file but a zip archive, as PyTorch's"},
      {"zipped.safetensors", "PK\3\4\0\0\10\10\0\0", 10, "file but a zip archive, as PyTorch's"},
      {"old.pth", "\x80\2\x8a\nl\xfc\x9c\x46\xf9\x20\x6a\xa8", 12, "file but a pickle"},
      {"x.param", "7767517\n75 83\nInput in0 0 1 in0\n", 31, "file but ncnn's .param"},
      {"half.bin", "\x47\x6b\x30\1\x12\x34\x56\x78\x12\x34", 10, "file but ncnn's .bin"},
      {"x.onnx", "\x08\x07\x12\x07pytorch\x1a\x03", 13, "file but maybe an .onnx"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = write_file (files[i].name, files[i].text, files[i].size);
    g_autofree char *properties = g_strdup_printf ("model=\"%s\"", path);
    g_autofree char *what = g_strconcat ("this is not a safetensors ", files[i].what, NULL);

    expect_error (properties, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, path, what);
    expect_error (properties, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, path, CONVERT);
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
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", path);
  g_autofree char *data = NULL;
  g_autofree char *nan_path = NULL;
  g_autofree char *nan_properties = NULL;
  gsize size;

  expect_error (properties, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, path, "network");
  expect_error (properties, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, path, CONVERT);
  g_remove (path);

  g_assert_true (g_file_get_contents (nearest_model (1, 2), &data, &size, NULL));
  memset (data + size - 4, 0xff, 4);
  nan_path = write_file ("nan.safetensors", data, size);
  nan_properties = g_strdup_printf ("model=\"%s\"", nan_path);
  expect_error (nan_properties, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, nan_path, "finite");
  g_remove (nan_path);
}

static void
test_scale (void)
{
  g_autofree char *path_x2 = g_strdup_printf ("model=\"%s\" scale=3", nearest_model (1, 2));

  for (const RfdnBuiltin *builtin = rfdn_builtin_models (); builtin->name != NULL; builtin++) {
    for (guint scale = 2; scale <= 4; scale++) {
      g_autofree char *properties = g_strdup_printf ("model=\"%s\" scale=%u", builtin->name, scale);
      g_autofree char *by = g_strdup_printf ("by %u", scale);

      if (!(builtin->scales & (1u << scale)))
        expect_error (properties, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, builtin->name, by);
    }
  }
  expect_error (path_x2, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, nearest_model (1, 2), "x2");
}

/* ---- while frames flow ------------------------------------------------------------------------
 */

#define GRAY_CAPS "video/x-raw,format=GRAY8,width=16,height=16,framerate=30/1"

typedef struct {
  GstHarness *harness;
  GstBus *bus;
  guint n_notified;
} Playing;

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer n)
{
  (*(guint *) n)++;
}

static void
assert_size (Playing *self, gsize scale)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 256, NULL);

  gst_buffer_memset (buffer, 0, 0, 256);
  buffer = gst_harness_push_and_pull (self->harness, buffer);
  g_assert_nonnull (buffer);
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, 256 * scale * scale);
  gst_buffer_unref (buffer);
}

static void
play (Playing *self, const char *properties, const char *sink_caps)
{
  *self = (Playing){upscale_harness (properties), gst_bus_new (), 0};
  gst_element_set_bus (self->harness->element, self->bus);
  if (sink_caps != NULL)
    gst_harness_set_sink_caps_str (self->harness, sink_caps);
  gst_harness_set_src_caps_str (self->harness, GRAY_CAPS);
  assert_size (self, 2);
}

/* One warning that names both, and no error. */
static void
expect_warning (Playing *self, GQuark domain, gint code, const char *name, const char *used)
{
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (self->bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_WARNING);
  gst_message_parse_warning (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_nonnull (strstr (error->message, used));
  g_assert_null (gst_bus_pop_filtered (self->bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
}

static void
stop (Playing *self)
{
  g_assert_null (gst_bus_pop_filtered (self->bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
  gst_element_set_bus (self->harness->element, NULL);
  gst_object_unref (self->bus);
  gst_harness_teardown (self->harness);
}

/* A bad model gives one warning; the one in use stays, and the property still names it. */
static void
test_wrong_while_playing (void)
{
  g_autofree char *text = write_file ("text.safetensors", "no model at all", 15);
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", nearest_model (1, 2));
  const struct {
    const char *model;
    GQuark domain;
    gint code;
  } cases[] = {
      {"/nowhere/a.safetensors", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND},
      {"no-such-model", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND},
      {text, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE},
      {folder, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ},
  };
  Playing playing;

  play (&playing, properties, NULL);
  g_signal_connect (playing.harness->element, "notify::model", G_CALLBACK (count_notify),
                    &playing.n_notified);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *model = NULL;

    playing.n_notified = 0;
    g_object_set (playing.harness->element, "model", cases[i].model, NULL);
    assert_size (&playing, 2);
    assert_size (&playing, 2);
    expect_warning (&playing, cases[i].domain, cases[i].code, cases[i].model, nearest_model (1, 2));
    g_object_get (playing.harness->element, "model", &model, NULL);
    g_assert_cmpstr (model, ==, nearest_model (1, 2));
    g_assert_cmpuint (playing.n_notified, ==, 2); /* set, and put back */
  }
  /* And a right one is taken. */
  g_object_set (playing.harness->element, "model", nearest_model (1, 4), NULL);
  assert_size (&playing, 4);
  stop (&playing);
  g_remove (text);
}

/* The same for a scale that the model does not have, and for a model that does not have the scale.
 */
static void
test_scale_while_playing (void)
{
  g_autofree char *properties = g_strdup_printf ("model=\"%s\" scale=2", nearest_model (1, 2));
  g_autofree char *model = NULL;
  Playing playing;
  gint scale;

  play (&playing, properties, NULL);
  g_object_set (playing.harness->element, "scale", 4, NULL);
  assert_size (&playing, 2);
  expect_warning (&playing, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "by 4",
                  nearest_model (1, 2));
  g_object_get (playing.harness->element, "scale", &scale, NULL);
  g_assert_cmpint (scale, ==, 2);

  g_object_set (playing.harness->element, "model", nearest_model (1, 4), NULL);
  assert_size (&playing, 2);
  expect_warning (&playing, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, nearest_model (1, 4),
                  nearest_model (1, 2));
  g_object_get (playing.harness->element, "model", &model, NULL);
  g_assert_cmpstr (model, ==, nearest_model (1, 2));

  /* Set in one call they take effect together, in either order. */
  g_object_set (playing.harness->element, "model", nearest_model (1, 4), "scale", 4, NULL);
  assert_size (&playing, 4);
  g_object_set (playing.harness->element, "scale", 2, "model", nearest_model (1, 2), NULL);
  assert_size (&playing, 2);
  stop (&playing);
}

typedef struct {
  GstElement *element;
  gint done;
} Setter;

/* Alternates a model of x2 and one of x4, each with its scale. */
static gpointer
set_in_turn (gpointer data)
{
  Setter *self = data;

  for (guint i = 0; !g_atomic_int_get (&self->done); i++)
    g_object_set (self->element, "model", nearest_model (1, i % 2 ? 2 : 4), "scale", i % 2 ? 2 : 4,
                  NULL);
  return NULL;
}

/* Another thread checks that no frame comes between the two properties of one call. */
static void
test_set_together (void)
{
  g_autofree char *properties = g_strdup_printf ("model=\"%s\" scale=2", nearest_model (1, 2));
  Setter setter = {0};
  Playing playing;
  GThread *thread;

  nearest_model (1, 4);
  play (&playing, properties, NULL);
  setter.element = playing.harness->element;
  thread = g_thread_new ("set", set_in_turn, &setter);
  for (guint i = 0; i < 500; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 256, NULL);

    gst_buffer_memset (buffer, 0, 0, 256);
    buffer = gst_harness_push_and_pull (playing.harness, buffer);
    g_assert_nonnull (buffer);
    gst_buffer_unref (buffer);
  }
  g_atomic_int_set (&setter.done, TRUE);
  g_thread_join (thread);
  stop (&playing);
}

/* Downstream accepts only one size, which the new model cannot give. */
static void
test_size_while_playing (void)
{
  g_autofree char *properties =
      g_strdup_printf ("model=\"%s\" resample=false", nearest_model (1, 2));
  Playing playing;

  play (&playing, properties, "video/x-raw,width=32,height=32");
  g_object_set (playing.harness->element, "model", nearest_model (1, 4), NULL);
  assert_size (&playing, 2);
  expect_warning (&playing, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, nearest_model (1, 4),
                  nearest_model (1, 2));
  g_object_set (playing.harness->element, "resample", TRUE, "model", nearest_model (1, 4), NULL);
  assert_size (&playing, 2);
  stop (&playing);
}

/* Lack of memory is a resource error. */
static void
test_memory (void)
{
#ifdef TEST_SANITIZED
  g_test_skip ("sanitizers need the memory that is taken away here");
#else
  GstHarness *harness = upscale_harness ("n-threads=1");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  struct rlimit limit, all;

  gst_element_set_bus (harness->element, bus);
  g_assert_cmpint (getrlimit (RLIMIT_AS, &all), ==, 0);
  limit = all;
  limit.rlim_cur = (rlim_t) 2 << 30;
  g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
  gst_harness_set_src_caps_str (harness,
                                "video/x-raw,format=RGB,width=16000,height=16000,framerate=30/1");
  g_assert_cmpint (setrlimit (RLIMIT_AS, &all), ==, 0);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
#endif
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

/* Every shipped model, at each of its scales. */
static void
test_builtins (void)
{
  for (const RfdnBuiltin *builtin = rfdn_builtin_models (); builtin->name != NULL; builtin++) {
    for (guint scale = 2; scale <= 4; scale++) {
      g_autofree char *properties = g_strdup_printf ("model=\"%s\" scale=%u", builtin->name, scale);
      g_autoptr (Picture) small = picture_new ("format=I420,width=20,height=16");
      g_autoptr (Picture) large = NULL;

      if (!(builtin->scales & (1u << scale)))
        continue;
      large = upscale (small, properties);
      g_assert_cmpint (large->info.width, ==, 20 * (gint) scale);
    }
  }
}

/* gst-inspect-1.0 lists the models' names. */
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

/* ---- what is loaded is kept ------------------------------------------------------------------ */

typedef struct {
  GstRfdnModel *model;
  guint scale;
} Wanted;

static gpointer
get_network (gpointer data)
{
  const Wanted *wanted = data;

  return gst_rfdn_model_get (wanted->model, wanted->scale, NULL);
}

static gpointer
get_smaller (gpointer data)
{
  g_autoptr (RfdnModel) network = get_network (data);

  return gst_rfdn_smaller_get (network);
}

/* It is loaded once, however many elements use it and however often caps change. */
static void
check_kept (GThreadFunc get, Wanted *wanted)
{
  GThread *threads[8];
  RfdnModel *first = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("get", get, wanted);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    RfdnModel *model = g_thread_join (threads[i]);

    g_assert_nonnull (model);
    g_assert_true (first == NULL || model == first);
    if (first == NULL)
      first = model;
    else
      rfdn_model_unref (model);
  }
  g_assert_cmpuint (rfdn_model_get_info (first)->scale, ==, wanted->scale);
  rfdn_model_unref (first);
}

static void
test_kept (void)
{
  Wanted wanted = {gst_rfdn_model_load ("balanced", NULL), 0};

  g_assert_nonnull (wanted.model);
  for (wanted.scale = 2; wanted.scale <= 4; wanted.scale++) {
    check_kept (get_network, &wanted);
    check_kept (get_smaller, &wanted);
  }
  gst_rfdn_model_unref (wanted.model);
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
  g_test_add_func ("/models/wrong-while-playing", test_wrong_while_playing);
  g_test_add_func ("/models/scale-while-playing", test_scale_while_playing);
  g_test_add_func ("/models/set-together", test_set_together);
  g_test_add_func ("/models/size-while-playing", test_size_while_playing);
  g_test_add_func ("/models/memory", test_memory);
  g_test_add_func ("/models/recovery", test_recovery);
  g_test_add_func ("/models/builtins", test_builtins);
  g_test_add_func ("/models/blurb", test_blurb);
  g_test_add_func ("/models/kept", test_kept);
  result = test_run ();
  g_rmdir (folder);
  g_free (folder);
  return result;
}
