/* gst-rfdn - the element among frames that have to be in time
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef RFDN_TESTS_GST_LIVE_H
#define RFDN_TESTS_GST_LIVE_H

#include "util.h"

G_BEGIN_DECLS

/** A live harness of I420 frames, whose clock stands where it is put. */
GstHarness *live_harness (const char *properties, guint width, guint height, const char *rate);

/** An I420 frame; another picture for each @seed. */
GstBuffer *new_frame (guint width, guint height, guint32 seed, GstClockTime pts,
                      GstClockTime duration);

/** Pushes a frame and gives back what comes out, or NULL. */
GstBuffer *push_frame (GstHarness *harness, GstBuffer *buffer);

/** Pushes one that has to come out. */
void push_only (GstHarness *harness, GstBuffer *buffer);

/** A field of the property `stats`. */
guint64 get_count (GstHarness *harness, const char *name);
double get_double (GstHarness *harness, const char *name);

G_END_DECLS

#endif
