/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times every kernel at the shapes of real layers, on one thread:
 *
 *   rfdn-bench-kernels [--cpu LEVEL] [--kernel NAME] [--width N] [--json]
 *
 * A call computes a strip of four rows (convolutions) or one row (the others), the same one again
 * and again, as a network does that rolls through the cache. Reports nanoseconds of processor time
 * a call; of convolutions the rate in operations of direct convolutions (two a multiply-add) and
 * what part that is of the multiply-add peak of the core, measured in the same run; of the others
 * how much memory they touch a second. */

#include <stdio.h>

#include "format.h"
#include "common.h"
#include "network-private.h"

#define REPEATS 9
#define REPEAT_NS 5e6
#define FIR_TAPS 6

static char *cpu_name = NULL, *kernel_name = NULL;
static gint only_width = 0;
static gboolean json = FALSE;

static const GOptionEntry options[] = {
    {"cpu", 'c', 0, G_OPTION_ARG_STRING, &cpu_name, "scalar, sse2, avx2, avx512, neon; all",
     "LEVEL"},
    {"kernel", 'k', 0, G_OPTION_ARG_STRING, &kernel_name, "only this one", "NAME"},
    {"width", 'w', 0, G_OPTION_ARG_INT, &only_width, "of the frame, in pixels; 320 and 640", "N"},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &json, "a line of JSON a kernel", NULL},
    {NULL},
};

/* ---- shapes ---------------------------------------------------------------------------------- */

typedef struct Bench Bench;

typedef struct {
  const char *name;
  void (*call) (const Bench *bench);
  guint taps; /* of convolutions */
  /* of the others: bytes read and written, a pixel of a channel */
  double bytes;
} Kernel;

typedef struct {
  Kernel kernel;
  const char *layer;
  guint in, out;
  RfdnGrid grid; /* of the output */
  gboolean add;
} Shape;

/* Rows of an activation, laid out as the engine does. */
typedef struct {
  float *memory, *first;
  gsize run, row;
} Rows;

struct Bench {
  const RfdnKernels *kernels;
  const RfdnConv *conv;
  const Shape *shape;
  guint width; /* pixels of the output */
  Rows src, dst;
  guint8 *samples;
  float *packed, *scratch;
  gint32 *left, *right;
  float *weight;
};

static const RfdnSampleFormat format = {RFDN_SAMPLES_U8, 8, 0};
static const float fir_taps[FIR_TAPS] = {0.02f, -0.13f, 0.61f, 0.61f, -0.13f, 0.02f};

static guint
get_columns (const Bench *bench)
{
  return (bench->width + RFDN_PHASES - 1) / RFDN_PHASES;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static RfdnConvShape
get_conv_shape (const Shape *shape)
{
  const guint side = shape->kernel.taps == 9 ? 3 : 1;
  return (RfdnConvShape){shape->in, shape->out, side, side};
}

static void
call_conv (const Bench *b)
{
  RfdnConvStrip strip = {
      .src_run = b->src.run,
      .shape = get_conv_shape (b->shape),
      .weights = b->packed,
      .dst_run = b->dst.run,
      .slope = 0.05f,
      .rows = RFDN_STRIP,
      .n = get_columns (b),
      .scratch = b->scratch,
  };
  for (guint r = 0; r < 2 * RFDN_STRIP + 1; r++)
    strip.src[r] = b->src.first + r * b->src.row;
  for (guint r = 0; r < RFDN_STRIP; r++)
    strip.dst[r] = b->dst.first + r * b->dst.row;
  if (b->shape->add) {
    for (guint r = 0; r < RFDN_STRIP; r++)
      strip.add[r] = b->src.first + (r + 1) * b->src.row;
    strip.add_run = b->src.run;
  }
  b->conv->strip (&strip);
}

static void
call_max_pool (const Bench *b)
{
  const float *rows[7];
  for (guint r = 0; r < G_N_ELEMENTS (rows); r++)
    rows[r] = b->src.first + r * b->src.row;
  b->kernels->max_pool_row (b->dst.first, b->dst.run, rows, b->src.run, b->shape->out, b->width);
}

static void
call_upsample (const Bench *b)
{
  b->kernels->upsample_row (b->dst.first, b->dst.run, b->src.first, b->src.first + b->src.row,
                            b->src.run, 0.3f, b->left, b->right, b->weight, get_columns (b),
                            b->shape->out, get_columns (b));
}

static void
call_gate (const Bench *b)
{
  b->kernels->gate_row (b->dst.first, b->dst.run, b->src.first, b->src.run, b->shape->out,
                        get_columns (b));
}

static void
call_load (const Bench *b)
{
  b->kernels->load_row (b->dst.first, b->dst.run, b->samples, b->shape->in, &format, 1, 0,
                        b->width);
}

static void
call_store (const Bench *b)
{
  b->kernels->store_row (b->samples, b->shape->out, &format, b->src.first, b->src.run, 0,
                         b->shape->in, 1, b->width);
}

static void
call_fir (const Bench *b)
{
  const float *rows[FIR_TAPS];
  for (guint t = 0; t < FIR_TAPS; t++)
    rows[t] = b->src.first + t * b->src.row;
  b->kernels->fir_row (b->dst.first, rows, fir_taps, FIR_TAPS, b->width);
}

static void
call_unpack (const Bench *b)
{
  b->kernels->unpack_row (b->dst.first, b->samples, 1, &format, b->width);
}

static void
call_pack (const Bench *b)
{
  b->kernels->pack_row (b->samples, 1, &format, b->src.first, b->src.row, b->shape->in,
                        b->width * b->shape->in);
}

/* ---- the list -------------------------------------------------------------------------------- */

#define CONV_3X3                                                                                   \
  {                                                                                                \
    "conv3x3", call_conv, 9, 0                                                                     \
  }
#define CONV_3X3_WIDE                                                                              \
  {                                                                                                \
    "conv3x3_wide", call_conv, 9, 0                                                                \
  }
#define CONV_1X1                                                                                   \
  {                                                                                                \
    "conv1x1", call_conv, 1, 0                                                                     \
  }
#define CONV_3X3_STRIDE2                                                                           \
  {                                                                                                \
    "conv3x3_stride2", call_conv, 9, 0                                                             \
  }
#define MAX_POOL                                                                                   \
  {                                                                                                \
    "max_pool_row", call_max_pool, 0, 4 * (7 * 3 + 1)                                              \
  }
#define UPSAMPLE                                                                                   \
  {                                                                                                \
    "upsample_row", call_upsample, 0, 4 * 2                                                        \
  }
#define GATE                                                                                       \
  {                                                                                                \
    "gate_row", call_gate, 0, 4 * 3                                                                \
  }
#define LOAD                                                                                       \
  {                                                                                                \
    "load_row", call_load, 0, 1 + 4                                                                \
  }
#define STORE                                                                                      \
  {                                                                                                \
    "store_row", call_store, 0, 4 + 1                                                              \
  }
#define FIR                                                                                        \
  {                                                                                                \
    "fir_row", call_fir, 0, 4 * (FIR_TAPS + 1)                                                     \
  }
#define UNPACK                                                                                     \
  {                                                                                                \
    "unpack_row", call_unpack, 0, 1 + 4                                                            \
  }
#define PACK                                                                                       \
  {                                                                                                \
    "pack_row", call_pack, 0, 4 + 1                                                                \
  }

#define FRAME RFDN_GRID_FRAME
#define HALF RFDN_GRID_HALF
#define POOLED RFDN_GRID_POOLED

/* E-RFDN x4 with 50 features in RGB, then the built-in models' 16 in luma and x2, then chroma. Of
 * samples, `in` of load_row and `out` of store_row are the components that lie side by side, and
 * the other way round `in` is the scale. */
static const Shape shapes[] = {
    {LOAD, "rfdn load", 3, 1, FRAME, FALSE},
    {CONV_3X3, "rfdn fea_conv", 3, 50, FRAME, FALSE},
    {CONV_1X1, "rfdn c1_d", 50, 25, FRAME, FALSE},
    {CONV_3X3_WIDE, "rfdn c1_r", 50, 50, FRAME, TRUE},
    {CONV_3X3_WIDE, "rfdn c4", 50, 25, FRAME, FALSE},
    {CONV_1X1, "rfdn c5", 100, 50, FRAME, FALSE},
    {CONV_1X1, "rfdn esa.conv1", 50, 12, FRAME, FALSE},
    {CONV_3X3_STRIDE2, "rfdn esa.conv2", 12, 12, HALF, FALSE},
    {MAX_POOL, "rfdn esa", 12, 12, POOLED, FALSE},
    {CONV_3X3, "rfdn esa.conv3", 12, 12, POOLED, FALSE},
    {CONV_1X1, "rfdn esa.conv_f", 12, 12, FRAME, FALSE},
    {UPSAMPLE, "rfdn esa", 12, 12, FRAME, FALSE},
    {CONV_1X1, "rfdn esa.conv4", 12, 50, FRAME, FALSE},
    {GATE, "rfdn esa", 50, 50, FRAME, FALSE},
    {CONV_1X1, "rfdn c", 50, 50, FRAME, TRUE},
    {CONV_3X3_WIDE, "rfdn upsampler", 50, 48, FRAME, FALSE},
    {STORE, "rfdn store", 4, 3, FRAME, FALSE},
    {LOAD, "live load", 1, 1, FRAME, FALSE},
    {CONV_3X3, "live fea_conv", 1, 16, FRAME, FALSE},
    {CONV_3X3_WIDE, "live repblock", 16, 16, FRAME, FALSE},
    {CONV_3X3_WIDE, "live conv3", 16, 16, FRAME, TRUE},
    {CONV_3X3_WIDE, "live upsampler", 16, 4, FRAME, FALSE},
    {STORE, "live store", 2, 1, FRAME, FALSE},
    {UNPACK, "chroma", 1, 1, FRAME, FALSE},
    {FIR, "chroma", 1, 1, FRAME, FALSE},
    {PACK, "chroma", 2, 1, FRAME, FALSE},
};

/* ---- a bench --------------------------------------------------------------------------------- */

static guint
grid_width (RfdnGrid grid, guint frame_width)
{
  const guint half = (frame_width - 3) / 2 + 1;
  return grid == RFDN_GRID_FRAME ? frame_width : grid == RFDN_GRID_HALF ? half : (half - 7) / 3 + 1;
}

static Rows
rows_new (guint rows, guint channels, guint width, GRand *random)
{
  Rows r = {.run = rfdn_run_size ((gint) width)};
  r.row = channels * RFDN_PHASES * r.run;
  const gsize size = RFDN_RUN_SLACK + rows * r.row + RFDN_RUN_AFTER;
  r.memory = g_aligned_alloc0 (size, sizeof (float), RFDN_ALIGN);
  r.first = r.memory + RFDN_RUN_SLACK;
  for (gsize i = 0; i < size; i++)
    r.memory[i] = (float) g_rand_double_range (random, -1, 1);
  return r;
}

static const RfdnConv *
find_conv (const RfdnKernels *kernels, const char *name)
{
  return g_str_equal (name, "conv3x3")        ? &kernels->conv3x3
         : g_str_equal (name, "conv3x3_wide") ? &kernels->conv3x3_wide
         : g_str_equal (name, "conv1x1")      ? &kernels->conv1x1
                                              : &kernels->conv3x3_stride2;
}

static void
prepare_conv (Bench *bench, GRand *random)
{
  const Shape *s = bench->shape;
  const guint n = s->in * s->out * s->kernel.taps;
  const RfdnConvShape shape = get_conv_shape (s);
  g_autofree float *weights = g_new (float, n);

  for (guint i = 0; i < n; i++)
    weights[i] = (float) g_rand_double_range (random, -0.1, 0.1);
  bench->conv = find_conv (bench->kernels, s->kernel.name);
  bench->packed = g_aligned_alloc0 (bench->conv->packed_size (&shape), sizeof (float), RFDN_ALIGN);
  bench->scratch =
      g_aligned_alloc0 (bench->conv->scratch_size (&shape) + 1, sizeof (float), RFDN_ALIGN);
  bench->conv->pack (bench->packed, weights, NULL, &shape);
}

/* Where the pixels of a row of FRAME find their neighbours in one of POOLED. */
static void
prepare_upsampling (Bench *bench, guint low_width)
{
  const guint columns = get_columns (bench);

  bench->left = g_new0 (gint32, RFDN_PHASES * columns + RFDN_RUN_AFTER);
  bench->right = g_new0 (gint32, RFDN_PHASES * columns + RFDN_RUN_AFTER);
  bench->weight = g_new0 (float, RFDN_PHASES *columns + RFDN_RUN_AFTER);
  for (guint x = 0; x < bench->width; x++) {
    const double at = MAX ((x + 0.5) * low_width / bench->width - 0.5, 0);
    const guint l = (guint) at, r = MIN (l + 1, low_width - 1);
    const guint k = x % RFDN_PHASES * columns + x / RFDN_PHASES;
    bench->left[k] = (gint32) (l % RFDN_PHASES * bench->src.run + l / RFDN_PHASES);
    bench->right[k] = (gint32) (r % RFDN_PHASES * bench->src.run + r / RFDN_PHASES);
    bench->weight[k] = (float) (at - l);
  }
}

static Bench
bench_new (const RfdnKernels *kernels, const Shape *shape, guint frame_width)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  const guint low_width = grid_width (RFDN_GRID_POOLED, frame_width);
  const gboolean upsamples = shape->kernel.call == call_upsample;
  const guint source_width = upsamples                        ? low_width
                             : shape->grid == RFDN_GRID_FRAME ? frame_width
                             : shape->kernel.call == call_max_pool
                                 ? grid_width (RFDN_GRID_HALF, frame_width)
                                 : frame_width;
  Bench b = {.kernels = kernels, .shape = shape, .width = grid_width (shape->grid, frame_width)};

  b.src = rows_new (2 * RFDN_STRIP + 1, shape->in, source_width, random);
  b.dst = rows_new (RFDN_STRIP, shape->out, b.width, random);
  b.samples = g_malloc0 ((gsize) b.width * shape->in * shape->out);
  if (shape->kernel.taps)
    prepare_conv (&b, random);
  if (upsamples)
    prepare_upsampling (&b, low_width);
  return b;
}

static void
bench_clear (Bench *b)
{
  g_aligned_free (b->src.memory);
  g_aligned_free (b->dst.memory);
  g_aligned_free (b->packed);
  g_aligned_free (b->scratch);
  g_free (b->samples);
  g_free (b->left);
  g_free (b->right);
  g_free (b->weight);
}

/* ---- measuring ------------------------------------------------------------------------------- */

static double
time_calls (const Bench *b, guint n)
{
  const gint64 start = bench_look_at_clock ();
  for (guint i = 0; i < n; i++)
    b->shape->kernel.call (b);
  return (double) (bench_look_at_clock () - start);
}

/* Median nanoseconds of processor time a call. */
static double
measure (const Bench *b)
{
  double times[REPEATS];
  guint n = 1;

  while (n < 1u << 24 && time_calls (b, n) < REPEAT_NS)
    n *= 2;
  for (guint i = 0; i < REPEATS; i++)
    times[i] = time_calls (b, n) / n;
  bench_sort (times, REPEATS);
  return times[REPEATS / 2];
}

/* Operations of a direct convolution, or bytes touched, a call. */
static double
get_work (const Bench *b)
{
  const Shape *s = b->shape;
  const Kernel *kernel = &s->kernel;

  if (kernel->taps)
    return 2.0 * s->in * s->out * kernel->taps * RFDN_STRIP * b->width;
  if (kernel->call == call_upsample) /* and the tables, which all channels share */
    return b->width * (kernel->bytes * s->out + 12);
  if (kernel->call == call_store || kernel->call == call_pack)
    return b->width * kernel->bytes * s->in;
  if (kernel->call == call_max_pool || kernel->call == call_gate)
    return b->width * kernel->bytes * s->out;
  return b->width * kernel->bytes;
}

static void
report (const Bench *b, guint frame_width, double ns, double peak)
{
  const Shape *s = b->shape;
  const char *level = rfdn_cpu_get_name (b->kernels->cpu);
  const gboolean conv = s->kernel.taps > 0;
  const double rate = get_work (b) / ns;

  if (json) {
    printf ("{\"cpu\":\"%s\",\"kernel\":\"%s\",\"layer\":\"%s\",\"in\":%u,\"out\":%u,"
            "\"frame_width\":%u,\"width\":%u,\"rows\":%d,\"ns\":%.1f,\"%s\":%.3f,"
            "\"peak_gflops\":%.2f}\n",
            level, s->kernel.name, s->layer, s->in, s->out, frame_width, b->width,
            conv ? RFDN_STRIP : 1, ns, conv ? "gflops" : "gbytes", rate, peak / 1e9);
  } else {
    printf ("%-7s %-16s %-16s %3u > %-3u %4u x %d %12.0f", level, s->kernel.name, s->layer, s->in,
            s->out, b->width, conv ? RFDN_STRIP : 1, ns);
    if (conv)
      printf (" %8.1f %6.0f%%\n", rate, 100e9 * rate / peak);
    else
      printf (" %8s %7s %8.1f\n", "", "", rate);
  }
  fflush (stdout);
}

/* How many kernels were measured. */
static guint
run_level (const RfdnKernels *kernels)
{
  static const guint widths[] = {320, 640};
  const double peak = bench_measure_peak (kernels->cpu);
  guint count = 0;

  for (guint w = 0; w < (only_width ? 1 : G_N_ELEMENTS (widths)); w++) {
    const guint width = only_width ? (guint) only_width : widths[w];
    for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
      if (kernel_name && !g_str_equal (shapes[i].kernel.name, kernel_name))
        continue;
      Bench bench = bench_new (kernels, &shapes[i], width);
      report (&bench, width, measure (&bench), peak);
      bench_clear (&bench);
      count++;
    }
  }
  return count;
}

static gboolean
parse_options (int *argc, char ***argv, RfdnCpu *cpu, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- time the kernels");

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (cpu_name && !bench_find_level (cpu_name, cpu)) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "there is no CPU level '%s'", cpu_name);
    return FALSE;
  }
  if (only_width != 0 && (only_width < 32 || only_width > RFDN_MAX_SIZE)) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "a width is 32 to %d pixels", RFDN_MAX_SIZE);
    return FALSE;
  }
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  RfdnCpu only = RFDN_CPU_AUTO;
  guint count = 0;

  if (!parse_options (&argc, &argv, &only, &error) ||
      (cpu_name && rfdn_kernels_get (only, RFDN_PRECISION_FLOAT32, &error) == NULL)) {
    g_printerr ("rfdn-bench-kernels: %s\n", error->message);
    return 1;
  }
  if (!json)
    printf ("%-7s %-16s %-16s %9s %8s %12s %8s %7s %8s\n", "level", "kernel", "layer", "channels",
            "pixels", "ns a call", "GFLOP/s", "of peak", "GB/s");
  for (RfdnCpu cpu = RFDN_CPU_SCALAR; rfdn_cpu_get_name (cpu) != NULL; cpu++) {
    const RfdnKernels *kernels =
        rfdn_kernels_get (cpu_name ? only : cpu, RFDN_PRECISION_FLOAT32, NULL);
    if (kernels && kernels->cpu == cpu)
      count += run_level (kernels);
  }
  if (count == 0)
    g_printerr ("rfdn-bench-kernels: there is no kernel '%s'\n", kernel_name);
  return count == 0;
}
