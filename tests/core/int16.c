/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks in 16-bit integers: the same bits at every CPU level, in any tiles, with any number of
 * threads; close to the result in floating point; bad steps give clear errors. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "kernels/int16.h"
#include "picture.h"
#include "ranges.h"
#include "rfdn-filters.h"
#include "synthetic.h"

/* ---- models with steps ----------------------------------------------------------------------- */

/* A file with more metadata. */
static GBytes *
add_metadata (GBytes *file, const char *key, const char *value)
{
  static const char begin[] = "\"__metadata__\":{";
  gsize size;
  const guint8 *data = g_bytes_get_data (file, &size);
  g_autofree char *escaped = g_strescape (value, NULL);
  g_autofree char *member = g_strdup_printf ("\"%s\":\"%s\",", key, escaped);
  const guint8 *at =
      (const guint8 *) g_strstr_len ((const char *) data + 8, (gssize) size - 8, begin);
  GByteArray *out = g_byte_array_new ();
  guint64 length;

  g_assert_nonnull (at);
  at += strlen (begin);
  memcpy (&length, data, 8);
  length = GUINT64_TO_LE (GUINT64_FROM_LE (length) + strlen (member));
  g_byte_array_append (out, (const guint8 *) &length, 8);
  g_byte_array_append (out, data + 8, (guint) (at - data - 8));
  g_byte_array_append (out, (const guint8 *) member, (guint) strlen (member));
  g_byte_array_append (out, at, (guint) (size - (gsize) (at - data)));
  return g_byte_array_free_to_bytes (out);
}

/* Steps for a network that sees `picture`: 1/2000 of each channel's largest value. */
static char *
make_steps (RfdnModel *model, const Map *picture)
{
  const guint scale = rfdn_model_get_info (model)->scale;
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  g_autofree float *out = g_new (float, (gsize) picture->width * picture->height * scale * scale);
  const RfdnPlane from = {picture->values, 4 * picture->width, 4};
  const RfdnPlane to = {out, 4 * picture->width * scale, 4};

  params.width = picture->width;
  params.height = picture->height;
  params.format.samples = RFDN_SAMPLES_F32;
  params.n_threads = 2;
  g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
  rfdn_upscaler_start_ranges (upscaler);
  rfdn_upscaler_run (upscaler, &from, &to);
  g_autofree char *ranges = rfdn_upscaler_dup_ranges (upscaler);
  g_auto (GStrv) lines = g_strsplit (g_strchomp (ranges), "\n", -1);
  GString *steps = g_string_new (NULL);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);
    for (guint k = 0; words[k] != NULL; k++) {
      char number[G_ASCII_DTOSTR_BUF_SIZE];
      const double range = g_ascii_strtod (words[k], NULL);
      g_ascii_dtostr (number, sizeof number, MAX (range, 0.01) / 2000);
      g_string_append_printf (steps, "%s ", number);
    }
    g_string_append_c (steps, '\n');
  }
  return g_string_free (steps, FALSE);
}

static RfdnModel *
make_stepped (const char *architecture, guint features, guint blocks, guint scale,
              gboolean attention, const Map *picture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) plain = NULL;
  g_autoptr (RfdnModel) model =
      make_model (architecture, features, blocks, scale, 1, attention, &plain);
  g_autofree char *steps = make_steps (model, picture);
  g_autoptr (GBytes) file = add_metadata (plain, "steps", steps);
  RfdnModel *stepped = rfdn_model_new (file, &error);

  g_assert_false (rfdn_model_get_info (model)->has_steps);
  g_assert_no_error (error);
  g_assert_true (rfdn_model_get_info (stepped)->has_steps);
  return stepped;
}

/* ---- what integers make ---------------------------------------------------------------------- */

static guint8 *
upscale (RfdnModel *model, RfdnPrecision precision, RfdnCpu cpu, guint tile_size, guint n_threads,
         const Map *picture, gsize *n)
{
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;

  params.precision = precision;
  params.cpu = cpu;
  params.tile_size = tile_size;
  params.n_threads = n_threads;
  return upscale_bytes (model, &params, picture, n);
}

/* Black and white, which gives values of any size. */
static Map *
make_noise (guint height, guint width)
{
  Map *map = map_new (1, height, width);

  for (gsize i = 0; i < (gsize) height * width; i++)
    map->values[i] = (float) g_test_rand_bit ();
  return map;
}

static const struct {
  const char *architecture;
  guint features, blocks, scale;
  gboolean attention;
} networks[] = {
    {"reprfn", 8, 1, 2, FALSE},  {"reprfn", 16, 1, 2, FALSE}, {"reprfn", 9, 2, 3, FALSE},
    {"reprfn", 20, 1, 4, FALSE}, {"reprfn", 20, 2, 2, TRUE},  {"rfdn", 16, 2, 3, TRUE},
};

static RfdnModel *
make_network (guint i, const Map *picture)
{
  return make_stepped (networks[i].architecture, networks[i].features, networks[i].blocks,
                       networks[i].scale, networks[i].attention, picture);
}

static void
test_same_bits (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (Map) usual = make_picture (1, 61, 83), noise = make_noise (61, 83);
    g_autoptr (RfdnModel) model = make_network (i, usual);
    const Map *const pictures[] = {usual, noise};
    for (guint p = 0; p < 2; p++) {
      gsize n;
      g_autofree guint8 *want =
          upscale (model, RFDN_PRECISION_INT16, RFDN_CPU_SCALAR, 0, 1, pictures[p], &n);
      for (RfdnCpu cpu = RFDN_CPU_SCALAR; cpu <= RFDN_CPU_NEON; cpu++) {
        static const guint tiles[] = {0, 8, 20, 33};
        /* With attention, the result of a tile depends on what it sees of the picture. */
        const guint n_tiles = networks[i].attention ? 1 : G_N_ELEMENTS (tiles);
        for (guint t = 0; rfdn_cpu_is_available (cpu) && t < n_tiles; t++) {
          g_autofree guint8 *got = upscale (model, RFDN_PRECISION_INT16, cpu, tiles[t],
                                            1 + (t + p) % 3, pictures[p], &n);
          g_assert_cmpmem (got, n, want, n);
        }
      }
    }
  }
}

static void
test_close (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (Map) picture = make_picture (1, 61, 83);
    g_autoptr (RfdnModel) model = make_network (i, picture);
    gsize n;
    g_autofree guint8 *want =
        upscale (model, RFDN_PRECISION_FLOAT32, RFDN_CPU_AUTO, 0, 1, picture, &n);
    g_autofree guint8 *got =
        upscale (model, RFDN_PRECISION_INT16, RFDN_CPU_AUTO, 0, 1, picture, &n);
    double error = 0;
    for (gsize k = 0; k < n; k++) {
      g_assert_cmpint (abs (got[k] - want[k]), <=, 4);
      error += (got[k] - want[k]) * (got[k] - want[k]);
    }
    g_test_message ("%.1f dB", 10 * log10 (65025 / (error / (double) n)));
    g_assert_cmpfloat (10 * log10 (65025 / (error / (double) n)), >, 48);
  }
}

/* Slopes, lines and checks, computed with integers only. */
static void
draw (guint8 *plane, guint width, guint height)
{
  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++) {
      const guint slope = (x * x + 3 * y * y + x * y) / 16 % 200;
      const gboolean line = (x + 2 * y) % 23 == 0, check = x < 24 && y < 24 && (x + y) % 2;
      *plane++ = (guint8) (check ? 255 : line ? 16 : 30 + slope);
    }
  }
}

/* The shipped models give exactly these bits on every processor, in any tiles. */
static void
test_sums (void)
{
  static const struct {
    const char *model;
    guint scale;
    const char *md5;
    float sharpness;
  } sums[] = {
      {"live", 2, "62c53047420b2ebe0dc3fed0fad6cc2f"},
      {"live", 3, "c1fdb78f8a6ce433ee6a8edd1556925b"},
      {"live", 4, "54d33e54baaf6737359cda8996c49d1b"},
      {"live-clean", 2, "a35c6400293191f30c35b64b7af9e9fe"},
      {"live-clean", 3, "342ea6b112c14e781ad370c2795c16ff"},
      {"live-clean", 4, "db1910f8f55ef6599c36ee05aa64383a"},
      {"balanced", 2, "219b79da0a800726e243712331043f9d"},
      {"balanced", 3, "d8383be461db39a4fb4326c653694557"},
      {"balanced", 4, "b8ecb67d12cb06958d97c192311d0d02"},
      {"balanced-clean", 2, "37eacad17d861d2e9617c69a47fdd024"},
      {"balanced-clean", 3, "55ca1d316bd7a635743b72ca7aae2793"},
      {"balanced-clean", 4, "7f6567e6287b2302b3ee322ac565ca3f"},
      {"rfdn", 2, "f029676f6081868831c9dbd06f9d739b"},
      {"rfdn", 3, "ed4d368bcb661e87b27c0594df0c5f1b"},
      {"rfdn", 4, "1b18eb5bb8bdaa59368191f8c14468d8"},
      {"live", 2, "7827250cb72fa221422fcaa40f325fef", 0.5f},
      {"live", 3, "4f1073b449c509e7ed2fca4ef5589b40", 1},
      {"live", 4, "7c4bd28cb49426646c27841648eabdc0", -0.3f},
  };

  for (guint i = 0; i < G_N_ELEMENTS (sums); i++) {
    const guint width = 91, height = 67, scale = sums[i].scale;
    g_autoptr (RfdnModel) own = rfdn_model_new_builtin (sums[i].model, scale, NULL);
    g_autoptr (RfdnModel) model = rfdn_model_sharpen (own, sums[i].sharpness, NULL);
    for (RfdnCpu cpu = RFDN_CPU_SCALAR; cpu <= RFDN_CPU_NEON; cpu++) {
      guint8 in[91 * 67];
      const gsize size = (gsize) width * height * scale * scale;
      g_autofree guint8 *out = g_malloc (size);
      const RfdnPlane from = {in, width, 1}, to = {out, (gssize) width * scale, 1};
      RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
      if (!rfdn_cpu_is_available (cpu))
        continue;
      draw (in, width, height);
      params.width = width;
      params.height = height;
      params.precision = RFDN_PRECISION_INT16;
      params.cpu = cpu;
      if (!rfdn_model_get_info (model)->attention)
        params.tile_size = (guint) cpu * 16;
      g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
      g_assert_nonnull (upscaler);
      rfdn_upscaler_run (upscaler, &from, &to);
      g_autofree char *md5 = g_compute_checksum_for_data (G_CHECKSUM_MD5, out, size);
      g_test_message ("%s x%u at %.1f: %s", sums[i].model, scale, (double) sums[i].sharpness, md5);
      g_assert_cmpstr (md5, ==, sums[i].md5);
    }
  }
}

/* Stripes, or checks, of two levels and of `side` pixels. */
static Map *
make_checks (gboolean along, gboolean across, guint side, guint move, guint dark, guint light)
{
  Map *map = map_new (1, 64, 96);

  for (guint y = 0; y < 64; y++) {
    for (guint x = 0; x < 96; x++) {
      const guint at = (along ? (x + move) / side : 0) + (across ? y / side : 0);
      const guint shifted = along ? at : (y + move) / side;
      map->values[y * 96 + x] = (float) (shifted % 2 ? light : dark) / 255;
    }
  }
  return map;
}

static void
assert_near (RfdnModel *model, const Map *picture, double least)
{
  gsize n;
  g_autofree guint8 *want =
      upscale (model, RFDN_PRECISION_FLOAT32, RFDN_CPU_AUTO, 0, 2, picture, &n);
  g_autofree guint8 *got = upscale (model, RFDN_PRECISION_INT16, RFDN_CPU_AUTO, 0, 2, picture, &n);
  double error = 0;

  for (gsize k = 0; k < n; k++)
    error += (got[k] - want[k]) * (got[k] - want[k]);
  g_assert_cmpfloat (10 * log10 (65025 / MAX (error / (double) n, 1e-9)), >, least);
}

/* ESA skips every second pixel, and integers have tiles of four pixels: a shifted pattern gives
 * other values, which must fit the steps too. The scalar kernels take many minutes for all
 * levels, and give the same bits as the others: where they are all there is, one will do. */
static void
test_moved_checks (void)
{
  static const guint levels[][2] = {{0, 255}, {16, 235}, {60, 180}, {128, 255}};
  static const char *const names[] = {"live", "live-clean", "balanced", "balanced-clean", "rfdn"};
  const gboolean vectors =
      g_strcmp0 (g_getenv ("RFDN_CPU"), "scalar") != 0 &&
      (rfdn_cpu_is_available (RFDN_CPU_SSE2) || rfdn_cpu_is_available (RFDN_CPU_NEON));
  const guint n_levels = vectors ? G_N_ELEMENTS (levels) : 1;

  for (guint n = 0; n < 3 * G_N_ELEMENTS (names); n++) {
    g_autoptr (RfdnModel) model = rfdn_model_new_builtin (names[n / 3], 2 + n % 3, NULL);
    for (guint i = 0; i < 6 * n_levels; i++) {
      const guint *level = levels[i / 6], kind = i / 2 % 3;
      for (guint side = 1; side <= 2; side++) {
        g_autoptr (Map) picture =
            make_checks (kind != 0, kind != 1, side, side * (i % 2), level[0], level[1]);
        assert_near (model, picture, 45);
      }
    }
  }
}

/* Blended with the plain filter's result, as the element does with a `strength` below 1. */
static void
test_mixed_sum (void)
{
  const guint width = 91, height = 67, scale = 2;
  const gsize size = (gsize) width * height * scale * scale;
  const RfdnArea all = {0, 0, width * scale, height * scale};
  const RfdnFade fade = {.weight = 0.3};
  g_autofree char *before = g_strdup (g_getenv ("RFDN_CPU"));
  g_autoptr (RfdnModel) model = rfdn_model_new_builtin ("live", scale, NULL);

  for (RfdnCpu cpu = RFDN_CPU_SCALAR; cpu <= RFDN_CPU_NEON; cpu++) {
    guint8 in[91 * 67];
    g_autofree guint8 *mixed = g_malloc (size), *plain = g_malloc (size);
    const RfdnPlane from = {in, width, 1}, to = {mixed, (gssize) width * scale, 1};
    const RfdnPlane other = {plain, (gssize) width * scale, 1};
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    RfdnResamplerParams filter = {width, height, width * scale, height * scale, .scale = scale};
    if (!rfdn_cpu_is_available (cpu))
      continue;
    g_setenv ("RFDN_CPU", rfdn_cpu_get_name (cpu), TRUE);
    draw (in, width, height);
    params.width = width;
    params.height = height;
    params.precision = RFDN_PRECISION_INT16;
    filter.format = params.format;
    filter.n_threads = 1 + (guint) cpu % 3;
    g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
    g_autoptr (RfdnResampler) resampler = rfdn_resampler_new (&filter, NULL);
    rfdn_upscaler_run (upscaler, &from, &to);
    rfdn_resampler_run (resampler, &from, &other, 1);
    rfdn_fade (&to, &other, &params.format, &all, &fade);
    g_autofree char *md5 = g_compute_checksum_for_data (G_CHECKSUM_MD5, mixed, size);
    g_assert_cmpstr (md5, ==, "a70f783262ca42d62e22d986870a5f5b");
  }
  if (before != NULL)
    g_setenv ("RFDN_CPU", before, TRUE);
  else
    g_unsetenv ("RFDN_CPU");
}

/* ---- what is wrong --------------------------------------------------------------------------- */

/* The error of reading a network of one block with these `steps`. */
static void
assert_refused (const char *architecture, guint features, guint channels, gboolean attention,
                const char *steps, const char *text)
{
  const SyntheticNetwork network = {architecture, features, 1, 2, channels, attention, 7};
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) plain = synthetic_network_new (&network);
  g_autoptr (GBytes) file = add_metadata (plain, "steps", steps);

  g_assert_null (rfdn_model_new (file, &error));
  g_assert_error (error, RFDN_ERROR, RFDN_ERROR_MODEL);
  if (strstr (error->message, text) == NULL)
    g_error ("'%s' does not say '%s'", error->message, text);
}

static void
assert_bad_steps (const char *steps, const char *text)
{
  assert_refused ("reprfn", 8, 1, FALSE, steps, text);
}

#define LINE "1 1 1 1 1 1 1 1\n"
#define OTHER_LINE "1 1 1 1 1 1 1 2\n"

#define SHORT_LINE "1 1\n"

/* The first layer's map, the block's four, and the gate's result; attention's first, half and
 * pooled maps, and two more; the network's last. */
static void
assert_bad_attention (const char *gated, const char *pooled, const char *text)
{
  g_autofree char *steps = g_strconcat (LINE LINE LINE LINE LINE, gated, SHORT_LINE SHORT_LINE,
                                        pooled, SHORT_LINE SHORT_LINE LINE, NULL);
  assert_refused ("reprfn", 8, 1, TRUE, steps, text);
}

static void
test_bad_attention (void)
{
  assert_bad_attention (LINE, "1\n", "line 9: there are 1 numbers for 2");
  assert_bad_attention (LINE, "1 2\n", "pools maps of different steps");
  assert_bad_attention (OTHER_LINE, SHORT_LINE, "gates maps of different steps");
}

static void
test_bad_steps (void)
{
  assert_bad_steps ("", "end before line 1");
  assert_bad_steps (LINE LINE, "end before line 3");
  assert_bad_steps (LINE LINE LINE LINE LINE LINE LINE, "more than 6 lines");
  assert_bad_steps (LINE "1 1 1 1\n" LINE LINE LINE LINE, "line 2: there are 4 numbers for 8");
  assert_bad_steps (LINE LINE "1 1 1 1 1 1 1 1 1\n" LINE LINE LINE,
                    "line 3: there are more than 8");
  assert_bad_steps ("1 1 1 0 1 1 1 1\n" LINE LINE LINE LINE LINE, "line 1: number 4 is");
  assert_bad_steps ("1 1 1 -1 1 1 1 1\n" LINE LINE LINE LINE LINE, "line 1: number 4 is");
  assert_bad_steps ("1 nan 1 1 1 1 1 1\n" LINE LINE LINE LINE LINE, "line 1: number 2 is");
  assert_bad_steps ("1 1e39 1 1 1 1 1 1\n" LINE LINE LINE LINE LINE, "line 1: number 2 is");
  assert_bad_steps ("1 x 1 1 1 1 1 1\n" LINE LINE LINE LINE LINE, "line 1: number 2 is");
  assert_bad_steps (LINE LINE LINE LINE OTHER_LINE LINE, "adds maps of different steps");
  assert_bad_steps (LINE "1e-9 1 1 1 1 1 1 1\n" LINE LINE LINE LINE, "around layer 2 are too far");
}

/* Networks that cannot be computed in integers, whatever their steps. */
static void
test_impossible (void)
{
  assert_refused ("reprfn", 8, 3, FALSE, LINE, "more than one channel");
  assert_refused ("rfdn", 10, 1, TRUE, LINE, "begin with an odd number");
}

static void
test_bad_params (void)
{
  g_autoptr (Map) picture = make_picture (1, 20, 20);
  g_autoptr (RfdnModel) stepped = make_stepped ("reprfn", 8, 1, 2, FALSE, picture);
  g_autoptr (RfdnModel) plain = make_model ("reprfn", 8, 1, 2, 1, FALSE, NULL);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;

  params.width = params.height = 20;
  params.precision = RFDN_PRECISION_INT16;
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GError) error = NULL;
    if (i == 1)
      params.format = (RfdnSampleFormat){RFDN_SAMPLES_U16, 10, 0};
    if (i == 2)
      params.format = (RfdnSampleFormat){RFDN_SAMPLES_F32, 8, 0};
    g_assert_null (rfdn_upscaler_new (i == 0 ? plain : stepped, &params, &error));
    g_assert_error (error, RFDN_ERROR, RFDN_ERROR_PRECISION);
  }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static gint allocations_left;

static gboolean
count_down (void)
{
  return allocations_left-- > 0;
}

/* Whichever allocation fails, there is an error and no leak. */
static void
test_no_memory (void)
{
  g_autoptr (Map) picture = make_picture (1, 20, 20);
  g_autoptr (GBytes) plain = NULL;
  g_autoptr (RfdnModel) model = make_model ("reprfn", 8, 1, 2, 1, FALSE, &plain);
  g_autofree char *steps = make_steps (model, picture);
  g_autoptr (GBytes) file = add_metadata (plain, "steps", steps);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  gboolean done = FALSE;

  params.width = params.height = 20;
  params.n_threads = 1;
  params.precision = RFDN_PRECISION_INT16;
  for (gint n = 0; !done; n++) {
    g_autoptr (GError) error = NULL;
    g_assert_cmpint (n, <, 1000);
    allocations_left = n;
    rfdn_alloc_set_hook (count_down);
    g_autoptr (RfdnModel) stepped = rfdn_model_new (file, &error);
    g_autoptr (RfdnUpscaler) upscaler =
        stepped != NULL ? rfdn_upscaler_new (stepped, &params, &error) : NULL;
    rfdn_alloc_set_hook (NULL);
    done = upscaler != NULL;
    if (!done)
      g_assert_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/int16/same-bits", test_same_bits);
  g_test_add_func ("/int16/close", test_close);
  g_test_add_func ("/int16/sums", test_sums);
  g_test_add_func ("/int16/moved-checks", test_moved_checks);
  g_test_add_func ("/int16/mixed-sum", test_mixed_sum);
  g_test_add_func ("/int16/bad-steps", test_bad_steps);
  g_test_add_func ("/int16/bad-attention", test_bad_attention);
  g_test_add_func ("/int16/impossible", test_impossible);
  g_test_add_func ("/int16/bad-params", test_bad_params);
  g_test_add_func ("/int16/no-memory", test_no_memory);
  return g_test_run ();
}
