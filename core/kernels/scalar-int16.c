/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "int16.h"

/* The reference in 16-bit integers, from the definitions in int16.h: every other level makes the
 * same bits. Packed: biases, shifts, then the filter's weights as they are. */

static gint
saturate (gint v)
{
  return CLAMP (v, G_MININT16, G_MAXINT16);
}

/* The word of channel c at pixel x, which may be -1 or beyond. */
static const float *
get_word (const float *row, gsize run, guint c, gssize x)
{
  const gssize phase = x & 3;
  return row + (c / 2 * RFDN_PHASES + (gsize) phase) * run + (x - phase) / RFDN_PHASES;
}

static gint
get (const float *row, gsize run, guint c, gssize x)
{
  gint16 pair[2];

  memcpy (pair, get_word (row, run, c, x), sizeof pair);
  return pair[c % 2];
}

static void
set (float *row, gsize run, guint c, gssize x, gint v)
{
  const gint16 number = (gint16) v;

  memcpy ((guint8 *) get_word (row, run, c, x) + c % 2 * sizeof number, &number, sizeof number);
}

/* ---- packing --------------------------------------------------------------------------------- */

static guint
even (guint channels)
{
  return (channels + 1) & ~1u;
}

static gsize
packed_size_of (const RfdnConvShape *shape, gsize positions)
{
  const gsize in = even (shape->in_channels), out = even (shape->out_channels);
  return 2 * out + out * in * positions / 2;
}

static gsize
packed_size (const RfdnConvShape *shape)
{
  return packed_size_of (shape, 9);
}

static gsize
winograd_packed_size (const RfdnConvShape *shape)
{
  return packed_size_of (shape, RFDN_INT16_POSITIONS);
}

static gsize
no_scratch (const RfdnConvShape *shape)
{
  return 0;
}

/* A tile's V, in 32 bits a number. */
static gsize
winograd_scratch_size (const RfdnConvShape *shape)
{
  return (gsize) even (shape->in_channels) * RFDN_INT16_POSITIONS;
}

static void
pack (float *packed, const RfdnInt16Filter *filter)
{
  const gsize out = filter->out_channels, n = out * filter->in_channels * filter->positions;

  memcpy (packed, filter->bias, out * sizeof (gint32));
  memcpy (packed + out, filter->shift, out * sizeof (gint32));
  memcpy (packed + 2 * out, filter->weights, n * sizeof (gint16));
}

typedef struct {
  guint in, out;
  const gint32 *bias, *shift;
  const gint16 *weights;
} Packed;

static Packed
unpack (const RfdnConvStrip *a)
{
  const guint in = even (a->shape.in_channels), out = even (a->shape.out_channels);
  const void *words = a->weights;
  const gint32 *bias = words;

  return (Packed){in, out, bias, bias + out, (const gint16 *) (bias + 2 * out)};
}

/* ---- convolutions ---------------------------------------------------------------------------- */

/* What LeakyReLU makes of a sum that is negative. Of one near 2^31 it makes nonsense, which is
 * negative. */
static gint
slope_down (const RfdnConvStrip *a, gint add, gint32 sum, gint shift)
{
  const RfdnInt16Leaky leaky = rfdn_int16_leaky (a->slope);
  const guint32 rounded = (guint32) sum + (guint32) rfdn_int16_extra_rounding (leaky, shift);
  const gint added = (add + (1 << leaky.extra >> 1)) >> leaky.extra;
  const gint v = saturate (saturate ((gint32) rounded >> (shift + leaky.extra)) + added);

  return (v * leaky.slope + (1 << 14)) >> 15;
}

/* The result for channel o at pixel x of row y, from its sum. */
static void
finish (const RfdnConvStrip *a, guint o, guint y, guint x, gint32 sum, gint shift)
{
  const gint add = a->add[y] ? get (a->add[y], a->add_run, o, x) : 0;
  gint v = saturate (sum >> shift);

  if (!a->add_last)
    v = saturate (v + add);
  if (a->slope != 1)
    v = MAX (v, slope_down (a, a->add_last ? 0 : add, sum, shift));
  if (a->add_last)
    v = saturate (v + add);
  set (a->dst[y], a->dst_run, o, x, v);
}

static void
conv_strip (const RfdnConvStrip *a)
{
  const Packed packed = unpack (a);

  for (guint y = 0; y < a->rows; y++) {
    for (guint o = 0; o < packed.out; o++) {
      for (guint x = 0; x < RFDN_PHASES * a->n; x++) {
        const gint16 *w = packed.weights + (gsize) o * packed.in * 9;
        gint32 sum = packed.bias[o];
        for (guint i = 0; i < packed.in; i++) {
          for (guint k = 0; k < 9; k++)
            sum += *w++ * get (a->src[y + k / 3], a->src_run, i, (gssize) (x + k % 3) - 1);
        }
        finish (a, o, y, x, sum, packed.shift[o]);
      }
    }
  }
}

static const gint BT[6][6] = {
    {4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
    {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1},
};
/* The last column is four times Lavin's: the last rows of G are a quarter. */
static const gint AT[4][6] = {
    {1, 1, 1, 1, 1, 0},
    {0, 1, -1, 2, -2, 0},
    {0, 1, 1, 4, 4, 0},
    {0, 1, -1, 8, -8, 4},
};

/* k of int16.h for the tile at column t. */
static gint
find_exponent (const RfdnConvStrip *a, guint in, guint t)
{
  gint peak = 0, k = 0;

  for (guint i = 0; i < in; i++) {
    for (guint p = 0; p < RFDN_INT16_POSITIONS; p++) {
      const gint v = get (a->src[p / 6], a->src_run, i, (gssize) (RFDN_PHASES * t + p % 6) - 1);
      peak = MAX (peak, ABS (v));
    }
  }
  while (peak > RFDN_INT16_LIMIT << k)
    k++;
  return k;
}

/* V of channel i. */
static void
transform_input (gint32 v[RFDN_INT16_POSITIONS], const RfdnConvStrip *a, guint i, guint t, gint k)
{
  gint d[6][6], half[6][6];

  for (guint y = 0; y < 6; y++) {
    for (guint x = 0; x < 6; x++)
      d[y][x] =
          (get (a->src[y], a->src_run, i, (gssize) (RFDN_PHASES * t + x) - 1) + (1 << k >> 1)) >> k;
  }
  for (guint r = 0; r < 6; r++) {
    for (guint x = 0; x < 6; x++) {
      gint sum = 0;
      for (guint y = 0; y < 6; y++)
        sum += BT[r][y] * d[y][x];
      half[r][x] =
          r == 3 || r == 4 ? (sum * RFDN_INT16_MIDDLE_ROWS + (1 << 14)) >> 15 : (sum + 4) >> 3;
    }
  }
  for (guint r = 0; r < 6; r++) {
    for (guint j = 0; j < 6; j++) {
      v[6 * r + j] = 0;
      for (guint x = 0; x < 6; x++)
        v[6 * r + j] += half[r][x] * BT[j][x];
    }
  }
}

/* The results of channel o from its products m; unsigned, since sums may pass 2^31 on the way. */
static void
transform_output (const RfdnConvStrip *a, const Packed *packed, const guint32 *m, guint o, guint t,
                  gint k)
{
  for (guint y = 0; y < a->rows; y++) {
    for (guint x = 0; x < RFDN_PHASES; x++) {
      guint32 sum = (guint32) (packed->bias[o] >> k);
      for (guint p = 0; p < RFDN_INT16_POSITIONS; p++)
        sum += (guint32) (AT[y][p / 6] * AT[x][p % 6]) * m[p];
      finish (a, o, y, RFDN_PHASES * t + x, (gint32) sum, packed->shift[o] - k);
    }
  }
}

static void
winograd_tile (const RfdnConvStrip *a, const Packed *packed, guint t)
{
  const gint k = find_exponent (a, packed->in, t);
  const gint16 *u = packed->weights;
  gint32 *v = (void *) a->scratch;

  for (guint i = 0; i < packed->in; i++)
    transform_input (v + i * RFDN_INT16_POSITIONS, a, i, t, k);
  for (guint o = 0; o < packed->out; o++) {
    guint32 m[RFDN_INT16_POSITIONS] = {0};
    for (guint n = 0; n < packed->in * RFDN_INT16_POSITIONS; n++)
      m[n % RFDN_INT16_POSITIONS] += (guint32) (*u++ * v[n]);
    transform_output (a, packed, m, o, t, k);
  }
}

static void
winograd_strip (const RfdnConvStrip *a)
{
  const Packed packed = unpack (a);

  for (guint t = 0; t < a->n; t++)
    winograd_tile (a, &packed, t);
}

/* ---- samples --------------------------------------------------------------------------------- */

static void
load_row (float *dst, gsize dst_run, const void *src, gsize pixel_stride,
          const RfdnSampleFormat *format, float gain, float offset, guint n)
{
  for (guint x = 0; x < n; x++) {
    set (dst, dst_run, 0, x, ((const guint8 *) src)[x * pixel_stride]);
    set (dst, dst_run, 1, x, 0);
  }
}

static void
store_row (void *dst, gsize pixel_stride, const RfdnSampleFormat *format, const float *src,
           gsize src_run, guint first, guint scale, float gain, guint n)
{
  const gint half = 1 << (RFDN_INT16_OUTPUT_SHIFT - 1);

  for (guint x = 0; x < n * scale; x++) {
    const gint v = get (src, src_run, first + x % scale, x / scale) + half;
    ((guint8 *) dst)[x * pixel_stride] = (guint8) CLAMP (v >> RFDN_INT16_OUTPUT_SHIFT, 0, 255);
  }
}

const RfdnKernels rfdn_kernels_scalar_int16 = {
    .cpu = RFDN_CPU_SCALAR,
    .precision = RFDN_PRECISION_INT16,
    .conv3x3 = {packed_size, no_scratch, .pack_int16 = pack, .strip = conv_strip},
    .conv3x3_wide = {winograd_packed_size, winograd_scratch_size, .pack_int16 = pack,
                     .strip = winograd_strip},
    .load_row = load_row,
    .store_row = store_row,
};
