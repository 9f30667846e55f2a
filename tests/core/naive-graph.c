/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "naive-graph.h"

#include <math.h>

#include "ops/ops.h"

typedef struct {
  const RfdnGraph *graph;
  Map **maps; /* of each activation */
} Naive;

static float *
at (const Map *map, guint c, gint y, gint x)
{
  return map->values + ((gsize) c * map->height + (guint) y) * map->width + (guint) x;
}

/* If a side is shorter than the padding, it is mirrored at both ends in turn. */
static gint
beyond (RfdnBorder border, gint v, gint size)
{
  while (border == RFDN_BORDER_MIRROR && (v < 0 || v >= size))
    v = v < 0 ? -v - 1 : 2 * size - v - 1;
  return CLAMP (v, 0, size - 1);
}

static double
look (const Naive *naive, guint activation, guint c, gint y, gint x)
{
  const Map *map = naive->maps[activation];
  const RfdnBorder border = rfdn_graph_activation (naive->graph, activation)->border;
  const gint height = (gint) map->height, width = (gint) map->width;

  if (border == RFDN_BORDER_ZERO && (x < 0 || y < 0 || x >= width || y >= height))
    return 0;
  return *at (map, c, beyond (border, y, height), beyond (border, x, width));
}

/* ---- operations ------------------------------------------------------------------------------ */

static double
filter (const Naive *naive, const RfdnLayer *layer, guint o, gint y, gint x, guint width,
        guint height, gboolean depthwise)
{
  const guint n = depthwise ? 1 : layer->in.n;
  const float *w = layer->weights + (gsize) o * n * width * height;
  double sum = layer->bias ? layer->bias[o] : 0;

  for (guint i = 0; i < n; i++) {
    for (guint k = 0; k < width * height; k++)
      sum += *w++ * look (naive, layer->in.activation, layer->in.first + (depthwise ? o : i),
                          y + (gint) (k / width) - (gint) height / 2,
                          x + (gint) (k % width) - (gint) width / 2);
  }
  return sum;
}

static double
stride2 (const Naive *naive, const RfdnLayer *layer, guint o, gint y, gint x)
{
  const float *w = layer->weights + (gsize) o * layer->in.n * 9;
  double sum = layer->bias ? layer->bias[o] : 0;

  for (guint i = 0; i < layer->in.n; i++) {
    for (gint k = 0; k < 9; k++)
      sum += *w++ *
             look (naive, layer->in.activation, layer->in.first + i, 2 * y + k / 3, 2 * x + k % 3);
  }
  return sum;
}

static double
largest (const Naive *naive, const RfdnLayer *layer, guint c, gint y, gint x)
{
  double v = -INFINITY;

  for (gint k = 0; k < 49; k++)
    v = MAX (v,
             look (naive, layer->in.activation, layer->in.first + c, 3 * y + k / 7, 3 * x + k % 7));
  return v;
}

static double
softmax (const Naive *naive, const RfdnLayer *layer, guint c, gint y, gint x)
{
  const guint n = layer->in.n / layer->out.n / 2;
  double sum = 0, weights = 0;

  for (guint i = 0; i < n; i++) {
    const guint value = layer->in.first + i * layer->out.n + c;
    const double weight = exp (look (naive, layer->in.activation, value + n * layer->out.n, y, x));
    sum += weight * look (naive, layer->in.activation, value, y, x);
    weights += weight;
  }
  return sum / weights;
}

static double
mean (const Naive *naive, const RfdnLayer *layer, guint c, gboolean with_deviation)
{
  const Map *in = naive->maps[layer->in.activation];
  const double n = (double) in->width * in->height;
  double sum = 0, squares = 0;

  for (guint i = 0; i < in->width * in->height; i++)
    sum += *(at (in, layer->in.first + c, 0, 0) + i);
  for (guint i = 0; i < in->width * in->height; i++)
    squares += pow (*(at (in, layer->in.first + c, 0, 0) + i) - sum / n, 2);
  return sum / n + (with_deviation ? sqrt (squares / n) : 0);
}

static double
operate (const Naive *naive, const RfdnLayer *layer, guint o, gint y, gint x)
{
  if (layer->op == &rfdn_op_conv)
    return filter (naive, layer, o, y, x, layer->kernel_width, layer->kernel_height, FALSE);
  if (layer->op == &rfdn_op_depthwise)
    return filter (naive, layer, o, y, x, layer->kernel_width, layer->kernel_height, TRUE);
  if (layer->op == &rfdn_op_conv3x3)
    return filter (naive, layer, o, y, x, 3, 3, FALSE);
  if (layer->op == &rfdn_op_conv1x1)
    return filter (naive, layer, o, y, x, 1, 1, FALSE);
  if (layer->op == &rfdn_op_conv3x3_stride2)
    return stride2 (naive, layer, o, y, x);
  if (layer->op == &rfdn_op_max_pool)
    return largest (naive, layer, o, y, x);
  if (layer->op == &rfdn_op_softmax)
    return softmax (naive, layer, o, y, x);
  if (layer->op == &rfdn_op_mean || layer->op == &rfdn_op_mean_std)
    return mean (naive, layer, o, layer->op == &rfdn_op_mean_std);
  g_assert_true (layer->op == &rfdn_op_copy);
  return look (naive, layer->in.activation, layer->in.first + o, y, x);
}

/* ---- what layers do to their results --------------------------------------------------------- */

static double
sigmoid (double v)
{
  return 1 / (1 + exp (-v));
}

static double
apply (const RfdnLayer *layer, guint o, double v)
{
  const double a = layer->function.a;

  switch (layer->function.kind) {
  case RFDN_FUNCTION_LEAKY:
    return v < 0 ? a * v : v;
  case RFDN_FUNCTION_PRELU:
    return v < 0 ? layer->slopes[o] * v : v;
  case RFDN_FUNCTION_SILU:
    return v * sigmoid (v);
  case RFDN_FUNCTION_ELU:
    return v < 0 ? a * expm1 (v) : v;
  case RFDN_FUNCTION_GELU:
    return v * (1 + erf (v / sqrt (2))) / 2;
  case RFDN_FUNCTION_TANH:
    return tanh (v);
  case RFDN_FUNCTION_SIGMOID:
    return sigmoid (v);
  case RFDN_FUNCTION_HARD_SWISH:
    return v <= -3 ? 0 : v >= 3 ? v : v * (v + 3) / 6;
  case RFDN_FUNCTION_CLIP:
    return CLAMP (v, a, layer->function.b);
  }
  g_assert_not_reached ();
}

static double
read_map (const Naive *naive, const RfdnSlice *map, guint o, gint y, gint x)
{
  const Map *values = naive->maps[map->activation];
  const gboolean is_point =
      rfdn_graph_activation (naive->graph, map->activation)->grid == RFDN_GRID_POINT;

  return *at (values, map->first + (map->n == 1 ? 0 : o), is_point ? 0 : y, is_point ? 0 : x);
}

static double
multiply (const Naive *naive, const RfdnLayer *layer, guint o, gint y, gint x, double v)
{
  const double m = read_map (naive, &layer->times, o, y, x);

  switch (layer->product) {
  case RFDN_PRODUCT_PLAIN:
    return v * m;
  case RFDN_PRODUCT_SIGMOID:
    return v * sigmoid (m);
  case RFDN_PRODUCT_SIGMOID_HALF:
    return v * (sigmoid (m) - 0.5);
  case RFDN_PRODUCT_GATE:
    return sigmoid (v) * m;
  }
  g_assert_not_reached ();
}

/* Half-pixel centres; the outermost pixels are repeated. */
static double
enlarge (const Naive *naive, const RfdnLayer *layer, guint o, gint y, gint x)
{
  const Map *map = naive->maps[layer->upsampled.activation];
  const Map *out = naive->maps[layer->out.activation];
  const double fy = CLAMP ((y + 0.5) * map->height / out->height - 0.5, 0, map->height - 1);
  const double fx = CLAMP ((x + 0.5) * map->width / out->width - 0.5, 0, map->width - 1);
  const gint y0 = (gint) fy, x0 = (gint) fx;
  const gint y1 = MIN (y0 + 1, (gint) map->height - 1), x1 = MIN (x0 + 1, (gint) map->width - 1);
  const guint c = layer->upsampled.first + (layer->upsampled.n == 1 ? 0 : o);
  const double above = *at (map, c, y0, x0) * (x0 + 1 - fx) + *at (map, c, y0, x1) * (fx - x0);
  const double below = *at (map, c, y1, x0) * (x0 + 1 - fx) + *at (map, c, y1, x1) * (fx - x0);

  return above * (y0 + 1 - fy) + below * (fy - y0);
}

static double
compute (const Naive *naive, const RfdnLayer *layer, guint o, gint y, gint x)
{
  double v = operate (naive, layer, o, y, x);

  if (layer->add.n)
    v += read_map (naive, &layer->add, o, y, x);
  v = apply (layer, o, v);
  if (layer->plus.n)
    v += read_map (naive, &layer->plus, o, y, x);
  if (layer->upsampled.n)
    v += enlarge (naive, layer, o, y, x);
  return layer->times.n ? multiply (naive, layer, o, y, x, v) : v;
}

Map *
naive_run_graph (const RfdnGraph *graph, const Map *in)
{
  const guint n = graph->activations->len, output = rfdn_graph_get_output (graph).activation;
  Naive naive = {graph, g_new0 (Map *, n)};

  for (guint i = 0; i < n; i++) {
    const RfdnActivation *a = rfdn_graph_activation (graph, i);
    const RfdnRect extent = rfdn_grid_get_extent (a->grid, (gint) in->width, (gint) in->height);
    naive.maps[i] = map_new (a->channels, (guint) extent.y1, (guint) extent.x1);
  }
  memcpy (naive.maps[0]->values, in->values,
          sizeof (float) * in->channels * in->height * in->width);
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    const Map *out = naive.maps[layer->out.activation];
    for (guint o = 0; o < layer->out.n; o++) {
      for (guint k = 0; k < out->height * out->width; k++) {
        const gint y = (gint) (k / out->width), x = (gint) (k % out->width);
        *at (out, layer->out.first + o, y, x) = (float) compute (&naive, layer, o, y, x);
      }
    }
  }
  Map *result = naive.maps[output];
  for (guint i = 0; i < n; i++) {
    if (i != output)
      map_free (naive.maps[i]);
  }
  g_free (naive.maps);
  return result;
}
