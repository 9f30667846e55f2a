/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Model files of known content, which go when the test ends. */

#include "util.h"

#include "synthetic.h"

#include <glib/gstdio.h>

static GHashTable *model_files; /* key -> path */
static char *model_folder;

static const char *
find_model_file (const char *key)
{
  return model_files != NULL ? g_hash_table_lookup (model_files, key) : NULL;
}

static const char *
keep_model_file (char *key, GBytes *bytes)
{
  g_autofree char *base = g_strconcat (key, ".safetensors", NULL);
  char *path;
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  if (model_files == NULL) {
    model_files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    model_folder = g_dir_make_tmp ("rfdn-test-XXXXXX", NULL);
    g_assert_nonnull (model_folder);
  }
  path = g_build_filename (model_folder, base, NULL);
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  g_hash_table_insert (model_files, key, path);
  g_bytes_unref (bytes);
  return path;
}

void
remove_model_files (void)
{
  GHashTableIter iter;
  gpointer path;

  if (model_files == NULL)
    return;
  g_hash_table_iter_init (&iter, model_files);
  while (g_hash_table_iter_next (&iter, NULL, &path))
    g_remove (path);
  g_rmdir (model_folder);
  g_hash_table_unref (model_files);
  g_free (model_folder);
}

/* Tensors of a convolution that is zero but for its middle taps: output o takes input from[o]. */
static void
add_middle (GArray *tensors, const char *weight, const char *bias, guint out, guint in,
            gint (*from) (guint o, guint channels, guint scale), guint channels, guint scale)
{
  SyntheticTensor w = {.name = weight, .n_dims = 4, .shape = {out, in, 3, 3}};
  SyntheticTensor b = {.name = bias, .n_dims = 1, .shape = {out}};

  w.values = g_new0 (float, (gsize) out *in * 9);
  b.values = g_new0 (float, out);
  for (guint o = 0; o < out; o++) {
    const gint i = from (o, channels, scale);

    if (i >= 0)
      w.values[(o * in + (guint) i) * 9 + 4] = 1;
  }
  g_array_append_val (tensors, w);
  g_array_append_val (tensors, b);
}

static void
free_tensors (GArray *tensors)
{
  for (guint i = 0; i < tensors->len; i++)
    g_free (g_array_index (tensors, SyntheticTensor, i).values);
  g_array_unref (tensors);
}

static gint
from_nothing (guint o, guint channels, guint scale)
{
  return -1;
}

static gint
from_same (guint o, guint channels, guint scale)
{
  return (gint) o;
}

static gint
from_channel (guint o, guint channels, guint scale)
{
  return (gint) (o / (scale * scale));
}

const char *
nearest_model (guint channels, guint scale)
{
  char *key = g_strdup_printf ("nearest%u_x%u", channels, scale);
  const char *known = find_model_file (key);
  GArray *tensors;
  GBytes *bytes;

  if (known != NULL) {
    g_free (key);
    return known;
  }
  tensors = g_array_new (FALSE, FALSE, sizeof (SyntheticTensor));
  add_middle (tensors, "fea_conv.weight", "fea_conv.bias", channels, channels, from_same, channels,
              scale);
  add_middle (tensors, "reprfb1.repblock1.rbr_reparam.weight", "reprfb1.repblock1.rbr_reparam.bias",
              channels, channels, from_nothing, channels, scale);
  add_middle (tensors, "reprfb1.repblock2.rbr_reparam.weight", "reprfb1.repblock2.rbr_reparam.bias",
              channels, channels, from_nothing, channels, scale);
  add_middle (tensors, "reprfb1.repblock3.rbr_reparam.weight", "reprfb1.repblock3.rbr_reparam.bias",
              channels, channels, from_nothing, channels, scale);
  add_middle (tensors, "reprfb1.conv3.weight", "reprfb1.conv3.bias", channels, channels,
              from_nothing, channels, scale);
  add_middle (tensors, "lr_conv.weight", "lr_conv.bias", channels, channels, from_nothing, channels,
              scale);
  add_middle (tensors, "upsampler.conv.weight", "upsampler.conv.bias", channels * scale * scale,
              channels, from_channel, channels, scale);
  bytes = synthetic_file_new ((const SyntheticTensor *) (void *) tensors->data, tensors->len, NULL);
  free_tensors (tensors);
  return keep_model_file (key, bytes);
}

const char *
random_model (const char *architecture, guint channels, guint scale, gboolean attention)
{
  const SyntheticNetwork network = {architecture, 8, 2, scale, channels, attention, 7};
  char *key = g_strdup_printf ("%s%u_x%u%s", architecture, channels, scale, attention ? "a" : "");
  const char *known = find_model_file (key);

  if (known != NULL) {
    g_free (key);
    return known;
  }
  return keep_model_file (key, synthetic_network_new (&network));
}

const char *
listed_model (guint channels, guint scale, guint added)
{
  char *key = g_strdup_printf ("listed%u_x%u_%u", channels, scale, added);
  const char *known = find_model_file (key);
  g_autofree char *metadata = NULL;
  GArray *tensors;
  GBytes *bytes;

  if (known != NULL) {
    g_free (key);
    return known;
  }
  tensors = g_array_new (FALSE, FALSE, sizeof (SyntheticTensor));
  add_middle (tensors, "up.weight", "up.bias", channels * scale * scale, channels, from_channel,
              channels, scale);
  for (guint o = 0; o < channels * scale * scale; o++)
    g_array_index (tensors, SyntheticTensor, 1).values[o] = (float) added / 255;
  metadata =
      g_strdup_printf ("{\"layers\":\"result = conv x up\",\"scale\":\"%u\",\"colour\":\"%s\"}",
                       scale, channels == 1 ? "luma" : "rgb");
  bytes =
      synthetic_file_new ((const SyntheticTensor *) (void *) tensors->data, tensors->len, metadata);
  free_tensors (tensors);
  return keep_model_file (key, bytes);
}

RfdnModel *
load_model (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  RfdnModel *model;
  char *data;
  gsize size;

  if (path == NULL)
    return rfdn_model_new_builtin (rfdn_builtin_models ()->name, 2, NULL);
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  bytes = g_bytes_new_take (data, size);
  model = rfdn_model_new (bytes, &error);
  g_assert_no_error (error);
  return model;
}
