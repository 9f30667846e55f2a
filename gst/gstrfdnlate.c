/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the element does about frames that would be late: how it learns of it, and whom it tells.
 * How much time there is for a frame is worked out in gstrfdnpacer.c. */

#include "gstrfdnupscale-private.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rfdn_upscale_debug);
#define GST_CAT_DEFAULT gst_rfdn_upscale_debug

/* How often the latency is looked at, in frames. */
#define LATENCY_PERIOD 32

/* The change of level that is told in a message; and what is as good as the full level, since the
 * last tiles may come and go. */
#define LEVEL_STEP 0.125
#define NEARLY_FULL 0.96

GType
gst_rfdn_late_policy_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_RFDN_LATE_POLICY_DEGRADE, "Leave part of the picture to a plain filter", "degrade"},
      {GST_RFDN_LATE_POLICY_DROP, "Leave out frames that are late", "drop"},
      {GST_RFDN_LATE_POLICY_NEVER, "Do nothing about it", "never"},
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
  self->live = FALSE;
  self->latency = 0;
  self->told_level = 1;
  GST_OBJECT_UNLOCK (self);
}

void
gst_rfdn_late_flush (GstRfdnUpscale *self)
{
  GST_OBJECT_LOCK (self);
  gst_rfdn_pacer_reset (&self->pacer);
  GST_OBJECT_UNLOCK (self);
}

static void
tell_latency (GstRfdnUpscale *self)
{
  GST_DEBUG_OBJECT (self, "latency has changed");
  gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

void
gst_rfdn_late_set_info (GstRfdnUpscale *self, const GstVideoInfo *info)
{
  const GstClockTime duration =
      info->fps_n > 0
          ? gst_util_uint64_scale (GST_SECOND, (guint64) info->fps_d, (guint64) info->fps_n)
          : GST_CLOCK_TIME_NONE;
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = self->live && self->pacer.fixed_duration != duration;
  gst_rfdn_pacer_set_duration (&self->pacer, duration);
  GST_OBJECT_UNLOCK (self);
  if (changed)
    tell_latency (self);
}

/* ---- frames --------------------------------------------------------------------------------- */

static GstClockTime
get_running_time (GstRfdnUpscale *self, GstBuffer *buffer)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;

  if (segment->format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_running_time (segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
}

/* What the clock shows, or GST_CLOCK_TIME_NONE while it does not count. With the object lock. */
static GstClockTime
get_now (GstRfdnUpscale *self)
{
  GstElement *element = GST_ELEMENT (self);
  GstClockTime now;

  if (GST_STATE (element) != GST_STATE_PLAYING || GST_ELEMENT_CLOCK (element) == NULL)
    return GST_CLOCK_TIME_NONE;
  now = gst_clock_get_time (GST_ELEMENT_CLOCK (element));
  return now - MIN (now, (GstClockTime) element->base_time);
}

gint64
gst_rfdn_late_begin_frame (GstRfdnUpscale *self, GstBuffer *buffer)
{
  const GstClockTime time = get_running_time (self, buffer);
  const gboolean qos = gst_base_transform_is_qos_enabled (GST_BASE_TRANSFORM (self));
  gint64 deadline = G_MAXINT64;
  GstClockTime now;

  GST_OBJECT_LOCK (self);
  now = get_now (self);
  if (GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (now)) {
    const GstClockTimeDiff left = gst_rfdn_pacer_begin (&self->pacer, time, self->latency, now);

    if (qos && self->late_policy == GST_RFDN_LATE_POLICY_DEGRADE &&
        gst_rfdn_pacer_is_paced (&self->pacer, self->live))
      deadline = g_get_monotonic_time () + left / 1000;
    GST_LOG_OBJECT (self, "%" GST_STIME_FORMAT " for the frame of %" GST_TIME_FORMAT,
                    GST_STIME_ARGS (left), GST_TIME_ARGS (time));
  }
  GST_OBJECT_UNLOCK (self);
  return deadline;
}

/* Whether @level is so far from what was told last that it is to be told. */
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
gst_rfdn_late_end_frame (GstRfdnUpscale *self, GstBuffer *buffer, gint64 microseconds)
{
  const GstClockTime time = get_running_time (self, buffer);
  GstClockTimeDiff jitter = 0;
  gboolean news, later = FALSE;
  double proportion = 1;
  GstClockTime now;

  GST_OBJECT_LOCK (self);
  now = get_now (self);
  if (GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (now)) {
    gst_rfdn_pacer_end (&self->pacer, time, self->latency, now);
    jitter = GST_CLOCK_DIFF (time + self->latency, now);
  }
  if (self->live && self->late_policy == GST_RFDN_LATE_POLICY_DEGRADE) {
    const gboolean whole = self->stats.work.level == 1;

    if (!whole)
      later = gst_rfdn_pacer_update_latency (&self->pacer, 0, FALSE);
    else if (self->stats.frames % LATENCY_PERIOD == 0)
      later = gst_rfdn_pacer_update_latency (
          &self->pacer, gst_rfdn_stats_get_high (&self->stats) * GST_USECOND, TRUE);
  }
  if (GST_BUFFER_DURATION_IS_VALID (buffer) && GST_BUFFER_DURATION (buffer) > 0)
    proportion = (double) microseconds * GST_USECOND / (double) GST_BUFFER_DURATION (buffer);
  news = is_news (self->stats.work.level, self->told_level);
  if (news)
    self->told_level = self->stats.work.level;
  GST_OBJECT_UNLOCK (self);

  if (news)
    tell_level (self, buffer, time, jitter, proportion);
  if (later)
    tell_latency (self);
}

/* ---- what sinks say -------------------------------------------------------------------------- */

void
gst_rfdn_late_latency_event (GstRfdnUpscale *self, GstEvent *event)
{
  GST_OBJECT_LOCK (self);
  gst_event_parse_latency (event, &self->latency);
  GST_OBJECT_UNLOCK (self);
}

/* TRUE if the base class must not see the event: it would drop frames, which is for the policy of
 * that name only. Upstream is not to leave anything out either as long as there is quality to give
 * way. */
gboolean
gst_rfdn_late_qos_event (GstRfdnUpscale *self, GstEvent *event)
{
  GstQOSType type;
  GstClockTimeDiff jitter;
  GstClockTime time;
  GstRfdnLatePolicy policy;
  /* Frames that pass untouched take no time. */
  const gboolean active = gst_base_transform_is_qos_enabled (GST_BASE_TRANSFORM (self)) &&
                          !gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (self));
  gboolean spare;

  gst_event_parse_qos (event, &type, NULL, &jitter, &time);
  GST_OBJECT_LOCK (self);
  policy = self->late_policy;
  if (type != GST_QOS_TYPE_THROTTLE)
    gst_rfdn_pacer_add_qos (&self->pacer, time, jitter);
  spare =
      active && policy == GST_RFDN_LATE_POLICY_DEGRADE && jitter > 0 && self->stats.work.level > 0;
  GST_OBJECT_UNLOCK (self);

  if (policy == GST_RFDN_LATE_POLICY_DROP || type == GST_QOS_TYPE_THROTTLE)
    return FALSE;
  if (spare)
    gst_event_unref (event);
  else
    gst_pad_push_event (GST_BASE_TRANSFORM_SINK_PAD (self), event);
  return TRUE;
}

/* Frames take time: in a live pipeline sinks have to wait for that. */
void
gst_rfdn_late_latency_query (GstRfdnUpscale *self, GstQuery *query)
{
  const gboolean passthrough = gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (self));
  GstClockTime min, max, own;
  gboolean live;

  gst_query_parse_latency (query, &live, &min, &max);
  GST_OBJECT_LOCK (self);
  self->live = live;
  own = live && !passthrough ? gst_rfdn_pacer_get_latency (&self->pacer) : 0;
  GST_OBJECT_UNLOCK (self);
  GST_DEBUG_OBJECT (self, "own latency %" GST_TIME_FORMAT, GST_TIME_ARGS (own));
  gst_query_set_latency (query, live, min + own, GST_CLOCK_TIME_IS_VALID (max) ? max + own : max);
}
