/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Chroma that follows luma, compared with its definition in double precision, with any number of
 * threads and at every CPU level. */

#include <math.h>
#include <string.h>

#include "rfdn-filters.h"

/* Sizes of the LR luma. */
#define MOST_WIDTH 41
#define MOST_HEIGHT 29

typedef struct {
  RfdnResamplerParams params;
  RfdnGuideParams luma;
  guint16 low[MOST_HEIGHT][MOST_WIDTH], high[8 * MOST_HEIGHT][8 * MOST_WIDTH];
  guint16 chroma[2][MOST_HEIGHT][MOST_WIDTH];
} Case;

static double
lanczos (double x)
{
  return fabs (x) < 1e-9 ? 1
         : fabs (x) >= 3 ? 0
                         : 3 * sin (G_PI * x) * sin (G_PI * x / 3) / (G_PI * G_PI * x * x);
}

/* ---- cases ----------------------------------------------------------------------------------- */

/* Frames of 4:2:0, 4:2:2 and 4:4:4 with all chroma sites, of even and odd sizes. */
static Case *
case_new (guint n, guint depth)
{
  Case *c = g_new0 (Case, 1);
  const guint step_x = n % 3 == 2 ? 1 : 2, step_y = n % 3 == 0 ? 2 : 1;
  const gboolean left = n / 3 % 2 == 0, top = n / 6 % 2 == 1;
  const guint scale = 2 + n % 3, width = MOST_WIDTH - n % 2, height = MOST_HEIGHT - n % 3;

  c->luma = (RfdnGuideParams){width,          height,        step_x,         step_y,
                              left ? 0 : 0.5, top ? 0 : 0.5, left ? 0 : 0.5, top ? 0 : 0.5};
  c->params = (RfdnResamplerParams){
      .in_width = (width + step_x - 1) / step_x,
      .in_height = (height + step_y - 1) / step_y,
      .out_width = (scale * width + step_x - 1) / step_x,
      .out_height = (scale * height + step_y - 1) / step_y,
      .scale = scale,
      .shift_x = left && step_x == 2 ? (1.0 - scale) / 4 : 0,
      .shift_y = top && step_y == 2 ? (1.0 - scale) / 4 : 0,
      .format = {RFDN_SAMPLES_U16, depth, 0},
      .n_threads = 1,
  };
  return c;
}

static guint16 *
run (const Case *c, guint plane, double amount)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnResampler) resampler = rfdn_resampler_new (&c->params, &error);
  g_assert_no_error (error);
  rfdn_resampler_set_guide (resampler, &c->luma, &error);
  g_assert_no_error (error);

  const gsize size = (gsize) c->params.out_width * c->params.out_height;
  guint16 *out = g_new0 (guint16, 2 * size);
  RfdnPlane from[2], to[2];
  for (guint k = 0; k < 2; k++) {
    from[k] = (RfdnPlane){(void *) c->chroma[(plane + k) % 2], sizeof c->chroma[0][0], 2};
    to[k] = (RfdnPlane){out + k * size, 2 * (gssize) c->params.out_width, 2};
  }
  const RfdnPlane low = {(void *) c->low, sizeof c->low[0], 2};
  const RfdnPlane high = {(void *) c->high, sizeof c->high[0], 2};
  rfdn_resampler_run_guided (resampler, from, to, 2, &low, &high, amount);
  return out;
}

/* ---- the definition -------------------------------------------------------------------------- */

/* The mean over the area of a chroma sample: `step` luma pixels wide and high around its place. */
static double
mean_luma (const guint16 *luma, gint pitch, gint width, gint height, const RfdnGuideParams *p,
           double at_x, double at_y, gint x, gint y)
{
  double sum = 0;

  for (gint j = -1; j <= 1; j++) {
    for (gint i = -1; i <= 1; i++) {
      /* Of a pixel from -0.5 to 0.5 around its own place. */
      const double wx = p->step_x == 1 ? i == 0 : MIN (i + 0.5, at_x + 1) - MAX (i - 0.5, at_x - 1);
      const double wy = p->step_y == 1 ? j == 0 : MIN (j + 0.5, at_y + 1) - MAX (j - 0.5, at_y - 1);
      const gint sx = CLAMP ((gint) p->step_x * x + i, 0, width - 1);
      const gint sy = CLAMP ((gint) p->step_y * y + j, 0, height - 1);
      sum += MAX (wx, 0) * MAX (wy, 0) * luma[sy * pitch + sx];
    }
  }
  return sum / (p->step_x * p->step_y);
}

static double
low_luma (const Case *c, gint x, gint y)
{
  return mean_luma (&c->low[0][0], MOST_WIDTH, (gint) c->luma.width, (gint) c->luma.height,
                    &c->luma, c->luma.low_x, c->luma.low_y,
                    CLAMP (x, 0, (gint) c->params.in_width - 1),
                    CLAMP (y, 0, (gint) c->params.in_height - 1));
}

/* Bands of colour at an angle, which luma shares with one plane, some of it in noise. */
static void
draw (Case *c, guint noise)
{
  const gint max = (1 << c->params.format.depth) - 1;
  const guint scale = c->params.scale;

  for (guint y = 0; y < scale * c->luma.height; y++) {
    for (guint x = 0; x < scale * c->luma.width; x++) {
      const guint at = (3 * x + y) / (9 * scale);
      c->high[y][x] = (guint16) (at % 2 ? max * 3 / 4 : max / 8);
    }
  }
  for (guint y = 0; y < c->luma.height; y++) {
    for (guint x = 0; x < c->luma.width; x++) {
      gint sum = noise > 0 ? g_test_rand_int_range (0, (gint) (scale * scale * noise)) : 0;
      for (guint k = 0; k < scale * scale; k++)
        sum += c->high[scale * y + k / scale][scale * x + k % scale];
      c->low[y][x] = (guint16) CLAMP (sum / (gint) (scale * scale), 0, max);
    }
  }
  for (guint y = 0; y < c->params.in_height; y++) {
    for (guint x = 0; x < c->params.in_width; x++) {
      c->chroma[0][y][x] = (guint16) (max - low_luma (c, (gint) x, (gint) y) / 2);
      c->chroma[1][y][x] = (guint16) g_test_rand_int_range (0, max + 1);
    }
  }
}

static double
low_chroma (const Case *c, gint plane, gint x, gint y)
{
  return c->chroma[plane][CLAMP (y, 0, (gint) c->params.in_height - 1)]
                  [CLAMP (x, 0, (gint) c->params.in_width - 1)];
}

static double
get_slope (const Case *c, gint plane, gint x, gint y)
{
  const double level = ((1 << c->params.format.depth) - 1) / 255.0, unit = level * level;
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0, r2;

  x = CLAMP (x, 0, (gint) c->params.in_width - 1);
  for (gint j = y - 2; j <= y + 2; j++) {
    for (gint i = x - 2; i <= x + 2; i++) {
      const double u = low_luma (c, i, j), v = low_chroma (c, plane, i, j);
      a += u / 25, b += v / 25, aa += u * u / 25, bb += v * v / 25, ab += u * v / 25;
    }
  }
  aa -= a * a, bb -= b * b, ab -= a * b;
  if (aa < 1e-6 || bb < 1e-6)
    return 0;
  r2 = ab * ab / (aa * bb);
  return ab / (aa + 4 * unit) * r2 * r2 * bb / (bb + 25 * unit);
}

static double
get_value (const Case *c, gint plane, guint x, guint y)
{
  const RfdnResamplerParams *p = &c->params;
  const double u = (x + 0.5 - p->shift_x) / p->scale - 0.5;
  const double v = (y + 0.5 - p->shift_y) / p->scale - 0.5;
  const gint left = (gint) floor (u), above = (gint) floor (v);
  double chroma = 0, luma = 0, slope = 0, weights = 0;

  for (gint j = above - 2; j <= above + 3; j++) {
    for (gint i = left - 2; i <= left + 3; i++) {
      const double w = lanczos (u - i) * lanczos (v - j);
      chroma += w * low_chroma (c, plane, i, j);
      luma += w * low_luma (c, i, j);
      weights += w;
    }
  }
  for (gint j = above; j <= above + 1; j++) {
    for (gint i = left; i <= left + 1; i++)
      slope += (1 - fabs (u - i)) * (1 - fabs (v - j)) * get_slope (c, plane, i, j);
  }
  const double high = mean_luma (&c->high[0][0], 8 * MOST_WIDTH, (gint) (p->scale * c->luma.width),
                                 (gint) (p->scale * c->luma.height), &c->luma, c->luma.high_x,
                                 c->luma.high_y, (gint) x, (gint) y);
  const double value = chroma / weights + slope * (high - luma / weights);
  return CLAMP (value, 0, (1 << p->format.depth) - 1);
}

static void
test_definition (void)
{
  for (guint n = 0; n < 12; n++) {
    g_autofree Case *c = case_new (n, n % 2 ? 8 : 10);
    draw (c, n % 4 ? 6 : 0);
    g_autofree guint16 *got = run (c, 0, 1);
    for (guint plane = 0; plane < 2; plane++) {
      const guint16 *values = got + plane * c->params.out_width * c->params.out_height;
      for (guint y = 0; y < c->params.out_height; y++) {
        for (guint x = 0; x < c->params.out_width; x++)
          g_assert_cmpfloat_with_epsilon (values[y * c->params.out_width + x],
                                          get_value (c, (gint) plane, x, y), 1);
      }
    }
  }
}

/* ---- what it is for -------------------------------------------------------------------------- */

static double
get_error (const Case *c, const guint16 *got)
{
  const gint max = (1 << c->params.format.depth) - 1;
  const RfdnResamplerParams *p = &c->params;
  double sum = 0;

  for (guint y = 0; y < p->out_height; y++) {
    for (guint x = 0; x < p->out_width; x++) {
      const double luma =
          mean_luma (&c->high[0][0], 8 * MOST_WIDTH, (gint) (p->scale * c->luma.width),
                     (gint) (p->scale * c->luma.height), &c->luma, c->luma.high_x, c->luma.high_y,
                     (gint) x, (gint) y);
      const double difference = got[y * p->out_width + x] - (max - luma / 2);
      sum += difference * difference;
    }
  }
  return sum;
}

/* Edges that luma shares get nearer to the truth; noise that it does not share is left alone. */
static void
test_edges (void)
{
  for (guint n = 0; n < 12; n++) {
    g_autofree Case *c = case_new (n, 8);
    draw (c, 0);
    g_autofree guint16 *guided = run (c, 0, 1), *plain = run (c, 0, 0);
    const gsize size = (gsize) c->params.out_width * c->params.out_height;
    gdouble moved = 0;
    g_assert_cmpfloat (get_error (c, guided), <, 0.7 * get_error (c, plain));
    for (gsize k = size; k < 2 * size; k++)
      moved += abs (guided[k] - plain[k]);
    g_assert_cmpfloat (moved / (gdouble) size, <, 2);
  }
}

/* With an amount of 0, or flat luma, the plain filter's result stays. */
static void
test_nothing (void)
{
  for (guint n = 0; n < 12; n++) {
    g_autofree Case *c = case_new (n, n % 2 ? 8 : 12);
    const gsize size = (gsize) c->params.out_width * c->params.out_height;
    g_autofree guint16 *plain = g_new0 (guint16, 2 * size);
    draw (c, 9);
    {
      g_autoptr (RfdnResampler) resampler = rfdn_resampler_new (&c->params, NULL);
      const RfdnPlane from[2] = {{c->chroma[0], sizeof c->chroma[0][0], 2},
                                 {c->chroma[1], sizeof c->chroma[0][0], 2}};
      const RfdnPlane to[2] = {{plain, 2 * (gssize) c->params.out_width, 2},
                               {plain + size, 2 * (gssize) c->params.out_width, 2}};
      rfdn_resampler_run (resampler, from, to, 2);
      g_autofree guint16 *none = run (c, 0, 0);
      g_assert_cmpmem (none, 4 * size, plain, 4 * size);
      memset (c->low, 0, sizeof c->low);
      memset (c->high, 0, sizeof c->high);
      g_autofree guint16 *flat = run (c, 0, 1);
      g_assert_cmpmem (flat, 4 * size, plain, 4 * size);
    }
  }
}

/* ---- the same bits -----------------------------------------------------------------------------
 */

static void
test_threads (void)
{
  for (guint n = 0; n < 12; n++) {
    g_autofree Case *c = case_new (n, 10);
    const gsize size = 4 * (gsize) c->params.out_width * c->params.out_height;
    draw (c, 20);
    g_autofree guint16 *one = run (c, 0, 1);
    for (c->params.n_threads = 2; c->params.n_threads <= 7; c->params.n_threads++) {
      g_autofree guint16 *many = run (c, 0, 1);
      g_assert_cmpmem (one, size, many, size);
    }
  }
}

/* Planes do not depend on each other. */
static void
test_planes (void)
{
  g_autofree Case *c = case_new (0, 8);
  const gsize size = (gsize) c->params.out_width * c->params.out_height;

  draw (c, 20);
  g_autofree guint16 *one = run (c, 0, 1), *other = run (c, 1, 1);
  g_assert_cmpmem (one, 2 * size, other + size, 2 * size);
  g_assert_cmpmem (one + size, 2 * size, other, 2 * size);
}

/* 8 bits, at every CPU level; also black and white, which give the largest values. */
static void
test_levels (void)
{
  g_autofree char *asked = g_strdup (g_getenv ("RFDN_CPU"));

  for (guint n = 0; n < 12; n++) {
    g_autofree Case *c = case_new (n, 8);
    const gsize size = 4 * (gsize) c->params.out_width * c->params.out_height;
    draw (c, 40);
    for (guint y = 0; n % 2 && y < c->params.in_height; y++) {
      for (guint x = 0; x < c->params.in_width; x++)
        c->chroma[0][y][x] = c->low[y][x] = g_test_rand_bit () ? 255 : 0;
    }
    g_setenv ("RFDN_CPU", "scalar", TRUE);
    g_autofree guint16 *want = run (c, 0, 1);
    for (RfdnCpu cpu = RFDN_CPU_SCALAR; cpu <= RFDN_CPU_NEON; cpu++) {
      if (!rfdn_cpu_is_available (cpu))
        continue;
      g_setenv ("RFDN_CPU", rfdn_cpu_get_name (cpu), TRUE);
      g_autofree guint16 *got = run (c, 0, 1);
      g_assert_cmpmem (got, size, want, size);
    }
  }
  if (asked != NULL)
    g_setenv ("RFDN_CPU", asked, TRUE);
  else
    g_unsetenv ("RFDN_CPU");
}

static void
test_bad_params (void)
{
  const RfdnResamplerParams chroma = {20, 10, 40, 20, 2, 0, 0, {RFDN_SAMPLES_U8, 8, 0}, 1};
  static const RfdnGuideParams bad[] = {
      {41, 20, 2, 2, 0, 0, 0, 0},   {38, 20, 2, 2, 0, 0, 0, 0},   {40, 18, 2, 2, 0, 0, 0, 0},
      {40, 20, 1, 2, 0, 0, 0, 0},   {80, 20, 4, 2, 0, 0, 0, 0},   {40, 20, 0, 2, 0, 0, 0, 0},
      {40, 20, 2, 2, 0.6, 0, 0, 0}, {40, 20, 2, 2, 0, NAN, 0, 0}, {40, 20, 2, 2, NAN, 0, 0, 0},
      {40, 20, 2, 2, 0, 0, -1, 0},  {40, 20, 2, 2, 0, 0, 0, NAN},
  };
  g_autoptr (RfdnResampler) resampler = rfdn_resampler_new (&chroma, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (rfdn_resampler_set_guide (resampler, &bad[i], &error));
    g_assert_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guide/definition", test_definition);
  g_test_add_func ("/guide/edges", test_edges);
  g_test_add_func ("/guide/nothing", test_nothing);
  g_test_add_func ("/guide/threads", test_threads);
  g_test_add_func ("/guide/planes", test_planes);
  g_test_add_func ("/guide/levels", test_levels);
  g_test_add_func ("/guide/bad-params", test_bad_params);
  return g_test_run ();
}
