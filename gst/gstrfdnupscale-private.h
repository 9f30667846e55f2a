/* gst-rfdn - what the files of the element share
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_UPSCALE_PRIVATE_H
#define GST_RFDN_UPSCALE_PRIVATE_H

#include "gstrfdnframe.h"
#include "gstrfdnlatency.h"
#include "gstrfdnmeta.h"
#include "gstrfdnmodel.h"
#include "gstrfdnpacer.h"
#include "gstrfdnstats.h"
#include "gstrfdntimeline.h"
#include "gstrfdnupscale.h"

G_BEGIN_DECLS

struct _GstRfdnUpscale {
  GstVideoFilter parent;

  /* Under the object lock: the application may set or query these at any time. */
  char *model_name; /* wanted, like the following: */
  GstRfdnScale scale;
  gboolean resample;
  RfdnPrecision precision;
  gboolean choice_pending; /* one has been set by a call that may set more of them */
  guint choice_serial;     /* counts the calls that changed them */
  char *used_name;         /* the name that `model` was loaded by */
  GstRfdnScale used_scale;
  gboolean used_resample;
  RfdnPrecision used_precision;
  gboolean add_borders;
  gdouble sharpness;
  GstRfdnStrength strength;
  GstRfdnLatePolicy late_policy;
  GstRfdnSettings settings; /* without precision, sharpness and placement, which are added when a
                               plan is made */
  GstRfdnModel *model;      /* between start and stop; the streaming thread changes it */
  GstRfdnStats stats;
  GstRfdnPacer pacer;
  GstRfdnTimeline timeline;
  GstRfdnLatency own_latency;
  GstClockTime frame_duration; /* from the caps; GST_CLOCK_TIME_NONE: not in them */
  gboolean live_known;         /* upstream has been asked */
  gboolean live;               /* its last answer */
  GstClockTime upstream_latency;
  GstClockTime latency;     /* of the pipeline, from the last latency event */
  GstClockTimeDiff granted; /* time that the frame in work was granted */
  GstClockTime answered;    /* own latency in the last answer; GST_CLOCK_TIME_NONE: was not asked */
  gdouble told_level;       /* in the last QoS message */
  GstRfdnPlacement placement; /* of the input's picture in the output */
  gboolean flushing;          /* no frame in work is wanted */
  gboolean stopped;           /* nothing may make a plan */
  GstRfdnPlan *plan;          /* used without the lock by whoever has the sink pad's stream lock */

  /* Under the stream lock of the sink pad. */
  GstCaps *in_caps, *out_caps; /* what frames were last assumed to have; NULL: none yet */
  gboolean
      caps_unsure; /* caps were set since the last frame, and the pads may not have received them */
  guint used_serial;        /* of the choice that was last applied */
  GstRfdnModel *plan_model; /* the plan was made with these */
  GstRfdnSettings plan_settings;
  gboolean plan_sharpens; /* its network has siblings */
  guint plan_factor;
  GstClockTime last_pts;          /* of the last buffer; GST_CLOCK_TIME_NONE: none */
  GstRfdnOverlays overlays;       /* of the last frame */
  gboolean short_of_threads;      /* a message has said so */
  gboolean told_sharpness;        /* a message has said that the model has no other */
  GstVideoFormat told_conversion; /* a message has said that frames of this format are converted */
  gboolean refused; /* an error has said why the last caps or buffers cannot be enlarged */
  gint warned;      /* atomic: a message has said that interlaced frames are refused */
};

/* A snapshot of what caps depend on. Each question about caps is answered from one snapshot, since
 * any thread may set properties at any time. */
typedef struct {
  guint factors;     /* that are possible */
  gboolean resample; /* whether any other size is possible too */
  RfdnColour colour; /* what the network sees */
} GstRfdnChoice;

/* Posts an error that says why nothing can be enlarged. Only once until there is a plan or caps are
 * accepted again, since upstream may come back with the same caps at each buffer. Takes @debug.
 */
void gst_rfdn_upscale_refuse (GstRfdnUpscale *self, GQuark domain, gint code, char *debug,
                              const char *format, ...) G_GNUC_PRINTF (5, 6);

/* gstrfdnchoice.c: what is in use now. Before the model is loaded it comes from the properties and
 * the list of built-in models. */
GstRfdnChoice gst_rfdn_upscale_get_choice (GstRfdnUpscale *self);

/* Applies the properties if they have changed. FALSE, with an error posted, if there is nothing to
 * work with. With the stream lock. */
gboolean gst_rfdn_upscale_update_choice (GstRfdnUpscale *self);

/* Whether downstream accepts anything that the present input can become with @choice. */
gboolean gst_rfdn_upscale_can_become (GstRfdnUpscale *self, const GstRfdnChoice *choice);

/* The buffer's stream time; GST_CLOCK_TIME_NONE if the segment is not in time, as behind a filesrc
 * of raw frames. */
GstClockTime gst_rfdn_upscale_get_stream_time (GstRfdnUpscale *self, GstBuffer *buffer);

/* gstrfdnproperties.c: installs the properties, and sets their defaults. */
void gst_rfdn_upscale_class_install_properties (GObjectClass *object_class);
void gst_rfdn_upscale_init_properties (GstRfdnUpscale *self);

/* gstrfdnlate.c: resets its state: at the start, and when previous frames no longer matter.
 * Streaming thread. */
void gst_rfdn_late_start (GstRfdnUpscale *self);
void gst_rfdn_late_reset (GstRfdnUpscale *self);

/* New caps; and events that say when frames are shown: SEGMENT, FLUSH_STOP, INSTANT_RATE_CHANGE,
 * INSTANT_RATE_SYNC_TIME. The events are not taken. */
void gst_rfdn_late_set_info (GstRfdnUpscale *self, const GstVideoInfo *info);
void gst_rfdn_late_time_event (GstRfdnUpscale *self, GstEvent *event);

/* Called before the base class gets a frame: makes it drop one that is too late, if that is the
 * policy. */
void gst_rfdn_late_check_frame (GstRfdnUpscale *self, GstBuffer *buffer);

/* The first returns the time of g_get_monotonic_time() by which the frame has to be ready,
 * G_MAXINT64 for none. The second is called after the statistics: with the microseconds it took,
 * and whether more time would have made it better. */
gint64 gst_rfdn_late_begin_frame (GstRfdnUpscale *self, GstBuffer *buffer);
void gst_rfdn_late_end_frame (GstRfdnUpscale *self, GstBuffer *buffer, gint64 microseconds,
                              gboolean cut);

/* Tells the pipeline if the element's own latency has changed. */
void gst_rfdn_late_check_latency (GstRfdnUpscale *self);

/* Handle what sinks report. The second takes the event if it returns TRUE. */
void gst_rfdn_late_latency_event (GstRfdnUpscale *self, GstEvent *event);
gboolean gst_rfdn_late_qos_event (GstRfdnUpscale *self, GstEvent *event);

/* Adds the element's own latency to upstream's answer. */
void gst_rfdn_late_latency_query (GstRfdnUpscale *self, GstQuery *query);

/* gstrfdnnegotiate.c: the base class's methods that deal with caps. */
void gst_rfdn_upscale_class_install_negotiation (GstBaseTransformClass *transform_class);
gboolean gst_rfdn_upscale_sink_caps (GstRfdnUpscale *self, GstEvent *event);

/* Makes the pads' caps apply again if setting others has failed. FALSE, with an error posted, if
 * such frames cannot be enlarged. With the stream lock. */
gboolean gst_rfdn_upscale_keep_caps (GstRfdnUpscale *self);

/* Answers a CAPS query. Any thread. */
void gst_rfdn_upscale_caps_query (GstRfdnUpscale *self, GstPadDirection direction, GstQuery *query);
void gst_rfdn_upscale_sink_caps_query (GstRfdnUpscale *self, GstQuery *query);

G_END_DECLS

#endif /* GST_RFDN_UPSCALE_PRIVATE_H */
