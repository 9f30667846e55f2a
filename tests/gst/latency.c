/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames and the clock: the latency that the element reports, which frames are left out, and what
 * is reset between them. */

#include "live.h"

#define MS GST_MSECOND
#define D (40 * MS) /* of a frame, where nothing else is said */

/* ---- the element ----------------------------------------------------------------------------- */

static GstBus *
watch (GstHarness *harness)
{
  GstElement *element = gst_harness_find_element (harness, "rfdnupscale");
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (element, bus);
  gst_object_unref (element);
  return bus;
}

static guint
count_messages (GstBus *bus, GstMessageType type)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, type)) != NULL) {
    gst_message_unref (message);
    n++;
  }
  return n;
}

/* The element adds a latency of its own only to live streams whose frames take time. */
static void
test_query (void)
{
  static const struct {
    const char *rate, *asked;
    gboolean live, own;
  } cases[] = {
      {"25/1", NULL, TRUE, TRUE},
      {"1/1", NULL, TRUE, TRUE},
      {"0/1", NULL, TRUE, TRUE},
      {"25/1", NULL, FALSE, FALSE},
      {"25/1", "video/x-raw,width=32,height=32", TRUE, FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = upscale_harness ("");
    g_autofree char *caps =
        g_strdup_printf ("video/x-raw,format=I420,width=32,height=32,framerate=%s", cases[i].rate);
    g_autoptr (GstQuery) query = gst_query_new_latency ();
    GstClockTime min, max;
    gboolean live;

    gst_harness_set_live (harness, cases[i].live);
    if (cases[i].asked)
      gst_harness_set_sink_caps_str (harness, cases[i].asked);
    gst_harness_set_src_caps_str (harness, caps);
    push_only (harness, new_frame (32, 32, 1, 0, D));
    gst_harness_set_upstream_latency (harness, 7 * MS);
    g_assert_true (gst_pad_peer_query (harness->sinkpad, query));
    gst_query_parse_latency (query, &live, &min, &max);
    g_assert_true (live == cases[i].live);
    if (cases[i].own)
      g_assert_cmpuint (min, >, 7 * MS);
    else
      g_assert_cmpuint (min, ==, 7 * MS);
    /* The frame in work is kept for as long. */
    if (GST_CLOCK_TIME_IS_VALID (max))
      g_assert_cmpuint (max, >=, min);
    gst_harness_teardown (harness);
  }
}

#define N_MEASURED 10
#define N_RECENT 8 /* the last of these, which alone count */

/* Pushes frames; writes what each took, in milliseconds. Returns whether there was too little time
 * for one of the last, whose latency may then grow up to a frame's duration. */
static gboolean
push_measured (GstHarness *harness, GstClockTime duration, double *taken)
{
  gboolean cut = FALSE;
  double sum = 0;

  for (guint n = 0; n < N_MEASURED; n++) {
    double sum_now;

    gst_harness_set_time (harness, n * duration);
    push_only (harness, new_frame (96, 64, n, n * duration, duration));
    sum_now = (n + 1) * get_double (harness, "frame-ms-mean");
    taken[n] = sum_now - sum;
    sum = sum_now;
    if (n >= N_MEASURED - N_RECENT)
      cut |= get_double (harness, "level") < 1;
  }
  return cut;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* With any policy for late frames: after ten frames the latency is what they take, except one in
 * eight, since other processes may interfere. It is reported before the first frame is pushed, so
 * that no sink waits in vain or drops it. */
static void
test_measured (gconstpointer data)
{
  const char *const properties = data;
  /* At five and one frames a second; the work is the same. */
  static const guint rates[] = {5, 1};

  for (guint r = 0; r < G_N_ELEMENTS (rates); r++) {
    const GstClockTime duration = GST_SECOND / rates[r];
    g_autofree char *rate = g_strdup_printf ("%u/1", rates[r]);
    GstHarness *harness = live_harness (properties, 96, 64, rate);
    g_autoptr (GstBus) bus = watch (harness);
    GstElement *element = gst_harness_find_element (harness, "rfdnupscale");
    double taken[N_MEASURED], *recent = taken + N_MEASURED - N_RECENT, first, high, most, own;
    gboolean cut;

    gst_harness_query_latency (harness);
    cut = push_measured (harness, duration, taken);
    own = (double) gst_harness_query_latency (harness) / (double) MS;
    first = taken[0];
    qsort (recent, N_RECENT, sizeof *recent, compare_doubles);
    high = recent[N_RECENT - 2]; /* one in eight may take longer */
    most = get_double (harness, "frame-ms-p99");
    g_test_message ("frames of up to %.1f ms, longest %.1f, told %.1f ms", high, most, own);
    g_assert_cmpfloat (own, >, high - 20);
    g_assert_cmpfloat (own, <=, (cut ? MAX (most, (double) duration / (double) MS) : most) + 20);
    if (first > 60)
      g_assert_cmpuint (count_messages (bus, GST_MESSAGE_LATENCY), >=, 1);
    gst_element_set_bus (element, NULL);
    gst_object_unref (element);
    gst_harness_teardown (harness);
  }
}

/* The pipeline is told when frames begin to pass untouched, and when that ends. */
static void
test_told (void)
{
  GstHarness *harness = live_harness ("", 32, 32, "25/1");
  g_autoptr (GstBus) bus = watch (harness);
  GstElement *element = gst_harness_find_element (harness, "rfdnupscale");

  g_assert_cmpuint (gst_harness_query_latency (harness), >, 0);
  push_only (harness, new_frame (32, 32, 1, 0, D));
  count_messages (bus, GST_MESSAGE_LATENCY);
  gst_harness_query_latency (harness);
  gst_harness_set_sink_caps_str (harness, "video/x-raw,width=32,height=32");
  gst_harness_set_time (harness, D);
  push_only (harness, new_frame (32, 32, 1, D, D));
  g_assert_cmpuint (count_messages (bus, GST_MESSAGE_LATENCY), ==, 1);
  g_assert_cmpuint (gst_harness_query_latency (harness), ==, 0);
  gst_harness_set_sink_caps_str (harness, "video/x-raw");
  gst_harness_set_time (harness, 2 * D);
  push_only (harness, new_frame (32, 32, 1, 2 * D, D));
  g_assert_cmpuint (count_messages (bus, GST_MESSAGE_LATENCY), ==, 1);
  g_assert_cmpuint (gst_harness_query_latency (harness), >, 0);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* The first frame of a live pipeline has a deadline, even before the latency is queried, and though
 * the network would take many times as long. */
static void
test_first (void)
{
  for (guint live = 0; live < 2; live++) {
    GstHarness *harness = live_harness ("model=rfdn n-threads=1", 400, 260, "100/1");

    gst_harness_set_live (harness, live != 0);
    push_only (harness, new_frame (400, 260, 1, 0, 10 * MS));
    if (live)
      g_assert_cmpfloat (get_double (harness, "level"), <, 1);
    else
      g_assert_cmpfloat (get_double (harness, "level"), ==, 1);
    gst_harness_teardown (harness);
  }
}

/* Four times as much work as there is time, and no sink to report it: frames that have waited are
 * left out, counted and reported. Others come out within two frames more than they take. The clock
 * simulates the work. */
static void
test_drop (void)
{
  GstHarness *harness = live_harness ("late-policy=drop", 64, 48, "25/1");
  g_autoptr (GstBus) bus = watch (harness);
  GstElement *element = gst_harness_find_element (harness, "rfdnupscale");
  const GstClockTime cost = 4 * D;
  GstClockTime now = 0;
  guint n_out = 0;

  for (guint n = 0; n < 100; n++) {
    g_autoptr (GstBuffer) out = NULL;

    now = MAX (now, n * D);
    gst_harness_set_time (harness, now);
    out = push_frame (harness, new_frame (64, 48, n, n * D, D));
    if (out == NULL)
      continue;
    g_assert_true (GST_BUFFER_IS_DISCONT (out) == (n_out > 0) || n_out == 0);
    now += cost;
    g_assert_cmpuint (now, <, n * D + cost + 2 * D);
    n_out++;
  }
  g_assert_cmpuint (n_out, >=, 100 / 5);
  g_assert_cmpuint (n_out, <=, 100 / 4 + 1);
  g_assert_cmpuint (get_count (harness, "dropped"), ==, 100 - n_out);
  g_assert_cmpuint (get_count (harness, "frames"), ==, n_out);
  g_assert_cmpuint (count_messages (bus, GST_MESSAGE_QOS), ==, 100 - n_out);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_harness_teardown (harness);
}

/* All come if the pipeline is not live, or with another policy. */
static void
test_no_drop (void)
{
  static const struct {
    const char *properties;
    gboolean live;
  } cases[] = {{"late-policy=drop", FALSE},
               {"late-policy=drop qos=false", TRUE},
               {"late-policy=never", TRUE},
               {"late-policy=degrade", TRUE}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = live_harness (cases[i].properties, 64, 48, "25/1");

    gst_harness_set_live (harness, cases[i].live);
    for (guint n = 0; n < 20; n++) {
      gst_harness_set_time (harness, n * 4 * D);
      push_only (harness, new_frame (64, 48, n, n * D, D));
    }
    gst_harness_teardown (harness);
  }
}

/* Frames that a sink reports as too late still come, without the network; but in a playback mode
 * that may skip frames they are left out. */
static void
test_trick_mode (void)
{
  static const GstSegmentFlags flags[] = {GST_SEGMENT_FLAG_NONE, GST_SEGMENT_FLAG_TRICKMODE,
                                          GST_SEGMENT_FLAG_TRICKMODE_KEY_UNITS};

  for (guint i = 0; i < G_N_ELEMENTS (flags); i++) {
    GstHarness *harness = live_harness ("", 64, 48, "25/1");
    g_autoptr (GstBuffer) last = NULL;
    GstSegment segment;

    gst_segment_init (&segment, GST_FORMAT_TIME);
    segment.flags = flags[i];
    segment.rate = 2;
    g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
    push_only (harness, new_frame (64, 48, 0, 0, D));
    gst_harness_set_time (harness, 10 * GST_SECOND);
    for (guint n = 1; n < 4; n++)
      push_only (harness, new_frame (64, 48, n, n * D, D));
    g_assert_cmpfloat (get_double (harness, "level"), ==, 0);
    gst_harness_push_upstream_event (
        harness, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 2, 9 * GST_SECOND, 3 * D / 2));
    last = push_frame (harness, new_frame (64, 48, 4, 4 * D, D));
    g_assert_true ((last != NULL) == (flags[i] == GST_SEGMENT_FLAG_NONE));
    g_assert_cmpuint (get_count (harness, "dropped"), ==, last != NULL ? 0 : 1);
    gst_harness_teardown (harness);
  }
}

/* ---- what is forgotten ------------------------------------------------------------------------
 */

static void
do_nothing (GstHarness *harness)
{
}

static void
do_flush (GstHarness *harness)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE)));
  g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
}

static void
do_segment (GstHarness *harness)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = 10 * GST_SECOND;
  g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
}

static void
do_same_segment (GstHarness *harness)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
}

static void
do_caps (GstHarness *harness)
{
  gst_harness_set_src_caps_str (harness,
                                "video/x-raw,format=I420,width=192,height=128,framerate=30/1");
}

static void
do_stop (GstHarness *harness)
{
  GstElement *element = gst_harness_find_element (harness, "rfdnupscale");

  gst_element_set_state (element, GST_STATE_READY);
  gst_element_set_state (element, GST_STATE_PLAYING);
  gst_object_unref (element);
  gst_harness_play (harness);
  gst_harness_push_event (harness, gst_event_new_stream_start ("again"));
  do_caps (harness);
  do_same_segment (harness);
}

/* A repeated frame reuses the one before, unless something came between them; the picture is the
 * same either way. */
static void
test_reset (void)
{
  static const struct {
    void (*between) (GstHarness *harness);
    GstClockTime pts; /* of the second frame */
    gboolean discont, forgets;
  } cases[] = {
      {do_nothing, D, FALSE, FALSE},      {do_nothing, 10 * GST_SECOND, FALSE, FALSE},
      {do_nothing, 2 * D, TRUE, FALSE},   {do_nothing, 10 * GST_SECOND, TRUE, TRUE},
      {do_flush, 0, FALSE, TRUE},         {do_segment, D, FALSE, TRUE},
      {do_same_segment, D, FALSE, FALSE}, {do_caps, D, FALSE, TRUE},
      {do_stop, 0, FALSE, TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = upscale_harness ("");
    g_autoptr (GstBuffer) first = NULL;
    g_autoptr (GstBuffer) second = NULL;
    GstBuffer *again = new_frame (192, 128, 1, cases[i].pts, D);
    GstMapInfo a, b;
    guint64 reused;

    gst_harness_set_live (harness, FALSE);
    gst_harness_set_src_caps_str (harness,
                                  "video/x-raw,format=I420,width=192,height=128,framerate=25/1");
    push_only (harness, new_frame (192, 128, 1, 0, D));
    first =
        push_frame (harness, new_frame (192, 128, 1, 0, D)); /* now it is known to stand still */
    cases[i].between (harness);
    reused = cases[i].between == do_stop ? 0 : get_count (harness, "reused-rectangles");
    if (cases[i].discont)
      GST_BUFFER_FLAG_SET (again, GST_BUFFER_FLAG_DISCONT);
    second = push_frame (harness, again);
    g_assert_nonnull (second);
    if (cases[i].forgets)
      g_assert_cmpuint (get_count (harness, "reused-rectangles"), ==, reused);
    else
      g_assert_cmpuint (get_count (harness, "reused-rectangles"), >, reused);

    gst_buffer_map (first, &a, GST_MAP_READ);
    gst_buffer_map (second, &b, GST_MAP_READ);
    g_assert_cmpmem (a.data, a.size, b.data, b.size);
    gst_buffer_unmap (first, &a);
    gst_buffer_unmap (second, &b);
    gst_harness_teardown (harness);
  }
}

/* ---- locks ------------------------------------------------------------------------------------
 */

/* A clock that checks whether an element holds its object lock while reading the clock. */
typedef struct {
  GstTestClock parent;
  GstElement *element;
  guint n_asked, n_locked;
} WaryClock;

typedef GstTestClockClass WaryClockClass;

static GType wary_clock_get_type (void);
G_DEFINE_TYPE (WaryClock, wary_clock, GST_TYPE_TEST_CLOCK)

static GstClockTime
wary_clock_get_time (GstClock *clock)
{
  WaryClock *self = (WaryClock *) clock;

  if (self->element != NULL) {
    self->n_asked++;
    if (GST_OBJECT_TRYLOCK (self->element))
      GST_OBJECT_UNLOCK (self->element);
    else
      self->n_locked++;
  }
  return GST_CLOCK_CLASS (wary_clock_parent_class)->get_internal_time (clock);
}

static void
wary_clock_class_init (WaryClockClass *klass)
{
  GST_CLOCK_CLASS (klass)->get_internal_time = wary_clock_get_time;
}

static void
wary_clock_init (WaryClock *self)
{
}

static void
test_clock_lock (void)
{
  static const char *const policies[] = {"degrade", "drop", "never"};

  for (guint i = 0; i < G_N_ELEMENTS (policies); i++) {
    g_autofree char *properties = g_strdup_printf ("late-policy=%s", policies[i]);
    GstHarness *harness = live_harness (properties, 64, 48, "25/1");
    GstElement *element = gst_harness_find_element (harness, "rfdnupscale");
    WaryClock *clock = g_object_new (wary_clock_get_type (), NULL);

    gst_object_ref_sink (clock);
    gst_element_set_clock (element, GST_CLOCK (clock));
    clock->element = element;
    for (guint n = 0; n < 5; n++)
      gst_clear_buffer (&(GstBuffer *){push_frame (harness, new_frame (64, 48, n, n * D, D))});
    clock->element = NULL;
    g_assert_cmpuint (clock->n_asked, >, 0);
    g_assert_cmpuint (clock->n_locked, ==, 0);
    gst_object_unref (element);
    gst_harness_teardown (harness);
    gst_object_unref (clock);
  }
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/latency/element/query", test_query);
  g_test_add_data_func ("/latency/element/measured/degrade", "late-policy=degrade model=rfdn",
                        test_measured);
  g_test_add_data_func ("/latency/element/measured/drop", "late-policy=drop model=rfdn",
                        test_measured);
  g_test_add_data_func ("/latency/element/measured/never", "late-policy=never model=rfdn",
                        test_measured);
  g_test_add_data_func ("/latency/element/measured/fast", "", test_measured);
  g_test_add_func ("/latency/element/told", test_told);
  g_test_add_func ("/latency/element/first", test_first);
  g_test_add_func ("/latency/element/drop", test_drop);
  g_test_add_func ("/latency/element/no-drop", test_no_drop);
  g_test_add_func ("/latency/element/trick-mode", test_trick_mode);
  g_test_add_func ("/latency/element/reset", test_reset);
  g_test_add_func ("/latency/element/clock-lock", test_clock_lock);
  return test_run ();
}
