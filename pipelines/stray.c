/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stray.h"
#include "message.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *true_stderr;
static GThread *reading;

static gpointer
read_lines (gpointer data)
{
  FILE *from = data;
  char *line = NULL;
  size_t size = 0;

  while (getline (&line, &size, from) >= 0) {
    g_strchomp (line);
    if (line[0] != '\0')
      tc_json_tell ("log", line);
  }
  free (line);
  fclose (from);
  return NULL;
}

FILE *
tc_stray_begin (void)
{
  int kept = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 3), ends[2];
  FILE *from = NULL;
  sigset_t all, before;

  if (kept < 0 || (true_stderr = fdopen (kept, "w")) == NULL)
    return stderr;
  if (pipe (ends) != 0)
    return true_stderr;
  fcntl (ends[0], F_SETFD, FD_CLOEXEC);
  if ((from = fdopen (ends[0], "r")) != NULL && dup2 (ends[1], STDERR_FILENO) >= 0) {
    /* Signals are others' business. */
    sigfillset (&all);
    pthread_sigmask (SIG_BLOCK, &all, &before);
    reading = g_thread_new ("stray", read_lines, from);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
  }
  close (ends[1]);
  return true_stderr;
}

void
tc_stray_end (void)
{
  if (reading == NULL)
    return;
  /* With the last one that writes, the pipe ends. */
  dup2 (fileno (true_stderr), STDERR_FILENO);
  g_thread_join (g_steal_pointer (&reading));
}
