/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arch.h"

#include <math.h>
#include <string.h>

void
rfdn_builder_fail (RfdnBuilder *builder, const char *format, ...)
{
  if (builder->error != NULL)
    return;

  va_list args;
  va_start (args, format);
  builder->error = g_error_new_valist (RFDN_ERROR, RFDN_ERROR_MODEL, format, args);
  va_end (args);
}

void
rfdn_builder_fail_memory (RfdnBuilder *builder)
{
  if (builder->error == NULL)
    builder->error = g_error_new_literal (RFDN_ERROR, RFDN_ERROR_NO_MEMORY,
                                          "no memory for the network's layers");
}

const RfdnTensor *
rfdn_builder_tensor (RfdnBuilder *builder, const char *name)
{
  if (builder->error != NULL)
    return NULL;

  const RfdnTensor *tensor = rfdn_tensor_file_get (builder->file, name);
  if (tensor == NULL) {
    rfdn_builder_fail (builder, "tensor %s is missing", name);
    return NULL;
  }
  if (tensor->values == NULL) {
    rfdn_builder_fail (builder, "tensor %s does not hold floating-point numbers", name);
    return NULL;
  }
  return tensor;
}

gboolean
rfdn_builder_check_finite (RfdnBuilder *builder, const char *name, const float *values, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    if (!isfinite (values[i])) {
      rfdn_builder_fail (builder, "tensor %s holds a number that is not finite", name);
      return FALSE;
    }
  }
  return TRUE;
}

/* A tensor of finite numbers, or NULL after a failure. */
static const RfdnTensor *
get_tensor (RfdnBuilder *builder, const char *name)
{
  const RfdnTensor *tensor = rfdn_builder_tensor (builder, name);

  return tensor != NULL &&
                 rfdn_builder_check_finite (builder, name, tensor->values, tensor->n_values)
             ? tensor
             : NULL;
}

char *
rfdn_describe_shape (const gsize *shape, guint n_dims)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (text, "%s%" G_GSIZE_FORMAT, i ? "x" : "", shape[i]);
  return g_string_free (text, FALSE);
}

static const RfdnTensor *
get_shaped_tensor (RfdnBuilder *builder, const char *name, guint n_dims, const gsize *shape)
{
  const RfdnTensor *tensor = get_tensor (builder, name);
  if (tensor == NULL)
    return NULL;
  if (tensor->n_dims != n_dims || memcmp (tensor->shape, shape, n_dims * sizeof *shape) != 0) {
    g_autofree char *got = rfdn_describe_shape (tensor->shape, tensor->n_dims);
    g_autofree char *want = rfdn_describe_shape (shape, n_dims);
    rfdn_builder_fail (builder, "tensor %s is %s; the rest of the network asks for %s", name, got,
                       want);
    return NULL;
  }
  return tensor;
}

void
rfdn_builder_conv_columns (RfdnBuilder *builder, const char *prefix, guint first, guint total,
                           gboolean with_bias, const RfdnLayer *layer)
{
  g_autofree char *weight_name = g_strconcat (prefix, ".weight", NULL);
  g_autofree char *bias_name = g_strconcat (prefix, ".bias", NULL);
  const RfdnWindow window = layer->op->get_window (layer);
  const gsize taps = (gsize) (window.width * window.height);
  gsize shape[4] = {layer->out.n, total, (gsize) window.height, (gsize) window.width};
  const RfdnTensor *weight = get_shaped_tensor (builder, weight_name, 4, shape);
  const RfdnTensor *bias = get_shaped_tensor (builder, bias_name, 1, shape);
  if (weight == NULL || bias == NULL)
    return;

  RfdnLayer copy = *layer;
  gsize row = (gsize) layer->in.n * taps;
  copy.weights = rfdn_try_new (float, layer->out.n *row);
  copy.bias = with_bias ? rfdn_try_new (float, layer->out.n) : NULL;
  if (copy.weights == NULL || (with_bias && copy.bias == NULL)) {
    g_free (copy.weights);
    g_free (copy.bias);
    rfdn_builder_fail_memory (builder);
    return;
  }
  for (guint o = 0; o < layer->out.n; o++)
    memcpy (copy.weights + o * row, weight->values + ((gsize) o * total + first) * taps,
            row * sizeof (float));
  if (with_bias)
    memcpy (copy.bias, bias->values, layer->out.n * sizeof (float));
  rfdn_graph_add_layer (builder->graph, &copy);
}

void
rfdn_builder_conv (RfdnBuilder *builder, const char *prefix, const RfdnLayer *layer)
{
  rfdn_builder_conv_columns (builder, prefix, 0, layer->in.n, TRUE, layer);
}

guint
rfdn_builder_channels (RfdnBuilder *builder, const char *prefix, guint axis)
{
  g_autofree char *name = g_strconcat (prefix, ".weight", NULL);
  const RfdnTensor *tensor = get_tensor (builder, name);
  if (tensor == NULL)
    return 0;
  if (tensor->n_dims != 4 || tensor->shape[axis] < 1 || tensor->shape[axis] > RFDN_MAX_CHANNELS) {
    rfdn_builder_fail (builder, "tensor %s is not a convolution of 1 to %d channels", name,
                       RFDN_MAX_CHANNELS);
    return 0;
  }
  return (guint) tensor->shape[axis];
}

guint
rfdn_builder_narrow_channels (RfdnBuilder *builder, const char *prefix, guint features)
{
  const guint channels = rfdn_builder_channels (builder, prefix, 0);

  if (channels <= features)
    return channels;
  rfdn_builder_fail (builder,
                     "tensor %s.weight makes %u channels; a network of %u features has no more "
                     "than that there",
                     prefix, channels, features);
  return 0;
}

guint
rfdn_builder_count (RfdnBuilder *builder, const char *format)
{
  for (guint k = 1; k <= RFDN_MAX_BLOCKS; k++) {
    g_autofree char *name = g_strdup_printf (format, k);
    if (rfdn_tensor_file_get (builder->file, name) == NULL) {
      if (k == 1)
        rfdn_builder_fail (builder, "tensor %s is missing", name);
      return k - 1;
    }
  }
  return RFDN_MAX_BLOCKS;
}

void
rfdn_builder_shape (RfdnBuilder *builder, const char *first, const char *last, RfdnArchShape *shape)
{
  shape->in_channels = rfdn_builder_channels (builder, first, 1);
  shape->features = rfdn_builder_channels (builder, first, 0);
  guint out = rfdn_builder_channels (builder, last, 0);
  if (builder->error != NULL)
    return;

  if (shape->in_channels != 1 && shape->in_channels != 3) {
    rfdn_builder_fail (builder, "the network takes %u channels; 1 (luma) and 3 (RGB) are known",
                       shape->in_channels);
    return;
  }
  shape->out_channels = shape->in_channels;
  for (shape->scale = 2; shape->scale <= 4; shape->scale++) {
    if (out == shape->out_channels * shape->scale * shape->scale)
      return;
  }
  rfdn_builder_fail (builder,
                     "the last convolution, %s, makes %u channels, which is no scale of 2, 3 or 4 "
                     "of %u channels",
                     last, out, shape->out_channels);
}

RfdnSlice
rfdn_builder_begin (RfdnBuilder *builder, const RfdnArchShape *shape)
{
  builder->graph = rfdn_graph_new (shape->in_channels);
  RfdnSlice features = rfdn_graph_add_activation (builder->graph, RFDN_GRID_FRAME, shape->features);
  rfdn_builder_conv (builder, "fea_conv",
                     &(RfdnLayer){.op = &rfdn_op_conv3x3,
                                  .in = rfdn_graph_get_input (builder->graph),
                                  .out = features,
                                  .function = RFDN_LINEAR});
  return features;
}

RfdnGraph *
rfdn_builder_end (RfdnBuilder *builder, const RfdnArchShape *shape, const char *smooth,
                  const char *last, RfdnSlice features, RfdnSlice x, GError **error)
{
  if (builder->error == NULL) {
    const guint out_channels = shape->out_channels * shape->scale * shape->scale;
    RfdnSlice sum = rfdn_graph_add_activation (builder->graph, RFDN_GRID_FRAME, shape->features);
    RfdnSlice out = rfdn_graph_add_activation (builder->graph, RFDN_GRID_FRAME, out_channels);
    rfdn_builder_conv (
        builder, smooth,
        &(RfdnLayer){
            .op = &rfdn_op_conv3x3, .in = x, .out = sum, .add = features, .function = RFDN_LINEAR});
    rfdn_builder_conv (
        builder, last,
        &(RfdnLayer){.op = &rfdn_op_conv3x3, .in = sum, .out = out, .function = RFDN_LINEAR});
  }
  if (rfdn_graph_has_failed (builder->graph))
    rfdn_builder_fail_memory (builder);
  if (builder->error != NULL) {
    g_propagate_error (error, builder->error);
    g_clear_pointer (&builder->graph, rfdn_graph_free);
  }
  return builder->graph;
}

void
rfdn_builder_esa (RfdnBuilder *builder, const char *prefix, const char *const *middle, RfdnSlice in,
                  RfdnSlice out)
{
  RfdnGraph *graph = builder->graph;
  g_autofree char *conv1 = g_strconcat (prefix, ".conv1", NULL);
  g_autofree char *conv_f = g_strconcat (prefix, ".conv_f", NULL);
  g_autofree char *conv2 = g_strconcat (prefix, ".conv2", NULL);
  g_autofree char *conv4 = g_strconcat (prefix, ".conv4", NULL);
  guint f = rfdn_builder_narrow_channels (builder, conv1, in.n);
  if (f == 0)
    return;

  RfdnSlice squeezed = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, f);
  rfdn_builder_conv (
      builder, conv1,
      &(RfdnLayer){.op = &rfdn_op_conv1x1, .in = in, .out = squeezed, .function = RFDN_LINEAR});
  RfdnSlice half = rfdn_graph_add_activation (graph, RFDN_GRID_HALF, f);
  rfdn_builder_conv (
      builder, conv2,
      &(RfdnLayer){
          .op = &rfdn_op_conv3x3_stride2, .in = squeezed, .out = half, .function = RFDN_LINEAR});
  RfdnSlice pooled = rfdn_graph_add_activation (graph, RFDN_GRID_POOLED, f);
  rfdn_graph_add_layer (
      graph,
      &(RfdnLayer){.op = &rfdn_op_max_pool, .in = half, .out = pooled, .function = RFDN_LINEAR});

  for (guint i = 0; middle[i] != NULL; i++) {
    g_autofree char *name = g_strconcat (prefix, ".", middle[i], NULL);
    RfdnSlice next = rfdn_graph_add_activation (graph, RFDN_GRID_POOLED, f);
    rfdn_builder_conv (builder, name,
                       &(RfdnLayer){.op = &rfdn_op_conv3x3,
                                    .in = pooled,
                                    .out = next,
                                    .function = middle[i + 1] ? RFDN_RELU : RFDN_LINEAR});
    pooled = next;
  }

  RfdnSlice sum = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, f);
  rfdn_builder_conv (builder, conv_f,
                     &(RfdnLayer){.op = &rfdn_op_conv1x1,
                                  .in = squeezed,
                                  .out = sum,
                                  .function = RFDN_LINEAR,
                                  .upsampled = pooled});
  rfdn_builder_conv (builder, conv4,
                     &(RfdnLayer){.op = &rfdn_op_conv1x1,
                                  .in = sum,
                                  .out = out,
                                  .function = RFDN_LINEAR,
                                  .product = RFDN_PRODUCT_GATE,
                                  .times = in});
}
