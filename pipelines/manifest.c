/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manifest.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION 1
#define MANIFEST "manifest.json"
#define HASHED_ENDS (1 << 20)

static const char *const made_names[TC_N_MADE] = {"input", "options", "model", "plugin", "encoder"};

char *
tc_parts_folder (const char *out)
{
  return g_strconcat (out, ".parts", NULL);
}

char *
tc_parts_path (const char *out, const char *name)
{
  return g_strconcat (out, ".parts/", name, NULL);
}

void
tc_made_clear (char **made)
{
  for (int i = 0; i < TC_N_MADE; i++)
    g_clear_pointer (&made[i], g_free);
}

void
tc_manifest_clear (TcManifest *manifest)
{
  tc_made_clear (manifest->made);
  g_free (manifest->parts);
  *manifest = (TcManifest){0};
}

char *
tc_made_compare (char *const *wanted, char *const *got)
{
  for (int i = 0; i < TC_N_MADE; i++)
    if (g_strcmp0 (wanted[i], got[i]) != 0)
      return g_strdup_printf ("%s: %s, not %s", made_names[i], got[i], wanted[i]);
  return NULL;
}

int
tc_compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

int
tc_manifest_find (const TcManifest *manifest, gint64 time)
{
  guint low = 0, high = manifest->n_parts;

  while (low < high) {
    guint middle = (low + high) / 2;

    if (manifest->parts[middle].end <= time)
      low = middle + 1;
    else
      high = middle;
  }
  return low < manifest->n_parts && manifest->parts[low].start <= time ? (int) low : -1;
}

/* ---- the file ------------------------------------------------------------------------------- */

gboolean
tc_replace_file (const char *path, const char *text, GError **error)
{
  GError *own_error = NULL;

  if (!g_file_set_contents_full (path, text, -1,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0666,
                                 &own_error)) {
    tc_fail (error, "%s", own_error->message);
    g_error_free (own_error);
    return FALSE;
  }
  return TRUE;
}

void
tc_made_write (char *const *made, JsonBuilder *builder)
{
  for (int i = 0; i < TC_N_MADE; i++) {
    json_builder_set_member_name (builder, made_names[i]);
    json_builder_add_string_value (builder, made[i]);
  }
}

gboolean
tc_made_read (char **made, JsonObject *object)
{
  gboolean ok = TRUE;

  for (int i = 0; i < TC_N_MADE; i++) {
    made[i] = g_strdup (json_object_get_string_member_with_default (object, made_names[i], NULL));
    ok &= made[i] != NULL;
  }
  return ok;
}

gboolean
tc_manifest_save (const TcManifest *manifest, const char *out, GError **error)
{
  char *folder = tc_parts_folder (out), *path = tc_parts_path (out, MANIFEST), *text;
  JsonBuilder *builder = json_builder_new ();
  JsonNode *root;
  gboolean ok = TRUE;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "version");
  json_builder_add_int_value (builder, VERSION);
  tc_made_write (manifest->made, builder);
  json_builder_set_member_name (builder, "encoder-threads");
  json_builder_add_int_value (builder, manifest->encoder_threads);
  json_builder_set_member_name (builder, "time-base");
  json_builder_begin_array (builder);
  json_builder_add_int_value (builder, manifest->time_base.num);
  json_builder_add_int_value (builder, manifest->time_base.den);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "parts");
  json_builder_begin_array (builder);
  for (guint i = 0; i < manifest->n_parts; i++) {
    const TcRange *part = &manifest->parts[i];

    json_builder_begin_array (builder);
    json_builder_add_int_value (builder, part->start);
    json_builder_add_int_value (builder, part->end);
    json_builder_add_int_value (builder, part->entry);
    json_builder_add_int_value (builder, part->entry_time);
    json_builder_add_int_value (builder, part->n_frames);
    json_builder_end_array (builder);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);

  if (mkdir (folder, 0777) != 0 && errno != EEXIST)
    ok = tc_fail (error, "%s: %s", folder, g_strerror (errno));
  ok = ok && tc_replace_file (path, text, error);
  g_free (text);
  json_node_unref (root);
  g_object_unref (builder);
  g_free (path);
  g_free (folder);
  return ok;
}

static JsonArray *
get_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static gboolean
get_part (JsonNode *node, TcRange *part)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (array == NULL || json_array_get_length (array) != 5)
    return FALSE;
  part->start = json_array_get_int_element (array, 0);
  part->end = json_array_get_int_element (array, 1);
  part->entry = json_array_get_int_element (array, 2);
  part->entry_time = json_array_get_int_element (array, 3);
  part->n_frames = json_array_get_int_element (array, 4);
  return part->start < part->end && part->entry >= 0 && part->n_frames >= 0;
}

static gboolean
parse (TcManifest *manifest, JsonObject *object)
{
  JsonArray *base = get_array (object, "time-base"), *parts = get_array (object, "parts");

  if (json_object_get_int_member_with_default (object, "version", 0) != VERSION)
    return FALSE;
  if (!tc_made_read (manifest->made, object))
    return FALSE;
  manifest->encoder_threads =
      (guint) json_object_get_int_member_with_default (object, "encoder-threads", 0);
  if (base == NULL || json_array_get_length (base) != 2 || parts == NULL ||
      json_array_get_length (parts) == 0 || json_array_get_length (parts) > TC_MAX_PARTS)
    return FALSE;
  manifest->time_base.num = (int) json_array_get_int_element (base, 0);
  manifest->time_base.den = (int) json_array_get_int_element (base, 1);
  if (manifest->time_base.num <= 0 || manifest->time_base.den <= 0)
    return FALSE;
  manifest->n_parts = json_array_get_length (parts);
  manifest->parts = g_new0 (TcRange, manifest->n_parts);
  for (guint i = 0; i < manifest->n_parts; i++)
    if (!get_part (json_array_get_element (parts, i), &manifest->parts[i]) ||
        (i > 0 && manifest->parts[i].start != manifest->parts[i - 1].end))
      return FALSE;
  return TRUE;
}

gboolean
tc_manifest_load (TcManifest *manifest, const char *out, GError **error)
{
  char *path = tc_parts_path (out, MANIFEST);
  JsonParser *parser = json_parser_new_immutable ();
  GError *own_error = NULL;
  JsonNode *root;
  gboolean ok = FALSE;

  *manifest = (TcManifest){0};
  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    tc_fail (error, "%s: there is no such plan", path);
  } else if (!json_parser_load_from_file (parser, path, &own_error)) {
    tc_fail (error, "%s: %s", path, own_error->message);
  } else {
    root = json_parser_get_root (parser);
    ok = root != NULL && JSON_NODE_HOLDS_OBJECT (root) &&
         parse (manifest, json_node_get_object (root));
    if (!ok)
      tc_fail (error, "%s: is not a plan of this version", path);
  }
  if (!ok)
    tc_manifest_clear (manifest);
  g_clear_error (&own_error);
  g_object_unref (parser);
  g_free (path);
  return ok;
}

/* ---- what parts are made of and with -------------------------------------------------------- */

static gboolean
hash_range (GChecksum *sum, FILE *file, gint64 offset, gint64 size)
{
  guint8 buffer[1 << 16];

  if (fseeko (file, offset, SEEK_SET) != 0)
    return FALSE;
  while (size > 0) {
    size_t n = fread (buffer, 1, (size_t) MIN (size, (gint64) sizeof buffer), file);

    if (n == 0)
      return FALSE;
    g_checksum_update (sum, buffer, (gssize) n);
    size -= (gint64) n;
  }
  return TRUE;
}

char *
tc_hash_file (const char *path, gboolean all, GError **error)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  FILE *file = fopen (path, "rbe");
  struct stat status;
  char text[32], *hash = NULL;
  gint64 size, ends = HASHED_ENDS;

  if (file == NULL || fstat (fileno (file), &status) != 0) {
    tc_fail (error, "%s: %s", path, g_strerror (errno));
  } else {
    size = status.st_size;
    if (all || size <= 2 * ends) {
      ends = size;
    } else {
      g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, size);
      g_checksum_update (sum, (const guchar *) text, -1);
    }
    if (!hash_range (sum, file, 0, ends) ||
        (ends < size && !hash_range (sum, file, size - ends, ends)))
      tc_fail (error, "%s: cannot be read", path);
    else
      hash = g_strdup (g_checksum_get_string (sum));
  }
  if (file != NULL)
    fclose (file);
  g_checksum_free (sum);
  return hash;
}

/* The weights that the plugin was built with, one file for each factor of a model. */
static char *
hash_builtin (const char *name)
{
  static const char folder[] = "/org/gst-rfdn/models";
  char **files = g_resources_enumerate_children (folder, 0, NULL);
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize length = strlen (name);
  gboolean found = FALSE;
  char *hash;

  for (char **file = files; file != NULL && *file != NULL; file++) {
    char *path = g_strconcat (folder, "/", *file, NULL);
    GBytes *bytes = NULL;

    if (g_str_has_prefix (*file, name) && (*file)[length] == '_')
      bytes = g_resources_lookup_data (path, 0, NULL);
    if (bytes != NULL) {
      g_checksum_update (sum, g_bytes_get_data (bytes, NULL), (gssize) g_bytes_get_size (bytes));
      g_bytes_unref (bytes);
      found = TRUE;
    }
    g_free (path);
  }
  hash = found ? g_strdup (g_checksum_get_string (sum)) : NULL;
  g_checksum_free (sum);
  g_strfreev (files);
  return hash;
}

static char *
join_name (const char *name, char *hash)
{
  char *text = g_strdup_printf ("%s %.16s", name, hash);

  g_free (hash);
  return text;
}

char *
tc_describe_model (const char *name, GError **error)
{
  GstElement *element = gst_element_factory_make ("rfdnupscale", NULL);
  char *own = NULL, *base, *hash, *text = NULL;

  if (element == NULL) {
    tc_fail (error, "GStreamer does not find the element rfdnupscale");
    return NULL;
  }
  g_object_get (gst_object_ref_sink (element), "model", &own, NULL);
  gst_object_unref (element);
  if (name == NULL)
    name = own;
  hash = hash_builtin (name);
  if (hash != NULL) {
    text = join_name (name, hash);
  } else if ((hash = tc_hash_file (name, TRUE, error)) != NULL) {
    base = g_path_get_basename (name);
    text = join_name (base, hash);
    g_free (base);
  }
  g_free (own);
  return text;
}

char *
tc_describe_plugin (GError **error)
{
  GstPlugin *plugin = gst_registry_find_plugin (gst_registry_get (), "rfdn");
  char *hash, *text = NULL;

  if (plugin == NULL) {
    tc_fail (error, "GStreamer does not find the plugin rfdn");
    return NULL;
  }
  hash = tc_hash_file (gst_plugin_get_filename (plugin), TRUE, error);
  if (hash != NULL)
    text = join_name (gst_plugin_get_version (plugin), hash);
  gst_object_unref (plugin);
  return text;
}
