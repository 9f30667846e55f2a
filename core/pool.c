/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include "threads.h"

typedef struct {
  RfdnPool *pool;
  guint index; /* as a member */
  GThread *thread;
} Helper;

struct RfdnPool {
  gint ref_count;
  guint n_wanted; /* threads, the caller included */
  Helper *helpers;
  guint n_helpers;
  gboolean shared; /* shares the processors with other such pools of this process */
  gint processors;

  GMutex mutex;
  GCond wake; /* a run begins, or the pool ends */
  GCond idle; /* a helper has finished */
  RfdnPoolFunc func;
  gpointer data;
  guint run;       /* counts runs */
  gboolean open;   /* helpers may still join the run */
  guint working;   /* helpers in `func` */
  guint n_staying; /* helpers that shall not end */
};

/* Threads of all shared pools that are at work now. */
static gint n_working;

static void
count_working (const RfdnPool *self, gint by)
{
  if (self->shared)
    g_atomic_int_add (&n_working, by);
}

static gpointer
help (gpointer data)
{
  const Helper *helper = data;
  RfdnPool *self = helper->pool;
  guint run = 0;

  g_mutex_lock (&self->mutex);
  for (;;) {
    while (helper->index <= self->n_staying && (!self->open || self->run == run))
      g_cond_wait (&self->wake, &self->mutex);
    if (helper->index > self->n_staying)
      break;
    run = self->run;
    if (self->shared && g_atomic_int_get (&n_working) >= self->processors)
      continue;
    self->working++;
    g_mutex_unlock (&self->mutex);

    count_working (self, 1);
    self->func ((RfdnMember){self, helper->index}, self->data);
    count_working (self, -1);

    g_mutex_lock (&self->mutex);
    if (--self->working == 0)
      g_cond_signal (&self->idle);
  }
  g_mutex_unlock (&self->mutex);
  return NULL;
}

/* Ends all but the first `n_staying` helpers. */
static void
end_helpers (RfdnPool *self, guint n_staying)
{
  g_mutex_lock (&self->mutex);
  self->n_staying = n_staying;
  g_cond_broadcast (&self->wake);
  g_mutex_unlock (&self->mutex);
  while (self->n_helpers > n_staying)
    g_thread_join (self->helpers[--self->n_helpers].thread);
}

/* Starts as many helpers as the system lets this process start. If it hits a limit, half of them
 * end again: the rest of the process, such as the queues of a pipeline, needs threads too. */
static void
start_helpers (RfdnPool *self)
{
  const guint n = self->n_wanted - 1;

  self->helpers = g_new0 (Helper, n);
  self->n_staying = n;
  while (self->n_helpers < n) {
    Helper *helper = &self->helpers[self->n_helpers];
    *helper = (Helper){self, self->n_helpers + 1, NULL};
    helper->thread = g_thread_try_new ("rfdn", help, helper, NULL);
    if (helper->thread == NULL) {
      end_helpers (self, self->n_helpers / 2);
      return;
    }
    self->n_helpers++;
  }
}

RfdnPool *
rfdn_pool_new (guint n_threads)
{
  RfdnPool *self = g_new0 (RfdnPool, 1);

  self->ref_count = 1;
  self->n_wanted = rfdn_resolve_threads (n_threads);
  self->shared = n_threads == 0;
  self->processors = (gint) rfdn_available_threads ();
  g_mutex_init (&self->mutex);
  g_cond_init (&self->wake);
  g_cond_init (&self->idle);
  start_helpers (self);
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
  end_helpers (self, 0);
  g_free (self->helpers);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->wake);
  g_cond_clear (&self->idle);
  g_free (self);
}

guint
rfdn_pool_get_n_threads (const RfdnPool *self, guint *wanted)
{
  if (wanted != NULL)
    *wanted = self->n_wanted;
  return 1 + self->n_helpers;
}

void
rfdn_pool_run (RfdnPool *self, RfdnPoolFunc func, gpointer data)
{
  count_working (self, 1);
  if (self->n_helpers > 0) {
    g_mutex_lock (&self->mutex);
    self->func = func;
    self->data = data;
    self->run++;
    self->open = TRUE;
    g_cond_broadcast (&self->wake);
    g_mutex_unlock (&self->mutex);
  }
  func ((RfdnMember){self, 0}, data);
  if (self->n_helpers > 0) {
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

guint
rfdn_member_get_processors (RfdnMember member)
{
  return member.pool != NULL ? (guint) member.pool->processors : 1;
}
