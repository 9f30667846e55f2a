/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdncaps.h"

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

/* Appends what the structures of @caps become by being multiplied or divided. */
static GstCaps *
append_scaled (GstCaps *result, const GstCaps *caps, guint factor, gboolean enlarge)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstStructure *structure = gst_structure_copy (gst_caps_get_structure (caps, i));

    if (enlarge)
      resolve_colour (structure);
    if (!gst_rfdn_size_scale (structure, "width", factor, enlarge) ||
        !gst_rfdn_size_scale (structure, "height", factor, enlarge)) {
      gst_structure_free (structure);
      continue;
    }
    result = gst_caps_merge_structure_full (
        result, structure, gst_caps_features_copy (gst_caps_get_features (caps, i)));
  }
  return result;
}

/* Appends the structures of @caps with any size. */
static GstCaps *
append_any_size (GstCaps *result, const GstCaps *caps, gboolean enlarge)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstStructure *structure = gst_structure_copy (gst_caps_get_structure (caps, i));

    if (enlarge)
      resolve_colour (structure);
    gst_rfdn_size_set_any (structure,
                           enlarge ? RFDN_MAX_SIZE * GST_RFDN_MAX_FACTOR : RFDN_MAX_SIZE);
    result = gst_caps_merge_structure_full (
        result, structure, gst_caps_features_copy (gst_caps_get_features (caps, i)));
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
    result = append_scaled (result, caps, factor, enlarge);
  if (resample)
    result = append_any_size (result, caps, enlarge);
  return result;
}

/* Formats from the one that a network takes best. Those not listed cost a conversion, or, in the
 * case of gray, the colours. */
static const GstVideoFormat luma_formats[] = {
    GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_YV12, GST_VIDEO_FORMAT_NV12,
    GST_VIDEO_FORMAT_NV21, GST_VIDEO_FORMAT_Y42B, GST_VIDEO_FORMAT_Y444,
};
static const GstVideoFormat rgb_formats[] = {
    GST_VIDEO_FORMAT_RGB,  GST_VIDEO_FORMAT_BGR,  GST_VIDEO_FORMAT_GBR,  GST_VIDEO_FORMAT_RGBx,
    GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_xRGB, GST_VIDEO_FORMAT_xBGR, GST_VIDEO_FORMAT_RGBA,
    GST_VIDEO_FORMAT_BGRA, GST_VIDEO_FORMAT_ARGB, GST_VIDEO_FORMAT_ABGR,
};

static void
append_value (GValue *list, const GValue *value)
{
  GValue copy = G_VALUE_INIT;

  g_value_init (&copy, G_VALUE_TYPE (value));
  g_value_copy (value, &copy);
  gst_value_list_append_and_take_value (list, &copy);
}

/* Brings the values of a list that stand for a format to its end. */
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
  const GstVideoFormat *best = colour == RFDN_COLOUR_LUMA ? luma_formats : rgb_formats;
  const guint n =
      colour == RFDN_COLOUR_LUMA ? G_N_ELEMENTS (luma_formats) : G_N_ELEMENTS (rgb_formats);

  caps = gst_caps_make_writable (caps);
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstStructure *structure = gst_caps_get_structure (caps, i);
    const GValue *formats = gst_structure_get_value (structure, "format");
    g_autofree gboolean *taken = NULL;
    GValue sorted = G_VALUE_INIT;

    if (formats == NULL || !GST_VALUE_HOLDS_LIST (formats))
      continue;
    taken = g_new0 (gboolean, gst_value_list_get_size (formats));
    g_value_init (&sorted, GST_TYPE_LIST);
    for (guint f = 0; f < n; f++)
      move_format (formats, &sorted, gst_video_format_to_string (best[f]), taken);
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

/* The first of @caps that some size fits, or NULL: if @larger, one that is larger than @size. */
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

GstCaps *
gst_rfdn_caps_fixate (const GstCaps *in, GstCaps *out, guint factors, gboolean resample)
{
  const guint least = gst_rfdn_caps_next_factor (factors, 0);
  GstCaps *chosen = NULL;
  GstRfdnSize size;
  guint factor = 0;

  if (gst_caps_is_any (out) || gst_caps_is_empty (out) || !get_size (in, &size))
    return gst_caps_fixate (gst_caps_truncate (out));

  while (chosen == NULL && (factor = gst_rfdn_caps_next_factor (factors, factor)) > 1)
    chosen = choose_exact (out, &size, factor);
  if (chosen == NULL && resample)
    chosen = choose_fit (out, &size, least, TRUE);
  if (chosen == NULL && factors & GST_RFDN_FACTOR (1))
    chosen = choose_exact (out, &size, 1);
  if (chosen == NULL && resample)
    chosen = choose_fit (out, &size, least, FALSE);
  if (chosen == NULL)
    return gst_caps_fixate (gst_caps_truncate (out));
  gst_caps_unref (out);
  return gst_caps_fixate (chosen);
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

void
gst_rfdn_caps_correct_info (const GstCaps *caps, GstVideoInfo *info)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const char *site = gst_structure_get_string (structure, "chroma-site");

  if (site != NULL && GST_VIDEO_INFO_IS_YUV (info))
    info->chroma_site = gst_video_chroma_site_from_string (site);
}
