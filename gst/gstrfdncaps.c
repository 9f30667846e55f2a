/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdncaps.h"

#include "gstrfdndefaults.h"
#include "gstrfdnformats.h"
#include "gstrfdnsize.h"

guint
gst_rfdn_caps_next_factor (guint factors, guint after)
{
  if (after == 1)
    return 0;
  for (guint factor = MAX (after + 1, 2); factor <= GST_RFDN_MAX_FACTOR; factor++) {
    if (factors & GST_RFDN_FACTOR (factor))
      return factor;
  }
  return factors & GST_RFDN_FACTOR (1) ? 1 : 0;
}

gboolean
gst_rfdn_caps_can_pass (guint factors)
{
  return (factors & GST_RFDN_FACTOR (1)) && factors != GST_RFDN_FACTOR (1);
}

/* ---- caps --------------------------------------------------------------------------------- */

gboolean
gst_rfdn_caps_can_enlarge (const GstCapsFeatures *features)
{
  if (features == NULL)
    return TRUE;
  if (gst_caps_features_is_any (features))
    return FALSE;
  for (guint i = 0; i < gst_caps_features_get_size (features); i++) {
    const char *feature = gst_caps_features_get_nth (features, i);

    if (!g_str_equal (feature, GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY) &&
        !g_str_equal (feature, GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION))
      return FALSE;
  }
  return TRUE;
}

/* Takes interlaced frames out of @structure; FALSE when nothing is left. Only upstream is told that
 * they are not accepted: it can send others. Downstream is still offered them, so that elements
 * link and the error that names the remedy is reached. */
static gboolean
keep_progressive (GstStructure *structure, gboolean enlarge)
{
  const GValue *modes = gst_structure_get_value (structure, "interlace-mode");
  GValue progressive = G_VALUE_INIT;
  gboolean possible;

  if (modes == NULL || enlarge)
    return TRUE;
  g_value_init (&progressive, G_TYPE_STRING);
  g_value_set_static_string (&progressive, "progressive");
  possible = gst_value_intersect (NULL, modes, &progressive);
  if (possible)
    gst_structure_set_value (structure, "interlace-mode", &progressive);
  g_value_unset (&progressive);
  return possible;
}

/* Appends @structure, taking ownership, unless @caps already cover it. */
static GstCaps *
append (GstCaps *result, GstStructure *structure, const GstCapsFeatures *features)
{
  return gst_caps_merge_structure_full (result, structure, gst_caps_features_copy (features));
}

/* Appends the structures of @caps with their sizes multiplied or divided; those of frames that
 * cannot be mapped only if @passes. */
static GstCaps *
append_scaled (GstCaps *result, const GstCaps *caps, guint factor, gboolean passes,
               gboolean enlarge)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstCapsFeatures *features = gst_caps_get_features (caps, i);
    GstStructure *structure = gst_structure_copy (gst_caps_get_structure (caps, i));
    gboolean possible;

    if (gst_rfdn_caps_can_enlarge (features))
      possible = gst_rfdn_size_scale (structure, "width", factor, enlarge) &&
                 gst_rfdn_size_scale (structure, "height", factor, enlarge);
    else
      possible = passes;
    if (possible && keep_progressive (structure, enlarge))
      result = append (result, structure, features);
    else
      gst_structure_free (structure);
  }
  return result;
}

/* Appends the structures of @caps with any size. */
static GstCaps *
append_any_size (GstCaps *result, const GstCaps *caps, gboolean enlarge)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstCapsFeatures *features = gst_caps_get_features (caps, i);
    GstStructure *structure;

    if (!gst_rfdn_caps_can_enlarge (features))
      continue;
    structure = gst_structure_copy (gst_caps_get_structure (caps, i));
    if (!keep_progressive (structure, enlarge)) {
      gst_structure_free (structure);
      continue;
    }
    gst_rfdn_size_set_any (structure,
                           enlarge ? RFDN_MAX_SIZE * GST_RFDN_MAX_FACTOR : RFDN_MAX_SIZE);
    result = append (result, structure, features);
  }
  return result;
}

GstCaps *
gst_rfdn_caps_transform (const GstCaps *caps, GstPadDirection direction, guint factors,
                         gboolean resample)
{
  const gboolean enlarge = direction == GST_PAD_SINK;
  GstCaps *result = gst_caps_new_empty ();
  guint factor = 0;

  if (gst_caps_is_any (caps))
    return gst_caps_merge (result, gst_caps_new_any ());

  while ((factor = gst_rfdn_caps_next_factor (factors, factor)) != 0)
    result = append_scaled (result, caps, factor, factor == 1 && gst_rfdn_caps_can_pass (factors),
                            enlarge);
  if (resample)
    result = append_any_size (result, caps, enlarge);
  return result;
}

/* ---- answers to upstream --------------------------------------------------------------------- */

/* Fields, and what frames without them mean by default. */
static const struct {
  const char *name;
  gboolean told; /* even if nothing else is known about the field */
} defaulted[] = {{"interlace-mode", TRUE}, {"pixel-aspect-ratio", FALSE}};

static gboolean
can_be_default (const GstStructure *structure, guint field)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, field == 0 ? G_TYPE_STRING : GST_TYPE_FRACTION);
  if (field == 0)
    g_value_set_static_string (&value, "progressive");
  else
    gst_value_set_fraction (&value, 1, 1);
  return gst_value_intersect (NULL, gst_structure_get_value (structure, defaulted[field].name),
                              &value);
}

/* Mentions these fields only as far as the question does (NULL asks for everything). A peer that
 * asks whether caps are accepted compares them with the answer, and caps without a field are not a
 * subset of an answer that has it, even with the default value. FALSE when the default is not
 * accepted. */
static gboolean
match_question (GstStructure *structure, const GstStructure *question)
{
  for (guint field = 0; field < G_N_ELEMENTS (defaulted); field++) {
    const char *name = defaulted[field].name;
    const gboolean has = gst_structure_has_field (structure, name);
    const gboolean asked = question == NULL || gst_structure_has_field (question, name);

    if (asked && !has && defaulted[field].told)
      gst_structure_set (structure, name, G_TYPE_STRING, "progressive", NULL);
    if (asked || !has)
      continue;
    if (!can_be_default (structure, field))
      return FALSE;
    gst_structure_remove_field (structure, name);
  }
  return TRUE;
}

/* Appends what the @i-th structure of @caps and @question have in common. */
static GstCaps *
append_answer (GstCaps *result, const GstCaps *caps, guint i, const GstCaps *question)
{
  GstCaps *answer = gst_caps_copy_nth (caps, i);
  const GstStructure *asked = question != NULL ? gst_caps_get_structure (question, 0) : NULL;

  if (!match_question (gst_caps_get_structure (answer, 0), asked)) {
    gst_caps_unref (answer);
    return result;
  }
  if (question != NULL) {
    GstCaps *both =
        gst_caps_intersect_full (answer, (GstCaps *) question, GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref (answer);
    answer = both;
  }
  return gst_caps_merge (result, answer);
}

GstCaps *
gst_rfdn_caps_answer_upstream (GstCaps *caps, const GstCaps *question)
{
  const gboolean all = question == NULL || gst_caps_is_any (question);
  GstCaps *result;

  if (gst_caps_is_any (caps)) {
    gst_caps_unref (caps);
    return all ? gst_caps_new_any () : gst_caps_copy (question);
  }
  result = gst_caps_new_empty ();
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    if (all)
      result = append_answer (result, caps, i, NULL);
    for (guint q = 0; !all && q < gst_caps_get_size (question); q++) {
      g_autoptr (GstCaps) one = gst_caps_copy_nth (question, q);

      result = append_answer (result, caps, i, one);
    }
  }
  gst_caps_unref (caps);
  return result;
}

/* ---- formats ----------------------------------------------------------------------------------
 */

static void
append_value (GValue *list, const GValue *value)
{
  GValue copy = G_VALUE_INIT;

  g_value_init (&copy, G_VALUE_TYPE (value));
  g_value_copy (value, &copy);
  gst_value_list_append_and_take_value (list, &copy);
}

/* Moves the values of a list that stand for a format to its end. */
static void
move_format (const GValue *from, GValue *to, const char *format, gboolean *taken)
{
  for (guint i = 0; i < gst_value_list_get_size (from); i++) {
    const GValue *value = gst_value_list_get_value (from, i);

    if (!taken[i] && (format == NULL || g_str_equal (g_value_get_string (value), format))) {
      append_value (to, value);
      taken[i] = TRUE;
    }
  }
}

GstCaps *
gst_rfdn_caps_prefer (GstCaps *caps, RfdnColour colour)
{
  caps = gst_caps_make_writable (caps);
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstStructure *structure = gst_caps_get_structure (caps, i);
    const GValue *formats = gst_structure_get_value (structure, "format");
    g_autofree gboolean *taken = NULL;
    GValue sorted = G_VALUE_INIT;
    GstVideoFormat best;

    if (formats == NULL || !GST_VALUE_HOLDS_LIST (formats))
      continue;
    taken = g_new0 (gboolean, gst_value_list_get_size (formats));
    g_value_init (&sorted, GST_TYPE_LIST);
    for (guint f = 0; (best = gst_rfdn_formats_get_best (colour, f)) != GST_VIDEO_FORMAT_UNKNOWN;
         f++)
      move_format (formats, &sorted, gst_video_format_to_string (best), taken);
    move_format (formats, &sorted, NULL, taken);
    gst_structure_take_value (structure, "format", &sorted);
  }
  return caps;
}

/* ---- one of many ---------------------------------------------------------------------------- */

static gboolean
get_size (const GstCaps *caps, GstRfdnSize *size)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const char *name = gst_structure_get_string (structure, "format");
  const GstVideoFormatInfo *format = gst_video_format_get_info (
      name ? gst_video_format_from_string (name) : GST_VIDEO_FORMAT_UNKNOWN);

  *size = (GstRfdnSize){.par_n = 1, .par_d = 1, .step_x = 1, .step_y = 1};
  gst_structure_get_fraction (structure, "pixel-aspect-ratio", &size->par_n, &size->par_d);
  if (format != NULL && GST_VIDEO_FORMAT_INFO_IS_YUV (format)) {
    size->step_x = 1 << GST_VIDEO_FORMAT_INFO_W_SUB (format, 1);
    size->step_y = 1 << GST_VIDEO_FORMAT_INFO_H_SUB (format, 1);
  }
  return gst_structure_get_int (structure, "width", &size->width) && size->width > 0 &&
         gst_structure_get_int (structure, "height", &size->height) && size->height > 0 &&
         size->par_n > 0 && size->par_d > 0;
}

/* The first of @caps that can be just @factor times as large, or NULL. */
static GstCaps *
choose_exact (const GstCaps *caps, const GstRfdnSize *size, guint factor)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstCaps *chosen = gst_caps_copy_nth (caps, i);

    if (gst_rfdn_size_set (gst_caps_get_structure (chosen, 0), size, factor))
      return chosen;
    gst_caps_unref (chosen);
  }
  return NULL;
}

/* The first of @caps that some size fits, or NULL; if @larger, only sizes larger than @size
 * count. */
static GstCaps *
choose_fit (const GstCaps *caps, const GstRfdnSize *size, guint factor, gboolean larger)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstCaps *chosen = gst_caps_copy_nth (caps, i);
    GstStructure *structure = gst_caps_get_structure (chosen, 0);
    gint width = 0, height = 0;

    gst_rfdn_size_fit (structure, size, factor);
    gst_structure_get_int (structure, "width", &width);
    gst_structure_get_int (structure, "height", &height);
    if (!larger || width > size->width || height > size->height)
      return chosen;
    gst_caps_unref (chosen);
  }
  return NULL;
}

/* Those of @caps that keep the colours and scan mode of @in, with the defaults written out; takes
 * @caps. */
static GstCaps *
settle (const GstCaps *in, GstCaps *caps)
{
  GstCaps *settled = gst_caps_new_empty ();

  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstCaps *one = gst_caps_copy_nth (caps, i);

    if (!gst_rfdn_caps_can_enlarge (gst_caps_get_features (one, 0)) ||
        gst_rfdn_defaults_apply (in, gst_caps_get_structure (one, 0), NULL))
      gst_caps_append (settled, one);
    else
      gst_caps_unref (one);
  }
  gst_caps_unref (caps);
  return settled;
}

GstCaps *
gst_rfdn_caps_fixate (const GstCaps *in, GstCaps *out, guint factors, gboolean resample)
{
  const guint least = gst_rfdn_caps_next_factor (factors, 0);
  const gboolean passes = gst_rfdn_caps_can_pass (factors);
  GstCaps *chosen = NULL;
  GstRfdnSize size;
  guint factor = 0;

  if (gst_caps_is_any (out))
    return gst_caps_fixate (gst_caps_truncate (out));
  out = settle (in, out);
  if (gst_caps_is_empty (out))
    return out;
  if (!get_size (in, &size))
    return gst_caps_fixate (gst_caps_truncate (out));

  while (chosen == NULL &&
         (factor = gst_rfdn_caps_next_factor (factors, factor)) > (passes ? 1 : 0))
    chosen = choose_exact (out, &size, factor);
  if (chosen == NULL && resample)
    chosen = choose_fit (out, &size, least, TRUE);
  if (chosen == NULL && passes)
    chosen = choose_exact (out, &size, 1);
  if (chosen == NULL && resample)
    chosen = choose_fit (out, &size, least, FALSE);
  if (chosen == NULL)
    return gst_caps_fixate (gst_caps_truncate (out));
  gst_caps_unref (out);
  return gst_caps_fixate (chosen);
}

const char *
gst_rfdn_caps_find_conflict (const GstCaps *in, const GstCaps *out)
{
  const char *conflict = NULL;

  for (guint i = 0; i < gst_caps_get_size (out); i++) {
    g_autoptr (GstCaps) one = gst_caps_copy_nth (out, i);

    if (gst_rfdn_defaults_apply (in, gst_caps_get_structure (one, 0), &conflict))
      return NULL;
  }
  return conflict;
}

const char *
gst_rfdn_caps_get_interlacing (const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const char *mode = gst_structure_get_string (structure, "interlace-mode");

  if (mode != NULL && !g_str_equal (mode, "progressive"))
    return mode;
  if (gst_caps_features_contains (gst_caps_get_features (caps, 0),
                                  GST_CAPS_FEATURE_FORMAT_INTERLACED))
    return "alternate";
  return NULL;
}

gboolean
gst_rfdn_caps_is_exact (const GstVideoInfo *in, const GstVideoInfo *out, guint factor)
{
  return GST_VIDEO_INFO_WIDTH (out) == (gint) factor * GST_VIDEO_INFO_WIDTH (in) &&
         GST_VIDEO_INFO_HEIGHT (out) == (gint) factor * GST_VIDEO_INFO_HEIGHT (in);
}

guint
gst_rfdn_caps_get_factor (const GstVideoInfo *in, const GstVideoInfo *out, guint factors)
{
  guint factor = 0, largest = 1;

  while ((factor = gst_rfdn_caps_next_factor (factors, factor)) != 0) {
    if (gst_rfdn_caps_is_exact (in, out, factor))
      return factor;
  }
  if (factors & GST_RFDN_FACTOR (1) && GST_VIDEO_INFO_WIDTH (out) <= GST_VIDEO_INFO_WIDTH (in) &&
      GST_VIDEO_INFO_HEIGHT (out) <= GST_VIDEO_INFO_HEIGHT (in))
    return 1;
  while ((factor = gst_rfdn_caps_next_factor (factors, factor)) > 1) {
    largest = factor;
    if (GST_VIDEO_INFO_WIDTH (out) <= (gint) factor * GST_VIDEO_INFO_WIDTH (in) &&
        GST_VIDEO_INFO_HEIGHT (out) <= (gint) factor * GST_VIDEO_INFO_HEIGHT (in))
      break;
  }
  return largest;
}
