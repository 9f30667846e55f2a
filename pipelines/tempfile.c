/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tempfile.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file that is being written. It has its final name only once it is complete, so that whoever
 * finds OUT has all of it. */
static GMutex lock;
static char *current;
static int current_fd = -1; /* holds the lock against a second run with the same OUT */

/* Work in parts, of which finished ones are kept. */
static const char *parts_hint;
static char *part_in_work;
static gint stop_wanted;

char *
tc_temp_name (const char *out)
{
  char *folder = g_path_get_dirname (out), *name = g_path_get_basename (out);
  char *temp = g_strdup_printf ("%s/.%s.part", folder, name);

  g_free (folder);
  g_free (name);
  return temp;
}

static gboolean
open_temp (const char *out, gboolean is_folder, char **temp, GError **error)
{
  char *folder = g_path_get_dirname (out);
  struct stat status;
  gboolean ok = FALSE;
  int fd = -1;

  *temp = NULL;
  if (stat (folder, &status) != 0 || !S_ISDIR (status.st_mode)) {
    tc_fail (error, "%s: there is no folder %s", out, folder);
  } else if (stat (out, &status) == 0 && !S_ISREG (status.st_mode)) {
    tc_fail (error, "%s: not a file that could be written", out);
  } else {
    *temp = tc_temp_name (out);
    if (is_folder && mkdir (*temp, 0777) != 0 && errno != EEXIST)
      fd = -1;
    else
      fd = open (*temp,
                 is_folder ? O_RDONLY | O_DIRECTORY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC,
                 0666);
    if (fd < 0)
      tc_fail (error, "%s: cannot write in the folder %s: %s", out, folder, g_strerror (errno));
    else if (flock (fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      tc_fail (error, "%s: is being written by another run", out);
    else if (!is_folder && ftruncate (fd, 0) != 0)
      tc_fail (error, "%s: %s", *temp, g_strerror (errno));
    else
      ok = TRUE;
  }
  g_mutex_lock (&lock);
  if (ok) {
    current = g_strdup (*temp);
    current_fd = fd;
  } else {
    g_clear_pointer (temp, g_free);
    if (fd >= 0)
      close (fd);
  }
  g_mutex_unlock (&lock);
  g_free (folder);
  return ok;
}

gboolean
tc_temp_open (const char *out, char **temp, GError **error)
{
  return open_temp (out, FALSE, temp, error);
}

gboolean
tc_temp_open_folder (const char *out, char **temp, GError **error)
{
  return open_temp (out, TRUE, temp, error);
}

/* What to do with each file of the folder `temp`: it goes to `folder`, or away where that is NULL.
 */
static int
empty_folder (const char *temp, const char *folder)
{
  GDir *dir = g_dir_open (temp, 0, NULL);
  const char *name;
  int result = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    char *from = g_build_filename (temp, name, NULL);
    char *to = folder != NULL ? g_build_filename (folder, name, NULL) : NULL;

    if ((to != NULL ? rename (from, to) : unlink (from)) != 0)
      result = -1;
    g_free (from);
    g_free (to);
  }
  if (dir != NULL)
    g_dir_close (dir);
  return result != 0 ? result : rmdir (temp);
}

static int
give_name (const char *temp, const char *folder, const char *out)
{
  return g_file_test (temp, G_FILE_TEST_IS_DIR) ? empty_folder (temp, folder) : rename (temp, out);
}

gboolean
tc_temp_commit (const char *temp, const char *out, GError **error)
{
  char *folder = g_path_get_dirname (out);
  gboolean ok = TRUE;
  int fd;

  g_mutex_lock (&lock);
  if (fsync (current_fd) != 0 || give_name (temp, folder, out) != 0)
    ok = tc_fail (error, "%s: %s", out, g_strerror (errno));
  if (ok) {
    g_clear_pointer (&current, g_free);
    close (current_fd);
    current_fd = -1;
    /* The new name has to survive a power cut as well; not every file system can sync a folder. */
    fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
      (void) !fsync (fd);
      close (fd);
    }
  }
  g_mutex_unlock (&lock);
  g_free (folder);
  return ok;
}

void
tc_temp_discard (void)
{
  g_mutex_lock (&lock);
  if (current != NULL) {
    if (unlink (current) != 0)
      empty_folder (current, NULL);
    close (current_fd);
    current_fd = -1;
    g_clear_pointer (&current, g_free);
  }
  g_mutex_unlock (&lock);
}

void
tc_signals_keep_parts (const char *hint)
{
  g_mutex_lock (&lock);
  parts_hint = hint;
  g_mutex_unlock (&lock);
}

void
tc_signals_set_part (const char *path)
{
  g_mutex_lock (&lock);
  g_free (part_in_work);
  part_in_work = g_strdup (path);
  g_mutex_unlock (&lock);
}

gboolean
tc_signals_stop_wanted (void)
{
  return g_atomic_int_get (&stop_wanted);
}

static const char *
hint_of_parts (void)
{
  const char *hint;

  g_mutex_lock (&lock);
  hint = parts_hint;
  g_mutex_unlock (&lock);
  return hint;
}

/* Signals are taken by a thread that waits for nothing else, so that it may take locks, and that
 * ends the program at once: an encoder may need seconds to come to an end by itself. */
static gpointer
wait_for_signal (gpointer data)
{
  sigset_t *set = data;
  const char *hint;
  char *text;
  int number = 0;

  if (sigwait (set, &number) != 0)
    return NULL;
  if (number == SIGTERM && hint_of_parts () != NULL) {
    g_atomic_int_set (&stop_wanted, 1);
    tc_note_signal ("SIGTERM: stops as soon as the part in work is finished");
    if (sigwait (set, &number) != 0)
      return NULL;
  }
  tc_temp_discard ();
  hint = hint_of_parts ();
  g_mutex_lock (&lock);
  if (part_in_work != NULL)
    unlink (part_in_work);
  text = g_strdup_printf ("stopped by %s, %s",
                          number == SIGINT    ? "SIGINT"
                          : number == SIGTERM ? "SIGTERM"
                                              : "SIGHUP",
                          hint != NULL ? hint : "nothing was kept");
  tc_note_last (text);
  _exit (128 + number);
}

void
tc_signals_init (void)
{
  static sigset_t set;

  /* A full quota or a closed pipe is an error of the write, which is told in words. */
  signal (SIGXFSZ, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGHUP);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  g_thread_unref (g_thread_new ("signals", wait_for_signal, &set));
}
