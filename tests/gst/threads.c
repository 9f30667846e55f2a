/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process that cannot start as many threads as it wants: frames are enlarged by those that there
 * are, and each element reports it once. */

#define _GNU_SOURCE
#include "util.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Of all threads; each element alone would like to have more. */
#define MOST 24
#define N_ELEMENTS 4
#define N_SOURCES (2 * N_ELEMENTS)

/* Changes this process from root to a user who may have `n` threads; FALSE if that is not
 * possible. */
static gboolean
limit_threads (guint n)
{
  const uid_t user = 50000 + (uid_t) (getpid () % 5000); /* who has no others */
  struct rlimit limit;

  /* Limits do not apply to root, which it can become again: a sanitizer reads root's files at the
   * end. */
  if (setresuid (user, user, 0) != 0)
    return FALSE;
  if (getrlimit (RLIMIT_NPROC, &limit) != 0)
    return FALSE;
  limit.rlim_cur = n;
  return setrlimit (RLIMIT_NPROC, &limit) == 0;
}

/* Otherwise the elements would take all threads before the last source has one: the first event of
 * each waits until all have begun. */
typedef struct {
  GMutex mutex;
  GCond cond;
  guint n_begun;
} Gate;

static GstPadProbeReturn
wait_for_all (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Gate *gate = data;

  g_mutex_lock (&gate->mutex);
  gate->n_begun++;
  g_cond_broadcast (&gate->cond);
  while (gate->n_begun < N_SOURCES)
    g_cond_wait (&gate->cond, &gate->mutex);
  g_mutex_unlock (&gate->mutex);
  return GST_PAD_PROBE_REMOVE;
}

static void
add_gate (GstElement *pipeline, Gate *gate)
{
  for (guint i = 0; i < N_SOURCES; i++) {
    g_autofree char *name = g_strdup_printf ("source%u", i);
    g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), name);
    g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");

    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, wait_for_all, gate, NULL);
  }
}

/* RGB for a luma network: frames are converted, and then resized again. They come in two sizes, so
 * that each element gets caps twice. */
static GstElement *
new_pipeline (void)
{
  GString *launch = g_string_new (NULL);
  GstElement *pipeline;

  for (guint i = 0; i < N_ELEMENTS; i++) {
    g_string_append_printf (
        launch,
        "concat name=c%u ! rfdnupscale name=upscale%u n-threads=%u resample=true ! "
        "video/x-raw,width=150,height=112,pixel-aspect-ratio=1/1 ! fakesink sync=false "
        "videotestsrc name=source%u num-buffers=5 ! video/x-raw,format=RGBx,width=64,height=48 ! "
        "c%u. "
        "videotestsrc name=source%u num-buffers=5 ! video/x-raw,format=RGBx,width=72,height=54 ! "
        "c%u. ",
        i, i, MOST + 8, 2 * i, i, 2 * i + 1, i);
  }
  pipeline = gst_parse_launch (launch->str, NULL);
  g_string_free (launch, TRUE);
  g_assert_nonnull (pipeline);
  return pipeline;
}

static void
count_warning (GstMessage *message, guint *counts)
{
  g_autoptr (GError) error = NULL;
  guint64 index;

  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED);
  g_assert_true (g_str_has_prefix (GST_MESSAGE_SRC_NAME (message), "upscale"));
  g_assert_true (g_ascii_string_to_unsigned (GST_MESSAGE_SRC_NAME (message) + strlen ("upscale"),
                                             10, 0, N_ELEMENTS - 1, &index, NULL));
  g_test_message ("%s", error->message);
  counts[index]++;
}

static void
run_limited (void)
{
  /* Plugins are loaded before: the user may not be allowed to read them. */
  g_autoptr (GstElement) pipeline = new_pipeline ();
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  guint counts[N_ELEMENTS] = {0};
  Gate gate = {0};
  gboolean over = FALSE;

  add_gate (pipeline, &gate);
  g_assert_true (limit_threads (MOST));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!over) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
        bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);

    g_assert_cmpint (GST_MESSAGE_TYPE (message), !=, GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
      over = TRUE;
    else
      count_warning (message, counts);
  }
  for (guint i = 0; i < N_ELEMENTS; i++) {
    g_autofree char *name = g_strdup_printf ("upscale%u", i);
    g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), name);
    g_autoptr (GstStructure) stats = NULL;
    guint64 frames;

    g_object_get (element, "stats", &stats, NULL);
    g_assert_true (gst_structure_get_uint64 (stats, "frames", &frames));
    g_assert_cmpuint (frames, ==, 10);
    g_assert_cmpuint (counts[i], ==, 1);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_cmpint (seteuid (0), ==, 0);
}

/* What hangs is ended after two minutes. */
static void
test_limit (void)
{
  if (g_test_subprocess ()) {
    run_limited ();
    return;
  }
  if (geteuid () != 0) {
    g_test_skip ("only root can become a user who has no other threads");
    return;
  }
  g_test_trap_subprocess (NULL, 120 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/threads/limit", test_limit);
  return test_run ();
}
