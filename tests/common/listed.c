/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listed.h"

#include <math.h>
#include <string.h>

#include "synthetic.h"

static const SyntheticTensor shapes[] = {
    {"head.weight", 4, {8, 1, 3, 3}},
    {"head.bias", 1, {8}},
    {"body.weight", 4, {8, 8, 3, 3}},
    {"tail.weight", 4, {4, 8, 3, 3}},
    {"tail.bias", 1, {4}},
    {"fuse.weight", 4, {8, 16, 1, 1}},
    {"fuse.bias", 1, {8}},
    {"oblong.weight", 4, {8, 8, 5, 3}},
    {"square.weight", 4, {8, 8, 5, 5}},
    {"deep.weight", 4, {8, 1, 7, 7}},
    {"deep.bias", 1, {8}},
    {"small.weight", 4, {8, 1, 3, 3}},
    {"mix.weight", 4, {8, 8, 1, 1}},
    {"mix.bias", 1, {8}},
    {"slopes", 1, {8}},
    {"slope", 1, {1}},
    {"few", 1, {3}},
    {"even.weight", 4, {8, 8, 2, 2}},
    {"long.weight", 4, {8, 8, 1, 11}},
    {"flat.weight", 2, {8, 8}},
    {"empty.weight", 4, {0, 8, 1, 1}},
    {"wide.weight", 4, {1025, 1, 1, 1}},
    {"nan.weight", 4, {8, 8, 1, 1}},
    {"odd.weight", 4, {8, 8, 1, 1}},
    {"odd.bias", 1, {7}},
    {"sick.weight", 4, {8, 8, 1, 1}},
    {"sick.bias", 1, {8}},
    {"nans", 1, {8}},
    {"fan.weight", 4, {1024, 1, 1, 1}},
    {"rgb.weight", 4, {12, 3, 3, 3}},
};

guint
listed_tensor_get_number (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    if (g_str_equal (shapes[i].name, name))
      return i;
  }
  g_assert_not_reached ();
}

float
listed_tensor_get_value (guint number, gsize i)
{
  return (float) (1000 * number + i) / (1 << 17);
}

static void
append_member (GString *json, const char *key, const char *text)
{
  g_string_append_printf (json, "%s\"%s\":\"", json->len > 1 ? "," : "", key);
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\' || g_ascii_iscntrl (*c))
      g_string_append_printf (json, "\\u%04x", *c);
    else
      g_string_append_c (json, *c);
  }
  g_string_append_c (json, '"');
}

static char *
make_metadata (const char *layers, const char *const *more)
{
  static const char *const usual[] = {"scale", "2", "colour", "luma", NULL};
  g_autoptr (GString) json = g_string_new ("{");

  append_member (json, "layers", layers);
  for (guint i = 0; usual[i] != NULL; i += 2) {
    gboolean there = FALSE;
    for (guint k = 0; more != NULL && more[k] != NULL; k += 2)
      there |= g_str_equal (more[k], usual[i]);
    if (!there)
      append_member (json, usual[i], usual[i + 1]);
  }
  for (guint k = 0; more != NULL && more[k] != NULL; k += 2) {
    if (more[k + 1] != NULL)
      append_member (json, more[k], more[k + 1]);
  }
  g_string_append_c (json, '}');
  return g_strdup (json->str);
}

/* A file of all tensors, with metadata that say nothing. */
static GBytes *
make_base (void)
{
  SyntheticTensor tensors[G_N_ELEMENTS (shapes)];

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    gsize n = 1;
    tensors[i] = shapes[i];
    for (guint d = 0; d < shapes[i].n_dims; d++)
      n *= shapes[i].shape[d];
    tensors[i].values = g_new (float, n);
    for (gsize k = 0; k < n; k++)
      tensors[i].values[k] = listed_tensor_get_value (i, k);
  }
  tensors[listed_tensor_get_number ("nan.weight")].values[63] = NAN;
  tensors[listed_tensor_get_number ("sick.bias")].values[7] = INFINITY;
  tensors[listed_tensor_get_number ("nans")].values[2] = NAN;
  GBytes *bytes = synthetic_file_new (tensors, G_N_ELEMENTS (tensors), "{}");
  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++)
    g_free (tensors[i].values);
  return bytes;
}

GBytes *
listed_file_new (const char *layers, const char *const *metadata)
{
  static GBytes *base; /* made once: fuzzers ask very often */
  static const char begin[] = "{\"__metadata__\":";
  g_autofree char *json = make_metadata (layers, metadata);
  GByteArray *file = g_byte_array_new ();

  if (base == NULL)
    base = make_base ();
  gsize size;
  const guint8 *data = g_bytes_get_data (base, &size);
  const gsize at = 8 + strlen (begin);
  guint64 length;
  memcpy (&length, data, 8);
  length = GUINT64_TO_LE (GUINT64_FROM_LE (length) - 2 + strlen (json));
  g_byte_array_append (file, (const guint8 *) &length, 8);
  g_byte_array_append (file, data + 8, (guint) (at - 8));
  g_byte_array_append (file, (const guint8 *) json, (guint) strlen (json));
  g_byte_array_append (file, data + at + 2, (guint) (size - at - 2));
  return g_byte_array_free_to_bytes (file);
}
