/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times the engine alone on one picture size:
 *
 *   rfdn-bench [--model NAME|FILE] [--size WxH] [--threads N] [--cpu LEVEL] [--frames K]
 *              [--precision float32|int16] [--noise] [--tile-size N] [--layers] [--json]
 *
 * Reports milliseconds a frame, and from the start to the first one; processor time; the rate in
 * operations of direct convolutions (two a multiply-add), what part that is of the multiply-add
 * peak of the same cores, measured in the same run; the process's peak memory, and by how much it
 * grew after two frames. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common.h"
#include "profile.h"
#include "rfdn.h"

static char *model_name = NULL, *size = NULL, *cpu_name = NULL;
static gint n_threads = 0, n_frames = 20, tile_size = 0;
static char *precision = NULL;
static gboolean json = FALSE, layers = FALSE, noise = FALSE;

static const GOptionEntry options[] = {
    {"model", 'm', 0, G_OPTION_ARG_STRING, &model_name, "a built-in model or a file", "NAME|FILE"},
    {"size", 's', 0, G_OPTION_ARG_STRING, &size, "of the input, 640x360", "WxH"},
    {"threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "0: all that the process may use", "N"},
    {"cpu", 'c', 0, G_OPTION_ARG_STRING, &cpu_name,
     "auto, scalar, sse2, avx2, avx-vnni, avx512, avx512-vnni, neon", "LEVEL"},
    {"frames", 'n', 0, G_OPTION_ARG_INT, &n_frames, "timed, after two that are not", "K"},
    {"precision", 'p', 0, G_OPTION_ARG_STRING, &precision, "float32 or int16", "NAME"},
    {"noise", 0, 0, G_OPTION_ARG_NONE, &noise, "black and white noise, the slowest for int16",
     NULL},
    {"tile-size", 0, 0, G_OPTION_ARG_INT, &tile_size, "0: chosen", "N"},
    {"layers", 'l', 0, G_OPTION_ARG_NONE, &layers, "where the time goes", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &json, "one line of JSON", NULL},
    {NULL},
};

static RfdnModel *
load_model (GError **error)
{
  const char *name = model_name ? model_name : rfdn_builtin_models ()->name;
  g_autofree char *contents = NULL;
  gsize length;

  if (!g_file_test (name, G_FILE_TEST_EXISTS))
    return rfdn_model_new_builtin (name, 0, error);
  if (!g_file_get_contents (name, &contents, &length, error))
    return NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_steal_pointer (&contents), length);
  return rfdn_model_new (bytes, error);
}

static RfdnCpu
find_cpu (void)
{
  RfdnCpu cpu = RFDN_CPU_AUTO;
  if (cpu_name && !bench_find_level (cpu_name, &cpu)) {
    g_printerr ("rfdn-bench: there is no CPU level '%s'\n", cpu_name);
    exit (1);
  }
  return cpu;
}

static RfdnPrecision
find_precision (void)
{
  if (precision == NULL || g_str_equal (precision, "float32"))
    return RFDN_PRECISION_FLOAT32;
  if (g_str_equal (precision, "int16"))
    return RFDN_PRECISION_INT16;
  g_printerr ("rfdn-bench: there is no precision '%s'\n", precision);
  exit (1);
}

/* Of the level that `description` of an upscaler names. */
static double
measure_peak (const char *description)
{
  for (RfdnCpu cpu = RFDN_CPU_SCALAR; rfdn_cpu_get_name (cpu) != NULL; cpu++) {
    g_autofree char *mention = g_strdup_printf (": %s,", rfdn_cpu_get_name (cpu));
    if (strstr (description, mention))
      return bench_measure_peak (cpu);
  }
  g_assert_not_reached ();
}

typedef struct {
  double setup, first;   /* milliseconds until the first frame can begin, and of that frame */
  double *times;         /* of the others, sorted */
  double processor;      /* of all threads, a frame */
  long memory, memory_2; /* KiB at most: in the end, and after two frames */
} Result;

static double
get_processor_ms (const struct rusage *usage)
{
  return 1e3 * (double) (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
         1e-3 * (double) (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* Something like a picture: slopes, some edges, grain. */
static void
draw (guint8 *plane, guint width, guint height)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++) {
      const double slope = 50 * sin (x / 31.0) * cos (y / 23.0);
      const double edge = (x / 40 + y / 24) % 5 == 0 ? 45 : 0;
      *plane++ = noise ? (guint8) (g_rand_boolean (random) ? 255 : 0)
                       : (guint8) (100 + slope + edge + g_rand_double_range (random, -4, 4));
    }
  }
}

static void
time_frames (RfdnUpscaler *upscaler, const RfdnModelInfo *info, guint width, guint height,
             Result *result)
{
  const gsize plane = (gsize) width * height, scaled = plane * info->scale * info->scale;
  g_autofree guint8 *in = g_malloc (plane * info->channels);
  g_autofree guint8 *out = g_malloc (scaled * info->channels);
  RfdnPlane from[3], to[3];
  struct rusage before, after;

  result->times = g_new (double, n_frames);
  for (guint c = 0; c < info->channels; c++) {
    draw (in + c * plane, width, height);
    from[c] = (RfdnPlane){in + c * plane, width, 1};
    to[c] = (RfdnPlane){out + c * scaled, (gssize) width * info->scale, 1};
  }
  for (gint i = -2; i < n_frames; i++) {
    if (i == 0) {
      getrusage (RUSAGE_SELF, &before);
      if (layers)
        rfdn_upscaler_start_profile (upscaler);
    }
    gint64 start = g_get_monotonic_time ();
    rfdn_upscaler_run (upscaler, from, to);
    const double time = (double) (g_get_monotonic_time () - start) / 1e3;
    if (i == -2)
      result->first = time;
    if (i >= 0)
      result->times[i] = time;
  }
  getrusage (RUSAGE_SELF, &after);
  result->processor = (get_processor_ms (&after) - get_processor_ms (&before)) / n_frames;
  result->memory_2 = before.ru_maxrss;
  result->memory = after.ru_maxrss;
  bench_sort (result->times, (guint) n_frames);
}

static void
print_result (const Result *r, const RfdnModelInfo *info, const char *plan, guint width,
              guint height, guint threads)
{
  const double median = r->times[n_frames / 2];
  const double rate = 2e-6 * (double) info->macs * width * height / median;
  const double peak = 1e-9 * threads * measure_peak (plan);

  if (json) {
    printf ("{\"width\":%u,\"height\":%u,\"scale\":%u,\"threads\":%u,\"median_ms\":%.3f,"
            "\"min_ms\":%.3f,\"max_ms\":%.3f,\"processor_ms\":%.3f,\"setup_ms\":%.3f,"
            "\"first_ms\":%.3f,\"gflops\":%.2f,\"peak_gflops\":%.2f,\"memory_kib\":%ld,"
            "\"growth_kib\":%ld,\"plan\":\"%s\"}\n",
            width, height, info->scale, threads, median, r->times[0], r->times[n_frames - 1],
            r->processor, r->setup, r->first, rate, peak, r->memory, r->memory - r->memory_2, plan);
    return;
  }
  printf ("%s x%u, %" G_GUINT64_FORMAT " multiply-adds a pixel\n%s\n"
          "%.2f ms a frame (%.2f to %.2f), %.1f frames a second; %.2f ms of processor time\n"
          "the first after %.1f + %.1f ms\n"
          "%.1f GFLOP/s as direct convolutions, %.0f%% of the peak of %.1f\n"
          "memory %.1f MiB, grown by %.1f since the second frame\n",
          info->architecture, info->scale, info->macs, plan, median, r->times[0],
          r->times[n_frames - 1], 1e3 / median, r->processor, r->setup, r->first, rate,
          100 * rate / peak, peak, (double) r->memory / 1024,
          (double) (r->memory - r->memory_2) / 1024);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (((const RfdnLayerTime *) a)->name, ((const RfdnLayerTime *) b)->name);
}

/* Layers of the same kind and shape together; milliseconds of all threads a frame. */
static void
print_layers (const RfdnUpscaler *upscaler, guint n_pixels)
{
  const double to_ms = 1e-6 / n_frames;
  gint64 total = 0;
  guint n;
  RfdnLayerTime *times = rfdn_upscaler_get_profile (upscaler, &n);

  for (guint i = 0; i < n; i++)
    total += times[i].kernel + times[i].rest;
  qsort (times, n, sizeof *times, compare_names);
  printf ("%-44s %5s %9s %9s %7s %9s\n", "layers", "", "ms", "rest, ms", "share", "GFLOP/s");
  for (guint i = 0, count; i < n; i += count) {
    gint64 kernel = 0, rest = 0;
    guint64 macs = 0;
    for (count = 0; i + count < n && g_str_equal (times[i].name, times[i + count].name); count++) {
      kernel += times[i + count].kernel;
      rest += times[i + count].rest;
      macs += times[i + count].macs;
    }
    printf ("%-44s x%-4u %9.3f %9.3f %6.1f%% %9.1f\n", times[i].name, count,
            (double) kernel * to_ms, (double) rest * to_ms,
            100.0 * (double) (kernel + rest) / (double) MAX (total, 1),
            2.0 * (double) macs * n_pixels * n_frames / (double) MAX (kernel, 1));
  }
  printf ("%-44s %5s %9.3f\n", "all", "", (double) total * to_ms);
  rfdn_layer_times_free (times, n);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- time the engine");
  g_autoptr (GError) error = NULL;
  guint width = 640, height = 360;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) ||
      (size && sscanf (size, "%ux%u", &width, &height) != 2) || n_frames < 1 || n_threads < 0 ||
      tile_size < 0) {
    g_printerr ("rfdn-bench: %s\n", error ? error->message : "a number is wrong; see --help");
    return 1;
  }

  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  params.width = width;
  params.height = height;
  params.n_threads = (guint) n_threads;
  params.tile_size = (guint) tile_size;
  params.cpu = find_cpu ();
  params.precision = find_precision ();
  g_autoptr (RfdnModel) model = load_model (&error);
  gint64 start = g_get_monotonic_time ();
  g_autoptr (RfdnUpscaler) upscaler = model ? rfdn_upscaler_new (model, &params, &error) : NULL;
  if (upscaler == NULL) {
    g_printerr ("rfdn-bench: %s\n", error->message);
    return 1;
  }
  Result result = {.setup = (double) (g_get_monotonic_time () - start) / 1e3};

  const RfdnModelInfo *info = rfdn_model_get_info (model);
  g_autofree char *plan = rfdn_upscaler_describe (upscaler);
  time_frames (upscaler, info, width, height, &result);
  print_result (&result, info, plan, width, height,
                n_threads ? (guint) n_threads : rfdn_available_threads ());
  if (layers && !json)
    print_layers (upscaler, width * height);
  g_free (result.times);
  return 0;
}
