/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs schedules. A single thread does the tasks in order; several take units (a task, or some that
 * are joined), each the first one that can be started.
 *
 * What they share, a cache line each, is accessed by GLib's atomic operations, which are
 * sequentially consistent:
 *
 * - For each bundle `missing`, the number of bundles that must be done first and are not, and
 *   `left`, the number of its own units that are not done. A thread that finishes a unit decrements
 *   `left`; if that reaches 0, it decrements `missing` of the bundles that wait for this one; where
 *   that reaches 0, it sets the bits of that bundle's units. All writes of a task come before its
 *   decrement, and the decrement to 0 comes after all others: a thread that sees a unit's bit also
 *   sees all its input.
 * - For each 32 units (Word) a bit each that says it can be started, and how many have not been
 *   started. The thread that clears a bit owns the unit.
 * - `first`, the first word with a unit that has not been started, and `top`, one past the last
 *   word that has had a bit: threads look for bits between the two. Both only grow within a tile.
 *
 * Tiles share memory. The last bundle of a schedule has no units and is done when all others are:
 * the one thread that completes it starts the next tile. The others read what it writes (`tile`,
 * `schedule`) once they own a unit of that tile, whose bit was set afterwards.
 *
 * A thread that finds nothing keeps looking for some microseconds if there are as many processors
 * as threads awake, and then sleeps. No wake-up is lost: it announces that it will sleep (`asleep`)
 * and looks once more; a thread that sets bits checks `asleep` afterwards. One of the two sees the
 * other. And a thread that has finished a unit looks for another before it sleeps, or wakes another
 * thread before it leaves: as long as a unit can be started, some thread is awake that will find
 * it. Waking more is only for speed, and useless beyond the number of processors. `asleep` counts
 * threads that sleep and have not been woken, `called` those that have been woken and have not
 * noticed yet; both change under the lock. */

#include "network-private.h"
#include "threads.h"

/* How often a thread looks for work before it sleeps: about two or three microseconds. */
#define LOOKS 40

static RfdnTaskHook hook;

void
rfdn_run_set_hook (RfdnTaskHook func)
{
  hook = func;
}

void
rfdn_stop_set_cancelled (RfdnStop *self, gboolean cancelled)
{
  g_atomic_int_set (&self->cancelled, cancelled);
  if (cancelled)
    g_atomic_int_set (&self->abandoned, TRUE);
}

/* If rfdn_stop_set_cancelled() runs at the same time, either this sees `cancelled`, or that sets
 * `abandoned` afterwards. */
void
rfdn_stop_begin (RfdnStop *self)
{
  g_atomic_int_set (&self->abandoned, FALSE);
  if (g_atomic_int_get (&self->cancelled))
    g_atomic_int_set (&self->abandoned, TRUE);
}

gboolean
rfdn_stop_is_abandoned (const RfdnStop *self)
{
  return g_atomic_int_get (&self->abandoned);
}

/* ---- a tile's beginning ---------------------------------------------------------------------- */

static const RfdnSchedule *
get_schedule (const RfdnNetwork *network, guint tile)
{
  return network->schedules[tile / (guint) network->layout.columns];
}

static const RfdnBundle *
get_bundle (const RfdnSchedule *schedule, guint bundle)
{
  return &g_array_index (schedule->bundles, RfdnBundle, bundle);
}

static guint
get_n_words (const RfdnSchedule *schedule)
{
  return (schedule->units->len + RFDN_WORD - 1) / RFDN_WORD;
}

/* Sets the bits of a bundle's units. */
static void
publish (RfdnScratch *self, const RfdnBundle *bundle)
{
  guint unit = bundle->first_unit;
  const guint end = unit + bundle->n_units;
  gint top = g_atomic_int_get (&self->top);
  const gint needed = (gint) ((end + RFDN_WORD - 1) / RFDN_WORD);

  while (top < needed && !g_atomic_int_compare_and_exchange (&self->top, top, needed))
    top = g_atomic_int_get (&self->top);
  while (unit < end) {
    const guint word = unit / RFDN_WORD, bit = unit % RFDN_WORD;
    const guint n = MIN (end - unit, RFDN_WORD - bit);
    g_atomic_int_or (&self->words[word].ready, (G_MAXUINT32 >> (RFDN_WORD - n)) << bit);
    unit += n;
  }
}

/* Resets the counters of a schedule's bundles and words. Other threads may be looking for bits,
 * nothing else. */
static void
reset (RfdnScratch *self, const RfdnSchedule *schedule)
{
  const guint n_units = schedule->units->len;

  for (guint b = 0; b < schedule->bundles->len; b++) {
    const RfdnBundle *bundle = get_bundle (schedule, b);
    self->counts[b].missing = (gint) bundle->n_before;
    self->counts[b].left = (gint) bundle->n_units;
  }
  for (guint w = 0; w < get_n_words (schedule); w++) {
    self->words[w].n = (gint) MIN (n_units - w * RFDN_WORD, RFDN_WORD);
    /* An abandoned run has left bits behind. */
    if (g_atomic_int_get (&self->words[w].ready) != 0)
      g_atomic_int_set (&self->words[w].ready, 0);
  }
}

/* Returns how many units can be started. */
static guint
begin_tile (const RfdnNetwork *network, RfdnScratch *self, guint tile)
{
  const RfdnSchedule *schedule = get_schedule (network, tile);
  guint n = 0;

  self->tile = tile;
  self->schedule = schedule;
  reset (self, schedule);
  g_atomic_int_set (&self->top, 0);
  g_atomic_int_set (&self->first, 0);
  for (guint b = 0; b < schedule->bundles->len; b++) {
    if (get_bundle (schedule, b)->n_before == 0) {
      publish (self, get_bundle (schedule, b));
      n += get_bundle (schedule, b)->n_units;
    }
  }
  return n;
}

void
rfdn_scratch_begin (RfdnScratch *self, const RfdnNetwork *network, guint tile, guint n_tiles)
{
  self->round++;
  self->last_tile = tile + n_tiles - 1;
  if (self->n_workers == 1) {
    self->tile = tile;
    return;
  }
  self->over = FALSE;
  self->awake = self->asleep = self->called = 0;
  begin_tile (network, self, tile);
}

/* ---- sleeping -------------------------------------------------------------------------------- */

static gboolean
is_over (const RfdnScratch *self)
{
  return g_atomic_int_get (&self->over);
}

/* Wakes up to `n` sleeping threads, but not so many that more threads than `processors` are
 * awake. */
static void
wake (RfdnScratch *self, guint n, guint processors)
{
  if (n == 0 || g_atomic_int_get (&self->asleep) == 0)
    return;
  g_mutex_lock (&self->mutex);
  for (; n > 0 && g_atomic_int_get (&self->asleep) > 0 &&
         (guint) g_atomic_int_get (&self->awake) < processors;
       n--) {
    g_atomic_int_add (&self->asleep, -1);
    g_atomic_int_inc (&self->awake);
    self->called++;
    g_cond_signal (&self->cond);
  }
  g_mutex_unlock (&self->mutex);
}

/* Nothing is left to start. */
static void
end_run (RfdnScratch *self)
{
  g_mutex_lock (&self->mutex);
  g_atomic_int_set (&self->over, TRUE);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static gboolean
is_any_ready (const RfdnScratch *self)
{
  const gint top = g_atomic_int_get (&self->top);

  for (gint w = g_atomic_int_get (&self->first); w < top; w++) {
    if (g_atomic_int_get (&self->words[w].ready) != 0)
      return TRUE;
  }
  return FALSE;
}

/* Sleeps until there may be something to do. */
static void
sleep_a_while (RfdnScratch *self)
{
  g_mutex_lock (&self->mutex);
  g_atomic_int_add (&self->awake, -1);
  g_atomic_int_inc (&self->asleep);
  if (!is_any_ready (self)) {
    while (self->called == 0 && !is_over (self))
      g_cond_wait (&self->cond, &self->mutex);
  }
  if (self->called > 0) {
    self->called--; /* it may have been meant for another thread, which then sleeps on instead */
  } else {
    g_atomic_int_add (&self->asleep, -1);
    g_atomic_int_inc (&self->awake);
  }
  g_mutex_unlock (&self->mutex);
}

/* ---- units ----------------------------------------------------------------------------------- */

/* A unit of word `word` has been started. */
static void
count_begun (RfdnScratch *self, gint word)
{
  const gint n_words = (gint) get_n_words (self->schedule);

  if (!g_atomic_int_dec_and_test (&self->words[word].n))
    return;
  while (word < n_words && g_atomic_int_get (&self->words[word].n) == 0 &&
         g_atomic_int_get (&self->first) == word) {
    if (g_atomic_int_compare_and_exchange (&self->first, word, word + 1))
      word++;
  }
  if (word == n_words && self->tile == self->last_tile)
    end_run (self);
}

/* Takes the first unit that can be started; FALSE if there is none. `more`: whether there are
 * others. */
static gboolean
take (RfdnScratch *self, guint *unit, gboolean *more)
{
  const gint top = g_atomic_int_get (&self->top);

  for (gint w = g_atomic_int_get (&self->first); w < top; w++) {
    for (;;) {
      const guint ready = (guint) g_atomic_int_get (&self->words[w].ready);
      if (ready == 0)
        break;
      const guint bit = (guint) g_bit_nth_lsf (ready, -1);
      if (g_atomic_int_and (&self->words[w].ready, ~(1u << bit)) & 1u << bit) {
        *unit = (guint) w * RFDN_WORD + bit;
        *more = (ready & ~(1u << bit)) != 0;
        count_begun (self, w);
        return TRUE;
      }
    }
  }
  return FALSE;
}

/* A bundle is done: those that waited only for it can start. Returns how many units they have. */
static guint
release_followers (const RfdnNetwork *network, RfdnScratch *self, guint number)
{
  const RfdnSchedule *schedule = self->schedule;
  const RfdnBundle *bundle = get_bundle (schedule, number);
  guint n = 0;

  for (guint i = 0; i < bundle->n_followers; i++) {
    const guint follower = schedule->followers[bundle->first_follower + i];
    if (!g_atomic_int_dec_and_test (&self->counts[follower].missing))
      continue;
    if (follower + 1 < schedule->bundles->len) {
      publish (self, get_bundle (schedule, follower));
      n += get_bundle (schedule, follower)->n_units;
    } else if (self->tile != self->last_tile) {
      n += begin_tile (network, self, self->tile + 1);
    }
  }
  return n;
}

/* Does a task and those joined to it; FALSE if the run is abandoned. */
static gboolean
run_unit (const RfdnNetwork *network, const RfdnSchedule *schedule, const RfdnPicture *picture,
          RfdnScratch *self, RfdnWorker *worker, guint task)
{
  const RfdnTask *tasks = schedule->tasks->data;
  const guint first = task;

  do {
    if (rfdn_stop_is_abandoned (self->stop))
      return FALSE;
    if (hook != NULL)
      hook (schedule, task, FALSE);
    rfdn_task_run (network, schedule, &tasks[task], picture, self, worker);
    if (hook != NULL)
      hook (schedule, task, TRUE);
    task++;
  } while (task < schedule->tasks->len && tasks[task].joined && task > first);
  return TRUE;
}

/* ---- threads --------------------------------------------------------------------------------- */

static void
prepare_worker (const RfdnNetwork *network, RfdnWorker *worker, gint round, guint tile)
{
  if (worker->round == round && worker->tile == tile)
    return;
  worker->round = round;
  worker->tile = tile;
  worker->upsampled = 0;
  rfdn_layout_get_regions (&network->layout, network->graph, tile, worker->regions);
}

static void
run_alone (const RfdnNetwork *network, const RfdnPicture *picture, RfdnScratch *self)
{
  RfdnWorker *worker = &self->workers[0];

  for (guint tile = self->tile; tile <= self->last_tile; tile++) {
    const RfdnSchedule *schedule = get_schedule (network, tile);
    const RfdnUnit *units = schedule->units->data;
    prepare_worker (network, worker, self->round, tile);
    for (guint u = 0; u < schedule->units->len; u++) {
      if (!run_unit (network, schedule, picture, self, worker, units[u].task))
        return;
    }
  }
}

/* Looks for a unit, and sleeps while there is none; FALSE if there will be none. */
static gboolean
find_unit (RfdnScratch *self, RfdnMember member, guint processors, guint *unit, gboolean *more)
{
  for (guint looks = 0;; looks++) {
    if (rfdn_member_must_leave (member) || rfdn_stop_is_abandoned (self->stop) || is_over (self))
      return FALSE;
    if (take (self, unit, more))
      return TRUE;
    if (looks < LOOKS && (guint) g_atomic_int_get (&self->awake) <= processors) {
      rfdn_relax ();
    } else {
      sleep_a_while (self);
      looks = 0;
    }
  }
}

static void
run_with_others (const RfdnNetwork *network, const RfdnPicture *picture, RfdnScratch *self,
                 RfdnWorker *worker, RfdnMember member)
{
  const guint processors = rfdn_member_get_processors (member);
  gboolean more;
  guint number, n_ready = 0;

  g_atomic_int_inc (&self->awake);
  while (find_unit (self, member, processors, &number, &more)) {
    const RfdnSchedule *schedule = self->schedule;
    const RfdnUnit *unit = &g_array_index (schedule->units, RfdnUnit, number);
    wake (self, MAX (n_ready, more + 1u) - 1, processors);
    prepare_worker (network, worker, self->round, self->tile);
    if (!run_unit (network, schedule, picture, self, worker, unit->task)) {
      end_run (self);
      break;
    }
    n_ready = 0;
    if (g_atomic_int_dec_and_test (&self->counts[unit->bundle].left))
      n_ready = release_followers (network, self, unit->bundle);
  }
  g_atomic_int_add (&self->awake, -1);
  /* Another thread has to do what this one leaves. */
  wake (self, 1, G_MAXUINT);
}

void
rfdn_network_run (const RfdnNetwork *self, const RfdnPicture *picture, RfdnScratch *scratch,
                  guint index, RfdnMember member)
{
  if (scratch->n_workers == 1)
    run_alone (self, picture, scratch);
  else
    run_with_others (self, picture, scratch, &scratch->workers[index], member);
}
