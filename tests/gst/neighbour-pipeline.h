/* gst-rfdn - one pipeline with a neighbour of a scaler
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef RFDN_TESTS_GST_NEIGHBOUR_PIPELINE_H
#define RFDN_TESTS_GST_NEIGHBOUR_PIPELINE_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Where the neighbour is. Sized: caps filters set the sizes of frames before and after the scaler;
 * otherwise the elements negotiate them. */
typedef enum {
  NEIGHBOUR_BEFORE,
  NEIGHBOUR_AFTER,
  NEIGHBOUR_BEFORE_SIZED,
  NEIGHBOUR_AFTER_SIZED,
  NEIGHBOUR_BOTH_SIDES,
  N_NEIGHBOUR_PLACES
} NeighbourPlace;

typedef enum {
  OUTCOME_WORKS,
  OUTCOME_FAILS,   /* an error, or no pipeline could be made of it */
  OUTCOME_HANGS,   /* neither an error nor the end in time */
  OUTCOME_CRASHES, /* the process ends by a signal */
} Outcome;

typedef struct {
  Outcome outcome;
  guint frames;    /* that reached the sink */
  guint criticals; /* that GLib and GStreamer printed */
  char text[256];  /* what is said of it; never empty, one line */
} NeighbourResult;

const char *neighbour_place_name (NeighbourPlace place);
const char *outcome_name (Outcome outcome);

/** Whether an element can stand between a source and a sink of raw video. */
gboolean neighbour_is_fit (GstElementFactory *factory);

/** How many of the places, from the first on, suffice to test an element. One that works in another
 * kind of memory is between elements that bring frames there and back, and so is no direct
 * neighbour. */
guint neighbour_n_places (GstElementFactory *factory);

/** The pipeline, as gst-launch-1.0 takes it, with the element @scaler next to @neighbour. */
char *neighbour_describe (GstElementFactory *neighbour, const char *scaler, NeighbourPlace place);

/** Runs the pipeline until its end, its first error, or for @seconds. If even stopping it takes
 * longer than a few seconds more, SIGALRM ends the process. */
void neighbour_run (GstElementFactory *neighbour, const char *scaler, NeighbourPlace place,
                    guint seconds, NeighbourResult *result);

G_END_DECLS

#endif
