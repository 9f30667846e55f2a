/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers-private.h"

#include <string.h>

/* Each layer has its own copy of its weights, and all layers can name the same tensor: this limits
 * the sum of all copies. */
#define MAX_WEIGHTS (64u << 20)

const char *const rfdn_layers_grid_names[RFDN_N_GRIDS] = {
    "a map of the picture", "a map of stride2", "a map of maxpool", "a map of one pixel"};

/* ---- tensors --------------------------------------------------------------------------------- */

/* NULL after a failure. */
static const RfdnTensor *
find_tensor (RfdnLayersReader *reader, const char *name)
{
  if (rfdn_tensor_file_get (reader->builder.file, name) != NULL)
    return rfdn_builder_tensor (&reader->builder, name);
  g_autofree char *quoted = rfdn_tensor_file_quote (name);
  rfdn_builder_fail (&reader->builder, "tensor '%s' is missing", quoted);
  return NULL;
}

/* A whole axis, or the range of it that an option names. FALSE after a failure. */
static gboolean
get_range (RfdnLayersReader *reader, const RfdnLine *line, const char *option, gsize size,
           RfdnRangeWord *range)
{
  if (range->n == 0)
    range->n = (guint) MIN (size, G_MAXUINT);
  if (range->first <= size && range->n <= size - range->first)
    return TRUE;
  rfdn_builder_fail (&reader->builder,
                     "%s=%u:%u: there are %" G_GSIZE_FORMAT " in tensor %s.weight", option,
                     range->first, range->first + range->n, size, line->tensor);
  return FALSE;
}

/* Finds the filters, and sets which of them are used and their sides. FALSE after a failure. */
static gboolean
find_filters (RfdnLayersReader *reader, RfdnLine *line)
{
  g_autofree char *name = g_strconcat (line->tensor, ".weight", NULL);
  const RfdnTensor *weight = line->weight = find_tensor (reader, name);

  if (weight == NULL)
    return FALSE;
  if (weight->n_dims != 4 || weight->n_values == 0) {
    g_autofree char *shape = rfdn_describe_shape (weight->shape, weight->n_dims);
    rfdn_builder_fail (&reader->builder, "tensor %s is %s; filters are out x in x rows x columns",
                       name, shape);
    return FALSE;
  }
  if (weight->shape[2] % 2 == 0 || weight->shape[3] % 2 == 0 ||
      weight->shape[2] > RFDN_MAX_KERNEL || weight->shape[3] > RFDN_MAX_KERNEL) {
    rfdn_builder_fail (&reader->builder,
                       "the filters of tensor %s have sides of %" G_GSIZE_FORMAT
                       " and %" G_GSIZE_FORMAT "; odd ones up to %d are known",
                       name, weight->shape[2], weight->shape[3], RFDN_MAX_KERNEL);
    return FALSE;
  }
  line->layer.kernel_height = (guint) weight->shape[2];
  line->layer.kernel_width = (guint) weight->shape[3];
  if (!get_range (reader, line, "rows", weight->shape[0], &line->rows) ||
      !get_range (reader, line, "columns", weight->shape[1], &line->columns))
    return FALSE;
  line->layer.out.n = line->rows.n;
  return TRUE;
}

/* Room for `n` numbers of a layer's, or NULL after a failure. */
static float *
take_room (RfdnLayersReader *reader, gsize n)
{
  if (n > MAX_WEIGHTS - reader->n_weights) {
    rfdn_builder_fail (&reader->builder, "the layers so far have more than %u weights",
                       MAX_WEIGHTS);
    return NULL;
  }
  reader->n_weights += n;
  float *room = rfdn_try_new (float, n);
  if (room == NULL)
    rfdn_builder_fail_memory (&reader->builder);
  return room;
}

/* A row of a filter bank is an output channel's, a column of it an input channel's. */
static void
copy_filters (RfdnLayersReader *reader, RfdnLine *line)
{
  const RfdnTensor *weight = line->weight;
  const gsize taps = weight->shape[2] * weight->shape[3];
  const gsize n = line->columns.n * taps;
  g_autofree char *name = g_strconcat (line->tensor, ".weight", NULL);
  float *copy = line->layer.weights = take_room (reader, line->rows.n * n);

  for (gsize row = 0; copy != NULL && row < line->rows.n; row++) {
    const gsize from = (line->rows.first + row) * weight->shape[1] + line->columns.first;
    memcpy (copy + row * n, weight->values + from * taps, n * sizeof (float));
  }
  if (copy != NULL)
    rfdn_builder_check_finite (&reader->builder, name, copy, line->rows.n * n);
}

static void
copy_bias (RfdnLayersReader *reader, RfdnLine *line)
{
  g_autofree char *name = g_strconcat (line->tensor, ".bias", NULL);
  const gsize n = line->rows.n;

  if (line->no_bias || rfdn_tensor_file_get (reader->builder.file, name) == NULL)
    return;
  const RfdnTensor *bias = find_tensor (reader, name);
  if (bias == NULL)
    return;
  if (bias->n_values != line->weight->shape[0]) {
    rfdn_builder_fail (&reader->builder,
                       "tensor %s has %" G_GSIZE_FORMAT " numbers for %" G_GSIZE_FORMAT " filters",
                       name, bias->n_values, line->weight->shape[0]);
    return;
  }
  line->layer.bias = take_room (reader, n);
  if (line->layer.bias == NULL)
    return;
  memcpy (line->layer.bias, bias->values + line->rows.first, n * sizeof (float));
  rfdn_builder_check_finite (&reader->builder, name, line->layer.bias, n);
}

/* A single slope makes it LeakyReLU, which kernels have built in. */
static void
copy_slopes (RfdnLayersReader *reader, RfdnLine *line)
{
  const RfdnTensor *tensor = find_tensor (reader, line->slopes);
  const gsize n = line->layer.out.n;

  if (tensor == NULL)
    return;
  if (tensor->n_values != 1 && tensor->n_values != n) {
    rfdn_builder_fail (&reader->builder,
                       "tensor %s has %" G_GSIZE_FORMAT " slopes for %" G_GSIZE_FORMAT " channels",
                       line->slopes, tensor->n_values, n);
    return;
  }
  rfdn_builder_check_finite (&reader->builder, line->slopes, tensor->values, tensor->n_values);
  if (tensor->n_values == 1) {
    line->layer.function = (RfdnFunction){RFDN_FUNCTION_LEAKY, tensor->values[0], 0};
    return;
  }
  line->layer.slopes = take_room (reader, n);
  if (line->layer.slopes != NULL)
    memcpy (line->layer.slopes, tensor->values, n * sizeof (float));
}

void
rfdn_layers_copy_tensors (RfdnLayersReader *reader, RfdnLine *line)
{
  if (line->weight != NULL) {
    copy_filters (reader, line);
    copy_bias (reader, line);
  }
  if (line->slopes != NULL)
    copy_slopes (reader, line);
}

/* ---- operations ------------------------------------------------------------------------------ */

/* The pooled grids have no borders of their own and only these filters. */
static gboolean
check_sides (RfdnLayersReader *reader, const RfdnLine *line, guint largest)
{
  const RfdnLayer *layer = &line->layer;

  if (layer->kernel_width == layer->kernel_height && layer->kernel_width <= largest)
    return TRUE;
  rfdn_builder_fail (&reader->builder,
                     "the filters of tensor %s.weight are %u x %u; for %s they are 1 x 1%s",
                     line->tensor, layer->kernel_height, layer->kernel_width,
                     rfdn_layers_grid_names[line->grid], largest == 3 ? " or 3 x 3" : "");
  return FALSE;
}

static gboolean
check_columns (RfdnLayersReader *reader, const RfdnLine *line)
{
  if (line->columns.n == line->layer.in.n)
    return TRUE;
  rfdn_builder_fail (&reader->builder, "tensor %s.weight takes %u channels, and '%s' has %u",
                     line->tensor, line->columns.n, line->in.name, line->layer.in.n);
  return FALSE;
}

static void
set_conv (RfdnLayersReader *reader, RfdnLine *line)
{
  RfdnLayer *layer = &line->layer;

  if (!find_filters (reader, line) || !check_columns (reader, line) ||
      (line->grid == RFDN_GRID_POOLED && !check_sides (reader, line, 3)) ||
      (line->grid == RFDN_GRID_POINT && !check_sides (reader, line, 1)))
    return;
  if (layer->kernel_width == layer->kernel_height && layer->kernel_width <= 3) {
    layer->op = layer->kernel_width == 1 ? &rfdn_op_conv1x1 : &rfdn_op_conv3x3;
    layer->kernel_width = layer->kernel_height = 0;
  }
}

static void
set_depthwise (RfdnLayersReader *reader, RfdnLine *line)
{
  if (!find_filters (reader, line))
    return;
  if (line->columns.n != 1)
    rfdn_builder_fail (&reader->builder, "tensor %s.weight takes %u channels; of depthwise it is 1",
                       line->tensor, line->columns.n);
  else if (line->rows.n != line->layer.in.n)
    rfdn_builder_fail (&reader->builder, "tensor %s.weight is for %u channels, and '%s' has %u",
                       line->tensor, line->rows.n, line->in.name, line->layer.in.n);
}

static void
set_stride2 (RfdnLayersReader *reader, RfdnLine *line)
{
  RfdnLayer *layer = &line->layer;

  if (!find_filters (reader, line) || !check_columns (reader, line))
    return;
  if (layer->kernel_width != 3 || layer->kernel_height != 3)
    rfdn_builder_fail (&reader->builder, "the filters of tensor %s.weight are %u x %u, not 3 x 3",
                       line->tensor, layer->kernel_height, layer->kernel_width);
  layer->kernel_width = layer->kernel_height = 0;
}

static void
set_softmax (RfdnLayersReader *reader, RfdnLine *line)
{
  const guint n = line->layer.in.n;

  line->layer.out.n = n / (2 * line->number);
  if (n % (2 * line->number) != 0)
    rfdn_builder_fail (&reader->builder,
                       "'%s' has %u channels; softmax of %u takes a multiple of %u", line->in.name,
                       n, line->number, 2 * line->number);
}

const RfdnOperation rfdn_operations[] = {
    {"stack", HAS_NUMBER},
    {"conv", HAS_IN | HAS_TENSOR, TAKES_COLUMNS | TAKES_ROWS | TAKES_BIAS | TAKES_ALL_ELSE,
     ON_FRAME | ON_POOLED | ON_POINT, RFDN_N_GRIDS, &rfdn_op_conv, set_conv},
    {"depthwise", HAS_IN | HAS_TENSOR, TAKES_ROWS | TAKES_BIAS | TAKES_ALL_ELSE, ON_FRAME,
     RFDN_N_GRIDS, &rfdn_op_depthwise, set_depthwise},
    {"stride2", HAS_IN | HAS_TENSOR, TAKES_BIAS | TAKES_ALL_ELSE, ON_FRAME, RFDN_GRID_HALF,
     &rfdn_op_conv3x3_stride2, set_stride2},
    {"maxpool", HAS_IN, TAKES_ALL_ELSE, ON_HALF, RFDN_GRID_POOLED, &rfdn_op_max_pool, NULL},
    {"copy", HAS_IN, TAKES_ALL_ELSE, ON_FRAME | ON_POOLED | ON_POINT, RFDN_N_GRIDS, &rfdn_op_copy,
     NULL},
    {"softmax", HAS_IN | HAS_NUMBER, TAKES_ALL_ELSE, ON_FRAME, RFDN_N_GRIDS, &rfdn_op_softmax,
     set_softmax},
    {"mean", HAS_IN, TAKES_ALL_ELSE, ON_FRAME, RFDN_GRID_POINT, &rfdn_op_mean, NULL},
    {"meanstd", HAS_IN, TAKES_ALL_ELSE, ON_FRAME, RFDN_GRID_POINT, &rfdn_op_mean_std, NULL},
    {NULL},
};
