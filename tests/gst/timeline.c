/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long frames take, and when they are to be shown: what the element works out from given times,
 * without a clock. */

#include "util.h"

#include "gstrfdnlatency.h"
#include "gstrfdntimeline.h"

#define MS GST_MSECOND
#define D (40 * MS) /* of a frame */

/* ---- how long frames take -------------------------------------------------------------------- */

static GstClockTimeDiff
get_error (const GstRfdnLatency *latency, GstClockTime taken)
{
  return ABS (GST_CLOCK_DIFF (gst_rfdn_latency_get (latency), taken));
}

/* Within 20 ms of what frames take after ten of them, and never less by more than what sinks allow
 * for. The first one finds cold memory. */
static void
test_learn (void)
{
  static const guint times[] = {0, 1, 3, 10, 30, 45, 60, 100, 150, 300, 500, 900, 3000};

  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    for (guint cold = 10; cold <= 20; cold += 2) {
      const GstClockTime taken = times[i] * MS;
      GstRfdnLatency latency;

      gst_rfdn_latency_init (&latency);
      gst_rfdn_latency_add (&latency, taken * cold / 10, 0);
      g_assert_cmpuint (gst_rfdn_latency_get (&latency) + 12 * MS, >=, taken);
      for (guint n = 1; n < 10; n++) {
        gst_rfdn_latency_add (&latency, taken, 0);
        g_assert_cmpuint (gst_rfdn_latency_get (&latency) + 12 * MS, >=, taken);
      }
      g_assert_cmpint (get_error (&latency, taken), <=, 20 * (GstClockTimeDiff) MS);
    }
  }
}

/* One slow frame in eight changes nothing; if all are slow, that is reported at once. */
static void
test_outlier (void)
{
  GstRfdnLatency latency;
  GstClockTime told;

  gst_rfdn_latency_init (&latency);
  for (guint n = 0; n < 20; n++)
    gst_rfdn_latency_add (&latency, 10 * MS, 0);
  told = gst_rfdn_latency_get (&latency);
  for (guint n = 0; n < 80; n++)
    g_assert_false (gst_rfdn_latency_add (&latency, (n % 8 == 0 ? 90 : 10) * MS, 0));
  g_assert_cmpuint (gst_rfdn_latency_get (&latency), ==, told);

  gst_rfdn_latency_add (&latency, 50 * MS, 0);
  g_assert_true (gst_rfdn_latency_add (&latency, 50 * MS, 0));
  g_assert_cmpuint (gst_rfdn_latency_get (&latency), >=, 50 * MS);

  /* Other frames: the reported latency stays until more is known. */
  told = gst_rfdn_latency_get (&latency);
  gst_rfdn_latency_forget (&latency);
  g_assert_cmpuint (gst_rfdn_latency_get (&latency), ==, told);
  for (guint n = 0; n < 10; n++)
    gst_rfdn_latency_add (&latency, 5 * MS, 0);
  g_assert_cmpint (get_error (&latency, 5 * MS), <=, 20 * (GstClockTimeDiff) MS);
}

/* Frames that are cut short get more time, up to the longest that they may take. */
static void
test_cut (void)
{
  GstRfdnLatency latency;
  guint n;

  gst_rfdn_latency_init (&latency);
  for (n = 0; gst_rfdn_latency_get (&latency) < 900 * MS; n++) {
    g_assert_cmpuint (n, <, 10);
    gst_rfdn_latency_add (&latency, MIN (gst_rfdn_latency_get (&latency), 900 * MS), 900 * MS);
  }
  for (n = 0; n < 100; n++)
    gst_rfdn_latency_add (&latency, 900 * MS, 900 * MS);
  g_assert_cmpint (get_error (&latency, 900 * MS), <=, 20 * (GstClockTimeDiff) MS);
}

/* However long frames take, the pipeline is notified only now and then. */
static void
test_flutter (void)
{
  GstRfdnLatency latency;
  guint n_told = 0;

  gst_rfdn_latency_init (&latency);
  for (guint n = 0; n < 20000; n++)
    n_told += gst_rfdn_latency_add (&latency, (n / 20 % 2 ? 10 : 40) * MS, 0);
  g_assert_cmpuint (n_told, <=, 40);
  g_assert_cmpuint (gst_rfdn_latency_get (&latency), >=, 40 * MS);
}

static void
test_news (void)
{
  g_assert_false (gst_rfdn_latency_is_news (20 * MS, 25 * MS));
  g_assert_true (gst_rfdn_latency_is_news (20 * MS, 26 * MS));
  g_assert_false (gst_rfdn_latency_is_news (20 * MS, 15 * MS));
  g_assert_true (gst_rfdn_latency_is_news (20 * MS, 14 * MS));
  g_assert_true (gst_rfdn_latency_is_news (500 * MS, 520 * MS));
  g_assert_true (gst_rfdn_latency_is_news (0, 1 * MS));
  g_assert_true (gst_rfdn_latency_is_news (1 * MS, 0));
  g_assert_false (gst_rfdn_latency_is_news (0, 0));
}

/* ---- when they are to be shown ----------------------------------------------------------------
 */

/* A frame of 10.0 to 10.04 s in a segment from 8 to 20 s, of which 3 s had passed before. */
static void
test_timeline (void)
{
  static const struct {
    gdouble rate;
    GstClockTime time, duration;
  } cases[] = {
      {1, 5000 * MS, D},
      {2, 4000 * MS, D / 2},
      {0.5, 7000 * MS, 2 * D},
      {-1, 3000 * MS + 9960 * MS, D},
      {-2, 3000 * MS + 4980 * MS, D / 2},
  };
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();

  GST_BUFFER_PTS (buffer) = 10 * GST_SECOND;
  GST_BUFFER_DURATION (buffer) = D;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstRfdnTimeline timeline;
    GstSegment segment;
    g_autoptr (GstEvent) event = NULL;

    gst_segment_init (&segment, GST_FORMAT_TIME);
    segment.start = segment.time = 8 * GST_SECOND;
    segment.stop = 20 * GST_SECOND;
    segment.base = 3 * GST_SECOND;
    segment.rate = cases[i].rate;
    gst_rfdn_timeline_init (&timeline);
    gst_rfdn_timeline_set_segment (&timeline, &segment);
    g_assert_cmpuint (gst_rfdn_timeline_get_time (&timeline, &segment, buffer), ==, cases[i].time);
    g_assert_cmpuint (gst_rfdn_timeline_get_duration (&timeline, D), ==, cases[i].duration);

    /* From 3.5 s on four times as fast: upstream knows that time as 3.2 s. */
    event = gst_event_new_instant_rate_sync_time (4, 3500 * MS, 3200 * MS);
    gst_rfdn_timeline_set_rate (&timeline, event);
    g_assert_cmpuint (gst_rfdn_timeline_get_time (&timeline, &segment, buffer), ==,
                      3500 * MS + (cases[i].time - 3200 * MS) / 4);
    g_assert_cmpuint (gst_rfdn_timeline_get_duration (&timeline, D), ==, cases[i].duration / 4);
    g_assert_cmpuint (gst_rfdn_timeline_to_clock (&timeline, 3200 * MS), ==, 3500 * MS);
  }
}

static void
test_no_time (void)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  GstRfdnTimeline timeline;
  GstSegment segment;

  gst_rfdn_timeline_init (&timeline);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 8 * GST_SECOND;
  g_assert_cmpuint (gst_rfdn_timeline_get_time (&timeline, &segment, buffer), ==,
                    GST_CLOCK_TIME_NONE);
  GST_BUFFER_PTS (buffer) = 7 * GST_SECOND;
  GST_BUFFER_DURATION (buffer) = D;
  g_assert_cmpuint (gst_rfdn_timeline_get_time (&timeline, &segment, buffer), ==,
                    GST_CLOCK_TIME_NONE);
  GST_BUFFER_DURATION (buffer) = 2 * GST_SECOND; /* shown from the segment's start on */
  g_assert_cmpuint (gst_rfdn_timeline_get_time (&timeline, &segment, buffer), ==, 0);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  g_assert_cmpuint (gst_rfdn_timeline_get_time (&timeline, &segment, buffer), ==,
                    GST_CLOCK_TIME_NONE);
  g_assert_cmpuint (gst_rfdn_timeline_get_duration (&timeline, GST_CLOCK_TIME_NONE), ==,
                    GST_CLOCK_TIME_NONE);

  /* If some are left out, the distance of frames is not the caps' frame duration. */
  gst_rfdn_timeline_set_flags (&timeline, GST_SEGMENT_FLAG_TRICKMODE_NO_AUDIO);
  g_assert_false (timeline.skips);
  gst_rfdn_timeline_set_flags (&timeline, GST_SEGMENT_FLAG_TRICKMODE_KEY_UNITS);
  g_assert_true (timeline.skips);
  segment.flags = GST_SEGMENT_FLAG_NONE;
  gst_rfdn_timeline_set_segment (&timeline, &segment);
  g_assert_false (timeline.skips);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/timeline/learn/measured", test_learn);
  g_test_add_func ("/timeline/learn/outlier", test_outlier);
  g_test_add_func ("/timeline/learn/cut", test_cut);
  g_test_add_func ("/timeline/learn/flutter", test_flutter);
  g_test_add_func ("/timeline/learn/news", test_news);
  g_test_add_func ("/timeline/shown/rates", test_timeline);
  g_test_add_func ("/timeline/shown/none", test_no_time);
  return test_run ();
}
