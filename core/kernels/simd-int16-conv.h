/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What convolutions in 16-bit integers share, and the first layer's. */

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

/* What is done to sums of two channels, which have been rounded, to make numbers of them. Where
 * scaled, lanes are shifted by k less. */
typedef struct {
  gint shift[2];
  gboolean is_leaky, add_last;
  RfdnInt16Leaky leaky;
} Int16Epilogue;

/* That of channels o and o + 1. */
INLINE Int16Epilogue
int16_epilogue_new (const RfdnConvStrip *a, guint o)
{
  const float *shifts = a->weights + 2 * int16_pairs (a->shape.out_channels);

  return (Int16Epilogue){{int16_word (shifts, o), int16_word (shifts, o + 1)},
                         a->slope != 1,
                         a->add_last,
                         rfdn_int16_leaky (a->slope)};
}

/* sum + add 2^shift >> shift + leaky.extra, rounded for that; `add` may be NULL. What is added
 * needs room: the sum is shifted in two parts. */
INLINE Vec32
int16_shift (Vec32 sum, const Vec32 *add, gint shift, RfdnInt16Leaky leaky, const gboolean scaled,
             Vec32 k)
{
  const gint first = add ? MAX (1, shift - 14) : 0, rest = shift - first + leaky.extra;

  if (leaky.extra > 0) {
    const Vec32 rounding = splat32 (rfdn_int16_extra_rounding (leaky, shift));
    sum += scaled ? int16_scale_down (rounding, k) : rounding;
  }
  if (add) {
    const Vec32 added = *add << (shift - first);
    sum = shift_right (sum, first) + (scaled ? int16_scale_down (added, k) : added);
  }
  return scaled ? shift_right_lanes (sum, rest, k) : shift_right (sum, rest);
}

/* Both numbers of each word of what is added. */
typedef struct {
  Vec32 first, second;
} Int16Added;

INLINE Vec16
int16_finish_with (const Int16Epilogue *e, Vec32 first, Vec32 second, const Int16Added *add,
                   const float *last, const gboolean scaled, Vec32 k)
{
  const RfdnInt16Leaky none = {0};
  const Vec32 *add0 = add ? &add->first : NULL, *add1 = add ? &add->second : NULL;
  const gboolean adds_before = add && !last;
  Vec16 v = pair (int16_shift (first, add0, e->shift[0], none, scaled, k),
                  int16_shift (second, add1, e->shift[1], none, scaled, k));

  if (e->is_leaky) {
    Vec16 down =
        pair (int16_shift (first, adds_before ? add0 : NULL, e->shift[0], e->leaky, scaled, k),
              int16_shift (second, adds_before ? add1 : NULL, e->shift[1], e->leaky, scaled, k));
    down = multiply_round (down, splat16 (e->leaky.slope));
    v = max16 (v, last ? add_saturated (down, load16 (last)) : down);
  }
  return v;
}

INLINE Vec16
int16_finish (const Int16Epilogue *e, Vec32 first, Vec32 second, const float *add,
              const gboolean scaled, Vec32 k)
{
  if (add == NULL)
    return int16_finish_with (e, first, second, NULL, NULL, scaled, k);
  const Vec32 words = load32 (add);
  const Int16Added added = {words << 16 >> 16, words >> 16};
  return int16_finish_with (e, first, second, &added, e->add_last ? add : NULL, scaled, k);
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
int16_first_vector (const RfdnConvStrip *a, guint y, guint p, guint t)
{
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
    const Int16Epilogue epilogue = int16_epilogue_new (a, o);
    const gsize run = o / 2 * RFDN_PHASES + p;
    const float *add = a->add[y] ? a->add[y] + run * a->add_run + t : NULL;
    store16 (a->dst[y] + run * a->dst_run + t,
             int16_finish (&epilogue, sum[0], sum[1], add, FALSE, splat32 (0)));
  }
}

static void
int16_first_strip (const RfdnConvStrip *a)
{
  for (guint y = 0; y < a->rows; y++) {
    for (guint p = 0; p < RFDN_PHASES; p++) {
      for (guint t = 0; t < a->n; t += VECTOR_FLOATS)
        int16_first_vector (a, y, p, t);
    }
  }
}
