/* gst-rfdn - how much time there is for a frame
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_PACER_H
#define GST_RFDN_PACER_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Works out how long each frame may take, from when frames arrive, when they are to be shown, and
 * what sinks report. All times are running times in nanoseconds and passed in: there is no clock
 * here. */

#define GST_RFDN_PACER_MEMORY 64

typedef struct {
  GstClockTime fixed_duration; /* of a frame, from the caps; GST_CLOCK_TIME_NONE: not in them */
  GstClockTime duration;       /* measured from the frames; likewise */
  GstClockTime last_time;      /* of the last frame */
  GstClockTime last_end;       /* when it was ready; GST_CLOCK_TIME_NONE: there was none */

  gboolean has_qos;         /* a sink has reported on a frame */
  GstClockTimeDiff margin;  /* time that frames need from here to the sink */
  GstClockTimeDiff delay;   /* how long after its time a frame arrives when none are waiting */
  GstClockTime delay_since; /* when that was measured; GST_CLOCK_TIME_NONE: never */

  /* The last frames: their time, and how much time was left when they were ready. */
  struct {
    GstClockTime time;
    GstClockTimeDiff left;
  } frames[GST_RFDN_PACER_MEMORY];
  guint next;
} GstRfdnPacer;

/** Knows nothing yet. */
void gst_rfdn_pacer_init (GstRfdnPacer *self);

/** Forgets the previous frames and when they arrived. Keeps what is known from caps and about
 * sinks. */
void gst_rfdn_pacer_reset (GstRfdnPacer *self);

/** Sets a frame's duration by the clock, or GST_CLOCK_TIME_NONE if it varies. */
void gst_rfdn_pacer_set_duration (GstRfdnPacer *self, GstClockTime duration);

/** Returns: the duration, as set or as measured; GST_CLOCK_TIME_NONE: not known. */
GstClockTime gst_rfdn_pacer_get_duration (const GstRfdnPacer *self);

/** Returns: the longest that a frame may take without making others wait; 0: not known. */
GstClockTime gst_rfdn_pacer_get_most (const GstRfdnPacer *self);

/**
 * gst_rfdn_pacer_add_qos:
 * @time: of the frame that the sink reports on
 * @jitter: by how much it was late; negative: early; 0: the sink does not synchronise
 */
void gst_rfdn_pacer_add_qos (GstRfdnPacer *self, GstClockTime time, GstClockTimeDiff jitter);

/** Whether frames have to be in time, as far as known: the pipeline is live, or a sink has sent
 * QoS. */
gboolean gst_rfdn_pacer_is_paced (const GstRfdnPacer *self, gboolean live);

/**
 * gst_rfdn_pacer_get_lateness:
 * @time: of a frame that has arrived
 * @upstream: the latency that upstream reports
 * @now: the time
 *
 * Whether to drop the frame, where dropping is the way to keep up: it has waited behind others for
 * so long that the next one has already arrived. Some are kept, however late.
 *
 * Returns: how long it has waited; 0: keep it
 */
GstClockTimeDiff gst_rfdn_pacer_get_lateness (GstRfdnPacer *self, GstClockTime time,
                                              GstClockTime upstream, GstClockTime now);

/**
 * gst_rfdn_pacer_begin:
 * @time: of the frame
 * @latency: of the pipeline: sinks show the frame at time + latency
 * @now: the time at which the frame has arrived
 *
 * Returns: how long the frame may take; it may be negative
 */
GstClockTimeDiff gst_rfdn_pacer_begin (GstRfdnPacer *self, GstClockTime time, GstClockTime latency,
                                       GstClockTime now);

/** Says that the frame is ready at @now. */
void gst_rfdn_pacer_end (GstRfdnPacer *self, GstClockTime time, GstClockTime latency,
                         GstClockTime now);

G_END_DECLS

#endif /* GST_RFDN_PACER_H */
