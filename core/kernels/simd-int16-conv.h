/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shared by all convolutions in 16-bit integers, and the first layer's kernel. */

static guint
int16_pairs (guint channels)
{
  return (channels + 1) / 2;
}

/* Biases and shifts of the channels from o on. */
INLINE gint32
int16_word (const float *words, guint o)
{
  gint32 v;

  memcpy (&v, words + o, sizeof v);
  return v;
}

/* Each lane of v, shifted right by k. */
INLINE Vec32
int16_scale_down (Vec32 v, Vec32 k)
{
  return shift_right_lanes (v, RFDN_INT16_MAX_EXPONENT, RFDN_INT16_MAX_EXPONENT - k);
}

/* Packs biases and shifts, which all kinds begin with; returns where their weights begin. */
static guint32 *
int16_pack_results (float *packed, const RfdnInt16Filter *filter)
{
  const gsize out = filter->out_channels;

  memcpy (packed, filter->bias, out * sizeof (gint32));
  memcpy (packed + out, filter->shift, out * sizeof (gint32));
  return (guint32 *) (void *) (packed + 2 * out);
}

/* ---- results --------------------------------------------------------------------------------- */

/* How rounded sums become results. Constant where it is inlined: otherwise telling the cases apart
 * takes more time than the arithmetic. */
typedef enum {
  INT16_LINEAR,
  INT16_LEAKY,
  INT16_ADD,
  INT16_ADD_LEAKY,
  INT16_LEAKY_ADD,
} Int16Finish;

/* A strip, and what is the same for all of its channels. */
typedef struct {
  const RfdnConvStrip *strip;
  Int16Finish finish;
  RfdnInt16Leaky leaky;
} Int16Strip;

INLINE Int16Strip
int16_strip_new (const RfdnConvStrip *a)
{
  const gboolean is_leaky = a->slope != 1, adds = a->add[0] != NULL;
  Int16Finish finish = is_leaky ? INT16_LEAKY : INT16_LINEAR;

  if (adds)
    finish = !is_leaky ? INT16_ADD : a->add_last ? INT16_LEAKY_ADD : INT16_ADD_LEAKY;
  return (Int16Strip){a, finish, rfdn_int16_leaky (a->slope)};
}

/* Calls FUNCTION (..., finish) with finish as a constant. */
#define INT16_WITH_FINISH(finish, FUNCTION, ...)                                                   \
  switch (finish) {                                                                                \
  case INT16_LINEAR:                                                                               \
    FUNCTION (__VA_ARGS__, INT16_LINEAR);                                                          \
    break;                                                                                         \
  case INT16_LEAKY:                                                                                \
    FUNCTION (__VA_ARGS__, INT16_LEAKY);                                                           \
    break;                                                                                         \
  case INT16_ADD:                                                                                  \
    FUNCTION (__VA_ARGS__, INT16_ADD);                                                             \
    break;                                                                                         \
  case INT16_ADD_LEAKY:                                                                            \
    FUNCTION (__VA_ARGS__, INT16_ADD_LEAKY);                                                       \
    break;                                                                                         \
  case INT16_LEAKY_ADD:                                                                            \
    FUNCTION (__VA_ARGS__, INT16_LEAKY_ADD);                                                       \
    break;                                                                                         \
  }

/* That of channels o and o + 1. Where scaled, lanes are shifted by k less. */
typedef struct {
  gint shift[2];
  RfdnInt16Leaky leaky;
} Int16Epilogue;

INLINE Int16Epilogue
int16_epilogue_new (const Int16Strip *s, guint o)
{
  const RfdnConvStrip *a = s->strip;
  const float *shifts = a->weights + 2 * int16_pairs (a->shape.out_channels);

  return (Int16Epilogue){{int16_word (shifts, o), int16_word (shifts, o + 1)}, s->leaky};
}

/* sum + add 2^shift >> shift + leaky.extra, rounded for that; `add` may be NULL. What is added
 * needs room: the sum is shifted in two parts. */
INLINE Vec32
int16_shift (Vec32 sum, const Vec32 *add, gint shift, RfdnInt16Leaky leaky, const gboolean scaled,
             Vec32 k)
{
  const gint first = add ? MAX (1, shift - 14) : 0, rest = shift - first + leaky.extra;
  const Vec32 rounding = splat32 (rfdn_int16_extra_rounding (leaky, shift));

  sum += scaled ? int16_scale_down (rounding, k) : rounding;
  if (add) {
    const Vec32 added = shift_left (*add, shift - first);
    sum = shift_right (sum, first) + (scaled ? int16_scale_down (added, k) : added);
  }
  return scaled ? shift_right_lanes (sum, rest, k) : shift_right (sum, rest);
}

/* Both of a pair's sums, as int16_shift() and pack() make them. */
INLINE Vec16
int16_shift_pair (const Int16Epilogue *e, Vec32 first, Vec32 second, const Vec32 *add,
                  RfdnInt16Leaky leaky, const gboolean scaled, Vec32 k)
{
  return pack (int16_shift (first, add, e->shift[0], leaky, scaled, k),
               int16_shift (second, add ? add + 1 : NULL, e->shift[1], leaky, scaled, k));
}

/* `add`: what is added, if anything is. */
INLINE Vec16
int16_finish (const Int16Epilogue *e, Vec32 first, Vec32 second, const float *add,
              const gboolean scaled, Vec32 k, const Int16Finish finish)
{
  const RfdnInt16Leaky none = {0};
  const gboolean adds = finish >= INT16_ADD,
                 is_leaky = finish != INT16_LINEAR && finish != INT16_ADD;
  Vec32 added[2] = {{0}};

  if (adds) {
    added[0] = load32 (add) << 16 >> 16;
    added[1] = load32 (add) >> 16;
  }
  const Vec16 v = int16_shift_pair (e, first, second, adds ? added : NULL, none, scaled, k);
  if (!is_leaky)
    return interleave (v);
  const Vec16 down =
      multiply_round (int16_shift_pair (e, first, second, finish == INT16_ADD_LEAKY ? added : NULL,
                                        e->leaky, scaled, k),
                      splat16 (e->leaky.slope));
  if (finish == INT16_LEAKY_ADD)
    return max16 (interleave (v), add_saturated (interleave (down), load16 (add)));
  return interleave (max16 (v, down));
}

/* ---- first layers: 3x3, one channel ---------------------------------------------------------- */

static gsize
int16_no_scratch (const RfdnConvShape *shape)
{
  return 0;
}

/* Packed: biases, shifts, then words of two weights. */
static gsize
int16_first_packed_size (const RfdnConvShape *shape)
{
  return (gsize) int16_pairs (shape->out_channels) * (4 + 2 * 6);
}

/* [out][6]: at columns x - 1, x and x + 1 the first two rows' weights, then the third row's. The
 * input is one channel. */
static void
int16_first_pack (float *packed, const RfdnInt16Filter *filter)
{
  guint32 *to = int16_pack_results (packed, filter);

  for (guint o = 0; o < filter->out_channels; o++) {
    const gint16 *w = filter->weights + (gsize) o * filter->in_channels * 9;
    for (guint x = 0; x < 3; x++) {
      *to++ = rfdn_int16_pair (w[x], w[3 + x]);
      *to++ = rfdn_int16_pair (w[6 + x], 0);
    }
  }
}

/* A run of a row, one vector of columns from t on: all output channels. */
INLINE void
int16_first_vector (const Int16Strip *s, guint y, guint p, guint t, const Int16Finish finish)
{
  const RfdnConvStrip *a = s->strip;
  const guint out = 2 * int16_pairs (a->shape.out_channels);
  const float *w = a->weights + 2 * out;
  Vec16 upper[3], lower[3];

  for (guint k = 0; k < 3; k++) {
    const guint x = p + k + 3; /* of the column before on */
    const gssize at = (gssize) (x % RFDN_PHASES * a->src_run) + (gssize) (x / RFDN_PHASES) - 1 + t;
    const Vec32 second = load32 (a->src[y + 1] + at);
    upper[k] = (Vec16) (load32 (a->src[y] + at) | second << 16);
    lower[k] = load16 (a->src[y + 2] + at);
  }
  for (guint o = 0; o < out; o += 2, w += 12) {
    const Int16Epilogue epilogue = int16_epilogue_new (s, o);
    const gsize run = o / 2 * RFDN_PHASES + p;
    Vec32 sum[2];
#pragma GCC unroll 2
    for (guint i = 0; i < 2; i++) {
      sum[i] = splat32 (int16_word (a->weights, o + i));
#pragma GCC unroll 3
      for (guint k = 0; k < 3; k++) {
        sum[i] = dot (sum[i], upper[k], (Vec16) splat32 (int16_word (w, 6 * i + 2 * k)));
        sum[i] = dot (sum[i], lower[k], (Vec16) splat32 (int16_word (w, 6 * i + 2 * k + 1)));
      }
    }
    store16 (a->dst[y] + run * a->dst_run + t,
             int16_finish (&epilogue, sum[0], sum[1],
                           finish >= INT16_ADD ? a->add[y] + run * a->add_run + t : NULL, FALSE,
                           splat32 (0), finish));
  }
}

INLINE void
int16_first_rows (const Int16Strip *s, const Int16Finish finish)
{
  for (guint y = 0; y < s->strip->rows; y++) {
    for (guint p = 0; p < RFDN_PHASES; p++) {
      for (guint t = 0; t < s->strip->n; t += VECTOR_FLOATS)
        int16_first_vector (s, y, p, t, finish);
    }
  }
}

static void
int16_first_strip (const RfdnConvStrip *a)
{
  const Int16Strip s = int16_strip_new (a);

  INT16_WITH_FINISH (s.finish, int16_first_rows, &s)
}
