/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long the next picture is expected to take, from the times of earlier ones: the times are made
 * up, none is measured. */

#include "util.h"

#include "gstrfdnforecast.h"

#define MS 1000

/* The number of tiles begun falls at once, but grows rarely and slowly. */
static void
test_growth (void)
{
  GstRfdnForecast f;
  guint n = 0;

  gst_rfdn_forecast_init (&f, 100, 1, 1.4);
  g_assert_cmpuint (f.most, ==, 100);
  gst_rfdn_forecast_settle (&f, 100, 20);
  g_assert_cmpuint (f.most, >=, 20);
  g_assert_cmpuint (f.most, <, 80);
  while (f.most < 100) {
    const guint before = f.most;
    guint calm = 0;

    do {
      gst_rfdn_forecast_settle (&f, f.most, f.most);
      calm++;
    } while (f.most == before);
    g_assert_cmpuint (calm, >=, 4);
    g_assert_cmpuint (calm, <=, 25);
    g_assert_cmpuint (f.most, <=, before + before / 2);
    n++;
  }
  g_assert_cmpuint (n, <=, 10);
  /* Also from zero; and a picture without enough time makes it wait again. */
  f.most = 0;
  for (guint i = 0; i < 60; i++)
    gst_rfdn_forecast_settle (&f, f.most, f.most - (i % 4 == 3 && f.most > 0));
  g_assert_cmpuint (f.most, ==, 0);
  for (guint i = 0; i < 60; i++)
    gst_rfdn_forecast_settle (&f, f.most, f.most);
  g_assert_cmpuint (f.most, >, 0);
}

/* The very first picture may have been slow only because it was the first. */
static void
test_first_whole (void)
{
  GstRfdnForecast f;

  gst_rfdn_forecast_init (&f, 10, 1, 1.4);
  g_assert_true (gst_rfdn_forecast_is_blank (&f));
  g_assert_true (gst_rfdn_forecast_is_late (&f, 0, 1000 * MS, 10));
  g_assert_false (gst_rfdn_forecast_is_late (&f, 0, G_MAXINT64, 10));
  gst_rfdn_forecast_add_whole (&f, 0, 60 * MS);
  g_assert_false (gst_rfdn_forecast_is_blank (&f));
  f.late = FALSE;
  g_assert_false (gst_rfdn_forecast_is_late (&f, 0, 40 * MS, 10));
  g_assert_true (gst_rfdn_forecast_is_late (&f, 0, 20 * MS, 10));
  /* Later ones count: a mean in which the newest weigh most. */
  f.late = FALSE;
  for (guint i = 0; i < 5; i++)
    gst_rfdn_forecast_add_whole (&f, 0, 60 * MS);
  g_assert_true (gst_rfdn_forecast_is_late (&f, 0, 50 * MS, 10));
  f.late = FALSE;
  gst_rfdn_forecast_add_whole (&f, 0, 20 * MS);
  g_assert_false (gst_rfdn_forecast_is_late (&f, 0, 50 * MS, 10));
}

/* Milliseconds after a whole picture that took too long at @now until one is tried again, when
 * there is time for it. */
static gint64
wait_for_whole (GstRfdnForecast *f, gint64 now)
{
  gint64 t = now;

  f->whole_time = 100 * MS;
  f->tile_time = 1 * MS;
  g_assert_true (gst_rfdn_forecast_is_late (f, t, t + 40 * MS, 10));
  while (gst_rfdn_forecast_is_late (f, t, t + 40 * MS, 10))
    t += 10 * MS;
  return (t - now) / MS;
}

static void
test_patience (void)
{
  GstRfdnForecast f;
  gint64 now = 10000 * MS, last, wait;

  gst_rfdn_forecast_init (&f, 10, 1, 1.4);
  last = wait_for_whole (&f, now);
  g_assert_cmpint (last, >=, 200);
  g_assert_cmpint (last, <=, 800);
  /* Longer each time in succession, up to two seconds. */
  for (guint i = 0; i < 5; i++) {
    now += (last + 100) * MS;
    wait = wait_for_whole (&f, now);
    g_assert_true (wait >= 2 * last - 20 || wait >= 1200);
    g_assert_cmpint (wait, <=, 2000);
    last = wait;
  }
  g_assert_cmpint (last, >=, 1200);
  /* They were right for long: no mistake. */
  now += (last + 3000) * MS;
  g_assert_cmpint (wait_for_whole (&f, now), <=, 800);
}

/* A whole picture is tried if it would take a little too long, but not much. */
static void
test_enough (void)
{
  GstRfdnForecast f;

  gst_rfdn_forecast_init (&f, 10, 1, 1); /* whole pictures take what their tiles do */
  f.tile_time = 4 * MS;
  f.whole_time = 100 * MS;
  g_assert_true (gst_rfdn_forecast_is_late (&f, 0, 38 * MS, 10));
  g_assert_true (gst_rfdn_forecast_is_late (&f, 5000 * MS, 5030 * MS, 10));
  g_assert_false (gst_rfdn_forecast_is_late (&f, 5000 * MS, 5038 * MS, 10));
  /* From now on it is estimated from its tiles. */
  g_assert_cmpfloat (f.whole_time, ==, 40 * MS);
}

/* The smaller network is dropped when there is no time, and returns later, when there is time to
 * spare. */
static void
test_small (void)
{
  GstRfdnForecast f;
  gint64 t = 5000 * MS;

  gst_rfdn_forecast_init (&f, 10, 1, 1.4);
  g_assert_false (gst_rfdn_forecast_affords_small (&f, t, t + 1000 * MS)); /* there is none */
  gst_rfdn_forecast_set_small (&f, 0.14, 1.4);
  f.tile_time = 10 * MS; /* 10 tiles: 100 ms; a tenth of that, but it may be slower */
  g_assert_false (gst_rfdn_forecast_affords_small (&f, t, t + 18 * MS));
  g_assert_true (gst_rfdn_forecast_affords_small (&f, t, t + 40 * MS));

  gst_rfdn_forecast_add_small (&f, 60 * MS); /* the first may be slow */
  g_assert_true (gst_rfdn_forecast_affords_small (&f, t, t + 40 * MS));
  for (guint i = 0; i < 8; i++)
    gst_rfdn_forecast_add_small (&f, 30 * MS);
  g_assert_true (gst_rfdn_forecast_affords_small (&f, t, t + 32 * MS)); /* it stays... */
  g_assert_false (gst_rfdn_forecast_affords_small (&f, t, t + 28 * MS));
  g_assert_false (gst_rfdn_forecast_affords_small (&f, t, t + 100 * MS)); /* ...and is gone */
  g_assert_false (gst_rfdn_forecast_affords_small (&f, t + 200 * MS, t + 300 * MS));
  t += 2000 * MS;
  g_assert_false (gst_rfdn_forecast_affords_small (&f, t, t + 32 * MS));
  g_assert_true (gst_rfdn_forecast_affords_small (&f, t, t + 60 * MS));
  /* What follows it takes time, too. */
  f.compose_time = 40 * MS;
  g_assert_false (gst_rfdn_forecast_affords_small (&f, t, t + 60 * MS));

  /* One slow picture does not stop it forever. */
  f.compose_time = 0;
  f.small_time = 100 * MS;
  t += 10000 * MS;
  for (guint i = 0; i < 200 && !f.is_small; i++, t += 40 * MS)
    gst_rfdn_forecast_affords_small (&f, t, t + 40 * MS);
  g_assert_true (f.is_small);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/forecast/growth", test_growth);
  g_test_add_func ("/forecast/first", test_first_whole);
  g_test_add_func ("/forecast/patience", test_patience);
  g_test_add_func ("/forecast/enough", test_enough);
  g_test_add_func ("/forecast/small", test_small);
  return test_run ();
}
