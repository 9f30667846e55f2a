/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All operations: random graphs that combine them, compared with plain arithmetic on whole maps; at
 * every CPU level, in tiles of any size, with any number of threads. */

#include <math.h>
#include <string.h>

#include "model.h"
#include "naive-graph.h"
#include "ops/ops.h"
#include "picture.h"

#define ROUNDS 60
#define MOST 7 /* channels of a map */

typedef struct {
  RfdnGraph *graph;
  RfdnSlice maps[16]; /* whole ones over FRAME that may be read */
  guint n_maps;
} Builder;

static guint
random_below (guint n)
{
  return (guint) g_test_rand_int_range (0, (gint32) n);
}

static float *
random_numbers (guint n, double size)
{
  float *values = g_new (float, n);

  for (guint i = 0; i < n; i++)
    values[i] = (float) g_test_rand_double_range (-size, size);
  return values;
}

static RfdnSlice
random_slice (const Builder *builder)
{
  const RfdnSlice map = builder->maps[random_below (builder->n_maps)];
  const guint first = random_below (map.n);

  return rfdn_slice (map, first, 1 + random_below (map.n - first));
}

/* A map of `n` channels or one; none if there is no such map. */
static RfdnSlice
find_map (const Builder *builder, guint n)
{
  for (guint tries = 0; tries < 8; tries++) {
    const RfdnSlice map = random_slice (builder);
    if (map.n >= n)
      return (RfdnSlice){map.activation, map.first, n};
    if (map.n == 1)
      return map;
  }
  return (RfdnSlice){0};
}

/* Keeps one weight of each filter, or none: shifts and the like. */
static void
make_sparse (RfdnLayer *layer, guint size)
{
  for (guint o = 0; o < layer->out.n; o++) {
    const guint kept = random_below (size + 1);
    for (guint i = 0; i < size; i++)
      layer->weights[o * size + i] *= i == kept;
  }
}

static void
set_weights (RfdnLayer *layer, guint taps, gboolean depthwise)
{
  const guint inputs = (depthwise ? 1 : layer->in.n) * taps;

  layer->weights = random_numbers (layer->out.n * inputs, 1.5 / sqrt (inputs));
  if (random_below (4) == 0)
    make_sparse (layer, inputs);
  layer->bias = g_test_rand_bit () ? random_numbers (layer->out.n, 0.3) : NULL;
}

static void
set_function (RfdnLayer *layer)
{
  layer->function = RFDN_LINEAR;
  if (g_test_rand_bit ())
    return;
  layer->function.kind = random_below (RFDN_FUNCTION_CLIP + 1);
  layer->function.a = layer->function.kind == RFDN_FUNCTION_CLIP ? -0.4f : 0.2f;
  layer->function.b = 0.6f;
  if (layer->function.kind == RFDN_FUNCTION_PRELU)
    layer->slopes = random_numbers (layer->out.n, 0.5);
}

static void
set_extras (Builder *builder, RfdnLayer *layer)
{
  const guint n = layer->out.n;

  if (random_below (3) == 0)
    layer->add = find_map (builder, n);
  if (random_below (3) == 0)
    layer->plus = find_map (builder, n);
  if (random_below (3) == 0) {
    layer->times = find_map (builder, n);
    layer->product = random_below (RFDN_PRODUCT_GATE + 1);
  }
}

static RfdnSlice
add_frame (Builder *builder, guint channels)
{
  const RfdnSlice out = rfdn_graph_add_activation (builder->graph, RFDN_GRID_FRAME, channels);

  if (random_below (3) == 0)
    rfdn_graph_set_border (builder->graph, out.activation, random_below (3));
  return out;
}

static void
add_layer (Builder *builder, RfdnLayer *layer)
{
  set_function (layer);
  set_extras (builder, layer);
  rfdn_graph_add_layer (builder->graph, layer);
  builder->maps[builder->n_maps++] = layer->out;
}

static void
add_conv (Builder *builder, const RfdnOp *op, guint width, guint height, gboolean depthwise)
{
  RfdnLayer layer = {.op = op, .in = random_slice (builder)};

  layer.kernel_width = width;
  layer.kernel_height = height;
  layer.out = add_frame (builder, depthwise ? layer.in.n : 1 + random_below (MOST));
  set_weights (&layer, width * height, depthwise);
  add_layer (builder, &layer);
}

/* Wide enough for Winograd. */
static void
add_wide_conv (Builder *builder)
{
  RfdnLayer widen = {.op = &rfdn_op_conv1x1, .in = random_slice (builder)};
  RfdnLayer layer = {.op = &rfdn_op_conv3x3};

  widen.out = layer.in = add_frame (builder, 9);
  set_weights (&widen, 1, FALSE);
  add_layer (builder, &widen);
  layer.out = add_frame (builder, 1 + random_below (MOST));
  set_weights (&layer, 9, FALSE);
  add_layer (builder, &layer);
}

static void
add_copy (Builder *builder)
{
  RfdnLayer layer = {.op = &rfdn_op_copy, .in = random_slice (builder)};

  layer.out = add_frame (builder, layer.in.n);
  add_layer (builder, &layer);
}

static void
add_softmax (Builder *builder)
{
  const guint channels = 1 + random_below (3), values = 1 + random_below (4);
  RfdnLayer keys = {.op = &rfdn_op_conv1x1, .in = random_slice (builder)};
  RfdnLayer layer = {.op = &rfdn_op_softmax};

  keys.out = layer.in = add_frame (builder, 2 * channels * values);
  set_weights (&keys, 1, FALSE);
  keys.function = RFDN_LINEAR;
  rfdn_graph_add_layer (builder->graph, &keys);
  layer.out = add_frame (builder, channels);
  add_layer (builder, &layer);
}

/* Reduced to one pixel, convolved, and multiplied with. */
static void
add_mean (Builder *builder)
{
  RfdnLayer layer = {.op = g_test_rand_bit () ? &rfdn_op_mean : &rfdn_op_mean_std,
                     .in = random_slice (builder),
                     .function = RFDN_LINEAR};
  RfdnLayer conv = {.op = &rfdn_op_conv1x1};
  RfdnLayer copy = {.op = &rfdn_op_copy, .in = layer.in, .function = RFDN_LINEAR};

  layer.out = rfdn_graph_add_activation (builder->graph, RFDN_GRID_POINT, layer.in.n);
  rfdn_graph_add_layer (builder->graph, &layer);
  conv.in = layer.out;
  conv.out = rfdn_graph_add_activation (builder->graph, RFDN_GRID_POINT,
                                        g_test_rand_bit () ? layer.in.n : 1);
  set_weights (&conv, 1, FALSE);
  set_function (&conv);
  rfdn_graph_add_layer (builder->graph, &conv);
  copy.out = add_frame (builder, copy.in.n);
  copy.times = conv.out;
  copy.product = random_below (RFDN_PRODUCT_GATE + 1);
  rfdn_graph_add_layer (builder->graph, &copy);
  builder->maps[builder->n_maps++] = copy.out;
}

static void
add_random (Builder *builder, gboolean whole)
{
  const guint sides[] = {1, 3, 5, 7, 9};
  const guint width = sides[random_below (5)], height = sides[random_below (5)];

  switch (random_below (whole ? 8 : 7)) {
  case 0:
    add_conv (builder, &rfdn_op_conv, width, height, FALSE);
    break;
  case 1:
    add_conv (builder, &rfdn_op_conv3x3, 3, 3, FALSE);
    break;
  case 2:
    add_conv (builder, &rfdn_op_conv1x1, 1, 1, FALSE);
    break;
  case 3:
    add_conv (builder, &rfdn_op_depthwise, width, height, TRUE);
    break;
  case 4:
    add_copy (builder);
    break;
  case 5:
    add_softmax (builder);
    break;
  case 6:
    add_wide_conv (builder);
    break;
  default:
    add_mean (builder);
  }
}

/* Maps that nothing reads are added to the result, or they would not be computed. */
static void
add_sum (Builder *builder, guint channels)
{
  RfdnSlice sum = {0};

  for (guint i = 0; i < builder->n_maps; i++) {
    RfdnLayer layer = {
        .op = &rfdn_op_conv1x1, .in = builder->maps[i], .add = sum, .function = RFDN_LINEAR};
    layer.out = rfdn_graph_add_activation (builder->graph, RFDN_GRID_FRAME, channels);
    set_weights (&layer, 1, FALSE);
    rfdn_graph_add_layer (builder->graph, &layer);
    sum = layer.out;
  }
}

static RfdnGraph *
make_graph (guint in_channels, guint out_channels, gboolean whole)
{
  Builder builder = {.graph = rfdn_graph_new (in_channels)};

  builder.maps[builder.n_maps++] = rfdn_graph_get_input (builder.graph);
  while (builder.n_maps < 6)
    add_random (&builder, whole);
  add_sum (&builder, out_channels);
  return builder.graph;
}

/* ---- the engine beside ----------------------------------------------------------------------- */

static Map *
shuffle (const Map *in, guint scale)
{
  Map *out = map_new (in->channels / (scale * scale), in->height * scale, in->width * scale);

  for (guint c = 0; c < out->channels; c++) {
    for (guint y = 0; y < out->height; y++) {
      for (guint x = 0; x < out->width; x++) {
        const guint from = (c * scale + y % scale) * scale + x % scale;
        out->values[((gsize) c * out->height + y) * out->width + x] =
            in->values[((gsize) from * in->height + y / scale) * in->width + x / scale];
      }
    }
  }
  return out;
}

static void
assert_same (const Map *got, const Map *want, double size, const char *what)
{
  for (gsize i = 0; i < (gsize) want->channels * want->height * want->width; i++) {
    if (!(fabs ((double) got->values[i] - want->values[i]) <= 2e-5 * size))
      g_error ("%s: sample %" G_GSIZE_FORMAT " of %ux%u is %g, not %g", what, i, want->width,
               want->height, got->values[i], want->values[i]);
  }
}

static double
largest (const Map *map)
{
  double most = 1;

  for (gsize i = 0; i < (gsize) map->channels * map->height * map->width; i++)
    most = MAX (most, fabs (map->values[i]));
  return most;
}

static void
check_graph (gboolean whole)
{
  const guint channels = g_test_rand_bit () ? 1 : 3, scale = 1 + random_below (8);
  RfdnGraph *graph = make_graph (channels, channels * scale * scale, whole);
  /* Every third picture is smaller than a filter. */
  const guint most = random_below (3) ? 90 : 5;
  g_autoptr (Map) picture =
      make_picture (channels, 1 + random_below (MIN (most, 60)), 1 + random_below (most));
  g_autoptr (Map) naive = naive_run_graph (graph, picture);
  g_autoptr (Map) want = shuffle (naive, scale);
  const double size = largest (want);
  g_autoptr (RfdnModel) model = rfdn_model_new_for_graph (graph, scale);

  for (RfdnCpu cpu = RFDN_CPU_SCALAR; rfdn_cpu_get_name (cpu) != NULL; cpu++) {
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    if (!rfdn_cpu_is_available (cpu))
      continue;
    params.cpu = cpu;
    params.n_threads = 1 + random_below (4);
    g_autoptr (Map) got = upscale_float (model, &params, picture);
    assert_same (got, want, size, rfdn_cpu_get_name (cpu));
    /* Tiles change no bit. */
    for (guint round = 0; round < 3; round++) {
      params.tile_size = 1 + random_below (40);
      params.tile_height = 1 + random_below (40);
      params.n_threads = 1 + random_below (4);
      g_autoptr (Map) tiled = upscale_float (model, &params, picture);
      g_assert_cmpmem (tiled->values,
                       sizeof (float) * tiled->channels * tiled->height * tiled->width, got->values,
                       sizeof (float) * got->channels * got->height * got->width);
    }
  }
}

static void
test_finite (void)
{
  for (guint i = 0; i < ROUNDS; i++)
    check_graph (FALSE);
}

static void
test_whole (void)
{
  for (guint i = 0; i < ROUNDS; i++)
    check_graph (TRUE);
}

/* Convolutions whose filters have one weight each cost no more than a copy, whatever their
 * operation; with one more weight anywhere they cost more. */
static void
test_picks (void)
{
  const RfdnOp *const ops[] = {&rfdn_op_conv1x1, &rfdn_op_conv3x3, &rfdn_op_conv};
  const RfdnKernels *kernels = rfdn_kernels_get (RFDN_CPU_AUTO, RFDN_PRECISION_FLOAT32, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (ops); i++) {
    const guint taps = i == 0 ? 1 : 9;
    float weights[2 * 12 * 9] = {0};
    const RfdnLayer layer = {.op = ops[i],
                             .in = {0, 0, 12},
                             .out = {1, 0, 2},
                             .weights = weights,
                             .kernel_width = 3,
                             .kernel_height = 3};
    g_assert_true (ops[i]->get_conv (&layer, kernels, RFDN_GRID_FRAME) == &kernels->pick);
    weights[12 * taps - 1] = weights[12 * taps] = 0.5f;
    g_assert_true (ops[i]->get_conv (&layer, kernels, RFDN_GRID_FRAME) == &kernels->pick);
    weights[2 * 12 * taps - 1] = -0.5f;
    g_assert_true (ops[i]->get_conv (&layer, kernels, RFDN_GRID_FRAME) != &kernels->pick);
  }
}

/* Multiply-adds count what is computed: no zeros of filters that copy or work on channels
 * separately, nor of those after a pixel shuffle, which are filters on a finer grid. */
static void
test_macs (void)
{
  g_autoptr (RfdnGraph) graph = rfdn_graph_new (12);
  RfdnLayer layer = {.in = rfdn_graph_get_input (graph), .function = RFDN_LINEAR};
  const struct {
    const RfdnOp *op;
    guint outs, side, set; /* weights that are not zero, at the beginning of each filter */
    guint64 macs;
  } cases[] = {
      {&rfdn_op_conv1x1, 5, 1, 1, 5},     {&rfdn_op_conv1x1, 5, 1, 2, 60},
      {&rfdn_op_conv3x3, 5, 3, 1, 5},     {&rfdn_op_conv3x3, 5, 3, 2, 540},
      {&rfdn_op_conv, 5, 5, 1, 5},        {&rfdn_op_conv, 5, 5, 2, 1500},
      {&rfdn_op_depthwise, 12, 3, 4, 48}, {&rfdn_op_conv3x3_stride2, 5, 3, 1, 540},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const guint n = cases[i].side * cases[i].side * (cases[i].op == &rfdn_op_depthwise ? 1 : 12);
    const RfdnGrid grid =
        cases[i].op == &rfdn_op_conv3x3_stride2 ? RFDN_GRID_HALF : RFDN_GRID_FRAME;
    layer.op = cases[i].op;
    layer.kernel_width = layer.kernel_height = cases[i].side;
    layer.out = rfdn_graph_add_activation (graph, grid, cases[i].outs);
    layer.weights = g_new0 (float, cases[i].outs *n);
    for (guint k = 0; k < cases[i].outs * n; k++)
      layer.weights[k] = k % n < cases[i].set ? 0.5f : 0;
    rfdn_graph_add_layer (graph, &layer);
    g_assert_cmpuint (rfdn_graph_layer (graph, i)->macs, ==, cases[i].macs);
  }
  g_assert_cmpuint (rfdn_graph_get_n_parameters (graph), ==, 2 * (60 + 540 + 1500) + 108 + 540);
}

/* 3x3 filters of three channels in and two out on a grid twice as fine, as the converter writes
 * them: input channels in the order of pixel shuffle, output cell by cell. */
static float *
make_fine_weights (void)
{
  float *weights = g_new0 (float, 8 * 12 * 9);

  for (guint out = 0; out < 8; out++) {
    for (guint k = 0; k < 3 * 9; k++) {
      const guint y = out / 4 + k % 9 / 3 + 1,
                  x = out / 2 % 2 + k % 3 + 1; /* from a pixel before */
      const guint in = 4 * (k / 9) + 2 * (y % 2) + x % 2;
      weights[(out * 12 + in) * 9 + 3 * (y / 2) + x / 2] = (float) (1 + out % 2 + 2 * k);
    }
  }
  return weights;
}

static void
test_fine_macs (void)
{
  g_autoptr (RfdnGraph) graph = rfdn_graph_new (12);
  RfdnLayer layer = {.op = &rfdn_op_conv3x3,
                     .in = rfdn_graph_get_input (graph),
                     .out = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, 8),
                     .function = RFDN_LINEAR};

  for (guint round = 0; round < 2; round++) {
    layer.weights = make_fine_weights ();
    layer.weights[0] += (float) round; /* no longer one */
    rfdn_graph_add_layer (graph, &layer);
    g_assert_cmpuint (rfdn_graph_layer (graph, round)->macs, ==,
                      round == 0 ? 4 * 3 * 2 * 9 : 12 * 8 * 9);
  }
  g_assert_cmpuint (rfdn_graph_get_n_parameters (graph), ==, 2 * 12 * 8 * 9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ops/finite", test_finite);
  g_test_add_func ("/ops/whole", test_whole);
  g_test_add_func ("/ops/picks", test_picks);
  g_test_add_func ("/ops/macs", test_macs);
  g_test_add_func ("/ops/fine-macs", test_fine_macs);
  return g_test_run ();
}
