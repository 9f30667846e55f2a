/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Working off schedules: threads take tasks in order, and wait for those that theirs needs. */

#include "network-private.h"
#include "threads.h"

/* How a thread waits: at first it only looks, for about as long as sleeping and waking takes. Then
 * it lets others have the processor between two looks, who may be those that it waits for; it still
 * is one that could run, which is what makes the system give it a processor of its own. A task is
 * done by then, unless other programs hold it up: the thread sleeps. */
#define LOOKS 1000
#define YIELDS 1000

void
rfdn_stop_set_cancelled (RfdnStop *self, gboolean cancelled)
{
  g_atomic_int_set (&self->cancelled, cancelled);
  if (cancelled)
    g_atomic_int_set (&self->abandoned, TRUE);
}

/* Of a call that comes meanwhile, either this sees that work is not wanted, or the mark is set
 * afterwards. */
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

void
rfdn_scratch_begin (RfdnScratch *self)
{
  g_atomic_int_set (&self->next, 0);
  self->round++;
}

/* Whether all tasks before number `after` are done. */
static gboolean
look (const RfdnScratch *scratch, RfdnWorker *worker, guint after)
{
  while (worker->done < after && g_atomic_int_get (&scratch->done[worker->done]) == worker->round)
    worker->done++;
  return worker->done >= after;
}

/* FALSE if that will never be, because the run is abandoned. */
static gboolean
wait_until_done (RfdnScratch *scratch, RfdnWorker *worker, guint after)
{
  for (guint i = 0; i < LOOKS; i++) {
    if (look (scratch, worker, after))
      return TRUE;
    rfdn_relax ();
  }
  for (guint i = 0; i < YIELDS; i++) {
    if (look (scratch, worker, after))
      return TRUE;
    g_thread_yield ();
  }
  g_mutex_lock (&scratch->mutex);
  g_atomic_int_inc (&scratch->n_waiting);
  while (!look (scratch, worker, after) && !rfdn_stop_is_abandoned (scratch->stop))
    g_cond_wait (&scratch->cond, &scratch->mutex);
  g_atomic_int_add (&scratch->n_waiting, -1);
  g_mutex_unlock (&scratch->mutex);
  return look (scratch, worker, after);
}

static void
wake_all (RfdnScratch *scratch)
{
  if (g_atomic_int_get (&scratch->n_waiting) == 0)
    return;
  g_mutex_lock (&scratch->mutex);
  g_cond_broadcast (&scratch->cond);
  g_mutex_unlock (&scratch->mutex);
}

/* Either this thread sees that another is about to sleep, or that one sees that the task is done:
 * the atomic operations are in one order for all. */
static void
set_done (RfdnScratch *scratch, guint task, gint round)
{
  g_atomic_int_set (&scratch->done[task], round);
  wake_all (scratch);
}

static const RfdnSchedule *
get_schedule (const RfdnNetwork *network, guint tile)
{
  return network->schedules[tile / (guint) network->layout.columns];
}

static void
begin_tile (const RfdnNetwork *network, RfdnWorker *worker, guint tile)
{
  worker->tile = tile;
  worker->upsampled = 0;
  rfdn_layout_get_regions (&network->layout, network->graph, tile, worker->regions);
}

/* A task and those that are joined to it; FALSE if the run is abandoned. */
static gboolean
run_tasks (const RfdnNetwork *self, const RfdnPicture *picture, RfdnScratch *scratch,
           RfdnWorker *worker, guint number)
{
  const RfdnSchedule *schedule = get_schedule (self, worker->tile);

  for (guint t = number - worker->base; t < schedule->tasks->len; t++) {
    const RfdnTask *task = &g_array_index (schedule->tasks, RfdnTask, t);
    if (t > number - worker->base && !task->joined)
      return TRUE;
    /* All tiles share the memory: the one before must be done. */
    if (rfdn_stop_is_abandoned (scratch->stop) ||
        !wait_until_done (scratch, worker, worker->base + task->after))
      return FALSE;
    rfdn_task_run (self, schedule, task, picture, scratch, worker);
    set_done (scratch, worker->base + t, worker->round);
  }
  return TRUE;
}

void
rfdn_network_run (const RfdnNetwork *self, guint tile, guint n_tiles, const RfdnPicture *picture,
                  RfdnScratch *scratch, guint index, RfdnMember member)
{
  RfdnWorker *worker = &scratch->workers[index];
  const guint end = tile + n_tiles;

  worker->round = scratch->round;
  worker->base = 0;
  worker->done = 0;
  begin_tile (self, worker, tile);
  while (!rfdn_member_must_leave (member)) {
    const guint number = (guint) g_atomic_int_add (&scratch->next, 1);
    while (number - worker->base >= get_schedule (self, worker->tile)->tasks->len) {
      worker->base += get_schedule (self, worker->tile)->tasks->len;
      if (worker->tile + 1 == end)
        return;
      begin_tile (self, worker, worker->tile + 1);
    }
    const RfdnSchedule *schedule = get_schedule (self, worker->tile);
    if (g_array_index (schedule->tasks, RfdnTask, number - worker->base).joined)
      continue;
    if (!run_tasks (self, picture, scratch, worker, number))
      break;
  }
  /* Who waits for what this thread has left undone looks whether the run is abandoned. */
  wake_all (scratch);
}
