/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shows what the element does when it has more work than time:
 *
 *   rfdn-bench-late [--model NAME|FILE] [--threads N] [--source PIPELINE] [--policy NAME] [--qos]
 *                   PHASE...
 *
 * A phase is SECONDS:RATE, with "+busy" behind it while another process is to take a core. The
 * source, in the notation of gst-launch-1.0, ends in raw video; a caps filter behind it sets the
 * rate. Of each phase, its first second aside, it reports the frames that went in, came out and
 * were left out; by how much they were late at a sink that synchronises, in frames' durations; the
 * share of tiles that the network did; the level (the share of a picture) at least, in the mean and
 * at the end; how often a QoS message told of a new one; and after how many seconds all of a
 * picture had the network's quality, for good. */

#include <gst/base/gstbasesink.h>
#include <gst/gst.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_SOURCE                                                                             \
  "videotestsrc is-live=true pattern=snow ! "                                                      \
  "video/x-raw,format=I420,width=640,height=360"

static char *model = NULL, *source = NULL, *policy = NULL;
static gint n_threads = 0;
static gboolean qos = FALSE;

static const GOptionEntry options[] = {
    {"model", 'm', 0, G_OPTION_ARG_STRING, &model, "a built-in model or a file", "NAME|FILE"},
    {"threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "0: all that the process may use", "N"},
    {"source", 's', 0, G_OPTION_ARG_STRING, &source, "where frames come from", "PIPELINE"},
    {"policy", 'p', 0, G_OPTION_ARG_STRING, &policy, "late-policy, degrade", "NAME"},
    {"qos", 'q', 0, G_OPTION_ARG_NONE, &qos, "have the sink send QoS events", NULL},
    {NULL},
};

typedef struct {
  GstElement *pipeline, *element, *sink, *rate;
  GstClockTime duration;

  /* Of the phase; `lateness` in durations. */
  GMutex mutex;
  gint64 begin;
  guint n_in;
  GArray *lateness, *levels;
  gint64 full_since; /* 0: it is not */
  guint n_messages;
  GstStructure *stats; /* at its begin */
} Bench;

static guint64
get_count (const GstStructure *stats, const char *name)
{
  guint64 n = 0;

  gst_structure_get_uint64 (stats, name, &n);
  return n;
}

static GstPadProbeReturn
on_input (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Bench *bench = data;

  g_mutex_lock (&bench->mutex);
  bench->n_in++;
  g_mutex_unlock (&bench->mutex);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_output (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Bench *bench = data;
  g_autoptr (GstStructure) stats = NULL;
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  g_autoptr (GstClock) clock = gst_element_get_clock (bench->element);
  const GstSegment *segment;
  GstClockTime time, now;
  double late, level;

  gst_event_parse_segment (event, &segment);
  time = gst_segment_to_running_time (segment, GST_FORMAT_TIME,
                                      GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)));
  g_object_get (bench->element, "stats", &stats, NULL);
  gst_structure_get_double (stats, "level", &level);
  now = clock ? gst_clock_get_time (clock) - gst_element_get_base_time (bench->element) : time;
  time += gst_base_sink_get_latency (GST_BASE_SINK (bench->sink));
  late = (double) GST_CLOCK_DIFF (time, now) / (double) bench->duration;

  g_mutex_lock (&bench->mutex);
  if (g_get_monotonic_time () - bench->begin > G_USEC_PER_SEC) {
    g_array_append_val (bench->lateness, late);
    g_array_append_val (bench->levels, level);
  }
  if (level < 1)
    bench->full_since = 0;
  else if (bench->full_since == 0)
    bench->full_since = g_get_monotonic_time ();
  g_mutex_unlock (&bench->mutex);
  return GST_PAD_PROBE_OK;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
report (Bench *bench, const char *phase)
{
  g_autoptr (GstStructure) stats = NULL;
  double sum = 0, least = 1, last = 0;
  guint64 network, small, cheap, reused, all;
  guint n;

  g_object_get (bench->element, "stats", &stats, NULL);
  network =
      get_count (stats, "network-rectangles") - get_count (bench->stats, "network-rectangles");
  small = get_count (stats, "small-rectangles") - get_count (bench->stats, "small-rectangles");
  cheap = get_count (stats, "cheap-rectangles") - get_count (bench->stats, "cheap-rectangles");
  reused = get_count (stats, "reused-rectangles") - get_count (bench->stats, "reused-rectangles");
  all = MAX (network + small + cheap + reused, 1);

  g_mutex_lock (&bench->mutex);
  n = bench->lateness->len;
  for (guint i = 0; i < n; i++) {
    last = g_array_index (bench->levels, double, i);
    sum += last;
    least = MIN (least, last);
  }
  g_array_sort (bench->lateness, compare);
  if (n > 0)
    g_print (
        "%-12s in %u, out %u + first second, dropped %" G_GUINT64_FORMAT
        "; late (median, 99%%, most) %.2f %.2f %.2f; network %.1f %% of tiles, a smaller one %.1f "
        "%%, reused %.1f %%; "
        "level least %.2f mean %.2f last %.2f, told %u times; full after %s%.2f s\n",
        phase, bench->n_in, n, get_count (stats, "dropped") - get_count (bench->stats, "dropped"),
        g_array_index (bench->lateness, double, n / 2),
        g_array_index (bench->lateness, double, (n * 99 + 99) / 100 - 1),
        g_array_index (bench->lateness, double, n - 1), 100.0 * (double) network / (double) all,
        100.0 * (double) small / (double) all, 100.0 * (double) reused / (double) all, least,
        sum / n, last, bench->n_messages, bench->full_since ? "" : "more than ",
        (double) ((bench->full_since ? MAX (bench->full_since, bench->begin)
                                     : g_get_monotonic_time ()) -
                  bench->begin) /
            G_USEC_PER_SEC);
  g_array_set_size (bench->lateness, 0);
  g_array_set_size (bench->levels, 0);
  bench->n_in = bench->n_messages = 0;
  g_mutex_unlock (&bench->mutex);
}

static pid_t
start_busy_process (void)
{
  const pid_t pid = fork ();

  if (pid == 0) {
    for (;;)
      ;
  }
  return pid;
}

/* FALSE when the pipeline has failed. */
static gboolean
watch (Bench *bench, gint64 until)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (bench->pipeline);

  while (g_get_monotonic_time () < until) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop (bus, 10 * GST_MSECOND);
    if (message == NULL)
      continue;
    switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_QOS:
      bench->n_messages++;
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (bench->pipeline));
      break;
    case GST_MESSAGE_EOS:
      return FALSE;
    case GST_MESSAGE_ERROR: {
      g_autoptr (GError) error = NULL;
      gst_message_parse_error (message, &error, NULL);
      g_printerr ("%s\n", error->message);
      return FALSE;
    }
    default:
      break;
    }
  }
  return TRUE;
}

static gboolean
run_phase (Bench *bench, const char *phase)
{
  char *end;
  const double seconds = g_ascii_strtod (phase, &end);
  const guint rate = *end == ':' ? (guint) strtoul (end + 1, &end, 10) : 30;
  const gboolean busy = g_str_equal (end, "+busy");
  g_autoptr (GstCaps) caps =
      gst_caps_new_simple ("video/x-raw", "framerate", GST_TYPE_FRACTION, (gint) rate, 1, NULL);
  const pid_t pid = busy ? start_busy_process () : 0;
  gboolean ok;

  g_object_set (bench->rate, "caps", caps, NULL);
  bench->duration = GST_SECOND / rate;
  gst_element_set_state (bench->pipeline, GST_STATE_PLAYING);
  g_mutex_lock (&bench->mutex);
  bench->begin = g_get_monotonic_time ();
  g_mutex_unlock (&bench->mutex);
  g_clear_pointer (&bench->stats, gst_structure_free);
  g_object_get (bench->element, "stats", &bench->stats, NULL);
  ok = watch (bench, bench->begin + (gint64) (seconds * G_USEC_PER_SEC));
  report (bench, phase);
  if (busy) {
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
  }
  return ok;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("PHASE... - frames against the clock");
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GstPad) in = NULL, out = NULL;
  Bench bench = {0};

  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  text = g_strdup_printf ("%s ! capsfilter name=rate ! rfdnupscale name=element model=%s "
                          "n-threads=%d late-policy=%s ! fakesink name=sink sync=true qos=%s",
                          source ? source : DEFAULT_SOURCE, model ? model : "live", n_threads,
                          policy ? policy : "degrade", qos ? "true" : "false");
  bench.pipeline = gst_parse_launch (text, &error);
  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  bench.element = gst_bin_get_by_name (GST_BIN (bench.pipeline), "element");
  bench.sink = gst_bin_get_by_name (GST_BIN (bench.pipeline), "sink");
  bench.rate = gst_bin_get_by_name (GST_BIN (bench.pipeline), "rate");
  g_mutex_init (&bench.mutex);
  bench.lateness = g_array_new (FALSE, FALSE, sizeof (double));
  bench.levels = g_array_new (FALSE, FALSE, sizeof (double));
  in = gst_element_get_static_pad (bench.element, "sink");
  out = gst_element_get_static_pad (bench.sink, "sink");
  gst_pad_add_probe (in, GST_PAD_PROBE_TYPE_BUFFER, on_input, &bench, NULL);
  gst_pad_add_probe (out, GST_PAD_PROBE_TYPE_BUFFER, on_output, &bench, NULL);

  for (int i = 1; i < argc; i++) {
    if (!run_phase (&bench, argv[i]))
      break;
  }
  gst_element_set_state (bench.pipeline, GST_STATE_NULL);
  gst_object_unref (bench.element);
  gst_object_unref (bench.sink);
  gst_object_unref (bench.rate);
  gst_object_unref (bench.pipeline);
  g_clear_pointer (&bench.stats, gst_structure_free);
  g_array_unref (bench.lateness);
  g_array_unref (bench.levels);
  return 0;
}
