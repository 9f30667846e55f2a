/* gst-rfdn - enlarge video with RFDN networks on the CPU
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef RFDN_FILTERS_H
#define RFDN_FILTERS_H

/**
 * What the engine does with pictures beside networks; the words are those of rfdn.h.
 *
 * - rfdn_measure_detail() and rfdn_fade(): which parts of a picture gain most by a network, and
 *   blending its result with another one.
 * - #RfdnResampler: a separable Lanczos filter with the life cycle of an #RfdnUpscaler, for the
 *   planes that no network sees (chroma, alpha).
 * - #RfdnStabilizer: keeps part of the last picture where the input hardly changes.
 */

#include "rfdn.h"

G_BEGIN_DECLS

/* ---- parts of pictures -------------------------------------------------------------------- */

/**
 * rfdn_measure_detail:
 * @plane: samples
 * @format: how they are stored; not F32
 * @area: of the plane, inside it
 *
 * Measures how much detail a part of a picture has that a network can enlarge better than a plain
 * filter: the mean of |4 c - l - r - t - b| over every fourth row, where the letters stand for a
 * sample and its neighbours. Flat areas and ramps have none.
 *
 * Returns: 0 to 4, where 1 is the whole range of samples
 */
RFDN_API float rfdn_measure_detail (const RfdnPlane *plane, const RfdnSampleFormat *format,
                                    const RfdnArea *area);

/**
 * RfdnFade:
 * @weight: of the picture that is faded, 0 to 1
 * @left: number of samples from the area's left edge over which its weight rises from 0; 0: none
 * @right: the same on the other edges
 * @top: likewise
 * @bottom: likewise
 */
typedef struct {
  double weight;
  guint left, right, top, bottom;
} RfdnFade;

/**
 * rfdn_fade:
 * @plane: samples, which are replaced
 * @into: samples of another picture, of the same size
 * @format: how both are stored; not F32
 * @area: the part of both that is worked on, inside them
 * @fade: how much of @plane is left
 *
 * Blends @plane into @into: replaces each sample by its weighted mean with the sample of @into at
 * the same place. Weights have 8 bits; samples that are equal stay as they are. Allocates nothing.
 */
RFDN_API void rfdn_fade (const RfdnPlane *plane, const RfdnPlane *into,
                         const RfdnSampleFormat *format, const RfdnArea *area,
                         const RfdnFade *fade);

/* ---- the resampler ------------------------------------------------------------------------ */

/**
 * RfdnResamplerParams:
 * @in_width: samples in a row of the plane that goes in, 1 to %RFDN_MAX_SIZE
 * @in_height: its rows
 * @out_width: samples in a row of the plane that comes out; at most scale * in_width. It may be
 *   less: subsampled chroma of an odd width has half a sample too many
 * @out_height: its rows; at most scale * in_height
 * @scale: 1 to %RFDN_MAX_SCALE: output samples an input sample
 * @shift_x: where the grid of output samples lies, in output samples: 0 when both planes'
 *   samples sit in the middle of the area they stand for, (1 - scale) / 4 when both are
 *   subsampled by two and sit on the left edge ("left" and "top-left" chroma sites)
 *   At most @scale either way
 * @shift_y: the same downwards; (1 - scale) / 4 for samples on the top edge ("top-left")
 * @format: of the samples, in and out; not F32
 * @n_threads: as in #RfdnUpscalerParams
 * @pool: (nullable): as in #RfdnUpscalerParams
 *
 * Output sample i lies at input position (i + 0.5 - shift) / scale - 0.5.
 */
typedef struct {
  guint in_width;
  guint in_height;
  guint out_width;
  guint out_height;
  guint scale;
  double shift_x;
  double shift_y;
  RfdnSampleFormat format;
  guint n_threads;
  RfdnPool *pool;
} RfdnResamplerParams;

typedef struct RfdnResampler RfdnResampler;

/**
 * rfdn_resampler_new:
 *
 * Prepares to enlarge planes by a whole factor with a separable Lanczos filter of three lobes.
 * Border samples are repeated beyond the borders; flat areas stay flat.
 *
 * Returns: (transfer full) (nullable): a resampler, or %NULL with @error set to
 *   %RFDN_ERROR_PARAMS or %RFDN_ERROR_NO_MEMORY
 */
RFDN_API RfdnResampler *rfdn_resampler_new (const RfdnResamplerParams *params, GError **error);

/** Enlarges @n_planes planes. Used by one thread at a time; allocates nothing and cannot fail; @in
 * and @out must not overlap. */
RFDN_API void rfdn_resampler_run (RfdnResampler *self, const RfdnPlane *in, const RfdnPlane *out,
                                  guint n_planes);

/** Planes of chroma that luma guides at a time. */
#define RFDN_GUIDED 2

/**
 * RfdnGuideParams:
 * @width: luma samples in a row of the LR picture
 * @height: its rows
 * @step_x: luma samples to a chroma sample in a row: 1 or 2
 * @step_y: rows of luma to a row of chroma, likewise
 * @low_x: where the first chroma sample of a row lies in the LR picture, in luma samples behind the
 *   first of them: 0 if they share a place ("left"), 0.5 if it lies in the middle of two; -0.5 to
 *   0.5. Of no effect where @step_x is 1
 * @low_y: the same downwards
 * @high_x: as @low_x, in the HR picture
 * @high_y: the same downwards
 *
 * Luma that chroma is to follow.
 */
typedef struct {
  guint width;
  guint height;
  guint step_x;
  guint step_y;
  double low_x;
  double low_y;
  double high_x;
  double high_y;
} RfdnGuideParams;

/**
 * rfdn_resampler_set_guide:
 * @self: a resampler of chroma, while it does not run
 * @params: the luma
 * @error: (nullable): where to say what is wrong
 *
 * Prepares for rfdn_resampler_run_guided(). The HR luma is as many times as large as the
 * resampler's planes.
 *
 * Returns: FALSE with @error set to %RFDN_ERROR_PARAMS or %RFDN_ERROR_NO_MEMORY
 */
RFDN_API gboolean rfdn_resampler_set_guide (RfdnResampler *self, const RfdnGuideParams *params,
                                            GError **error);

/**
 * rfdn_resampler_run_guided:
 * @self: a resampler with a guide
 * @in: planes of chroma
 * @out: where to put them
 * @n_planes: how many, 1 to %RFDN_GUIDED
 * @luma_in: LR luma
 * @luma_out: HR luma, as a network made it
 * @amount: 0, for what rfdn_resampler_run() makes, to 1
 *
 * Enlarges chroma, and adds the details that luma has and chroma lacks where one follows the other
 * in the pixels around: edges of chroma become as sharp as those of luma. With samples of 8 bits
 * the result is the same bit for bit on every processor.
 */
RFDN_API void rfdn_resampler_run_guided (RfdnResampler *self, const RfdnPlane *in,
                                         const RfdnPlane *out, guint n_planes,
                                         const RfdnPlane *luma_in, const RfdnPlane *luma_out,
                                         double amount);

/** Frees @self; %NULL is ignored. */
RFDN_API void rfdn_resampler_free (RfdnResampler *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnResampler, rfdn_resampler_free)

/* ---- the stabilizer ------------------------------------------------------------------------- */

/**
 * RfdnStabilizerParams:
 * @width: of the LR picture, 1 to %RFDN_MAX_SIZE
 * @height: its rows
 * @scale: 1 to %RFDN_MAX_SCALE: HR pixels an LR pixel, each way
 * @channels: planes of a picture, 1 to 3
 * @format: of the samples, LR and HR; not F32
 * @pool: (nullable): as in #RfdnUpscalerParams; %NULL: the caller's thread alone
 */
typedef struct {
  guint width;
  guint height;
  guint scale;
  guint channels;
  RfdnSampleFormat format;
  RfdnPool *pool;
} RfdnStabilizerParams;

/**
 * RfdnStabilizer:
 *
 * Keeps still what stands still: a network makes more of small changes, such as each picture's own
 * compression artefacts, than a filter does, and shows them as flicker.
 *
 * Where an LR picture hardly differs from the one before, in the 5x5 pixels around, the HR picture
 * shown last is mixed in, clamped to what the new one has in the 3x3 pixels around each. So edges
 * stay, and nothing of what has gone shows. Changes that all go one way (motion, fades) count
 * twice. Where nothing changes at all, the last picture stays, bit for bit.
 */
typedef struct RfdnStabilizer RfdnStabilizer;

/**
 * rfdn_stabilizer_new:
 *
 * Returns: (transfer full) (nullable): a stabilizer, or %NULL with @error set to
 *   %RFDN_ERROR_PARAMS or %RFDN_ERROR_NO_MEMORY
 */
RFDN_API RfdnStabilizer *rfdn_stabilizer_new (const RfdnStabilizerParams *params, GError **error);

/** Returns: a plane for each channel, in which the HR picture is to lie before
 * rfdn_stabilizer_run(); what it leaves there stays. */
RFDN_API const RfdnPlane *rfdn_stabilizer_get_result (const RfdnStabilizer *self);

/**
 * rfdn_stabilizer_run:
 * @self: a stabilizer
 * @in: the planes of the LR picture
 * @out: planes for the HR picture; they must not overlap those of rfdn_stabilizer_get_result()
 * @amount: of the last picture, where the LR one is at rest but not the same, 0 to 1
 *
 * Makes the picture to show. Used by one thread at a time; allocates nothing and cannot fail.
 */
RFDN_API void rfdn_stabilizer_run (RfdnStabilizer *self, const RfdnPlane *in, const RfdnPlane *out,
                                   double amount);

/** Forgets the last picture: the next one is shown as it is. */
RFDN_API void rfdn_stabilizer_reset (RfdnStabilizer *self);

/** Frees @self; %NULL is ignored. */
RFDN_API void rfdn_stabilizer_free (RfdnStabilizer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnStabilizer, rfdn_stabilizer_free)

G_END_DECLS

#endif /* RFDN_FILTERS_H */
