/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steps.h"

#include <math.h>
#include <string.h>

#include "arch/layers-text.h"
#include "ops/conv.h"
#include "ops/ops.h"
#include "rfdn.h"

/* ---- which networks -------------------------------------------------------------------------- */

static gboolean
is_even (const RfdnSlice *slice)
{
  return slice->first % 2 == 0;
}

/* Whether the convolution itself can do what the layer does to its result, apart from attention. */
static gboolean
is_fused (const RfdnLayer *layer)
{
  const RfdnFunction *f = &layer->function;
  const RfdnFusion fusion = rfdn_layer_get_fusion (layer);

  return f->kind == RFDN_FUNCTION_LEAKY && f->a >= 0 && f->a <= 1 && fusion.applies &&
         (layer->plus.n == 0 || fusion.adds_last);
}

/* The only product is a gate of the layer's own sum. */
static gboolean
is_gate (const RfdnLayer *layer)
{
  return layer->product == RFDN_PRODUCT_GATE && !rfdn_layer_shares_map (layer, &layer->times) &&
         layer->function.a == 1 && layer->add.n + layer->plus.n + layer->upsampled.n == 0;
}

/* A layer without weights, that does nothing to its result. */
static gboolean
is_pool (const RfdnLayer *layer)
{
  return layer->op == &rfdn_op_max_pool && layer->function.kind == RFDN_FUNCTION_LEAKY &&
         layer->function.a == 1 &&
         layer->add.n + layer->plus.n + layer->upsampled.n + layer->times.n == 0;
}

static const char *
get_layer_obstacle (const RfdnLayer *layer)
{
  if (layer->op != &rfdn_op_conv3x3 && layer->op != &rfdn_op_conv1x1 &&
      layer->op != &rfdn_op_conv3x3_stride2 && layer->op != &rfdn_op_max_pool)
    return "there are other layers than 1x1 and 3x3 convolutions and ESA's";
  if (layer->op == &rfdn_op_max_pool ? !is_pool (layer) : !is_fused (layer))
    return "a layer does more to its result than to add another and to apply LeakyReLU";
  if (layer->times.n && !is_gate (layer))
    return "there are other products than ESA's";
  if (!is_even (&layer->in) || !is_even (&layer->out) || !is_even (&layer->add) ||
      !is_even (&layer->plus) || !is_even (&layer->upsampled) || !is_even (&layer->times))
    return "a layer's channels begin with an odd number";
  return NULL;
}

/* Why a network cannot be computed in integers, in words; NULL if it can be. */
static const char *
get_obstacle (const RfdnGraph *graph)
{
  const char *obstacle = NULL;

  if (rfdn_graph_get_input (graph).n != 1)
    return "it sees more than one channel";
  for (guint i = 0; i < graph->layers->len && obstacle == NULL; i++)
    obstacle = get_layer_obstacle (rfdn_graph_layer (graph, i));
  return obstacle;
}

/* ---- reading steps --------------------------------------------------------------------------- */

static gboolean
fail_memory (GError **error)
{
  g_set_error_literal (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY,
                       "no memory for the network's weights");
  return FALSE;
}

/* What a unit of each channel stands for, of all activations one after the other. */
typedef struct {
  const RfdnGraph *graph;
  const char *key; /* the metadata, as messages call it */
  float *steps;
  gsize *first; /* of each activation: its channel 0's entry */
} Steps;

static const float *
get_steps (const Steps *self, const RfdnSlice *slice)
{
  return self->steps + self->first[slice->activation] + slice->first;
}

static void
fill (const Steps *self, guint activation, float step)
{
  for (guint c = 0; c < rfdn_graph_activation (self->graph, activation)->channels; c++)
    self->steps[self->first[activation] + c] = step;
}

/* FALSE if there is no memory. */
static gboolean
steps_init (Steps *self, const RfdnGraph *graph)
{
  gsize n = 0;

  self->graph = graph;
  self->key = "steps";
  self->first = rfdn_try_new (gsize, graph->activations->len);
  for (guint i = 0; self->first != NULL && i < graph->activations->len; i++) {
    self->first[i] = n;
    n += rfdn_graph_activation (graph, i)->channels;
  }
  self->steps = rfdn_try_new (float, n);
  return self->first != NULL && self->steps != NULL;
}

static gboolean
read_line (const Steps *self, guint activation, char *line, guint number, GError **error)
{
  const guint n = rfdn_graph_activation (self->graph, activation)->channels;
  float *to = self->steps + self->first[activation];
  guint i = 0;

  for (const char *word; (word = rfdn_text_take_word (&line)) != NULL; i++) {
    if (i < n && rfdn_text_get_number (word, &to[i]) && to[i] > 0)
      continue;
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
                 i < n ? "metadata %s, line %u: number %u is not a number above 0"
                       : "metadata %s, line %u: there are more than %u numbers, one a channel",
                 self->key, number, i < n ? i + 1 : n);
    return FALSE;
  }
  if (i == n)
    return TRUE;
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
               "metadata %s, line %u: there are %u numbers for %u channels", self->key, number, i,
               n);
  return FALSE;
}

static gboolean
read_lines (const Steps *self, const char *text, GError **error)
{
  const guint output = rfdn_graph_get_output (self->graph).activation;
  g_autofree char *copy = g_strdup (text);
  char *rest = copy;
  guint number = 0;

  for (guint i = 1; i < self->graph->activations->len; i++) {
    if (i == output)
      continue;
    char *line = rfdn_text_take_line (&rest);
    number++;
    if (line == NULL) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
                   "metadata %s end before line %u: there is one for each map", self->key, number);
      return FALSE;
    }
    if (!read_line (self, i, line, number, error))
      return FALSE;
  }
  if (rfdn_text_take_line (&rest) == NULL)
    return TRUE;
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
               "metadata %s have more than %u lines: there is one for each map", self->key, number);
  return FALSE;
}

/* FALSE, with `error` set, if the maps that layer number `i` joins have different steps. */
static gboolean
check_same (const Steps *self, guint i, const RfdnSlice *slice, const char *what, GError **error)
{
  const RfdnSlice *out = &rfdn_graph_layer (self->graph, i)->out;

  for (guint c = 0; c < slice->n; c++) {
    if (get_steps (self, slice)[c] == get_steps (self, out)[c])
      continue;
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
                 "metadata steps: layer %u %s maps of different steps", i + 1, what);
    return FALSE;
  }
  return TRUE;
}

/* An addend has the steps of what it is added to; a gate's input and result have the same steps,
 * and so have a pool's. */
static gboolean
check_joins (const Steps *self, GError **error)
{
  for (guint i = 0; i < self->graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (self->graph, i);
    const RfdnSlice none = {0}, *pooled = layer->op == &rfdn_op_max_pool ? &layer->in : &none;
    if (!check_same (self, i, &layer->add, "adds", error) ||
        !check_same (self, i, &layer->plus, "adds", error) ||
        !check_same (self, i, &layer->upsampled, "adds", error) ||
        !check_same (self, i, &layer->times, "gates", error) ||
        !check_same (self, i, pooled, "pools", error))
      return FALSE;
  }
  return TRUE;
}

/* Moves the steps towards a sibling's. */
static gboolean
mix_steps (const Steps *self, const RfdnStepsText *text, GError **error)
{
  const RfdnArray *activations = self->graph->activations;
  const guint last = activations->len - 1;
  const gsize n = self->first[last] + rfdn_graph_activation (self->graph, last)->channels;
  Steps other = *self;

  other.steps = rfdn_try_new (float, n);
  if (other.steps == NULL)
    return fail_memory (error);
  memcpy (other.steps, self->steps, n * sizeof (float));
  other.key = text->other_key;
  const gboolean ok = read_lines (&other, text->other, error);
  for (gsize i = 0; ok && i < n; i++)
    self->steps[i] = (1 - text->share) * self->steps[i] + text->share * other.steps[i];
  g_free (other.steps);
  return ok;
}

static gboolean
read_steps (const Steps *self, const RfdnStepsText *text, float in_level, float out_level,
            GError **error)
{
  fill (self, rfdn_graph_get_input (self->graph).activation, in_level);
  fill (self, rfdn_graph_get_output (self->graph).activation,
        out_level / (1 << RFDN_INT16_OUTPUT_SHIFT));
  return read_lines (self, text->own, error) &&
         (text->other == NULL || mix_steps (self, text, error)) && check_joins (self, error);
}

/* ---- weights --------------------------------------------------------------------------------- */

/* FALSE if there is no memory. */
static gboolean
make_filter (RfdnInt16Filter *filter, const Steps *steps, const RfdnLayer *layer)
{
  const RfdnGraph *graph = steps->graph;
  const RfdnConvShape shape = rfdn_conv_get_shape (layer);
  const gboolean is_wide = layer->op == &rfdn_op_conv3x3 &&
                           rfdn_conv3x3_is_wide (layer, rfdn_layer_get_grid (layer, graph));
  const double limit =
      layer->in.activation == rfdn_graph_get_input (graph).activation ? 255 : 32768;
  const float *out_steps = get_steps (steps, &layer->out);
  g_autofree float *gated = NULL;

  if (layer->times.n) {
    gated = rfdn_try_new (float, layer->out.n);
    for (guint c = 0; gated != NULL && c < layer->out.n; c++)
      gated[c] = 1.0f / (1 << RFDN_INT16_GATE_SHIFT);
    out_steps = gated;
  }
  return out_steps != NULL &&
         rfdn_int16_filter_init (filter, &shape, is_wide, layer->weights, layer->bias,
                                 get_steps (steps, &layer->in), out_steps, limit);
}

static gboolean
make_filters (RfdnInt16Filter *filters, const Steps *steps, GError **error)
{
  for (guint i = 0; i < steps->graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (steps->graph, i);
    if (layer->weights == NULL)
      continue;
    if (!make_filter (&filters[i], steps, layer))
      return fail_memory (error);
    if (filters[i].fits)
      continue;
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
                 "metadata steps: those around layer %u are too far apart for its weights", i + 1);
    return FALSE;
  }
  return TRUE;
}

RfdnInt16Filter *
rfdn_steps_make_filters (const RfdnStepsText *text, const RfdnGraph *graph, float in_level,
                         float out_level, GError **error)
{
  const char *obstacle = get_obstacle (graph);
  Steps steps = {0};
  RfdnInt16Filter *filters = NULL;

  if (obstacle != NULL) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
                 "there are metadata steps, but the network cannot be computed in integers: %s",
                 obstacle);
    return NULL;
  }
  if (steps_init (&steps, graph))
    filters = rfdn_try_new (RfdnInt16Filter, graph->layers->len);
  const gboolean ok = filters != NULL ? read_steps (&steps, text, in_level, out_level, error) &&
                                            make_filters (filters, &steps, error)
                                      : fail_memory (error);
  g_free (steps.first);
  g_free (steps.steps);
  if (ok)
    return filters;
  rfdn_int16_filters_free (filters, graph);
  return NULL;
}

void
rfdn_int16_filters_free (RfdnInt16Filter *filters, const RfdnGraph *graph)
{
  for (guint i = 0; filters != NULL && i < graph->layers->len; i++)
    rfdn_int16_filter_clear (&filters[i]);
  g_free (filters);
}
