/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_OPS_PIXELWISE_H
#define RFDN_OPS_PIXELWISE_H

#include "op.h"

/* Shared by operations that compute each pixel from one pixel and have no weights. */

static inline RfdnWindow
rfdn_pixelwise_get_window (const RfdnLayer *layer)
{
  return (RfdnWindow){.width = 1, .height = 1, .step = 1, .padded = TRUE};
}

#endif
