/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Playing at all speeds, and with sinks that do not wait. Real time passes here: frames are
 * counted, and the bounds are wide, since machines are busy. */

#include "live.h"

typedef struct {
  const char *name;
  gdouble rate;
  gboolean instant;
  GstSeekFlags flags;
} Speed;

/* Plays a stream at some speed for three seconds; returns how many frames were shown. */
static guint64
play (const char *element, guint rate, const Speed *speed)
{
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc name=source pattern=snow ! video/x-raw,format=I420,width=480,height=270,"
      "framerate=%u/1 ! %s ! fakesink name=sink sync=true qos=true max-lateness=20000000",
      rate, element);
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstStructure) stats = NULL;
  guint64 rendered;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  g_assert_true (gst_element_seek (pipeline, speed->instant ? 1 : speed->rate, GST_FORMAT_TIME,
                                   GST_SEEK_FLAG_FLUSH | speed->flags, GST_SEEK_TYPE_SET, 0,
                                   GST_SEEK_TYPE_SET, 3 * GST_SECOND));
  gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  if (speed->instant) {
    g_usleep (100000);
    gst_pad_push_event (pad,
                        gst_event_new_instant_rate_change (speed->rate, GST_SEGMENT_FLAG_NONE));
  }
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  g_object_get (sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "rendered", &rendered));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return rendered;
}

/* At any speed and backwards, about as many frames are shown as with videoscale, if the machine is
 * fast enough for that many at normal speed. The error that this looks for loses nearly all. */
static void
test_speed (gconstpointer data)
{
  static const Speed ordinary = {"ordinary", 1, FALSE, GST_SEEK_FLAG_NONE};
  const char *element = "rfdnupscale model=live n-threads=1";
  const Speed *speed = data;
  const guint rate = (guint) (15 * ABS (speed->rate));

  for (guint attempt = 0; attempt < 5; attempt++) {
    const guint64 wanted = play ("videoscale", 15, speed);
    const guint64 shown = play (element, 15, speed);

    g_test_message ("%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, speed->name, shown, wanted);
    if (2 * shown >= wanted && wanted > 0)
      return;
    /* As many a second as there were. */
    if (10 * play (element, rate, &ordinary) < 9 * 3 * rate) {
      g_test_skip ("this machine is too slow or too busy");
      return;
    }
  }
  g_test_fail_printf ("%s loses frames", speed->name);
}

/* A sink that does not wait, and a network that takes much longer than there is time: the age of
 * frames at the sink does not grow. */
static void
test_appsink (void)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "videotestsrc is-live=true pattern=snow ! video/x-raw,format=I420,width=160,height=120,"
      "framerate=50/1 ! queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! "
      "rfdnupscale name=upscale model=rfdn n-threads=1 late-policy=drop ! "
      "fakesink name=sink sync=false signal-handoffs=false",
      NULL);
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "upscale");
  g_autoptr (GstStructure) stats = NULL;
  guint64 frames, dropped;
  gint64 position;
  double longest, lag;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_usleep (4 * G_USEC_PER_SEC);
  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "frames", &frames));
  g_assert_true (gst_structure_get_uint64 (stats, "dropped", &dropped));
  g_assert_true (gst_structure_get_double (stats, "frame-ms-p99", &longest));
  g_assert_true (gst_element_query_position (element, GST_FORMAT_TIME, &position));
  {
    g_autoptr (GstClock) clock = gst_element_get_clock (element);
    const GstClockTime now = gst_clock_get_time (clock) - gst_element_get_base_time (element);

    lag = (double) GST_CLOCK_DIFF ((GstClockTime) position, now) / (double) GST_MSECOND;
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_test_message ("%" G_GUINT64_FORMAT " frames of up to %.0f ms, %" G_GUINT64_FORMAT
                  " left out; the last is %.0f ms old",
                  frames, longest, dropped, lag);
  if (longest < 30) {
    g_test_skip ("this machine is fast enough for all frames");
    return;
  }
  g_assert_cmpuint (frames, >, 0);
  g_assert_cmpuint (dropped, >, 0);
  /* It may be as old as the next one will be when it is ready. */
  g_assert_cmpfloat (lag, <, 2 * longest + 2 * 20 + 300);
}

int
main (int argc, char **argv)
{
  static const Speed speeds[] = {
      {"2", 2, FALSE, GST_SEEK_FLAG_NONE},
      {"2-instant", 2, TRUE, GST_SEEK_FLAG_NONE},
      {"4-instant", 4, TRUE, GST_SEEK_FLAG_NONE},
      {"half-instant", 0.5, TRUE, GST_SEEK_FLAG_NONE},
      {"backwards", -1, FALSE, GST_SEEK_FLAG_NONE},
      {"backwards-2", -2, FALSE, GST_SEEK_FLAG_NONE},
      {"2-key-units", 2, FALSE,
       GST_SEEK_FLAG_TRICKMODE_KEY_UNITS | GST_SEEK_FLAG_TRICKMODE_NO_AUDIO},
  };

  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (speeds); i++) {
    g_autofree char *path = g_strconcat ("/playback/speed/", speeds[i].name, NULL);

    g_test_add_data_func (path, &speeds[i], test_speed);
  }
  g_test_add_func ("/playback/appsink", test_appsink);
  return test_run ();
}
