/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

/* How often the line is written: in place, and one after the other. */
#define TTY_INTERVAL (G_USEC_PER_SEC / 5)
#define LOG_INTERVAL (5 * G_USEC_PER_SEC)

static GMutex lock; /* notes come from the main thread, frames from the encoding one */
static gint64 total, started, last_shown;
static gboolean on_tty, line_open;

void
tc_progress_start (gint64 n_frames)
{
  g_mutex_lock (&lock);
  total = n_frames;
  started = last_shown = g_get_monotonic_time ();
  on_tty = isatty (STDERR_FILENO);
  g_mutex_unlock (&lock);
}

void
tc_progress_frame (gint64 n)
{
  gint64 now = g_get_monotonic_time ();
  double seconds;

  g_mutex_lock (&lock);
  if (now - last_shown >= (on_tty ? TTY_INTERVAL : LOG_INTERVAL)) {
    seconds = (double) (now - started) / G_USEC_PER_SEC;
    last_shown = now;
    line_open = on_tty;
    fprintf (stderr, "%sframe %" G_GINT64_FORMAT, on_tty ? "\r\033[K" : "", n);
    if (total > 0)
      fprintf (stderr, "/%" G_GINT64_FORMAT, MAX (total, n));
    fprintf (stderr, ", %.2f fps", (double) n / seconds);
    if (total > 0) {
      gint64 left = (gint64) (seconds / (double) n * (double) MAX (total - n, 0) + 0.5);

      fprintf (stderr,
               ", %d%%, %" G_GINT64_FORMAT ":%02" G_GINT64_FORMAT ":%02" G_GINT64_FORMAT " left",
               (int) (100 * n / MAX (total, n)), left / 3600, left / 60 % 60, left % 60);
    }
    fputs (on_tty ? "" : "\n", stderr);
    fflush (stderr);
  }
  g_mutex_unlock (&lock);
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
  return (double) (g_get_monotonic_time () - started) / G_USEC_PER_SEC;
}
