/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-rfdnupscale
 * @title: rfdnupscale
 * @short_description: enlarges video with RFDN networks on the CPU
 *
 * Makes video 2, 3 or 4 times as large each way with a small neural network of the RFDN family
 * (Residual Feature Distillation Network), and keeps everything else: format, colours, timestamps,
 * aspect ratio, metadata. It needs only a CPU. A network from a file may enlarge up to 8 times, or
 * clean pictures and keep their size.
 *
 * A luma network sees only the luma of YUV video, an RGB network the three components of RGB video;
 * chroma and alpha go through a Lanczos filter that respects the chroma site. Other combinations
 * work too, at the cost of two conversions a frame.
 *
 * The factor is the one that downstream asks for if the model has it, else the model's smallest. A
 * caps filter asks for a size; either the width or the height is enough. If downstream accepts only
 * the size of the input, frames pass through untouched, unless the network is one that cleans
 * pictures.
 *
 * Where frames have to be in time, in a live pipeline or when a sink reports that they are late,
 * the network does as much of each as there is time for, and a faster network or a Lanczos filter
 * does the rest: see #GstRfdnUpscale:late-policy. Parts that have not changed since the previous
 * frame are not computed again: see #GstRfdnUpscale:reuse.
 *
 * Only progressive frames can be enlarged. Interlaced video is refused: put `deinterlace` in front.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 uridecodebin uri=file:///tmp/a.mkv ! videoconvert ! rfdnupscale ! videoconvert !
 * autovideosink
 * ]| Plays a file at twice its size.
 * |[
 * gst-launch-1.0 filesrc location=a.mkv ! decodebin ! rfdnupscale ! video/x-raw,height=960 !
 * x264enc ! matroskamux ! filesink location=b.mkv
 * ]| Enlarges a video to 960 lines, by the smallest factor that reaches them.
 * |[
 * gst-launch-1.0 filesrc location=a.png ! pngdec ! rfdnupscale model=./weights.safetensors
 * n-threads=2 ! pngenc ! filesink location=b.png
 * ]| Enlarges a picture with a network from a file, on two threads.
 * |[
 * gst-launch-1.0 -m v4l2src ! videoconvert ! rfdnupscale model=balanced ! videoconvert !
 * autovideosink
 * ]| Shows a camera at twice its size. On a slow machine the network does only part of each frame;
 * messages tell how much.
 *
 * Since: 0.1
 */

#include "gstrfdndefaults.h"
#include "gstrfdnformats.h"
#include "gstrfdni18n.h"
#include "gstrfdnmap.h"
#include "gstrfdnplan.h"
#include "gstrfdnupscale-private.h"

#include <gst/video/navigation.h>
#include <string.h>

GST_DEBUG_CATEGORY (gst_rfdn_upscale_debug);
#define GST_CAT_DEFAULT gst_rfdn_upscale_debug

/* Frames further apart than this, and than this many durations, are unrelated if upstream marks a
 * discontinuity between them. */
#define LARGEST_GAP (500 * GST_MSECOND)
#define LARGEST_GAP_FRAMES 4

GST_DEBUG_CATEGORY (gst_rfdn_performance_debug);

#define gst_rfdn_upscale_parent_class parent_class
G_DEFINE_TYPE_WITH_CODE (GstRfdnUpscale, gst_rfdn_upscale, GST_TYPE_VIDEO_FILTER,
                         G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, NULL))
GST_ELEMENT_REGISTER_DEFINE (rfdnupscale, "rfdnupscale", GST_RANK_NONE, GST_TYPE_RFDN_UPSCALE)

GType
gst_rfdn_scale_get_type (void)
{
  G_STATIC_ASSERT (GST_RFDN_SCALE_8 == RFDN_MAX_SCALE);
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_RFDN_SCALE_AUTO, "What downstream asks for, else the model's smallest", "auto"},
      {GST_RFDN_SCALE_1, "The same size, with a model that cleans pictures", "1"},
      {GST_RFDN_SCALE_2, "Twice as wide and high", "2"},
      {GST_RFDN_SCALE_3, "Three times as wide and high", "3"},
      {GST_RFDN_SCALE_4, "Four times as wide and high", "4"},
      {GST_RFDN_SCALE_5, "Five times as wide and high", "5"},
      {GST_RFDN_SCALE_6, "Six times as wide and high", "6"},
      {GST_RFDN_SCALE_7, "Seven times as wide and high", "7"},
      {GST_RFDN_SCALE_8, "Eight times as wide and high", "8"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstRfdnScale", values));
  return type;
}

void
gst_rfdn_upscale_refuse (GstRfdnUpscale *self, GQuark domain, gint code, char *debug,
                         const char *format, ...)
{
  va_list args;
  char *text;

  if (self->refused) {
    g_free (debug);
    return;
  }
  self->refused = TRUE;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  GST_ERROR_OBJECT (self, "%s", text);
  gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_ERROR, domain, code, text, debug,
                            __FILE__, GST_FUNCTION, __LINE__);
}

/* ---- caps --------------------------------------------------------------------------------- */

/* Forgets what is kept from frame to frame: the next frame is unrelated to the last one. Only
 * stabilized pictures depend on it. Streaming thread, or while there is none. */
static void
reset (GstRfdnUpscale *self)
{
  GST_DEBUG_OBJECT (self, "forgetting the previous frames");
  if (self->plan != NULL)
    gst_rfdn_plan_reset (self->plan);
  gst_rfdn_late_reset (self);
  self->last_pts = GST_CLOCK_TIME_NONE;
}

static gboolean
gst_rfdn_upscale_set_info (GstVideoFilter *filter, GstCaps *incaps, GstVideoInfo *in,
                           GstCaps *outcaps, GstVideoInfo *out)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (filter);

  gst_caps_replace (&self->in_caps, incaps);
  gst_caps_replace (&self->out_caps, outcaps);
  self->caps_unsure = TRUE;
  gst_rfdn_defaults_correct_info (incaps, in);
  gst_rfdn_defaults_correct_info (outcaps, out);
  reset (self);
  gst_rfdn_late_set_info (self, in);
  if (!gst_rfdn_upscale_update_plan (self, in, out, TRUE))
    return FALSE;
  gst_rfdn_late_check_latency (self);
  return TRUE;
}

/* ---- state -------------------------------------------------------------------------------- */

static gboolean
gst_rfdn_upscale_start (GstBaseTransform *trans)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);
  gboolean started;

  /* The pad accepts events already. */
  GST_PAD_STREAM_LOCK (GST_BASE_TRANSFORM_SINK_PAD (trans));
  self->refused = FALSE;
  self->short_of_threads = FALSE;
  self->told_conversion = GST_VIDEO_FORMAT_UNKNOWN;
  g_atomic_int_set (&self->warned, FALSE);
  gst_rfdn_upscale_set_flushing (self, FALSE);
  gst_rfdn_late_start (self);
  GST_OBJECT_LOCK (self);
  gst_rfdn_stats_clear (&self->stats);
  self->placement = (GstRfdnPlacement){0};
  GST_OBJECT_UNLOCK (self);
  started = gst_rfdn_upscale_update_choice (self);
  if (started)
    gst_rfdn_upscale_set_stopped (self, FALSE);
  GST_PAD_STREAM_UNLOCK (GST_BASE_TRANSFORM_SINK_PAD (trans));
  return started;
}

static gboolean
gst_rfdn_upscale_stop (GstBaseTransform *trans)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);
  GstRfdnModel *model;

  gst_rfdn_upscale_set_stopped (self, TRUE);
  /* The base class has waited for frames, but not for queries that arrived since. */
  GST_PAD_STREAM_LOCK (GST_BASE_TRANSFORM_SINK_PAD (trans));
  reset (self);
  gst_rfdn_upscale_drop_plan (self);
  gst_rfdn_overlays_clear (&self->overlays);
  gst_clear_caps (&self->in_caps);
  gst_clear_caps (&self->out_caps);
  GST_OBJECT_LOCK (self);
  model = g_steal_pointer (&self->model);
  GST_OBJECT_UNLOCK (self);
  gst_rfdn_model_unref (model);
  gst_base_transform_set_passthrough (trans, FALSE);
  GST_PAD_STREAM_UNLOCK (GST_BASE_TRANSFORM_SINK_PAD (trans));
  return TRUE;
}

/* Do not wait for the frame in work. */
static GstStateChangeReturn
gst_rfdn_upscale_change_state (GstElement *element, GstStateChange transition)
{
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_rfdn_upscale_set_stopped (GST_RFDN_UPSCALE (element), TRUE);
  return GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
}

static void
gst_rfdn_upscale_finalize (GObject *object)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (object);

  gst_rfdn_upscale_drop_plan (self);
  gst_clear_caps (&self->in_caps);
  gst_clear_caps (&self->out_caps);
  gst_rfdn_model_unref (self->model);
  g_free (self->model_name);
  g_free (self->used_name);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

/* ---- events ------------------------------------------------------------------------------- */

/* Upstream may send the same segment again, for instance after relinking. */
static gboolean
is_new_segment (GstBaseTransform *trans, GstEvent *event)
{
  GstSegment segment;

  gst_event_copy_segment (event, &segment);
  segment.position = trans->segment.position; /* which the base class moves */
  return !trans->have_segment || !gst_segment_is_equal (&segment, &trans->segment);
}

static gboolean
gst_rfdn_upscale_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    if (!gst_rfdn_upscale_update_choice (self)) {
      gst_event_unref (event);
      return FALSE;
    }
    return gst_rfdn_upscale_sink_caps (self, event);
  case GST_EVENT_FLUSH_START:
    gst_rfdn_upscale_set_flushing (self, TRUE);
    break;
  case GST_EVENT_FLUSH_STOP:
    gst_rfdn_upscale_set_flushing (self, FALSE);
    gst_rfdn_late_time_event (self, event);
    reset (self);
    break;
  case GST_EVENT_SEGMENT:
    if (is_new_segment (trans, event)) {
      gst_rfdn_late_time_event (self, event);
      reset (self);
    }
    break;
  case GST_EVENT_INSTANT_RATE_CHANGE:
    gst_rfdn_late_time_event (self, event);
    break;
  default:
    break;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

/* Pointer positions arrive in pixels of the output. */
static GstEvent *
scale_navigation (GstRfdnUpscale *self, GstEvent *event)
{
  gdouble x, y;

  if (!gst_navigation_event_get_coordinates (event, &x, &y))
    return event;
  GST_OBJECT_LOCK (self);
  gst_rfdn_placement_to_small (&self->placement, &x, &y);
  GST_OBJECT_UNLOCK (self);
  event = gst_event_make_writable (event);
  gst_navigation_event_set_coordinates (event, x, y);
  return event;
}

static gboolean
gst_rfdn_upscale_src_event (GstBaseTransform *trans, GstEvent *event)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_NAVIGATION:
    event = scale_navigation (self, event);
    break;
  case GST_EVENT_LATENCY:
    gst_rfdn_late_latency_event (self, event);
    break;
  case GST_EVENT_INSTANT_RATE_SYNC_TIME:
    gst_rfdn_late_time_event (self, event);
    break;
  case GST_EVENT_QOS:
    if (gst_rfdn_late_qos_event (self, event))
      return TRUE;
    break;
  default:
    break;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->src_event (trans, event);
}

static gboolean
gst_rfdn_upscale_query (GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);

  /* The query is serialised: the caller has the stream lock. But it may still run after the pad was
   * deactivated, and the base class would renegotiate for it. */
  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION && direction == GST_PAD_SINK &&
      (gst_rfdn_upscale_is_stopped (self) || !gst_rfdn_upscale_update_choice (self)))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    if (direction == GST_PAD_SINK)
      gst_rfdn_upscale_sink_caps_query (self, query);
    gst_rfdn_upscale_caps_query (self, direction, query);
    return TRUE;
  }
  if (!GST_BASE_TRANSFORM_CLASS (parent_class)->query (trans, direction, query))
    return FALSE;
  if (direction == GST_PAD_SRC && GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    gst_rfdn_late_latency_query (self, query);
  return TRUE;
}

/* ---- allocation --------------------------------------------------------------------------- */

static gboolean
gst_rfdn_upscale_filter_meta (GstBaseTransform *trans, GstQuery *query, GType api,
                              const GstStructure *params)
{
  return gst_rfdn_meta_is_passed_on (api);
}

static gboolean
gst_rfdn_upscale_propose_allocation (GstBaseTransform *trans, GstQuery *decide, GstQuery *query)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);

  if (!GST_BASE_TRANSFORM_CLASS (parent_class)->propose_allocation (trans, decide, query))
    return FALSE;
  if (decide != NULL) /* else frames pass through untouched, and downstream answers the query */
    gst_rfdn_meta_propose_overlays (query, &GST_VIDEO_FILTER (trans)->out_info, &self->placement);
  return TRUE;
}

/* ---- frames ------------------------------------------------------------------------------- */

/* Whether a buffer does not continue the previous one. A buffer that a queue or the network lost
 * makes a discontinuity too, but the frames around it are still much alike. */
static gboolean
is_break (GstRfdnUpscale *self, GstBuffer *buffer)
{
  const GstClockTime last = self->last_pts, pts = GST_BUFFER_PTS (buffer);
  GstClockTime largest = LARGEST_GAP;

  self->last_pts = pts;
  if (!GST_BUFFER_IS_DISCONT (buffer))
    return FALSE;
  if (!GST_CLOCK_TIME_IS_VALID (last) || !GST_CLOCK_TIME_IS_VALID (pts))
    return TRUE;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    largest = MAX (largest, LARGEST_GAP_FRAMES * GST_BUFFER_DURATION (buffer));
  return (GstClockTime) ABS (GST_CLOCK_DIFF (last, pts)) > largest;
}

/* Where changed properties take effect: the model, scale and precision before the base class
 * renegotiates, the others after it. */
static GstFlowReturn
gst_rfdn_upscale_submit_input_buffer (GstBaseTransform *trans, gboolean discont, GstBuffer *buffer)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);
  const GstVideoFilter *filter = GST_VIDEO_FILTER (trans);
  GstFlowReturn result;

  if (!gst_rfdn_upscale_update_choice (self)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  if (is_break (self, buffer))
    reset (self);
  gst_rfdn_late_check_frame (self, buffer);
  result = GST_BASE_TRANSFORM_CLASS (parent_class)->submit_input_buffer (trans, discont, buffer);
  if (result == GST_BASE_TRANSFORM_FLOW_DROPPED) {
    GST_OBJECT_LOCK (self);
    self->stats.dropped++;
    GST_OBJECT_UNLOCK (self);
  } else if (result != GST_FLOW_OK) {
    gst_base_transform_reconfigure_src (trans); /* again, from the beginning */
  } else if (!gst_rfdn_upscale_keep_caps (self)) {
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (result == GST_FLOW_OK && filter->negotiated &&
      !gst_rfdn_upscale_update_plan (self, &filter->in_info, &filter->out_info, FALSE))
    return GST_FLOW_ERROR;
  return result;
}

static gboolean
gst_rfdn_upscale_transform_meta (GstBaseTransform *trans, GstBuffer *outbuf, GstMeta *meta,
                                 GstBuffer *inbuf)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);
  GstVideoFilter *filter = GST_VIDEO_FILTER (trans);

  /* The placement is set under the stream lock, which is held here. */
  switch (gst_rfdn_meta_transform (outbuf, meta, inbuf, &filter->in_info, &filter->out_info,
                                   &self->placement, &self->overlays)) {
  case GST_RFDN_META_COPY:
    return TRUE;
  case GST_RFDN_META_DONE:
    return FALSE;
  case GST_RFDN_META_DROP:
    /* For crop metas this means that the whole picture is shown; upstream is not asked for any. */
    GST_INFO_OBJECT (trans, "%s is dropped", g_type_name (meta->info->api));
    return FALSE;
  case GST_RFDN_META_OTHER:
    break;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->transform_meta (trans, outbuf, meta, inbuf);
}

/* Unlike in the base class, an unmappable buffer is an error and not a warning: otherwise an
 * undefined picture would be pushed. */
static GstFlowReturn
gst_rfdn_upscale_transform (GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer *outbuf)
{
  GstVideoFilter *filter = GST_VIDEO_FILTER (trans);
  GstVideoFrame in, out;
  GstFlowReturn result;

  if (!filter->negotiated)
    return GST_FLOW_NOT_NEGOTIATED;
  if (!gst_rfdn_map_input (&in, &filter->in_info, inbuf))
    goto bad_input;
  if (!gst_video_frame_map (&out, &filter->out_info, outbuf,
                            GST_MAP_WRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    goto bad_output;

  result = GST_VIDEO_FILTER_GET_CLASS (filter)->transform_frame (filter, &in, &out);

  gst_video_frame_unmap (&out);
  gst_video_frame_unmap (&in);
  return result;

bad_output:
  gst_video_frame_unmap (&in);
  gst_rfdn_upscale_refuse (GST_RFDN_UPSCALE (trans), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE,
                           gst_info_strdup_printf ("%" GST_PTR_FORMAT, outbuf),
                           _ ("A buffer for the output cannot be written."));
  return GST_FLOW_ERROR;
bad_input:
  gst_rfdn_upscale_refuse (GST_RFDN_UPSCALE (trans), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
                           gst_info_strdup_printf ("%" GST_PTR_FORMAT, inbuf),
                           _ ("A buffer of the input cannot be read as a frame."));
  return GST_FLOW_ERROR;
}

GstClockTime
gst_rfdn_upscale_get_stream_time (GstRfdnUpscale *self, GstBuffer *buffer)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;

  if (segment->format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_stream_time (segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
}

static void
gst_rfdn_upscale_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  const GstClockTime time = gst_rfdn_upscale_get_stream_time (GST_RFDN_UPSCALE (trans), buffer);

  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (trans), time);
}

static GstFlowReturn
gst_rfdn_upscale_transform_frame (GstVideoFilter *filter, GstVideoFrame *in, GstVideoFrame *out)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (filter);
  const gint64 start = g_get_monotonic_time ();
  gint64 deadline, took;
  GstRfdnStrength strength;
  GstRfdnWork work;

  if (self->plan == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  GST_OBJECT_LOCK (self);
  strength = self->strength;
  GST_OBJECT_UNLOCK (self);
  deadline = gst_rfdn_late_begin_frame (self, in->buffer);
  if (!gst_rfdn_plan_run (self->plan, in, out, deadline, &strength, &work)) {
    GST_DEBUG_OBJECT (self, "a frame was abandoned");
    return GST_FLOW_FLUSHING;
  }
  took = g_get_monotonic_time () - start;
  GST_OBJECT_LOCK (self);
  gst_rfdn_stats_add (&self->stats, took, &work);
  GST_OBJECT_UNLOCK (self);
  gst_rfdn_late_end_frame (self, in->buffer, took,
                           deadline != G_MAXINT64 && gst_rfdn_plan_has_network (self->plan) &&
                               strength.network > 0 && work.level < 1);
  return GST_FLOW_OK;
}

/* ---- class -------------------------------------------------------------------------------- */

/* Frames in memory other than the system's can only pass through. */
static void
add_pad_templates (GstElementClass *klass)
{
  g_autoptr (GstCaps) caps = gst_rfdn_formats_get_caps ();
  g_autoptr (GstCaps) overlaid = gst_caps_copy (caps);

  gst_caps_set_features_simple (
      overlaid, gst_caps_features_new (GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION, NULL));
  gst_caps_append (caps, gst_caps_copy (overlaid));
  gst_caps_append (caps, gst_caps_from_string (
                             GST_VIDEO_CAPS_MAKE_WITH_FEATURES ("ANY", GST_VIDEO_FORMATS_ALL)));
  gst_element_class_add_pad_template (
      klass, gst_pad_template_new ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
  gst_element_class_add_pad_template (
      klass, gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
}

static void
gst_rfdn_upscale_class_init (GstRfdnUpscaleClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstVideoFilterClass *filter_class = GST_VIDEO_FILTER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_rfdn_upscale_debug, "rfdnupscale", 0, "RFDN upscaler");
  GST_DEBUG_CATEGORY_GET (gst_rfdn_performance_debug, "GST_PERFORMANCE");
  gst_rfdn_meta_init ();

  G_OBJECT_CLASS (klass)->finalize = gst_rfdn_upscale_finalize;
  gst_rfdn_upscale_class_install_properties (G_OBJECT_CLASS (klass));

  gst_element_class_set_static_metadata (
      element_class, "RFDN upscaler", "Filter/Converter/Video/Scaler",
      "Makes video 2 to 8 times as large, or cleans it, with a neural network on the CPU",
      "The gst-rfdn developers");
  add_pad_templates (element_class);
  gst_type_mark_as_plugin_api (GST_TYPE_RFDN_SCALE, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_RFDN_LATE_POLICY, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_RFDN_PRECISION, 0);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_change_state);

  gst_rfdn_upscale_class_install_negotiation (transform_class);
  transform_class->start = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_start);
  transform_class->stop = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_stop);
  transform_class->sink_event = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_sink_event);
  transform_class->src_event = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_src_event);
  transform_class->submit_input_buffer = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_submit_input_buffer);
  transform_class->query = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_query);
  transform_class->before_transform = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_before_transform);
  transform_class->filter_meta = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_filter_meta);
  transform_class->propose_allocation = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_propose_allocation);
  transform_class->transform_meta = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_transform_meta);
  transform_class->transform = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_transform);
  filter_class->set_info = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_set_info);
  filter_class->transform_frame = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_transform_frame);
}

static void
gst_rfdn_upscale_init (GstRfdnUpscale *self)
{
  gst_rfdn_upscale_init_properties (self);
  gst_rfdn_stats_clear (&self->stats);
  gst_rfdn_late_start (self);
  self->stopped = TRUE;
  /* Otherwise the base class would offer upstream the size that needs no enlarging first. */
  gst_base_transform_set_prefer_passthrough (GST_BASE_TRANSFORM (self), FALSE);
  /* Otherwise the base class would clear the GAP flag of buffers. */
  gst_base_transform_set_gap_aware (GST_BASE_TRANSFORM (self), TRUE);
}
