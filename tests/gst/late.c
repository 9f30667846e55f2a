/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When there is not enough time: the picture, and who is told about it. Nothing depends on how fast
 * the machine is. */

#include "live.h"
#include "mosaic.h"

#include <math.h>

#include "gstrfdnframe.h"

/* ---- what the picture is -------------------------------------------------------------------- */

/* 4 by 4 tiles of 176x64. */
#define WIDTH 704
#define HEIGHT 256
#define N_TILES 16

typedef struct {
  RfdnModel *model;
  Picture *in, *network, *plain;
  GstRfdnMosaic *mosaic;
} Fixture;

static const guint8 *
get_row (const Picture *picture, guint y)
{
  return (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&picture->frame, 0) +
         (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (&picture->frame, 0);
}

/* Rings as of a zone plate in the middle of each tile of 176x64, on a ramp or on plain gray, as
 * `ramp` says. More rings to the right and below. */
static void
draw_islands (Picture *picture, gboolean ramp)
{
  for (guint y = 0; y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++) {
      const double dx = x % 176 - 87.5, dy = y % 64 - 31.5, r = sqrt (dx * dx + dy * dy);
      const double ground = ramp ? 40 + (x + y) / 8.0 : 100;
      const double window = r < 20 ? 0.5 + 0.5 * cos (G_PI * r / 20) : 0;
      const double rings = cos (r * r / 30) * (10 + 60.0 * (x / 176 + 4 * (y / 64)) / 16);

      picture_set (picture, 0, x, y, (guint) lround (CLAMP (ground + window * rings, 0, 255)));
    }
  }
}

static void
set_up (Fixture *f, gboolean islands, gboolean ramp)
{
  f->model = rfdn_model_new_builtin ("live-clean", 2, NULL);
  f->in = new_gray (WIDTH, HEIGHT);
  if (islands)
    draw_islands (f->in, ramp);
  else
    picture_fill_scene (f->in, 1);
  f->network = new_gray (2 * WIDTH, 2 * HEIGHT);
  f->plain = new_gray (2 * WIDTH, 2 * HEIGHT);
  f->mosaic = new_mosaic (f->model, NULL, WIDTH, HEIGHT);
  g_assert_cmpuint (gst_rfdn_mosaic_get_n_tiles (f->mosaic), ==, N_TILES);
  run_by (f->mosaic, f->in, f->network, NULL, G_MAXINT64, 1);
  run_by (f->mosaic, f->in, f->plain, NULL, G_MAXINT64, 0);
}

static void
tear_down (Fixture *f)
{
  gst_rfdn_mosaic_free (f->mosaic);
  rfdn_model_unref (f->model);
  picture_free (f->in);
  picture_free (f->network);
  picture_free (f->plain);
}

/* Calls `check` for the picture of each level, from nothing done by the network to everything. */
static void
for_levels (Fixture *f, void (*check) (const Fixture *f, const Picture *out, double level))
{
  g_autoptr (Picture) out = new_gray (2 * WIDTH, 2 * HEIGHT);

  for (guint n = 0; n <= N_TILES; n++) {
    GstRfdnWork work;

    gst_rfdn_mosaic_reset (f->mosaic);
    foretell (f->mosaic, n, FALSE);
    work = run_late (f->mosaic, f->in, out, NULL);
    g_assert_cmpfloat (work.level, ==, (double) n / N_TILES);
    check (f, out, work.level);
  }
}

static void
check_psnr (const Fixture *f, const Picture *out, double level)
{
  const double plain = picture_psnr (f->plain, f->network, 0, 0);

  if (level == 0)
    g_assert_true (picture_is_equal (out, f->plain));
  else if (level == 1)
    g_assert_true (picture_is_equal (out, f->network));
  else
    g_assert_cmpfloat (picture_psnr (out, f->network, 0, 0), >, plain);
}

static void
test_levels (void)
{
  Fixture f;

  set_up (&f, FALSE, FALSE);
  for_levels (&f, check_psnr);
  tear_down (&f);
  set_up (&f, TRUE, TRUE);
  for_levels (&f, check_psnr);
  tear_down (&f);
}

/* The largest step from a sample to the next across the lines between tiles, and anywhere else on
 * the ground around the islands. */
static void
check_borders (const Fixture *f, const Picture *out, double level)
{
  guint across = 0, inside = 0;

  for (guint y = 1; y < 2 * HEIGHT; y++) {
    const guint8 *row = get_row (out, y), *row_above = get_row (out, y - 1);

    for (guint x = 1; x < 2 * WIDTH; x++) {
      const double dx = x % 352 - 175.5, dy = y % 128 - 63.5;
      const guint left = (guint) ABS (row[x] - row[x - 1]);
      const guint above = (guint) ABS (row[x] - row_above[x]);

      if (dx * dx + dy * dy < 56 * 56)
        continue;
      if (x % 352 == 0)
        across = MAX (across, left);
      else
        inside = MAX (inside, left);
      if (y % 128 == 0)
        across = MAX (across, above);
      else
        inside = MAX (inside, above);
    }
  }
  g_assert_cmpuint (across, <=, inside);
}

/* Borders between tiles of the network and of the plain filter are invisible in flat areas and
 * ramps. */
static void
test_borders (gconstpointer ramp)
{
  Fixture f;

  set_up (&f, TRUE, ramp != NULL);
  for_levels (&f, check_borders);
  tear_down (&f);
}

/* Most detail first; and a tile that was sharp stays sharp if another has only a little more
 * detail. */
static void
check_order (const Fixture *f, const Picture *out, double level)
{
  guint n = 0;

  /* Islands grow stronger from tile to tile: those that are done are the last ones. */
  for (guint t = 0; t < 16; t++) {
    gboolean differs = FALSE;

    for (guint y = 0; y < 40; y++) {
      for (guint x = 0; x < 40; x++) {
        const guint px = t % 4 * 352 + 156 + x, py = t / 4 * 128 + 44 + y;
        differs |= picture_get (out, 0, px, py) != picture_get (f->plain, 0, px, py);
      }
    }
    if (n > 0)
      g_assert_true (differs);
    n += differs ? 1 : 0;
  }
  g_assert_cmpuint (n, ==, (guint) lround (16 * level));
}

static void
test_order (void)
{
  Fixture f;

  set_up (&f, TRUE, FALSE);
  for_levels (&f, check_order);
  tear_down (&f);
}

/* From no time to plenty: the plan passes on how much there is. */
static void
test_deadline (void)
{
  const GstRfdnSettings settings = {.n_threads = 2, .tile_overlap = -1};
  const GstRfdnStrength strength = {.network = 1};
  g_autoptr (GstRfdnPlan) plan = NULL;
  g_autoptr (Picture) out = new_gray (2 * WIDTH, 2 * HEIGHT);
  GstRfdnWork work;
  Fixture f;

  set_up (&f, FALSE, FALSE);
  plan = gst_rfdn_plan_new (f.model, &f.in->info, &out->info, &settings, NULL);
  g_assert_nonnull (plan);
  for (guint i = 0; i < 3; i++) {
    const gint64 deadlines[] = {g_get_monotonic_time () - 1000, G_MAXINT64,
                                g_get_monotonic_time () + HOUR};

    g_assert_true (
        gst_rfdn_plan_run (plan, &f.in->frame, &out->frame, deadlines[i], &strength, &work));
    g_assert_cmpfloat (work.level, ==, i == 0 ? 0 : 1);
    g_assert_true (picture_is_equal (out, i == 0 ? f.plain : f.network));
  }
  tear_down (&f);
}

/* ---- the element ---------------------------------------------------------------------------- */

/* The clock is set by hand, seconds for each frame: frames in time have enough time, however busy
 * the machine is. */
#define DURATION (4 * GST_SECOND)
#define RATE "1/4"
#define LATE (1000 * GST_SECOND) /* behind all of them */

static GstBuffer *
push_nth (GstHarness *harness, guint n)
{
  return push_frame (harness, new_frame (64, 48, n, n * DURATION, DURATION));
}

static void
send_qos (GstHarness *harness, GstClockTimeDiff jitter, GstClockTime time)
{
  gst_harness_push_upstream_event (harness,
                                   gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 2.0, jitter, time));
}

#define CAPS "video/x-raw,format=I420,width=64,height=48,framerate=" RATE

/* Far behind the clock, frames come without the network. They come with it if nothing has to be in
 * time, and late ones are left out if that is asked for. */
static void
test_policies (void)
{
  static const struct {
    const char *properties;
    gboolean live, told;
    gboolean comes;
    double level;
  } cases[] = {
      {"", TRUE, FALSE, TRUE, 0},
      {"", FALSE, TRUE, TRUE, 0},
      {"", FALSE, FALSE, TRUE, 1},
      {"qos=false", TRUE, TRUE, TRUE, 1},
      {"late-policy=never", TRUE, TRUE, TRUE, 1},
      {"late-policy=drop", TRUE, TRUE, FALSE, 1},
      {"late-policy=drop", TRUE, FALSE, TRUE, 1},
      {"late-policy=drop qos=false", TRUE, TRUE, TRUE, 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = live_harness (cases[i].properties, 64, 48, RATE);
    g_autoptr (GstBuffer) first = NULL;
    g_autoptr (GstBuffer) second = NULL;

    gst_harness_set_live (harness, cases[i].live);
    gst_harness_query_latency (harness);
    first = push_nth (harness, 0);
    g_assert_nonnull (first);
    g_assert_cmpfloat (get_double (harness, "level"), ==, 1);
    gst_harness_set_time (harness, LATE);
    if (cases[i].told)
      send_qos (harness, LATE - GST_SECOND, 0);
    /* The first after a pause may take its time, but not those that wait behind it. */
    gst_clear_buffer (&(GstBuffer *){push_nth (harness, 1)});
    second = push_nth (harness, 2);
    g_assert_true ((second != NULL) == cases[i].comes);
    g_assert_cmpfloat (get_double (harness, "level"), ==, cases[i].level);
    gst_harness_teardown (harness);
  }
}

/* Each change is reported, once, and upstream is asked to skip frames only when the element cannot
 * save more time. */
static void
test_messages (void)
{
  GstHarness *harness = live_harness ("", 64, 48, RATE);
  GstElement *element = gst_harness_find_element (harness, "rfdnupscale");
  g_autoptr (GstBus) bus = gst_bus_new ();
  static const gint qualities[] = {0, 1000000};
  guint upstream;

  gst_element_set_bus (element, bus);
  gst_harness_query_latency (harness);
  gst_clear_buffer (&(GstBuffer *){push_nth (harness, 0)});
  upstream = gst_harness_upstream_events_received (harness);
  send_qos (harness, 5 * GST_MSECOND, 0);
  g_assert_cmpuint (gst_harness_upstream_events_received (harness), ==, upstream);

  for (guint i = 0; i < G_N_ELEMENTS (qualities); i++) {
    for (guint k = 0; k < 40 || (i == 1 && get_double (harness, "level") < 1); k++) {
      /* Far behind; then in time. */
      const guint n = i == 0 ? k + 1 : k + 300;

      gst_harness_set_time (harness, i == 0 ? LATE : n * DURATION);
      gst_clear_buffer (&(GstBuffer *){push_nth (harness, n)});
      /* Until it dares again. */
      g_assert_cmpuint (k, <, 1000);
      if (i == 1 && get_double (harness, "level") < 1)
        g_usleep (100000);
    }
    for (guint n = 0;; n++) {
      g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_QOS);
      GstClockTimeDiff jitter;
      gdouble proportion;
      gint quality;
      guint64 frames, dropped;
      GstFormat format;

      if (message == NULL) {
        g_assert_cmpuint (n, >=, 1);
        break;
      }
      gst_message_parse_qos_values (message, &jitter, &proportion, &quality);
      gst_message_parse_qos_stats (message, &format, &frames, &dropped);
      g_assert_cmpint (format, ==, GST_FORMAT_BUFFERS);
      g_assert_cmpuint (dropped, ==, 0);
      g_assert_cmpuint (frames, >, 0);
      if (i == 0) {
        g_assert_cmpuint (n, ==, 0);
        g_assert_cmpint (quality, ==, qualities[i]);
        g_assert_cmpint (jitter, >, 9 * (GstClockTimeDiff) GST_SECOND);
      }
    }
    g_assert_cmpfloat (get_double (harness, "level"), ==, qualities[i] / 1e6);
    if (i == 0) {
      upstream = gst_harness_upstream_events_received (harness);
      send_qos (harness, LATE - GST_SECOND, 0);
      g_assert_cmpuint (gst_harness_upstream_events_received (harness), ==, upstream + 1);
    }
  }
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* If the element cannot save time, upstream is told at once. */
static void
test_upstream (void)
{
  static const struct {
    const char *properties, *asked;
    guint n;
  } cases[] = {
      {"", "video/x-raw", 0},
      {"", "video/x-raw,width=64,height=48", 1},
      {"qos=false", "video/x-raw", 1},
      {"late-policy=never", "video/x-raw", 1},
      {"late-policy=drop", "video/x-raw", 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = upscale_harness (cases[i].properties);
    guint before;

    gst_harness_set_sink_caps_str (harness, cases[i].asked);
    gst_harness_set_src_caps_str (harness, CAPS);
    gst_clear_buffer (&(GstBuffer *){push_nth (harness, 0)});
    before = gst_harness_upstream_events_received (harness);
    send_qos (harness, 5 * GST_MSECOND, 0);
    g_assert_cmpuint (gst_harness_upstream_events_received (harness), ==, before + cases[i].n);
    gst_harness_teardown (harness);
  }
}

/* From file to file nothing has to be in time: on any machine no frame is missing, and all have the
 * network's quality. */
static void
test_files (void)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "videotestsrc num-buffers=30 ! video/x-raw,format=I420,width=320,height=180,"
      "framerate=1000/1 ! rfdnupscale name=upscale n-threads=1 ! fakesink qos=true",
      NULL);
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "upscale");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstStructure) stats = NULL;
  guint64 frames, cheap, dropped;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
                                        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_QOS);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "frames", &frames);
  gst_structure_get_uint64 (stats, "cheap-rectangles", &cheap);
  gst_structure_get_uint64 (stats, "dropped", &dropped);
  g_assert_cmpuint (frames, ==, 30);
  g_assert_cmpuint (cheap, ==, 0);
  g_assert_cmpuint (dropped, ==, 0);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/late/picture/levels", test_levels);
  g_test_add_func ("/late/picture/order", test_order);
  g_test_add_data_func ("/late/picture/borders/flat", NULL, test_borders);
  g_test_add_data_func ("/late/picture/borders/ramp", GINT_TO_POINTER (1), test_borders);
  g_test_add_func ("/late/picture/deadline", test_deadline);
  g_test_add_func ("/late/element/policies", test_policies);
  g_test_add_func ("/late/element/messages", test_messages);
  g_test_add_func ("/late/element/upstream", test_upstream);
  g_test_add_func ("/late/element/files", test_files);
  return test_run ();
}
