/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the element does about frames that would be late: how it finds out, and whom it tells.
 * gstrfdnpacer.c works out how much time there is for a frame, gstrfdntimeline.c when it is shown,
 * and gstrfdnlatency.c how long frames take.
 *
 * Clocks and pads are never called with the object lock held: they may take locks of their own. */

#include "gstrfdnupscale-private.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rfdn_upscale_debug);
#define GST_CAT_DEFAULT gst_rfdn_upscale_debug

/* The change of level worth a message, and the level that counts as full, since the last tiles may
 * come and go. */
#define LEVEL_STEP 0.125
#define NEARLY_FULL 0.96

GType
gst_rfdn_late_policy_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_RFDN_LATE_POLICY_DEGRADE,
       "Leave what there is no time for to a faster network or a plain filter", "degrade"},
      {GST_RFDN_LATE_POLICY_DROP, "Drop frames that are late", "drop"},
      {GST_RFDN_LATE_POLICY_NEVER, "Enlarge every frame in full, however late", "never"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstRfdnLatePolicy", values));
  return type;
}

void
gst_rfdn_late_start (GstRfdnUpscale *self)
{
  GST_OBJECT_LOCK (self);
  gst_rfdn_pacer_init (&self->pacer);
  gst_rfdn_latency_init (&self->own_latency);
  gst_rfdn_timeline_init (&self->timeline);
  self->frame_duration = GST_CLOCK_TIME_NONE;
  self->live = self->live_known = FALSE;
  self->upstream_latency = self->latency = 0;
  self->answered = GST_CLOCK_TIME_NONE;
  self->told_level = 1;
  GST_OBJECT_UNLOCK (self);
}

void
gst_rfdn_late_reset (GstRfdnUpscale *self)
{
  GST_OBJECT_LOCK (self);
  gst_rfdn_pacer_reset (&self->pacer);
  self->live_known = FALSE;
  self->told_level = 1;
  GST_OBJECT_UNLOCK (self);
}

/* ---- latency --------------------------------------------------------------------------------- */

/* Upstream's own latency; its last answer if it gives none now. */
static void
ask_upstream (GstRfdnUpscale *self)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime latency = 0;
  gboolean live = FALSE, answered;

  answered = gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), query);
  if (answered)
    gst_query_parse_latency (query, &live, &latency, NULL);
  GST_OBJECT_LOCK (self);
  self->live_known = TRUE;
  if (answered) {
    self->live = live;
    self->upstream_latency = latency;
  }
  GST_OBJECT_UNLOCK (self);
  GST_DEBUG_OBJECT (self, "the pipeline is %slive", live ? "" : "not ");
}

/* Frames that pass through untouched take no time. With the object lock. */
static GstClockTime
get_own_latency (GstRfdnUpscale *self, gboolean passthrough)
{
  return self->live && !passthrough ? gst_rfdn_latency_get (&self->own_latency) : 0;
}

/* In a live pipeline sinks have to wait for frames that take time to enlarge. */
void
gst_rfdn_late_latency_query (GstRfdnUpscale *self, GstQuery *query)
{
  const gboolean passthrough = gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (self));
  GstClockTime min, max, own;
  gboolean live;

  gst_query_parse_latency (query, &live, &min, &max);
  GST_OBJECT_LOCK (self);
  self->live = live;
  self->live_known = TRUE;
  self->upstream_latency = min;
  own = get_own_latency (self, passthrough);
  self->answered = live ? own : GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK (self);
  GST_DEBUG_OBJECT (self, "own latency %" GST_TIME_FORMAT, GST_TIME_ARGS (own));
  /* For that long the frame in work is held here, not by the source. */
  gst_query_set_latency (query, live, min + own, GST_CLOCK_TIME_IS_VALID (max) ? max + own : max);
}

void
gst_rfdn_late_latency_event (GstRfdnUpscale *self, GstEvent *event)
{
  GST_OBJECT_LOCK (self);
  gst_event_parse_latency (event, &self->latency);
  GST_OBJECT_UNLOCK (self);
}

void
gst_rfdn_late_check_latency (GstRfdnUpscale *self)
{
  const gboolean passthrough = gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (self));
  GstClockTime own;
  gboolean news;

  GST_OBJECT_LOCK (self);
  own = get_own_latency (self, passthrough);
  news = GST_CLOCK_TIME_IS_VALID (self->answered) && gst_rfdn_latency_is_news (self->answered, own);
  if (news)
    self->answered = own; /* or a message would be posted at each frame until somebody asks */
  GST_OBJECT_UNLOCK (self);

  if (!news)
    return;
  GST_DEBUG_OBJECT (self, "own latency is %" GST_TIME_FORMAT " now", GST_TIME_ARGS (own));
  gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

/* ---- time ------------------------------------------------------------------------------------ */

/* With the object lock. */
static void
set_duration (GstRfdnUpscale *self)
{
  const GstClockTime duration = self->timeline.skips ? GST_CLOCK_TIME_NONE : self->frame_duration;

  gst_rfdn_pacer_set_duration (&self->pacer,
                               gst_rfdn_timeline_get_duration (&self->timeline, duration));
}

void
gst_rfdn_late_set_info (GstRfdnUpscale *self, const GstVideoInfo *info)
{
  GST_OBJECT_LOCK (self);
  self->frame_duration = info->fps_n > 0 ? gst_util_uint64_scale (GST_SECOND, (guint64) info->fps_d,
                                                                  (guint64) info->fps_n)
                                         : GST_CLOCK_TIME_NONE;
  gst_rfdn_latency_forget (&self->own_latency);
  set_duration (self);
  GST_OBJECT_UNLOCK (self);
}

void
gst_rfdn_late_time_event (GstRfdnUpscale *self, GstEvent *event)
{
  const GstSegment *segment;
  GstSegmentFlags flags;

  GST_OBJECT_LOCK (self);
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    gst_rfdn_timeline_set_segment (&self->timeline, segment);
    break;
  case GST_EVENT_INSTANT_RATE_CHANGE:
    gst_event_parse_instant_rate_change (event, NULL, &flags);
    gst_rfdn_timeline_set_flags (&self->timeline, flags);
    break;
  case GST_EVENT_INSTANT_RATE_SYNC_TIME:
    gst_rfdn_timeline_set_rate (&self->timeline, event);
    break;
  case GST_EVENT_FLUSH_STOP:
    gst_rfdn_timeline_init (&self->timeline);
    break;
  default:
    g_assert_not_reached ();
  }
  set_duration (self);
  GST_OBJECT_UNLOCK (self);
}

/* The running time at which sinks should show the frame, without latency. */
static GstClockTime
get_time (GstRfdnUpscale *self, GstBuffer *buffer)
{
  GstRfdnTimeline timeline;

  GST_OBJECT_LOCK (self);
  timeline = self->timeline;
  GST_OBJECT_UNLOCK (self);
  return gst_rfdn_timeline_get_time (&timeline, &GST_BASE_TRANSFORM (self)->segment, buffer);
}

/* The clock's running time, or GST_CLOCK_TIME_NONE while the clock does not run. */
static GstClockTime
get_now (GstRfdnUpscale *self)
{
  GstElement *element = GST_ELEMENT (self);
  g_autoptr (GstClock) clock = NULL;
  GstClockTime now, base_time;

  GST_OBJECT_LOCK (self);
  if (GST_STATE (element) == GST_STATE_PLAYING && GST_ELEMENT_CLOCK (element) != NULL)
    clock = gst_object_ref (GST_ELEMENT_CLOCK (element));
  base_time = element->base_time;
  GST_OBJECT_UNLOCK (self);

  if (clock == NULL)
    return GST_CLOCK_TIME_NONE;
  now = gst_clock_get_time (clock);
  return now - MIN (now, base_time);
}

/* The latency that frames are shown with. Sinks that do not synchronise set none, but a frame
 * cannot be in time earlier than the latency it arrives with. With the object lock. */
static GstClockTime
get_latency (GstRfdnUpscale *self)
{
  return self->live ? MAX (self->latency, self->upstream_latency) : self->latency;
}

/* ---- frames --------------------------------------------------------------------------------- */

/* In a live pipeline no sink has to report that frames are late. The base class then drops those
 * before the time that it is given here, and posts a message. */
void
gst_rfdn_late_check_frame (GstRfdnUpscale *self, GstBuffer *buffer)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  GstClockTime time, now, duration, begin;
  GstClockTimeDiff lateness = 0;
  gboolean known;

  if (!gst_base_transform_is_qos_enabled (trans) || gst_base_transform_is_passthrough (trans))
    return;
  GST_OBJECT_LOCK (self);
  known = self->live_known;
  GST_OBJECT_UNLOCK (self);
  if (!known)
    ask_upstream (self);

  time = get_time (self, buffer);
  now = get_now (self);
  if (!GST_CLOCK_TIME_IS_VALID (time) || !GST_CLOCK_TIME_IS_VALID (now))
    return;
  GST_OBJECT_LOCK (self);
  if (self->live && self->late_policy == GST_RFDN_LATE_POLICY_DROP)
    lateness = gst_rfdn_pacer_get_lateness (&self->pacer, time, self->upstream_latency, now);
  duration = gst_rfdn_pacer_get_duration (&self->pacer); /* may just have been measured */
  GST_OBJECT_UNLOCK (self);
  /* The base class goes by the start of frames, even when playing backwards. */
  begin = gst_segment_to_running_time (&trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (lateness > 0 && GST_CLOCK_TIME_IS_VALID (begin))
    gst_base_transform_update_qos (trans, 1 + (gdouble) lateness / (gdouble) duration,
                                   lateness - (GstClockTimeDiff) duration, begin);
}

gint64
gst_rfdn_late_begin_frame (GstRfdnUpscale *self, GstBuffer *buffer)
{
  const GstClockTime time = get_time (self, buffer), now = get_now (self);
  const gboolean qos = gst_base_transform_is_qos_enabled (GST_BASE_TRANSFORM (self));
  gint64 deadline = G_MAXINT64;

  GST_OBJECT_LOCK (self);
  if (GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (now)) {
    const GstClockTimeDiff left =
        gst_rfdn_pacer_begin (&self->pacer, time, get_latency (self), now);

    self->granted = left;
    if (qos && self->late_policy == GST_RFDN_LATE_POLICY_DEGRADE &&
        gst_rfdn_pacer_is_paced (&self->pacer, self->live))
      deadline = g_get_monotonic_time () + left / 1000;
    GST_LOG_OBJECT (self, "%" GST_STIME_FORMAT " for the frame of %" GST_TIME_FORMAT,
                    GST_STIME_ARGS (left), GST_TIME_ARGS (time));
  }
  GST_OBJECT_UNLOCK (self);
  return deadline;
}

/* Whether @level differs enough from the last one reported. */
static gboolean
is_news (double level, double told)
{
  if (level == told)
    return FALSE;
  if (level == 1 || (level == 0 && told > 0))
    return TRUE;
  return told == 1 ? level < NEARLY_FULL : ABS (level - told) >= LEVEL_STEP;
}

static void
tell_level (GstRfdnUpscale *self, GstBuffer *buffer, GstClockTime time, GstClockTimeDiff jitter,
            double proportion)
{
  GstMessage *message;
  gboolean live;
  guint64 frames, dropped;
  double level;

  GST_OBJECT_LOCK (self);
  live = self->live;
  level = self->told_level;
  frames = self->stats.frames;
  dropped = self->stats.dropped;
  GST_OBJECT_UNLOCK (self);

  GST_DEBUG_OBJECT (self, "%.0f %% of the picture by the network", 100 * level);
  message = gst_message_new_qos (GST_OBJECT (self), live, time,
                                 gst_rfdn_upscale_get_stream_time (self, buffer),
                                 GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));
  gst_message_set_qos_values (message, jitter, proportion, (gint) (1000000 * level));
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, frames, dropped);
  gst_element_post_message (GST_ELEMENT (self), message);
}

void
gst_rfdn_late_end_frame (GstRfdnUpscale *self, GstBuffer *buffer, gint64 microseconds, gboolean cut)
{
  const GstClockTime time = get_time (self, buffer), now = get_now (self);
  const GstClockTime taken = (GstClockTime) microseconds * GST_USECOND;
  GstClockTimeDiff jitter = 0;
  GstClockTime duration;
  gdouble proportion = 1;
  gboolean news;

  GST_OBJECT_LOCK (self);
  if (GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (now)) {
    gst_rfdn_pacer_end (&self->pacer, time, get_latency (self), now);
    jitter = GST_CLOCK_DIFF (time + get_latency (self), now);
  }
  /* With more latency frames could be better; but where not even part of the network fits in, it
   * would go unused. */
  if (cut && (GstClockTimeDiff) taken < self->granted / 2)
    cut = FALSE;
  gst_rfdn_latency_add (&self->own_latency, taken,
                        cut ? gst_rfdn_pacer_get_most (&self->pacer) : 0);
  duration = gst_rfdn_pacer_get_duration (&self->pacer);
  if (!GST_CLOCK_TIME_IS_VALID (duration))
    duration = gst_rfdn_timeline_get_duration (&self->timeline, GST_BUFFER_DURATION (buffer));
  if (GST_CLOCK_TIME_IS_VALID (duration) && duration > 0)
    proportion = (gdouble) taken / (gdouble) duration;
  news = is_news (self->stats.work.level, self->told_level);
  if (news)
    self->told_level = self->stats.work.level;
  GST_OBJECT_UNLOCK (self);

  if (news)
    tell_level (self, buffer, time, jitter, proportion);
  gst_rfdn_late_check_latency (self);
}

/* ---- what sinks say -------------------------------------------------------------------------- */

/* TRUE if the base class must not see the event: it would drop frames, which only the policy `drop`
 * and trick modes allow. Upstream must not drop any either while quality can still be lowered. */
gboolean
gst_rfdn_late_qos_event (GstRfdnUpscale *self, GstEvent *event)
{
  GstQOSType type;
  GstClockTimeDiff jitter;
  GstClockTime time;
  GstRfdnLatePolicy policy;
  /* Frames that pass through untouched take no time. */
  const gboolean active = gst_base_transform_is_qos_enabled (GST_BASE_TRANSFORM (self)) &&
                          !gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (self));
  gboolean spare, skips;

  gst_event_parse_qos (event, &type, NULL, &jitter, &time);
  GST_OBJECT_LOCK (self);
  policy = self->late_policy;
  if (type != GST_QOS_TYPE_THROTTLE)
    gst_rfdn_pacer_add_qos (&self->pacer, gst_rfdn_timeline_to_clock (&self->timeline, time),
                            jitter);
  skips = self->timeline.skips;
  spare =
      active && policy == GST_RFDN_LATE_POLICY_DEGRADE && jitter > 0 && self->stats.work.level > 0;
  GST_OBJECT_UNLOCK (self);

  if (policy == GST_RFDN_LATE_POLICY_DROP || type == GST_QOS_TYPE_THROTTLE)
    return FALSE;
  /* These trick modes ask for frames to be left out. */
  if (active && policy == GST_RFDN_LATE_POLICY_DEGRADE && skips && !spare)
    return FALSE;
  if (spare)
    gst_event_unref (event);
  else
    gst_pad_push_event (GST_BASE_TRANSFORM_SINK_PAD (self), event);
  return TRUE;
}
