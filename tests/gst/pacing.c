/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much time there is for a frame, and how long a frame would take. Time is simulated. */

#include "util.h"

#include "gstrfdnforecast.h"
#include "gstrfdnpacer.h"

#define MS GST_MSECOND

/* ---- how much time there is ------------------------------------------------------------------ */

/* A stage that takes `cost`, after a source that sends a frame every `period`; the stage takes no
 * more time than the pacer allows. */
typedef struct {
  GstClockTime period, latency;
  GstClockTime full,
      least;               /* what a frame takes: all of it, and with nothing done by the network */
  GstClockTime downstream; /* that frames then take to the sink */
  gboolean throttled;      /* by the sink, and not by the source */

  GstRfdnPacer pacer;
  GstClockTime now, time;
  guint n, n_full, n_late;
  GstClockTimeDiff latest;
} Stage;

static void
stage_init (Stage *self)
{
  gst_rfdn_pacer_init (&self->pacer);
  gst_rfdn_pacer_set_duration (&self->pacer, self->period);
}

static void
stage_run (Stage *self, guint n_frames)
{
  self->n = self->n_full = self->n_late = 0;
  self->latest = G_MININT64;
  for (guint i = 0; i < n_frames; i++) {
    GstClockTimeDiff budget, took, late;

    if (!self->throttled) /* it comes when it is due */
      self->now = MAX (self->now, self->time);
    budget = gst_rfdn_pacer_begin (&self->pacer, self->time, self->latency, self->now);
    took = budget >= (GstClockTimeDiff) self->full ? (GstClockTimeDiff) self->full
                                                   : MAX (budget, (GstClockTimeDiff) self->least);
    self->n_full += took == (GstClockTimeDiff) self->full;
    self->now += (GstClockTime) took;
    gst_rfdn_pacer_end (&self->pacer, self->time, self->latency, self->now);

    late = GST_CLOCK_DIFF (self->time + self->latency, self->now + self->downstream);
    gst_rfdn_pacer_add_qos (&self->pacer, self->time, late);
    if (self->throttled) {
      self->now += self->downstream;
      if (late < 0)
        self->now = self->time + self->latency;
    }
    self->n++;
    self->n_late += late > 0;
    self->latest = MAX (self->latest, late);
    self->time += self->period;
  }
}

/* A live source, with a latency that leaves room for a frame. */
static void
test_live (void)
{
  Stage stage = {.period = 20 * MS, .latency = 30 * MS, .full = 100 * MS, .least = 3 * MS};

  stage_init (&stage);
  stage_run (&stage, 500);
  g_assert_cmpuint (stage.n_late, ==, 0);
  g_assert_cmpuint (stage.n_full, ==, 0);

  /* Just enough time, and enough. */
  stage.full = 17 * MS;
  stage_run (&stage, 500);
  g_assert_cmpuint (stage.n_full, ==, 500);
  g_assert_cmpuint (stage.n_late, ==, 0);

  /* Something after it takes time too: after the first frames that is known. */
  stage.downstream = 12 * MS;
  stage.full = 100 * MS;
  stage_run (&stage, 20);
  stage_run (&stage, 500);
  g_assert_cmpint (stage.latest, <=, 3 * (GstClockTimeDiff) MS);
}

/* A file played by a sink: a delay is caught up with. */
static void
test_playback (void)
{
  Stage stage = {
      .period = 40 * MS, .time = 40 * MS, .full = 30 * MS, .least = 4 * MS, .throttled = TRUE};

  stage_init (&stage);
  stage_run (&stage, 100);
  g_assert_cmpuint (stage.n_full, ==, 100);
  stage.now += 300 * MS; /* the machine was busy */
  stage_run (&stage, 20);
  stage_run (&stage, 100);
  g_assert_cmpuint (stage.n_late, ==, 0);
  g_assert_cmpuint (stage.n_full, ==, 100);

  stage.full = 200 * MS;
  stage_run (&stage, 3);
  stage_run (&stage, 200);
  g_assert_cmpuint (stage.n_full, ==, 0);
  g_assert_cmpint (stage.latest, <=, 2 * (GstClockTimeDiff) MS);

  stage.full = 20 * MS;
  stage_run (&stage, 3);
  stage_run (&stage, 100);
  g_assert_cmpuint (stage.n_full, ==, 100);
}

/* Frames that pass only when they are due, as with clocksync, cannot all be in time: they are late
 * by less than their duration, which is no reason to do less. */
static void
test_no_room (void)
{
  Stage stage = {.period = 20 * MS, .full = 15 * MS, .least = 3 * MS};

  stage_init (&stage);
  stage_run (&stage, 300);
  g_assert_cmpuint (stage.n_full, ==, 300);
  g_assert_cmpint (stage.latest, <, 20 * (GstClockTimeDiff) MS);

  stage.full = 100 * MS;
  stage_run (&stage, 300);
  g_assert_cmpuint (stage.n_full, ==, 0);
  g_assert_cmpint (stage.latest, <, 20 * (GstClockTimeDiff) MS);
}

/* Frames arrive too late, which the element cannot change: they still get time. */
static void
test_too_late (void)
{
  Stage stage = {.period = 20 * MS, .full = 100 * MS, .least = 3 * MS};

  stage_init (&stage);
  stage.time = 100 * MS;
  for (guint i = 0; i < 200; i++) {
    const GstClockTime arrival = stage.time + 300 * MS;
    GstClockTimeDiff budget;

    stage.now = MAX (stage.now, arrival);
    budget = gst_rfdn_pacer_begin (&stage.pacer, stage.time, 0, stage.now);
    if (i > 10)
      g_assert_cmpint (budget, >=, 5 * (GstClockTimeDiff) MS);
    stage.now += (GstClockTime) MAX (budget, 3 * (GstClockTimeDiff) MS);
    gst_rfdn_pacer_end (&stage.pacer, stage.time, 0, stage.now);
    stage.time += stage.period;
    g_assert_cmpuint (stage.now, <=, stage.time + 300 * MS);
  }

  /* Frames that wait after a stop of ten seconds get no time: the next ones are in time. */
  stage = (Stage){.period = 20 * MS, .latency = 30 * MS, .full = 100 * MS, .least = 3 * MS};
  stage_init (&stage);
  stage_run (&stage, 100);
  stage.now += 10 * GST_SECOND;
  stage_run (&stage, 10 * 50 * 20 / 15);
  stage_run (&stage, 100);
  g_assert_cmpuint (stage.n_late, ==, 0);
}

/* Durations that no caps tell. */
static void
test_variable (void)
{
  Stage stage = {.period = 25 * MS, .latency = 60 * MS, .full = 90 * MS, .least = 2 * MS};

  stage_init (&stage);
  gst_rfdn_pacer_set_duration (&stage.pacer, GST_CLOCK_TIME_NONE);
  g_assert_cmpuint (gst_rfdn_pacer_get_duration (&stage.pacer), ==, GST_CLOCK_TIME_NONE);
  g_assert_cmpuint (gst_rfdn_pacer_get_most (&stage.pacer), ==, 0);
  stage_run (&stage, 300);
  g_assert_cmpuint (stage.n_late, ==, 0);
  g_assert_cmpuint (gst_rfdn_pacer_get_duration (&stage.pacer), ==, 25 * MS);
}

static void
test_paced (void)
{
  GstRfdnPacer pacer;

  gst_rfdn_pacer_init (&pacer);
  g_assert_false (gst_rfdn_pacer_is_paced (&pacer, FALSE));
  g_assert_true (gst_rfdn_pacer_is_paced (&pacer, TRUE));
  gst_rfdn_pacer_add_qos (&pacer, 0, 1);
  g_assert_true (gst_rfdn_pacer_is_paced (&pacer, FALSE));
  /* A seek does not reset what is known about the sink. */
  gst_rfdn_pacer_reset (&pacer);
  g_assert_true (gst_rfdn_pacer_is_paced (&pacer, FALSE));
}

/* What is learnt from a frame that a sink tells of, though its time is a little off. */
static void
test_qos_time (void)
{
  for (guint off = 0; off < 2; off++) {
    GstRfdnPacer pacer;
    GstClockTimeDiff before, after;

    gst_rfdn_pacer_init (&pacer);
    gst_rfdn_pacer_set_duration (&pacer, 40 * MS);
    for (guint i = 0; i < 3; i++) {
      gst_rfdn_pacer_begin (&pacer, i * 40 * MS, 60 * MS, i * 40 * MS);
      gst_rfdn_pacer_end (&pacer, i * 40 * MS, 60 * MS, i * 40 * MS + 10 * MS);
    }
    before = pacer.margin;
    /* 50 ms were left, and it was late by 20 ms. */
    gst_rfdn_pacer_add_qos (&pacer, 40 * MS + off * MS, 20 * (GstClockTimeDiff) MS);
    after = pacer.margin;
    g_assert_cmpint (after - before, ==, 35 * (GstClockTimeDiff) MS);
    gst_rfdn_pacer_add_qos (&pacer, 20 * MS, 20 * (GstClockTimeDiff) MS); /* no such frame */
    g_assert_cmpint (pacer.margin, ==, after);
  }
}

/* Frames that wait behind others are left out if that is the policy, as long as some are kept:
 * every `period` one comes, `jitter` later now and then, and takes `cost`. Returns how many were
 * kept; `longest` is how long one of them was on its way, the longest of all. */
static guint
leave_out (GstClockTime period, GstClockTime upstream, GstClockTime jitter, GstClockTime cost,
           guint n, GstClockTime *longest)
{
  GstRfdnPacer pacer;
  GstClockTime now = 0;
  guint n_kept = 0;

  gst_rfdn_pacer_init (&pacer);
  gst_rfdn_pacer_set_duration (&pacer, period);
  *longest = 0;
  for (guint i = 0; i < n; i++) {
    const GstClockTime time = i * period;

    now = MAX (now, time + (i % 5 == 3 ? jitter : 0));
    if (gst_rfdn_pacer_get_lateness (&pacer, time, upstream, now) > 0)
      continue;
    gst_rfdn_pacer_begin (&pacer, time, 0, now);
    now += cost;
    gst_rfdn_pacer_end (&pacer, time, 0, now);
    *longest = MAX (*longest, now - time);
    n_kept++;
  }
  return n_kept;
}

static void
test_leave_out (void)
{
  GstClockTime longest;

  /* Enough time: all are kept, even if upstream is irregular and says so. */
  g_assert_cmpuint (leave_out (40 * MS, 0, 0, 39 * MS, 500, &longest), ==, 500);
  g_assert_cmpuint (leave_out (40 * MS, 100 * MS, 100 * MS, 10 * MS, 500, &longest), ==, 500);

  /* Four times as much work as there is time: each kept one has waited less than a frame. */
  g_assert_cmpuint (leave_out (40 * MS, 0, 0, 160 * MS, 500, &longest), >=, 500 / 5);
  g_assert_cmpuint (longest, <, 160 * MS + 2 * 40 * MS);
  g_assert_cmpuint (leave_out (40 * MS, 40 * MS, 0, 160 * MS, 500, &longest), >=, 500 / 5);
  g_assert_cmpuint (longest, <, 160 * MS + 2 * 40 * MS);
  /* Seconds for each. */
  g_assert_cmpuint (leave_out (40 * MS, 0, 0, 3 * GST_SECOND, 500, &longest), >=, 5);
  g_assert_cmpuint (longest, <, 3 * GST_SECOND + 2 * 40 * MS);
}

/* If all frames come later from some time on, they are kept again within a second or two. */
static void
test_leave_out_shift (void)
{
  GstRfdnPacer pacer;
  guint n_kept = 0;

  gst_rfdn_pacer_init (&pacer);
  gst_rfdn_pacer_set_duration (&pacer, 40 * MS);
  for (guint i = 0; i < 200; i++) {
    const GstClockTime time = i * 40 * MS, now = time + (i < 50 ? 0 : 300 * MS);

    if (gst_rfdn_pacer_get_lateness (&pacer, time, 0, now) > 0)
      continue;
    gst_rfdn_pacer_begin (&pacer, time, 0, now);
    gst_rfdn_pacer_end (&pacer, time, 0, now + 10 * MS);
    n_kept++;
  }
  g_assert_cmpuint (n_kept, >=, 200 - 2 * 25);
  g_assert_cmpuint (n_kept, <, 200);
}

/* ---- how long a frame would take ---------------------------------------------------------------
 */

/* A machine on which whole pictures take `whole`, and each of their 20 tiles a twentieth of one and
 * a half times as much. Frames come every `budget`; returns how many were computed as a whole. */
static guint
simulate (GstRfdnForecast *forecast, gint64 *now, gint64 whole, gint64 budget, guint n)
{
  guint n_whole = 0;

  for (guint i = 0; i < n; i++) {
    const gint64 begin = *now;

    if (gst_rfdn_forecast_is_late (forecast, begin, begin + budget, 20)) {
      gst_rfdn_forecast_set_tile_time (forecast, 1.5 * (double) whole / 20 / G_USEC_PER_SEC);
      *now += budget;
    } else {
      *now += MAX (whole, budget);
      gst_rfdn_forecast_add_whole (forecast, begin, begin + whole);
      n_whole++;
    }
  }
  return n_whole;
}

static void
test_forecast (void)
{
  GstRfdnForecast forecast;
  gint64 now = 1000000;
  guint n;

  gst_rfdn_forecast_init (&forecast, 20, 100, 150);
  /* Nothing is known for the first one: it is computed in tiles until its time is over. */
  g_assert_true (gst_rfdn_forecast_is_late (&forecast, now, now + 16000, 20));
  g_assert_false (gst_rfdn_forecast_is_late (&forecast, now, G_MAXINT64, 20));
  g_assert_cmpuint (simulate (&forecast, &now, 8000, 16000, 60), ==, 59);
  /* Too much: known after the first two, and rarely tried again. */
  n = simulate (&forecast, &now, 40000, 16000, 600);
  g_assert_cmpuint (n, <=, 3);
  /* Enough again: back within two seconds. */
  n = simulate (&forecast, &now, 8000, 16000, 120);
  g_assert_cmpuint (n, >=, 1);
  g_assert_cmpuint (simulate (&forecast, &now, 8000, 16000, 60), ==, 60);

  /* Just above and just below the budget: no alternation. */
  n = simulate (&forecast, &now, 16500, 16000, 600);
  g_assert_cmpuint (n, <=, 12);

  /* A few tiles always take less than a whole picture. */
  g_assert_true (gst_rfdn_forecast_prefers_parts (&forecast, 13));
  g_assert_false (gst_rfdn_forecast_prefers_parts (&forecast, 14));
  gst_rfdn_forecast_set_tile_time (&forecast, 0.001);
  g_assert_false (gst_rfdn_forecast_is_late (&forecast, 0, 10000, 9));
  g_assert_true (gst_rfdn_forecast_is_late (&forecast, 0, 10000, 11));
  g_assert_false (gst_rfdn_forecast_is_late (&forecast, 0, G_MAXINT64, 20));
  g_assert_false (gst_rfdn_forecast_is_late (&forecast, 0, -1, 0));
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/pacing/pacer/live", test_live);
  g_test_add_func ("/pacing/pacer/playback", test_playback);
  g_test_add_func ("/pacing/pacer/no-room", test_no_room);
  g_test_add_func ("/pacing/pacer/too-late", test_too_late);
  g_test_add_func ("/pacing/pacer/variable", test_variable);
  g_test_add_func ("/pacing/pacer/paced", test_paced);
  g_test_add_func ("/pacing/pacer/qos-time", test_qos_time);
  g_test_add_func ("/pacing/pacer/leave-out", test_leave_out);
  g_test_add_func ("/pacing/pacer/leave-out-shift", test_leave_out_shift);
  g_test_add_func ("/pacing/forecast", test_forecast);
  return test_run ();
}
