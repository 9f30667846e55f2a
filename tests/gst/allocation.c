/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ALLOCATION queries: from upstream, at any time, and what is answered. */

#include "util.h"

#include <string.h>

#define CAPS "video/x-raw,format=I420,width=32,height=24,framerate=30/1"

/* ---- while the element stops ----------------------------------------------------------------- */

#define N_STOPS 300

typedef struct {
  GstHarness *harness;
  GMutex upstream; /* where one thread at a time pushes and asks */
  gint done;
} Stopping;

static gpointer
query_allocation (gpointer data)
{
  Stopping *self = data;
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  guint n_answers = 0;

  while (!g_atomic_int_get (&self->done)) {
    GstQuery *query = gst_query_new_allocation (caps, TRUE);

    g_mutex_lock (&self->upstream);
    n_answers += gst_pad_peer_query (self->harness->srcpad, query);
    g_mutex_unlock (&self->upstream);
    gst_query_unref (query);
  }
  return GUINT_TO_POINTER (n_answers);
}

/* Each of these makes the next query renegotiate, and the next frame too. */
static gpointer
set_properties (gpointer data)
{
  Stopping *self = data;

  for (guint i = 0; !g_atomic_int_get (&self->done); i++)
    g_object_set (self->harness->element, "scale", 2 + i % 3, "resample", i % 2, "n-threads", 1,
                  NULL);
  return NULL;
}

/* It is answered or refused, but never by what is being freed. */
static void
test_stopping (void)
{
  Stopping self = {.harness = upscale_harness ("n-threads=1")};
  GstElement *element = self.harness->element;
  GThread *query = g_thread_new ("query", query_allocation, &self);
  GThread *properties = g_thread_new ("properties", set_properties, &self);
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  guint n_answers;

  for (guint i = 0; i < N_STOPS; i++) {
    GstSegment segment;

    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), !=,
                     GST_STATE_CHANGE_FAILURE);
    gst_segment_init (&segment, GST_FORMAT_TIME);
    g_mutex_lock (&self.upstream);
    g_assert_true (gst_harness_push_event (self.harness, gst_event_new_stream_start ("a")));
    g_assert_true (gst_harness_push_event (self.harness, gst_event_new_caps (caps)));
    g_assert_true (gst_harness_push_event (self.harness, gst_event_new_segment (&segment)));
    if (i % 3 == 0)
      gst_harness_push (self.harness, gray_frame (32 * 24 * 3 / 2));
    g_mutex_unlock (&self.upstream);
    gst_element_set_state (element, GST_STATE_READY);
  }
  g_atomic_int_set (&self.done, TRUE);
  n_answers = GPOINTER_TO_UINT (g_thread_join (query));
  g_thread_join (properties);
  g_test_message ("%u queries were answered", n_answers);
  g_assert_cmpuint (n_answers, >, 0);
  gst_harness_teardown (self.harness);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/allocation/stopping", test_stopping);
  return test_run ();
}
