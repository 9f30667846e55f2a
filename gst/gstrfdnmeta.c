/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnmeta.h"

#include <gst/video/video-overlay-composition.h>

static GQuark size_tag;
static GQuark scale_transform;

void
gst_rfdn_meta_init (void)
{
  size_tag = g_quark_from_static_string (GST_META_TAG_VIDEO_SIZE_STR);
  scale_transform = gst_video_meta_transform_scale_get_quark ();
}

/* ---- places ---------------------------------------------------------------------------------- */

GstRfdnPlacement
gst_rfdn_placement_new (const GstVideoInfo *in, const GstVideoRectangle *picture)
{
  return (GstRfdnPlacement){
      .width = GST_VIDEO_INFO_WIDTH (in),
      .height = GST_VIDEO_INFO_HEIGHT (in),
      .picture = *picture,
  };
}

static gboolean
is_same_placement (const GstRfdnPlacement *a, const GstRfdnPlacement *b)
{
  return a->width == b->width && a->height == b->height && a->picture.x == b->picture.x &&
         a->picture.y == b->picture.y && a->picture.w == b->picture.w &&
         a->picture.h == b->picture.h;
}

void
gst_rfdn_placement_to_small (const GstRfdnPlacement *self, gdouble *x, gdouble *y)
{
  if (self->width == 0)
    return;
  *x = (*x - self->picture.x) * self->width / self->picture.w;
  *y = (*y - self->picture.y) * self->height / self->picture.h;
}

/* The nearest pixel to place @at of @from, on a scale of @to; of two, the one further on. */
static gint64
place (gint64 at, gint from, gint to)
{
  const gint64 twice = 2 * at * to + from;
  const gint64 whole = twice / (2 * from);

  return whole - (twice % (2 * from) < 0);
}

/* One axis of a rectangle: from where and how far it goes. */
static void
place_side (gint64 *start, gint64 *length, gint from, gint to, gint offset)
{
  const gint64 first = place (*start, from, to);
  const gint64 last = place (*start + *length, from, to);

  *start = first + offset;
  *length = *length > 0 ? MAX (last - first, 1) : 0;
}

typedef struct {
  gint64 x, y, width, height;
} Rectangle;

static void
place_rectangle (Rectangle *rectangle, const GstRfdnPlacement *placement)
{
  const GstVideoRectangle *picture = &placement->picture;

  place_side (&rectangle->x, &rectangle->width, placement->width, picture->w, picture->x);
  place_side (&rectangle->y, &rectangle->height, placement->height, picture->h, picture->y);
}

/* ---- regions of interest --------------------------------------------------------------------- */

static gpointer
copy_structure (gconstpointer structure, gpointer unused)
{
  return gst_structure_copy (structure);
}

static guint
to_uint (gint64 value)
{
  return (guint) CLAMP (value, 0, (gint64) G_MAXUINT);
}

/* The region's own transformation rounds down, each number by itself, in 32 bits, and forgets what
 * is known about the region. */
static void
enlarge_region (GstBuffer *outbuf, const GstVideoRegionOfInterestMeta *meta,
                const GstRfdnPlacement *placement)
{
  Rectangle r = {meta->x, meta->y, meta->w, meta->h};
  GstVideoRegionOfInterestMeta *large;

  place_rectangle (&r, placement);
  large = gst_buffer_add_video_region_of_interest_meta_id (
      outbuf, meta->roi_type, to_uint (r.x), to_uint (r.y), to_uint (r.width), to_uint (r.height));
  large->id = meta->id;
  large->parent_id = meta->parent_id;
  large->params = g_list_copy_deep (meta->params, copy_structure, NULL);
}

/* ---- overlays -------------------------------------------------------------------------------- */

void
gst_rfdn_overlays_clear (GstRfdnOverlays *self)
{
  g_clear_pointer (&self->small, gst_video_overlay_composition_unref);
  g_clear_pointer (&self->large, gst_video_overlay_composition_unref);
}

static void
enlarge_rectangle (GstVideoOverlayRectangle *rectangle, const GstRfdnPlacement *placement)
{
  gint x, y;
  guint width, height;
  Rectangle r;

  gst_video_overlay_rectangle_get_render_rectangle (rectangle, &x, &y, &width, &height);
  r = (Rectangle){x, y, width, height};
  place_rectangle (&r, placement);
  gst_video_overlay_rectangle_set_render_rectangle (
      rectangle, (gint) CLAMP (r.x, G_MININT, G_MAXINT), (gint) CLAMP (r.y, G_MININT, G_MAXINT),
      to_uint (r.width), to_uint (r.height));
}

static void
enlarge_overlays (GstBuffer *outbuf, const GstVideoOverlayCompositionMeta *meta,
                  const GstRfdnPlacement *placement, GstRfdnOverlays *last)
{
  if (meta->overlay != last->small || !is_same_placement (placement, &last->placement)) {
    GstVideoOverlayComposition *large = gst_video_overlay_composition_copy (meta->overlay);

    for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (large); i++)
      enlarge_rectangle (gst_video_overlay_composition_get_rectangle (large, i), placement);
    gst_rfdn_overlays_clear (last);
    last->small = gst_video_overlay_composition_ref (meta->overlay);
    last->large = large;
    last->placement = *placement;
  }
  gst_buffer_add_video_overlay_composition_meta (outbuf, last->large);
}

/* ---- any meta -------------------------------------------------------------------------------- */

/* Whether all tags of a meta are about things that enlarging knows how to treat. */
static gboolean
has_only_known_tags (GType api)
{
  static const char *const known[] = {GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_SIZE_STR,
                                      GST_META_TAG_VIDEO_ORIENTATION_STR,
                                      GST_META_TAG_VIDEO_COLORSPACE_STR, NULL};
  const char *const *tags = (const char *const *) gst_meta_api_type_get_tags (api);

  for (; tags != NULL && *tags != NULL; tags++) {
    if (!g_strv_contains (known, *tags))
      return FALSE;
  }
  return TRUE;
}

/* By the meta's own transformation, which knows of two sizes, but of no borders. */
static gboolean
enlarge_by_itself (GstBuffer *outbuf, GstMeta *meta, GstBuffer *inbuf, GstVideoInfo *in,
                   const GstVideoInfo *out, const GstVideoRectangle *picture)
{
  GstVideoInfo size = *out;
  GstVideoMetaTransform scale = {in, &size};

  if (meta->info->transform_func == NULL || picture->x != 0 || picture->y != 0)
    return FALSE;
  size.width = picture->w;
  size.height = picture->h;
  return meta->info->transform_func (outbuf, meta, inbuf, scale_transform, &scale);
}

GstRfdnMetaFate
gst_rfdn_meta_transform (GstBuffer *outbuf, GstMeta *meta, GstBuffer *inbuf, GstVideoInfo *in,
                         const GstVideoInfo *out, const GstRfdnPlacement *placement,
                         GstRfdnOverlays *overlays)
{
  const GType api = meta->info->api;

  if (api == GST_VIDEO_CROP_META_API_TYPE)
    return GST_RFDN_META_DROP;
  if (api == GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE) {
    enlarge_overlays (outbuf, (const GstVideoOverlayCompositionMeta *) meta, placement, overlays);
    return GST_RFDN_META_DONE;
  }
  if (api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE) {
    enlarge_region (outbuf, (const GstVideoRegionOfInterestMeta *) meta, placement);
    return GST_RFDN_META_DONE;
  }
  if (!has_only_known_tags (api))
    return GST_RFDN_META_OTHER;
  if (!gst_meta_api_type_has_tag (api, size_tag))
    return GST_RFDN_META_COPY;
  return enlarge_by_itself (outbuf, meta, inbuf, in, out, &placement->picture) ? GST_RFDN_META_DONE
                                                                               : GST_RFDN_META_DROP;
}

/* ---- what upstream may attach ---------------------------------------------------------------- */

gboolean
gst_rfdn_meta_is_passed_on (GType api)
{
  return api != GST_VIDEO_CROP_META_API_TYPE && has_only_known_tags (api);
}

/* The part of @window's pixels that @part of @whole makes. */
static guint
get_share (guint window, gint part, gint whole)
{
  return (guint) MAX (gst_util_uint64_scale_int_round (window, part, whole), 1);
}

void
gst_rfdn_meta_propose_overlays (GstQuery *query, const GstVideoInfo *out,
                                const GstRfdnPlacement *placement)
{
  const GType api = GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE;
  const GstVideoRectangle *picture = &placement->picture;
  guint width = (guint) GST_VIDEO_INFO_WIDTH (out), height = (guint) GST_VIDEO_INFO_HEIGHT (out);
  const GstStructure *told;
  GstStructure *params;
  guint index;

  if (placement->width == 0 || !gst_query_find_allocation_meta (query, api, &index))
    return;
  gst_query_parse_nth_allocation_meta (query, index, &told);
  if (told != NULL) {
    guint w, h;

    if (gst_structure_get (told, "width", G_TYPE_UINT, &w, "height", G_TYPE_UINT, &h, NULL) &&
        w > 0 && h > 0) {
      width = w;
      height = h;
    }
    params = gst_structure_copy (told);
  } else {
    params = gst_structure_new_empty ("GstVideoOverlayCompositionMeta");
  }
  gst_structure_set (
      params, "width", G_TYPE_UINT, get_share (width, picture->w, GST_VIDEO_INFO_WIDTH (out)),
      "height", G_TYPE_UINT, get_share (height, picture->h, GST_VIDEO_INFO_HEIGHT (out)), NULL);
  gst_query_remove_nth_allocation_meta (query, index);
  gst_query_add_allocation_meta (query, api, params);
  gst_structure_free (params);
}
