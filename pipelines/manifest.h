/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A job in parts: which range of the film each part is, and what every part is made of and with.
 *
 * A job's files lie in the folder OUT.parts beside OUT: manifest.json, and for each finished part a
 * NUT file and a record (partfile.h). What is there under its name is whole, whoever made it.
 *
 * Ranges are half-open, in units of the manifest's time base, on the timeline that tc_input_read()
 * gives. All of it belongs to the manifest, and may be read from any thread while nobody changes
 * it.
 */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

#include <libavutil/rational.h>

#define TC_MAX_PARTS 100000

typedef struct {
  gint64 start, end; /* what is shown at `start` or later, and before `end` */
  gint64 entry;      /* where decoding begins: which video packet of IN, counted from 0 */
  gint64 entry_time; /* and its time; G_MININT64: it cannot be found by that */
  gint64 n_frames;   /* as IN tells; what cannot be decoded is missing in the part */
} TcRange;

/* What has to be the same for all parts, as text that can be shown. */
typedef enum {
  TC_MADE_OF_INPUT,
  TC_MADE_WITH_OPTIONS,
  TC_MADE_WITH_MODEL,
  TC_MADE_WITH_PLUGIN,
  TC_MADE_WITH_ENCODER,
  TC_N_MADE
} TcMade;

typedef struct {
  char *made[TC_N_MADE];
  AVRational time_base;
  guint encoder_threads; /* an encoder's bits depend on them */
  guint n_parts;
  TcRange *parts;
} TcManifest;

/* Names in OUT.parts; to be freed. */
char *tc_parts_folder (const char *out);
char *tc_parts_path (const char *out, const char *name);

/* FALSE with an error that names the file. */
gboolean tc_manifest_load (TcManifest *manifest, const char *out, GError **error);
/* Makes the folder where there is none. */
gboolean tc_manifest_save (const TcManifest *manifest, const char *out, GError **error);
void tc_manifest_clear (TcManifest *manifest);
/* What differs first, in words ("model: live 12ab, not rfdn 34cd"), or NULL. */
char *tc_made_compare (char *const *wanted, char *const *got);
/* All TC_N_MADE of them as members of a JSON object; FALSE: one is not there. */
void tc_made_write (char *const *made, JsonBuilder *builder);
gboolean tc_made_read (char **made, JsonObject *object);
void tc_made_clear (char **made);
/* The part that is shown at `time`, or -1. */
int tc_manifest_find (const TcManifest *manifest, gint64 time);

/* A GCompareFunc for times, as gint64. */
int tc_compare_times (gconstpointer a, gconstpointer b);

/* The SHA-256 of a file: of all of it, or of its size, its first and its last MiB. NULL: error. */
char *tc_hash_file (const char *path, gboolean all, GError **error);
/* `name` and the hash of its weights; NULL names the element's own. */
char *tc_describe_model (const char *name, GError **error);
/* The plugin's version and hash. */
char *tc_describe_plugin (GError **error);
/* Puts a file in its place so that it is there whole or not at all, also after a power cut. */
gboolean tc_replace_file (const char *path, const char *text, GError **error);
