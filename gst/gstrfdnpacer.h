/* gst-rfdn - how much time there is for a frame
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_PACER_H
#define GST_RFDN_PACER_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Works out, from when frames arrive, when they are to be shown, and what sinks say of it, how long
 * each may take. All times are running times in nanoseconds, and given: there is no clock here. */

#define GST_RFDN_PACER_MEMORY 64

typedef struct {
  GstClockTime fixed_duration; /* of a frame, as caps tell it; GST_CLOCK_TIME_NONE: they do not */
  GstClockTime duration;       /* as the frames themselves tell it; likewise */
  GstClockTime last_time;      /* of the last frame */
  GstClockTime last_end;       /* when it was ready; GST_CLOCK_TIME_NONE: there was none */

  gboolean has_qos;         /* a sink has told of a frame */
  GstClockTimeDiff margin;  /* that frames need from here to the sink */
  GstClockTimeDiff slack;   /* that frames arrive with when none are waiting */
  GstClockTime slack_since; /* when that was measured; GST_CLOCK_TIME_NONE: never */

  /* The last frames: their time, and how much was left of it when they were ready. */
  struct {
    GstClockTime time;
    GstClockTimeDiff left;
  } frames[GST_RFDN_PACER_MEMORY];
  guint next;

  guint steps; /* of a quarter of a frame's duration: the latency that is told */
  guint calm;  /* how many times less would have done */
} GstRfdnPacer;

/** Knows nothing yet. */
void gst_rfdn_pacer_init (GstRfdnPacer *self);

/** Begins anew, after a flush or a stop; what frames last and the latency stay. */
void gst_rfdn_pacer_reset (GstRfdnPacer *self);

/** Sets the duration of a frame, or GST_CLOCK_TIME_NONE if it varies. */
void gst_rfdn_pacer_set_duration (GstRfdnPacer *self, GstClockTime duration);

/**
 * gst_rfdn_pacer_add_qos:
 * @time: of the frame that the sink tells of
 * @jitter: by how much it was late; negative: early; 0: the sink does not synchronise
 */
void gst_rfdn_pacer_add_qos (GstRfdnPacer *self, GstClockTime time, GstClockTimeDiff jitter);

/** Whether frames have to be in time, as far as that is known: the pipeline is live, or a sink has
 * told of QoS. */
gboolean gst_rfdn_pacer_is_paced (const GstRfdnPacer *self, gboolean live);

/**
 * gst_rfdn_pacer_begin:
 * @time: of the frame
 * @latency: of the pipeline: at time + latency sinks show the frame
 * @now: the time at which the frame has arrived
 *
 * Returns: how long the frame may take; it may be negative
 */
GstClockTimeDiff gst_rfdn_pacer_begin (GstRfdnPacer *self, GstClockTime time, GstClockTime latency,
                                       GstClockTime now);

/** Says that the frame is ready at @now. */
void gst_rfdn_pacer_end (GstRfdnPacer *self, GstClockTime time, GstClockTime latency,
                         GstClockTime now);

/**
 * gst_rfdn_pacer_get_latency:
 *
 * Returns: the latency that a live pipeline has to grant so that frames may take as long as they
 *   do, up to their duration; 0 if durations are not known
 */
GstClockTime gst_rfdn_pacer_get_latency (const GstRfdnPacer *self);

/**
 * gst_rfdn_pacer_update_latency:
 * @longest: what nearly all of the last frames took
 * @whole: whether all of them had all the time that they needed
 *
 * Fits the latency to how long frames take. To be called every so many frames.
 *
 * Returns: whether it has changed
 */
gboolean gst_rfdn_pacer_update_latency (GstRfdnPacer *self, GstClockTime longest, gboolean whole);

G_END_DECLS

#endif /* GST_RFDN_PACER_H */
