/* gst-rfdn - what an element counts, and how long its frames take
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_STATS_H
#define GST_RFDN_STATS_H

#include <gst/gst.h>
#include "gstrfdnframe.h"

G_BEGIN_DECLS

/* Times of the last frames only, so that both figures describe the present. */
#define GST_RFDN_STATS_WINDOW 1000

typedef struct {
  guint64 frames;
  guint64 dropped;
  GstRfdnWork work;                     /* of all frames; its level is the last one's */
  guint32 times[GST_RFDN_STATS_WINDOW]; /* in microseconds, a ring buffer */
} GstRfdnStats;

/** Starts over. */
void gst_rfdn_stats_clear (GstRfdnStats *self);

/** Counts a frame that took @microseconds for @work. */
void gst_rfdn_stats_add (GstRfdnStats *self, gint64 microseconds, const GstRfdnWork *work);

/** Returns: the 99th percentile of the times, in microseconds; 0 without any. */
guint64 gst_rfdn_stats_get_high (const GstRfdnStats *self);

/** Returns: (transfer full): what the property `stats` shows. */
GstStructure *gst_rfdn_stats_get (const GstRfdnStats *self);

G_END_DECLS

#endif /* GST_RFDN_STATS_H */
