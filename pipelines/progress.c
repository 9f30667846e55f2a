/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"
#include "message.h"

#include <stdio.h>
#include <unistd.h>

/* How often the line is written: in place, one after the other, and as JSON. */
#define TTY_INTERVAL (G_USEC_PER_SEC / 5)
#define LOG_INTERVAL (5 * G_USEC_PER_SEC)
#define JSON_INTERVAL G_USEC_PER_SEC

static GMutex lock; /* notes come from the main thread, frames from the encoding one */
static GCond cond;
static GThread *ticking; /* tells JSON also while a frame takes long */
static char *name;
static gint64 total, done, started, last_shown;
static gboolean on_tty, line_open, running;

void
tc_progress_set_name (const char *new_name)
{
  g_mutex_lock (&lock);
  g_free (name);
  name = g_strdup (new_name);
  g_mutex_unlock (&lock);
}

/* ---- all under the lock --------------------------------------------------------------------- */

static double
seconds_since_start (void)
{
  return (double) (g_get_monotonic_time () - started) / G_USEC_PER_SEC;
}

static gint64
seconds_left (double seconds)
{
  return (gint64) (seconds / (double) done * (double) MAX (total - done, 0) + 0.5);
}

static void
tell_text (void)
{
  double seconds = seconds_since_start ();

  fputs (on_tty ? "\r\033[K" : "", stderr);
  if (name != NULL)
    fprintf (stderr, "%s: ", name);
  fprintf (stderr, "frame %" G_GINT64_FORMAT, done);
  if (total > 0)
    fprintf (stderr, "/%" G_GINT64_FORMAT, MAX (total, done));
  fprintf (stderr, ", %.2f fps", (double) done / seconds);
  if (total > 0) {
    gint64 left = seconds_left (seconds);

    fprintf (stderr,
             ", %d%%, %" G_GINT64_FORMAT ":%02" G_GINT64_FORMAT ":%02" G_GINT64_FORMAT " left",
             (int) (100 * done / MAX (total, done)), left / 3600, left / 60 % 60, left % 60);
  }
  fputs (on_tty ? "" : "\n", stderr);
  fflush (stderr);
  line_open = on_tty;
}

static void
tell_json (void)
{
  double seconds = seconds_since_start ();
  JsonBuilder *builder = tc_json_begin ("progress");

  if (name != NULL)
    tc_json_add_text (builder, "file", name);
  json_builder_add_int_value (json_builder_set_member_name (builder, "frame"), done);
  if (total > 0)
    json_builder_add_int_value (json_builder_set_member_name (builder, "frames"),
                                MAX (total, done));
  json_builder_add_double_value (json_builder_set_member_name (builder, "seconds"), seconds);
  json_builder_add_double_value (json_builder_set_member_name (builder, "fps"),
                                 seconds > 0 ? (double) done / seconds : 0);
  if (total > 0 && done > 0)
    json_builder_add_int_value (json_builder_set_member_name (builder, "seconds-left"),
                                seconds_left (seconds));
  tc_json_end (builder);
}

static gpointer
tick (gpointer data)
{
  gint64 next = g_get_monotonic_time () + JSON_INTERVAL;

  g_mutex_lock (&lock);
  while (running) {
    if (g_cond_wait_until (&cond, &lock, next) || !running)
      continue;
    tell_json ();
    next += JSON_INTERVAL;
  }
  g_mutex_unlock (&lock);
  return NULL;
}

/* --------------------------------------------------------------------------------------------- */

void
tc_progress_start (gint64 n_frames)
{
  tc_progress_stop ();
  g_mutex_lock (&lock);
  total = n_frames;
  done = 0;
  started = last_shown = g_get_monotonic_time ();
  on_tty = isatty (STDERR_FILENO) && !tc_json_is_on ();
  running = TRUE;
  if (tc_json_is_on ())
    ticking = g_thread_new ("progress", tick, NULL);
  g_mutex_unlock (&lock);
}

void
tc_progress_frame (gint64 n)
{
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&lock);
  done = n;
  if (!tc_json_is_on () && now - last_shown >= (on_tty ? TTY_INTERVAL : LOG_INTERVAL)) {
    last_shown = now;
    if (on_tty || name == NULL)
      tell_text ();
  }
  g_mutex_unlock (&lock);
}

void
tc_progress_stop (void)
{
  GThread *thread;

  g_mutex_lock (&lock);
  if (running && tc_json_is_on ())
    tell_json ();
  running = FALSE;
  g_cond_broadcast (&cond);
  thread = g_steal_pointer (&ticking);
  g_mutex_unlock (&lock);
  if (thread != NULL)
    g_thread_join (thread);
  tc_progress_clear ();
}

void
tc_progress_clear (void)
{
  g_mutex_lock (&lock);
  if (line_open)
    fputs ("\r\033[K", stderr);
  line_open = FALSE;
  g_mutex_unlock (&lock);
}

double
tc_progress_seconds (void)
{
  return seconds_since_start ();
}
