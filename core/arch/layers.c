/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers-metadata.h"
#include "layers-private.h"

#include <string.h>

/* A network that its file's metadata spell out as `layers`, in the language of models/LAYERS.md.
 *
 * None of it is trusted. The list has at most MAX_TEXT bytes and MAX_LINES lines that are not
 * empty; a map has 1 to RFDN_MAX_CHANNELS channels, and all maps together a bounded number
 * (layers-maps.c), as have the weights (layers-operations.c); a filter has at most RFDN_MAX_KERNEL
 * rows and columns. Layers that do not contribute to the result are refused: no part of them would
 * have to be computed. */

#define MAX_TEXT 131072
#define MAX_LINES 2048
#define MAX_LAYERS 4096 /* including those that gather what a line reads */

typedef struct {
  RfdnLayersReader reader;
  RfdnArray *lines;       /* RfdnLine: those that are not empty */
  guint at;               /* the line of the text at hand */
  RfdnSlice result;       /* of the last line; n = 0 if it made no layer */
  guint from[MAX_LAYERS]; /* the lines that the graph's layers come from */
} List;

/* ---- words ----------------------------------------------------------------------------------- */

static void
fail_operation (RfdnBuilder *builder, const char *name)
{
  g_autofree char *quoted = rfdn_tensor_file_quote (name);
  g_autoptr (GString) known = g_string_new (NULL);

  for (const RfdnOperation *operation = rfdn_operations; operation->name != NULL; operation++)
    g_string_append_printf (known, "%s%s", known->len ? ", " : "", operation->name);
  rfdn_builder_fail (builder, "'%s' is not an operation; known ones are: %s", quoted, known->str);
}

static void
parse_map (RfdnBuilder *builder, char *word, RfdnMapWord *map)
{
  g_autofree char *quoted = rfdn_tensor_file_quote (word);

  if (!rfdn_text_get_map (word, map))
    rfdn_builder_fail (builder, "'%s' is not a map: write NAME or NAME[A:B]", quoted);
}

static void
parse_number (RfdnBuilder *builder, const char *word, guint *number)
{
  g_autofree char *quoted = rfdn_tensor_file_quote (word);

  if (!rfdn_text_get_count (word, 1, RFDN_MAX_CHANNELS, number))
    rfdn_builder_fail (builder, "'%s' is not a number from 1 to %d", quoted, RFDN_MAX_CHANNELS);
}

/* The words between the operation's name and the options. */
static void
parse_operands (RfdnBuilder *builder, RfdnLine *line, char **rest)
{
  const RfdnOperation *operation = line->operation;

  for (guint what = HAS_IN; what <= HAS_NUMBER; what <<= 1) {
    if ((operation->words & what) == 0)
      continue;
    char *word = rfdn_text_take_word (rest);
    if (word == NULL || strchr (word, '=') != NULL) {
      rfdn_builder_fail (builder, "a word is missing: OUT = %s%s%s%s", operation->name,
                         operation->words & HAS_IN ? " IN" : "",
                         operation->words & HAS_TENSOR ? " TENSORS" : "",
                         operation->words & HAS_NUMBER ? " N" : "");
      return;
    }
    if (what == HAS_IN)
      parse_map (builder, word, &line->in);
    else if (what == HAS_TENSOR)
      line->tensor = word;
    else
      parse_number (builder, word, &line->number);
  }
}

/* FALSE after a failure. */
static gboolean
parse_line (RfdnLayersReader *reader, RfdnLine *line, char *out, char *rest)
{
  RfdnBuilder *builder = &reader->builder;
  const char *equals = rfdn_text_take_word (&rest);
  const char *name = rfdn_text_take_word (&rest);

  parse_map (builder, out, &line->out);
  if (name == NULL || !g_str_equal (equals, "=")) {
    rfdn_builder_fail (builder, "it should be OUT = OPERATION IN, separated by blanks");
    return FALSE;
  }
  line->operation = rfdn_operations;
  while (line->operation->name != NULL && !g_str_equal (line->operation->name, name))
    line->operation++;
  if (line->operation->name == NULL) {
    fail_operation (builder, name);
    return FALSE;
  }
  parse_operands (builder, line, &rest);
  for (char *word; builder->error == NULL && (word = rfdn_text_take_word (&rest)) != NULL;)
    rfdn_layers_parse_option (reader, line, word);
  return builder->error == NULL;
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* FALSE after a failure. */
static gboolean
read_input (RfdnLayersReader *reader, RfdnLine *line)
{
  const RfdnOperation *operation = line->operation;
  RfdnLayer *layer = &line->layer;

  layer->in = rfdn_maps_read (&reader->maps, &line->in);
  if (layer->in.n == 0)
    return FALSE;
  const RfdnGrid grid = rfdn_graph_activation (reader->builder.graph, layer->in.activation)->grid;
  line->grid = operation->to == RFDN_N_GRIDS ? grid : operation->to;
  if ((operation->grids & 1u << grid) == 0) {
    rfdn_builder_fail (&reader->builder, "'%s' is %s, which %s does not take", line->in.name,
                       rfdn_layers_grid_names[grid], operation->name);
    return FALSE;
  }
  if (line->border != RFDN_BORDER_ZERO && line->grid != RFDN_GRID_FRAME) {
    rfdn_builder_fail (&reader->builder, "'%s' is %s, which no pad= is known for", line->out.name,
                       rfdn_layers_grid_names[line->grid]);
    return FALSE;
  }
  layer->op = operation->op;
  layer->out.n = layer->in.n;
  if (operation->set != NULL)
    operation->set (reader, line);
  return reader->builder.error == NULL;
}

/* FALSE after a failure. */
static gboolean
append_layer (RfdnBuilder *builder, const RfdnLayer *layer)
{
  rfdn_graph_add_layer (builder->graph, layer);
  if (rfdn_graph_has_failed (builder->graph))
    rfdn_builder_fail_memory (builder);
  return builder->error == NULL;
}

static void
read_layer (RfdnLayersReader *reader, RfdnLine *line)
{
  RfdnBuilder *builder = &reader->builder;
  RfdnLayer *layer = &line->layer;

  if (!read_input (reader, line) || !rfdn_layers_resolve_options (reader, line))
    return;
  layer->out = rfdn_maps_write (&reader->maps, &line->out, line->grid, layer->out.n, line->border,
                                &layer->add);
  if (layer->out.n == 0)
    return;
  rfdn_layers_copy_tensors (reader, line);
  if (builder->error == NULL) {
    append_layer (builder, layer);
    return;
  }
  g_free (layer->weights);
  g_free (layer->bias);
  g_free (layer->slopes);
}

static gboolean
names_map (const RfdnLine *line, const char *name)
{
  if (g_strcmp0 (line->in.name, name) == 0)
    return TRUE;
  for (guint i = 0; i < RFDN_LAYERS_MAX_OPTIONS; i++) {
    if (g_strcmp0 (line->maps[i].name, name) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Whether the stack that line `i` makes is read before the last of its slices is written. */
static gboolean
is_read_early (const List *list, guint i)
{
  const char *name = g_array_index (list->lines, RfdnLine, i).out.name;
  gboolean is_read = FALSE;

  while (++i < list->lines->len) {
    const RfdnLine *line = &g_array_index (list->lines, RfdnLine, i);
    is_read |= names_map (line, name);
    if (is_read && line->out.n > 0 && g_str_equal (line->out.name, name))
      return TRUE;
  }
  return FALSE;
}

/* FALSE after a failure. */
static gboolean
read_line (List *list, guint i)
{
  RfdnBuilder *builder = &list->reader.builder;
  const RfdnArray *layers = builder->graph->layers;
  RfdnLine line = g_array_index (list->lines, RfdnLine, i);
  guint n = layers->len;

  list->at = line.at;
  if (line.operation->op == NULL)
    rfdn_maps_add_stack (&list->reader.maps, &line.out, line.number, is_read_early (list, i));
  else
    read_layer (&list->reader, &line);
  if (layers->len > MAX_LAYERS)
    rfdn_builder_fail (builder, "more than %d layers, with the copies that slices of stacks take",
                       MAX_LAYERS);
  if (builder->error != NULL)
    return FALSE;
  list->result = line.layer.out;
  while (n < layers->len)
    list->from[n++] = line.at;
  return TRUE;
}

/* FALSE after a failure. */
static gboolean
parse_lines (List *list, char *text)
{
  RfdnBuilder *builder = &list->reader.builder;

  for (char *rest; (rest = rfdn_text_take_line (&text)) != NULL;) {
    RfdnLine line = {.at = ++list->at, .layer.function = RFDN_LINEAR};
    char *out = rfdn_text_take_word (&rest);
    if (out == NULL)
      continue;
    if (list->lines->len == MAX_LINES)
      rfdn_builder_fail (builder, "more than %d layers", MAX_LINES);
    else if (parse_line (&list->reader, &line, out, rest) &&
             !rfdn_array_append (list->lines, &line))
      rfdn_builder_fail_memory (builder);
    if (builder->error != NULL)
      return FALSE;
  }
  return TRUE;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void
check_result (const List *list, RfdnBuilder *builder, const RfdnArchShape *shape)
{
  const guint factor = shape->scale * shape->unshuffle;
  const guint wanted = shape->out_channels * factor * factor;

  if (list->result.n == 0) {
    rfdn_builder_fail (builder, "the last line has no result");
  } else if (rfdn_graph_activation (builder->graph, list->result.activation)->grid !=
             RFDN_GRID_FRAME) {
    rfdn_builder_fail (builder, "the last line's result is not a map of the picture");
  } else if (list->result.n != wanted) {
    rfdn_builder_fail (builder,
                       "the last line makes %u channels; scale, unshuffle and colour ask for %u",
                       list->result.n, wanted);
  }
}

/* Finds a layer that the result does not need. The current line is then its own. */
static void
check_use (List *list, RfdnBuilder *builder)
{
  const RfdnGraph *graph = builder->graph;
  g_autofree gboolean *used = rfdn_try_new (gboolean, graph->activations->len);

  if (used == NULL) {
    rfdn_builder_fail_memory (builder);
    return;
  }
  used[list->result.activation] = TRUE;
  for (guint i = graph->layers->len; i-- > 0;) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    RfdnRead reads[RFDN_MAX_READS];
    const guint n = rfdn_layer_get_reads (layer, graph, reads);
    if (!used[layer->out.activation]) {
      list->at = list->from[i];
      rfdn_builder_fail (builder, "the result does not need it");
      return;
    }
    for (guint k = 0; k < n; k++)
      used[reads[k].slice.activation] = TRUE;
  }
}

static void
read_lines (List *list, char *text, const RfdnArchShape *shape)
{
  RfdnBuilder *builder = &list->reader.builder;
  gboolean ok = parse_lines (list, text);

  if (ok && list->lines->len == 0) {
    rfdn_builder_fail (builder, "metadata layers are empty");
    return;
  }
  for (guint i = 0; ok && i < list->lines->len; i++)
    ok = read_line (list, i);
  if (ok)
    check_result (list, builder, shape);
  if (builder->error == NULL)
    check_use (list, builder);
  if (builder->error != NULL)
    g_prefix_error (&builder->error, "layers, line %u: ", list->at);
}

/* The result is a whole activation, from which the picture is made; it is clipped at the very
 * end. */
static void
finish (List *list, const RfdnFunction *clip)
{
  RfdnGraph *graph = list->reader.builder.graph;
  RfdnLayer *last = &g_array_index (graph->layers, RfdnLayer, graph->layers->len - 1);
  const gboolean clips = clip->kind == RFDN_FUNCTION_CLIP;
  const gboolean whole =
      last->out.n == rfdn_graph_activation (graph, last->out.activation)->channels;
  const gboolean linear = last->function.kind == RFDN_FUNCTION_LEAKY && last->function.a == 1 &&
                          last->plus.n == 0 && last->upsampled.n == 0 && last->times.n == 0;

  if (whole && (!clips || linear)) {
    if (clips)
      last->function = *clip;
    return;
  }
  const RfdnSlice out = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, last->out.n);
  append_layer (&list->reader.builder,
                &(RfdnLayer){.op = &rfdn_op_copy, .in = last->out, .out = out, .function = *clip});
}

static void
describe (const RfdnGraph *graph, RfdnArchShape *shape)
{
  shape->attention = !rfdn_graph_is_finite (graph);
  for (guint i = 0; i < graph->activations->len; i++) {
    const RfdnActivation *activation = rfdn_graph_activation (graph, i);
    if (activation->grid == RFDN_GRID_FRAME)
      shape->features = MAX (shape->features, activation->channels);
  }
}

static RfdnGraph *
layers_read (const RfdnTensorFile *file, RfdnArchShape *shape, GError **error)
{
  g_autofree List *list = g_new0 (List, 1);
  RfdnBuilder *builder = &list->reader.builder;
  g_autofree char *text = g_strdup (rfdn_tensor_file_get_metadata (file, "layers"));
  RfdnFunction clip;

  builder->file = file;
  if (strlen (text) > MAX_TEXT)
    rfdn_builder_fail (builder, "metadata layers has more than %d bytes", MAX_TEXT);
  rfdn_layers_read_metadata (builder, shape, &clip);
  if (builder->error == NULL) {
    const guint in_channels = shape->in_channels * shape->unshuffle * shape->unshuffle;
    builder->graph = rfdn_graph_new (in_channels);
    if (rfdn_graph_has_failed (builder->graph))
      rfdn_builder_fail_memory (builder);
    list->lines = rfdn_array_new (sizeof (RfdnLine), NULL);
    rfdn_maps_init (&list->reader.maps, builder, in_channels);
    if (builder->error == NULL)
      read_lines (list, text, shape);
    if (builder->error == NULL)
      finish (list, &clip);
    rfdn_maps_clear (&list->reader.maps);
    rfdn_array_free (list->lines);
  }
  if (builder->error != NULL) {
    g_propagate_error (error, builder->error);
    g_clear_pointer (&builder->graph, rfdn_graph_free);
    return NULL;
  }
  describe (builder->graph, shape);
  return builder->graph;
}

const RfdnArch rfdn_arch_layers = {
    .name = "layers",
    .input_range = 1,
    .read = layers_read,
};
