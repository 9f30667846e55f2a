/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include "threads.h"

struct RfdnPool {
  gint ref_count;
  guint n_threads;
  guint n_helpers;
  gboolean shared; /* leaves processors to the other shared pools of this process */
  gint processors;
  GThread *thread; /* in which OpenMP's team lives */

  GMutex mutex;
  GCond wake; /* a run begins, or the pool ends */
  GCond idle; /* a helper has returned */
  RfdnPoolFunc func;
  gpointer data;
  guint run;     /* counts runs */
  gboolean open; /* helpers may still join the run */
  guint working; /* helpers in `func` */
  gboolean ended;
};

/* Threads of all shared pools that are at work now. */
static gint n_working;

static void
count_working (const RfdnPool *self, gint by)
{
  if (self->shared)
    g_atomic_int_add (&n_working, by);
}

static void
help (RfdnPool *self, guint index)
{
  guint run = 0;

  g_mutex_lock (&self->mutex);
  for (;;) {
    while (!self->ended && (!self->open || self->run == run))
      g_cond_wait (&self->wake, &self->mutex);
    if (self->ended)
      break;
    run = self->run;
    if (self->shared && g_atomic_int_get (&n_working) >= self->processors)
      continue;
    self->working++;
    g_mutex_unlock (&self->mutex);

    count_working (self, 1);
    self->func ((RfdnMember){self, index}, self->data);
    count_working (self, -1);

    g_mutex_lock (&self->mutex);
    if (--self->working == 0)
      g_cond_signal (&self->idle);
  }
  g_mutex_unlock (&self->mutex);
}

static gpointer
run_team (gpointer data)
{
  RfdnPool *self = data;

#pragma omp parallel num_threads(self->n_helpers)
  help (self, 1 + rfdn_thread_index ());
  return NULL;
}

static gpointer
pass_gate (gpointer gate)
{
  g_mutex_lock (gate);
  g_mutex_unlock (gate);
  return NULL;
}

/* How many of `n` threads the system lets this process start: where OpenMP cannot start one that
 * it was asked for, it ends the process. */
static guint
count_startable (guint n)
{
  g_autofree GThread **threads = g_new (GThread *, n);
  GMutex gate;
  guint count = 0;

  g_mutex_init (&gate);
  g_mutex_lock (&gate);
  while (count < n && (threads[count] = g_thread_try_new ("rfdn", pass_gate, &gate, NULL)) != NULL)
    count++;
  g_mutex_unlock (&gate);
  for (guint i = 0; i < count; i++)
    g_thread_join (threads[i]);
  g_mutex_clear (&gate);
  return count;
}

RfdnPool *
rfdn_pool_new (guint n_threads)
{
  RfdnPool *self = g_new0 (RfdnPool, 1);

  self->ref_count = 1;
  self->n_threads = rfdn_resolve_threads (n_threads);
  self->shared = n_threads == 0;
  self->processors = (gint) rfdn_available_threads ();
  g_mutex_init (&self->mutex);
  g_cond_init (&self->wake);
  g_cond_init (&self->idle);
  self->n_helpers = count_startable (self->n_threads - 1);
  /* Without it the caller does all the work. */
  if (self->n_helpers > 0)
    self->thread = g_thread_try_new ("rfdn", run_team, self, NULL);
  return self;
}

RfdnPool *
rfdn_pool_ref (RfdnPool *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
rfdn_pool_unref (RfdnPool *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->ref_count))
    return;
  g_mutex_lock (&self->mutex);
  self->ended = TRUE;
  g_cond_broadcast (&self->wake);
  g_mutex_unlock (&self->mutex);
  g_clear_pointer (&self->thread, g_thread_join);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->wake);
  g_cond_clear (&self->idle);
  g_free (self);
}

guint
rfdn_pool_get_size (const RfdnPool *self)
{
  return self->n_threads;
}

void
rfdn_pool_run (RfdnPool *self, RfdnPoolFunc func, gpointer data)
{
  count_working (self, 1);
  if (self->thread != NULL) {
    g_mutex_lock (&self->mutex);
    self->func = func;
    self->data = data;
    self->run++;
    self->open = TRUE;
    g_cond_broadcast (&self->wake);
    g_mutex_unlock (&self->mutex);
  }
  func ((RfdnMember){self, 0}, data);
  if (self->thread != NULL) {
    g_mutex_lock (&self->mutex);
    self->open = FALSE;
    while (self->working > 0)
      g_cond_wait (&self->idle, &self->mutex);
    g_mutex_unlock (&self->mutex);
  }
  count_working (self, -1);
}

gboolean
rfdn_member_must_leave (RfdnMember member)
{
  return member.index > 0 && member.pool->shared &&
         g_atomic_int_get (&n_working) > member.pool->processors;
}
