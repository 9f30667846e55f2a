/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "rfdn-filters.h"

static const RfdnSampleFormat bytes_format = {RFDN_SAMPLES_U8, 8, 0};

static guint8 *
resample (const RfdnResamplerParams *params, const guint8 *in)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnResampler) resampler = rfdn_resampler_new (params, &error);
  g_assert_no_error (error);
  guint8 *out = g_malloc ((gsize) params->out_width * params->out_height);
  RfdnPlane from = {(void *) in, params->in_width, 1}, to = {out, params->out_width, 1};
  rfdn_resampler_run (resampler, &from, &to, 1);
  return out;
}

static double
lanczos (double x)
{
  return x == 0          ? 1
         : fabs (x) >= 3 ? 0
                         : 3 * sin (G_PI * x) * sin (G_PI * x / 3) / (G_PI * G_PI * x * x);
}

static double
get_input (const RfdnResamplerParams *p, gconstpointer in, gint i)
{
  return p->format.samples == RFDN_SAMPLES_U8 ? ((const guint8 *) in)[i]
                                              : ((const guint16 *) in)[i];
}

/* One output sample, by the definition in the header. */
static double
sample_at (const RfdnResamplerParams *p, gconstpointer in, guint x, guint y)
{
  double u = (x + 0.5 - p->shift_x) / p->scale - 0.5, v = (y + 0.5 - p->shift_y) / p->scale - 0.5;
  double sum = 0, weights = 0;
  for (gint j = (gint) floor (v) - 2; j <= (gint) floor (v) + 3; j++) {
    for (gint i = (gint) floor (u) - 2; i <= (gint) floor (u) + 3; i++) {
      gint sx = CLAMP (i, 0, (gint) p->in_width - 1), sy = CLAMP (j, 0, (gint) p->in_height - 1);
      double w = lanczos (u - i) * lanczos (v - j);
      sum += w * get_input (p, in, sy * (gint) p->in_width + sx);
      weights += w;
    }
  }
  return CLAMP (sum / weights, 0, (1 << p->format.depth) - 1);
}

/* Taps of a phase as multiples of 2^-bits with a sum of 1. */
static void
get_integer_taps (double position, guint bits, gint64 taps[6])
{
  double weights[6], sum = 0;
  gint64 left = G_GINT64_CONSTANT (1) << bits;
  guint largest = 0;

  for (guint t = 0; t < 6; t++)
    sum += weights[t] = lanczos (position - floor (position) + 2 - t);
  for (guint t = 0; t < 6; t++) {
    taps[t] = llround (weights[t] / sum * (double) (1 << bits));
    left -= taps[t];
    if (taps[t] > taps[largest])
      largest = t;
  }
  taps[largest] += left;
}

/* Of one column, in quarters of a level. */
static gint64
get_quarters (const RfdnResamplerParams *p, const guint8 *in, gint x, gint y, const gint64 taps[6])
{
  gint64 sum = 0;

  for (gint t = 0; t < 6; t++)
    sum += taps[t] * in[CLAMP (y + t, 0, (gint) p->in_height - 1) * (gint) p->in_width +
                        CLAMP (x, 0, (gint) p->in_width - 1)];
  return (gint64) rint ((double) sum / (1 << 12));
}

/* The exact value of one 8-bit output sample, by integers: vertical taps of 14 bits, horizontal
 * ones of 12, quarters of a level between. */
static guint
get_exact (const RfdnResamplerParams *p, const guint8 *in, guint x, guint y)
{
  const double u = (x + 0.5 - p->shift_x) / p->scale - 0.5;
  const double v = (y + 0.5 - p->shift_y) / p->scale - 0.5;
  gint64 along[6], down[6], sum = 0;

  get_integer_taps (u, 12, along);
  get_integer_taps (v, 14, down);
  for (gint t = 0; t < 6; t++)
    sum += along[t] * get_quarters (p, in, (gint) floor (u) - 2 + t, (gint) floor (v) - 2, down);
  return (guint) CLAMP ((sum + (1 << 13)) >> 14, 0, 255);
}

static void
test_definition (void)
{
  static const guint sizes[][2] = {{1, 1}, {2, 5}, {9, 1}, {17, 13}, {40, 21}};

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
    for (guint scale = 1; scale <= 4; scale++) {
      for (guint sited = 0; sited < 3; sited++) {
        guint w = sizes[s][0], h = sizes[s][1];
        RfdnResamplerParams p = {w, h, w * scale, h * scale, scale, .format = bytes_format};
        p.n_threads = 2;
        p.shift_x = sited > 0 ? (1.0 - scale) / 4 : 0;
        p.shift_y = sited > 1 ? (1.0 - scale) / 4 : 0;
        /* An odd luma size: half a sample less. */
        p.out_width = MAX (p.out_width - scale / 2, 1);
        g_autofree guint8 *in = g_malloc (w * h);
        for (guint i = 0; i < w * h; i++)
          in[i] = (guint8) g_test_rand_int_range (0, 256);
        g_autofree guint8 *out = resample (&p, in);
        double sum = 0;
        for (guint y = 0; y < p.out_height; y++) {
          for (guint x = 0; x < p.out_width; x++) {
            const double off = fabs (out[y * p.out_width + x] - sample_at (&p, in, x, y));
            g_assert_cmpuint (out[y * p.out_width + x], ==, get_exact (&p, in, x, y));
            /* Half a level, plus the rounding of the taps. */
            g_assert_cmpfloat (off, <, 0.75);
            sum += off;
          }
        }
        /* Rounding alone gives a quarter on average. */
        if (w > 9)
          g_assert_cmpfloat (sum / (p.out_width * p.out_height), <, 0.27);
      }
    }
  }
}

/* Ten bits: no tap is rounded. */
static void
test_deep_definition (void)
{
  for (guint scale = 1; scale <= 4; scale++) {
    const guint w = 23, h = 17;
    RfdnResamplerParams p = {
        w, h, w * scale, h * scale, scale, (1.0 - scale) / 4, 0.25, {RFDN_SAMPLES_U16, 10, 0}, 2};
    g_autofree guint16 *in = g_new (guint16, w * h), *out = g_new (guint16, w * h * scale * scale);
    for (guint i = 0; i < w * h; i++)
      in[i] = (guint16) g_test_rand_int_range (0, 1024);
    g_autoptr (RfdnResampler) resampler = rfdn_resampler_new (&p, NULL);
    rfdn_resampler_run (resampler, &(RfdnPlane){in, 2 * w, 2},
                        &(RfdnPlane){out, 2 * (gssize) p.out_width, 2}, 1);
    for (guint y = 0; y < p.out_height; y++) {
      for (guint x = 0; x < p.out_width; x++)
        g_assert_cmpfloat (fabs (out[y * p.out_width + x] - sample_at (&p, in, x, y)), <, 0.51);
    }
  }
}

static void
test_flat (void)
{
  for (guint value = 0; value < 256; value += 5) {
    for (guint scale = 2; scale <= 4; scale++) {
      RfdnResamplerParams p = {
          7, 6, 7 * scale, 6 * scale, scale, 0.25 * (1.0 - scale), 0, bytes_format, 1};
      guint8 in[42];
      memset (in, (int) value, sizeof in);
      g_autofree guint8 *out = resample (&p, in);
      for (guint i = 0; i < p.out_width * p.out_height; i++)
        g_assert_cmpuint (out[i], ==, value);
    }
  }
}

static void
test_threads (void)
{
  RfdnResamplerParams p = {63, 41, 189, 123, 3, -0.5, 0, bytes_format, 1};
  guint8 in[63 * 41];
  for (guint i = 0; i < sizeof in; i++)
    in[i] = (guint8) g_test_rand_int_range (0, 256);
  g_autofree guint8 *one = resample (&p, in);
  for (p.n_threads = 2; p.n_threads <= 7; p.n_threads++) {
    g_autofree guint8 *many = resample (&p, in);
    g_assert_cmpmem (one, 189 * 123, many, 189 * 123);
  }
}

/* Planes resampled together equal each plane resampled by itself. */
static void
test_several (void)
{
  RfdnResamplerParams p = {63, 41, 189, 123, 3, -0.5, 0, bytes_format, 1};
  guint8 in[3][63 * 41];
  RfdnPlane from[3], to[3];

  for (guint k = 0; k < 3; k++) {
    for (guint i = 0; i < sizeof in[k]; i++)
      in[k][i] = (guint8) g_test_rand_int_range (0, 256);
  }
  for (p.n_threads = 1; p.n_threads <= 4; p.n_threads++) {
    g_autoptr (RfdnResampler) resampler = rfdn_resampler_new (&p, NULL);
    g_autofree guint8 *out = g_malloc0 (3 * 189 * 123);
    for (guint k = 0; k < 3; k++) {
      from[k] = (RfdnPlane){in[k], 63, 1};
      to[k] = (RfdnPlane){out + k * 189 * 123, 189, 1};
    }
    rfdn_resampler_run (resampler, from, to, 3);
    for (guint k = 0; k < 3; k++) {
      g_autofree guint8 *alone = resample (&p, in[k]);
      g_assert_cmpmem (alone, 189 * 123, to[k].data, 189 * 123);
    }
  }
}

/* 8-bit samples are the same at every CPU level, whatever its order and rounding of sums; with
 * black and white, which give the largest sums. */
static void
test_levels (void)
{
  g_autofree char *asked = g_strdup (g_getenv ("RFDN_CPU"));

  for (guint scale = 2; scale <= 4; scale++) {
    RfdnResamplerParams p = {63, 41, 63 * scale, 41 * scale, scale, -0.25, 0.25, bytes_format, 1};
    guint8 in[63 * 41];
    for (guint i = 0; i < sizeof in; i++)
      in[i] = (guint8) (i % 3 == 0 ? g_test_rand_int_range (0, 256) : 255 * g_test_rand_bit ());
    g_setenv ("RFDN_CPU", "scalar", TRUE);
    g_autofree guint8 *want = resample (&p, in);
    for (RfdnCpu cpu = RFDN_CPU_SCALAR; cpu <= RFDN_CPU_NEON; cpu++) {
      if (!rfdn_cpu_is_available (cpu))
        continue;
      g_setenv ("RFDN_CPU", rfdn_cpu_get_name (cpu), TRUE);
      g_autofree guint8 *got = resample (&p, in);
      g_assert_cmpmem (got, p.out_width * p.out_height, want, p.out_width * p.out_height);
    }
  }
  if (asked != NULL)
    g_setenv ("RFDN_CPU", asked, TRUE);
  else
    g_unsetenv ("RFDN_CPU");
}

/* Interleaved samples of 16 bits in padded rows: bytes of other components do not change. */
static void
test_planes (void)
{
  RfdnResamplerParams p = {5, 4, 10, 8, 2, 0, 0, {RFDN_SAMPLES_U16, 10, 6}, 1};
  guint16 in[4][5 * 2 + 3], out[8][10 * 2 + 1];
  memset (out, 0xa5, sizeof out);
  for (guint y = 0; y < 4; y++) {
    for (guint x = 0; x < G_N_ELEMENTS (in[0]); x++)
      in[y][x] = x % 2 ? 0xffff : 512 << 6;
  }
  g_autoptr (RfdnResampler) resampler = rfdn_resampler_new (&p, NULL);
  RfdnPlane from = {in, sizeof in[0], 4}, to = {out, sizeof out[0], 4};
  rfdn_resampler_run (resampler, &from, &to, 1);
  for (guint y = 0; y < 8; y++) {
    for (guint x = 0; x < G_N_ELEMENTS (out[0]); x++)
      g_assert_cmphex (out[y][x], ==, x % 2 || x >= 20 ? 0xa5a5 : 512 << 6);
  }
}

static void
test_bad_params (void)
{
  static const RfdnResamplerParams bad[] = {
      {0, 4, 8, 8, 2, 0, 0, {RFDN_SAMPLES_U8, 8, 0}, 1},
      {4, 4, 9, 8, 2, 0, 0, {RFDN_SAMPLES_U8, 8, 0}, 1},
      {4, 4, 8, 8, 0, 0, 0, {RFDN_SAMPLES_U8, 8, 0}, 1},
      {4, 4, 8, 8, 9, 0, 0, {RFDN_SAMPLES_U8, 8, 0}, 1},
      {4, 4, 8, 8, 2, NAN, 0, {RFDN_SAMPLES_U8, 8, 0}, 1},
      {4, 4, 8, 8, 2, 0, 100, {RFDN_SAMPLES_U8, 8, 0}, 1},
      {4, 4, 8, 8, 2, 0, 0, {RFDN_SAMPLES_U8, 10, 0}, 1},
      {4, 4, 8, 8, 2, 0, 0, {RFDN_SAMPLES_F32, 0, 0}, 1},
  };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (rfdn_resampler_new (&bad[i], &error));
    g_assert_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/resampler/definition", test_definition);
  g_test_add_func ("/resampler/deep-definition", test_deep_definition);
  g_test_add_func ("/resampler/flat", test_flat);
  g_test_add_func ("/resampler/threads", test_threads);
  g_test_add_func ("/resampler/several", test_several);
  g_test_add_func ("/resampler/levels", test_levels);
  g_test_add_func ("/resampler/planes", test_planes);
  g_test_add_func ("/resampler/bad-params", test_bad_params);
  return g_test_run ();
}
