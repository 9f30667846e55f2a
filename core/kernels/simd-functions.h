/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions applied number by number to a layer's result. */

INLINE Vec
vec_sigmoid (Vec v)
{
  return 1.0f / (1.0f + vec_exp (-v));
}

/* Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: at most 1.5e-7 off. */
INLINE Vec
vec_erf (Vec v)
{
  const Vec size = choose (v < 0, -v, v);
  const Vec t = 1.0f / (1.0f + 0.3275911f * size);
  Vec p = splat (1.061405429f);

  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Vec erf = 1.0f - p * t * vec_exp (-size * size);
  return choose (v < 0, -erf, erf);
}

INLINE Vec
vec_clip (Vec v, float low, float high)
{
  v = choose (v > low, v, splat (low));
  return choose (v < high, v, splat (high));
}

INLINE Vec
vec_apply (const RfdnFunctionKind kind, float a, float b, Vec v)
{
  switch (kind) {
  case RFDN_FUNCTION_LEAKY:
  case RFDN_FUNCTION_PRELU:
    return choose (v < 0, v * a, v);
  case RFDN_FUNCTION_SILU:
    return v * vec_sigmoid (v);
  case RFDN_FUNCTION_ELU:
    return choose (v < 0, a * (vec_exp (v) - 1.0f), v);
  case RFDN_FUNCTION_GELU:
    return v * 0.5f * (1.0f + vec_erf (v * 0.70710678f));
  case RFDN_FUNCTION_TANH:
    return 2.0f * vec_sigmoid (2.0f * v) - 1.0f;
  case RFDN_FUNCTION_SIGMOID:
    return vec_sigmoid (v);
  case RFDN_FUNCTION_HARD_SWISH:
    return v * (vec_clip (v + 3.0f, 0, 6) * (1.0f / 6));
  case RFDN_FUNCTION_CLIP:
    return vec_clip (v, a, b);
  }
  return v;
}

/* `kind` is a constant where this is inlined: one loop for each. */
INLINE void
apply_runs (float *row, gsize run, const RfdnFunctionKind kind, const RfdnFunction *f,
            const float *slopes, guint channels, guint n)
{
  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    const float a = kind == RFDN_FUNCTION_PRELU ? slopes[r / RFDN_PHASES] : f->a;
    for (guint t = 0; t < n; t += VECTOR_FLOATS) {
      float *v = row + r * run + t;
      store (v, vec_apply (kind, a, f->b, load (v)));
    }
  }
}

#define FUNCTION_CASE(kind)                                                                        \
  case kind:                                                                                       \
    apply_runs (row, run, kind, function, slopes, channels, n);                                    \
    break;

static void
function_row (float *row, gsize run, const RfdnFunction *function, const float *slopes,
              guint channels, guint n)
{
  switch (function->kind) {
    FUNCTION_CASE (RFDN_FUNCTION_LEAKY)
    FUNCTION_CASE (RFDN_FUNCTION_PRELU)
    FUNCTION_CASE (RFDN_FUNCTION_SILU)
    FUNCTION_CASE (RFDN_FUNCTION_ELU)
    FUNCTION_CASE (RFDN_FUNCTION_GELU)
    FUNCTION_CASE (RFDN_FUNCTION_TANH)
    FUNCTION_CASE (RFDN_FUNCTION_SIGMOID)
    FUNCTION_CASE (RFDN_FUNCTION_HARD_SWISH)
    FUNCTION_CASE (RFDN_FUNCTION_CLIP)
  }
}

static void
add_row (float *dst, gsize dst_run, const float *src, gsize src_run, gsize src_channel,
         guint channels, guint n)
{
  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    const float *from = src + r / RFDN_PHASES * src_channel + r % RFDN_PHASES * src_run;
    for (guint t = 0; t < n; t += VECTOR_FLOATS)
      store (dst + r * dst_run + t, load (dst + r * dst_run + t) + load (from + t));
  }
}

INLINE Vec
vec_multiply (const RfdnProduct product, Vec v, Vec m)
{
  switch (product) {
  case RFDN_PRODUCT_PLAIN:
    return v * m;
  case RFDN_PRODUCT_SIGMOID:
    return v * vec_sigmoid (m);
  case RFDN_PRODUCT_SIGMOID_HALF:
    return v * (vec_sigmoid (m) - 0.5f);
  case RFDN_PRODUCT_GATE:
    return vec_sigmoid (v) * m;
  }
  return v;
}

INLINE void
multiply_runs (float *dst, gsize dst_run, const float *src, gsize src_run, gsize src_channel,
               const RfdnProduct product, guint channels, guint n)
{
  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    const float *from = src + r / RFDN_PHASES * src_channel + r % RFDN_PHASES * src_run;
    for (guint t = 0; t < n; t += VECTOR_FLOATS) {
      float *v = dst + r * dst_run + t;
      store (v, vec_multiply (product, load (v), load (from + t)));
    }
  }
}

#define PRODUCT_CASE(product)                                                                      \
  case product:                                                                                    \
    multiply_runs (dst, dst_run, src, src_run, src_channel, product, channels, n);                 \
    break;

static void
multiply_row (float *dst, gsize dst_run, const float *src, gsize src_run, gsize src_channel,
              RfdnProduct product, guint channels, guint n)
{
  switch (product) {
    PRODUCT_CASE (RFDN_PRODUCT_PLAIN)
    PRODUCT_CASE (RFDN_PRODUCT_SIGMOID)
    PRODUCT_CASE (RFDN_PRODUCT_SIGMOID_HALF)
    PRODUCT_CASE (RFDN_PRODUCT_GATE)
  }
}

static void
softmax_row (float *dst, gsize dst_run, const float *src, gsize src_run, guint values,
             guint channels, guint n)
{
  const gsize next = (gsize) channels * RFDN_PHASES * src_run, keys = values * next;

  for (guint r = 0; r < RFDN_PHASES * channels; r++) {
    for (guint t = 0; t < n; t += VECTOR_FLOATS) {
      const float *from = src + r * src_run + t;
      Vec largest = load (from + keys), sum = splat (0), weights = splat (0);
      for (guint i = 1; i < values; i++) {
        const Vec key = load (from + keys + i * next);
        largest = choose (key > largest, key, largest);
      }
      for (guint i = 0; i < values; i++) {
        const Vec weight = vec_exp (load (from + keys + i * next) - largest);
        sum += weight * load (from + i * next);
        weights += weight;
      }
      store (dst + r * dst_run + t, sum / weights);
    }
  }
}
