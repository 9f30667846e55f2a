/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A batch of Winograd's tiles in 16-bit integers: of pixels what is multiplied, and of products
 * pixels. int16.h has the arithmetic. */

#define INT16_VECTORS 2
#define INT16_LANES (INT16_VECTORS * VECTOR_FLOATS)

/* The largest power of two up to RFDN_INT16_LIMIT. */
#define INT16_QUIET_LIMIT 1024

/* Output channels whose products are turned into pixels together: an even number. */
#define INT16_GROUP 12

/* Vectors of a batch from a pair of the transformed input to the next: one more than needed, or all
 * pairs would fall into the same few sets of the cache. */
#define INT16_PAIR_PITCH (INT16_LANES * (RFDN_INT16_POSITIONS + 1))

/* Of a group: biases, [channels]; a row of products, [6][channels]; what rows have
 * been turned into, [channels][6 rows][4]. Then the transformed input, [in pairs][36]. Of each a
 * batch's vectors. The last two once more for what is missing in scaled tiles (the rest). */
#define INT16_BIASES (INT16_LANES * INT16_GROUP)
#define INT16_PRODUCTS (INT16_LANES * 6 * INT16_GROUP)
#define INT16_HALF (INT16_LANES * 24 * INT16_GROUP)

static gsize
int16_input_size (const RfdnConvShape *shape)
{
  return (gsize) int16_pairs (shape->in_channels) * INT16_PAIR_PITCH;
}

static gsize
int16_winograd_scratch_size (const RfdnConvShape *shape)
{
  return INT16_BIASES + INT16_PRODUCTS + 2 * (INT16_HALF + int16_input_size (shape));
}

/* B' times six numbers. */
INLINE void
int16_input_column (Vec16 to[6], const Vec16 d[6])
{
  const Vec16 e = d[4] - d[2], o = d[3] - d[1], o2 = o + o;
  const Vec16 even = d[4] - (d[2] << 2), odd = d[3] - (d[1] << 2);

  to[0] = ((d[0] - d[2]) << 2) + e;
  to[1] = even + odd;
  to[2] = even - odd;
  to[3] = e + o2;
  to[4] = e - o2;
  to[5] = (d[5] - d[3]) - (o2 + o2);
}

/* A quarter of B' times six numbers, rounded as if after the sums. */
INLINE void
int16_input_row (Vec16 to[6], const Vec16 d[6])
{
  const Vec16 o = d[3] - d[1], o_half = o >> 1, o_rest = (o & 1) << 1, e = d[4] - d[2];

  to[0] = (d[0] - d[2]) + round_quarter (e);
  to[1] = round_quarter (d[3] + d[4]) - (d[1] + d[2]);
  to[2] = (d[1] - d[2]) + round_quarter (d[4] - d[3]);
  to[3] = round_quarter (e + o_rest) + o_half;
  to[4] = round_quarter (e - o_rest) - o_half;
  to[5] = round_quarter (d[5] - d[3]) - o;
}

/* Where column j of a tile lies: a pixel of the phases, the last of the tile before, the first of
 * the tile behind. */
INLINE gssize
int16_column (guint j, gsize run)
{
  return j == 0 ? 3 * (gssize) run - 1 : j == 5 ? 1 : (gssize) ((j - 1) * run);
}

/* V of one vector of tiles of a pair of channels, to 36 positions. Where scaled, d is d times
 * `multiplier` first, rounded. */
INLINE void
int16_input (float *to, const float *const rows[6], gsize run, const gboolean scaled,
             Vec16 multiplier)
{
  Vec16 half[6][6];

#pragma GCC unroll 6
  for (guint j = 0; j < 6; j++) {
    Vec16 d[6], column[6];
#pragma GCC unroll 6
    for (guint r = 0; r < 6; r++) {
      d[r] = load16 (rows[r] + int16_column (j, run));
      if (scaled)
        d[r] = multiply_round (d[r], multiplier);
    }
    int16_input_column (column, d);
#pragma GCC unroll 6
    for (guint r = 0; r < 6; r++)
      half[r][j] = column[r];
  }
#pragma GCC unroll 6
  for (guint r = 0; r < 6; r++) {
    Vec16 v[6];
    int16_input_row (v, half[r]);
#pragma GCC unroll 6
    for (guint j = 0; j < 6; j++)
      store16 (to + (6 * r + j) * INT16_LANES, v[j]);
  }
}

/* The rest of a scaled tile's V, of one vector of tiles of a pair of channels: V as it would be
 * unscaled, less 2^k times `scaled`. V itself may overflow, but its lower 14 bits are right, and
 * the rest has less. `power`: 2^k, or 0 where the rest is to be 0. */
INLINE void
int16_input_rest (float *to, const float *scaled, const float *const rows[6], gsize run,
                  Vec16 power)
{
  const Vec16 has_rest = power != 0;

  int16_input (to, rows, run, FALSE, power);
  for (guint p = 0; p < RFDN_INT16_POSITIONS; p++) {
    const Vec16 rest = load16 (to + p * INT16_LANES) - load16 (scaled + p * INT16_LANES) * power;
    store16 (to + p * INT16_LANES, (rest << 2 >> 2) & has_rest);
  }
}

/* What d is multiplied by: 2^-k, in units of 2^-15. Of k = 0 it is 1 - 2^-15, which leaves |d| <=
 * RFDN_INT16_LIMIT as it is. */
INLINE Vec16
int16_multiplier (Vec32 k)
{
  const Vec32 is_0 = k == 0;
  Vec32 m = splat32 (0);

#pragma GCC unroll 5
  for (gint i = 1; i <= RFDN_INT16_MAX_EXPONENT; i++)
    m |= (k == i) & (1 << (15 - i));
  m |= is_0 & 32767;
  return (Vec16) (m | m << 16);
}

/* 2^k where a tile has a rest, else 0. */
INLINE Vec16
int16_power (Vec32 k)
{
  Vec32 power = splat32 (0);

#pragma GCC unroll 5
  for (gint i = RFDN_INT16_MIN_REST_EXPONENT; i <= RFDN_INT16_MAX_EXPONENT; i++)
    power |= (k == i) & (1 << i);
  return (Vec16) (power | power << 16);
}

/* A batch: whether any of its tiles is scaled, and has a rest. Constants to who calls. */
typedef enum {
  INT16_QUIET,
  INT16_SCALED,
  INT16_WITH_REST,
} Int16Kind;

/* The input of a batch at column t: to[in pairs][36][vectors], and the same of its rest. */
INLINE void
int16_transform_input (float *to, float *rest, const RfdnConvStrip *a, guint t, const guint vectors,
                       const Int16Kind kind, const Vec32 *k)
{
  for (guint i = 0; i < int16_pairs (a->shape.in_channels); i++) {
    for (guint v = 0; v < vectors; v++) {
      const gsize at = i * INT16_PAIR_PITCH + v * VECTOR_FLOATS;
      const float *rows[6];
      for (guint r = 0; r < 6; r++)
        rows[r] = a->src[r] + i * RFDN_PHASES * a->src_run + t + v * VECTOR_FLOATS;
      int16_input (to + at, rows, a->src_run, kind != INT16_QUIET,
                   kind != INT16_QUIET ? int16_multiplier (k[v]) : splat16 (0));
      if (kind == INT16_WITH_REST)
        int16_input_rest (rest + at, to + at, rows, a->src_run, int16_power (k[v]));
    }
  }
}

/* What is read behind pair i of a batch at column t: see winograd_prefetch(). */
INLINE void
int16_prefetch (const RfdnConvStrip *a, guint i, guint in_pairs, guint t, const guint vectors)
{
  const gsize at = i + 1 < in_pairs ? (i + 1) * RFDN_PHASES * a->src_run + t
                                    : t + (gsize) vectors * VECTOR_FLOATS;

#pragma GCC unroll 6
  for (guint r = 0; r < 6; r++) {
#pragma GCC unroll 4
    for (guint p = 0; p < RFDN_PHASES; p++)
      __builtin_prefetch (a->src[r] + at + p * a->src_run);
  }
}

/* k of int16.h from a tile's largest and smallest numbers of both channels of a pair. */
INLINE Vec32
int16_exponents (Vec16 high, Vec16 low)
{
  Vec32 peak = max32 ((Vec32) high << 16 >> 16, (Vec32) high >> 16), k = splat32 (0);

  peak = max32 (peak, -((Vec32) low << 16 >> 16));
  peak = max32 (peak, -((Vec32) low >> 16));
  for (gint i = 0; i < RFDN_INT16_MAX_EXPONENT; i++)
    k -= peak > (RFDN_INT16_LIMIT << i);
  return k;
}

/* Whether all numbers that a batch at column t reads are certainly within RFDN_INT16_LIMIT, as
 * usual: cheaper to find out than the k they need. */
INLINE gboolean
int16_is_quiet (const RfdnConvStrip *a, guint t, const guint vectors)
{
  const guint in = int16_pairs (a->shape.in_channels);
  const gint16 limit = INT16_QUIET_LIMIT;
  /* d + limit is below 2 limit, a power of two, if d is quiet. */
  Vec16 bits[2] = {{0}};

  for (guint i = 0; i < in; i++) {
    int16_prefetch (a, i, in, t, vectors);
#pragma GCC unroll 6
    for (guint r = 0; r < 6; r++) {
      const float *row = a->src[r] + i * RFDN_PHASES * a->src_run + t;
      const float *last = row + 3 * a->src_run;
#pragma GCC unroll 2
      for (guint v = 0; v < vectors; v++) {
#pragma GCC unroll 2
        for (guint p = 0; p < RFDN_PHASES; p += 2) {
          const float *at = row + p * a->src_run + v * VECTOR_FLOATS;
          bits[v] = or_three (bits[v], load16 (at) + limit, load16 (at + a->src_run) + limit);
        }
      }
      bits[0] = or_three (bits[0], load16 (last - 1) + limit,
                          load16 (row + (vectors - 1) * VECTOR_FLOATS + 1) + limit);
    }
  }
  return !is_any ((Vec32) ((bits[0] | bits[1]) & (gint16) ~(2 * limit - 1)));
}

/* k of a batch at column t, and what kind of batch they make it. */
INLINE Int16Kind
int16_find_exponents (Vec32 *k, const RfdnConvStrip *a, guint t, const guint vectors)
{
  const guint in = int16_pairs (a->shape.in_channels);
  Vec32 any = splat32 (0), rest = splat32 (0);

  for (guint v = 0; v < vectors; v++) {
    Vec16 high = splat16 (0), low = splat16 (0);
    for (guint i = 0; i < in; i++) {
      if (v == 0)
        int16_prefetch (a, i, in, t, vectors);
#pragma GCC unroll 6
      for (guint r = 0; r < 6; r++) {
        const float *row = a->src[r] + i * RFDN_PHASES * a->src_run + t + v * VECTOR_FLOATS;
#pragma GCC unroll 6
        for (guint j = 0; j < 6; j++) {
          const Vec16 d = load16 (row + int16_column (j, a->src_run));
          high = max16 (high, d);
          low = min16 (low, d);
        }
      }
    }
    k[v] = int16_exponents (high, low);
    any |= k[v];
    rest |= k[v] >= RFDN_INT16_MIN_REST_EXPONENT;
  }
  return is_any (rest) ? INT16_WITH_REST : is_any (any) ? INT16_SCALED : INT16_QUIET;
}

/* A' times six numbers, the last of which is a quarter. */
INLINE void
int16_output_column (Vec32 y[4], const Vec32 m[6])
{
  const Vec32 sum12 = m[1] + m[2], difference12 = m[1] - m[2];
  const Vec32 sum34 = m[3] + m[4], difference34 = m[3] - m[4], twice = difference34 + difference34;

  y[0] = m[0] + sum12 + sum34;
  y[1] = difference12 + twice;
  y[2] = sum12 + (sum34 << 2);
  y[3] = difference12 + ((twice + m[5]) << 2);
}

/* A row of products, times A: to row `half` of a group's channels. */
INLINE void
int16_output_row (float *half, const float *products, guint group, const guint vectors)
{
  for (guint b = 0; b < group; b++) {
    for (guint v = 0; v < vectors; v++) {
      Vec32 m[6], y[4];
#pragma GCC unroll 6
      for (guint j = 0; j < 6; j++)
        m[j] = load32 (products + (j * INT16_GROUP + b) * INT16_LANES + v * VECTOR_FLOATS);
      int16_output_column (y, m);
#pragma GCC unroll 4
      for (guint p = 0; p < RFDN_PHASES; p++)
        store32 (half + (b * 24 + p) * INT16_LANES + v * VECTOR_FLOATS, y[p]);
    }
  }
}

/* Four pixels of a column of a channel: sums, rounded. */
INLINE void
int16_output_channel (Vec32 pixels[4], const float *half)
{
  Vec32 m[6];

#pragma GCC unroll 6
  for (guint r = 0; r < 6; r++)
    m[r] = load32 (half + r * RFDN_PHASES * INT16_LANES);
  int16_output_column (pixels, m);
}

/* The same of a scaled tile with a rest, which is behind it. */
INLINE void
int16_output_rest (Vec32 pixels[4], const float *half, Vec32 k)
{
  Vec32 rest[4];

  int16_output_channel (rest, half + INT16_HALF);
#pragma GCC unroll 4
  for (guint y = 0; y < RFDN_STRIP; y++)
    pixels[y] += int16_scale_down (rest[y], k);
}

/* Channels o and o + 1 of a vector of tiles at column t. */
INLINE void
int16_output (const Int16Strip *s, const float *half, guint o, guint t, const Int16Kind kind,
              Vec32 k, const Int16Finish finish)
{
  const RfdnConvStrip *a = s->strip;
  const Int16Epilogue epilogue = int16_epilogue_new (s, o);

#pragma GCC unroll 4
  for (guint p = 0; p < RFDN_PHASES; p++) {
    const gsize run = o / 2 * RFDN_PHASES + p;
    Vec32 first[4], second[4];
    int16_output_channel (first, half + p * INT16_LANES);
    int16_output_channel (second, half + (24 + p) * INT16_LANES);
    if (kind == INT16_WITH_REST) {
      int16_output_rest (first, half + p * INT16_LANES, k);
      int16_output_rest (second, half + (24 + p) * INT16_LANES, k);
    }
#pragma GCC unroll 4
    for (guint y = 0; y < RFDN_STRIP; y++) {
      if (y >= a->rows)
        break;
      const float *add = finish >= INT16_ADD ? a->add[y] + run * a->add_run + t : NULL;
      store16 (a->dst[y] + run * a->dst_run + t,
               int16_finish (&epilogue, first[y], second[y], add, kind != INT16_QUIET, k, finish));
    }
  }
}

/* Not inlined, into every kind of batch. */
static __attribute__ ((noinline)) void
int16_quiet_output (const Int16Strip *s, const float *half, guint o, guint t)
{
  INT16_WITH_FINISH (s->finish, int16_output, s, half, o, t, INT16_QUIET, splat32 (0))
}

static __attribute__ ((noinline)) void
int16_scaled_output (const Int16Strip *s, const float *half, guint o, guint t, const Vec32 *k)
{
  INT16_WITH_FINISH (s->finish, int16_output, s, half, o, t, INT16_SCALED, *k)
}

static __attribute__ ((noinline)) void
int16_rest_output (const Int16Strip *s, const float *half, guint o, guint t, const Vec32 *k)
{
  INT16_WITH_FINISH (s->finish, int16_output, s, half, o, t, INT16_WITH_REST, *k)
}
