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

  /* Under the object lock: the application may set or ask it at any time. */
  char *model_name; /* wanted, as are these: */
  GstRfdnScale scale;
  gboolean resample;
  RfdnPrecision precision;
  gboolean choice_pending; /* one of them has been set by a call that may go on to others */
  guint choice_serial;     /* counts the calls that changed them */
  char *used_name;         /* what `model` was loaded by */
  GstRfdnScale used_scale;
  gboolean used_resample;
  RfdnPrecision used_precision;
  gboolean add_borders;
  gdouble strength;
  GstRfdnLatePolicy late_policy;
  GstRfdnSettings settings; /* but the precision and the picture's place, which plans are given */
  GstRfdnModel *model;      /* between start and stop; the streaming thread changes it */
  GstRfdnStats stats;
  GstRfdnPacer pacer;
  GstRfdnTimeline timeline;
  GstRfdnLatency own_latency;
  GstClockTime frame_duration; /* as caps tell it; GST_CLOCK_TIME_NONE: they do not */
  gboolean live_known;         /* upstream has been asked */
  gboolean live;               /* as it said last */
  GstClockTime upstream_latency;
  GstClockTime latency;     /* of the pipeline, as sinks said last */
  GstClockTimeDiff granted; /* to the frame in work */
  GstClockTime answered;    /* own latency in the last answer; GST_CLOCK_TIME_NONE: was not asked */
  gdouble told_level;       /* in the last QoS message */
  GstRfdnPlacement placement; /* of the input's picture in the output */
  gboolean flushing;          /* no frame in work is wanted */
  gboolean stopped;           /* nor anything else that takes a plan */
  GstRfdnPlan *plan;          /* used without the lock by whoever has the sink pad's stream lock */

  /* Under the stream lock of the sink pad. */
  GstCaps *in_caps, *out_caps; /* that frames were last taken to have; NULL: none yet */
  gboolean caps_unsure; /* set since a frame was last looked at: the pads may not have got them */
  guint used_serial;    /* of the choice that was last looked at */
  GstRfdnModel *plan_model; /* the plan was made with these */
  GstRfdnSettings plan_settings;
  guint plan_factor;
  GstClockTime last_pts;          /* of the last buffer; GST_CLOCK_TIME_NONE: none */
  GstRfdnOverlays overlays;       /* of the last frame */
  gboolean short_of_threads;      /* that has been said */
  GstVideoFormat told_conversion; /* of this format it has been said that frames are converted */
  gboolean refused; /* it has been said why the last caps or buffers cannot be enlarged */
  gint warned;      /* atomic: it has been said that interlaced frames are not taken */
};

/* What caps depend on, at one moment. A question about caps is answered by one of these, taken
 * once, since the next one may be another: properties are set by any thread at any time. */
typedef struct {
  guint factors;     /* that are possible */
  gboolean resample; /* whether any other size is possible too */
  RfdnColour colour; /* what the network sees */
} GstRfdnChoice;

/* Says in an error message why nothing can be enlarged. Once only until there is a plan or caps
 * are accepted again, since upstream may come back with the same caps at each buffer. Takes @debug.
 */
void gst_rfdn_upscale_refuse (GstRfdnUpscale *self, GQuark domain, gint code, char *debug,
                              const char *format, ...) G_GNUC_PRINTF (5, 6);

/* gstrfdnchoice.c: what is in use now. Before the model is loaded the properties and the list of
 * built-in models have to do. */
GstRfdnChoice gst_rfdn_upscale_get_choice (GstRfdnUpscale *self);

/* Takes over what the properties name, if it is new. FALSE, with an error told, if there is nothing
 * to work with; with the stream lock. */
gboolean gst_rfdn_upscale_update_choice (GstRfdnUpscale *self);

/* Whether downstream takes anything that the present input can become by @choice. */
gboolean gst_rfdn_upscale_can_become (GstRfdnUpscale *self, const GstRfdnChoice *choice);

/* The buffer's place in the stream; GST_CLOCK_TIME_NONE where that is not counted in time, as
 * behind a filesrc of raw frames. */
GstClockTime gst_rfdn_upscale_get_stream_time (GstRfdnUpscale *self, GstBuffer *buffer);

/* gstrfdnproperties.c: installs the properties, and sets their defaults. */
void gst_rfdn_upscale_class_install_properties (GObjectClass *object_class);
void gst_rfdn_upscale_init_properties (GstRfdnUpscale *self);

/* gstrfdnlate.c: the state of what follows: at the start, and when the frames before are of no
 * account any more. Streaming thread. */
void gst_rfdn_late_start (GstRfdnUpscale *self);
void gst_rfdn_late_reset (GstRfdnUpscale *self);

/* What frames are; and events that say when they are to be shown: SEGMENT, FLUSH_STOP,
 * INSTANT_RATE_CHANGE, INSTANT_RATE_SYNC_TIME. They are not taken. */
void gst_rfdn_late_set_info (GstRfdnUpscale *self, const GstVideoInfo *info);
void gst_rfdn_late_time_event (GstRfdnUpscale *self, GstEvent *event);

/* Before the base class is given a frame: has it leave out one that is too late, if that is the
 * policy. */
void gst_rfdn_late_check_frame (GstRfdnUpscale *self, GstBuffer *buffer);

/* The time of g_get_monotonic_time() at which the frame has to be ready, G_MAXINT64 for none; and
 * afterwards, when it is in the statistics, that it took so many microseconds, and whether it was
 * cut short in that more time would have made it better. */
gint64 gst_rfdn_late_begin_frame (GstRfdnUpscale *self, GstBuffer *buffer);
void gst_rfdn_late_end_frame (GstRfdnUpscale *self, GstBuffer *buffer, gint64 microseconds,
                              gboolean cut);

/* Tells the pipeline if the element's own latency has changed. */
void gst_rfdn_late_check_latency (GstRfdnUpscale *self);

/* Takes note of what sinks say. The second takes the event, if it returns TRUE. */
void gst_rfdn_late_latency_event (GstRfdnUpscale *self, GstEvent *event);
gboolean gst_rfdn_late_qos_event (GstRfdnUpscale *self, GstEvent *event);

/* Adds the element's own latency to upstream's answer. */
void gst_rfdn_late_latency_query (GstRfdnUpscale *self, GstQuery *query);

/* gstrfdnnegotiate.c: methods of the base class that are about caps. */
void gst_rfdn_upscale_class_install_negotiation (GstBaseTransformClass *transform_class);
gboolean gst_rfdn_upscale_sink_caps (GstRfdnUpscale *self, GstEvent *event);

/* Frames are what the pads' caps say, even if setting others has failed; FALSE, with an error told,
 * if they cannot be enlarged so. With the stream lock. */
gboolean gst_rfdn_upscale_keep_caps (GstRfdnUpscale *self);

/* Answers a CAPS query. Any thread. */
void gst_rfdn_upscale_caps_query (GstRfdnUpscale *self, GstPadDirection direction, GstQuery *query);
void gst_rfdn_upscale_sink_caps_query (GstRfdnUpscale *self, GstQuery *query);

G_END_DECLS

#endif /* GST_RFDN_UPSCALE_PRIVATE_H */
