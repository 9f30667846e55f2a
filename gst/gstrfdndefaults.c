/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdndefaults.h"

/* What a field has to be. */
typedef struct {
  const char *field;
  char *value;      /* NULL: leave the field out */
  const char *said; /* the field in the input's caps, valid or not; NULL: none */
  gboolean (*is_same) (const char *a, const char *b);
  gboolean always; /* added even if the field is missing */
} Wanted;

enum { COLORIMETRY, CHROMA_SITE, INTERLACE_MODE, N_FIELDS };

static gboolean
is_same_colorimetry (const char *a, const char *b)
{
  GstVideoColorimetry x, y;

  return gst_video_colorimetry_from_string (&x, a) && gst_video_colorimetry_from_string (&y, b) &&
         gst_video_colorimetry_is_equal (&x, &y);
}

static gboolean
is_same_site (const char *a, const char *b)
{
  return gst_video_chroma_site_from_string (a) == gst_video_chroma_site_from_string (b);
}

static gboolean
is_same_text (const char *a, const char *b)
{
  return g_str_equal (a, b);
}

void
gst_rfdn_defaults_correct_info (const GstCaps *caps, GstVideoInfo *info)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const char *site = gst_structure_get_string (structure, "chroma-site");

  if (site != NULL && GST_VIDEO_INFO_IS_YUV (info))
    info->chroma_site = gst_video_chroma_site_from_string (site);
}

/* The caller frees the values. */
static void
resolve (const GstCaps *in, const GstVideoInfo *info, Wanted *wanted)
{
  const GstStructure *structure = gst_caps_get_structure (in, 0);

  wanted[COLORIMETRY] =
      (Wanted){.field = "colorimetry", .is_same = is_same_colorimetry, .always = TRUE};
  wanted[CHROMA_SITE] = (Wanted){.field = "chroma-site", .is_same = is_same_site, .always = TRUE};
  wanted[INTERLACE_MODE] = (Wanted){.field = "interlace-mode", .is_same = is_same_text};
  for (guint i = 0; i < N_FIELDS; i++)
    wanted[i].said = gst_structure_get_string (structure, wanted[i].field);

  /* RGB that names a matrix is read without it at any size, so the text may stay. */
  if (GST_VIDEO_INFO_IS_RGB (info) && wanted[COLORIMETRY].said != NULL)
    wanted[COLORIMETRY].value = g_strdup (wanted[COLORIMETRY].said);
  else if (!GST_VIDEO_INFO_IS_GRAY (info))
    wanted[COLORIMETRY].value = gst_video_colorimetry_to_string (&info->colorimetry);
  if (GST_VIDEO_FORMAT_INFO_W_SUB (info->finfo, 1) > 0 &&
      info->chroma_site != GST_VIDEO_CHROMA_SITE_UNKNOWN)
    wanted[CHROMA_SITE].value = gst_video_chroma_site_to_string (info->chroma_site);
  wanted[INTERLACE_MODE].value =
      g_strdup (gst_video_interlace_mode_to_string (GST_VIDEO_INTERLACE_MODE_PROGRESSIVE));
}

/* The string in @value that means what is wanted, or NULL. */
static const char *
find_same (const Wanted *wanted, const GValue *value)
{
  if (G_VALUE_HOLDS_STRING (value)) {
    const char *text = g_value_get_string (value);

    if (text == NULL)
      return NULL;
    if (wanted->is_same (text, wanted->value))
      return text;
    /* An invalid value in the input is replaced by what the input is taken to be. */
    return g_strcmp0 (text, wanted->said) == 0 ? wanted->value : NULL;
  }
  if (GST_VALUE_HOLDS_LIST (value)) {
    for (guint i = 0; i < gst_value_list_get_size (value); i++) {
      const char *text = find_same (wanted, gst_value_list_get_value (value, i));

      if (text != NULL)
        return text;
    }
  }
  return NULL;
}

static gboolean
apply (const Wanted *wanted, GstStructure *out)
{
  const GValue *offered = gst_structure_get_value (out, wanted->field);
  g_autofree char *text = NULL;

  if (wanted->value == NULL || (offered == NULL && !wanted->always))
    return TRUE;
  text = g_strdup (offered != NULL ? find_same (wanted, offered) : wanted->value);
  if (text == NULL)
    return FALSE;
  gst_structure_set (out, wanted->field, G_TYPE_STRING, text, NULL);
  return TRUE;
}

gboolean
gst_rfdn_defaults_apply (const GstCaps *in, GstStructure *out, const char **conflict)
{
  GstStructure *settled;
  Wanted wanted[N_FIELDS];
  gboolean possible = TRUE;
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, in))
    return TRUE;
  gst_rfdn_defaults_correct_info (in, &info);
  settled = gst_structure_copy (out);
  resolve (in, &info, wanted);
  for (guint i = 0; i < N_FIELDS; i++) {
    if (possible && !apply (&wanted[i], settled)) {
      possible = FALSE;
      if (conflict != NULL)
        *conflict = wanted[i].field;
    }
    g_free (wanted[i].value);
  }
  for (guint i = 0; possible && i < N_FIELDS; i++) {
    if (gst_structure_has_field (settled, wanted[i].field))
      gst_structure_set_value (out, wanted[i].field,
                               gst_structure_get_value (settled, wanted[i].field));
  }
  gst_structure_free (settled);
  return possible;
}
