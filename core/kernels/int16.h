/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_INT16_H
#define RFDN_INT16_H

#include "kernels.h"

/* Convolutions in 16-bit integers, bit for bit the same on every processor.
 *
 * An activation's numbers are multiples of a step, one for each of its channels. A word (32 bits)
 * holds two channels of a pixel: act[row][channel / 2][x mod 4][x / 4][channel mod 2]. So a column
 * is as wide as with floats, and whatever kernels.h says about floats holds for words.
 *
 * 3x3 by Winograd's F(4x4, 3x3), as in simd-winograd.h, with transforms of integers:
 *
 *   V = round (B' d B / 4)       in 16 bits, as is B' d
 *   U = round (w G g G')         in 16 bits; the last rows of G are a quarter of Lavin's
 *   M = sum over channels U V    in 32 bits, modulo 2^32
 *   Y = A' M A                   in 32 bits, modulo 2^32: additions and shifts to the left alone,
 *                                so that it is right wherever Y itself is below 2^31
 *   result = saturate (Y + bias + add 2^shift >> shift)
 *
 * so that the addend may differ from the sum by any amount, as long as the result fits. Negative
 * sums are far larger than what LeakyReLU makes of them: it takes the larger of the result and
 * slope 2^n times the sum shifted by n more, rounded, where n is the largest up to 4 for which
 * slope 2^n is at most 1. A map that is added after it is added to both.
 *
 * V cannot overflow for |d| <= RFDN_INT16_LIMIT, nor can Y, by the choice of w (rfdn_int16_filter).
 * Activations use all of 16 bits: a tile with larger numbers in the 6x6 pixels that it sees, in any
 * channel, is scaled: its d are rounded to multiples of 2^k, and Y is shifted by k less. k is the
 * least of 0 to RFDN_INT16_MAX_EXPONENT that makes them fit.
 *
 * Rounding by a large k costs quiet channels beside a loud one too much. From
 * RFDN_INT16_MIN_REST_EXPONENT on, V takes a second part: the rest, which is V of the tile as it is
 * less 2^k times V of the scaled one, below 512. It is multiplied and transformed by itself, and Y
 * becomes Y of the scaled tile plus (Y of the rest >> k), as exact as if nothing had been scaled.
 * Pictures reach such numbers in few tiles, checks and noise in most.
 *
 * Other convolutions sum up the products directly, in 32 bits, which suffice by the choice of w;
 * results are made from the sums as from Y.
 *
 * The largest of 7x7 needs no rounding. Bilinear interpolation, first between rows, then along
 * them, takes a (2^14 - w) + b w + 2^13 >> 14 of two numbers, where w is the second one's weight in
 * units of 2^-14, rounded to nearest; its result is added with saturation.
 *
 * The gate x / (1 + exp (-z)) sees z in units of 2^-RFDN_INT16_GATE_SHIFT. It is computed in single
 * precision by the operations of scalar-int16.c in that order, without fusing any: then IEEE 754
 * allows only one result. The two numbers of a word share one division: a reciprocal of the product
 * of both divisors, times the other one's. */

#define RFDN_INT16_LIMIT 1310
#define RFDN_INT16_MAX_EXPONENT 5
#define RFDN_INT16_MIN_REST_EXPONENT 3 /* 1 or 2 take balanced-clean 60% or 28% longer */

#define RFDN_INT16_POSITIONS 36

/* Limits of the shift of sums: for a transformed filter, so that something is left for scaled
 * tiles; for all, so that there is a half to round by. */
#define RFDN_INT16_MIN_SHIFT 1
#define RFDN_INT16_MIN_SCALED_SHIFT (RFDN_INT16_MAX_EXPONENT + 1)
#define RFDN_INT16_MAX_SHIFT 27

/* The gate's range: +-16, beyond which a sigmoid is 0 or 1. */
#define RFDN_INT16_GATE_SHIFT 11

/* 1.5 * 2^23: added to a float below 2^22, it rounds to a whole number, which its last bits hold.
 */
#define RFDN_INT16_ROUNDER 12582912.0f

/* exp (-z) is 2^y = 2^whole 2^rest, where y is z times this, and rest is from -0.5 to 0.5. */
#define RFDN_INT16_EXP_UNIT (-1.44269504f / (1 << RFDN_INT16_GATE_SHIFT))

/* 2^rest: a polynomial of degree 5, highest power first, whose relative error is 1.6e-7 at most.
 * With degree 4 results would be up to 0.53 from the real ones instead of 0.51. */
#define RFDN_INT16_EXP_TERMS                                                                       \
  0.00132254004f, 0.00967566818f, 0.0555086403f, 0.240221306f, 0.693146923f, 1.00000006f

/* Weights of interpolation. */
#define RFDN_INT16_WEIGHT_SHIFT 14

/* The last layer's results have this many fractional bits: they are samples << 4. */
#define RFDN_INT16_OUTPUT_SHIFT 4

/* A layer's weights, the same for all CPU levels. The number of channels is even: an odd one is
 * followed by a channel of zeros. */
struct RfdnInt16Filter {
  RfdnConvShape shape;             /* the layer's own */
  guint in_channels, out_channels; /* even */
  guint positions;                 /* 36 for a transformed filter, one per tap for a plain one */
  gint16 *weights;                 /* [out][in][positions] */
  gint32 *bias;                    /* [out], including the rounding of the shift */
  gint32 *shift;                   /* [out] */
  gboolean fits; /* whether weights and sums of all channels fit with these steps */
};

/* Makes integers of weights[out][in][taps] and bias[out] (NULL: zeros) of a convolution, which is
 * 3x3 if it is transformed.
 *
 * in_steps, out_steps: what a unit of each channel stands for. in_limit: the largest |number| that
 * the input can have; a transformed filter sees RFDN_INT16_LIMIT at most. Each output channel has
 * the largest scale w at which its weights fit into 16 bits and every sum into 32, for any input: a
 * guarantee that follows from the weights. Computed in double precision by operations that every
 * processor rounds the same way.
 *
 * FALSE if there is no memory; then nothing needs clearing. */
gboolean rfdn_int16_filter_init (RfdnInt16Filter *self, const RfdnConvShape *shape,
                                 gboolean transformed, const float *weights, const float *bias,
                                 const float *in_steps, const float *out_steps, double in_limit);
void rfdn_int16_filter_clear (RfdnInt16Filter *self);

/* Two channels' numbers as a word. */
static inline guint32
rfdn_int16_pair (gint16 first, gint16 second)
{
  return (guint16) first | (guint32) (guint16) second << 16;
}

/* The weight of the second of two numbers that are interpolated between; `weight` is 0 to 1. */
static inline gint32
rfdn_int16_weight (float weight)
{
  return (gint32) (weight * (1 << RFDN_INT16_WEIGHT_SHIFT) + 0.5f);
}

/* LeakyReLU in integers: n as above, and slope 2^n in units of 2^-15. */
typedef struct {
  gint extra;
  gint16 slope;
} RfdnInt16Leaky;

/* `slope` is 0 to 1. */
static inline RfdnInt16Leaky
rfdn_int16_leaky (float slope)
{
  RfdnInt16Leaky leaky = {0};

  while (leaky.extra < 4 && slope > 0 && slope <= 0.5f) {
    slope *= 2;
    leaky.extra++;
  }
  leaky.slope = (gint16) MIN (slope * 32768 + 0.5f, G_MAXINT16);
  return leaky;
}

/* What rounds Y when it is shifted by `extra` more than `shift`, for which it was rounded. */
static inline gint32
rfdn_int16_extra_rounding (RfdnInt16Leaky leaky, gint shift)
{
  return ((1 << leaky.extra) - 1) << (shift - 1);
}

#endif
