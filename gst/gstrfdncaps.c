/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdncaps.h"

#include "rfdn.h"

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

/* ---- sizes -------------------------------------------------------------------------------- */

static guint64
greatest_common_divisor (guint64 a, guint64 b)
{
  while (b != 0) {
    guint64 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* Initialises @range to the multiples of @step from @min to @max; FALSE when there is none. */
static gboolean
set_range (GValue *range, guint64 min, guint64 max, guint64 step)
{
  min = (MAX (min, 1) + step - 1) / step * step;
  max = max / step * step;
  if (min > max)
    return FALSE;
  if (min == max) {
    g_value_init (range, G_TYPE_INT);
    g_value_set_int (range, (gint) min);
  } else {
    g_value_init (range, GST_TYPE_INT_RANGE);
    gst_value_set_int_range_step (range, (gint) min, (gint) max, (gint) step);
  }
  return TRUE;
}

static gboolean
scale_range (const GValue *size, GValue *scaled, guint factor, gboolean enlarge)
{
  guint64 min, max, step;

  if (G_VALUE_HOLDS_INT (size)) {
    if (g_value_get_int (size) < 1)
      return FALSE;
    min = max = (guint64) g_value_get_int (size);
    step = 1;
  } else {
    min = (guint64) MAX (gst_value_get_int_range_min (size), 1);
    max = (guint64) MAX (gst_value_get_int_range_max (size), 0);
    step = (guint64) MAX (gst_value_get_int_range_step (size), 1);
  }

  if (enlarge) {
    max = MIN (max, RFDN_MAX_SIZE);
    return set_range (scaled, min * factor, max * factor, step * factor);
  }
  /* Only those that the factor divides have a smaller picture. */
  step = step * factor / greatest_common_divisor (step, factor);
  min = (min + step - 1) / step * step;
  max = MIN (max / step * step, (guint64) RFDN_MAX_SIZE * factor);
  return set_range (scaled, min / factor, max / factor, step / factor);
}

/* Initialises @scaled, unless FALSE is returned: no size is left. */
static gboolean
scale_size (const GValue *size, GValue *scaled, guint factor, gboolean enlarge)
{
  if (G_VALUE_HOLDS_INT (size) || GST_VALUE_HOLDS_INT_RANGE (size))
    return scale_range (size, scaled, factor, enlarge);
  if (!GST_VALUE_HOLDS_LIST (size))
    return FALSE;

  g_value_init (scaled, GST_TYPE_LIST);
  for (guint i = 0; i < gst_value_list_get_size (size); i++) {
    GValue item = G_VALUE_INIT;

    if (scale_size (gst_value_list_get_value (size, i), &item, factor, enlarge))
      gst_value_list_append_and_take_value (scaled, &item);
  }
  if (gst_value_list_get_size (scaled) > 0)
    return TRUE;
  g_value_unset (scaled);
  return FALSE;
}

static gboolean
scale_field (GstStructure *structure, const char *field, guint factor, gboolean enlarge)
{
  const GValue *size = gst_structure_get_value (structure, field);
  GValue scaled = G_VALUE_INIT;

  if (size == NULL) {
    /* Any size: still only multiples come out. */
    GValue any = G_VALUE_INIT;
    gboolean possible;

    g_value_init (&any, GST_TYPE_INT_RANGE);
    gst_value_set_int_range (&any, 1, G_MAXINT);
    possible = scale_range (&any, &scaled, factor, enlarge);
    g_value_unset (&any);
    if (!possible)
      return FALSE;
  } else if (!scale_size (size, &scaled, factor, enlarge)) {
    return FALSE;
  }
  gst_structure_take_value (structure, field, &scaled);
  return TRUE;
}

/* ---- colour ------------------------------------------------------------------------------- */

/* Writes down what GStreamer takes the colours of a picture to be when its caps do not say, or
 * say something that it does not take. For YUV that depends on the height: SD pictures would turn
 * to HD's colours by being enlarged. What the caps say validly stays as it is written. */
static void
resolve_colour (GstStructure *structure)
{
  GstCaps *caps = gst_caps_new_full (gst_structure_copy (structure), NULL);
  GstVideoColorimetry said;
  GstVideoInfo info;
  const char *text;

  if (!gst_caps_is_fixed (caps) || !gst_video_info_from_caps (&info, caps) ||
      GST_VIDEO_INFO_IS_GRAY (&info)) {
    gst_caps_unref (caps);
    return;
  }

  text = gst_structure_get_string (structure, "colorimetry");
  if (text == NULL || !gst_video_colorimetry_from_string (&said, text) ||
      !gst_video_colorimetry_is_equal (&said, &info.colorimetry)) {
    g_autofree char *resolved = gst_video_colorimetry_to_string (&info.colorimetry);

    if (resolved != NULL)
      gst_structure_set (structure, "colorimetry", G_TYPE_STRING, resolved, NULL);
  }
  if (GST_VIDEO_FORMAT_INFO_W_SUB (info.finfo, 1) > 0 &&
      info.chroma_site != GST_VIDEO_CHROMA_SITE_UNKNOWN &&
      !gst_structure_has_field (structure, "chroma-site")) {
    g_autofree char *resolved = gst_video_chroma_site_to_string (info.chroma_site);

    if (resolved != NULL)
      gst_structure_set (structure, "chroma-site", G_TYPE_STRING, resolved, NULL);
  }
  gst_caps_unref (caps);
}

/* ---- caps --------------------------------------------------------------------------------- */

GstCaps *
gst_rfdn_caps_transform (const GstCaps *caps, GstPadDirection direction, guint factors)
{
  const gboolean enlarge = direction == GST_PAD_SINK;
  GstCaps *result = gst_caps_new_empty ();
  guint factor = 0;

  if (gst_caps_is_any (caps))
    return gst_caps_merge (result, gst_caps_new_any ());

  while ((factor = gst_rfdn_caps_next_factor (factors, factor)) != 0) {
    for (guint i = 0; i < gst_caps_get_size (caps); i++) {
      GstStructure *structure = gst_structure_copy (gst_caps_get_structure (caps, i));
      GstCapsFeatures *features = gst_caps_get_features (caps, i);

      if (enlarge)
        resolve_colour (structure);
      if (!scale_field (structure, "width", factor, enlarge) ||
          !scale_field (structure, "height", factor, enlarge)) {
        gst_structure_free (structure);
        continue;
      }
      result = gst_caps_merge_structure_full (result, structure, gst_caps_features_copy (features));
    }
  }
  return result;
}

static gboolean
has_size (const GstStructure *structure, gint width, gint height)
{
  gint w, h;

  return gst_structure_get_int (structure, "width", &w) && w == width &&
         gst_structure_get_int (structure, "height", &h) && h == height;
}

GstCaps *
gst_rfdn_caps_fixate (const GstCaps *in, GstCaps *out, guint factors)
{
  const GstStructure *from = gst_caps_get_structure (in, 0);
  gint width = 0, height = 0;
  guint factor = 0;

  gst_structure_get_int (from, "width", &width);
  gst_structure_get_int (from, "height", &height);
  while ((factor = gst_rfdn_caps_next_factor (factors, factor)) != 0) {
    for (guint i = 0; i < gst_caps_get_size (out); i++) {
      GstCaps *chosen;

      if (!has_size (gst_caps_get_structure (out, i), width * (gint) factor,
                     height * (gint) factor))
        continue;
      chosen = gst_caps_copy_nth (out, i);
      gst_caps_unref (out);
      return gst_caps_fixate (chosen);
    }
  }
  return gst_caps_fixate (gst_caps_truncate (out));
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

guint
gst_rfdn_caps_get_factor (const GstVideoInfo *in, const GstVideoInfo *out)
{
  const gint factor = GST_VIDEO_INFO_WIDTH (out) / GST_VIDEO_INFO_WIDTH (in);

  if (factor < 1 || factor > GST_RFDN_MAX_FACTOR ||
      GST_VIDEO_INFO_WIDTH (out) != factor * GST_VIDEO_INFO_WIDTH (in) ||
      GST_VIDEO_INFO_HEIGHT (out) != factor * GST_VIDEO_INFO_HEIGHT (in) ||
      GST_VIDEO_INFO_FORMAT (out) != GST_VIDEO_INFO_FORMAT (in))
    return 0;
  return (guint) factor;
}

void
gst_rfdn_caps_correct_info (const GstCaps *caps, GstVideoInfo *info)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const char *site = gst_structure_get_string (structure, "chroma-site");

  if (site != NULL && GST_VIDEO_INFO_IS_YUV (info))
    info->chroma_site = gst_video_chroma_site_from_string (site);
}
