/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model.h"

#include <math.h>

#include "arch/arch.h"
#include "safetensors.h"
#include "siblings.h"
#include "steps.h"

struct RfdnModel {
  gatomicrefcount refs;
  RfdnModelInfo info;
  RfdnFrameInfo frame;
  RfdnGraph *graph;
  RfdnInt16Filter *filters; /* of each layer; NULL if the file has no steps */
  char *name;
  char *description;
  char *architecture;
  GBytes *bytes; /* the file, if it has siblings */

  GMutex mutex; /* of what follows */
  RfdnWeights *weights[RFDN_PRECISION_INT16 + 1][RFDN_CPU_NEON + 1];
};

G_DEFINE_QUARK (rfdn - error - quark, rfdn_error)

RfdnModel *
rfdn_model_ref (RfdnModel *model)
{
  g_atomic_ref_count_inc (&model->refs);
  return model;
}

void
rfdn_model_unref (RfdnModel *model)
{
  if (model == NULL || !g_atomic_ref_count_dec (&model->refs))
    return;
  rfdn_int16_filters_free (model->filters, model->graph);
  rfdn_graph_free (model->graph);
  g_free (model->name);
  g_free (model->description);
  g_free (model->architecture);
  g_bytes_unref (model->bytes);
  for (guint cpu = 0; cpu < G_N_ELEMENTS (model->weights[0]); cpu++) {
    rfdn_weights_free (model->weights[RFDN_PRECISION_FLOAT32][cpu]);
    rfdn_weights_free (model->weights[RFDN_PRECISION_INT16][cpu]);
  }
  g_mutex_clear (&model->mutex);
  g_free (model);
}

const RfdnModelInfo *
rfdn_model_get_info (const RfdnModel *model)
{
  return &model->info;
}

const RfdnGraph *
rfdn_model_get_graph (const RfdnModel *model)
{
  return model->graph;
}

const RfdnFrameInfo *
rfdn_model_get_frame_info (const RfdnModel *model)
{
  return &model->frame;
}

const RfdnWeights *
rfdn_model_get_weights (RfdnModel *model, const RfdnKernels *kernels)
{
  RfdnWeights **weights = &model->weights[kernels->precision][kernels->cpu];

  g_mutex_lock (&model->mutex);
  if (*weights == NULL)
    *weights = rfdn_weights_new (model->graph, model->filters, kernels);
  g_mutex_unlock (&model->mutex);
  return *weights;
}

static const RfdnArch *
find_arch (const RfdnTensorFile *file, GError **error)
{
  if (rfdn_tensor_file_get_metadata (file, "layers") != NULL)
    return &rfdn_arch_layers;
  for (guint i = 0; rfdn_archs[i] != NULL; i++) {
    if (rfdn_tensor_file_get (file, rfdn_archs[i]->signature) == NULL)
      continue;
    const char *named = rfdn_tensor_file_get_metadata (file, "architecture");
    if (named == NULL || g_str_equal (named, rfdn_archs[i]->name))
      return rfdn_archs[i];
    g_autofree char *quoted = rfdn_tensor_file_quote (named);
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
                 "metadata architecture is '%s', but the tensors are those of %s", quoted,
                 rfdn_archs[i]->name);
    return NULL;
  }

  GString *known = g_string_new (NULL);
  for (guint i = 0; rfdn_archs[i] != NULL; i++)
    g_string_append_printf (known, "%s%s (%s)", i ? ", " : "", rfdn_archs[i]->name,
                            rfdn_archs[i]->signature);
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
               "the tensors are those of no known network (known are: %s), and there is no list of "
               "layers; convert it with models/convert.py FILE OUT.safetensors",
               known->str);
  g_string_free (known, TRUE);
  return NULL;
}

static gboolean
check_scale (const RfdnTensorFile *file, const RfdnModelInfo *info, GError **error)
{
  const char *scale = rfdn_tensor_file_get_metadata (file, "scale");
  guint64 number;

  if (scale == NULL || (g_ascii_string_to_unsigned (scale, 10, 1, RFDN_MAX_SCALE, &number, NULL) &&
                        number == info->scale))
    return TRUE;
  g_autofree char *quoted = rfdn_tensor_file_quote (scale);
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
               "metadata scale is '%s', but the tensors are those of x%u", quoted, info->scale);
  return FALSE;
}

static gboolean
check_input_range (const RfdnTensorFile *file, RfdnModelInfo *info, GError **error)
{
  const char *range = rfdn_tensor_file_get_metadata (file, "input_range");

  if (range == NULL)
    return TRUE;
  if (g_str_equal (range, "1") || g_str_equal (range, "255")) {
    info->input_range = range[0] == '1' ? 1 : 255;
    return TRUE;
  }
  g_autofree char *quoted = rfdn_tensor_file_quote (range);
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
               "metadata input_range is '%s'; 1 and 255 are known", quoted);
  return FALSE;
}

static gboolean
check_colour (const RfdnTensorFile *file, const RfdnModelInfo *info, GError **error)
{
  const char *colour = rfdn_tensor_file_get_metadata (file, "colour");
  const char *expected = info->colour == RFDN_COLOUR_LUMA ? "luma" : "rgb";

  if (colour == NULL || g_ascii_strcasecmp (colour, expected) == 0)
    return TRUE;
  g_autofree char *quoted = rfdn_tensor_file_quote (colour);
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
               "metadata colour is '%s', but a network of %u channels is %s", quoted,
               info->channels, expected);
  return FALSE;
}

/* The metadata may repeat what the tensors say, but must not contradict it. Those of a list of
 * layers have been read with it. */
static gboolean
check_metadata (const RfdnTensorFile *file, const RfdnArch *arch, RfdnModelInfo *info,
                GError **error)
{
  return arch->signature == NULL ||
         (check_scale (file, info, error) && check_input_range (file, info, error) &&
          check_colour (file, info, error));
}

/* Integer weights, if the file has steps. */
static gboolean
read_steps (RfdnModel *model, const RfdnTensorFile *file, float sharpness, GError **error)
{
  const char *own = rfdn_tensor_file_get_metadata (file, "steps");
  g_autofree char *key = g_strconcat (rfdn_siblings_get_prefix (sharpness), "steps", NULL);
  const char *other = sharpness != 0 ? rfdn_tensor_file_get_metadata (file, key) : NULL;
  const RfdnStepsText steps = {own, other, key, fabsf (sharpness)};
  const float level = model->info.input_range / 255;

  if (own == NULL)
    return TRUE;
  if (model->frame.offset[0] != 0) {
    g_set_error_literal (
        error, RFDN_ERROR, RFDN_ERROR_MODEL,
        "there are metadata steps, but the network cannot be computed in integers: "
        "something is subtracted from its samples");
    return FALSE;
  }
  model->filters =
      rfdn_steps_make_filters (&steps, model->graph, level * model->frame.gain[0], level, error);
  model->info.has_steps = model->filters != NULL;
  return model->info.has_steps;
}

/* For a file with a list of layers the name is only for people. */
static char *
dup_architecture (const RfdnTensorFile *file, const RfdnArch *arch)
{
  const char *text = rfdn_tensor_file_get_metadata (file, "architecture");

  return g_strdup (arch->signature == NULL && text != NULL ? text : arch->name);
}

static char *
dup_metadata (const RfdnTensorFile *file, const char *key)
{
  const char *text = rfdn_tensor_file_get_metadata (file, key);
  return g_strdup (text ? text : "");
}

/* No pixel beyond the halo matters: a border wider than the file asks for changes nothing.
 */
static RfdnFrameInfo
get_frame_info (const RfdnArchShape *shape, const RfdnGraph *graph)
{
  RfdnFrameInfo frame = {.unshuffle = MAX (shape->unshuffle, 1)};

  if (shape->extend > 0)
    frame.border = (MAX (shape->extend, rfdn_graph_get_halo (graph)) + 3) & ~3u;
  for (guint c = 0; c < G_N_ELEMENTS (frame.gain); c++) {
    frame.gain[c] = shape->gain[c] == 0 ? 1 : shape->gain[c];
    frame.offset[c] = -shape->mean[c] * frame.gain[c];
  }
  return frame;
}

/* The model owns the graph from here on. */
static RfdnModel *
new_model (RfdnGraph *graph, const RfdnArchShape *shape, float input_range)
{
  RfdnModel *model = g_new0 (RfdnModel, 1);

  g_atomic_ref_count_init (&model->refs);
  g_mutex_init (&model->mutex);
  model->frame = get_frame_info (shape, graph);
  model->graph = graph;
  model->info = (RfdnModelInfo){
      .colour = shape->in_channels == 1 ? RFDN_COLOUR_LUMA : RFDN_COLOUR_RGB,
      .channels = shape->in_channels,
      .scale = shape->scale,
      .features = shape->features,
      .blocks = shape->blocks,
      .attention = !rfdn_graph_is_finite (graph),
      .input_range = shape->input_range > 0 ? shape->input_range : input_range,
      .halo = rfdn_graph_get_halo (graph) * model->frame.unshuffle,
      .macs = rfdn_graph_get_macs (graph) / (model->frame.unshuffle * model->frame.unshuffle),
      .parameters = rfdn_graph_get_n_parameters (graph),
  };
  return model;
}

static void
set_names (RfdnModel *model, char *name, char *description, char *architecture)
{
  model->info.name = model->name = name;
  model->info.description = model->description = description;
  model->info.architecture = model->architecture = architecture;
}

RfdnModel *
rfdn_model_new_for_graph (RfdnGraph *graph, guint scale)
{
  const guint cells = scale * scale;
  const RfdnArchShape shape = {.in_channels = rfdn_graph_get_input (graph).n,
                               .out_channels = rfdn_graph_get_output (graph).n / cells,
                               .scale = scale};

  if (rfdn_graph_has_failed (graph)) {
    rfdn_graph_free (graph);
    return NULL;
  }
  RfdnModel *model = new_model (graph, &shape, 1);
  set_names (model, g_strdup (""), g_strdup (""), g_strdup ("graph"));
  return model;
}

/* With weights mixed by `sharpness`, for which there must be siblings unless it is 0. */
static RfdnModel *
read_model (GBytes *bytes, float sharpness, GError **error)
{
  g_autoptr (RfdnTensorFile) file = rfdn_tensor_file_new (bytes, error);
  gboolean has_siblings;
  if (file == NULL || !rfdn_siblings_find (file, &has_siblings, error))
    return NULL;
  if (sharpness != 0)
    rfdn_siblings_mix (file, sharpness);
  const RfdnArch *arch = find_arch (file, error);
  if (arch == NULL)
    return NULL;

  RfdnArchShape shape = {0};
  RfdnGraph *graph = arch->read (file, &shape, error);
  if (graph == NULL)
    return NULL;
  RfdnModel *model = new_model (graph, &shape, arch->input_range);
  set_names (model, dup_metadata (file, "name"), dup_metadata (file, "description"),
             dup_architecture (file, arch));
  model->bytes = has_siblings ? g_bytes_ref (bytes) : NULL;
  model->info.has_siblings = has_siblings;
  if (check_metadata (file, arch, &model->info, error) &&
      read_steps (model, file, sharpness, error))
    return model;
  rfdn_model_unref (model);
  return NULL;
}

RfdnModel *
rfdn_model_new (GBytes *bytes, GError **error)
{
  return read_model (bytes, 0, error);
}

RfdnModel *
rfdn_model_sharpen (RfdnModel *model, float sharpness, GError **error)
{
  if (!(sharpness >= -1 && sharpness <= 1)) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS, "a sharpness of %g is not in -1..1",
                 (double) sharpness);
    return NULL;
  }
  if (model->bytes != NULL) {
    RfdnModel *mixed = read_model (model->bytes, sharpness, error);
    if (mixed == NULL)
      g_prefix_error (error, "mixed with its %s sibling, ", sharpness > 0 ? "sharper" : "softer");
    return mixed;
  }
  if (sharpness == 0)
    return rfdn_model_ref (model);
  g_set_error_literal (error, RFDN_ERROR, RFDN_ERROR_PARAMS,
                       "the model's file has no sharper and softer weights");
  return NULL;
}
