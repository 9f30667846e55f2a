/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules that all answers to caps queries must follow, for any filter caps. */

#include "util.h"

#include "gstrfdncaps.h"

#define N_RANDOM 400

static const guint factor_sets[] = {
    GST_RFDN_FACTOR (1),
    GST_RFDN_FACTOR (2),
    GST_RFDN_FACTOR (8) | GST_RFDN_FACTOR (1),
    GST_RFDN_FACTOR (3) | GST_RFDN_FACTOR (1),
    GST_RFDN_FACTORS_ALL | GST_RFDN_FACTOR (1),
};

/* ---- random caps ---------------------------------------------------------------------------- */

static const char *
pick (GRand *rand, const char *const *texts, guint n)
{
  return texts[g_rand_int_range (rand, 0, (gint) n)];
}
#define PICK(rand, ...)                                                                            \
  pick (rand, (const char *const[]){__VA_ARGS__},                                                  \
        sizeof ((const char *const[]){__VA_ARGS__}) / sizeof (const char *))

static void
add_size (GString *text, GRand *rand, const char *field, gboolean fixed)
{
  /* Not from 1: GStreamer 1.26 cannot subtract 2 and then 3 from a range that begins there. */
  const gint a = g_rand_int_range (rand, 2, 2000), b = a + g_rand_int_range (rand, 1, 3000);

  switch (fixed ? 0 : g_rand_int_range (rand, 0, 4)) {
  case 0:
    g_string_append_printf (text, ",%s=%d", field, a);
    break;
  case 1:
    g_string_append_printf (text, ",%s=[%d,%d]", field, a, b);
    break;
  case 2:
    g_string_append_printf (text, ",%s={%d,%d}", field, a, b);
    break;
  default:
    break;
  }
}

/* Fixed caps are those of a frame that could flow. */
static GstCaps *
random_caps (GRand *rand, gboolean fixed)
{
  g_autoptr (GString) text = g_string_new ("video/x-raw");

  g_string_append (text, PICK (rand, "", "", "(meta:GstVideoOverlayComposition)"));
  g_string_append_printf (text, ",format=%s",
                          fixed ? PICK (rand, "I420", "NV12", "RGBA", "GRAY8")
                                : PICK (rand, "I420", "{I420,NV12}", "{RGBA,Y444,GRAY8}"));
  add_size (text, rand, "width", fixed);
  add_size (text, rand, "height", fixed);
  g_string_append (text, fixed ? PICK (rand, ",framerate=30/1", ",framerate=0/1")
                               : PICK (rand, "", ",framerate=25/1", ",framerate=[1/1,60/1]"));
  g_string_append (text, PICK (rand, "", ",colorimetry=bt709", ",colorimetry=bt601"));
  g_string_append (text, PICK (rand, "", "", ",chroma-site=mpeg2", ",chroma-site=jpeg"));
  g_string_append (text, PICK (rand, "", ",interlace-mode=progressive"));
  g_string_append (text, PICK (rand, "", ",pixel-aspect-ratio=1/1", ",pixel-aspect-ratio=16/15"));
  if (!fixed)
    g_string_append (text, PICK (rand, "", "", ",colorimetry={bt709,bt2020}",
                                 ",interlace-mode={progressive,mixed}"));
  return gst_caps_from_string (text->str);
}

/* ---- the laws -------------------------------------------------------------------------------- */

static void
fail_with (const char *what, const GstCaps *caps, const GstCaps *answer)
{
  g_autofree char *question = gst_caps_to_string (caps);
  g_autofree char *text = gst_caps_to_string (answer);

  g_error ("%s: %s: %s", what, question, text);
}

/* Upstream elements simplify and subtract the answers: neither may abort. GStreamer cannot subtract
 * from every list of ranges, so only fixed caps and templates are tried. */
static void
check_arithmetic (const GstCaps *caps)
{
  g_autoptr (GstCaps) simple = gst_caps_simplify (gst_caps_copy (caps));
  g_autoptr (GstCaps) whole = gst_caps_from_string ("video/x-raw,width=[7,5000],height=[1,4000]");
  g_autoptr (GstCaps) rest = gst_caps_subtract (whole, (GstCaps *) caps);
  g_autoptr (GstCaps) nothing = gst_caps_subtract ((GstCaps *) caps, (GstCaps *) caps);

  g_assert_nonnull (simple);
  g_assert_nonnull (rest);
  g_assert_true (gst_caps_is_empty (nothing));
}

static gboolean
has_steps (const GValue *value)
{
  if (GST_VALUE_HOLDS_LIST (value)) {
    for (guint i = 0; i < gst_value_list_get_size (value); i++) {
      if (has_steps (gst_value_list_get_value (value, i)))
        return TRUE;
    }
  }
  return GST_VALUE_HOLDS_INT_RANGE (value) && gst_value_get_int_range_step (value) != 1;
}

static void
check_no_steps (const GstCaps *caps)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstStructure *structure = gst_caps_get_structure (caps, i);

    for (gint f = 0; f < gst_structure_n_fields (structure); f++) {
      const char *name = gst_structure_nth_field_name (structure, (guint) f);

      if (has_steps (gst_structure_get_value (structure, name)))
        fail_with ("steps", caps, caps);
    }
  }
}

/* The sink side, asked about what the source side offers for @caps, must accept @caps. */
static void
check_way_back (const GstCaps *caps, gboolean fixed, guint factors, gboolean resample)
{
  g_autoptr (GstCaps) offer = gst_rfdn_caps_transform (caps, GST_PAD_SINK, factors, resample);
  g_autoptr (GstCaps) back = gst_rfdn_caps_answer_upstream (
      gst_rfdn_caps_transform (offer, GST_PAD_SRC, factors, resample), caps);

  if (fixed ? !gst_caps_is_subset (caps, back) : !gst_caps_can_intersect (caps, back))
    fail_with ("not taken back", caps, back);
  if (!gst_caps_is_subset (back, caps))
    fail_with ("more than was asked", caps, back);
  if (fixed) {
    check_arithmetic (offer);
    check_arithmetic (back);
  }
  check_no_steps (offer);
  check_no_steps (back);
}

static void
check_fixation (const GstCaps *caps, guint factors, gboolean resample)
{
  g_autoptr (GstCaps) offer = gst_rfdn_caps_transform (caps, GST_PAD_SINK, factors, resample);
  g_autoptr (GstCaps) chosen =
      gst_rfdn_caps_fixate (caps, gst_caps_copy (offer), factors, resample);

  if (!gst_caps_is_fixed (chosen) || !gst_caps_is_subset (chosen, offer))
    fail_with ("not one of what was offered", offer, chosen);
}

static void
check (const GstCaps *caps, gboolean fixed)
{
  for (guint i = 0; i < G_N_ELEMENTS (factor_sets); i++) {
    for (guint resample = 0; resample <= 1; resample++) {
      check_way_back (caps, fixed, factor_sets[i], resample);
      if (fixed)
        check_fixation (caps, factor_sets[i], resample);
    }
  }
}

static void
test_random (gconstpointer fixed)
{
  GRand *rand = g_rand_new_with_seed (g_test_rand_int ());

  for (guint i = 0; i < N_RANDOM; i++) {
    g_autoptr (GstCaps) caps = random_caps (rand, GPOINTER_TO_INT (fixed));

    check (caps, GPOINTER_TO_INT (fixed));
  }
  g_rand_free (rand);
}

/* Each structure of the templates, with one of its formats at a time. */
static void
test_templates (void)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rfdnupscale", NULL));
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps) templ = gst_pad_get_pad_template_caps (pad);
  guint n = 0;

  for (guint i = 0; i < gst_caps_get_size (templ); i++) {
    g_autoptr (GstCaps) one = gst_caps_copy_nth (templ, i);
    const GValue *formats = gst_structure_get_value (gst_caps_get_structure (one, 0), "format");

    if (!gst_rfdn_caps_can_enlarge (gst_caps_get_features (one, 0)))
      continue;
    check_arithmetic (one);
    check (one, FALSE);
    for (guint f = 0; f < gst_value_list_get_size (formats); f++, n++) {
      g_autoptr (GstCaps) fixed = gst_caps_copy (one);

      gst_caps_set_value (fixed, "format", gst_value_list_get_value (formats, f));
      gst_caps_set_simple (fixed, "width", G_TYPE_INT, 320, "height", G_TYPE_INT, 240, "framerate",
                           GST_TYPE_FRACTION, 30, 1, NULL);
      check (fixed, TRUE);
    }
  }
  g_assert_cmpuint (n, >=, 2 * 22);
}

/* Elements such as textoverlay accept only what a caps query with the caps as filter gives back. */
static void
test_query_contains_question (void)
{
  static const char *const questions[] = {
      "video/x-raw,format=I420,width=320,height=240,framerate=30/1",
      "video/x-raw,format=I420,width=320,height=240,framerate=30/1,interlace-mode=progressive",
      "video/x-raw,format=I420,width=1280,height=720,framerate=30/1,colorimetry=bt601",
      "video/x-raw,format=RGB,width=320,height=240,framerate=30/1,pixel-aspect-ratio=16/15",
  };
  GstHarness *harness = upscale_harness ("");
  g_autoptr (GstCaps) all = gst_pad_peer_query_caps (harness->srcpad, NULL);
  g_autoptr (GstCaps) interlaced =
      gst_caps_from_string ("video/x-raw,format=I420,width=320,height=240,framerate=30/1,"
                            "interlace-mode=interleaved");

  for (guint i = 0; i < G_N_ELEMENTS (questions); i++) {
    g_autoptr (GstCaps) question = gst_caps_from_string (questions[i]);
    g_autoptr (GstCaps) answer = gst_pad_peer_query_caps (harness->srcpad, question);

    if (!gst_caps_is_subset (question, answer))
      fail_with ("not in the answer", question, answer);
  }
  g_assert_false (gst_caps_can_intersect (interlaced, all));
  gst_harness_teardown (harness);
}

/* ---- properties that change meanwhile -------------------------------------------------------- */

/* The peer, which changes a property that caps depend on at every caps query. */
typedef struct {
  GstElement *element;
  GstCaps *caps; /* what it takes */
  guint n_asked;
} Changer;

/* After so many queries it changes nothing more: an element that asks again whenever something has
 * changed then fails the test, and does not hang. */
#define ENOUGH 20

static GstPadProbeReturn
answer_and_change (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  g_autoptr (GstCaps) answer = NULL;
  Changer *changer = data;
  GstCaps *filter;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return GST_PAD_PROBE_OK;
  gst_query_parse_caps (query, &filter);
  answer =
      filter != NULL ? gst_caps_intersect (filter, changer->caps) : gst_caps_ref (changer->caps);
  gst_query_set_caps_result (query, answer);
  if (++changer->n_asked < ENOUGH)
    g_object_set (changer->element, "scale", 2 + changer->n_asked % 2, NULL);
  return GST_PAD_PROBE_HANDLED;
}

/* The element's pad of @direction, to be queried. */
static GstPad *
get_pad_of_changing (GstElement *element, GstPadDirection direction, Changer *changer)
{
  const gboolean is_sink = direction == GST_PAD_SINK;
  g_autoptr (GstPad) other = gst_element_get_static_pad (element, is_sink ? "src" : "sink");

  g_object_set (element, "scale", 2, "resample", FALSE, NULL);
  gst_pad_add_probe (other, GST_PAD_PROBE_TYPE_QUERY_BOTH | GST_PAD_PROBE_TYPE_PUSH,
                     answer_and_change, changer, NULL);
  return gst_element_get_static_pad (element, is_sink ? "sink" : "src");
}

#define SIZES "video/x-raw%s,format=I420,width={96,144},height={72,108}"

/* An answer uses a single state of the element, that at the time of the query, and queries the peer
 * once. Down by one factor and up by another, no size would be left that either state accepts. */
static void
check_meanwhile (GstPadDirection direction, const char *features, guint size, gboolean accept)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rfdnupscale", NULL));
  g_autofree char *sizes = g_strdup_printf (SIZES, features);
  g_autofree char *asked = g_strdup_printf (
      "video/x-raw%s,format=I420,width=%u,height=%u,framerate=30/1", features, size, size / 4 * 3);
  g_autoptr (GstCaps) question = gst_caps_from_string (asked);
  g_autoptr (GstCaps) taken = gst_caps_from_string (sizes);
  Changer changer = {element, taken, 0};
  g_autoptr (GstPad) pad = get_pad_of_changing (element, direction, &changer);

  for (guint i = 1; i <= 4; i++) {
    if (accept) {
      g_assert_true (gst_pad_query_accept_caps (pad, question));
    } else {
      g_autoptr (GstCaps) answer = gst_pad_query_caps (pad, question);

      if (!gst_caps_can_intersect (answer, question))
        fail_with ("not in the answer", question, answer);
    }
    g_assert_cmpuint (changer.n_asked, ==, i);
  }
}

static void
test_meanwhile (void)
{
  /* 48 becomes 96 or 144, 288 comes from 144 or 96. */
  check_meanwhile (GST_PAD_SINK, "", 48, FALSE);
  check_meanwhile (GST_PAD_SRC, "", 288, FALSE);
  check_meanwhile (GST_PAD_SINK, "(meta:GstVideoOverlayComposition)", 48, FALSE);
  check_meanwhile (GST_PAD_SINK, "(meta:GstVideoOverlayComposition)", 48, TRUE);
}

/* Without a filter too, an answer uses the state at the time of the query, not a later one. */
static void
test_meanwhile_open (void)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rfdnupscale", NULL));
  g_autoptr (GstCaps) taken =
      gst_caps_from_string ("video/x-raw,format=I420,width=96,height=72,framerate=30/1");
  Changer changer = {element, taken, 0};
  g_autoptr (GstPad) pad = get_pad_of_changing (element, GST_PAD_SINK, &changer);

  for (gint i = 1; i <= 4; i++) {
    g_autoptr (GstCaps) answer = gst_pad_query_caps (pad, NULL);
    gint width = 0;

    g_assert_true (gst_structure_get_int (gst_caps_get_structure (answer, 0), "width", &width));
    g_assert_cmpint (width, ==, i % 2 == 1 ? 96 / 2 : 96 / 3);
    g_assert_cmpint ((gint) changer.n_asked, ==, i);
  }
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_data_func ("/caps-laws/random/fixed", GINT_TO_POINTER (TRUE), test_random);
  g_test_add_data_func ("/caps-laws/random/open", GINT_TO_POINTER (FALSE), test_random);
  g_test_add_func ("/caps-laws/templates", test_templates);
  g_test_add_func ("/caps-laws/question", test_query_contains_question);
  g_test_add_func ("/caps-laws/meanwhile", test_meanwhile);
  g_test_add_func ("/caps-laws/meanwhile/open", test_meanwhile_open);
  return test_run ();
}
