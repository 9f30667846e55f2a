/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "folder.h"
#include "job.h"
#include "message.h"
#include "progress.h"
#include "target.h"
#include "tempfile.h"

#include <libavformat/avformat.h>

#include <errno.h>
#include <string.h>

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* The names of the files in a folder, in order, but hidden ones. */
static GPtrArray *
list_files (const char *folder, GError **error)
{
  GError *own_error = NULL;
  GDir *dir = g_dir_open (folder, 0, &own_error);
  GPtrArray *names;
  const char *name;

  if (dir == NULL) {
    tc_fail (error, "%s", own_error->message);
    g_error_free (own_error);
    return NULL;
  }
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)) != NULL) {
    char *path = g_build_filename (folder, name, NULL);

    if (name[0] != '.' && g_file_test (path, G_FILE_TEST_IS_REGULAR))
      g_ptr_array_add (names, g_strdup (name));
    g_free (path);
  }
  g_dir_close (dir);
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* A name whose extension is that of a container which keeps what a file holds. */
static char *
name_for_output (const char *name)
{
  const AVOutputFormat *container = av_guess_format (NULL, name, NULL);
  gboolean picture = container != NULL && strncmp (container->name, "image2", 6) == 0;

  if (picture || (container != NULL && container->video_codec != AV_CODEC_ID_NONE &&
                  !(container->flags & (AVFMT_NOTIMESTAMPS | AVFMT_NOFILE))))
    return g_strdup (name);
  return g_strconcat (name, ".mkv", NULL);
}

static gboolean
make_folder (const TcOptions *options, GError **error)
{
  if (!g_file_test (options->out, G_FILE_TEST_IS_DIR) &&
      (g_file_test (options->out, G_FILE_TEST_EXISTS) ||
       av_guess_format (NULL, options->out, NULL) != NULL || g_str_equal (options->out, "-")))
    return tc_fail (error, "%s is a folder, and %s is none", options->in, options->out);
  if (g_mkdir_with_parents (options->out, 0777) != 0)
    return tc_fail (error, "%s: %s", options->out, g_strerror (errno));
  if (tc_is_same_file (options->in, options->out))
    return tc_fail (error, "%s and %s are the same folder", options->in, options->out);
  return TRUE;
}

static gboolean
run_file (const TcOptions *options, const char *in, const char *out, GError **error)
{
  TcOptions own;
  TcJobResult result;
  char *notes;
  gboolean ok;

  tc_options_copy (&own, options, in, out);
  own.one_of_many = TRUE;
  tc_progress_set_name (in);
  tc_note_gather ();
  ok = tc_job_run (&own, &result, error);
  notes = tc_note_take ();
  if (ok)
    tc_note_done (out, result.n_frames, result.width, result.height, result.seconds, notes);
  g_free (notes);
  tc_options_clear (&own);
  return ok;
}

gboolean
tc_folder_run (const TcOptions *options)
{
  GError *error = NULL;
  GPtrArray *names = list_files (options->in, &error);
  GHashTable *made = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n_done = 0, n = names != NULL ? names->len : 0;

  if (names != NULL && !make_folder (options, &error))
    n = 0;
  else if (names != NULL && n == 0)
    tc_fail (&error, "%s: has no files", options->in);
  for (guint i = 0; i < n && !tc_signals_stop_wanted (); i++) {
    char *name = name_for_output (names->pdata[i]);
    char *in = g_build_filename (options->in, names->pdata[i], NULL);
    char *out = g_build_filename (options->out, name, NULL);

    if (!g_hash_table_add (made, name)) {
      tc_fail (&error, "%s: another file has become %s", in, out);
    } else if (options->resume && g_file_test (out, G_FILE_TEST_EXISTS)) {
      tc_note ("%s: is there already", out);
      n_done++;
    } else {
      n_done += run_file (options, in, out, &error);
    }
    if (error != NULL)
      tc_note_error (error);
    g_clear_error (&error);
    g_free (in);
    g_free (out);
  }
  if (error != NULL)
    tc_note_error (error);
  g_clear_error (&error);
  if (names != NULL)
    g_ptr_array_unref (names);
  g_hash_table_unref (made);
  return n > 0 && n_done == n;
}
