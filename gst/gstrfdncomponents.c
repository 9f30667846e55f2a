/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdncomponents.h"

#include <string.h>

#include "gstrfdnformats.h"
#include "gstrfdnunpack.h"

/* Where GStreamer's table does not say where samples lie, or how many bits of a word they have. */
static const struct {
  GstVideoFormat format;
  guint depth, shift;
  guint offsets[GST_VIDEO_MAX_COMPONENTS];
} corrections[] = {
    {GST_VIDEO_FORMAT_VYUY, 8, 0, {1, 2, 0, 0}},
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define NATIVE(name) GST_VIDEO_FORMAT_##name##LE
    {GST_VIDEO_FORMAT_Y210, 10, 6, {0, 2, 6, 0}}, {GST_VIDEO_FORMAT_v216, 16, 0, {2, 0, 4, 0}},
#else
#define NATIVE(name) GST_VIDEO_FORMAT_##name##BE
#endif
    {NATIVE (P010_10), 10, 6, {0, 0, 2, 0}},      {NATIVE (P012_), 12, 4, {0, 0, 2, 0}},
    {NATIVE (P016_), 16, 0, {0, 0, 2, 0}},        {NATIVE (Y212_), 12, 4, {0, 2, 6, 0}},
    {NATIVE (Y412_), 12, 4, {2, 0, 4, 6}},
#if GST_CHECK_VERSION(1, 26, 0)
    {NATIVE (Y216_), 16, 0, {0, 2, 6, 0}},        {NATIVE (Y416_), 16, 0, {2, 0, 4, 6}},
#endif
};

typedef struct {
  guint depth, shift;
  gsize offset; /* in a pixel, or a group of them */
} Component;

static Component
get_component (const GstVideoFormatInfo *format, guint component)
{
  for (guint i = 0; i < G_N_ELEMENTS (corrections); i++) {
    if (corrections[i].format == GST_VIDEO_FORMAT_INFO_FORMAT (format))
      return (Component){corrections[i].depth, corrections[i].shift,
                         corrections[i].offsets[component]};
  }
  return (Component){
      GST_VIDEO_FORMAT_INFO_DEPTH (format, component),
      GST_VIDEO_FORMAT_INFO_SHIFT (format, component),
      (gsize) GST_VIDEO_FORMAT_INFO_POFFSET (format, component),
  };
}

RfdnSampleFormat
gst_rfdn_component_get_format (const GstVideoFormatInfo *format, guint component)
{
  const Component found = get_component (format, component);

  if (gst_rfdn_format_get_route (GST_VIDEO_FORMAT_INFO_FORMAT (format)) == GST_RFDN_ROUTE_UNPACK)
    return gst_rfdn_unpack_get_sample_format (format);
  return (RfdnSampleFormat){
      .samples = found.depth + found.shift > 8 ? RFDN_SAMPLES_U16 : RFDN_SAMPLES_U8,
      .depth = found.depth,
      .shift = found.shift,
  };
}

GstRfdnPlace
gst_rfdn_component_get_place (const GstVideoFormatInfo *format, guint component)
{
  if (gst_rfdn_format_get_route (GST_VIDEO_FORMAT_INFO_FORMAT (format)) == GST_RFDN_ROUTE_UNPACK)
    return gst_rfdn_unpack_get_place (format, component);
  return (GstRfdnPlace){
      .plane = (guint) GST_VIDEO_FORMAT_INFO_PLANE (format, component),
      .offset = get_component (format, component).offset,
      .pixel_stride = (gsize) GST_VIDEO_FORMAT_INFO_PSTRIDE (format, component),
      .n_rows = 1,
  };
}

RfdnPlane
gst_rfdn_place_in_frame (const GstRfdnPlace *place, GstVideoFrame *frame)
{
  return (RfdnPlane){
      .data = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, place->plane) + place->offset,
      .stride = (gssize) GST_VIDEO_FRAME_PLANE_STRIDE (frame, place->plane) * place->n_rows,
      .pixel_stride = place->pixel_stride,
  };
}

static gsize
get_sample_size (const GstVideoFormatInfo *format, guint component)
{
  return gst_rfdn_component_get_format (format, component).samples == RFDN_SAMPLES_U8 ? 1 : 2;
}

gsize
gst_rfdn_components_get_row_size (const GstVideoInfo *info, guint plane)
{
  gsize size = 0;

  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (info); c++) {
    const gsize step = (gsize) GST_VIDEO_INFO_COMP_PSTRIDE (info, c);
    const gsize last = (gsize) GST_VIDEO_INFO_COMP_WIDTH (info, c) - 1;

    if ((guint) GST_VIDEO_INFO_COMP_PLANE (info, c) == plane)
      size = MAX (size, last * step + get_component (info->finfo, c).offset +
                            get_sample_size (info->finfo, c));
  }
  return size;
}

gboolean
gst_rfdn_components_have_padding (const GstVideoInfo *info)
{
  return GST_VIDEO_INFO_IS_RGB (info) && GST_VIDEO_INFO_N_PLANES (info) == 1 &&
         (gsize) GST_VIDEO_INFO_COMP_PSTRIDE (info, 0) >
             GST_VIDEO_INFO_N_COMPONENTS (info) * get_sample_size (info->finfo, 0);
}

void
gst_rfdn_components_fill_padding (GstVideoFrame *frame)
{
  guint8 *row = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  const gsize size =
      (gsize) GST_VIDEO_FRAME_WIDTH (frame) * (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (frame, 0);

  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (frame); y++)
    memset (row + y * (gssize) GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0), 0xff, size);
}

/* ---- resamplers ---------------------------------------------------------------------------- */

/* The position of the first sample decides by how much a grid is shifted, in samples of the larger
 * picture. GstVideoScaler lines up the outer edges of both pictures and has no such shift: it would
 * put left-sited chroma too far to the right. Chroma of an unknown site is assumed to be centred,
 * as in GstVideoConverter.
 *
 * If the larger picture is then resized once more by a factor of `rest`, as if chroma were centred,
 * the shift makes up for that too: half a pixel there is 1 / rest of half a pixel here. */
static double
get_shift (gboolean cosited, guint subsampling, guint scale, double rest)
{
  /* How far a co-sited sample lies to the left of a centred one, in its own units. */
  const double off_centre = (1 - 1.0 / (1 << subsampling)) / 2;

  if (!cosited)
    return 0;
  return CLAMP ((1 / rest - scale) * off_centre, -(double) scale, (double) scale);
}

RfdnResampler *
gst_rfdn_component_resampler_new (const GstVideoInfo *in, const GstVideoInfo *enlarged,
                                  const GstVideoInfo *out, guint component, guint scale,
                                  RfdnPool *pool, GError **error)
{
  const GstVideoFormatInfo *format = in->finfo;
  const double rest_x = (double) out->width / enlarged->width;
  const double rest_y = (double) out->height / enlarged->height;
  const RfdnResamplerParams params = {
      .in_width = (guint) GST_VIDEO_INFO_COMP_WIDTH (in, component),
      .in_height = (guint) GST_VIDEO_INFO_COMP_HEIGHT (in, component),
      .out_width = (guint) GST_VIDEO_INFO_COMP_WIDTH (enlarged, component),
      .out_height = (guint) GST_VIDEO_INFO_COMP_HEIGHT (enlarged, component),
      .scale = scale,
      .shift_x = get_shift (in->chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED,
                            GST_VIDEO_FORMAT_INFO_W_SUB (format, component), scale, rest_x),
      .shift_y = get_shift (in->chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED,
                            GST_VIDEO_FORMAT_INFO_H_SUB (format, component), scale, rest_y),
      .format = gst_rfdn_component_get_format (format, component),
      .pool = pool,
  };

  return rfdn_resampler_new (&params, error);
}

/* ---- chroma that follows luma ---------------------------------------------------------------- */

static gboolean
is_same_format (const RfdnSampleFormat *a, const RfdnSampleFormat *b)
{
  return a->samples == b->samples && a->depth == b->depth && a->shift == b->shift;
}

gboolean
gst_rfdn_components_have_guide (const GstVideoFormatInfo *format)
{
  RfdnSampleFormat luma, chroma;

  if (!GST_VIDEO_FORMAT_INFO_IS_YUV (format) ||
      GST_VIDEO_FORMAT_INFO_W_SUB (format, GST_VIDEO_COMP_U) > 1 ||
      GST_VIDEO_FORMAT_INFO_H_SUB (format, GST_VIDEO_COMP_U) > 1)
    return FALSE;
  luma = gst_rfdn_component_get_format (format, GST_VIDEO_COMP_Y);
  chroma = gst_rfdn_component_get_format (format, GST_VIDEO_COMP_U);
  return is_same_format (&luma, &chroma);
}

/* Where the first chroma sample lies, in luma samples. See get_shift() for what @rest does to those
 * that share their place with luma. */
static double
get_place (gboolean cosited, double rest)
{
  return cosited ? 0.5 - 0.5 / rest : 0.5;
}

gboolean
gst_rfdn_component_guide_chroma (RfdnResampler *chroma, const GstVideoInfo *in,
                                 const GstVideoInfo *enlarged, const GstVideoInfo *out,
                                 GError **error)
{
  const gboolean left = (in->chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0;
  const gboolean top = (in->chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED) != 0;
  const RfdnGuideParams params = {
      .width = (guint) GST_VIDEO_INFO_WIDTH (in),
      .height = (guint) GST_VIDEO_INFO_HEIGHT (in),
      .step_x = 1u << GST_VIDEO_FORMAT_INFO_W_SUB (in->finfo, GST_VIDEO_COMP_U),
      .step_y = 1u << GST_VIDEO_FORMAT_INFO_H_SUB (in->finfo, GST_VIDEO_COMP_U),
      .low_x = get_place (left, 1),
      .low_y = get_place (top, 1),
      .high_x = get_place (left, (double) out->width / enlarged->width),
      .high_y = get_place (top, (double) out->height / enlarged->height),
  };

  return rfdn_resampler_set_guide (chroma, &params, error);
}
