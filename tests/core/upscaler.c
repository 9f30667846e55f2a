/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The whole engine, compared with the naive networks, and with itself with other tiles, threads,
 * instruction sets and sample formats. */

#include <math.h>
#include <string.h>

#include "picture.h"
#include "threads.h"

/* Those with floats of their own. */
static const RfdnCpu levels[] = {RFDN_CPU_SCALAR, RFDN_CPU_SSE2, RFDN_CPU_AVX2, RFDN_CPU_AVX512,
                                 RFDN_CPU_NEON};

static const struct {
  const char *architecture;
  guint features, blocks, scale, channels;
  gboolean attention;
} networks[] = {
    {"reprfn", 4, 1, 2, 1, FALSE}, {"reprfn", 7, 2, 3, 3, FALSE}, {"reprfn", 8, 2, 4, 1, TRUE},
    {"rfdn", 6, 2, 2, 3, TRUE},    {"rfdn", 4, 1, 3, 1, TRUE},    {"rfdn", 9, 2, 4, 3, TRUE},
};

static RfdnModel *
network_model (guint i, GBytes **file)
{
  return make_model (networks[i].architecture, networks[i].features, networks[i].blocks,
                     networks[i].scale, networks[i].channels, networks[i].attention, file);
}

static float
max_difference (const Map *a, const Map *b)
{
  float worst = 0;
  gsize n = (gsize) a->channels * a->height * a->width;
  g_assert_cmpuint (a->channels, ==, b->channels);
  g_assert_cmpuint (a->height, ==, b->height);
  g_assert_cmpuint (a->width, ==, b->width);
  for (gsize i = 0; i < n; i++) {
    float d = fabsf (a->values[i] - b->values[i]);
    worst = d <= worst ? worst : d; /* a NaN becomes the worst */
  }
  return worst;
}

static void
test_naive (gconstpointer data)
{
  const RfdnCpu cpu = (RfdnCpu) GPOINTER_TO_INT (data);
  if (!rfdn_cpu_is_available (cpu)) {
    g_test_skip ("this machine or build does not have this level");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (GBytes) file = NULL;
    g_autoptr (RfdnModel) model = network_model (i, &file);
    g_autoptr (Map) picture = make_picture (networks[i].channels, 37, 45);
    g_autoptr (Map) want = naive_run (file, picture);
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    params.cpu = cpu;
    params.n_threads = 2;
    g_autoptr (Map) got = upscale_float (model, &params, picture);
    g_assert_cmpfloat (max_difference (got, want), <, 2e-5f);
  }
}

static void
test_threads (void)
{
  static const guint threads[] = {2, 3, 7};

  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (RfdnModel) model = network_model (i, NULL);
    g_autoptr (Map) picture = make_picture (networks[i].channels, 61, 83);
    for (guint tile = 0; tile <= 16; tile += 16) {
      RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
      params.tile_size = tile;
      params.n_threads = 1;
      g_autoptr (Map) one = upscale_float (model, &params, picture);
      for (guint t = 0; t < G_N_ELEMENTS (threads); t++) {
        params.n_threads = threads[t];
        g_autoptr (Map) many = upscale_float (model, &params, picture);
        gsize size = (gsize) one->channels * one->height * one->width * sizeof (float);
        g_assert_cmpmem (one->values, size, many->values, size);
      }
    }
  }
}

/* Only convolutions: tiles never change a bit of the scalar code's result, and of the vector code's
 * at most one sample in 100,000, by one. */
static void
test_tiles_convolutions (gconstpointer data)
{
  static const guint tiles[] = {1, 16, 33, 64, 4096};
  const RfdnCpu cpu = (RfdnCpu) GPOINTER_TO_INT (data);
  if (!rfdn_cpu_is_available (cpu)) {
    g_test_skip ("this machine or build does not have this level");
    return;
  }
  for (guint i = 0; i < 2; i++) {
    g_autoptr (RfdnModel) model = network_model (i, NULL);
    g_autoptr (Map) picture = make_picture (networks[i].channels, 97, 131);
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    params.cpu = cpu;
    params.n_threads = 2;
    gsize n;
    g_autofree guint8 *whole = upscale_bytes (model, &params, picture, &n);
    for (guint t = 0; t < G_N_ELEMENTS (tiles); t++) {
      gsize different = 0;
      params.tile_size = tiles[t];
      /* Tiles of one pixel are slow: only a small picture. */
      g_autoptr (Map) corner = NULL;
      if (tiles[t] == 1)
        corner = make_picture (networks[i].channels, 12, 10);
      g_autofree guint8 *corner_whole = NULL;
      if (corner) {
        params.tile_size = 0;
        corner_whole = upscale_bytes (model, &params, corner, &n);
        params.tile_size = 1;
      }
      g_autofree guint8 *tiled = upscale_bytes (model, &params, corner ? corner : picture, &n);
      const guint8 *want = corner ? corner_whole : whole;
      for (gsize k = 0; k < n; k++) {
        different += tiled[k] != want[k];
        g_assert_cmpint (ABS (tiled[k] - want[k]), <=, cpu == RFDN_CPU_SCALAR ? 0 : 1);
      }
      g_assert_cmpuint (different * 100000, <=, n);
    }
  }
}

/* Attention sees less in a tile than in the frame, but enough. */
static void
test_tiles_attention (void)
{
  static const guint tiles[] = {16, 33, 64};

  for (guint i = 2; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (RfdnModel) model = network_model (i, NULL);
    g_autoptr (Map) picture = make_picture (networks[i].channels, 113, 150);
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    g_autoptr (Map) whole = upscale_float (model, &params, picture);
    for (guint t = 0; t < G_N_ELEMENTS (tiles); t++) {
      params.tile_size = tiles[t];
      g_autoptr (Map) tiled = upscale_float (model, &params, picture);
      g_assert_cmpfloat (max_difference (tiled, whole), <, 0.5f / 255);
    }
  }
}

/* The same picture padded by repeating its last column and row, as the header promises for
 * attention. */
static Map *
continue_picture (const Map *in, guint least)
{
  Map *out = map_new (in->channels, MAX (in->height, least), MAX (in->width, least));
  gsize i = 0;
  for (guint c = 0; c < out->channels; c++) {
    for (guint y = 0; y < out->height; y++) {
      for (guint x = 0; x < out->width; x++)
        out->values[i++] =
            in->values[((gsize) c * in->height + MIN (y, in->height - 1)) * in->width +
                       MIN (x, in->width - 1)];
    }
  }
  return out;
}

static void
test_sizes (void)
{
  static const guint sizes[][2] = {{1, 1},   {1, 9},   {23, 1},  {3, 3},   {2, 40},
                                   {14, 14}, {15, 15}, {16, 17}, {17, 31}, {8, 100}};

  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
      g_autoptr (GBytes) file = NULL;
      g_autoptr (RfdnModel) model = network_model (i, &file);
      const guint scale = networks[i].scale;
      g_autoptr (Map) picture = make_picture (networks[i].channels, sizes[s][1], sizes[s][0]);
      g_autoptr (Map) seen = continue_picture (picture, networks[i].attention ? 15 : 1);
      g_autoptr (Map) want = naive_run (file, seen);
      for (guint tile = 0; tile <= 5; tile += 5) {
        RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
        params.tile_size = tile;
        g_autoptr (Map) got = upscale_float (model, &params, picture);
        for (guint c = 0; c < got->channels; c++) {
          for (guint y = 0; y < got->height; y++) {
            const float *a = got->values + ((gsize) c * got->height + y) * got->width;
            const float *b = want->values + ((gsize) c * want->height + y) * want->width;
            for (guint x = 0; x < got->width; x++) {
              /* Tiles of a picture under 48 pixels see all or nearly all of it. */
              if (!(fabsf (a[x] - b[x]) < 1e-3f))
                g_error ("x%u network %u, %ux%u, tile %u: %g at %u,%u is not %g", scale, i,
                         sizes[s][0], sizes[s][1], tile, a[x], x, y, b[x]);
            }
          }
        }
      }
    }
  }
}

/* Integer planes of all kinds, among other data: the rounded floating-point result is written, and
 * nothing else changes. */
static void
test_formats (void)
{
  static const struct {
    RfdnSampleFormat format;
    gsize pixel_stride;
    gint padding; /* of a row; negative: bottom-up */
  } cases[] = {
      {{RFDN_SAMPLES_U8, 8, 0}, 1, 0},   {{RFDN_SAMPLES_U8, 8, 0}, 1, 13},
      {{RFDN_SAMPLES_U8, 8, 0}, 3, 5},   {{RFDN_SAMPLES_U8, 8, 0}, 4, -1},
      {{RFDN_SAMPLES_U16, 10, 0}, 2, 6}, {{RFDN_SAMPLES_U16, 10, 6}, 2, 0},
      {{RFDN_SAMPLES_U16, 16, 0}, 8, 2},
  };
  const guint width = 37, height = 21, scale = 2;
  g_autoptr (RfdnModel) model = make_model ("reprfn", 4, 1, scale, 1, FALSE, NULL);
  g_autoptr (Map) picture = make_picture (1, height, width);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;

  for (guint k = 0; k < G_N_ELEMENTS (cases); k++) {
    const RfdnSampleFormat format = cases[k].format;
    const gboolean wide = format.samples == RFDN_SAMPLES_U16;
    const double max = (1u << format.depth) - 1;
    gsize pixel = cases[k].pixel_stride, pad = (gsize) ABS (cases[k].padding) & ~(gsize) wide;
    gsize in_stride = width * pixel + pad, out_stride = scale * width * pixel + pad;
    gsize out_size = out_stride * height * scale;
    g_autofree guint8 *in = g_malloc0 (in_stride * height);
    g_autofree guint8 *out = g_malloc (out_size);
    memset (out, 0xa5, out_size);

    g_autoptr (Map) levels_in = map_new (1, height, width);
    for (guint y = 0; y < height; y++) {
      for (guint x = 0; x < width; x++) {
        guint level = (guint) lrint (picture->values[y * width + x] * max);
        guint8 *sample = in + y * in_stride + x * pixel;
        levels_in->values[y * width + x] = (float) (level / max);
        if (wide)
          *(guint16 *) (void *) sample = (guint16) (level << format.shift);
        else
          *sample = (guint8) level;
      }
    }
    g_autoptr (Map) want = upscale_float (model, &params, levels_in);

    g_autoptr (GError) error = NULL;
    RfdnUpscalerParams p = params;
    p.width = width;
    p.height = height;
    p.format = format;
    g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &p, &error);
    g_assert_no_error (error);
    RfdnPlane from = {in, (gssize) in_stride, pixel}, to = {out, (gssize) out_stride, pixel};
    const gboolean flipped = cases[k].padding < 0;
    if (flipped) {
      to.data = out + out_stride * (height * scale - 1);
      to.stride = -(gssize) out_stride;
    }
    rfdn_upscaler_run (upscaler, &from, &to);

    for (gsize i = 0; i < out_size; i++) {
      gsize y = i / out_stride, column = i % out_stride, x = column / pixel;
      gsize from_y = flipped ? height * scale - 1 - y : y;
      if (x >= width * scale || column % pixel >= (wide ? 2 : 1)) {
        g_assert_cmphex (out[i], ==, 0xa5);
      } else if (column % pixel == 0) {
        double level = want->values[from_y * width * scale + x] * max;
        guint got = wide ? *(guint16 *) (void *) (out + i) : out[i];
        g_assert_cmpuint (got & ((1u << format.shift) - 1), ==, 0);
        /* Half a level, plus the rounding of single precision. */
        g_assert_cmpfloat (fabs ((got >> format.shift) - CLAMP (level, 0, max)), <,
                           0.5 + 1e-6 * max + 1e-3);
      }
    }
  }
}

/* A second picture through the same upscaler does not depend on the first. */
static void
test_repeat (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (RfdnModel) model = network_model (i, NULL);
    g_autoptr (GError) error = NULL;
    const guint w = 70, h = 50, scale = networks[i].scale, channels = networks[i].channels;
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    params.width = w;
    params.height = h;
    params.tile_size = 32;
    params.n_threads = 2;
    g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, &error);
    g_assert_no_error (error);

    gsize in_size = (gsize) channels * w * h, out_size = in_size * scale * scale;
    g_autofree guint8 *a = g_malloc (in_size), *b = g_malloc (in_size);
    g_autofree guint8 *first = g_malloc (out_size), *other = g_malloc (out_size),
                      *again = g_malloc (out_size);
    for (gsize k = 0; k < in_size; k++) {
      a[k] = (guint8) g_test_rand_int_range (0, 256);
      b[k] = k % 2 ? 255 : 0;
    }
    guint8 *ins[] = {a, b, a}, *outs[] = {first, other, again};
    for (guint r = 0; r < 3; r++) {
      RfdnPlane from[3], to[3];
      for (guint c = 0; c < channels; c++) {
        from[c] = (RfdnPlane){ins[r] + c * w * h, w, 1};
        to[c] = (RfdnPlane){outs[r] + c * w * h * scale * scale, w * scale, 1};
      }
      rfdn_upscaler_run (upscaler, from, to);
    }
    g_assert_cmpmem (first, out_size, again, out_size);
    g_assert_cmpint (memcmp (first, other, out_size), !=, 0);
  }
}

/* A picture, the network's result for it, and memory to compute it again. */
typedef struct {
  RfdnUpscaler *upscaler;
  guint8 *source, *want, *got;
  gsize size; /* bytes of `want` */
  RfdnPlane in, out;
  gint rounds; /* runs left to do, in run_rounds() */
  guint n_whole;
} Work;

/* Whether it was done. */
static gpointer
run_work (gpointer data)
{
  Work *work = data;
  return GINT_TO_POINTER (rfdn_upscaler_run (work->upscaler, &work->in, &work->out));
}

/* Slow on purpose. */
static void
work_init (Work *work, guint which, guint width, guint height, guint n_threads)
{
  g_autoptr (RfdnModel) model = network_model (which, NULL);
  g_autoptr (Map) picture = make_picture (1, height, width);
  const guint scale = networks[which].scale;
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  params.width = width;
  params.height = height;
  params.n_threads = n_threads;
  params.cpu = RFDN_CPU_SCALAR;

  *work = (Work){.upscaler = rfdn_upscaler_new (model, &params, NULL),
                 .source = g_malloc (width * height),
                 .size = (gsize) width * height * scale * scale};
  for (guint i = 0; i < width * height; i++)
    work->source[i] = (guint8) (255 * picture->values[i]);
  work->want = g_malloc (work->size);
  work->got = g_malloc (work->size);
  work->in = (RfdnPlane){work->source, width, 1};
  work->out = (RfdnPlane){work->want, (gssize) width * scale, 1};
  g_assert_true (run_work (work));
  work->out.data = work->got;
}

static void
work_clear (Work *work)
{
  rfdn_upscaler_free (work->upscaler);
  g_free (work->source);
  g_free (work->want);
  g_free (work->got);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

/* A network whose threads have a tile each, and one whose threads share a tile. */
static const guint apart_and_together[] = {0, 4};

/* Cancelled before and at any time during a run: it returns, and the next run is complete. */
static void
test_cancel (void)
{
  for (guint k = 0; k < G_N_ELEMENTS (apart_and_together); k++) {
    g_auto (Work) work;
    work_init (&work, apart_and_together[k], 200, 160, 3);
    memset (work.got, 0xa5, work.size);
    rfdn_upscaler_set_cancelled (work.upscaler, TRUE);
    g_assert_false (run_work (&work));
    for (gsize i = 0; i < work.size; i++)
      g_assert_cmphex (work.got[i], ==, 0xa5);
    const guint first = 0;
    g_assert_cmpuint (
        rfdn_upscaler_run_tiles (work.upscaler, &work.in, &work.out, &first, 1, G_MAXINT64), ==, 0);

    guint cut_short = 0;
    for (guint round = 0; round < 20; round++) {
      rfdn_upscaler_set_cancelled (work.upscaler, FALSE);
      memset (work.got, 0xa5, work.size);
      GThread *thread = g_thread_new ("work", run_work, &work);
      g_usleep (500 * round);
      rfdn_upscaler_set_cancelled (work.upscaler, TRUE);
      const gboolean whole = GPOINTER_TO_INT (g_thread_join (thread));
      const gboolean equal = memcmp (work.got, work.want, work.size) == 0;
      g_assert_true (equal || !whole);
      cut_short += !equal;
    }
    g_assert_cmpuint (cut_short, >, 0);

    rfdn_upscaler_set_cancelled (work.upscaler, FALSE);
    g_assert_true (run_work (&work));
    g_assert_cmpmem (work.got, work.size, work.want, work.size);
  }
}

static gpointer
run_rounds (gpointer data)
{
  Work *work = data;

  for (; g_atomic_int_get (&work->rounds) > 0; g_atomic_int_add (&work->rounds, -1))
    work->n_whole += GPOINTER_TO_INT (run_work (work)) != 0;
  return NULL;
}

/* A flush that ends at once: threads do not wait for tasks that another left undone, and an
 * incomplete picture is reported. */
static void
test_cancel_taken_back (void)
{
  for (guint k = 0; k < G_N_ELEMENTS (apart_and_together); k++) {
    g_auto (Work) work;
    work_init (&work, apart_and_together[k], 120, 90, 4);
    work.rounds = 200;
    GThread *thread = g_thread_new ("work", run_rounds, &work);
    const gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
    while (g_atomic_int_get (&work.rounds) > 0 && g_get_monotonic_time () < end) {
      g_usleep ((gulong) g_test_rand_int_range (0, 3000));
      rfdn_upscaler_set_cancelled (work.upscaler, TRUE);
      /* One thread may see it when others no longer do. */
      for (gint i = g_test_rand_int_range (0, 2000); i > 0; i--)
        rfdn_relax ();
      rfdn_upscaler_set_cancelled (work.upscaler, FALSE);
    }
    if (g_atomic_int_get (&work.rounds) > 0)
      g_error ("threads wait for each other, with %d runs to go", work.rounds);
    g_thread_join (thread);
    g_test_message ("%u of 200 whole", work.n_whole);
    g_assert_cmpuint (work.n_whole, <, 200);
    g_assert_true (run_work (&work));
    g_assert_cmpmem (work.got, work.size, work.want, work.size);
  }
}

/* Abandoned runs do not count as times of tiles. */
static void
test_cancelled_tile_time (void)
{
  const guint width = 64, height = 64, tiles[] = {0, 1, 2, 3};
  g_autofree guint8 *in = g_malloc0 (width * height), *out = g_malloc (width * height * 4);
  g_autoptr (RfdnModel) model = network_model (0, NULL);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  params.width = width;
  params.height = height;
  params.tile_size = 32;
  params.n_threads = 1;
  g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
  const RfdnPlane from = {in, width, 1}, to = {out, 2 * width, 1};

  g_assert_cmpuint (rfdn_upscaler_run_tiles (upscaler, &from, &to, tiles, 4, G_MAXINT64), ==, 4);
  const double time = rfdn_upscaler_get_tile_time (upscaler);
  rfdn_upscaler_set_cancelled (upscaler, TRUE);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpuint (rfdn_upscaler_run_tiles (upscaler, &from, &to, tiles, 4, G_MAXINT64), ==, 0);
  g_assert_cmpfloat (rfdn_upscaler_get_tile_time (upscaler), ==, time);
}

static void
test_bad_params (void)
{
  static const RfdnUpscalerParams bad[] = {
      {0, 10, {RFDN_SAMPLES_U8, 8, 0}, 0, 0, -1, 0},
      {10, 0, {RFDN_SAMPLES_U8, 8, 0}, 0, 0, -1, 0},
      {RFDN_MAX_SIZE + 1, 10, {RFDN_SAMPLES_U8, 8, 0}, 0, 0, -1, 0},
      {10, 10, {RFDN_SAMPLES_U8, 10, 0}, 0, 0, -1, 0},
      {10, 10, {RFDN_SAMPLES_U16, 12, 6}, 0, 0, -1, 0},
      {10, 10, {RFDN_SAMPLES_U16, 4, 0}, 0, 0, -1, 0},
      {10, 10, {(RfdnSamples) 9, 8, 0}, 0, 0, -1, 0},
      {10, 10, {RFDN_SAMPLES_U8, 8, 0}, 0, 0, -2, 0},
      {10, 10, {RFDN_SAMPLES_U8, 8, 0}, 0, RFDN_MAX_SIZE + 1, -1, 0},
      {10, 10, {RFDN_SAMPLES_U8, 8, 0}, 0, 0, -1, (RfdnCpu) 77},
  };
  g_autoptr (RfdnModel) model = network_model (0, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (rfdn_upscaler_new (model, &bad[i], &error));
    g_assert_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS);
  }
}

static void
test_describe (void)
{
  g_autoptr (RfdnModel) model = rfdn_model_new_builtin ("live-clean", 2, NULL);
  g_autoptr (RfdnModel) attention = network_model (5, NULL);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  params.width = 640;
  params.height = 360;
  params.n_threads = 2;
  params.cpu = RFDN_CPU_SCALAR;
  g_autoptr (RfdnUpscaler) a = rfdn_upscaler_new (model, &params, NULL);
  g_autofree char *text = rfdn_upscaler_describe (a);
  g_test_message ("%s", text);
  g_assert_true (g_str_has_prefix (text, "640x360: scalar, float32, 2 threads, "));
  g_assert_nonnull (strstr (text, " overlap 28, "));

  g_autoptr (RfdnUpscaler) b = rfdn_upscaler_new (attention, &params, NULL);
  g_autofree char *other = rfdn_upscaler_describe (b);
  g_assert_nonnull (strstr (other, "1x1 tiles of 640x360"));
}

static void
add_for_levels (const char *format, GTestDataFunc func)
{
  for (guint l = 0; l < G_N_ELEMENTS (levels); l++) {
    g_autofree char *path = g_strdup_printf (format, rfdn_cpu_get_name (levels[l]));
    g_test_add_data_func (path, GINT_TO_POINTER (levels[l]), func);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_for_levels ("/upscaler/naive/%s", test_naive);
  add_for_levels ("/upscaler/tiles/%s", test_tiles_convolutions);
  g_test_add_func ("/upscaler/tiles/attention", test_tiles_attention);
  g_test_add_func ("/upscaler/threads", test_threads);
  g_test_add_func ("/upscaler/sizes", test_sizes);
  g_test_add_func ("/upscaler/formats", test_formats);
  g_test_add_func ("/upscaler/repeat", test_repeat);
  g_test_add_func ("/upscaler/cancel", test_cancel);
  g_test_add_func ("/upscaler/cancel-taken-back", test_cancel_taken_back);
  g_test_add_func ("/upscaler/cancelled-tile-time", test_cancelled_tile_time);
  g_test_add_func ("/upscaler/bad-params", test_bad_params);
  g_test_add_func ("/upscaler/describe", test_describe);
  return g_test_run ();
}
