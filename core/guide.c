/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guide.h"

#include <math.h>
#include <string.h>

#include "format.h"

/* Where chroma changes, luma mostly does too, and has a network or more samples. A linear model of
 * one by the other holds in a small window (He, Sun and Tang, "Guided Image Filtering", ECCV 2010,
 * section 3.1): its slope, found in the LR picture, times what the HR luma has beside a filtered LR
 * luma, is what the filtered chroma lacks.
 *
 * Where it does not hold, chroma stays plain: slopes are weighed by the fourth power of the
 * correlation, and fade out where chroma hardly changes. */

#define TAPS RFDN_LANCZOS_TAPS
#define ROWS 3 /* of luma, at most, that a row of chroma lies among */

/* Between luma and a grid of chroma: the mean over what a sample of chroma stands for. */
typedef struct {
  guint step; /* samples of luma to the next of chroma, 1 or 2 */
  float taps[ROWS];
} Thinning;

struct RfdnGuide {
  const RfdnKernels *kernels, *exact; /* exact: without fused multiply-add */
  RfdnSampleFormat format;
  float unit; /* see RfdnSlopeRowFunc */
  guint scale;
  guint width;                   /* of a row of LR chroma */
  guint luma_width, luma_height; /* LR */
  const RfdnLanczos *horizontal, *vertical;
  Thinning low_x, low_y, high_x, high_y;
  gsize pitch, luma_pitch; /* floats of a row of LR chroma, of HR luma */
};

/* ---- life ------------------------------------------------------------------------------------ */

/* A sample of chroma stands for as much luma as lies from its place to the next; `at`: where the
 * first one lies. */
static Thinning
get_thinning (guint step, double at)
{
  const float off = (float) at / 2;

  if (step == 1)
    return (Thinning){1, {0, 1, 0}};
  return (Thinning){2, {0.25f - off, 0.5f, 0.25f + off}};
}

static gboolean
check_params (const RfdnGuideParams *luma, const RfdnResamplerParams *params, GError **error)
{
  const guint x = luma->step_x, y = luma->step_y;
  const gboolean fits = (x == 1 || x == 2) && (y == 1 || y == 2) &&
                        params->in_width == (luma->width + x - 1) / x &&
                        params->in_height == (luma->height + y - 1) / y;
  /* Written so that a NaN fails too. */
  const gboolean near = fabs (luma->low_x) <= 0.5 && fabs (luma->low_y) <= 0.5 &&
                        fabs (luma->high_x) <= 0.5 && fabs (luma->high_y) <= 0.5;

  if (!fits)
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS,
                 "luma of %ux%u cannot guide chroma of %ux%u, %ux%u of it a sample", luma->width,
                 luma->height, params->in_width, params->in_height, x, y);
  else if (!near)
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS,
                 "chroma at %g, %g and %g, %g lies too far from the luma that is to guide it",
                 luma->low_x, luma->low_y, luma->high_x, luma->high_y);
  return fits && near;
}

RfdnGuide *
rfdn_guide_new (const RfdnGuideParams *luma, const RfdnResamplerParams *params,
                const RfdnLanczos *horizontal, const RfdnLanczos *vertical, gsize pitch,
                GError **error)
{
  const RfdnKernels *kernels = rfdn_kernels_get (RFDN_CPU_AUTO, RFDN_PRECISION_FLOAT32, error);
  const RfdnKernels *exact = rfdn_kernels_get (RFDN_CPU_AUTO, RFDN_PRECISION_INT16, error);
  RfdnGuide *self;
  float level;

  if (kernels == NULL || exact == NULL || !check_params (luma, params, error))
    return NULL;
  level = rfdn_sample_format_get_max (&params->format) / 255;
  self = g_new0 (RfdnGuide, 1);
  *self = (RfdnGuide){
      .kernels = kernels,
      .exact = exact,
      .format = params->format,
      .unit = level * level,
      .scale = params->scale,
      .width = params->in_width,
      .luma_width = luma->width,
      .luma_height = luma->height,
      .horizontal = horizontal,
      .vertical = vertical,
      .low_x = get_thinning (luma->step_x, luma->low_x),
      .low_y = get_thinning (luma->step_y, luma->low_y),
      .high_x = get_thinning (luma->step_x, luma->high_x),
      .high_y = get_thinning (luma->step_y, luma->high_y),
      .pitch = pitch,
      .luma_pitch = RFDN_RUN_SLACK + (gsize) luma->step_x * params->scale * params->in_width +
                    RFDN_RUN_ALIGN + RFDN_RUN_AFTER,
  };
  return self;
}

void
rfdn_guide_free (RfdnGuide *self)
{
  g_free (self);
}

gsize
rfdn_guide_scratch_size (const RfdnGuide *self)
{
  const gsize rows = TAPS + 1 + self->scale + 2 * RFDN_GUIDED + 2;

  return rows * self->pitch + (ROWS + 1) * self->luma_pitch;
}

/* The next `n` rows of a thread's memory. */
static float *
take_rows (float **memory, gsize n, gsize pitch)
{
  float *rows = *memory;

  *memory += n * pitch;
  return rows + RFDN_RUN_SLACK;
}

void
rfdn_guide_begin (RfdnGuideBand *band, const RfdnGuide *guide, const RfdnPlane *low,
                  const RfdnPlane *high, double amount, guint y, float *scratch)
{
  const gsize pitch = guide->pitch;
  const gint first = (gint) (y / guide->scale) + guide->vertical->first[y % guide->scale];

  *band = (RfdnGuideBand){.guide = guide, .low = low, .high = high, .gain = (float) amount};
  band->luma = rfdn_window_new (scratch, pitch, guide->vertical, guide->scale, y);
  take_rows (&scratch, TAPS, pitch);
  band->sum = take_rows (&scratch, 1, pitch);
  band->details = take_rows (&scratch, guide->scale, pitch);
  for (guint p = 0; p < RFDN_GUIDED; p++) {
    band->slopes[p] = take_rows (&scratch, 2, pitch);
    band->slopes_end[p] = first + RFDN_LANCZOS_LOBES - 1;
  }
  band->slope = take_rows (&scratch, 2, pitch);
  band->luma_rows = take_rows (&scratch, ROWS + 1, guide->luma_pitch);
}

/* ---- what luma has --------------------------------------------------------------------------- */

/* The mean of the rows of luma that row y of chroma stands for, with what is seen of it beyond its
 * `width` by n samples. */
static const float *
mean_rows (const RfdnGuideBand *band, const RfdnPlane *luma, const Thinning *vertical, gint y,
           guint width, guint height, guint n)
{
  const RfdnGuide *self = band->guide;
  float *sum = band->luma_rows + ROWS * self->luma_pitch, taps[ROWS];
  const float *src[ROWS];
  guint used = 0;

  for (gint t = 0; t < ROWS; t++) {
    const gint at = CLAMP ((gint) vertical->step * y + t - 1, 0, (gint) height - 1);
    float *row = band->luma_rows + (gsize) t * self->luma_pitch;

    if (vertical->taps[t] == 0)
      continue;
    self->kernels->unpack_row (row, (const guint8 *) luma->data + at * luma->stride,
                               luma->pixel_stride, &self->format, width);
    taps[used] = vertical->taps[t];
    src[used++] = row;
  }
  self->exact->fir_row (sum, src, taps, used, width);
  rfdn_extend_row (sum, width, 1, n + 1 - MIN (n, width));
  return sum;
}

/* LR luma as if it were as coarse as chroma, up to, and without, row `end`. */
static void
load_luma (RfdnGuideBand *band, gint end)
{
  const RfdnGuide *self = band->guide;
  const gint height = (gint) ((self->luma_height + self->low_y.step - 1) / self->low_y.step);

  for (; band->luma.end < end; band->luma.end++) {
    float *row = rfdn_window_row (&band->luma, band->luma.end);
    const float *mean =
        mean_rows (band, band->low, &self->low_y, CLAMP (band->luma.end, 0, height - 1),
                   self->luma_width, self->luma_height, self->low_x.step * self->width);

    memset (row, 0, self->width * sizeof *row);
    self->exact->detail_row (row, self->pitch, mean, self->low_x.taps, self->low_x.step, 1,
                             self->width);
    rfdn_extend_row (row, self->width, RFDN_WINDOW_MARGIN, RFDN_WINDOW_MARGIN);
  }
}

void
rfdn_guide_look (RfdnGuideBand *band, guint y)
{
  const RfdnGuide *self = band->guide;
  const guint phase = y % self->scale;
  const gint first = (gint) (y / self->scale) + self->vertical->first[phase];

  load_luma (band, first + TAPS);
  rfdn_window_filter_columns (&band->luma, self->exact, self->vertical, phase, first, band->sum,
                              self->width);
  rfdn_window_filter_row (band->sum, self->exact, self->horizontal, self->scale, band->details,
                          self->pitch, self->width);
  self->exact->detail_row (
      band->details, self->pitch,
      mean_rows (band, band->high, &self->high_y, (gint) y, self->luma_width * self->scale,
                 self->luma_height * self->scale, self->high_x.step * self->scale * self->width),
      self->high_x.taps, self->high_x.step, self->scale, self->width);
}

/* ---- what chroma makes of it -------------------------------------------------------------------
 */

static float *
get_slopes (const RfdnGuideBand *band, guint plane, gint y)
{
  return band->slopes[plane] + ((guint) y & 1) * band->guide->pitch;
}

/* Slopes up to, and without, row `end`. Those beyond the first and the last row are of the rows
 * that are seen there, which repeat them: a window holds no others. */
static void
find_slopes (RfdnGuideBand *band, guint plane, const RfdnWindow *chroma, gint end)
{
  const RfdnGuide *self = band->guide;
  const float *luma[RFDN_SLOPE_SIDE], *rows[RFDN_SLOPE_SIDE];

  for (gint *y = &band->slopes_end[plane]; *y < end; (*y)++) {
    float *slopes = get_slopes (band, plane, *y);

    for (gint r = 0; r < RFDN_SLOPE_SIDE; r++) {
      luma[r] = rfdn_window_row (&band->luma, *y + r - RFDN_SLOPE_RADIUS);
      rows[r] = rfdn_window_row (chroma, *y + r - RFDN_SLOPE_RADIUS);
    }
    self->exact->slope_row (slopes, luma, rows, self->unit, self->width);
    rfdn_extend_row (slopes, self->width, RFDN_WINDOW_MARGIN, RFDN_WINDOW_MARGIN);
  }
}

/* A row a part `after` of the way from one to another. */
static void
interpolate (const RfdnGuide *self, float *dst, const float *from, const float *to, float after)
{
  const float taps[2] = {1 - after, after}, *src[2] = {from, to};

  self->exact->fir_row (dst, src, taps, 2, self->width);
}

void
rfdn_guide_add (RfdnGuideBand *band, guint plane, const RfdnWindow *chroma, guint y, float *phases)
{
  const RfdnGuide *self = band->guide;
  const guint phase = y % self->scale;
  const gint above =
      (gint) (y / self->scale) + self->vertical->first[phase] + RFDN_LANCZOS_LOBES - 1;
  float *row = band->slope, *slopes = row + self->pitch;

  find_slopes (band, plane, chroma, above + 2);
  interpolate (self, row, get_slopes (band, plane, above), get_slopes (band, plane, above + 1),
               self->vertical->after[phase]);
  rfdn_extend_row (row, self->width, RFDN_WINDOW_MARGIN, RFDN_WINDOW_MARGIN);
  for (guint k = 0; k < self->scale; k++) {
    const float *left = row + self->horizontal->first[k] + RFDN_LANCZOS_LOBES - 1;

    interpolate (self, slopes, left, left + 1, self->horizontal->after[k]);
    self->exact->add_product_row (phases + k * self->pitch, slopes, band->details + k * self->pitch,
                                  band->gain, self->width);
  }
}
