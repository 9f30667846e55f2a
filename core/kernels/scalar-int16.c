/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "guide-rows.h"
#include "int16.h"

/* The reference in 16-bit integers, from the definitions in int16.h: every other level gives the
 * same bits. Packed: biases, shifts, then the filter's weights unchanged. */

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
  return packed_size_of (shape, (gsize) shape->width * shape->height);
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

/* A tile's V and rest, in 32 bits a number. */
static gsize
winograd_scratch_size (const RfdnConvShape *shape)
{
  return 2 * (gsize) even (shape->in_channels) * RFDN_INT16_POSITIONS;
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

/* sum + add 2^shift >> shift + extra. */
static gint
shift_total (gint32 sum, gint add, gint shift, gint extra)
{
  return saturate ((gint) CLAMP ((sum + add * ((gint64) 1 << shift)) >> (shift + extra), G_MININT32,
                                 G_MAXINT32));
}

/* LeakyReLU of a negative sum. For one near 2^31 the result is meaningless, but negative. */
static gint
slope_down (const RfdnConvStrip *a, gint32 sum, gint add, gint shift)
{
  const RfdnInt16Leaky leaky = rfdn_int16_leaky (a->slope);
  const guint32 rounded = (guint32) sum + (guint32) rfdn_int16_extra_rounding (leaky, shift);

  return (shift_total ((gint32) rounded, add, shift, leaky.extra) * leaky.slope + (1 << 14)) >> 15;
}

/* The result for channel o at pixel x of row y, from its sum. */
static void
finish (const RfdnConvStrip *a, guint o, guint y, guint x, gint32 sum, gint shift)
{
  const gint add = a->add[y] ? get (a->add[y], a->add_run, o, x) : 0;
  gint v = shift_total (sum, add, shift, 0);

  if (a->slope != 1)
    v = MAX (v, a->add_last ? saturate (slope_down (a, sum, 0, shift) + add)
                            : slope_down (a, sum, add, shift));
  set (a->dst[y], a->dst_run, o, x, v);
}

/* The sum of channel o at pixel x of row y, whose window begins `left` pixels before step x. */
static gint32
sum_up (const RfdnConvStrip *a, const Packed *packed, guint o, guint y, guint x, guint step,
        guint left)
{
  const guint width = a->shape.width, taps = width * a->shape.height;
  const gint16 *w = packed->weights + (gsize) o * packed->in * taps;
  guint32 sum = (guint32) packed->bias[o];

  for (guint i = 0; i < packed->in; i++) {
    for (guint k = 0; k < taps; k++)
      sum += (guint32) (*w++ * get (a->src[step * y + k / width], a->src_run, i,
                                    (gssize) (step * x + k % width) - left));
  }
  return (gint32) sum;
}

static void
conv_any (const RfdnConvStrip *a, guint step, guint left)
{
  const Packed packed = unpack (a);

  for (guint y = 0; y < a->rows; y++) {
    for (guint o = 0; o < packed.out; o++) {
      for (guint x = 0; x < RFDN_PHASES * a->n; x++)
        finish (a, o, y, x, sum_up (a, &packed, o, y, x, step, left), packed.shift[o]);
    }
  }
}

static void
conv_strip (const RfdnConvStrip *a)
{
  conv_any (a, 1, a->shape.width / 2);
}

static void
stride2_strip (const RfdnConvStrip *a)
{
  conv_any (a, 2, 0);
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

/* B' d B of channel i, d rounded to multiples of 2^k and divided by it. */
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
      half[r][x] = sum;
    }
  }
  for (guint r = 0; r < 6; r++) {
    for (guint j = 0; j < 6; j++) {
      gint sum = 0;
      for (guint x = 0; x < 6; x++)
        sum += half[r][x] * BT[j][x];
      v[6 * r + j] = (sum + 2) >> 2;
    }
  }
}

/* V of all channels, and what is missing in it of 2^-k times the V of a tile that is not scaled. */
static void
transform_tile (gint32 *v, gint32 *rest, const RfdnConvStrip *a, guint in, guint t, gint k)
{
  for (guint i = 0; i < in; i++, v += RFDN_INT16_POSITIONS, rest += RFDN_INT16_POSITIONS) {
    transform_input (v, a, i, t, k);
    if (k < RFDN_INT16_MIN_REST_EXPONENT) {
      memset (rest, 0, RFDN_INT16_POSITIONS * sizeof *rest);
      continue;
    }
    transform_input (rest, a, i, t, 0);
    for (guint p = 0; p < RFDN_INT16_POSITIONS; p++)
      rest[p] -= v[p] * (1 << k);
  }
}

/* Unsigned, since sums may pass 2^31 on the way. */
static void
multiply (guint32 m[RFDN_INT16_POSITIONS], const gint16 *u, const gint32 *v, guint in)
{
  memset (m, 0, RFDN_INT16_POSITIONS * sizeof *m);
  for (guint n = 0; n < in * RFDN_INT16_POSITIONS; n++)
    m[n % RFDN_INT16_POSITIONS] += (guint32) (u[n] * v[n]);
}

static gint32
transform_output (const guint32 m[RFDN_INT16_POSITIONS], guint y, guint x)
{
  guint32 sum = 0;

  for (guint p = 0; p < RFDN_INT16_POSITIONS; p++)
    sum += (guint32) (AT[y][p / 6] * AT[x][p % 6]) * m[p];
  return (gint32) sum;
}

static void
winograd_tile (const RfdnConvStrip *a, const Packed *packed, guint t)
{
  const gint k = find_exponent (a, packed->in, t);
  const guint n = packed->in * RFDN_INT16_POSITIONS;
  const gint16 *u = packed->weights;
  gint32 *v = (void *) a->scratch, *rest = v + n;

  transform_tile (v, rest, a, packed->in, t, k);
  for (guint o = 0; o < packed->out; o++, u += n) {
    guint32 m[RFDN_INT16_POSITIONS], m_rest[RFDN_INT16_POSITIONS];
    multiply (m, u, v, packed->in);
    multiply (m_rest, u, rest, packed->in);
    for (guint y = 0; y < a->rows; y++) {
      for (guint x = 0; x < RFDN_PHASES; x++) {
        const guint32 sum = (guint32) transform_output (m, y, x) + (guint32) (packed->bias[o] >> k);
        finish (a, o, y, RFDN_PHASES * t + x,
                (gint32) (sum + (guint32) (transform_output (m_rest, y, x) >> k)),
                packed->shift[o] - k);
      }
    }
  }
}

static void
winograd_strip (const RfdnConvStrip *a)
{
  const Packed packed = unpack (a);

  for (guint t = 0; t < a->n; t++)
    winograd_tile (a, &packed, t);
}

/* ---- attention ------------------------------------------------------------------------------- */

static void
max_pool_row (float *dst, gsize dst_run, const float *const src[7], gsize src_run, guint channels,
              guint n)
{
  for (guint c = 0; c < even (channels); c++) {
    for (guint x = 0; x < n; x++) {
      gint best = G_MININT16;
      for (guint k = 0; k < 7 * 7; k++)
        best = MAX (best, get (src[k / 7], src_run, c, 3 * x + k % 7));
      set (dst, dst_run, c, x, best);
    }
  }
}

static gint
interpolate (gint a, gint b, gint32 weight)
{
  const gint32 whole = 1 << RFDN_INT16_WEIGHT_SHIFT;
  return (a * (whole - weight) + b * weight + whole / 2) >> RFDN_INT16_WEIGHT_SHIFT;
}

/* One number of the word that lies `at` words behind a channel's first. */
static gint
get_at (const float *channel, gint32 at, guint c)
{
  gint16 pair[2];

  memcpy (pair, channel + at, sizeof pair);
  return pair[c % 2];
}

static void
upsample_row (float *dst, gsize dst_run, const float *row0, const float *row1, gsize src_run,
              float w1, const gint32 *left, const gint32 *right, const float *weight, gsize pitch,
              guint channels, guint n)
{
  const gint32 between = rfdn_int16_weight (w1);

  for (guint c = 0; c < even (channels); c++) {
    const float *upper = row0 + c / 2 * RFDN_PHASES * src_run;
    const float *lower = row1 + c / 2 * RFDN_PHASES * src_run;
    for (guint x = 0; x < RFDN_PHASES * n; x++) {
      const gsize k = x % RFDN_PHASES * pitch + x / RFDN_PHASES;
      const gint a = interpolate (get_at (upper, left[k], c), get_at (lower, left[k], c), between);
      const gint b =
          interpolate (get_at (upper, right[k], c), get_at (lower, right[k], c), between);
      const gint v = interpolate (a, b, rfdn_int16_weight (weight[k]));
      set (dst, dst_run, c, x, saturate (get (dst, dst_run, c, x) + v));
    }
  }
}

/* 1 + exp (-z), z in units of RFDN_INT16_GATE_SHIFT. */
static float
get_divisor (gint z)
{
  static const float terms[] = {RFDN_INT16_EXP_TERMS};
  const float y = (float) z * RFDN_INT16_EXP_UNIT;
  const float whole = y + RFDN_INT16_ROUNDER - RFDN_INT16_ROUNDER, rest = y - whole;
  float p = terms[0];

  for (guint i = 1; i < G_N_ELEMENTS (terms); i++)
    p = p * rest + terms[i];
  return 1.0f + ldexpf (p, (int) whole);
}

/* To the nearest, ties to even. */
static gint
round_to_whole (float v)
{
  return (gint) rintf (v);
}

static void
gate_row (float *dst, gsize dst_run, const float *gate, gsize gate_run, guint channels, guint n)
{
  for (guint c = 0; c < even (channels); c += 2) {
    for (guint x = 0; x < RFDN_PHASES * n; x++) {
      const float first = get_divisor (get (dst, dst_run, c, x)),
                  second = get_divisor (get (dst, dst_run, c + 1, x));
      const float inverse = 1.0f / (first * second);
      set (dst, dst_run, c, x,
           round_to_whole ((float) get (gate, gate_run, c, x) * (second * inverse)));
      set (dst, dst_run, c + 1, x,
           round_to_whole ((float) get (gate, gate_run, c + 1, x) * (first * inverse)));
    }
  }
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

/* ---- plain rows of floats ------------------------------------------------------------------- */

static void
fir_row (float *dst, const float *const *src, const float *taps, guint n_taps, guint n)
{
  for (guint x = 0; x < n; x++) {
    float v = taps[0] * src[0][x];
    for (guint t = 1; t < n_taps; t++)
      v += taps[t] * src[t][x];
    dst[x] = v;
  }
}

const RfdnKernels rfdn_kernels_scalar_int16 = {
    .cpu = RFDN_CPU_SCALAR,
    .precision = RFDN_PRECISION_INT16,
    .conv3x3 = {packed_size, no_scratch, .pack_int16 = pack, .strip = conv_strip},
    .conv3x3_wide = {winograd_packed_size, winograd_scratch_size, .pack_int16 = pack,
                     .strip = winograd_strip},
    .conv1x1 = {packed_size, no_scratch, .pack_int16 = pack, .strip = conv_strip},
    .conv3x3_stride2 = {packed_size, no_scratch, .pack_int16 = pack, .strip = stride2_strip},
    .max_pool_row = max_pool_row,
    .upsample_row = upsample_row,
    .gate_row = gate_row,
    .load_row = load_row,
    .store_row = store_row,
    .fir_row = fir_row,
    .slope_row = slope_row,
    .detail_row = detail_row,
    .add_product_row = add_product_row,
};
