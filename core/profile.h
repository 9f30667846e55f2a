/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_PROFILE_H
#define RFDN_PROFILE_H

#include "rfdn.h"

/* Where the time goes, layer by layer: for benchmarks. */

typedef struct {
  char *name;    /* kind and channels, such as "3x3 50 -> 25" */
  guint64 macs;  /* direct multiply-adds per LR pixel */
  gint64 kernel; /* nanoseconds in the convolution or pooling, sum over all threads */
  gint64 rest;   /* in the rest: interpolation, gate, storing samples */
} RfdnLayerTime;

/* From now on, measures each layer's time: reads the clock before and after every task. */
void rfdn_upscaler_start_profile (RfdnUpscaler *upscaler);

/* What was measured since, in the order of the layers; the first entry stands for loading the
 * input. */
RfdnLayerTime *rfdn_upscaler_get_profile (const RfdnUpscaler *upscaler, guint *n);

void rfdn_layer_times_free (RfdnLayerTime *times, guint n);

#endif
