/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A live pipeline that is changed all the time:
 *
 *   soak [SECONDS]    20 by default
 *
 * Four times a second its size, format, model, factor or another property changes. Threads, open
 * files and resident memory are recorded each time; the second half of the time must not add to
 * them. Prints TAP: what they were, and their slopes. */

#include <gst/gst.h>
#include <math.h>
#include <stdlib.h>

#include "tap.h"
#include "usage.h"

#define PERIOD (250 * G_TIME_SPAN_MILLISECOND)

/* A caps filter that changes during upstream's caps query may answer with no caps: so it is changed
 * by the thread that queries, while a frame passes. */
static GstPadProbeReturn
change_caps (GstPad *pad, GstPadProbeInfo *info, gpointer wanted)
{
  g_autoptr (GstElement) filter = gst_pad_get_parent_element (pad);
  GstCaps *caps = g_atomic_pointer_exchange ((GstCaps **) wanted, NULL);

  if (caps != NULL) {
    g_object_set (filter, "caps", caps, NULL);
    gst_caps_unref (caps);
  }
  return GST_PAD_PROBE_OK;
}

static GstCaps *
invent_caps (GRand *rand)
{
  static const char *const formats[] = {"I420", "NV12", "BGRx", "I420_10LE", "GRAY8", "RGB"};
  const gint format = g_rand_int_range (rand, 0, G_N_ELEMENTS (formats));

  return gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, formats[format], "width",
                              G_TYPE_INT, g_rand_int_range (rand, 16, 400), "height", G_TYPE_INT,
                              g_rand_int_range (rand, 16, 300), "framerate", GST_TYPE_FRACTION, 30,
                              1, NULL);
}

static void
change (GstCaps **wanted, GstElement *element, GRand *rand)
{
  switch (g_rand_int_range (rand, 0, 4)) {
  case 0:
    g_object_set (element, "model", g_rand_boolean (rand) ? "live" : "live-clean", "scale",
                  g_rand_int_range (rand, 2, 5), NULL);
    break;
  case 1:
    g_object_set (element, "strength", g_rand_double (rand), "stabilize",
                  MAX (g_rand_double (rand) - 0.5, 0), "sharpness",
                  g_rand_double_range (rand, -1, 1), "reuse", g_rand_boolean (rand), "late-policy",
                  g_rand_int_range (rand, 0, 3), "n-threads", (guint) g_rand_int_range (rand, 0, 4),
                  "tile-size", (guint) g_rand_int_range (rand, 0, 2) * 64, NULL);
    break;
  default: {
    GstCaps *old = g_atomic_pointer_exchange (wanted, invent_caps (rand));

    gst_clear_caps (&old);
    break;
  }
  }
}

static gboolean
has_failed (GstBus *bus)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  if (message == NULL)
    return FALSE;
  gst_message_parse_error (message, &error, NULL);
  g_print ("# %s\n", error->message);
  return TRUE;
}

/* What was used at most, and by how much it grew from one measurement to the next. */
static Usage
report (const char *when, const Usage *usages, guint n)
{
  const Usage slope = usage_get_slope (usages, n);
  const double minute = 60.0 * G_USEC_PER_SEC / PERIOD;
  Usage most = {0};

  for (guint i = 0; i < n; i++) {
    most.threads = MAX (most.threads, usages[i].threads);
    most.files = MAX (most.files, usages[i].files);
    most.memory = MAX (most.memory, usages[i].memory);
  }
  g_print ("# %s half: at most %.0f threads, %.0f files, %.0f KiB; "
           "a minute added %.3f, %.3f, %.0f KiB\n",
           when, most.threads, most.files, most.memory, slope.threads * minute,
           slope.files * minute, slope.memory * minute);
  return slope;
}

int
main (int argc, char **argv)
{
  const double seconds = argc > 1 ? g_ascii_strtod (argv[1], NULL) : 20;
  const guint n = (guint) (seconds * G_USEC_PER_SEC / PERIOD);
  g_autofree Usage *usages = g_new0 (Usage, n);
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) filter = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstCaps) wanted = NULL;
  g_autoptr (GstElement) element = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstStructure) stats = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autoptr (GError) error = NULL;
  gboolean failed = FALSE;
  guint64 frames = 0;
  Usage slope;
  guint i;

  gst_init (&argc, &argv);
  pipeline = gst_parse_launch ("videotestsrc is-live=true pattern=ball ! capsfilter name=filter ! "
                               "rfdnupscale name=element ! fakesink sync=true qos=true",
                               &error);
  if (error != NULL) {
    g_print ("Bail out! %s\n", error->message);
    return 1;
  }
  filter = gst_bin_get_by_name (GST_BIN (pipeline), "filter");
  pad = gst_element_get_static_pad (filter, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, change_caps, &wanted, NULL);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "element");
  bus = gst_element_get_bus (pipeline);
  if (n < 8 || !usage_get (&usages[0])) {
    g_print ("1..0 # SKIP no time, or no /proc\n");
    return 0;
  }
  g_print ("1..5\n");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (i = 0; i < n && !failed; i++) {
    g_usleep (PERIOD);
    usage_get (&usages[i]);
    change (&wanted, element, rand);
    failed = has_failed (bus);
  }
  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "frames", &frames);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  g_print ("# %u changes, %" G_GUINT64_FORMAT " frames\n", i, frames);
  report ("first", usages, n / 2);
  slope = report ("second", usages + n / 2, n - n / 2);
  tap_tell (1, !failed, "no change is an error");
  tap_tell (2, frames > n, "frames flow");
  /* By as much as sizes and numbers of threads vary from change to change: more is growth. */
  tap_tell (3, fabs (slope.threads) * (n / 2.0) < 6, "threads stay");
  tap_tell (4, fabs (slope.files) * (n / 2.0) < 2, "open files stay");
  tap_tell (5, slope.memory * (n / 2.0) < 40000, "memory stays");
  return 0;
}
