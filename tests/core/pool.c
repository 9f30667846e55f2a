/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Threads of pools: as many as requested, asleep when idle, ended with the pool, sharing the
 * processors, and without influence on the result. */

#define _GNU_SOURCE
#include "pool.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "picture.h"
#include "threads.h"

/* A limit for things that happen at once on an idle machine. */
#define PATIENCE_MS 30000

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* Threads come and go a little later than the calls that start and end them. */
static guint
wait_for_threads (guint n)
{
  for (guint i = 0; i < PATIENCE_MS && count_threads () != n; i++)
    g_usleep (1000);
  return count_threads ();
}

static gboolean
wait_for (const gint *number, gint wanted)
{
  for (guint i = 0; i < 2 * PATIENCE_MS && g_atomic_int_get (number) != wanted; i++)
    g_usleep (500);
  return g_atomic_int_get (number) == wanted;
}

/* Work in many pieces that take a while, however busy the processors are. */
typedef struct {
  gint left, done;
  gint member[64]; /* whether it is at work */
} Job;

/* Two of the same number would share memory. */
static void
begin_member (gint *at_work, RfdnMember member, guint n)
{
  g_assert_cmpuint (member.index, <, n);
  g_assert_true (g_atomic_int_compare_and_exchange (&at_work[member.index], 0, 1));
}

static void
work (RfdnMember member, gpointer data)
{
  Job *job = data;

  begin_member (job->member, member, G_N_ELEMENTS (job->member));
  while (!rfdn_member_must_leave (member) && g_atomic_int_add (&job->left, -1) > 0) {
    g_usleep (1000);
    g_atomic_int_inc (&job->done);
  }
  g_atomic_int_set (&job->member[member.index], 0);
}

static void
run_job (RfdnPool *pool, gint pieces)
{
  Job job = {.left = pieces};

  rfdn_pool_run (pool, work, &job);
  g_assert_cmpint (job.done, ==, pieces);
}

/* Members that wait for each other, however long the system takes to wake them. */
typedef struct {
  gint expected;
  gint *here; /* members, maybe of several pools */
  gint member[64];
} Meeting;

static void
attend (RfdnMember member, gpointer data)
{
  Meeting *self = data;

  begin_member (self->member, member, G_N_ELEMENTS (self->member));
  g_atomic_int_inc (self->here);
  wait_for (self->here, self->expected);
}

/* Whether all threads of `pool`, and no others, work at the same time. */
static gboolean
all_meet (RfdnPool *pool)
{
  gint here = 0;
  Meeting meeting = {.expected = (gint) rfdn_pool_get_n_threads (pool, NULL), .here = &here};

  rfdn_pool_run (pool, attend, &meeting);
  return here == meeting.expected;
}

/* Two processors at the most, so that the numbers are the same on every machine. */
static guint
begin_two_processors (cpu_set_t *before)
{
  cpu_set_t two;

  g_assert_cmpint (sched_getaffinity (0, sizeof *before, before), ==, 0);
  CPU_ZERO (&two);
  for (guint i = 0; i < CPU_SETSIZE && CPU_COUNT (&two) < 2; i++) {
    if (CPU_ISSET (i, before))
      CPU_SET (i, &two);
  }
  g_assert_cmpint (sched_setaffinity (0, sizeof two, &two), ==, 0);
  return rfdn_available_threads ();
}

static void
end_two_processors (const cpu_set_t *before)
{
  g_assert_cmpint (sched_setaffinity (0, sizeof *before, before), ==, 0);
}

/* Runs first: no threads of other pools are still ending. */
static void
test_idle (void)
{
  g_autoptr (RfdnPool) pool = rfdn_pool_new (4);
  struct rusage before, after;

  run_job (pool, 50);
  getrusage (RUSAGE_SELF, &before);
  g_usleep (300 * 1000);
  getrusage (RUSAGE_SELF, &after);
  const gint64 used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * G_USEC_PER_SEC +
                      (after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
                      (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * G_USEC_PER_SEC +
                      (after.ru_stime.tv_usec - before.ru_stime.tv_usec);
  g_test_message ("%" G_GINT64_FORMAT " us in 300 ms", used);
  g_assert_cmpint (used, <, 30 * 1000);
}

static void
test_size (void)
{
  static const guint sizes[] = {1, 2, 3, 7};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (RfdnPool) pool = rfdn_pool_new (sizes[i]);
    const guint size = rfdn_resolve_threads (sizes[i]);
    g_assert_cmpuint (rfdn_pool_get_n_threads (pool, NULL), ==, size);
    run_job (pool, 300);
    g_assert_true (all_meet (pool));
  }
}

static void
test_give_back (void)
{
  g_usleep (100 * 1000); /* for those of other tests to end */
  const guint before = count_threads ();

  for (guint i = 0; i < 200; i++) {
    const guint size = rfdn_resolve_threads (2 + i % 7);
    RfdnPool *pool = rfdn_pool_new (size);
    if (i % 10 == 0) {
      run_job (pool, 20);
      g_assert_cmpuint (wait_for_threads (before + size - 1), ==, before + size - 1);
    }
    rfdn_pool_unref (pool);
  }
  const guint after = wait_for_threads (before);
  g_test_message ("%u threads before 200 pools, %u after", before, after);
  g_assert_cmpuint (after, ==, before);
}

/* Another reference keeps the threads; an upscaler holds one. */
static void
test_references (void)
{
  RfdnPool *pool = rfdn_pool_new (2);
  g_autoptr (RfdnModel) model = make_model ("reprfn", 4, 1, 2, 1, FALSE, NULL);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  guint8 in[16 * 16] = {0}, out[32 * 32];
  params.width = params.height = 16;
  params.pool = pool;
  RfdnUpscaler *upscaler = rfdn_upscaler_new (model, &params, NULL);

  rfdn_pool_unref (pool);
  rfdn_upscaler_run (upscaler, &(RfdnPlane){in, 16, 1}, &(RfdnPlane){out, 32, 1});
  rfdn_upscaler_free (upscaler);
  rfdn_pool_unref (NULL);
}

/* ---- several at the same time ---------------------------------------------------------------- */

#define CALLERS 3

typedef struct {
  RfdnPool *pool;
  Meeting meeting;
} Caller;

static gpointer
call (gpointer data)
{
  Caller *self = data;

  rfdn_pool_run (self->pool, attend, &self->meeting);
  return NULL;
}

/* A pool that asks for a number of threads gets it, whatever other pools do. */
static void
test_numbers (void)
{
  Caller callers[CALLERS];
  GThread *threads[CALLERS];
  gint here = 0, expected = 0;

  for (guint i = 0; i < CALLERS; i++) {
    callers[i].pool = rfdn_pool_new (3);
    expected += (gint) rfdn_pool_get_n_threads (callers[i].pool, NULL);
  }
  g_assert_cmpint (expected, ==, CALLERS * rfdn_resolve_threads (3));
  for (guint i = 0; i < CALLERS; i++) {
    callers[i].meeting = (Meeting){.expected = expected, .here = &here};
    threads[i] = g_thread_new ("caller", call, &callers[i]);
  }
  for (guint i = 0; i < CALLERS; i++) {
    g_thread_join (threads[i]);
    rfdn_pool_unref (callers[i].pool);
  }
  g_assert_cmpint (here, ==, expected);
}

/* Runs that last until told to end, and how many helpers work on them. */
typedef struct {
  RfdnPool *pool;
  GThread *thread;
  gint holding;
  gint callers, helpers;
  gint came; /* helpers, ever */
} Hold;

static void
hold (RfdnMember member, gpointer data)
{
  Hold *self = data;
  gint *at_it = member.index > 0 ? &self->helpers : &self->callers;

  if (member.index > 0)
    g_atomic_int_inc (&self->came);
  g_atomic_int_inc (at_it);
  while (g_atomic_int_get (&self->holding) && !rfdn_member_must_leave (member))
    g_usleep (500);
  g_atomic_int_add (at_it, -1);
}

static gpointer
run_hold (gpointer data)
{
  Hold *self = data;

  rfdn_pool_run (self->pool, hold, self);
  return NULL;
}

static void
hold_begin (Hold *self)
{
  *self = (Hold){.pool = rfdn_pool_new (0), .holding = TRUE};
  self->thread = g_thread_new ("hold", run_hold, self);
  g_assert_true (wait_for (&self->callers, 1));
}

static void
hold_end (Hold *self)
{
  g_atomic_int_set (&self->holding, FALSE);
  g_thread_join (self->thread);
  rfdn_pool_unref (self->pool);
}

/* Callers always work, their helpers only while a processor is free. A helper stops when the caller
 * of another pool needs its processor; none begins while no processor is free; they come back. */
static void
test_share (void)
{
  cpu_set_t before;
  Hold one, other;

  if (begin_two_processors (&before) < 2) {
    end_two_processors (&before);
    g_test_skip ("there is one processor only");
    return;
  }
  hold_begin (&one);
  g_assert_true (wait_for (&one.helpers, 1));
  hold_begin (&other);
  g_assert_true (wait_for (&one.helpers, 0));

  Hold late = {.pool = rfdn_pool_new (0)};
  for (guint i = 0; i < 20; i++) {
    late.holding = TRUE;
    late.thread = g_thread_new ("late", run_hold, &late);
    g_usleep (10 * 1000); /* time for a helper to come */
    g_atomic_int_set (&late.holding, FALSE);
    g_thread_join (late.thread);
  }
  g_assert_cmpint (late.came, ==, 0);
  g_assert_cmpint (other.helpers, ==, 0);
  rfdn_pool_unref (late.pool);
  hold_end (&other);
  hold_end (&one);

  g_autoptr (RfdnPool) pool = rfdn_pool_new (0);
  g_assert_cmpuint (rfdn_pool_get_n_threads (pool, NULL), ==, rfdn_resolve_threads (0));
  g_assert_true (all_meet (pool));
  end_two_processors (&before);
}

/* A thread with its own upscaler. */
typedef struct {
  RfdnModel *model;
  const Map *picture, *want;
  guint n_threads;
} Stream;

static gpointer
stream_run (gpointer data)
{
  const Stream *self = data;
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  const Map *want = self->want;

  params.n_threads = self->n_threads;
  for (guint i = 0; i < 6; i++) {
    g_autoptr (Map) got = upscale_float (self->model, &params, self->picture);
    const gsize size = (gsize) got->channels * got->height * got->width * sizeof (float);
    g_assert_cmpmem (got->values, size, want->values, size);
  }
  return NULL;
}

static void
test_results (void)
{
  static const guint n_threads[] = {1, 2, 3, 7, 0};
  static const char *const architectures[] = {"rfdn", "reprfn"};

  for (guint a = 0; a < G_N_ELEMENTS (architectures); a++) {
    g_autoptr (RfdnModel) model = make_model (architectures[a], 6, 2, 2, 1, FALSE, NULL);
    g_autoptr (Map) picture = make_picture (1, 181, 67);
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    params.n_threads = 1;
    g_autoptr (Map) want = upscale_float (model, &params, picture);
    Stream streams[G_N_ELEMENTS (n_threads)];
    GThread *threads[G_N_ELEMENTS (n_threads)];
    for (guint i = 0; i < G_N_ELEMENTS (n_threads); i++) {
      streams[i] = (Stream){model, picture, want, n_threads[i]};
      threads[i] = g_thread_new ("stream", stream_run, &streams[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS (n_threads); i++)
      g_thread_join (threads[i]);
  }
}

/* ---- no more threads ------------------------------------------------------------------------- */

/* Exit statuses of a process whose threads could not be limited. */
#define NO_LIMIT 77
#define OTHERS 78

static gpointer
do_nothing (gpointer data)
{
  return NULL;
}

static gboolean
set_limit (guint n)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NPROC, &limit) != 0)
    return FALSE;
  limit.rlim_cur = n;
  return setrlimit (RLIMIT_NPROC, &limit) == 0;
}

/* Whether a limit of `n` lets one more thread start. */
static gboolean
lets_start (guint n)
{
  const guint before = count_threads ();
  GThread *thread = set_limit (n) ? g_thread_try_new ("try", do_nothing, NULL, NULL) : NULL;

  if (thread == NULL)
    return FALSE;
  g_thread_join (thread);
  wait_for_threads (before);
  return TRUE;
}

/* Makes this process the only one of its user. Finds how many threads count against the user's
 * limit: the largest limit at which no thread can start. /proc may say otherwise, because an
 * emulator's own threads stay another user's. Returns 0, NO_LIMIT or OTHERS. */
static int
begin_limit (guint *counted)
{
  const uid_t user = 60000 + (uid_t) (getpid () % 5000);

  /* Limits do not apply to root. */
  if (geteuid () == 0 && setresuid (user, user, user) != 0)
    return NO_LIMIT;
  if (lets_start (0))
    return NO_LIMIT;
  for (*counted = 0; !lets_start (*counted + 1); (*counted)++) {
    if (*counted > count_threads ())
      return OTHERS;
  }
  return 0;
}

/* Runs `func` in its own process that may start `more` threads; it must return success within two
 * minutes. */
static void
run_limited (guint more, gboolean (*func) (guint counted))
{
  const pid_t child = fork ();
  int status = 0;

  g_assert_cmpint (child, >=, 0);
  if (child == 0) {
    guint counted;
    alarm (120);
    const int failed = begin_limit (&counted);
    _exit (failed ? failed : set_limit (counted + more) && func (counted) ? 0 : 1);
  }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  if (WEXITSTATUS (status) == NO_LIMIT)
    g_test_skip ("a limit of no threads at all lets threads start here");
  else if (WEXITSTATUS (status) == OTHERS)
    g_test_skip (
        "other processes of this user count against the limit; root can take another user");
  else
    g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

/* Runs a job, and returns whether as many threads worked on it as the pool says, and no more than
 * 1 + `most` with the caller. */
static gboolean
check_short_pool (RfdnPool *pool, guint asked, guint most)
{
  guint wanted;
  const guint n = rfdn_pool_get_n_threads (pool, &wanted);

  return wanted == asked && n <= 1 + most && all_meet (pool);
}

/* Some of the threads that a pool would like to have, or none. */
static gboolean
run_some (guint counted)
{
  const guint before = count_threads (); /* a sanitizer has one of its own */

  for (guint some = 0; some < 8; some++) {
    if (wait_for_threads (before) != before || !set_limit (counted + some))
      return FALSE;
    g_autoptr (RfdnPool) pool = rfdn_pool_new (8);
    if (!check_short_pool (pool, 8, some))
      return FALSE;
    /* At the limit, half of the threads are left for others. */
    if (rfdn_pool_get_n_threads (pool, NULL) != 1 + (some < 7 ? some / 2 : some))
      return FALSE;
  }
  return TRUE;
}

static void
test_limit (void)
{
  run_limited (0, run_some);
}

typedef struct {
  gint here; /* threads that have begun */
  gint wrong;
} Four;

static gpointer
make_pools (gpointer data)
{
  Four *four = data;

  /* Waits for all four: the pools of the first could take the threads that the others need. */
  g_atomic_int_inc (&four->here);
  wait_for (&four->here, 4);
  for (guint i = 0; i < 100; i++) {
    g_autoptr (RfdnPool) pool = rfdn_pool_new (16);
    guint wanted;
    const guint n = rfdn_pool_get_n_threads (pool, &wanted);
    if (wanted != 16 || n < 1 || n > wanted)
      g_atomic_int_inc (&four->wrong);
    run_job (pool, 20);
  }
  return NULL;
}

/* Four pools at once that ask for 64 threads together: all work with what they get. */
static gboolean
run_four (guint counted)
{
  GThread *threads[4];
  Four four = {0};

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("four", make_pools, &four);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  return four.here == 4 && four.wrong == 0;
}

static void
test_limit_shared (void)
{
  run_limited (23, run_four);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Only a process with one thread can be forked safely. */
  g_test_add_func ("/pool/limit", test_limit);
  g_test_add_func ("/pool/limit-shared", test_limit_shared);
  g_test_add_func ("/pool/idle", test_idle);
  g_test_add_func ("/pool/size", test_size);
  g_test_add_func ("/pool/give-back", test_give_back);
  g_test_add_func ("/pool/references", test_references);
  g_test_add_func ("/pool/numbers", test_numbers);
  g_test_add_func ("/pool/share", test_share);
  g_test_add_func ("/pool/results", test_results);
  return g_test_run ();
}
