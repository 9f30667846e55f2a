/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator.h"

#include "kernels/kernels.h"
#include "ops/ops.h"

#define LOADING (-1) /* as a layer */

/* A task has used a row. */
typedef struct {
  guint task;
  gint layer;
  gboolean writes;
  gboolean local; /* by column, for the row that the task makes */
  RfdnSlice slice;
} Access;

/* A page and its contents. */
typedef struct {
  gboolean taken;
  guint activation;
  gint strip;
  GArray *before;           /* guint: tasks that used the former contents */
  GArray *use;              /* guint: tasks that used the present contents */
  GArray *rows[RFDN_STRIP]; /* Access */
} Page;

typedef struct {
  const Plan *plan;
  GArray **pages;   /* of each kind: Page */
  gint *group_of;   /* layer -> group */
  guint *chunks_of; /* group -> tasks that a row takes */
  guint *bundle_of; /* task -> bundle */
  gsize row_size;   /* bytes of a row of: */
  guint8 *done;     /* for each bundle, a bit for each bundle that is done before it begins */
  /* The task at hand. */
  guint number;
  const RfdnTask *task;
  gint layer;
  char *error;
} Simulator;

static const RfdnTask *
get_task (const Plan *plan, guint number)
{
  return &g_array_index (plan->schedule->tasks, RfdnTask, number);
}

static const RfdnGroup *
get_group (const Plan *plan, guint group)
{
  return &g_array_index (plan->groups, RfdnGroup, group);
}

G_GNUC_PRINTF (2, 3)
static void
fail (Simulator *self, const char *format, ...)
{
  va_list args;

  if (self->error != NULL)
    return;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  self->error = g_strdup_printf ("task %u (rows %d to %d, chunk %u of %u), layer %d: %s",
                                 self->number, self->task->y0, self->task->y1 - 1,
                                 self->task->chunk, self->task->n_chunks, self->layer, text);
}

/* ---- the rows of the groups ------------------------------------------------------------------ */

static void
get_rows (const Plan *plan, guint group, gint *y0, gint *y1)
{
  const RfdnGroup *layers = get_group (plan, group);

  *y0 = layers->first == layers->end ? plan->regions[0].y0 : G_MAXINT;
  *y1 = layers->first == layers->end ? plan->regions[0].y1 : G_MININT;
  for (guint i = layers->first; i < layers->end; i++) {
    const RfdnRect *region = &plan->regions[rfdn_graph_layer (plan->graph, i)->out.activation];
    *y0 = MIN (*y0, region->y0);
    *y1 = MAX (*y1, region->y1);
  }
}

char *
simulator_check_rows (const Plan *plan)
{
  const guint n = plan->groups->len;
  g_autofree gint *next = g_new (gint, n);
  g_autofree gint *end = g_new (gint, n);
  const RfdnTask *before = NULL;

  for (guint g = 0; g < n; g++)
    get_rows (plan, g, &next[g], &end[g]);
  for (guint t = 0; t < plan->schedule->tasks->len; t++) {
    const RfdnTask *task = get_task (plan, t);
    if (task->group >= n || task->n_chunks < 1 || task->chunk >= task->n_chunks)
      return g_strdup_printf ("task %u: there is no such group or chunk", t);
    if (task->y0 >= task->y1 || task->y0 / RFDN_STRIP != (task->y1 - 1) / RFDN_STRIP)
      return g_strdup_printf ("task %u: rows %d to %d are no strip", t, task->y0, task->y1 - 1);
    if (task->y0 != next[task->group])
      return g_strdup_printf ("task %u: group %u is at row %d, not %d", t, task->group,
                              next[task->group], task->y0);
    /* The chunks of a strip follow each other. */
    const gboolean follows = task->chunk > 0;
    if (follows && (before->group != task->group || before->chunk + 1 != task->chunk ||
                    before->n_chunks != task->n_chunks || before->y1 != task->y1))
      return g_strdup_printf ("task %u: chunk %u comes without the one in front", t, task->chunk);
    if (!follows && before != NULL && before->chunk + 1 != before->n_chunks)
      return g_strdup_printf ("task %u: the last chunks of the strip in front are missing", t);
    if (task->chunk + 1 == task->n_chunks)
      next[task->group] = task->y1;
    before = task;
  }
  for (guint g = 0; g < n; g++) {
    if (next[g] != end[g])
      return g_strdup_printf ("group %u ends at row %d, not %d", g, next[g], end[g]);
  }
  return NULL;
}

/* ---- pages ----------------------------------------------------------------------------------- */

static gint
strip_of (gint y)
{
  return y / RFDN_STRIP;
}

static Page *
find_page (const Simulator *self, guint activation, gint y)
{
  const RfdnSchedule *schedule = self->plan->schedule;
  const gint first = strip_of (self->plan->regions[activation].y0);
  const guint page = schedule->page[activation][strip_of (y) - first];
  GArray *pages = self->pages[schedule->kind[activation]];

  return page < pages->len ? &g_array_index (pages, Page, page) : NULL;
}

static gboolean
overlap (const RfdnSlice *a, const RfdnSlice *b)
{
  return a->first < b->first + b->n && b->first < a->first + a->n;
}

static void
note (Simulator *self, Page *page, gint y, const RfdnSlice *slice, gboolean writes, gboolean local)
{
  const Access access = {self->number, self->layer, writes, local, *slice};
  GArray *row = page->rows[y % RFDN_STRIP];

  for (guint i = row->len; i-- > 0;) {
    const Access *old = &g_array_index (row, Access, i);
    if (old->task == access.task && old->layer == access.layer && old->writes == writes &&
        old->slice.first == slice->first)
      return;
  }
  g_array_append_val (row, access);
  if (page->use->len == 0 || g_array_index (page->use, guint, page->use->len - 1) != self->number)
    g_array_append_val (page->use, self->number);
}

/* Whether a task that used a row is done before the current one begins: its bundle is waited for by
 * the current one's, or it is earlier in the same bundle, which one thread computes. */
static gboolean
is_task_done (const Simulator *self, guint task)
{
  const guint bundle = self->bundle_of[task], own = self->bundle_of[self->number];

  if (bundle == own)
    return task < self->number && self->task->joined;
  return self->done[own * self->row_size + bundle / 8] >> bundle % 8 & 1;
}

static gboolean
is_done (const Simulator *self, const Access *access)
{
  return is_task_done (self, access->task);
}

static gboolean
is_same_group (const Simulator *self, gint layer)
{
  return layer != LOADING && self->layer != LOADING &&
         self->group_of[layer] == self->group_of[self->layer];
}

/* Whether another chunk of the current strip cannot conflict with this one in activation
 * `activation`: both use only their own columns, which are the same there as in the layer's output.
 */
static gboolean
keeps_to_columns (const Simulator *self, guint activation)
{
  const RfdnLayer *layer = rfdn_graph_layer (self->plan->graph, (guint) self->layer);
  const RfdnRect *a = &self->plan->regions[activation];
  const RfdnRect *b = &self->plan->regions[layer->out.activation];

  return self->task->n_chunks == 1 || (a->x0 == b->x0 && a->x1 == b->x1);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Checks a row that the current task reads, written by the earlier layer `writer`. */
static void
check_written (Simulator *self, const GArray *row, gint writer, guint activation, gint y,
               gboolean local)
{
  guint n = 0;
  gboolean by_itself = FALSE;

  for (guint i = 0; i < row->len; i++) {
    const Access *access = &g_array_index (row, Access, i);
    if (!access->writes || access->layer != writer)
      continue;
    n += is_done (self, access);
    by_itself |= access->task == self->number;
  }
  if (by_itself && local && is_same_group (self, writer) && keeps_to_columns (self, activation))
    return;
  if (n < self->chunks_of[writer == LOADING ? 0 : self->group_of[writer]])
    fail (self, "row %d of activation %u: layer %d may not be done", y, activation, writer);
}

/* `local`: by column, for the row that is written. */
static void
read_row (Simulator *self, const RfdnSlice *slice, gint y, gboolean local)
{
  const Plan *plan = self->plan;
  Page *page = find_page (self, slice->activation, y);

  if (page == NULL || !page->taken || page->activation != slice->activation ||
      page->strip != strip_of (y)) {
    fail (self, "row %d of activation %u is not there", y, slice->activation);
    return;
  }
  GArray *row = page->rows[y % RFDN_STRIP];
  if (slice->activation == 0)
    check_written (self, row, LOADING, 0, y, FALSE);
  for (gint i = 0; i < (gint) plan->graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (plan->graph, (guint) i);
    if (layer->out.activation != slice->activation || !overlap (&layer->out, slice))
      continue;
    if (i < self->layer)
      check_written (self, row, i, slice->activation, y, local);
    for (guint k = 0; k < row->len && i >= self->layer; k++) {
      const Access *access = &g_array_index (row, Access, k);
      const gboolean beside = is_same_group (self, i) && local &&
                              keeps_to_columns (self, slice->activation) &&
                              access->task != self->number;
      if (access->writes && access->layer == i && !beside)
        fail (self, "row %d of activation %u: layer %d has overwritten it", y, slice->activation,
              i);
    }
  }
  note (self, page, y, slice, FALSE, local);
}

/* Beyond the frame there are zeros, and with attention beyond the region, too. */
static void
read_rows (Simulator *self, const RfdnSlice *slice, gint first, gint last)
{
  const Plan *plan = self->plan;
  const RfdnRect *region = &plan->regions[slice->activation];
  const RfdnRect extent = rfdn_grid_get_extent (
      rfdn_graph_activation (plan->graph, slice->activation)->grid, plan->width, plan->height);

  for (gint y = MAX (first, extent.y0); y <= MIN (last, extent.y1 - 1); y++) {
    if (y >= region->y0 && y < region->y1)
      read_row (self, slice, y, FALSE);
    else if (!plan->attention)
      fail (self, "row %d of activation %u is not computed", y, slice->activation);
  }
}

/* Beyond its region, a pooled map repeats its outermost row up to the frame's border. */
static void
read_pooled_row (Simulator *self, const RfdnSlice *slice, gint y)
{
  const Plan *plan = self->plan;
  const RfdnRect extent = rfdn_grid_get_extent (RFDN_GRID_POOLED, plan->width, plan->height);
  const RfdnRect *region = &plan->regions[slice->activation];

  if (y >= 0 && y < extent.y1)
    read_row (self, slice, CLAMP (y, region->y0, region->y1 - 1), FALSE);
}

static void
read_for_row (Simulator *self, const RfdnLayer *layer, gint y)
{
  const RfdnGrid grid = rfdn_graph_activation (self->plan->graph, layer->in.activation)->grid;

  if (layer->op == &rfdn_op_conv1x1) {
    read_row (self, &layer->in, y, TRUE);
  } else if (layer->op == &rfdn_op_conv3x3 && grid == RFDN_GRID_POOLED) {
    for (gint k = y - 1; k <= y + 1; k++)
      read_pooled_row (self, &layer->in, k);
  } else if (layer->op == &rfdn_op_conv3x3) {
    read_rows (self, &layer->in, y - 1, y + 1);
  } else if (layer->op == &rfdn_op_conv3x3_stride2) {
    read_rows (self, &layer->in, 2 * y, 2 * y + 2);
  } else {
    g_assert_true (layer->op == &rfdn_op_max_pool);
    read_rows (self, &layer->in, 3 * y, 3 * y + 6);
  }
  if (layer->add.n)
    read_row (self, &layer->add, y, TRUE);
  if (layer->plus.n)
    read_row (self, &layer->plus, y, TRUE);
  if (layer->times.n)
    read_row (self, &layer->times, y, TRUE);
  if (layer->upsampled.n) {
    const RfdnRect extent =
        rfdn_grid_get_extent (RFDN_GRID_POOLED, self->plan->width, self->plan->height);
    gint first, second;
    float weight;
    rfdn_bilinear_at (y, self->plan->height, extent.y1, &first, &second, &weight);
    read_pooled_row (self, &layer->upsampled, first);
    read_pooled_row (self, &layer->upsampled, second);
  }
}

/* ---- writing --------------------------------------------------------------------------------- */

static void
take_page (Page *page, guint activation, gint y)
{
  page->taken = TRUE;
  page->activation = activation;
  page->strip = strip_of (y);
  GArray *before = page->before;
  page->before = page->use;
  page->use = before;
  g_array_set_size (page->use, 0);
  for (guint r = 0; r < RFDN_STRIP; r++)
    g_array_set_size (page->rows[r], 0);
}

/* Tasks that used the row before the current one writes it. */
static void
check_others (Simulator *self, const GArray *row, const RfdnSlice *slice, gint y)
{
  for (guint i = 0; i < row->len; i++) {
    const Access *access = &g_array_index (row, Access, i);
    if (!overlap (&access->slice, slice))
      continue;
    if (access->layer == self->layer) {
      if (access->writes && access->task == self->number)
        fail (self, "row %d of activation %u is written twice", y, slice->activation);
      continue; /* other chunks of the same strip, or its own sum in place */
    }
    const gboolean beside = is_same_group (self, access->layer) && access->local &&
                            access->task != self->number &&
                            keeps_to_columns (self, slice->activation);
    if (access->layer > self->layer && !beside)
      fail (self, "row %d of activation %u: layer %d has touched it too early", y,
            slice->activation, access->layer);
    else if (access->task != self->number && !is_done (self, access) && !beside)
      fail (self, "row %d of activation %u: layer %d may still use it", y, slice->activation,
            access->layer);
  }
}

static void
write_row (Simulator *self, const RfdnSlice *slice, gint y)
{
  Page *page = find_page (self, slice->activation, y);

  if (page == NULL) {
    fail (self, "activation %u has no page for row %d", slice->activation, y);
    return;
  }
  if (!page->taken || page->activation != slice->activation || page->strip != strip_of (y))
    take_page (page, slice->activation, y);
  for (guint i = 0; i < page->before->len; i++) {
    const guint task = g_array_index (page->before, guint, i);
    if (task != self->number && !is_task_done (self, task))
      fail (self, "the page of row %d of activation %u may be in use by task %u", y,
            slice->activation, task);
  }
  check_others (self, page->rows[y % RFDN_STRIP], slice, y);
  note (self, page, y, slice, TRUE, TRUE);
}

/* ---- tasks ----------------------------------------------------------------------------------- */

static void
run_layer (Simulator *self, guint index)
{
  const RfdnLayer *layer = rfdn_graph_layer (self->plan->graph, index);
  const RfdnRect *region = &self->plan->regions[layer->out.activation];
  const gint y0 = MAX (self->task->y0, region->y0), y1 = MIN (self->task->y1, region->y1);

  self->layer = (gint) index;
  for (gint y = y0; y < y1; y++)
    read_for_row (self, layer, y);
  /* The last layer writes to the picture. */
  for (gint y = y0; y < y1 && index + 1 < self->plan->graph->layers->len; y++)
    write_row (self, &layer->out, y);
}

static void
run_task (Simulator *self, guint number)
{
  self->number = number;
  self->task = get_task (self->plan, number);
  self->layer = LOADING;
  const RfdnGroup *group = get_group (self->plan, self->task->group);
  const RfdnSlice input = {0, 0, rfdn_graph_activation (self->plan->graph, 0)->channels};

  if (group->first == group->end) {
    for (gint y = self->task->y0; y < self->task->y1; y++)
      write_row (self, &input, y);
  }
  for (guint i = group->first; i < group->end; i++)
    run_layer (self, i);
}

static void
page_clear (gpointer data)
{
  Page *page = data;
  for (guint r = 0; r < RFDN_STRIP; r++)
    g_array_unref (page->rows[r]);
  g_array_unref (page->before);
  g_array_unref (page->use);
}

/* ---- who waits for whom ---------------------------------------------------------------------- */

static char *
check_bundle (const Plan *plan, guint b)
{
  const RfdnSchedule *schedule = plan->schedule;
  const RfdnBundle *bundle = &g_array_index (schedule->bundles, RfdnBundle, b);
  const gboolean is_end = b + 1 == schedule->bundles->len;

  if (bundle->first_unit + bundle->n_units > schedule->units->len ||
      (bundle->n_units == 0) != is_end)
    return g_strdup_printf ("bundle %u: there are no such units", b);
  if (bundle->n_followers == 0 && !is_end)
    return g_strdup_printf ("bundle %u: nobody waits for it", b);
  for (guint i = 0; i < bundle->n_followers; i++) {
    const guint follower = schedule->followers[bundle->first_follower + i];
    if (follower <= b || follower >= schedule->bundles->len)
      return g_strdup_printf ("bundle %u waits for bundle %u", follower, b);
  }
  for (guint u = bundle->first_unit; u < bundle->first_unit + bundle->n_units; u++) {
    const RfdnUnit *unit = &g_array_index (schedule->units, RfdnUnit, u);
    const RfdnTask *task = get_task (plan, unit->task);
    if (unit->bundle != b || task->joined || task->chunk != u - bundle->first_unit ||
        task->n_chunks != bundle->n_units)
      return g_strdup_printf ("bundle %u: unit %u is not its own", b, u);
  }
  return NULL;
}

/* NULL, or what is wrong: bundles must be in order, have all tasks, and count those they wait for.
 */
static char *
check_bundles (const Plan *plan)
{
  const RfdnSchedule *schedule = plan->schedule;
  g_autofree guint *before = g_new0 (guint, schedule->bundles->len);
  guint task = 0;

  for (guint u = 0; u < schedule->units->len; u++) {
    if (g_array_index (schedule->units, RfdnUnit, u).task != task)
      return g_strdup_printf ("unit %u does not begin with task %u", u, task);
    for (task++; task < schedule->tasks->len && get_task (plan, task)->joined;)
      task++;
  }
  if (task != schedule->tasks->len)
    return g_strdup_printf ("no unit has task %u", task);
  for (guint b = 0; b < schedule->bundles->len; b++) {
    const RfdnBundle *bundle = &g_array_index (schedule->bundles, RfdnBundle, b);
    char *error = check_bundle (plan, b);
    if (error != NULL)
      return error;
    if (before[b] != bundle->n_before)
      return g_strdup_printf ("bundle %u waits for %u, not %u", b, bundle->n_before, before[b]);
    for (guint i = 0; i < bundle->n_followers; i++)
      before[schedule->followers[bundle->first_follower + i]]++;
  }
  return NULL;
}

/* Which bundles are done before which, directly or through others. */
static void
find_done (Simulator *self)
{
  const RfdnSchedule *schedule = self->plan->schedule;
  const guint n = schedule->bundles->len;

  self->row_size = n / 8 + 1;
  self->done = g_malloc0_n (n, self->row_size);
  self->bundle_of = g_new0 (guint, schedule->tasks->len);
  for (guint b = 0; b < n; b++) {
    const RfdnBundle *bundle = &g_array_index (schedule->bundles, RfdnBundle, b);
    const guint8 *own = self->done + b * self->row_size;
    for (guint i = 0; i < bundle->n_followers; i++) {
      guint8 *row = self->done + schedule->followers[bundle->first_follower + i] * self->row_size;
      for (gsize k = 0; k < self->row_size; k++)
        row[k] |= own[k];
      row[b / 8] |= (guint8) (1u << b % 8);
    }
  }
  for (guint u = 0; u < schedule->units->len; u++) {
    const RfdnUnit *unit = &g_array_index (schedule->units, RfdnUnit, u);
    guint task = unit->task;
    do
      self->bundle_of[task++] = unit->bundle;
    while (task < schedule->tasks->len && get_task (self->plan, task)->joined);
  }
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void
simulator_init (Simulator *self, const Plan *plan)
{
  const guint n_kinds = plan->schedule->kinds->len;

  *self = (Simulator){.plan = plan};
  self->pages = g_new (GArray *, n_kinds);
  for (guint k = 0; k < n_kinds; k++) {
    self->pages[k] = g_array_new (FALSE, TRUE, sizeof (Page));
    g_array_set_clear_func (self->pages[k], page_clear);
    g_array_set_size (self->pages[k], plan->schedule->n_pages[k]);
    for (guint p = 0; p < self->pages[k]->len; p++) {
      for (guint r = 0; r < RFDN_STRIP; r++)
        g_array_index (self->pages[k], Page, p).rows[r] =
            g_array_new (FALSE, FALSE, sizeof (Access));
      g_array_index (self->pages[k], Page, p).before = g_array_new (FALSE, FALSE, sizeof (guint));
      g_array_index (self->pages[k], Page, p).use = g_array_new (FALSE, FALSE, sizeof (guint));
    }
  }
  self->group_of = g_new (gint, plan->graph->layers->len);
  self->chunks_of = g_new0 (guint, plan->groups->len);
  for (guint t = 0; t < plan->schedule->tasks->len; t++)
    self->chunks_of[get_task (plan, t)->group] = get_task (plan, t)->n_chunks;
  for (guint g = 0; g < plan->groups->len; g++) {
    for (guint i = get_group (plan, g)->first; i < get_group (plan, g)->end; i++)
      self->group_of[i] = (gint) g;
  }
}

char *
simulator_check_order (const Plan *plan)
{
  Simulator self;
  char *error = check_bundles (plan);

  if (error != NULL)
    return error;
  simulator_init (&self, plan);
  find_done (&self);
  for (guint t = 0; t < plan->schedule->tasks->len && self.error == NULL; t++)
    run_task (&self, t);
  for (guint k = 0; k < plan->schedule->kinds->len; k++)
    g_array_unref (self.pages[k]);
  g_free (self.pages);
  g_free (self.group_of);
  g_free (self.chunks_of);
  g_free (self.bundle_of);
  g_free (self.done);
  return self.error;
}
