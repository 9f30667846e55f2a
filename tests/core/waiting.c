/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Several threads on one schedule, delayed at random: no task begins before those it waits for are
 * done, none waits forever, and the result equals that of one thread. */

#include <string.h>

#include "kernels/kernels.h"
#include "network-private.h"
#include "picture.h"

#define MAX_THREADS 9

/* A network, a frame, and threads to enlarge it with. */
typedef struct {
  RfdnModel *model;
  const RfdnGraph *graph;
  RfdnLayout layout;
  RfdnNetwork *network;
  RfdnStop stop;
  RfdnPool *pool;
  RfdnScratch *scratch;
  gsize size; /* bytes of the result */
  float *in, *want, *got;
  RfdnPlane from, to;
  RfdnPicture picture;
} Case;

/* What the threads do, as the hook sees it. */
static struct {
  guint delays;          /* one task in so many is delayed; 0: none */
  guint *bundle_of;      /* of each task */
  guint *first, *before; /* of each bundle: bundles that it should wait for */
  gint *left;            /* of each bundle: tasks that are not done */
  gint n_too_early;
  guint held, until; /* bundles: a task of the first is delayed until the second begins */
  gint has_begun;    /* it has */
  gint n_done;
  RfdnStop *stop; /* to be set half-way; NULL: not */
} watch;

static guint
random_below (guint n)
{
  return (guint) g_test_rand_int_range (0, (gint) n);
}

static const RfdnBundle *
get_bundle (const RfdnSchedule *schedule, guint bundle)
{
  return &g_array_index (schedule->bundles, RfdnBundle, bundle);
}

/* ---- watching -------------------------------------------------------------------------------- */

/* For a correct schedule. */
static void
watch_begin (const RfdnSchedule *schedule)
{
  const guint n = schedule->bundles->len;
  guint n_edges = 0;

  memset (&watch, 0, sizeof watch);
  watch.bundle_of = g_new (guint, schedule->tasks->len);
  watch.left = g_new0 (gint, n);
  watch.first = g_new0 (guint, n + 1);
  for (guint u = 0; u < schedule->units->len; u++) {
    const RfdnUnit *unit = &g_array_index (schedule->units, RfdnUnit, u);
    guint t = unit->task;
    do {
      watch.bundle_of[t++] = unit->bundle;
      watch.left[unit->bundle]++;
    } while (t < schedule->tasks->len && g_array_index (schedule->tasks, RfdnTask, t).joined);
  }
  for (guint b = 0; b < n; b++) {
    watch.first[b] = n_edges;
    n_edges += get_bundle (schedule, b)->n_before;
  }
  watch.first[n] = n_edges;
  watch.before = g_new (guint, n_edges);
  g_autofree guint *at = g_memdup2 (watch.first, n * sizeof *at);
  for (guint b = 0; b < n; b++) {
    const RfdnBundle *bundle = get_bundle (schedule, b);
    for (guint i = 0; i < bundle->n_followers; i++)
      watch.before[at[schedule->followers[bundle->first_follower + i]]++] = b;
  }
}

static void
watch_end (void)
{
  rfdn_run_set_hook (NULL);
  g_free (watch.bundle_of);
  g_free (watch.first);
  g_free (watch.before);
  g_free (watch.left);
}

/* A number that differs between threads and calls. */
static guint
get_noise (guint task)
{
  static gint calls;
  const guint n = (guint) g_atomic_int_add (&calls, 1) * 2654435761u + task * 40503u;
  return (n ^ n >> 15) * 2246822519u >> 8;
}

/* Twenty seconds at most. */
static void
wait_until_begun (void)
{
  for (guint i = 0; i < 40000 && !g_atomic_int_get (&watch.has_begun); i++)
    g_usleep (500);
}

static void
look_on (const RfdnSchedule *schedule, guint task, gboolean is_done)
{
  const guint bundle = watch.bundle_of[task];

  if (is_done) {
    g_atomic_int_add (&watch.left[bundle], -1);
    if (g_atomic_int_add (&watch.n_done, 1) == (gint) schedule->tasks->len / 2 && watch.stop)
      rfdn_stop_set_cancelled (watch.stop, TRUE);
    return;
  }
  for (guint i = watch.first[bundle]; i < watch.first[bundle + 1]; i++) {
    if (g_atomic_int_get (&watch.left[watch.before[i]]) != 0)
      g_atomic_int_inc (&watch.n_too_early);
  }
  if (watch.until != 0 && bundle == watch.until)
    g_atomic_int_set (&watch.has_begun, TRUE);
  if (watch.until != 0 && bundle == watch.held &&
      g_array_index (schedule->tasks, RfdnTask, task).chunk == 0)
    wait_until_begun ();
  const guint noise = get_noise (task);
  if (watch.delays != 0 && noise % watch.delays == 0)
    g_usleep (noise / watch.delays % 400);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void
case_init (Case *self, gboolean attention, guint n_threads, guint tile_size)
{
  const guint width = 40 + random_below (60), height = 40 + random_below (80), scale = 2;
  g_autoptr (Map) map = make_picture (1, width, height);

  *self = (Case){.model = make_model (attention ? "rfdn" : "reprfn", 4, 2, scale, 1, FALSE, NULL)};
  self->graph = rfdn_model_get_graph (self->model);
  self->pool = rfdn_pool_new (n_threads);
  g_assert_true (rfdn_layout_init (&self->layout, self->graph, (gint) width, (gint) height, 0,
                                   n_threads, tile_size, 0, -1, 1u << 20));
  self->layout.together = TRUE;
  self->layout.chunks = 1 + random_below (3);
  self->network = rfdn_network_new (
      self->model, rfdn_kernels_get (RFDN_CPU_AUTO, RFDN_PRECISION_FLOAT32, NULL), &self->layout);
  self->scratch =
      rfdn_scratch_new (self->network, rfdn_pool_get_n_threads (self->pool, NULL), &self->stop);
  self->size = (gsize) scale * scale * width * height * sizeof (float);
  self->in = g_memdup2 (map->values, (gsize) width * height * sizeof (float));
  self->want = g_malloc0 (self->size);
  self->got = g_malloc0 (self->size);
  self->from = (RfdnPlane){self->in, (gssize) (width * sizeof (float)), sizeof (float)};
  self->to = (RfdnPlane){self->got, (gssize) (scale * width * sizeof (float)), sizeof (float)};
  self->picture = (RfdnPicture){.in = &self->from,
                                .out = &self->to,
                                .format = {.samples = RFDN_SAMPLES_F32},
                                .width = width,
                                .height = height,
                                .unshuffle = 1,
                                .in_gain = {1, 1, 1},
                                .out_gain = 1};
}

static void
take_part (RfdnMember member, gpointer data)
{
  Case *self = data;

  rfdn_network_run (self->network, &self->picture, self->scratch, member.index, member);
}

static void
run (Case *self)
{
  const guint n_tiles = (guint) (self->layout.columns * self->layout.rows);

  memset (self->got, 0, self->size);
  rfdn_stop_begin (&self->stop);
  rfdn_scratch_begin (self->scratch, self->network, 0, n_tiles);
  rfdn_pool_run (self->pool, take_part, self);
}

/* The result of one thread. */
static void
run_alone (Case *self)
{
  const guint n_tiles = (guint) (self->layout.columns * self->layout.rows);
  RfdnScratch *scratch = rfdn_scratch_new (self->network, 1, &self->stop);

  rfdn_stop_begin (&self->stop);
  rfdn_scratch_begin (scratch, self->network, 0, n_tiles);
  rfdn_network_run (self->network, &self->picture, scratch, 0, RFDN_MEMBER_ALONE);
  memcpy (self->want, self->got, self->size);
  rfdn_scratch_free (scratch);
}

static void
case_clear (Case *self)
{
  rfdn_scratch_free (self->scratch);
  rfdn_network_free (self->network);
  rfdn_pool_unref (self->pool);
  rfdn_model_unref (self->model);
  g_free (self->in);
  g_free (self->want);
  g_free (self->got);
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* All in one tile: the order is checked, too. */
static void
test_delays (void)
{
  for (guint round = 0; round < 24; round++) {
    Case self;
    case_init (&self, round % 2 == 0, 2 + random_below (MAX_THREADS - 1), 0);
    self.layout.rows = self.layout.columns = 1;
    run_alone (&self);
    for (guint k = 0; k < 4; k++) {
      watch_begin (self.network->schedules[0]);
      watch.delays = k == 0 ? 0 : 4u << k;
      rfdn_run_set_hook (look_on);
      run (&self);
      g_assert_cmpint (watch.n_done, ==, (gint) self.network->schedules[0]->tasks->len);
      g_assert_cmpint (watch.n_too_early, ==, 0);
      watch_end ();
      g_assert_cmpmem (self.got, self.size, self.want, self.size);
    }
    case_clear (&self);
  }
}

static void
delay (const RfdnSchedule *schedule, guint task, gboolean is_done)
{
  const guint noise = get_noise (task);

  if (noise % 16 == 0)
    g_usleep (noise / 16 % 300);
}

/* A tile begins when the one before it is done. */
static void
test_tiles (void)
{
  for (guint round = 0; round < 16; round++) {
    Case self;
    case_init (&self, round % 2 == 0, 2 + random_below (MAX_THREADS - 1), 20 + random_below (30));
    run_alone (&self);
    rfdn_run_set_hook (delay);
    for (guint k = 0; k < 3; k++) {
      run (&self);
      g_assert_cmpmem (self.got, self.size, self.want, self.size);
    }
    rfdn_run_set_hook (NULL);
    case_clear (&self);
  }
}

/* A cancelled run does not affect the next one. */
static void
test_abandoned (void)
{
  for (guint round = 0; round < 16; round++) {
    Case self;
    case_init (&self, round % 2 == 0, 2 + random_below (MAX_THREADS - 1), 0);
    run_alone (&self);
    watch_begin (self.network->schedules[0]);
    watch.delays = 16;
    watch.stop = &self.stop;
    rfdn_run_set_hook (look_on);
    run (&self);
    g_assert_true (rfdn_stop_is_abandoned (&self.stop));
    g_assert_cmpint (watch.n_done, <, (gint) self.network->schedules[0]->tasks->len);
    watch_end ();
    rfdn_stop_set_cancelled (&self.stop, FALSE);
    run (&self);
    g_assert_cmpmem (self.got, self.size, self.want, self.size);
    case_clear (&self);
  }
}

/* Whether bundle `to` always waits for `from`, directly or not. */
static gboolean
is_behind (const RfdnSchedule *schedule, guint from, guint to)
{
  g_autofree gboolean *behind = g_new0 (gboolean, schedule->bundles->len);

  behind[from] = TRUE;
  for (guint b = from; b < to; b++) {
    for (guint i = 0; behind[b] && i < get_bundle (schedule, b)->n_followers; i++)
      behind[schedule->followers[get_bundle (schedule, b)->first_follower + i]] = TRUE;
  }
  return behind[to];
}

/* Makes one bundle no longer wait for another; FALSE if it also did so through others. */
static gboolean
drop_edge (RfdnSchedule *schedule, guint *before, guint *bundle)
{
  *before = 1 + random_below (schedule->bundles->len - 2);
  RfdnBundle *from = &g_array_index (schedule->bundles, RfdnBundle, *before);
  guint *followers = schedule->followers + from->first_follower;
  const guint i = random_below (from->n_followers);

  *bundle = followers[i];
  if (from->n_followers < 2)
    return FALSE;
  g_array_index (schedule->bundles, RfdnBundle, *bundle).n_before--;
  followers[i] = followers[--from->n_followers];
  return *bundle + 1 < schedule->bundles->len && !is_behind (schedule, *before, *bundle);
}

/* The tests above would find a bundle that does not wait. */
static void
test_dropped (void)
{
  guint n = 0;

  while (n < 12) {
    Case self;
    guint before, bundle;
    case_init (&self, n % 2 == 0, 3, 0);
    RfdnSchedule *schedule = self.network->schedules[0];
    watch_begin (schedule);
    if (rfdn_pool_get_n_threads (self.pool, NULL) == 3 && drop_edge (schedule, &before, &bundle)) {
      watch.held = before;
      watch.until = bundle;
      rfdn_run_set_hook (look_on);
      run (&self);
      g_assert_cmpint (watch.n_too_early, >, 0);
      n++;
    }
    watch_end ();
    case_clear (&self);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/waiting/delays", test_delays);
  g_test_add_func ("/waiting/tiles", test_tiles);
  g_test_add_func ("/waiting/abandoned", test_abandoned);
  g_test_add_func ("/waiting/dropped", test_dropped);
  return g_test_run ();
}
