/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much faster frames are with more threads, by simulating the schedule: each thread takes
 * the first unit that can begin, as in run.c. A task takes the time of its multiply-adds at a fixed
 * rate plus OVERHEAD; memory, caches and waking cost nothing, so real machines are slower. */

#include "layout.h"
#include "model.h"
#include "schedule.h"

#define RATE 20.0       /* multiply-adds a nanosecond */
#define OVERHEAD 1000.0 /* nanoseconds */
#define MAX_THREADS 64

typedef struct {
  const RfdnGraph *graph;
  const RfdnArray *groups;
  const RfdnSchedule *schedule;
  const RfdnRect *regions;
  guint *missing, *left;   /* of each bundle */
  gboolean *ready;         /* of each unit */
  guint first;             /* unit that may be ready */
  double end[MAX_THREADS]; /* of each thread's unit; G_MAXDOUBLE: it has none */
  guint unit[MAX_THREADS];
} Simulation;

static double
get_task_time (const Simulation *self, const RfdnTask *task)
{
  const RfdnGroup *group = &g_array_index (self->groups, RfdnGroup, task->group);
  double time = OVERHEAD;

  for (guint i = group->first; i < group->end; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (self->graph, i);
    const RfdnRect *out = &self->regions[layer->out.activation];
    const gint rows = MIN (task->y1, out->y1) - MAX (task->y0, out->y0);
    time += (double) layer->macs * MAX (rows, 0) * rfdn_rect_width (out) / task->n_chunks / RATE;
  }
  return time;
}

static double
get_unit_time (const Simulation *self, guint unit)
{
  const RfdnTask *tasks = self->schedule->tasks->data;
  guint t = g_array_index (self->schedule->units, RfdnUnit, unit).task;
  double time = get_task_time (self, &tasks[t]);

  for (t++; t < self->schedule->tasks->len && tasks[t].joined; t++)
    time += get_task_time (self, &tasks[t]);
  return time;
}

static const RfdnBundle *
get_bundle (const Simulation *self, guint bundle)
{
  return &g_array_index (self->schedule->bundles, RfdnBundle, bundle);
}

static void
publish (Simulation *self, guint bundle)
{
  const guint first = get_bundle (self, bundle)->first_unit;

  for (guint i = 0; i < get_bundle (self, bundle)->n_units; i++)
    self->ready[first + i] = TRUE;
  self->first = MIN (self->first, first);
}

static gboolean
take (Simulation *self, guint *unit)
{
  for (; self->first < self->schedule->units->len; self->first++) {
    if (self->ready[self->first]) {
      *unit = self->first;
      self->ready[self->first++] = FALSE;
      return TRUE;
    }
  }
  return FALSE;
}

static void
finish (Simulation *self, guint unit)
{
  const guint number = g_array_index (self->schedule->units, RfdnUnit, unit).bundle;
  const RfdnBundle *bundle = get_bundle (self, number);

  if (--self->left[number] > 0)
    return;
  for (guint i = 0; i < bundle->n_followers; i++) {
    const guint follower = self->schedule->followers[bundle->first_follower + i];
    if (--self->missing[follower] == 0)
      publish (self, follower);
  }
}

/* Nanoseconds; all tasks one after the other take `sum`. */
static double
simulate (Simulation *self, guint n_threads, double *sum)
{
  double now = 0;

  for (guint i = 0; i < n_threads; i++)
    self->end[i] = G_MAXDOUBLE;
  for (;;) {
    guint next = 0;
    for (guint i = 0; i < n_threads; i++) {
      if (self->end[i] == G_MAXDOUBLE && take (self, &self->unit[i])) {
        const double time = get_unit_time (self, self->unit[i]);
        self->end[i] = now + time;
        *sum += time;
      }
      if (self->end[i] < self->end[next])
        next = i;
    }
    if (self->end[next] == G_MAXDOUBLE)
      return now;
    now = self->end[next];
    self->end[next] = G_MAXDOUBLE;
    finish (self, self->unit[next]);
  }
}

/* Of a tile; adds up both times. */
static void
run_tile (const RfdnGraph *graph, const RfdnArray *groups, const RfdnLayout *layout, guint tile,
          guint n_threads, double *time, double *sum)
{
  g_autofree RfdnRect *regions = g_new (RfdnRect, graph->activations->len);
  rfdn_layout_get_regions (layout, graph, tile, regions);
  RfdnSchedule *schedule = rfdn_schedule_new (graph, groups, layout, regions);
  Simulation self = {graph, groups, schedule, regions, .first = G_MAXUINT};

  self.missing = g_new (guint, schedule->bundles->len);
  self.left = g_new (guint, schedule->bundles->len);
  self.ready = g_new0 (gboolean, schedule->units->len);
  for (guint b = 0; b < schedule->bundles->len; b++) {
    self.missing[b] = get_bundle (&self, b)->n_before;
    self.left[b] = get_bundle (&self, b)->n_units;
    if (self.missing[b] == 0)
      publish (&self, b);
  }
  *time += simulate (&self, n_threads, sum);
  g_free (self.missing);
  g_free (self.left);
  g_free (self.ready);
  rfdn_schedule_free (schedule);
}

/* Nanoseconds a frame. */
static double
get_frame_time (const char *name, gint width, gint height, guint n_threads)
{
  g_autoptr (RfdnModel) model = rfdn_model_new_builtin (name, 2, NULL);
  const RfdnGraph *graph = rfdn_model_get_graph (model);
  g_autoptr (RfdnArray) groups = rfdn_find_groups (graph);
  g_autofree double *busy = g_new0 (double, n_threads);
  RfdnLayout layout;
  double together = 0, sum = 0, longest = 0;

  rfdn_layout_init (&layout, graph, width, height, 0, n_threads, 0, 0, -1, 1u << 20);
  for (guint tile = 0; tile < (guint) (layout.columns * layout.rows); tile++) {
    double alone = 0;
    guint idle = 0;
    if (layout.together) {
      run_tile (graph, groups, &layout, tile, n_threads, &together, &sum);
      continue;
    }
    run_tile (graph, groups, &layout, tile, 1, &alone, &sum);
    for (guint i = 1; i < n_threads; i++)
      idle = busy[i] < busy[idle] ? i : idle;
    busy[idle] += alone;
    longest = MAX (longest, busy[idle]);
  }
  return layout.together ? together : longest;
}

static void
test_speedup (void)
{
  static const struct {
    const char *name;
    gint width, height;
    double at_16, at_64; /* at least */
  } cases[] = {
      {"live", 640, 360, 13, 0},    {"balanced", 640, 360, 12, 0},    {"rfdn", 640, 360, 13, 0},
      {"live", 1920, 1080, 13, 40}, {"balanced", 1920, 1080, 12, 40}, {"rfdn", 1920, 1080, 13, 40},
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) text = g_string_new (NULL);
    const gint width = cases[i].width, height = cases[i].height;
    const double one = get_frame_time (cases[i].name, width, height, 1);
    for (guint n = 1; n <= MAX_THREADS; n *= 2) {
      const double speedup = one / get_frame_time (cases[i].name, width, height, n);
      g_string_append_printf (text, " %u: %.1f", n, speedup);
      if (n == 16)
        g_assert_cmpfloat (speedup, >=, cases[i].at_16);
      if (n == 64)
        g_assert_cmpfloat (speedup, >=, cases[i].at_64);
    }
    g_test_message ("%s, %dx%d, times as fast by threads:%s", cases[i].name, width, height,
                    text->str);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/speedup/threads", test_speedup);
  return g_test_run ();
}
