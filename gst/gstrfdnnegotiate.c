/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The base class's methods that deal with caps. gstrfdncaps.c works out the answers.
 */

#include "gstrfdncaps.h"
#include "gstrfdni18n.h"
#include "gstrfdnupscale-private.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rfdn_upscale_debug);
#define GST_CAT_DEFAULT gst_rfdn_upscale_debug

static GstBaseTransformClass *parent_class;

/* @caps of the pad on the side @direction, transformed into caps of the other one. */
static GstCaps *
transform (GstRfdnUpscale *self, const GstRfdnChoice *choice, GstPadDirection direction,
           GstCaps *caps, GstCaps *filter)
{
  GstCaps *other = gst_rfdn_caps_transform (caps, direction, choice->factors, choice->resample);

  if (direction == GST_PAD_SRC)
    other = gst_rfdn_caps_prefer (other, choice->colour);
  GST_LOG_OBJECT (self, "%" GST_PTR_FORMAT " on the %s side becomes %" GST_PTR_FORMAT, caps,
                  direction == GST_PAD_SINK ? "sink" : "source", other);
  if (direction == GST_PAD_SRC)
    return gst_rfdn_caps_answer_upstream (other, filter);
  if (filter != NULL) {
    GstCaps *both = gst_caps_intersect_full (other, filter, GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref (other);
    other = both;
  }
  return other;
}

static GstCaps *
transform_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);
  const GstRfdnChoice choice = gst_rfdn_upscale_get_choice (self);

  return transform (self, &choice, direction, caps, filter);
}

static GstCaps *
fixate_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *other)
{
  const GstRfdnChoice choice = gst_rfdn_upscale_get_choice (GST_RFDN_UPSCALE (trans));

  if (direction == GST_PAD_SINK)
    return gst_rfdn_caps_fixate (caps, other, choice.factors, choice.resample);
  return gst_caps_fixate (gst_caps_truncate (other));
}

/* Whether these caps get through to downstream: only then is the answer not empty. */
static gboolean
is_taken_downstream (GstBaseTransform *trans, GstCaps *caps)
{
  g_autoptr (GstCaps) answer = gst_pad_query_caps (GST_BASE_TRANSFORM_SINK_PAD (trans), caps);

  return !gst_caps_is_empty (answer);
}

/* The answer to a caps query says that interlaced frames are not accepted. If they are sent all the
 * same, ACCEPT_CAPS lets them pass so that gst_rfdn_upscale_sink_caps() can say why they are
 * refused.
 *
 * Elements that overlay text first try caps with an overlay meta, and draw the text themselves if
 * those are refused: that must not become an error. */
static gboolean
accept_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps)
{
  if (direction == GST_PAD_SINK && gst_caps_is_fixed (caps) &&
      gst_rfdn_caps_get_interlacing (caps) != NULL)
    return TRUE;
  if (direction == GST_PAD_SINK && !gst_caps_is_any (caps) && !gst_caps_is_empty (caps) &&
      gst_caps_features_contains (gst_caps_get_features (caps, 0),
                                  GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION))
    return is_taken_downstream (trans, caps);
  return parent_class->accept_caps (trans, direction, caps);
}

gboolean
gst_rfdn_upscale_can_become (GstRfdnUpscale *self, const GstRfdnChoice *choice)
{
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (self);
  g_autoptr (GstCaps) incaps = gst_pad_get_current_caps (GST_BASE_TRANSFORM_SINK_PAD (self));
  g_autoptr (GstCaps) possible = NULL;
  g_autoptr (GstCaps) taken = NULL;

  if (incaps == NULL)
    return TRUE;
  possible = gst_rfdn_caps_transform (incaps, GST_PAD_SINK, choice->factors, choice->resample);
  taken = gst_pad_peer_query_caps (pad, possible);
  return !gst_caps_is_empty (taken);
}

/* Which of @filter (NULL: anything) the pad on the side @direction can have: what the other pad's
 * peer accepts, transformed to this side. */
static GstCaps *
query_caps (GstRfdnUpscale *self, GstPadDirection direction, GstCaps *filter)
{
  const GstRfdnChoice choice = gst_rfdn_upscale_get_choice (self);
  const gboolean is_sink = direction == GST_PAD_SINK;
  GstPad *sink = GST_BASE_TRANSFORM_SINK_PAD (self), *src = GST_BASE_TRANSFORM_SRC_PAD (self);
  GstPad *other = is_sink ? src : sink;
  g_autoptr (GstCaps) template = gst_pad_get_pad_template_caps (is_sink ? sink : src);
  g_autoptr (GstCaps) other_template = gst_pad_get_pad_template_caps (other);
  g_autoptr (GstCaps) question = NULL;
  g_autoptr (GstCaps) answer = NULL;
  g_autoptr (GstCaps) possible = NULL;
  g_autoptr (GstCaps) result = NULL;

  if (filter != NULL) {
    g_autoptr (GstCaps) asked =
        gst_caps_intersect_full (filter, template, GST_CAPS_INTERSECT_FIRST);
    g_autoptr (GstCaps) becomes = transform (self, &choice, direction, asked, NULL);

    question = gst_caps_intersect_full (becomes, other_template, GST_CAPS_INTERSECT_FIRST);
    if (gst_caps_is_empty (question))
      return g_steal_pointer (&question);
  }
  answer = gst_pad_peer_query_caps (other, question);
  possible = gst_caps_intersect_full (answer, other_template, GST_CAPS_INTERSECT_FIRST);
  result = transform (self, &choice, is_sink ? GST_PAD_SRC : GST_PAD_SINK, possible, filter);
  return gst_caps_intersect_full (result, template, GST_CAPS_INTERSECT_FIRST);
}

/* The base class would call transform_caps() on the way down and again on the way up. If a property
 * changed between the two, the answer would be empty, and the peer would give up. */
void
gst_rfdn_upscale_caps_query (GstRfdnUpscale *self, GstPadDirection direction, GstQuery *query)
{
  g_autoptr (GstCaps) caps = NULL;
  GstCaps *filter;

  gst_query_parse_caps (query, &filter);
  caps = query_caps (self, direction, filter);
  gst_query_set_caps_result (query, caps);
}

/* ---- failures ------------------------------------------------------------------------------- */

/* The larger frame's size in bytes has to fit the integers that GStreamer uses. */
static gboolean
is_too_large (GstCaps *outcaps)
{
  for (guint i = 0; i < gst_caps_get_size (outcaps); i++) {
    g_autoptr (GstCaps) caps = gst_caps_copy_nth (outcaps, i);
    GstVideoInfo info;

    if (gst_caps_is_fixed (caps) && gst_video_info_from_caps (&info, caps))
      return FALSE;
  }
  return TRUE;
}

static char *
describe_sizes (guint factors)
{
  g_autoptr (GString) list = g_string_new (NULL);
  guint factor = 0;

  if (factors == GST_RFDN_FACTOR (1))
    return g_strdup (_ ("as large as they are"));
  while ((factor = gst_rfdn_caps_next_factor (factors, factor)) != 0)
    g_string_append_printf (list, "%s%u", list->len > 0 ? ", " : "", factor);
  return g_strdup_printf (_ ("%s times as large"), list->str);
}

/* Why negotiation failed, as far as that is known. */
static void
explain_failure (GstRfdnUpscale *self, GstCaps *incaps)
{
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (self);
  const GstRfdnChoice choice = gst_rfdn_upscale_get_choice (self);
  const guint factors = gst_rfdn_caps_can_pass (choice.factors)
                            ? choice.factors & ~GST_RFDN_FACTOR (1)
                            : choice.factors;
  g_autoptr (GstCaps) exact = gst_rfdn_caps_transform (incaps, GST_PAD_SINK, factors, FALSE);
  g_autoptr (GstCaps) possible =
      gst_rfdn_caps_transform (incaps, GST_PAD_SINK, factors, choice.resample);
  g_autoptr (GstCaps) taken = NULL;
  g_autofree char *input = gst_info_strdup_printf ("input: %" GST_PTR_FORMAT, incaps);
  g_autofree char *sizes = describe_sizes (factors);
  const char *conflict;

  if (self->refused || GST_PAD_IS_FLUSHING (pad) || !gst_pad_is_linked (pad))
    return;
  if (is_too_large (exact)) {
    gst_rfdn_upscale_refuse (self, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                             g_steal_pointer (&input),
                             _ ("Frames of this size are too large to be enlarged."));
    return;
  }
  taken = gst_pad_peer_query_caps (pad, possible);
  conflict = gst_rfdn_caps_find_conflict (incaps, taken);
  if (conflict != NULL) {
    gst_rfdn_upscale_refuse (
        self, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, g_steal_pointer (&input),
        _ ("Downstream does not take the %s that these frames have."), conflict);
    return;
  }
  if (!gst_caps_is_empty (taken))
    return;

  gst_rfdn_upscale_refuse (
      self, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, g_steal_pointer (&input),
      choice.resample
          ? _ ("Downstream does not take what these frames can become: %s or resampled, format "
               "and colorimetry unchanged.")
          : _ ("Downstream does not take what these frames can become: %s, format and "
               "colorimetry unchanged."),
      sizes);
}

static gboolean
is_only_interlaced (const GstCaps *caps)
{
  if (caps == NULL || gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return FALSE;
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const char *mode =
        gst_structure_get_string (gst_caps_get_structure (caps, i), "interlace-mode");

    if (mode == NULL || g_str_equal (mode, "progressive"))
      return FALSE;
  }
  return TRUE;
}

/* A converter in front asks what it can turn interlaced frames into. If the answer is nothing, it
 * fails without a reason. */
void
gst_rfdn_upscale_sink_caps_query (GstRfdnUpscale *self, GstQuery *query)
{
  GstCaps *filter;

  gst_query_parse_caps (query, &filter);
  if (!is_only_interlaced (filter) || GST_STATE (self) < GST_STATE_PAUSED ||
      !g_atomic_int_compare_and_exchange (&self->warned, FALSE, TRUE))
    return;
  GST_ELEMENT_WARNING (
      self, STREAM, WRONG_TYPE,
      (_ ("Interlaced video cannot be enlarged: put a deinterlace element before %s."),
       GST_OBJECT_NAME (self)),
      ("asked about %" GST_PTR_FORMAT, filter));
}

/* Say here why caps are refused: negotiation itself fails without a message. */
gboolean
gst_rfdn_upscale_sink_caps (GstRfdnUpscale *self, GstEvent *event)
{
  g_autoptr (GstCaps) caps = NULL;
  const char *interlacing;

  gst_event_parse_caps (event, &caps);
  gst_caps_ref (caps);
  interlacing = gst_rfdn_caps_get_interlacing (caps);
  if (interlacing != NULL) {
    gst_rfdn_upscale_refuse (
        self, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
        g_strdup_printf ("interlace-mode is %s", interlacing),
        _ ("Interlaced video cannot be enlarged: put a deinterlace element before %s."),
        GST_OBJECT_NAME (self));
    gst_event_unref (event);
    return FALSE;
  }

  if (!parent_class->sink_event (GST_BASE_TRANSFORM (self), event)) {
    explain_failure (self, caps);
    return FALSE;
  }
  self->refused = FALSE;
  g_atomic_int_set (&self->warned, FALSE);
  return TRUE;
}

/* The base class assumes that pads still have the caps that it set last, and does not set them
 * again. They do not if setting others has failed since, here or downstream, because of a flush.
 */
gboolean
gst_rfdn_upscale_keep_caps (GstRfdnUpscale *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  const gboolean negotiated = GST_VIDEO_FILTER (self)->negotiated;

  if (negotiated && !self->caps_unsure)
    return TRUE;
  self->caps_unsure = FALSE;
  g_autoptr (GstCaps) in = gst_pad_get_current_caps (GST_BASE_TRANSFORM_SINK_PAD (trans));
  g_autoptr (GstCaps) out = gst_pad_get_current_caps (GST_BASE_TRANSFORM_SRC_PAD (trans));
  if (in == NULL || out == NULL ||
      (negotiated && self->in_caps != NULL && gst_caps_is_equal (in, self->in_caps) &&
       gst_caps_is_equal (out, self->out_caps)))
    return TRUE;
  GST_INFO_OBJECT (self, "back to %" GST_PTR_FORMAT ", to become %" GST_PTR_FORMAT, in, out);
  return GST_BASE_TRANSFORM_GET_CLASS (trans)->set_caps (trans, in, out);
}

void
gst_rfdn_upscale_class_install_negotiation (GstBaseTransformClass *transform_class)
{
  parent_class = g_type_class_peek_parent (transform_class);
  transform_class->transform_caps = GST_DEBUG_FUNCPTR (transform_caps);
  transform_class->fixate_caps = GST_DEBUG_FUNCPTR (fixate_caps);
  transform_class->accept_caps = GST_DEBUG_FUNCPTR (accept_caps);
}
