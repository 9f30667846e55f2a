/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schedule.h"

#include "kernels/kernels.h"
#include "ops/op.h"

/* ---- groups ---------------------------------------------------------------------------------- */

static gboolean
is_written_in (const RfdnGraph *graph, guint activation, const RfdnGroup *group)
{
  for (guint i = group->first; i < group->end; i++) {
    if (rfdn_graph_layer (graph, i)->out.activation == activation)
      return TRUE;
  }
  return FALSE;
}

/* Whether a layer sees rows of `group` other than those at its own place. */
static gboolean
looks_around (const RfdnGraph *graph, const RfdnGroup *group, const RfdnLayer *layer)
{
  const RfdnWindow window = layer->op->get_window (layer);
  const gboolean looks = window.width > 1 || window.height > 1;
  RfdnRead reads[RFDN_MAX_READS];
  const guint n = rfdn_layer_get_reads (layer, graph, reads);

  for (guint i = 0; i < n; i++) {
    if ((looks || reads[i].reach != RFDN_REACH_WINDOW) && reads[i].reach != RFDN_REACH_PIXEL &&
        is_written_in (graph, reads[i].slice.activation, group))
      return TRUE;
  }
  return FALSE;
}

static gboolean
can_join (const RfdnGraph *graph, const RfdnGroup *group, const RfdnLayer *layer)
{
  if (group->first == group->end || rfdn_layer_get_grid (layer, graph) != RFDN_GRID_FRAME ||
      rfdn_layer_get_grid (rfdn_graph_layer (graph, group->first), graph) != RFDN_GRID_FRAME)
    return FALSE;
  return !looks_around (graph, group, layer);
}

RfdnArray *
rfdn_find_groups (const RfdnGraph *graph)
{
  g_autoptr (RfdnArray) groups = rfdn_array_new (sizeof (RfdnGroup), NULL);

  rfdn_array_append (groups, &(RfdnGroup){0, 0});
  for (guint i = 0; !groups->failed && i < graph->layers->len; i++) {
    RfdnGroup *last = &g_array_index (groups, RfdnGroup, groups->len - 1);
    if (can_join (graph, last, rfdn_graph_layer (graph, i))) {
      last->end = i + 1;
      continue;
    }
    const RfdnGroup group = {i, i + 1};
    rfdn_array_append (groups, &group);
  }
  return groups->failed ? NULL : g_steal_pointer (&groups);
}

/* ---- the order ------------------------------------------------------------------------------- */

typedef struct {
  const RfdnGraph *graph;
  const RfdnArray *groups;
  const RfdnLayout *layout;
  const RfdnRect *regions;
  RfdnArray *tasks;
  guint *group_of; /* layer -> group */
  guint *order;    /* in which groups advance */
  gint *next;      /* of each group: the first row that is still to do */
  gint *y0, *y1;   /* of each group: the rows that it writes */
} Roll;

static const RfdnGroup *
get_group (const Roll *roll, guint group)
{
  return &g_array_index (roll->groups, RfdnGroup, group);
}

static gint
strip_floor (gint y)
{
  return y & ~(RFDN_STRIP - 1);
}

/* Of what a group writes. */
static RfdnGrid
get_grid (const Roll *roll, guint group)
{
  const RfdnGroup *layers = get_group (roll, group);
  return layers->first == layers->end
             ? RFDN_GRID_FRAME
             : rfdn_layer_get_grid (rfdn_graph_layer (roll->graph, layers->first), roll->graph);
}

static gboolean
is_over_frame (const Roll *roll, guint group)
{
  return get_grid (roll, group) == RFDN_GRID_FRAME;
}

static gboolean
roll_alloc (Roll *roll)
{
  const guint n = roll->groups->len;

  roll->tasks = rfdn_array_new (sizeof (RfdnTask), NULL);
  roll->group_of = rfdn_try_new (guint, roll->graph->layers->len);
  roll->order = rfdn_try_new (guint, n);
  roll->next = rfdn_try_new (gint, n);
  roll->y0 = rfdn_try_new (gint, n);
  roll->y1 = rfdn_try_new (gint, n);
  return roll->group_of && roll->order && roll->next && roll->y0 && roll->y1;
}

static void
roll_clear (Roll *roll)
{
  rfdn_array_free (roll->tasks);
  g_free (roll->group_of);
  g_free (roll->order);
  g_free (roll->next);
  g_free (roll->y0);
  g_free (roll->y1);
}

static void
roll_init (Roll *roll)
{
  const guint n = roll->groups->len;

  for (guint g = 0; g < n; g++) {
    const RfdnGroup *group = get_group (roll, g);
    roll->y0[g] = g == 0 ? roll->regions[0].y0 : G_MAXINT;
    roll->y1[g] = g == 0 ? roll->regions[0].y1 : G_MININT;
    for (guint i = group->first; i < group->end; i++) {
      const RfdnLayer *layer = rfdn_graph_layer (roll->graph, i);
      const RfdnRect *region = &roll->regions[layer->out.activation];
      roll->group_of[i] = g;
      roll->y0[g] = MIN (roll->y0[g], region->y0);
      roll->y1[g] = MAX (roll->y1[g], region->y1);
    }
    roll->next[g] = roll->y0[g];
  }
}

/* The pooled maps of all blocks come first: their input is then long done, and so are they when
 * they are needed. */
static void
choose_order (Roll *roll)
{
  const guint n = roll->groups->len;
  guint at = 0;

  for (gint over_frame = 0; over_frame <= 1; over_frame++) {
    for (guint group = 0; group < n; group++) {
      if (is_over_frame (roll, group) == over_frame)
        roll->order[at++] = group;
    }
  }
}

/* ESA's pooled maps, and maps of one pixel. */
static gboolean
is_small (RfdnGrid grid)
{
  return grid == RFDN_GRID_POOLED || grid == RFDN_GRID_POINT;
}

/* The tasks on a block's pooled map are tiny and depend on each other: one thread does those of a
 * round in turn, while others work on other blocks. */
static gboolean
is_joined (const Roll *roll, guint group)
{
  if (!is_small (get_grid (roll, group)) || roll->tasks->len == 0)
    return FALSE;
  const guint before = g_array_index (roll->tasks, RfdnTask, roll->tasks->len - 1).group;
  const RfdnLayer *layer = rfdn_graph_layer (roll->graph, get_group (roll, group)->first);
  const gboolean begins =
      !is_small (rfdn_graph_activation (roll->graph, layer->in.activation)->grid);
  return is_small (get_grid (roll, before)) && (!begins || before == group);
}

/* Rows of `activation` that are done as far as layer number `reader` is concerned: later layers may
 * still write to it, for instance to sum up in place. */
static gint
rows_done (const Roll *roll, guint activation, guint reader)
{
  gint done = activation == 0 ? roll->next[0] : G_MAXINT;

  for (guint i = 0; i < reader; i++) {
    const guint group = roll->group_of[i];
    if (group != roll->group_of[reader] &&
        rfdn_graph_layer (roll->graph, i)->out.activation == activation)
      done = MIN (done, MAX (roll->next[group], roll->regions[activation].y0));
  }
  return done;
}

static gboolean
can_do (const Roll *roll, guint group, gint y0, gint y1)
{
  for (guint i = get_group (roll, group)->first; i < get_group (roll, group)->end; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (roll->graph, i);
    const RfdnRect *region = &roll->regions[layer->out.activation];
    const gint first = MAX (y0, region->y0), end = MIN (y1, region->y1);
    RfdnRows reads[RFDN_MAX_READS];
    if (first >= end)
      continue;
    const guint n =
        rfdn_layer_get_rows (layer, roll->graph, roll->layout, roll->regions, first, end, reads);
    for (guint k = 0; k < n; k++) {
      if (reads[k].end > rows_done (roll, reads[k].activation, i))
        return FALSE;
    }
  }
  return TRUE;
}

/* A mirrored end may lie in the chunk before the last. */
static gboolean
is_mirrored (const Roll *roll, const RfdnGroup *group)
{
  for (guint i = group->first; i < group->end; i++) {
    const guint out = rfdn_graph_layer (roll->graph, i)->out.activation;
    if (rfdn_graph_activation (roll->graph, out)->border == RFDN_BORDER_MIRROR)
      return TRUE;
  }
  return FALSE;
}

/* Layers that are computed together must agree on where a chunk ends. */
static guint
get_n_chunks (const Roll *roll, guint group)
{
  const RfdnGroup *layers = get_group (roll, group);
  const gboolean same_columns =
      layers->end - layers->first == 1 || roll->layout->attention || roll->layout->columns == 1;
  return same_columns && group != 0 && !is_mirrored (roll, layers) && is_over_frame (roll, group)
             ? roll->layout->chunks
             : 1;
}

static void
append_tasks (Roll *roll, guint group, gint y0, gint y1)
{
  const guint n_chunks = get_n_chunks (roll, group);

  for (guint chunk = 0; chunk < n_chunks; chunk++) {
    const RfdnTask task = {
        (guint16) group, (guint8) chunk, (guint8) n_chunks, is_joined (roll, group), y0, y1};
    rfdn_array_append (roll->tasks, &task);
  }
}

/* What can be done now of the next `rows` rows of a group; whether there was any. */
static gboolean
advance (Roll *roll, guint group, gint rows)
{
  const gboolean whole = is_over_frame (roll, group);
  const gint first = roll->next[group];
  const gint end = MIN (strip_floor (first) + rows, roll->y1[group]);

  while (roll->next[group] < end) {
    const gint y0 = roll->next[group];
    gint y1 = MIN (strip_floor (y0) + RFDN_STRIP, roll->y1[group]);
    /* Winograd's tiles need whole strips; on the pooled grids waiting for a strip would take
     * long. */
    while (y1 > y0 && !can_do (roll, group, y0, y1))
      y1 = whole ? y0 : y1 - 1;
    if (y1 == y0)
      break;
    append_tasks (roll, group, y0, y1);
    roll->next[group] = y1;
  }
  return roll->next[group] > first;
}

/* NULL if there is no memory. */
static RfdnArray *
make_tasks (const RfdnGraph *graph, const RfdnArray *groups, const RfdnLayout *layout,
            const RfdnRect *regions)
{
  Roll roll = {.graph = graph, .groups = groups, .layout = layout, .regions = regions};
  RfdnArray *tasks = NULL;

  if (roll_alloc (&roll)) {
    roll_init (&roll);
    choose_order (&roll);
    for (gboolean any = TRUE; any && !roll.tasks->failed;) {
      any = FALSE;
      for (guint i = 0; i < groups->len; i++)
        any |= advance (&roll, roll.order[i], layout->step);
    }
    if (!roll.tasks->failed)
      tasks = g_steal_pointer (&roll.tasks);
  }
  roll_clear (&roll);
  return tasks;
}

/* ---- the schedule ---------------------------------------------------------------------------- */

RfdnSchedule *
rfdn_schedule_new (const RfdnGraph *graph, const RfdnArray *groups, const RfdnLayout *layout,
                   const RfdnRect *regions)
{
  RfdnSchedule *self = g_new0 (RfdnSchedule, 1);

  self->tasks = make_tasks (graph, groups, layout, regions);
  if (self->tasks != NULL && rfdn_schedule_place (self, graph, groups, layout, regions))
    return self;
  rfdn_schedule_free (self);
  return NULL;
}

void
rfdn_schedule_free (RfdnSchedule *self)
{
  if (self == NULL)
    return;
  rfdn_array_free (self->tasks);
  rfdn_array_free (self->bundles);
  rfdn_array_free (self->units);
  g_free (self->followers);
  for (guint i = 0; self->page != NULL && self->page[i] != NULL; i++)
    g_free (self->page[i]);
  g_free (self->page);
  g_free (self->kind);
  rfdn_array_free (self->kinds);
  g_free (self->n_pages);
  g_free (self);
}
