/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_PICTURE_H
#define TEST_PICTURE_H

#include "naive.h"
#include "rfdn.h"

/* Makes a model with random weights. */
RfdnModel *make_model (const char *architecture, guint features, guint blocks, guint scale,
                       guint channels, gboolean attention, GBytes **file);

/* A picture with slopes, edges and noise, 0..1. */
Map *make_picture (guint channels, guint height, guint width);

/* An upscaler's result for `in` in floating point, and for `in` * 255 as 8-bit samples. */
Map *upscale_float (RfdnModel *model, const RfdnUpscalerParams *params, const Map *in);
guint8 *upscale_bytes (RfdnModel *model, const RfdnUpscalerParams *params, const Map *in, gsize *n);

#endif
