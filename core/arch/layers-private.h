/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_LAYERS_PRIVATE_H
#define RFDN_LAYERS_PRIVATE_H

#include "arch.h"
#include "layers-maps.h"
#include "layers-text.h"

/* A line as the reader of lists of layers (layers.c) sees it, and what it can contain: operations
 * (layers-operations.c) and options (layers-options.c), a table each. */

#define RFDN_LAYERS_MAX_OPTIONS 16

/* The words that follow an operation's name. */
enum { HAS_IN = 1, HAS_TENSOR = 2, HAS_NUMBER = 4 };

/* Options that not every operation takes. */
enum { TAKES_COLUMNS = 1, TAKES_ROWS = 2, TAKES_BIAS = 4, TAKES_ALL_ELSE = 8 };

/* Grids that a map may lie on; SAME is that of the layer's result. */
enum {
  ON_FRAME = 1 << RFDN_GRID_FRAME,
  ON_HALF = 1 << RFDN_GRID_HALF,
  ON_POOLED = 1 << RFDN_GRID_POOLED,
  ON_POINT = 1 << RFDN_GRID_POINT,
  ON_SAME = 1 << RFDN_N_GRIDS,
};

typedef struct {
  RfdnBuilder builder;
  RfdnMaps maps;
  gsize n_weights; /* that the layers have copied so far */
} RfdnLayersReader;

typedef struct RfdnOperation RfdnOperation;

/* A line, in the order in which its parts become known: its words, the tensors and maps that they
 * name, the layer. */
typedef struct {
  guint at; /* which line of the text it is */
  const RfdnOperation *operation;
  RfdnMapWord out, in;
  const char *tensor;
  guint number;
  guint options; /* bit i: option i of the table is there */
  RfdnMapWord maps[RFDN_LAYERS_MAX_OPTIONS];
  RfdnRangeWord columns, rows;
  gboolean no_bias;
  const char *slopes; /* the name of a tensor; NULL: none */
  RfdnBorder border;
  const RfdnTensor *weight;
  RfdnGrid grid; /* of the result */
  RfdnLayer layer;
} RfdnLine;

struct RfdnOperation {
  const char *name;
  guint words, options;
  guint grids;      /* that IN may lie on */
  RfdnGrid to;      /* grid of the result; RFDN_N_GRIDS: that of IN */
  const RfdnOp *op; /* NULL: there is no layer, the line only names a stack */
  /* Sets what depends on tensors and numbers, above all out.n. NULL: out.n is in.n. */
  void (*set) (RfdnLayersReader *reader, RfdnLine *line);
};

extern const RfdnOperation rfdn_operations[]; /* ends with a NULL name */

/* In words. */
extern const char *const rfdn_layers_grid_names[RFDN_N_GRIDS];

/* Gives the layer its own weights, bias and slopes, which it owns even after a failure. */
void rfdn_layers_copy_tensors (RfdnLayersReader *reader, RfdnLine *line);

/* Parses OPTION=VALUE in place. FALSE after a failure. */
gboolean rfdn_layers_parse_option (RfdnLayersReader *reader, RfdnLine *line, char *word);

/* Finds the maps that options name, once the layer's result is known. FALSE after a failure.
 */
gboolean rfdn_layers_resolve_options (RfdnLayersReader *reader, RfdnLine *line);

#endif
