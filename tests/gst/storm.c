/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An element that several threads use at once, as no application should:
 *
 *   storm [SECONDS [SEED]]    by default 20 seconds and seed 1
 *
 * States, properties, queries, flushes, seeks and caps change, each from its own thread with its
 * own random numbers. Nothing may hang, fail or be lost; frames must flow, for which the storm
 * lasts longer on a busy machine, and must still flow when it is over. A thread that does the same
 * thing for a minute counts as hanging: the program then prints what each thread does, and all
 * backtraces, and aborts. Prints TAP. */

#include <execinfo.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <gst/video/navigation.h>
#include <gst/video/video.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "listed.h"
#include "tap.h"

/* A sanitizer makes everything slower; the pauses grow with it, or no frame would ever be made. */
#ifdef TEST_SANITIZED
#define SLOWNESS 10
#define PATIENCE (240 * G_TIME_SPAN_SECOND)
#else
#define SLOWNESS 1
#define PATIENCE (60 * G_TIME_SPAN_SECOND)
#endif

#define WRONG_MODEL "/nowhere/storm.safetensors"
/* What integers cannot do ends the stream, until it is started or flushed again. */
#define WRONG_PRECISION "precision int16 is not possible"
#define STREAM_ENDS "Internal data stream error"

typedef struct {
  GstElement *pipeline, *element, *sink;
  GstPad *sink_pad, *src_pad;
  GstCaps *wanted; /* for the input, taken by the streaming thread */
  char *cleaner;   /* path of a model that leaves the size */
  gint done;
  gint n_frames;
} Storm;

typedef struct Worker Worker;
struct Worker {
  const char *name;
  void (*act) (Worker *self);
  gulong pause; /* microseconds between two acts, at most */
  Storm *storm;
  GRand *rand;
  GThread *thread;
  const char *doing; /* atomic */
  gint n_acts;
};

static gint
draw (Worker *self, gint n)
{
  return g_rand_int_range (self->rand, 0, n);
}

static void
note (Worker *self, const char *doing)
{
  g_atomic_pointer_set (&self->doing, doing);
}

/* ---- what they do ---------------------------------------------------------------------------- */

static void
change_state (Worker *self)
{
  static const GstState states[] = {GST_STATE_NULL,    GST_STATE_READY,   GST_STATE_PAUSED,
                                    GST_STATE_PLAYING, GST_STATE_PLAYING, GST_STATE_PLAYING};
  const GstState state = states[draw (self, G_N_ELEMENTS (states))];

  note (self, gst_element_state_get_name (state));
  g_object_set (self->storm->sink, "sync", draw (self, 2), NULL);
  gst_element_set_state (self->storm->pipeline, state);
  note (self, "get-state");
  if (draw (self, 2))
    gst_element_get_state (self->storm->pipeline, NULL, NULL, 50 * GST_MSECOND);
}

static void
set_properties (Worker *self)
{
  static const char *const models[] = {"live", "live-clean", "live", WRONG_MODEL};
  static const char *const precisions[] = {"auto", "float32", "auto", "float32", "int16"};
  GstElement *element = self->storm->element;
  g_autoptr (GstStructure) stats = NULL;

  switch (draw (self, 7)) {
  case 0:
    note (self, "model");
    g_object_set (element, "model", models[draw (self, G_N_ELEMENTS (models))], "scale", 0, NULL);
    break;
  case 1:
    note (self, "model and scale");
    g_object_set (element, "model", "live", "scale", draw (self, 2) ? 0 : 2 + draw (self, 3), NULL);
    break;
  case 2:
    note (self, "model that cleans");
    g_object_set (element, "scale", draw (self, 2), "model", self->storm->cleaner, NULL);
    break;
  case 3:
    note (self, "strength and policy");
    g_object_set (element, "strength", g_rand_double (self->rand), "stabilize",
                  MAX (g_rand_double (self->rand) - 0.5, 0), "sharpness",
                  g_rand_double_range (self->rand, -1, 1), "late-policy", draw (self, 3), "qos",
                  draw (self, 4) > 0, "resample", draw (self, 4) > 0, NULL);
    break;
  case 4:
    note (self, "threads and tiles");
    g_object_set (element, "n-threads", (guint) draw (self, 4), "tile-size",
                  (guint) draw (self, 2) * 32, "tile-overlap", draw (self, 4) - 1, "reuse",
                  draw (self, 2), NULL);
    break;
  case 5:
    note (self, "precision");
    gst_util_set_object_arg (G_OBJECT (element), "precision",
                             precisions[draw (self, G_N_ELEMENTS (precisions))]);
    break;
  default:
    note (self, "stats");
    g_object_get (element, "stats", &stats, NULL);
    g_assert_nonnull (stats);
    break;
  }
}

static GstCaps *
invent_caps (Worker *self)
{
  static const char *const formats[] = {"I420", "NV12", "BGRx", "I420_10LE", "GRAY8", "RGBA"};

  return gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
                              formats[draw (self, G_N_ELEMENTS (formats))], "width", G_TYPE_INT,
                              16 + draw (self, 100), "height", G_TYPE_INT, 16 + draw (self, 80),
                              "framerate", GST_TYPE_FRACTION, 200, 1, NULL);
}

static void
ask_caps (Worker *self, GstPad *pad)
{
  g_autoptr (GstCaps) filter = draw (self, 2) ? invent_caps (self) : NULL;
  g_autoptr (GstCaps) caps = NULL;

  note (self, "query caps");
  caps = gst_pad_query_caps (pad, filter);
  g_assert_nonnull (caps);
  if (filter != NULL) {
    note (self, "query accept-caps");
    gst_pad_query_accept_caps (pad, filter);
  }
}

/* Also as upstream asks it that has already stopped, or has not begun. */
static void
ask_allocation (Worker *self)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (self->storm->sink_pad);
  GstQuery *query;

  note (self, "query allocation");
  if (caps == NULL)
    caps = invent_caps (self);
  query = gst_query_new_allocation (caps, draw (self, 2));
  gst_pad_query (self->storm->sink_pad, query);
  gst_query_unref (query);
}

static void
ask (Worker *self)
{
  GstQuery *query = NULL;
  gint64 position;

  switch (draw (self, 6)) {
  case 0:
    ask_caps (self, self->storm->sink_pad);
    break;
  case 1:
    ask_caps (self, self->storm->src_pad);
    break;
  case 2:
  case 3:
    ask_allocation (self);
    break;
  case 4:
    note (self, "query latency");
    query = gst_query_new_latency ();
    gst_pad_query (self->storm->src_pad, query);
    gst_query_unref (query);
    break;
  default:
    note (self, "query position");
    gst_element_query_position (self->storm->pipeline, GST_FORMAT_TIME, &position);
    break;
  }
}

/* Without a flush a paused pipeline would wait for itself, whatever is in it. */
static void
seek (Worker *self)
{
  static const GstSeekFlags flags[] = {GST_SEEK_FLAG_FLUSH,
                                       GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE,
                                       GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_TRICKMODE};
  const double rate = draw (self, 4) ? 1 : 0.5 + draw (self, 4);

  note (self, "seek");
  gst_element_seek (self->storm->pipeline, rate, GST_FORMAT_TIME,
                    flags[draw (self, G_N_ELEMENTS (flags))], GST_SEEK_TYPE_SET,
                    draw (self, 100) * GST_SECOND, GST_SEEK_TYPE_NONE, -1);
}

static void
send_upstream (Worker *self)
{
  GstEvent *event;

  switch (draw (self, 4)) {
  case 0:
    note (self, "event navigation");
    event = gst_navigation_event_new_mouse_move (draw (self, 200), draw (self, 200),
                                                 GST_NAVIGATION_MODIFIER_NONE);
    break;
  case 1:
    note (self, "event qos");
    event = gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 0.5 + draw (self, 3),
                               (draw (self, 200) - 100) * GST_MSECOND,
                               (GstClockTime) (100 + draw (self, 1000)) * GST_MSECOND);
    break;
  case 2:
    note (self, "event reconfigure");
    event = gst_event_new_reconfigure ();
    break;
  default:
    note (self, "event latency");
    event = gst_event_new_latency ((GstClockTime) draw (self, 100) * GST_MSECOND);
    break;
  }
  gst_pad_send_event (self->storm->src_pad, event);
}

static void
change_caps (Worker *self)
{
  GstCaps *old;

  note (self, "caps");
  old = g_atomic_pointer_exchange (&self->storm->wanted, invent_caps (self));
  gst_clear_caps (&old);
}

/* ---- the pipeline ---------------------------------------------------------------------------- */

/* A caps filter that changes during upstream's caps query may answer with no caps: so it is changed
 * by the thread that queries, while a frame passes. */
static GstPadProbeReturn
take_caps (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Storm *storm = data;
  g_autoptr (GstElement) filter = gst_pad_get_parent_element (pad);
  g_autoptr (GstCaps) caps = g_atomic_pointer_exchange (&storm->wanted, NULL);

  if (caps != NULL)
    g_object_set (filter, "caps", caps, NULL);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
count_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_atomic_int_inc (&((Storm *) data)->n_frames);
  return GST_PAD_PROBE_OK;
}

static gboolean
build (Storm *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) filter = NULL;
  g_autoptr (GstPad) pad = NULL;

  self->pipeline =
      gst_parse_launch ("videotestsrc pattern=ball ! capsfilter name=filter caps=video/x-raw,"
                        "width=64,height=48,framerate=200/1 ! identity sleep-time=1000 ! "
                        "rfdnupscale name=element ! fakesink name=sink qos=true",
                        &error);
  if (error != NULL) {
    g_print ("Bail out! %s\n", error->message);
    return FALSE;
  }
  self->element = gst_bin_get_by_name (GST_BIN (self->pipeline), "element");
  self->sink = gst_bin_get_by_name (GST_BIN (self->pipeline), "sink");
  self->sink_pad = gst_element_get_static_pad (self->element, "sink");
  self->src_pad = gst_element_get_static_pad (self->element, "src");
  filter = gst_bin_get_by_name (GST_BIN (self->pipeline), "filter");
  pad = gst_element_get_static_pad (filter, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, take_caps, self, NULL);
  gst_pad_add_probe (self->src_pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, self, NULL);
  return TRUE;
}

static char *
write_cleaner (void)
{
  static const char *const metadata[] = {"scale", "1", NULL};
  g_autoptr (GBytes) bytes = listed_file_new ("result = conv x small rows=0:1", metadata);
  char *path;
  const int file = g_file_open_tmp ("storm-XXXXXX.safetensors", &path, NULL);

  g_assert_cmpint (file, >=, 0);
  close (file);
  g_assert_true (g_file_set_contents (path, g_bytes_get_data (bytes, NULL),
                                      (gssize) g_bytes_get_size (bytes), NULL));
  return path;
}

static gboolean
enough_frames (Storm *self, double seconds)
{
  return g_atomic_int_get (&self->n_frames) > seconds / SLOWNESS;
}

/* Whether frames come again after a new start; the elements may have been left in any state. */
static gboolean
frames_flow (Storm *self)
{
  const gint64 end = g_get_monotonic_time () + PATIENCE / 2;
  const gint before = g_atomic_int_get (&self->n_frames);

  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_object_set (self->sink, "sync", FALSE, NULL);
  g_object_set (self->element, "model", "live", "scale", 0, "qos", FALSE, NULL);
  gst_util_set_object_arg (G_OBJECT (self->element), "precision", "auto");
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  while (g_atomic_int_get (&self->n_frames) < before + 20 && g_get_monotonic_time () < end)
    g_usleep (20 * G_TIME_SPAN_MILLISECOND);
  return g_atomic_int_get (&self->n_frames) >= before + 20;
}

static void
clear (Storm *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_clear_caps (&self->wanted);
  gst_object_unref (self->sink_pad);
  gst_object_unref (self->src_pad);
  gst_object_unref (self->sink);
  gst_object_unref (self->element);
  gst_object_unref (self->pipeline);
  g_remove (self->cleaner);
  g_free (self->cleaner);
}

/* Whether an error was expected: from a start with a bad model, or from integers where they are not
 * possible, after which the source reports the end of its stream. */
static gboolean
is_expected (const char *text, guint *n_refused)
{
  if (strstr (text, WRONG_PRECISION) != NULL)
    (*n_refused)++;
  return strstr (text, WRONG_MODEL) != NULL || strstr (text, WRONG_PRECISION) != NULL ||
         (*n_refused > 0 && strstr (text, STREAM_ENDS) != NULL);
}

static guint
count_failures (GstBus *bus, guint *n_refused)
{
  guint n = 0;

  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_pop (bus);
    g_autoptr (GError) error = NULL;
    g_autofree char *debug = NULL;

    if (message == NULL)
      return n;
    if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
      continue;
    gst_message_parse_error (message, &error, &debug);
    if (!is_expected (error->message, n_refused)) {
      g_print ("# %s: %s (%s)\n", GST_MESSAGE_SRC_NAME (message), error->message, debug);
      n++;
    }
  }
}

/* ---- threads, and who watches them ----------------------------------------------------------- */

static Worker workers[] = {
    /* The first to end. */
    {"states", change_state, 300000 * SLOWNESS},
    {"properties", set_properties, 2000 * SLOWNESS},
    {"queries", ask, 2000},
    {"seeks", seek, 50000 * SLOWNESS},
    {"events", send_upstream, 2000},
    {"caps", change_caps, 20000 * SLOWNESS},
};

/* Allocation queries wait for the streaming thread, which waits while the pipeline is paused: so
 * the thread that changes states ends first, and leaves a pipeline in which nothing waits. */
static void
join_all (Storm *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++) {
    g_thread_join (workers[i].thread);
    g_print ("# %s: %d acts\n", workers[i].name, workers[i].n_acts);
    g_rand_free (workers[i].rand);
    if (i == 0)
      gst_element_set_state (self->pipeline, GST_STATE_NULL);
  }
}

static gpointer
work (gpointer data)
{
  Worker *self = data;

  while (!g_atomic_int_get (&self->storm->done)) {
    self->act (self);
    note (self, "pause");
    g_atomic_int_inc (&self->n_acts);
    g_usleep ((gulong) draw (self, (gint) self->pause) + 100);
  }
  note (self, "end");
  return NULL;
}

static void
write_stack (int number)
{
  void *addresses[64];
  const int n = backtrace (addresses, G_N_ELEMENTS (addresses));

  backtrace_symbols_fd (addresses, n, STDERR_FILENO);
  (void) !write (STDERR_FILENO, "--\n", 3);
}

static void
write_stacks (void)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  const char *name;

  while (tasks != NULL && (name = g_dir_read_name (tasks)) != NULL) {
    g_autofree char *path = g_build_filename ("/proc/self/task", name, "comm", NULL);
    g_autofree char *thread = NULL;

    if (g_file_get_contents (path, &thread, NULL, NULL))
      g_printerr ("thread %s, %s", name, thread);
    syscall (SYS_tgkill, getpid (), atoi (name), SIGUSR2);
    g_usleep (50 * G_TIME_SPAN_MILLISECOND);
  }
}

static void
give_up (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    g_printerr ("%s: %s, after %d acts\n", workers[i].name,
                (const char *) g_atomic_pointer_get (&workers[i].doing),
                g_atomic_int_get (&workers[i].n_acts));
  write_stacks ();
  g_print ("Bail out! hangs\n");
  abort ();
}

/* Beyond the end of the threads, until the last is joined and the pipeline is stopped. */
static gpointer
watch (gpointer over)
{
  gint64 since[G_N_ELEMENTS (workers)] = {0};
  gint acts[G_N_ELEMENTS (workers)] = {0};

  while (!g_atomic_int_get ((gint *) over)) {
    const gint64 now = g_get_monotonic_time ();

    for (guint i = 0; i < G_N_ELEMENTS (workers); i++) {
      const gint n = g_atomic_int_get (&workers[i].n_acts);

      if (n != acts[i] || since[i] == 0)
        since[i] = now;
      else if (now - since[i] > PATIENCE)
        give_up ();
      acts[i] = n;
    }
    g_usleep (100 * G_TIME_SPAN_MILLISECOND);
  }
  return NULL;
}

int
main (int argc, char **argv)
{
  const double seconds = argc > 1 ? g_ascii_strtod (argv[1], NULL) : 20;
  const guint32 seed = argc > 2 ? (guint32) g_ascii_strtoull (argv[2], NULL, 10) : 1;
  const gint64 end = g_get_monotonic_time () + (gint64) (seconds * G_USEC_PER_SEC);
  g_autoptr (GstBus) bus = NULL;
  GThread *watcher;
  Storm storm = {0};
  guint n_failures = 0, n_refused = 0;
  gboolean flowed, flows;
  gint over = FALSE;

  gst_init (&argc, &argv);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  signal (SIGUSR2, write_stack);
  if (!build (&storm))
    return 1;
  storm.cleaner = write_cleaner ();
  bus = gst_element_get_bus (storm.pipeline);
  g_print ("1..4\n# seed %u\n", seed);
  gst_element_set_state (storm.pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++) {
    workers[i].storm = &storm;
    workers[i].rand = g_rand_new_with_seed (seed * G_N_ELEMENTS (workers) + i);
    note (&workers[i], "begin");
    workers[i].thread = g_thread_new (workers[i].name, work, &workers[i]);
  }
  watcher = g_thread_new ("watch", watch, &over);
  while (g_get_monotonic_time () < end ||
         (!enough_frames (&storm, seconds) && g_get_monotonic_time () < end + 5 * PATIENCE)) {
    g_usleep (20 * G_TIME_SPAN_MILLISECOND);
    n_failures += count_failures (bus, &n_refused);
  }

  g_atomic_int_set (&storm.done, TRUE);
  join_all (&storm);
  g_print ("# %d frames, %u times no integers\n", storm.n_frames, n_refused);
  flowed = enough_frames (&storm, seconds);
  flows = frames_flow (&storm);
  n_failures += count_failures (bus, &n_refused);
  clear (&storm);
  g_atomic_int_set (&over, TRUE);
  g_thread_join (watcher);
  tap_tell (1, TRUE, "nothing hangs");
  tap_tell (2, n_failures == 0, "nothing fails");
  tap_tell (3, flowed, "frames flow");
  tap_tell (4, flows, "frames flow afterwards");
  gst_object_unref (g_steal_pointer (&bus));
  gst_deinit ();
  return 0;
}
