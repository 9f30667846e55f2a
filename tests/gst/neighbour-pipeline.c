/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pipelines of neighbours.c, and running them. */

#include "neighbour-pipeline.h"

#include <string.h>
#include <unistd.h>

#define SOURCE "videotestsrc num-buffers=3"
#define STILL "videotestsrc num-buffers=1 ! video/x-raw,framerate=0/1"
#define SIZE " ! video/x-raw,width=160,height=120"
#define LARGER_SIZE " ! video/x-raw,width=320,height=240"
#define MAX_FRAMES 30 /* some neighbours never end */
#define STOP_SECONDS 2

/* Without these they do nothing, or do it for ever. */
static const struct {
  const char *name, *properties;
} properties[] = {
    {"aspectratiocrop", "aspect-ratio=16/9"},
    {"capsfilter", "caps=video/x-raw,format=I420"},
    {"imagefreeze", "num-buffers=3"},
    {"opencvtextoverlay", "text=hi"},
    {"rsvgoverlay", "data=\"<svg><rect x='10' y='10' width='20' height='20'/></svg>\""},
    {"textoverlay", "text=hi"},
    {"videobox", "left=-8 top=-8"},
    {"videocrop", "left=8 top=8"},
};

/* How frames get into and out of memory other than the system's. */
static const struct {
  const char *feature, *in, *out;
} memories[] = {
    {"memory:GLMemory", "glupload ! glcolorconvert", "glcolorconvert ! gldownload"},
    {"memory:VulkanImage", "vulkanupload", "vulkandownload"},
};

static const char *const place_names[] = {"before", "after", "before-sized", "after-sized",
                                          "both-sides"};
static const char *const outcome_names[] = {"works", "fails", "hangs", "crashes"};

const char *
neighbour_place_name (NeighbourPlace place)
{
  return place_names[place];
}

const char *
outcome_name (Outcome outcome)
{
  return outcome_names[outcome];
}

/* ---- the pipelines --------------------------------------------------------------------------- */

/* Whether a template of the direction takes any of @caps. */
static gboolean
takes (GstElementFactory *factory, GstPadDirection direction, const char *caps)
{
  g_autoptr (GstCaps) wanted = gst_caps_from_string (caps);

  for (const GList *l = gst_element_factory_get_static_pad_templates (factory); l; l = l->next) {
    GstStaticPadTemplate *template = l->data;
    g_autoptr (GstCaps) has = gst_static_pad_template_get_caps (template);

    if (template->direction == direction && gst_caps_can_intersect (has, wanted))
      return TRUE;
  }
  return FALSE;
}

gboolean
neighbour_is_fit (GstElementFactory *factory)
{
  return takes (factory, GST_PAD_SINK, "video/x-raw(ANY)") &&
         takes (factory, GST_PAD_SRC, "video/x-raw(ANY)");
}

/* Whether a template of the direction names a memory, and the system's not. */
static gboolean
is_for_memory (GstElementFactory *factory, GstPadDirection direction, const char *feature)
{
  gboolean of_memory = FALSE;

  for (const GList *l = gst_element_factory_get_static_pad_templates (factory); l; l = l->next) {
    GstStaticPadTemplate *template = l->data;
    g_autoptr (GstCaps) caps = gst_static_pad_template_get_caps (template);

    for (guint i = 0; template->direction == direction && i < gst_caps_get_size (caps); i++) {
      const GstCapsFeatures *features = gst_caps_get_features (caps, i);

      if (gst_caps_features_is_any (features))
        continue;
      if (gst_caps_features_contains (features, GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY))
        return FALSE;
      of_memory |= gst_caps_features_contains (features, feature);
    }
  }
  return of_memory;
}

guint
neighbour_n_places (GstElementFactory *factory)
{
  for (guint i = 0; i < G_N_ELEMENTS (memories); i++) {
    if (is_for_memory (factory, GST_PAD_SINK, memories[i].feature) &&
        is_for_memory (factory, GST_PAD_SRC, memories[i].feature))
      return NEIGHBOUR_AFTER + 1;
  }
  return N_NEIGHBOUR_PLACES;
}

/* Whether one of its outputs is for sound only. */
static gboolean
has_sound (GstElementFactory *factory)
{
  g_autoptr (GstCaps) sound = gst_caps_from_string ("audio/x-raw");

  for (const GList *l = gst_element_factory_get_static_pad_templates (factory); l; l = l->next) {
    g_autoptr (GstCaps) has = gst_static_pad_template_get_caps (l->data);

    if (((GstStaticPadTemplate *) l->data)->direction == GST_PAD_SRC && !gst_caps_is_any (has) &&
        gst_caps_can_intersect (has, sound))
      return TRUE;
  }
  return FALSE;
}

/* Appends the neighbour, with elements that bring frames into its memory and back. */
static void
append_neighbour (GString *chain, GstElementFactory *neighbour, guint n)
{
  const char *name = GST_OBJECT_NAME (neighbour);
  const char *out = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (memories); i++) {
    if (is_for_memory (neighbour, GST_PAD_SINK, memories[i].feature))
      g_string_append_printf (chain, " ! %s", memories[i].in);
    if (is_for_memory (neighbour, GST_PAD_SRC, memories[i].feature))
      out = memories[i].out;
  }
  g_string_append_printf (chain, " ! %s name=neighbour%u", name, n);
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    if (g_str_equal (properties[i].name, name))
      g_string_append_printf (chain, " %s", properties[i].properties);
  }
  if (out != NULL)
    g_string_append_printf (chain, " ! %s", out);
  /* Otherwise its sound output might be linked. */
  if (has_sound (neighbour))
    g_string_append (chain, " ! video/x-raw");
}

char *
neighbour_describe (GstElementFactory *neighbour, const char *scaler, NeighbourPlace place)
{
  const gboolean before = place != NEIGHBOUR_AFTER && place != NEIGHBOUR_AFTER_SIZED;
  const gboolean after = place != NEIGHBOUR_BEFORE && place != NEIGHBOUR_BEFORE_SIZED;
  const gboolean sized = place == NEIGHBOUR_BEFORE_SIZED || place == NEIGHBOUR_AFTER_SIZED;
  GString *chain = g_string_new (SOURCE);

  if (sized)
    g_string_append (chain, SIZE);
  if (before)
    append_neighbour (chain, neighbour, 0);
  g_string_append_printf (chain, " ! %s", scaler);
  if (sized)
    g_string_append (chain, LARGER_SIZE);
  if (after)
    append_neighbour (chain, neighbour, 1);
  g_string_append (chain, " ! fakesink name=sink");
  return g_string_free (chain, FALSE);
}

/* ---- pads that the chain leaves alone -------------------------------------------------------- */

static gboolean
accepts (const GstCaps *caps, const char *wanted)
{
  g_autoptr (GstCaps) parsed = gst_caps_from_string (wanted);

  return gst_caps_can_intersect (caps, parsed);
}

/* The input of a further sink pad: the same frames as the first one's, a still picture, sound, or
 * nothing. */
static char *
describe_input (GstPad *pad, const char *pipeline, const char *neighbour)
{
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
  const char *end = strstr (pipeline, neighbour);
  const char *rest = pipeline + strlen (SOURCE);

  if (strstr (GST_PAD_NAME (pad), "subtitle") != NULL)
    return NULL;
  if (accepts (caps, "video/x-raw(ANY),framerate=30/1"))
    return g_strndup (pipeline, (gsize) (end - pipeline));
  if (accepts (caps, "video/x-raw(ANY)"))
    return g_strdup_printf ("%s%.*s", STILL, (int) (end - rest), rest);
  if (accepts (caps, "audio/x-raw"))
    return g_strdup ("audiotestsrc num-buffers=10 samplesperbuffer=480 ! audioconvert");
  return NULL;
}

static void
link_input (GstElement *pipeline, GstElement *element, GstPad *pad, const char *text)
{
  g_autofree char *name =
      g_strdup_printf (" ! %s name=%s", GST_OBJECT_NAME (gst_element_get_factory (element)),
                       GST_ELEMENT_NAME (element));
  g_autofree char *input = describe_input (pad, text, name);
  g_autoptr (GstPad) source = NULL;
  GstElement *bin;

  if (input == NULL)
    return;
  bin = gst_parse_bin_from_description (input, TRUE, NULL);
  if (bin == NULL)
    return;
  gst_bin_add (GST_BIN (pipeline), bin);
  source = gst_element_get_static_pad (bin, "src");
  gst_pad_link (source, pad);
}

static void
link_output (GstElement *pipeline, GstPad *pad)
{
  GstElement *fakesink = gst_element_factory_make ("fakesink", NULL);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (fakesink, "sink");

  /* One thread may serve this one and the other, which waits for its first frame. */
  g_object_set (fakesink, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (pipeline), fakesink);
  gst_pad_link (pad, sink);
}

/* Elements with several inputs wait for all of them, and an unlinked output ends the stream. */
static void
link_rest (GstElement *pipeline, const char *name, const char *text)
{
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), name);
  g_autoptr (GList) pads = NULL;

  if (element == NULL)
    return;
  GST_OBJECT_LOCK (element);
  pads = g_list_copy (element->pads);
  GST_OBJECT_UNLOCK (element);
  for (GList *l = pads; l != NULL; l = l->next) {
    if (gst_pad_is_linked (l->data))
      continue;
    if (GST_PAD_IS_SINK (l->data))
      link_input (pipeline, element, l->data, text);
    else
      link_output (pipeline, l->data);
  }
}

/* ---- running --------------------------------------------------------------------------------- */

static GstPadProbeReturn
count_frame (GstPad *pad, GstPadProbeInfo *info, gpointer count)
{
  if (g_atomic_int_add ((gint *) count, 1) + 1 < MAX_FRAMES)
    return GST_PAD_PROBE_OK;
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_EOS;
  gst_pad_send_event (pad, gst_event_new_eos ());
  return GST_PAD_PROBE_HANDLED;
}

static void
count_critical (const char *domain, GLogLevelFlags level, const char *message, gpointer count)
{
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)) {
    g_atomic_int_inc ((gint *) count);
    g_printerr ("%s-CRITICAL: %s\n", domain != NULL ? domain : "", message);
  }
}

static void
say (NeighbourResult *result, const char *text)
{
  g_strlcpy (result->text, text, sizeof result->text);
  g_strdelimit (result->text, "\r\n", ' ');
}

static void
say_end (NeighbourResult *result, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  if (message == NULL) {
    result->outcome = OUTCOME_HANGS;
    say (result, "neither an error nor the end in time");
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autofree char *text = NULL;

    gst_message_parse_error (message, &error, NULL);
    text = g_strdup_printf ("%s: %s", GST_MESSAGE_SRC_NAME (message), error->message);
    result->outcome = OUTCOME_FAILS;
    say (result, text);
  } else {
    result->outcome = OUTCOME_WORKS;
    say (result, "end of stream");
  }
}

static void
play (GstElement *pipeline, guint seconds, NeighbourResult *result)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  g_autoptr (GstMessage) message = NULL;
  gint frames = 0;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, &frames, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message =
      gst_bus_timed_pop_filtered (bus, seconds * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  result->frames = (guint) g_atomic_int_get (&frames);
  say_end (result, message);
}

void
neighbour_run (GstElementFactory *neighbour, const char *scaler, NeighbourPlace place,
               guint seconds, NeighbourResult *result)
{
  g_autofree char *text = neighbour_describe (neighbour, scaler, place);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline;
  gint criticals = 0;

  *result = (NeighbourResult){.outcome = OUTCOME_FAILS};
  g_log_set_default_handler (count_critical, &criticals);
  alarm (seconds + STOP_SECONDS);
  pipeline = gst_parse_launch (text, &error);
  if (error != NULL) {
    say (result, error->message);
  } else {
    link_rest (pipeline, "neighbour0", text);
    link_rest (pipeline, "neighbour1", text);
    play (pipeline, seconds, result);
  }
  g_clear_object (&pipeline);
  alarm (0);
  g_log_set_default_handler (g_log_default_handler, NULL);
  result->criticals = (guint) g_atomic_int_get (&criticals);
}
