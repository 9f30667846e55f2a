/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message.h"
#include "progress.h"
#include "stray.h"

#include <libavutil/error.h>
#include <libavutil/log.h>

#include <stdio.h>
#include <string.h>

/* What is kept between tc_note_gather() and tc_note_take(). */
static GMutex notes_lock;
static GString *gathered;
static GHashTable *told; /* notes that are not to be told again, or NULL */

static gint ended_early;
static FILE *json; /* where the objects go, or NULL: words to stderr */

/* What is kept between tc_log_listen() and tc_log_take(). */
static GMutex log_lock;
static gboolean listening, option_refused;
static char *first_complaint;

static void
set_error (GError **error, char *text)
{
  /* One line, whatever it is put together from. */
  g_strdelimit (text, "\n\r", ' ');
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, g_quark_from_static_string (TC_NAME), 0, text);
  g_free (text);
}

gboolean
tc_fail (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  set_error (error, g_strdup_vprintf (format, args));
  va_end (args);
  return FALSE;
}

gboolean
tc_fail_av (GError **error, int code, const char *format, ...)
{
  char words[AV_ERROR_MAX_STRING_SIZE], *text;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  av_strerror (code, words, sizeof words);
  set_error (error, g_strdup_printf ("%s: %s", text, words));
  g_free (text);
  return FALSE;
}

/* ---- telling -------------------------------------------------------------------------------- */

void
tc_json_start (void)
{
  json = tc_stray_begin ();
}

void
tc_json_stop (void)
{
  tc_stray_end ();
}

gboolean
tc_json_is_on (void)
{
  return json != NULL;
}

void
tc_json_tell (const char *type, const char *text)
{
  JsonBuilder *builder = tc_json_begin (type);

  tc_json_add_text (builder, "text", text);
  tc_json_end (builder);
}

JsonBuilder *
tc_json_begin (const char *type)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  tc_json_add_text (builder, "type", type);
  return builder;
}

void
tc_json_add_text (JsonBuilder *builder, const char *member, const char *text)
{
  char *utf8 = g_utf8_make_valid (text, -1);

  json_builder_add_string_value (json_builder_set_member_name (builder, member), utf8);
  g_free (utf8);
}

void
tc_json_end (JsonBuilder *builder)
{
  JsonNode *root = json_builder_get_root (json_builder_end_object (builder));
  char *text = json_to_string (root, FALSE);

  fprintf (json, "%s\n", text);
  fflush (json);
  g_free (text);
  json_node_unref (root);
  g_object_unref (builder);
}

static void
tell (const char *type, const char *before, const char *text)
{
  if (json != NULL) {
    tc_json_tell (type, text);
  } else {
    tc_progress_clear ();
    fprintf (stderr, "%s%s\n", before, text);
  }
}

void
tc_note_once (gboolean once)
{
  g_mutex_lock (&notes_lock);
  g_clear_pointer (&told, g_hash_table_unref);
  if (once)
    told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_mutex_unlock (&notes_lock);
}

void
tc_note (const char *format, ...)
{
  char *text;
  va_list args;
  gboolean kept, again;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_mutex_lock (&notes_lock);
  again = told != NULL && !g_hash_table_add (told, g_strdup (text));
  kept = gathered != NULL && !again;
  if (kept)
    g_string_append_printf (gathered, "%s%s", gathered->len > 0 ? "; " : "", text);
  g_mutex_unlock (&notes_lock);
  if (!kept && !again)
    tell ("note", "", text);
  g_free (text);
}

void
tc_note_error (const GError *error)
{
  tell ("error", TC_NAME ": ", error->message);
}

void
tc_note_launch (const char *line, gboolean to_stderr)
{
  FILE *to = to_stderr ? stderr : stdout;

  if (to_stderr && json != NULL) {
    tc_json_tell ("launch", line);
  } else {
    fprintf (to, "%s\n", line);
    fflush (to);
  }
}

void
tc_note_signal (const char *text)
{
  /* Not cleared but left: in place, what was reached stays to be seen. */
  if (json != NULL)
    tc_json_tell ("note", text);
  else
    fprintf (stderr, "\n" TC_NAME ": %s\n", text);
}

void
tc_note_last (const char *text)
{
  if (json == NULL) {
    tc_note_signal (text);
    return;
  }
  /* Never given back, so that no other thread's object comes after this one, or begins to. */
  flockfile (json);
  tc_json_tell ("error", text);
}

void
tc_note_gather (void)
{
  g_mutex_lock (&notes_lock);
  if (gathered == NULL)
    gathered = g_string_new (NULL);
  g_mutex_unlock (&notes_lock);
}

char *
tc_note_take (void)
{
  char *text = NULL;

  g_mutex_lock (&notes_lock);
  if (gathered != NULL)
    text = g_string_free (g_steal_pointer (&gathered), FALSE);
  g_mutex_unlock (&notes_lock);
  if (text != NULL && text[0] == '\0')
    g_clear_pointer (&text, g_free);
  return text;
}

void
tc_note_done (const char *out, gint64 n_frames, int width, int height, double seconds,
              const char *notes)
{
  double fps = seconds > 0 ? (double) n_frames / seconds : 0;
  JsonBuilder *builder;

  if (json == NULL) {
    tc_progress_clear ();
    fprintf (stderr, "%s: %" G_GINT64_FORMAT " frames of %dx%d in %.1f s (%.2f fps)%s%s\n", out,
             n_frames, width, height, seconds, fps, notes != NULL ? "; " : "",
             notes != NULL ? notes : "");
    return;
  }
  builder = tc_json_begin ("done");
  tc_json_add_text (builder, "file", out);
  json_builder_add_int_value (json_builder_set_member_name (builder, "frames"), n_frames);
  json_builder_add_int_value (json_builder_set_member_name (builder, "width"), width);
  json_builder_add_int_value (json_builder_set_member_name (builder, "height"), height);
  json_builder_add_double_value (json_builder_set_member_name (builder, "seconds"), seconds);
  json_builder_add_double_value (json_builder_set_member_name (builder, "fps"), fps);
  if (notes != NULL)
    tc_json_add_text (builder, "text", notes);
  tc_json_end (builder);
}

/* ---- what FFmpeg says ----------------------------------------------------------------------- */

/* Encoders that go on without an option that they were given only warn of it. */
static gboolean
is_about_options (const char *format)
{
  return strstr (format, "nknown option") != NULL || strstr (format, "Invalid value for") != NULL ||
         strstr (format, "Error parsing option") != NULL;
}

static void
keep_complaint (int level, const char *format, va_list args)
{
  gboolean refused = level <= AV_LOG_WARNING && is_about_options (format);

  g_mutex_lock (&log_lock);
  if (listening && (level <= AV_LOG_ERROR || refused)) {
    if (first_complaint == NULL || (refused && !option_refused)) {
      g_free (first_complaint);
      first_complaint = g_strchomp (g_strdup_vprintf (format, args));
    }
    option_refused |= refused;
  }
  g_mutex_unlock (&log_lock);
}

/* FFmpeg tells a lot that is of no use to whoever enlarges a video, and what fails is told once, by
 * this program. But that a file was cut off is told nowhere else. */
static void
on_log (void *context, int level, const char *format, va_list args)
{
  if (level <= AV_LOG_ERROR && strstr (format, "File ended prematurely") != NULL)
    g_atomic_int_set (&ended_early, 1);
  keep_complaint (level, format, args);
}

void
tc_log_listen (void)
{
  g_mutex_lock (&log_lock);
  listening = TRUE;
  option_refused = FALSE;
  g_clear_pointer (&first_complaint, g_free);
  g_mutex_unlock (&log_lock);
}

char *
tc_log_take (gboolean *refused)
{
  char *complaint;

  g_mutex_lock (&log_lock);
  listening = FALSE;
  *refused = option_refused;
  complaint = g_steal_pointer (&first_complaint);
  g_mutex_unlock (&log_lock);
  return complaint;
}

void
tc_log_init (void)
{
  av_log_set_callback (on_log);
  /* SVT-AV1 speaks past that, on its own. */
  g_setenv ("SVT_LOG", "1", FALSE);
}

void
tc_log_start (void)
{
  g_atomic_int_set (&ended_early, 0);
}

gboolean
tc_log_ended_early (void)
{
  return g_atomic_int_get (&ended_early);
}
