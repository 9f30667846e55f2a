/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GLib's locks on pthreads, which ThreadSanitizer knows. GLib makes its own of futexes, in a
 * library without instrumentation, so that the sanitizer would take everything that they protect
 * for a race. Linked into the tests when b_sanitize has `thread`: there these functions go before
 * GLib's, for all but GLib itself, whose locks are its own. */

#include <glib.h>
#include <pthread.h>

/* The lock behind a pointer that begins as NULL. */
static gpointer
get_lock (gpointer *place, gsize size, void (*init) (gpointer lock))
{
  gpointer lock = __atomic_load_n (place, __ATOMIC_ACQUIRE);
  gpointer none = NULL;

  if (lock != NULL)
    return lock;
  lock = g_malloc0 (size);
  init (lock);
  if (__atomic_compare_exchange_n (place, &none, lock, FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return lock;
  g_free (lock);
  return none;
}

static void
init_mutex (gpointer lock)
{
  pthread_mutex_init (lock, NULL);
}

static void
init_recursive (gpointer lock)
{
  pthread_mutexattr_t attributes;

  pthread_mutexattr_init (&attributes);
  pthread_mutexattr_settype (&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init (lock, &attributes);
  pthread_mutexattr_destroy (&attributes);
}

static void
init_cond (gpointer lock)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (lock, &attributes);
  pthread_condattr_destroy (&attributes);
}

static pthread_mutex_t *
get_mutex (GMutex *mutex)
{
  return get_lock (&mutex->p, sizeof (pthread_mutex_t), init_mutex);
}

static pthread_mutex_t *
get_recursive (GRecMutex *mutex)
{
  return get_lock (&mutex->p, sizeof (pthread_mutex_t), init_recursive);
}

static pthread_cond_t *
get_cond (GCond *cond)
{
  return get_lock (&cond->p, sizeof (pthread_cond_t), init_cond);
}

void
g_mutex_init (GMutex *mutex)
{
  mutex->p = NULL;
}

void
g_mutex_clear (GMutex *mutex)
{
  if (mutex->p != NULL)
    pthread_mutex_destroy (mutex->p);
  g_free (mutex->p);
  mutex->p = NULL;
}

void
g_mutex_lock (GMutex *mutex)
{
  pthread_mutex_lock (get_mutex (mutex));
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  return pthread_mutex_trylock (get_mutex (mutex)) == 0;
}

void
g_mutex_unlock (GMutex *mutex)
{
  pthread_mutex_unlock (get_mutex (mutex));
}

void
g_rec_mutex_init (GRecMutex *mutex)
{
  mutex->p = NULL;
}

void
g_rec_mutex_clear (GRecMutex *mutex)
{
  if (mutex->p != NULL)
    pthread_mutex_destroy (mutex->p);
  g_free (mutex->p);
  mutex->p = NULL;
}

void
g_rec_mutex_lock (GRecMutex *mutex)
{
  pthread_mutex_lock (get_recursive (mutex));
}

gboolean
g_rec_mutex_trylock (GRecMutex *mutex)
{
  return pthread_mutex_trylock (get_recursive (mutex)) == 0;
}

void
g_rec_mutex_unlock (GRecMutex *mutex)
{
  pthread_mutex_unlock (get_recursive (mutex));
}

void
g_cond_init (GCond *cond)
{
  cond->p = NULL;
}

void
g_cond_clear (GCond *cond)
{
  if (cond->p != NULL)
    pthread_cond_destroy (cond->p);
  g_free (cond->p);
  cond->p = NULL;
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  pthread_cond_wait (get_cond (cond), get_mutex (mutex));
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end)
{
  const struct timespec time = {end / G_USEC_PER_SEC, end % G_USEC_PER_SEC * 1000};

  return pthread_cond_timedwait (get_cond (cond), get_mutex (mutex), &time) == 0;
}

void
g_cond_signal (GCond *cond)
{
  pthread_cond_signal (get_cond (cond));
}

void
g_cond_broadcast (GCond *cond)
{
  pthread_cond_broadcast (get_cond (cond));
}
