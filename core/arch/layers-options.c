/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers-private.h"

#include <string.h>

static gboolean
parse_columns (RfdnLine *line, char *value, RfdnMapWord *map)
{
  return rfdn_text_get_range (value, &line->columns);
}

static gboolean
parse_rows (RfdnLine *line, char *value, RfdnMapWord *map)
{
  return rfdn_text_get_range (value, &line->rows);
}

static gboolean
parse_bias (RfdnLine *line, char *value, RfdnMapWord *map)
{
  line->no_bias = g_str_equal (value, "no");
  return line->no_bias;
}

static gboolean
parse_map (RfdnLine *line, char *value, RfdnMapWord *map)
{
  return rfdn_text_get_map (value, map);
}

static gboolean
parse_act (RfdnLine *line, char *value, RfdnMapWord *map)
{
  static const struct {
    const char *name;
    RfdnFunction function;
    guint n; /* numbers that it takes */
  } functions[] = {
      {"relu", {RFDN_FUNCTION_LEAKY}, 0},
      {"leaky", {RFDN_FUNCTION_LEAKY}, 1},
      {"silu", {RFDN_FUNCTION_SILU}, 0},
      {"elu", {RFDN_FUNCTION_ELU}, 1},
      {"gelu", {RFDN_FUNCTION_GELU}, 0},
      {"tanh", {RFDN_FUNCTION_TANH}, 0},
      {"clip", {RFDN_FUNCTION_CLIP}, 2},
      {"sigmoid", {RFDN_FUNCTION_SIGMOID}, 0},
      {"hardswish", {RFDN_FUNCTION_HARD_SWISH}, 0},
  };
  RfdnFunction *function = &line->layer.function;
  float numbers[2] = {0, 0};
  char *colon = strchr (value, ':');

  if (colon != NULL)
    *colon = '\0';
  if (g_str_equal (value, "prelu")) {
    function->kind = RFDN_FUNCTION_PRELU;
    line->slopes = colon != NULL ? colon + 1 : "";
    return *line->slopes != '\0';
  }
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++) {
    if (!g_str_equal (value, functions[i].name))
      continue;
    if ((colon != NULL) != (functions[i].n > 0) ||
        (colon != NULL && !rfdn_text_get_numbers (colon + 1, functions[i].n, numbers)))
      return FALSE;
    *function = (RfdnFunction){functions[i].function.kind, numbers[0], numbers[1]};
    return function->kind != RFDN_FUNCTION_CLIP || function->a <= function->b;
  }
  return FALSE;
}

static gboolean
parse_times (RfdnLine *line, char *value, RfdnMapWord *map)
{
  static const struct {
    const char *prefix;
    RfdnProduct product;
  } products[] = {
      {"sigmoid:", RFDN_PRODUCT_SIGMOID},
      {"sigmoid-half:", RFDN_PRODUCT_SIGMOID_HALF},
      {"", RFDN_PRODUCT_PLAIN},
  };
  guint i = 0;

  while (!g_str_has_prefix (value, products[i].prefix))
    i++;
  line->layer.product = products[i].product;
  return rfdn_text_get_map (value + strlen (products[i].prefix), map);
}

static gboolean
parse_gate (RfdnLine *line, char *value, RfdnMapWord *map)
{
  line->layer.product = RFDN_PRODUCT_GATE;
  return rfdn_text_get_map (value, map);
}

static gboolean
parse_pad (RfdnLine *line, char *value, RfdnMapWord *map)
{
  line->border = g_str_equal (value, "edge") ? RFDN_BORDER_EDGE : RFDN_BORDER_MIRROR;
  return line->border == RFDN_BORDER_EDGE || g_str_equal (value, "mirror");
}

#define ACTIVATIONS                                                                                \
  "relu, leaky:SLOPE, prelu:TENSOR, silu, elu:ALPHA, gelu, tanh, sigmoid, hardswish or "           \
  "clip:LOW:HIGH"

/* Options that name a map also tell which slice of the layer it becomes. */
static const struct {
  const char *name;
  guint takes;
  gboolean (*parse) (RfdnLine *line, char *value, RfdnMapWord *map);
  const char *wants;
  guint grids; /* that the map may lie on; 0: the option names none */
  gsize slice;
} options[] = {
    {"columns", TAKES_COLUMNS, parse_columns, "A:B, the first channel and the one behind the last"},
    {"rows", TAKES_ROWS, parse_rows, "A:B, the first channel and the one behind the last"},
    {"bias", TAKES_BIAS, parse_bias, "no"},
    {"add", TAKES_ALL_ELSE, parse_map, "a map", ON_SAME, G_STRUCT_OFFSET (RfdnLayer, add)},
    {"act", TAKES_ALL_ELSE, parse_act, ACTIVATIONS},
    {"plus", TAKES_ALL_ELSE, parse_map, "a map", ON_SAME, G_STRUCT_OFFSET (RfdnLayer, plus)},
    {"up", TAKES_ALL_ELSE, parse_map, "a map", ON_POOLED, G_STRUCT_OFFSET (RfdnLayer, upsampled)},
    {"times", TAKES_ALL_ELSE, parse_times, "a map, sigmoid:MAP or sigmoid-half:MAP",
     ON_SAME | ON_POINT, G_STRUCT_OFFSET (RfdnLayer, times)},
    {"gate", TAKES_ALL_ELSE, parse_gate, "a map", ON_SAME | ON_POINT,
     G_STRUCT_OFFSET (RfdnLayer, times)},
    {"pad", TAKES_ALL_ELSE, parse_pad, "edge or mirror"},
};

G_STATIC_ASSERT (G_N_ELEMENTS (options) <= RFDN_LAYERS_MAX_OPTIONS);

gboolean
rfdn_layers_parse_option (RfdnLayersReader *reader, RfdnLine *line, char *word)
{
  g_autofree char *quoted = rfdn_tensor_file_quote (word);
  char *value = strchr (word, '=');
  guint i = 0;

  if (value != NULL)
    *value++ = '\0';
  while (i < G_N_ELEMENTS (options) && !g_str_equal (word, options[i].name))
    i++;
  if (value == NULL || i == G_N_ELEMENTS (options)) {
    rfdn_builder_fail (&reader->builder, "'%s' is no option", quoted);
  } else if ((options[i].takes & line->operation->options) == 0) {
    rfdn_builder_fail (&reader->builder, "%s takes no %s=", line->operation->name, word);
  } else if (line->options >> i & 1) {
    rfdn_builder_fail (&reader->builder, "%s= is there twice", word);
  } else if (!options[i].parse (line, value, &line->maps[i])) {
    rfdn_builder_fail (&reader->builder, "'%s': %s= takes %s", quoted, word, options[i].wants);
  } else {
    line->options |= 1u << i;
    return TRUE;
  }
  return FALSE;
}

gboolean
rfdn_layers_resolve_options (RfdnLayersReader *reader, RfdnLine *line)
{
  const guint n = line->layer.out.n;

  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    if (line->maps[i].name == NULL)
      continue;
    RfdnSlice *slice = G_STRUCT_MEMBER_P (&line->layer, options[i].slice);
    if (slice->n > 0) {
      rfdn_builder_fail (&reader->builder,
                         "times= and gate= are both there; one is for another layer, a copy");
      return FALSE;
    }
    *slice = rfdn_maps_read (&reader->maps, &line->maps[i]);
    if (slice->n == 0)
      return FALSE;
    const RfdnGrid grid = rfdn_graph_activation (reader->builder.graph, slice->activation)->grid;
    const guint same = grid == line->grid && grid != RFDN_GRID_HALF ? ON_SAME : 0;
    if ((options[i].grids & (1u << grid | same)) == 0 ||
        (options[i].grids == ON_POOLED && line->grid != RFDN_GRID_FRAME)) {
      rfdn_builder_fail (&reader->builder, "%s= of %s: '%s' is %s", options[i].name,
                         rfdn_layers_grid_names[line->grid], line->maps[i].name,
                         rfdn_layers_grid_names[grid]);
      return FALSE;
    }
    if (slice->n != n && (slice->n != 1 || options[i].grids == ON_POOLED)) {
      rfdn_builder_fail (&reader->builder, "%s= is %u channels of '%s', and the layer makes %u",
                         options[i].name, slice->n, line->maps[i].name, n);
      return FALSE;
    }
  }
  return TRUE;
}
