/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order of a tile's tasks: complete, and safe for any number of threads. */

#include "simulator.h"

#include "kernels/kernels.h"
#include "model.h"
#include "layout.h"
#include "picture.h"

#define ROUNDS 400

/* A network, a frame and a layout. */
typedef struct {
  RfdnModel *model;
  const RfdnGraph *graph;
  RfdnArray *groups;
  RfdnLayout layout;
} Case;

static void
case_clear (Case *self)
{
  rfdn_model_unref (self->model);
  rfdn_array_free (self->groups);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Case, case_clear)

static guint
random_below (guint n)
{
  return (guint) g_test_rand_int_range (0, (gint) n);
}

/* Parameters that the layout does not choose now, but may in future. */
static void
change_sharing (RfdnLayout *layout)
{
  layout->step = RFDN_STRIP * (gint) (1 + random_below (6));
  layout->chunks = 1 + random_below (9);
  layout->distance = random_below (30);
  layout->together = TRUE;
}

static void
case_init (Case *self)
{
  const gboolean is_rfdn = g_test_rand_bit (), attention = is_rfdn || g_test_rand_bit ();
  const gint least = attention ? RFDN_ATTENTION_MIN_SIZE : 1;
  const gint size = g_test_rand_bit () ? 60 : 400;
  const guint tile = random_below (2) ? 1 + random_below (120) : 0;

  self->model = make_model (is_rfdn ? "rfdn" : "reprfn", 4, 1 + random_below (4),
                            2 + random_below (3), random_below (2) ? 3 : 1, attention, NULL);
  self->graph = rfdn_model_get_graph (self->model);
  self->groups = rfdn_find_groups (self->graph);
  rfdn_layout_init (&self->layout, self->graph, g_test_rand_int_range (least, size),
                    g_test_rand_int_range (least, size), 0, 1 + random_below (9), tile,
                    (guint) random_below (60), random_below (2) ? (gint) random_below (100) : -1,
                    (gsize) random_below (200000));
  if (random_below (2))
    change_sharing (&self->layout);
}

static RfdnSchedule *
make_schedule (const Case *self, guint tile, RfdnRect *regions)
{
  /* One schedule for all tiles of a row, as in network.c. */
  const guint columns = (guint) self->layout.columns;
  rfdn_layout_get_regions (&self->layout, self->graph, tile / columns * columns, regions);
  RfdnSchedule *schedule = rfdn_schedule_new (self->graph, self->groups, &self->layout, regions);
  rfdn_layout_get_regions (&self->layout, self->graph, tile, regions);
  return schedule;
}

static Plan
make_plan (const Case *self, const RfdnSchedule *schedule, const RfdnRect *regions)
{
  return (Plan){self->graph,         self->groups,           regions, self->layout.width,
                self->layout.height, self->layout.attention, schedule};
}

static void
assert_fine (const Case *self, const char *error)
{
  g_autofree char *layout = rfdn_layout_describe (&self->layout);

  if (error != NULL)
    g_error ("%s: %ux%u, %s, step %d, %u chunks, distance %u: %s",
             rfdn_model_get_info (self->model)->architecture, self->layout.width,
             self->layout.height, layout, self->layout.step, self->layout.chunks,
             self->layout.distance, error);
}

static void
test_random (void)
{
  gsize n_tasks = 0;

  for (guint round = 0; round < ROUNDS; round++) {
    g_auto (Case) self;
    case_init (&self);
    const guint n_tiles = (guint) (self.layout.columns * self.layout.rows);
    const guint tiles[] = {0, random_below (n_tiles), n_tiles - 1};
    for (guint k = 0; k < (n_tiles > 1 ? 3 : 1); k++) {
      g_autofree RfdnRect *regions = g_new (RfdnRect, self.graph->activations->len);
      RfdnSchedule *schedule = make_schedule (&self, tiles[k], regions);
      const Plan plan = make_plan (&self, schedule, regions);
      g_autofree char *rows = simulator_check_rows (&plan);
      assert_fine (&self, rows);
      g_autofree char *order = simulator_check_order (&plan);
      assert_fine (&self, order);
      n_tasks += schedule->tasks->len;
      rfdn_schedule_free (schedule);
    }
  }
  g_test_message ("%" G_GSIZE_FORMAT " tasks", n_tasks);
}

/* ---- the simulator itself -------------------------------------------------------------------- */

typedef gboolean (*BreakFunc) (const Case *self, RfdnSchedule *schedule);

static RfdnTask *
random_task (const RfdnSchedule *schedule)
{
  return &g_array_index (schedule->tasks, RfdnTask, random_below (schedule->tasks->len));
}

/* Nothing waits for a bundle any more. */
static gboolean
forget_bundle (const Case *self, RfdnSchedule *schedule)
{
  RfdnBundle *bundles = schedule->bundles->data;
  RfdnBundle *bundle = &bundles[random_below (schedule->bundles->len - 1)];
  guint *followers = schedule->followers + bundle->first_follower;
  const guint end = schedule->bundles->len - 1;

  if (followers[0] == end)
    return FALSE;
  for (guint i = 0; i < bundle->n_followers; i++)
    bundles[followers[i]].n_before--;
  bundle->n_followers = 1;
  followers[0] = end;
  bundles[end].n_before++;
  return TRUE;
}

/* Whether bundle `to` always waits for `from`, directly or not. */
static gboolean
is_behind (const RfdnSchedule *schedule, guint from, guint to)
{
  g_autofree gboolean *behind = g_new0 (gboolean, schedule->bundles->len);

  behind[from] = TRUE;
  for (guint b = from; b < to; b++) {
    const RfdnBundle *bundle = &g_array_index (schedule->bundles, RfdnBundle, b);
    for (guint i = 0; behind[b] && i < bundle->n_followers; i++)
      behind[schedule->followers[bundle->first_follower + i]] = TRUE;
  }
  return behind[to];
}

/* One that waits for it no longer does, not even through others. */
static gboolean
forget_one (const Case *self, RfdnSchedule *schedule)
{
  RfdnBundle *bundles = schedule->bundles->data;
  RfdnBundle *bundle = &bundles[random_below (schedule->bundles->len - 1)];
  guint *followers = schedule->followers + bundle->first_follower;

  if (bundle->n_followers < 2)
    return FALSE;
  const guint i = random_below (bundle->n_followers), follower = followers[i];
  bundles[follower].n_before--;
  followers[i] = followers[--bundle->n_followers];
  return !is_behind (schedule, (guint) (bundle - bundles), follower);
}

static gboolean
wait_for_itself (const Case *self, RfdnSchedule *schedule)
{
  const guint number = random_below (schedule->bundles->len - 1);
  const RfdnBundle *bundle = &g_array_index (schedule->bundles, RfdnBundle, number);
  schedule->followers[bundle->first_follower] = number;
  return TRUE;
}

/* A strip gets the page of the strip below. */
static gboolean
move_page (const Case *self, RfdnSchedule *schedule)
{
  const guint activation = random_below (self->graph->activations->len - 1);
  g_autofree RfdnRect *regions = g_new (RfdnRect, self->graph->activations->len);
  rfdn_layout_get_regions (&self->layout, self->graph, 0, regions);
  const gint n = (regions[activation].y1 - 1) / RFDN_STRIP - regions[activation].y0 / RFDN_STRIP;
  guint32 *page = schedule->page[activation];
  if (n < 1)
    return FALSE;
  const guint strip = random_below ((guint) n);
  const gboolean any = page[strip] != page[strip + 1];
  page[strip] = page[strip + 1];
  return any;
}

static gboolean
lose_task (const Case *self, RfdnSchedule *schedule)
{
  rfdn_array_remove (schedule->tasks, random_below (schedule->tasks->len));
  return TRUE;
}

static gboolean
repeat_task (const Case *self, RfdnSchedule *schedule)
{
  const RfdnTask task = *random_task (schedule);
  rfdn_array_append (schedule->tasks, &task);
  return TRUE;
}

/* In how many of 100 schedules a planted fault is found. */
static double
get_found (BreakFunc break_it, char *(*check) (const Plan *plan))
{
  guint n = 0, found = 0;

  for (guint round = 0; round < 20; round++) {
    g_auto (Case) self;
    case_init (&self);
    g_autofree RfdnRect *regions = g_new (RfdnRect, self.graph->activations->len);
    for (guint k = 0; k < 5; k++) {
      RfdnSchedule *schedule = make_schedule (&self, 0, regions);
      if (break_it (&self, schedule)) {
        const Plan plan = make_plan (&self, schedule, regions);
        g_autofree char *error = check (&plan);
        n++;
        found += error != NULL;
      }
      rfdn_schedule_free (schedule);
    }
  }
  return 100.0 * found / MAX (n, 1);
}

static void
test_broken (void)
{
  static const struct {
    const char *name;
    BreakFunc break_it;
    char *(*check) (const Plan *plan);
    double least; /* the schedule tracks strips, the simulator rows */
  } cases[] = {
      {"a bundle that nobody waits for", forget_bundle, simulator_check_order, 100},
      {"one that waits for one too few", forget_one, simulator_check_order, 95},
      {"a bundle that waits for itself", wait_for_itself, simulator_check_order, 100},
      {"two strips in one page", move_page, simulator_check_order, 95},
      {"a task too few", lose_task, simulator_check_rows, 100},
      {"a task too many", repeat_task, simulator_check_rows, 100},
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const double found = get_found (cases[i].break_it, cases[i].check);
    g_test_message ("%s: found in %.0f of 100", cases[i].name, found);
    g_assert_cmpfloat (found, >=, cases[i].least);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/schedule/random", test_random);
  g_test_add_func ("/schedule/broken", test_broken);
  return g_test_run ();
}
