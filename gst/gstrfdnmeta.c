/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnmeta.h"

#include <gst/video/video-overlay-composition.h>

static gboolean
has_tag (const GstMetaInfo *info, const char *tag)
{
  return gst_meta_api_type_has_tag (info->api, g_quark_from_string (tag));
}

/* Whether all tags of a meta are about things that enlarging knows how to treat. */
static gboolean
has_only_known_tags (const GstMetaInfo *info)
{
  static const char *const known[] = {GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_SIZE_STR,
                                      GST_META_TAG_VIDEO_ORIENTATION_STR,
                                      GST_META_TAG_VIDEO_COLORSPACE_STR, NULL};
  const char *const *tags = (const char *const *) gst_meta_api_type_get_tags (info->api);

  for (; tags != NULL && *tags != NULL; tags++) {
    if (!g_strv_contains (known, *tags))
      return FALSE;
  }
  return TRUE;
}

static gpointer
copy_structure (gconstpointer structure, gpointer unused)
{
  return gst_structure_copy (structure);
}

/* A region's own transformation scales its rectangle and forgets what is known about it. */
static void
copy_region_params (GstBuffer *outbuf, const GstVideoRegionOfInterestMeta *from)
{
  GstVideoRegionOfInterestMeta *to = NULL;
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (outbuf, &state,
                                                   GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *region = (GstVideoRegionOfInterestMeta *) meta;

    if (region->id == from->id && region->roi_type == from->roi_type && region->params == NULL)
      to = region;
  }
  if (to != NULL)
    to->params = g_list_copy_deep (from->params, copy_structure, NULL);
}

static void
enlarge_overlays (GstBuffer *outbuf, const GstVideoOverlayCompositionMeta *meta,
                  const GstVideoInfo *in, const GstVideoInfo *out)
{
  GstVideoOverlayComposition *composition = gst_video_overlay_composition_copy (meta->overlay);
  const gint factor = GST_VIDEO_INFO_WIDTH (out) / GST_VIDEO_INFO_WIDTH (in);

  for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (composition); i++) {
    GstVideoOverlayRectangle *rectangle =
        gst_video_overlay_composition_get_rectangle (composition, i);
    gint x, y;
    guint width, height;

    gst_video_overlay_rectangle_get_render_rectangle (rectangle, &x, &y, &width, &height);
    gst_video_overlay_rectangle_set_render_rectangle (
        rectangle, x * factor, y * factor, width * (guint) factor, height * (guint) factor);
  }
  gst_buffer_add_video_overlay_composition_meta (outbuf, composition);
  gst_video_overlay_composition_unref (composition);
}

GstRfdnMetaFate
gst_rfdn_meta_transform (GstBuffer *outbuf, GstMeta *meta, GstBuffer *inbuf, GstVideoInfo *in,
                         GstVideoInfo *out)
{
  const GstMetaInfo *info = meta->info;
  GstVideoMetaTransform scale = {in, out};

  if (info->api == GST_VIDEO_CROP_META_API_TYPE)
    return GST_RFDN_META_DROP;
  if (info->api == GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE) {
    enlarge_overlays (outbuf, (const GstVideoOverlayCompositionMeta *) meta, in, out);
    return GST_RFDN_META_DONE;
  }
  if (!has_only_known_tags (info))
    return GST_RFDN_META_OTHER;
  if (!has_tag (info, GST_META_TAG_VIDEO_SIZE_STR))
    return GST_RFDN_META_COPY;

  if (info->transform_func == NULL ||
      !info->transform_func (outbuf, meta, inbuf, gst_video_meta_transform_scale_get_quark (),
                             &scale))
    return GST_RFDN_META_DROP;
  if (info->api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)
    copy_region_params (outbuf, (const GstVideoRegionOfInterestMeta *) meta);
  return GST_RFDN_META_DONE;
}
