/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "folder.h"
#include "input.h"
#include "job.h"
#include "message.h"
#include "progress.h"
#include "target.h"
#include "tempfile.h"

#include <libavformat/avformat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* So many of the files that are left alone are told by name. */
#define MAX_NAMED 5

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

/* The container that a name promises, or NULL: none for films. */
static const AVOutputFormat *
promised_container (const char *name)
{
  const AVOutputFormat *container = av_guess_format (NULL, name, NULL);

  if (container == NULL || container->video_codec == AV_CODEC_ID_NONE ||
      (container->flags & (AVFMT_NOTIMESTAMPS | AVFMT_NOFILE)) != 0)
    return NULL;
  return container;
}

/* A name whose extension is that of a container which keeps what a file holds. */
static char *
name_for_output (const char *name)
{
  return promised_container (name) != NULL ? g_strdup (name) : g_strconcat (name, ".mkv", NULL);
}

/* Whether a file that cannot be read as a film is a broken one. */
static gboolean
is_called_film (const char *name)
{
  /* Of these, libav has containers that films share with sound and pictures, or none that it
   * writes. */
  static const char *const others[] = {"m4a",  "m4b", "wma",  "ra",   "ogg",
                                       "webp", "ico", "fits", "avif", NULL};
  static const char *const films[] = {"divx", "ogm", "qt", "rm", "rmvb", "264", "265", NULL};
  const AVOutputFormat *container = av_guess_format (NULL, name, NULL);
  const char *dot = strrchr (name, '.');
  char *extension = g_ascii_strdown (dot != NULL ? dot + 1 : "", -1);
  gboolean film = g_strv_contains (films, extension);

  /* That of sound files is the codec of a cover, that of pictures is theirs. */
  if (container != NULL && !(container->flags & AVFMT_NOFILE) &&
      !g_strv_contains (others, extension))
    film |=
        container->video_codec != AV_CODEC_ID_NONE &&
        (container->audio_codec == AV_CODEC_ID_NONE || container->video_codec != AV_CODEC_ID_PNG);
  g_free (extension);
  return film;
}

/* Subtitles, posters, notes beside the films: what neither is nor is called a film. What cannot be
 * looked at is tried, to say why. */
static gboolean
is_other (const TcOptions *options, const char *in, const char *name)
{
  TcOptions own = {.in = (char *) in, .rate = options->rate};

  return !is_called_film (name) && access (in, R_OK) == 0 && !tc_input_has_film (&own);
}

static gboolean
make_folder (const TcOptions *options, GError **error)
{
  if (!g_file_test (options->out, G_FILE_TEST_IS_DIR) &&
      (g_file_test (options->out, G_FILE_TEST_EXISTS) ||
       av_guess_format (NULL, options->out, NULL) != NULL || g_str_equal (options->out, "-")))
    return tc_fail (error, "%s is a folder, but %s is not", options->in, options->out);
  if (!options->dry_run && g_mkdir_with_parents (options->out, 0777) != 0)
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
  /* What would be done takes lines of its own. */
  if (!options->dry_run)
    tc_note_gather ();
  ok = tc_job_run (&own, &result, error);
  notes = tc_note_take ();
  if (ok && !options->dry_run)
    tc_note_done (out, result.n_frames, result.width, result.height, result.seconds, notes);
  g_free (notes);
  tc_options_clear (&own);
  return ok;
}

static void
tell_others (const TcOptions *options, const GPtrArray *others)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < MIN (others->len, MAX_NAMED); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (const char *) others->pdata[i]);
  if (others->len > MAX_NAMED)
    g_string_append_printf (text, " and %u more", others->len - MAX_NAMED);
  if (others->len > 0)
    tc_note ("%s: left alone, being no videos: %s", options->in, text->str);
  g_string_free (text, TRUE);
}

/* FALSE: it failed. `made`: the names that OUT has got so far. */
static gboolean
do_file (const TcOptions *options, const char *in, const char *name, GHashTable *made)
{
  char *own = name_for_output (name), *out = g_build_filename (options->out, own, NULL);
  GError *error = NULL;
  gboolean ok = TRUE;

  if (!g_hash_table_add (made, own))
    ok = tc_fail (&error, "%s: another file has become %s", in, out);
  else if (options->resume && g_file_test (out, G_FILE_TEST_EXISTS))
    tc_note ("%s: is there already", out);
  else
    ok = run_file (options, in, out, &error);
  if (!ok)
    tc_note_error (error);
  g_clear_error (&error);
  g_free (out);
  return ok;
}

/* FALSE: not all of the films were done. */
static gboolean
do_files (const TcOptions *options, const GPtrArray *names, GError **error)
{
  GHashTable *made = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GPtrArray *others = g_ptr_array_new ();
  guint n_done = 0, i;

  for (i = 0; i < names->len && !tc_signals_stop_wanted (); i++) {
    char *in = g_build_filename (options->in, names->pdata[i], NULL);

    if (is_other (options, in, names->pdata[i]))
      g_ptr_array_add (others, names->pdata[i]);
    else
      n_done += do_file (options, in, names->pdata[i], made);
    g_free (in);
  }
  tc_progress_set_name (NULL);
  tell_others (options, others);
  if (others->len == names->len)
    tc_fail (error, "%s: has no videos; for pictures there is pictures.sh", options->in);
  i = others->len;
  g_ptr_array_unref (others);
  g_hash_table_unref (made);
  return i < names->len && n_done + i == names->len;
}

gboolean
tc_folder_run (const TcOptions *options)
{
  GError *error = NULL;
  GPtrArray *names = list_files (options->in, &error);
  gboolean ok = FALSE;

  if (names != NULL && make_folder (options, &error)) {
    if (names->len == 0)
      tc_fail (&error, "%s: has no files", options->in);
    else
      ok = do_files (options, names, &error);
  }
  if (error != NULL)
    tc_note_error (error);
  g_clear_error (&error);
  if (names != NULL)
    g_ptr_array_unref (names);
  return ok;
}
