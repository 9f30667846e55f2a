/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the program says: one line each, on stderr. With --progress=json each is an object of JSON,
 * whose "type" is progress, note, error, done, launch or log; manual.c says what they hold. From
 * any thread.
 */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

#define TC_NAME "rfdn-transcode"

/* Sets `error` and returns FALSE. */
gboolean tc_fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* The same, with FFmpeg's words for `code` at the end. */
gboolean tc_fail_av (GError **error, int code, const char *format, ...) G_GNUC_PRINTF (3, 4);
void tc_note (const char *format, ...) G_GNUC_PRINTF (1, 2);
void tc_note_error (const GError *error);
/* The line of gst-launch-1.0 that stands for the job. `to_stderr`: stdout is taken. */
void tc_note_launch (const char *line, gboolean to_stderr);
/* What a signal does, on a line of its own below a line of progress that stays. */
void tc_note_signal (const char *text);
/* The same as a last message: the program has to end now, by _exit(). */
void tc_note_last (const char *text);
/* From here on no note is told twice, or, FALSE, from here on again. */
void tc_note_once (gboolean once);
/* From here on notes are kept instead of printed. */
void tc_note_gather (void);
/* Ends that: all of them with semicolons in between, or NULL. To be freed. */
char *tc_note_take (void);
/* The last line about a file: what it holds, how long that took, and `notes`, which may be NULL. */
void tc_note_done (const char *out, gint64 n_frames, int width, int height, double seconds,
                   const char *notes);
/* All that goes to stderr is JSON from here on until tc_json_stop(), whoever writes it. */
void tc_json_start (void);
void tc_json_stop (void);
gboolean tc_json_is_on (void);
void tc_json_tell (const char *type, const char *text);
/* An object to be filled in and told. */
JsonBuilder *tc_json_begin (const char *type);
/* `text` may be a file's name in whatever bytes. */
void tc_json_add_text (JsonBuilder *builder, const char *member, const char *text);
void tc_json_end (JsonBuilder *builder);
void tc_log_init (void);
/* Forgets what FFmpeg said of the last input. */
void tc_log_start (void);
/* From here on it is kept what FFmpeg's libraries find wrong. */
void tc_log_listen (void);
/* Ends that; what they said first, or NULL. To be freed. `refused`: whether they went on without an
 * option that they do not know or that has a wrong value. */
char *tc_log_take (gboolean *refused);
/* Whether FFmpeg said that the input ends in the middle of something. */
gboolean tc_log_ended_early (void);
