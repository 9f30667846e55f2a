/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers-maps.h"

/* Scratch memory grows with the channels of all maps together, and one line of text could make any
 * number. */
#define MAX_ALL_CHANNELS 131072

/* Where a channel lies. */
typedef struct {
  gboolean is_written;
  guint activation, channel;
} Place;

typedef struct {
  guint channels;
  gboolean is_stack, is_early;
  gboolean is_begun; /* a layer has written to it; the fields below are set then */
  guint activation;  /* of all channels, unless is_early */
  RfdnGrid grid;
  RfdnBorder border;
  Place *places; /* of each channel */
} Map;

static void
map_free (gpointer data)
{
  Map *map = data;

  g_free (map->places);
  g_free (map);
}

static void
set_places (Map *map, guint first, RfdnSlice slice)
{
  for (guint c = 0; c < slice.n; c++)
    map->places[first + c] = (Place){TRUE, slice.activation, slice.first + c};
}

/* The channels from `first` on, up to `n` of them, that lie side by side. */
static RfdnSlice
get_run (const Map *map, guint first, guint n)
{
  const Place *place = &map->places[first];
  RfdnSlice run = {place->activation, place->channel, 1};

  while (run.n < n && place[run.n].activation == run.activation &&
         place[run.n].channel == run.first + run.n)
    run.n++;
  return run;
}

/* NULL after a failure. */
static Map *
add_map (RfdnMaps *self, const char *name, guint channels)
{
  if (channels < 1 || channels > RFDN_MAX_CHANNELS) {
    rfdn_builder_fail (self->builder, "'%s' would have %u channels; a map has 1 to %d", name,
                       channels, RFDN_MAX_CHANNELS);
    return NULL;
  }
  Map *map = g_new0 (Map, 1);
  map->channels = channels;
  map->places = rfdn_try_new (Place, channels);
  g_hash_table_insert (self->by_name, g_strdup (name), map);
  if (map->places != NULL)
    return map;
  rfdn_builder_fail_memory (self->builder);
  return NULL;
}

/* For some or all channels of a map that is begun. n = 0 after a failure. */
static RfdnSlice
add_activation (RfdnMaps *self, const Map *map, guint n)
{
  RfdnGraph *graph = self->builder->graph;

  self->n_channels += n;
  if (self->n_channels > MAX_ALL_CHANNELS) {
    rfdn_builder_fail (self->builder, "all maps together have more than %d channels",
                       MAX_ALL_CHANNELS);
    return (RfdnSlice){0};
  }
  const RfdnSlice slice = rfdn_graph_add_activation (graph, map->grid, n);
  if (rfdn_graph_has_failed (graph)) {
    rfdn_builder_fail_memory (self->builder);
    return (RfdnSlice){0};
  }
  if (map->border != RFDN_BORDER_ZERO)
    rfdn_graph_set_border (graph, slice.activation, map->border);
  return slice;
}

void
rfdn_maps_init (RfdnMaps *self, RfdnBuilder *builder, guint in_channels)
{
  *self = (RfdnMaps){.builder = builder, .n_channels = in_channels};
  self->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, map_free);
  Map *map = add_map (self, "x", in_channels);
  if (map == NULL)
    return;
  map->is_begun = TRUE;
  map->grid = RFDN_GRID_FRAME;
  set_places (map, 0, rfdn_graph_get_input (builder->graph));
}

void
rfdn_maps_clear (RfdnMaps *self)
{
  g_clear_pointer (&self->by_name, g_hash_table_unref);
}

void
rfdn_maps_add_stack (RfdnMaps *self, const RfdnMapWord *word, guint channels, gboolean is_early)
{
  if (word->n > 0) {
    rfdn_builder_fail (self->builder, "'%s' has to be made whole, not as a slice", word->name);
  } else if (g_hash_table_contains (self->by_name, word->name)) {
    rfdn_builder_fail (self->builder, "there is a map '%s' already", word->name);
  } else {
    Map *map = add_map (self, word->name, channels);
    if (map == NULL)
      return;
    map->is_stack = TRUE;
    map->is_early = is_early;
  }
}

/* Channels `*first` to `*first` + `*n` - 1 of a map are meant. FALSE after a failure. */
static gboolean
get_channels (RfdnMaps *self, const Map *map, const RfdnMapWord *word, guint *first, guint *n)
{
  *first = word->first;
  *n = word->n > 0 ? word->n : map->channels;
  if (*first < map->channels && *n <= map->channels - *first)
    return TRUE;
  rfdn_builder_fail (self->builder, "'%s[%u:%u]': '%s' has %u channels", word->name, *first,
                     *first + *n, word->name, map->channels);
  return FALSE;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Gathers channels side by side, for all later readers. n = 0 after a failure. */
static RfdnSlice
gather (RfdnMaps *self, Map *map, guint first, guint n)
{
  RfdnGraph *graph = self->builder->graph;
  const RfdnSlice whole = add_activation (self, map, n);

  for (guint c = 0; c < whole.n;) {
    const RfdnSlice run = get_run (map, first + c, n - c);
    rfdn_graph_add_layer (graph, &(RfdnLayer){.op = &rfdn_op_copy,
                                              .in = run,
                                              .out = rfdn_slice (whole, c, run.n),
                                              .function = RFDN_LINEAR});
    c += run.n;
  }
  if (rfdn_graph_has_failed (graph))
    rfdn_builder_fail_memory (self->builder);
  set_places (map, first, whole);
  return self->builder->error == NULL ? whole : (RfdnSlice){0};
}

RfdnSlice
rfdn_maps_read (RfdnMaps *self, const RfdnMapWord *word)
{
  Map *map = g_hash_table_lookup (self->by_name, word->name);
  guint first, n;

  if (map == NULL) {
    rfdn_builder_fail (self->builder, "there is no map '%s'", word->name);
    return (RfdnSlice){0};
  }
  if (!get_channels (self, map, word, &first, &n))
    return (RfdnSlice){0};
  for (guint c = first; c < first + n; c++) {
    if (!map->places[c].is_written) {
      rfdn_builder_fail (self->builder, "channel %u of '%s' is read before it is written", c,
                         word->name);
      return (RfdnSlice){0};
    }
  }
  const RfdnSlice run = get_run (map, first, n);
  return run.n == n ? run : gather (self, map, first, n);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* All writes to a map must be of one kind. FALSE after a failure. */
static gboolean
begin (RfdnMaps *self, Map *map, const char *name, RfdnGrid grid, RfdnBorder border)
{
  const gboolean was_begun = map->is_begun;

  if (was_begun && map->grid != grid) {
    rfdn_builder_fail (self->builder, "the slices of '%s' are not of the same size", name);
    return FALSE;
  }
  if (was_begun && map->border != border) {
    rfdn_builder_fail (self->builder, "the layers that write '%s' do not say the same pad=", name);
    return FALSE;
  }
  map->is_begun = TRUE;
  map->grid = grid;
  map->border = border;
  if (was_begun || map->is_early)
    return TRUE;
  const RfdnSlice whole = add_activation (self, map, map->channels);
  map->activation = whole.activation;
  return whole.n > 0;
}

static RfdnSlice
write_slice (RfdnMaps *self, Map *map, const RfdnMapWord *word, RfdnGrid grid, guint n,
             RfdnBorder border)
{
  guint first, wanted;

  if (!get_channels (self, map, word, &first, &wanted))
    return (RfdnSlice){0};
  if (wanted != n) {
    rfdn_builder_fail (self->builder, "the layer makes %u channels, and '%s' takes %u of them", n,
                       word->name, wanted);
    return (RfdnSlice){0};
  }
  for (guint c = first; c < first + n; c++) {
    if (map->places[c].is_written) {
      rfdn_builder_fail (self->builder, "channel %u of '%s' is written already", c, word->name);
      return (RfdnSlice){0};
    }
  }
  if (!begin (self, map, word->name, grid, border))
    return (RfdnSlice){0};
  const RfdnSlice slice =
      map->is_early ? add_activation (self, map, n) : (RfdnSlice){map->activation, first, n};
  set_places (map, first, slice);
  return slice;
}

/* Adds a new version of an existing map. */
static RfdnSlice
write_sum (RfdnMaps *self, Map *map, RfdnGrid grid, RfdnBorder border)
{
  map->is_stack = FALSE;
  map->grid = grid;
  map->border = border;
  const RfdnSlice whole = add_activation (self, map, map->channels);
  set_places (map, 0, whole);
  return whole;
}

/* Whether both the addend and the target are the whole map. */
static gboolean
is_sum (const Map *map, const RfdnMapWord *word, guint n, const RfdnSlice *add)
{
  const RfdnSlice run = get_run (map, 0, map->channels);

  return map->is_begun && word->n == 0 && n == map->channels && add->n == n && run.n == n &&
         add->activation == run.activation && add->first == run.first && map->places[0].is_written;
}

RfdnSlice
rfdn_maps_write (RfdnMaps *self, const RfdnMapWord *word, RfdnGrid grid, guint n, RfdnBorder border,
                 const RfdnSlice *add)
{
  Map *map = g_hash_table_lookup (self->by_name, word->name);

  if (map != NULL && is_sum (map, word, n, add))
    return write_sum (self, map, grid, border);
  if (map != NULL && map->is_stack)
    return write_slice (self, map, word, grid, n, border);
  if (map != NULL || word->n > 0) {
    rfdn_builder_fail (
        self->builder,
        map == NULL   ? "there is no stack '%s'"
        : word->n > 0 ? "'%s' is not a stack: its slices cannot be written"
                      : "there is a map '%s' already; it can be written again by add= to itself "
                        "alone",
        word->name);
    return (RfdnSlice){0};
  }
  map = add_map (self, word->name, n);
  return map != NULL ? write_slice (self, map, word, grid, n, border) : (RfdnSlice){0};
}
