/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schedule.h"

#include "kernels/kernels.h"

/* ---- groups ---------------------------------------------------------------------------------- */

static RfdnGrid
layer_grid (const RfdnGraph *graph, const RfdnLayer *layer)
{
  return rfdn_graph_activation (graph, layer->out.activation)->grid;
}

static gboolean
is_written_in (const RfdnGraph *graph, guint activation, const RfdnGroup *group)
{
  for (guint i = group->first; i < group->end; i++) {
    if (rfdn_graph_layer (graph, i)->out.activation == activation)
      return TRUE;
  }
  return FALSE;
}

static gboolean
can_join (const RfdnGraph *graph, const RfdnGroup *group, const RfdnLayer *layer)
{
  if (group->first == group->end || layer_grid (graph, layer) != RFDN_GRID_FRAME ||
      layer_grid (graph, rfdn_graph_layer (graph, group->first)) != RFDN_GRID_FRAME)
    return FALSE;
  return layer->kind == RFDN_LAYER_CONV_1X1 || !is_written_in (graph, layer->in.activation, group);
}

GArray *
rfdn_find_groups (const RfdnGraph *graph)
{
  GArray *groups = g_array_new (FALSE, TRUE, sizeof (RfdnGroup));

  g_array_set_size (groups, 1);
  for (guint i = 0; i < graph->layers->len; i++) {
    RfdnGroup *last = &g_array_index (groups, RfdnGroup, groups->len - 1);
    if (can_join (graph, last, rfdn_graph_layer (graph, i))) {
      last->end = i + 1;
      continue;
    }
    const RfdnGroup group = {i, i + 1};
    g_array_append_val (groups, group);
  }
  return groups;
}

/* ---- which rows a layer reads ---------------------------------------------------------------- */

typedef struct {
  guint activation;
  gint first, end;
} Rows;

#define MAX_READS 4 /* in, add, gate, upsampled */

/* What `layer` reads for rows y0 to y1 - 1, within the regions. */
static guint
get_reads (const RfdnLayer *layer, const RfdnLayout *layout, const RfdnRect *regions, gint y0,
           gint y1, Rows reads[MAX_READS])
{
  guint n = 0;
  Rows in = {layer->in.activation, y0, y1};

  if (layer->kind == RFDN_LAYER_CONV_3X3)
    in = (Rows){in.activation, y0 - 1, y1 + 1};
  else if (layer->kind == RFDN_LAYER_CONV_3X3_STRIDE2)
    in = (Rows){in.activation, 2 * y0, 2 * y1 + 1};
  else if (layer->kind == RFDN_LAYER_MAX_POOL)
    in = (Rows){in.activation, 3 * y0, 3 * y1 + 4};
  reads[n++] = in;
  if (layer->add.n)
    reads[n++] = (Rows){layer->add.activation, y0, y1};
  if (layer->gate.n)
    reads[n++] = (Rows){layer->gate.activation, y0, y1};
  if (layer->upsampled.n) {
    const gint size = rfdn_grid_get_extent (RFDN_GRID_POOLED, layout->width, layout->height).y1;
    Rows pooled = {layer->upsampled.activation, 0, 0};
    gint unused;
    float weight;
    rfdn_bilinear_at (y0, layout->height, size, &pooled.first, &unused, &weight);
    rfdn_bilinear_at (y1 - 1, layout->height, size, &unused, &pooled.end, &weight);
    pooled.end++;
    reads[n++] = pooled;
  }
  for (guint i = 0; i < n; i++) {
    /* What lies beyond is padding: a copy of the outermost row at most. */
    const RfdnRect *region = &regions[reads[i].activation];
    reads[i].first = CLAMP (reads[i].first, region->y0, region->y1 - 1);
    reads[i].end = CLAMP (reads[i].end, region->y0 + 1, region->y1);
  }
  return n;
}

/* ---- the order ------------------------------------------------------------------------------- */

typedef struct {
  const RfdnGraph *graph;
  const GArray *groups;
  const RfdnLayout *layout;
  const RfdnRect *regions;
  guint *rings;
  GArray *tasks;
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

static gboolean
is_over_frame (const Roll *roll, guint group)
{
  const RfdnGroup *layers = get_group (roll, group);
  return layers->first == layers->end ||
         layer_grid (roll->graph, rfdn_graph_layer (roll->graph, layers->first)) == RFDN_GRID_FRAME;
}

static void
roll_init (Roll *roll)
{
  const guint n = roll->groups->len;

  roll->group_of = g_new (guint, roll->graph->layers->len);
  roll->next = g_new (gint, n);
  roll->y0 = g_new (gint, n);
  roll->y1 = g_new (gint, n);
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

/* How many groups behind the frame's grid a group over a pooled one is; 0 for one over the frame's.
 */
static guint
get_depth (const Roll *roll, guint group)
{
  guint depth = 0;

  while (!is_over_frame (roll, group)) {
    const RfdnLayer *layer = rfdn_graph_layer (roll->graph, get_group (roll, group)->first);
    depth++;
    for (group = 0; group + 1 < roll->groups->len; group++) {
      const RfdnGroup *from = get_group (roll, group);
      if (from->first < from->end && is_written_in (roll->graph, layer->in.activation, from))
        break;
    }
  }
  return depth;
}

/* The pooled maps of all blocks go in front, one step of each after the other: what they need is
 * then long done, and so are they when they are needed, so that no thread waits for tasks as small
 * as theirs. */
static void
choose_order (Roll *roll)
{
  const guint n = roll->groups->len;
  guint at = 0;

  roll->order = g_new (guint, n);
  for (guint depth = 1; depth < n; depth++) {
    for (guint group = 0; group < n; group++) {
      if (get_depth (roll, group) == depth)
        roll->order[at++] = group;
    }
  }
  for (guint group = 0; group < n; group++) {
    if (is_over_frame (roll, group))
      roll->order[at++] = group;
  }
}

static void
roll_clear (Roll *roll)
{
  g_free (roll->group_of);
  g_free (roll->order);
  g_free (roll->next);
  g_free (roll->y0);
  g_free (roll->y1);
}

/* Rows of `activation` that are done, as layer number `reader` is to see it: layers behind it may
 * write to it later on, such as a sum in place. */
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
    Rows reads[MAX_READS];
    if (first >= end)
      continue;
    const guint n = get_reads (layer, roll->layout, roll->regions, first, end, reads);
    for (guint k = 0; k < n; k++) {
      if (reads[k].end > rows_done (roll, reads[k].activation, i))
        return FALSE;
    }
  }
  return TRUE;
}

/* As many strips of each activation as lie between the oldest row that a later task wants and the
 * newest. */
static void
measure_ring (Roll *roll, guint activation, gint newest)
{
  gint oldest = newest;

  for (guint i = 0; i < roll->graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (roll->graph, i);
    const RfdnRect *region = &roll->regions[layer->out.activation];
    const gint next = MAX (roll->next[roll->group_of[i]], region->y0);
    Rows reads[MAX_READS];
    if ((layer->in.activation != activation && layer->add.activation != activation &&
         layer->gate.activation != activation && layer->upsampled.activation != activation) ||
        next >= region->y1)
      continue;
    const guint n = get_reads (layer, roll->layout, roll->regions, next, next + 1, reads);
    for (guint k = 0; k < n; k++) {
      if (reads[k].activation == activation)
        oldest = MIN (oldest, reads[k].first);
    }
  }
  guint strips = (guint) (newest / RFDN_STRIP - oldest / RFDN_STRIP + 1);
  /* Room for the step's other strips, even if nothing else reads them: other threads are at them.
   */
  if (roll->layout->together)
    strips = MAX (strips, 2 * (guint) roll->layout->step / RFDN_STRIP);
  roll->rings[activation] = MAX (roll->rings[activation], strips);
}

/* Layers that are computed together must agree on where a chunk ends. */
static guint
get_n_chunks (const Roll *roll, guint group)
{
  const RfdnGroup *layers = get_group (roll, group);
  const gboolean same_columns =
      layers->end - layers->first == 1 || roll->layout->attention || roll->layout->columns == 1;
  return same_columns && group != 0 && is_over_frame (roll, group) ? roll->layout->chunks : 1;
}

static void
append_tasks (Roll *roll, guint group, gint y0, gint y1)
{
  const RfdnGroup *layers = get_group (roll, group);
  const guint n_chunks = get_n_chunks (roll, group);

  for (guint i = layers->first; i < layers->end; i++) {
    const guint written = rfdn_graph_layer (roll->graph, i)->out.activation;
    measure_ring (roll, written,
                  CLAMP (y1 - 1, roll->regions[written].y0, roll->regions[written].y1 - 1));
  }
  if (layers->first == layers->end)
    measure_ring (roll, 0, y1 - 1);
  for (guint chunk = 0; chunk < n_chunks; chunk++) {
    const RfdnTask task = {(guint16) group, (guint8) chunk, (guint8) n_chunks, y0, y1, 0};
    g_array_append_val (roll->tasks, task);
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
    /* Winograd's tiles want whole strips; on the grids behind them a strip would be a long wait. */
    while (y1 > y0 && !can_do (roll, group, y0, y1))
      y1 = whole ? y0 : y1 - 1;
    if (y1 == y0)
      break;
    append_tasks (roll, group, y0, y1);
    roll->next[group] = y1;
  }
  return roll->next[group] > first;
}

GArray *
rfdn_schedule_new (const RfdnGraph *graph, const GArray *groups, const RfdnLayout *layout,
                   const RfdnRect *regions, guint *rings)
{
  Roll roll = {
      .graph = graph,
      .groups = groups,
      .layout = layout,
      .regions = regions,
      .rings = rings,
      .tasks = g_array_new (FALSE, FALSE, sizeof (RfdnTask)),
  };

  roll_init (&roll);
  choose_order (&roll);
  for (gboolean any = TRUE; any;) {
    any = FALSE;
    for (guint i = 0; i < groups->len; i++)
      any |= advance (&roll, roll.order[i], layout->step);
  }
  roll_clear (&roll);
  return roll.tasks;
}

/* ---- what must be done before ---------------------------------------------------------------- */

/* A strip's place in a ring: how many tasks, from the first on, there are up to the last one that
 * wrote to it, and to the last one that read from it. */
typedef struct {
  guint written, read;
} Slot;

typedef struct {
  const RfdnGraph *graph;
  const RfdnLayout *layout;
  const RfdnRect *regions;
  const guint *rings;
  Slot **slots; /* of each activation */
} Links;

static Slot *
get_slot (const Links *links, guint activation, gint y)
{
  const gint strip = (y - strip_floor (links->regions[activation].y0)) / RFDN_STRIP;
  return &links->slots[activation][(guint) strip % links->rings[activation]];
}

/* One layer's part in the tasks that compute rows y0 to y1 - 1. With `behind`, the number of tasks
 * up to their last, they take their place in the slots; without, the answer tells what they wait
 * for. */
static guint
link_layer (const Links *links, const RfdnLayer *layer, gint y0, gint y1, guint behind)
{
  const RfdnRect *region = &links->regions[layer->out.activation];
  Rows reads[MAX_READS];
  guint after = 0;

  y0 = MAX (y0, region->y0);
  y1 = MIN (y1, region->y1);
  if (y0 >= y1)
    return 0;
  const guint n = get_reads (layer, links->layout, links->regions, y0, y1, reads);
  for (guint k = 0; k < n; k++) {
    for (gint y = reads[k].first; y < reads[k].end; y++) {
      Slot *slot = get_slot (links, reads[k].activation, y);
      after = MAX (after, slot->written);
      slot->read = MAX (slot->read, behind);
    }
  }
  Slot *slot = get_slot (links, layer->out.activation, y0);
  after = MAX (after, MAX (slot->written, slot->read));
  slot->written = MAX (slot->written, behind);
  return after;
}

static guint
link_group (const Links *links, const RfdnGroup *group, gint y0, gint y1, guint behind)
{
  guint after = 0;

  if (group->first == group->end) {
    Slot *slot = get_slot (links, 0, y0);
    after = MAX (slot->written, slot->read);
    slot->written = MAX (slot->written, behind);
  }
  for (guint i = group->first; i < group->end; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (links->graph, i);
    after = MAX (after, link_layer (links, layer, y0, y1, behind));
  }
  return after;
}

void
rfdn_schedule_link (GArray *tasks, const RfdnGraph *graph, const GArray *groups,
                    const RfdnLayout *layout, const RfdnRect *regions, const guint *rings)
{
  const guint n = graph->activations->len;
  Links links = {graph, layout, regions, rings, g_new (Slot *, n)};

  for (guint i = 0; i < n; i++)
    links.slots[i] = g_new0 (Slot, MAX (rings[i], 1));
  for (guint t = 0; t < tasks->len;) {
    const RfdnTask task = g_array_index (tasks, RfdnTask, t);
    const RfdnGroup *group = &g_array_index (groups, RfdnGroup, task.group);
    const guint after = link_group (&links, group, task.y0, task.y1, 0);
    link_group (&links, group, task.y0, task.y1, t + task.n_chunks);
    for (guint chunk = 0; chunk < task.n_chunks; chunk++, t++)
      g_array_index (tasks, RfdnTask, t).after = after;
  }
  for (guint i = 0; i < n; i++)
    g_free (links.slots[i]);
  g_free (links.slots);
}
