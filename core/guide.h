/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_GUIDE_H
#define RFDN_GUIDE_H

#include "lanczos.h"
#include "window.h"

/* Chroma that follows luma, for a resampler of chroma. Never changes once made. */
typedef struct RfdnGuide RfdnGuide;

/* `params`, `horizontal` and `vertical` are the resampler's; its rows are `pitch` floats apart.
 * NULL with RFDN_ERROR_PARAMS set if the luma and the chroma do not belong together. */
RfdnGuide *rfdn_guide_new (const RfdnGuideParams *luma, const RfdnResamplerParams *params,
                           const RfdnLanczos *horizontal, const RfdnLanczos *vertical, gsize pitch,
                           GError **error);

void rfdn_guide_free (RfdnGuide *self);

/* Floats that a thread needs. */
gsize rfdn_guide_scratch_size (const RfdnGuide *self);

/* What a thread has at hand while it enlarges rows, from top to bottom. */
typedef struct {
  const RfdnGuide *guide;
  const RfdnPlane *low, *high; /* luma, LR and HR */
  float gain;
  RfdnWindow luma;              /* as coarse as chroma */
  float *sum;                   /* of its rows */
  float *details;               /* of the row at hand, phase by phase */
  float *slopes[RFDN_GUIDED];   /* of LR chroma: row y in row y modulo two */
  gint slopes_end[RFDN_GUIDED]; /* the first row that has none yet */
  float *slope;                 /* of the row at hand, and of one of its phases */
  float *luma_rows;
} RfdnGuideBand;

/* Before row y, the first of a band. `scratch`: rfdn_guide_scratch_size() floats. */
void rfdn_guide_begin (RfdnGuideBand *band, const RfdnGuide *guide, const RfdnPlane *low,
                       const RfdnPlane *high, double amount, guint y, float *scratch);

/* Sees what luma has in row y that chroma lacks. */
void rfdn_guide_look (RfdnGuideBand *band, guint y);

/* Adds it to row y of a plane: to `phases`, as plain as the resampler makes them. `chroma`: the
 * plane's rows that the resampler's filter sees there, with their margins. */
void rfdn_guide_add (RfdnGuideBand *band, guint plane, const RfdnWindow *chroma, guint y,
                     float *phases);

#endif
