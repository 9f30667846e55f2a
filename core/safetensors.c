/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "safetensors.h"

#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json-check.h"

/* Headers of real networks have a few kilobytes; the format's own limit is 100 MB, but a parsed
 * header takes many times its size. */
#define MAX_HEADER (1u << 20)

/* {"name": {"shape": [..]}}: the JSON of a header is three deep. A tensor has up to nine values,
 * and a network of the most blocks two thousand tensors. */
static const RfdnJsonLimits json_limits = {.max_depth = 4, .max_values = 65536};

/* Names go into messages of one line. */
#define MAX_NAME 128
#define MAX_QUOTED 32

#define CONVERT "models/convert.py FILE OUT.safetensors"

typedef enum { DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_OTHER } Dtype;

static const struct {
  const char *name;
  Dtype dtype;
  gsize size;
} dtypes[] = {
    {"F32", DTYPE_F32, 4},    {"F16", DTYPE_F16, 2},   {"BF16", DTYPE_BF16, 2},
    {"F64", DTYPE_OTHER, 8},  {"I64", DTYPE_OTHER, 8}, {"I32", DTYPE_OTHER, 4},
    {"I16", DTYPE_OTHER, 2},  {"I8", DTYPE_OTHER, 1},  {"U64", DTYPE_OTHER, 8},
    {"U32", DTYPE_OTHER, 4},  {"U16", DTYPE_OTHER, 2}, {"U8", DTYPE_OTHER, 1},
    {"BOOL", DTYPE_OTHER, 1},
};

static void
tensor_free (gpointer data)
{
  RfdnTensor *tensor = data;
  g_free (tensor->values);
  g_free (tensor);
}

void
rfdn_tensor_file_free (RfdnTensorFile *file)
{
  if (file == NULL)
    return;
  g_hash_table_unref (file->tensors);
  g_hash_table_unref (file->metadata);
  g_free (file);
}

const RfdnTensor *
rfdn_tensor_file_get (const RfdnTensorFile *file, const char *name)
{
  return g_hash_table_lookup (file->tensors, name);
}

const char *
rfdn_tensor_file_get_metadata (const RfdnTensorFile *file, const char *key)
{
  return g_hash_table_lookup (file->metadata, key);
}

char *
rfdn_tensor_file_quote (const char *text)
{
  g_autofree char *start = g_utf8_substring (text, 0, MIN (g_utf8_strlen (text, -1), MAX_QUOTED));
  GString *quoted = g_string_new (NULL);

  for (const char *c = start; *c != '\0'; c = g_utf8_next_char (c)) {
    const gunichar character = g_utf8_get_char (c);
    g_string_append_unichar (quoted, g_unichar_isprint (character) ? character : '?');
  }
  return g_string_free (quoted, FALSE);
}

static float
float_from_bits (guint32 bits)
{
  float value;
  memcpy (&value, &bits, sizeof value);
  return value;
}

/* IEEE 754 binary16 to binary32. */
static float
float_from_half (guint16 half)
{
  guint32 sign = (guint32) (half & 0x8000) << 16;
  guint32 exponent = (half >> 10) & 31;
  guint32 fraction = half & 0x3ff;

  if (exponent == 31)
    return float_from_bits (sign | 0x7f800000 | fraction << 13);
  if (exponent != 0)
    return float_from_bits (sign | (exponent + 112) << 23 | fraction << 13);
  float value = (float) fraction / (1 << 24);
  return sign ? -value : value;
}

static float *
read_values (const guint8 *data, gsize n, Dtype dtype)
{
  float *values = rfdn_try_new (float, n);
  if (values == NULL)
    return NULL;

  for (gsize i = 0; i < n; i++) {
    guint32 word = 0;
    gsize size = dtype == DTYPE_F32 ? 4 : 2;
    for (gsize b = 0; b < size; b++)
      word |= (guint32) data[i * size + b] << (8 * b);
    values[i] = dtype == DTYPE_F32   ? float_from_bits (word)
                : dtype == DTYPE_F16 ? float_from_half ((guint16) word)
                                     : float_from_bits (word << 16);
  }
  return values;
}

/* A JSON array of whole numbers of 0 and more. */
static gboolean
read_sizes (JsonObject *object, const char *member, gsize *sizes, guint max, guint *n_sizes)
{
  JsonNode *node = json_object_get_member (object, member);
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;

  JsonArray *array = json_node_get_array (node);
  *n_sizes = json_array_get_length (array);
  if (*n_sizes > max)
    return FALSE;
  for (guint i = 0; i < *n_sizes; i++) {
    JsonNode *item = json_array_get_element (array, i);
    if (!JSON_NODE_HOLDS_VALUE (item) || json_node_get_value_type (item) != G_TYPE_INT64)
      return FALSE;
    gint64 value = json_node_get_int (item);
    if (value < 0 || (guint64) value > G_MAXSIZE)
      return FALSE;
    sizes[i] = (gsize) value;
  }
  return TRUE;
}

/* A tensor, and where in the data its numbers lie. */
typedef struct {
  const char *name;
  RfdnTensor *tensor;
  guint dtype; /* of dtypes[] */
  gsize begin, end;
} Entry;

static gboolean
read_dtype (Entry *entry, JsonObject *object, GError **error)
{
  JsonNode *node = json_object_get_member (object, "dtype");
  const char *name =
      node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;

  for (entry->dtype = 0; entry->dtype < G_N_ELEMENTS (dtypes); entry->dtype++) {
    if (g_strcmp0 (name, dtypes[entry->dtype].name) == 0)
      return TRUE;
  }
  g_autofree char *quoted = rfdn_tensor_file_quote (name ? name : "(none)");
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT, "tensor %s has the unknown dtype %s",
               entry->name, quoted);
  return FALSE;
}

static gboolean
read_range (Entry *entry, JsonObject *object, gsize size, GError **error)
{
  gsize offsets[2];
  guint n_offsets;

  if (!read_sizes (object, "data_offsets", offsets, 2, &n_offsets) || n_offsets != 2 ||
      offsets[0] > offsets[1]) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT, "tensor %s has no valid data_offsets",
                 entry->name);
    return FALSE;
  }
  if (offsets[1] > size) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                 "tensor %s ends at byte %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                 " bytes of data: the file is cut short or damaged",
                 entry->name, offsets[1], size);
    return FALSE;
  }
  entry->begin = offsets[0];
  entry->end = offsets[1];
  return TRUE;
}

/* Everything but the numbers themselves. */
static gboolean
read_entry (Entry *entry, JsonObject *object, gsize size, GError **error)
{
  RfdnTensor *tensor = entry->tensor;
  gsize n = 1, n_bytes;
  gboolean fits = TRUE;

  if (!read_dtype (entry, object, error))
    return FALSE;
  if (!read_sizes (object, "shape", tensor->shape, RFDN_TENSOR_MAX_DIMS, &tensor->n_dims)) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                 "tensor %s has no shape of up to %d whole numbers", entry->name,
                 RFDN_TENSOR_MAX_DIMS);
    return FALSE;
  }
  if (!read_range (entry, object, size, error))
    return FALSE;

  for (guint i = 0; i < tensor->n_dims; i++)
    fits = fits && g_size_checked_mul (&n, n, tensor->shape[i]);
  if (!fits || !g_size_checked_mul (&n_bytes, n, dtypes[entry->dtype].size) ||
      n_bytes != entry->end - entry->begin) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                 "tensor %s: its shape and its data_offsets contradict each other", entry->name);
    return FALSE;
  }
  tensor->n_values = n;
  return TRUE;
}

static int
compare_entries (const void *a, const void *b)
{
  const Entry *one = a, *other = b;

  if (one->begin != other->begin)
    return one->begin < other->begin ? -1 : 1;
  return one->end < other->end ? -1 : one->end > other->end;
}

/* Every byte of the data belongs to one tensor: the format demands it, and so all tensors together
 * are no larger than the file. */
static gboolean
check_ranges (RfdnArray *entries, gsize size, GError **error)
{
  const Entry *before = NULL;
  gsize end = 0;

  if (entries->len > 0)
    qsort (entries->data, entries->len, entries->size, compare_entries);
  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = &g_array_index (entries, Entry, i);
    if (entry->begin == entry->end)
      continue;
    if (entry->begin < end) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT, "tensors %s and %s share bytes",
                   before->name, entry->name);
      return FALSE;
    }
    if (entry->begin > end) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                   "%" G_GSIZE_FORMAT " bytes in front of tensor %s belong to none",
                   entry->begin - end, entry->name);
      return FALSE;
    }
    end = entry->end;
    before = entry;
  }
  if (end != size) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                 "%" G_GSIZE_FORMAT " bytes follow the last tensor", size - end);
    return FALSE;
  }
  return TRUE;
}

static gboolean
read_data (const RfdnArray *entries, const guint8 *data, GError **error)
{
  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = &g_array_index (entries, Entry, i);
    const Dtype dtype = dtypes[entry->dtype].dtype;
    if (dtype == DTYPE_OTHER)
      continue;
    entry->tensor->values = read_values (data + entry->begin, entry->tensor->n_values, dtype);
    if (entry->tensor->values == NULL) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY, "no memory for tensor %s", entry->name);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
name_is_sane (const char *name)
{
  gsize length = 0;
  for (; name[length] != '\0'; length++) {
    if (g_ascii_iscntrl (name[length]))
      return FALSE;
  }
  return length <= MAX_NAME;
}

static gboolean
read_metadata (RfdnTensorFile *file, JsonNode *node, GError **error)
{
  if (!JSON_NODE_HOLDS_OBJECT (node)) {
    g_set_error_literal (error, RFDN_ERROR, RFDN_ERROR_FORMAT, "__metadata__ is not an object");
    return FALSE;
  }

  JsonObjectIter iter;
  const char *key;
  JsonNode *value;
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &key, &value)) {
    if (!name_is_sane (key))
      continue;
    const char *text = JSON_NODE_HOLDS_VALUE (value) ? json_node_get_string (value) : NULL;
    if (text == NULL) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT, "metadata %s is not a string", key);
      return FALSE;
    }
    g_hash_table_insert (file->metadata, g_strdup (key), g_strdup (text));
  }
  return TRUE;
}

/* What other formats' files begin with. */
static const struct {
  const char *begin;
  gsize size;
  const char *name;
} others[] = {
    {"PK\3\4", 4, "a zip archive, as PyTorch's .pth are"},
    {"\x80\2", 2, "a pickle, as PyTorch's old .pth are"},
    {"7767517\n", 8, "ncnn's .param"},
    {"7767517\r", 8, "ncnn's .param"},
    {"\x47\x6b\x30\1", 4, "ncnn's .bin"},
    {"\x08", 1, "maybe an .onnx"}, /* field 1, a number: the version */
};

/* Published networks are mostly not safetensors files: what this one is, and the way out. */
static void
set_other_format (const guint8 *bytes, gsize size, GError **error)
{
  const char *name = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (others) && name == NULL; i++) {
    if (size >= others[i].size && memcmp (bytes, others[i].begin, others[i].size) == 0)
      name = others[i].name;
  }
  if (name != NULL)
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                 "this is not a safetensors file but %s; convert it with " CONVERT, name);
  else
    g_set_error_literal (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                         "this is not a safetensors file; if it is a network in another format, "
                         "convert it with " CONVERT);
}

/* The JSON object in the file's head, or NULL. `*data` is set to where the data begins. */
static JsonParser *
parse_header (const guint8 *bytes, gsize size, gsize *data, GError **error)
{
  guint64 length = 0;

  if (size < 8) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                 "not a safetensors file: only %" G_GSIZE_FORMAT " bytes", size);
    return NULL;
  }
  for (guint i = 0; i < 8; i++)
    length |= (guint64) bytes[i] << (8 * i);
  if (length <= size - 8 && length > MAX_HEADER) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                 "a safetensors header of %" G_GUINT64_FORMAT " bytes; at most %u are read", length,
                 MAX_HEADER);
    return NULL;
  }
  if (length < 2 || length > MAX_HEADER || (size > 8 && bytes[8] != '{')) {
    set_other_format (bytes, size, error);
    return NULL;
  }
  if (length > size - 8) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                 "not a safetensors file, or one cut short: a header of %" G_GUINT64_FORMAT
                 " bytes cannot be in %" G_GSIZE_FORMAT " bytes",
                 length, size);
    return NULL;
  }

  const char *text = (const char *) bytes + 8;
  if (!rfdn_json_check (text, length, &json_limits, error)) {
    g_prefix_error_literal (error, "the safetensors header is not the JSON it should be: ");
    return NULL;
  }

  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) json_error = NULL;
  if (!json_parser_load_from_data (parser, text, length, &json_error)) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT, "the safetensors header is not JSON: %s",
                 json_error->message);
    return NULL;
  }
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error_literal (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                         "the safetensors header is not a JSON object");
    return NULL;
  }
  *data = 8 + length;
  return g_steal_pointer (&parser);
}

/* The metadata, and an entry for each tensor. */
static gboolean
read_header (RfdnTensorFile *file, JsonObject *header, gsize size, RfdnArray *entries,
             GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init (&iter, header);
  while (json_object_iter_next (&iter, &name, &node)) {
    if (!name_is_sane (name)) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT,
                   "an entry's name is longer than %d bytes or not printable", MAX_NAME);
      return FALSE;
    }
    if (strcmp (name, "__metadata__") == 0) {
      if (!read_metadata (file, node, error))
        return FALSE;
      continue;
    }
    if (!JSON_NODE_HOLDS_OBJECT (node)) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT, "entry %s is not a tensor", name);
      return FALSE;
    }
    Entry entry = {.name = name, .tensor = g_new0 (RfdnTensor, 1)};
    g_hash_table_insert (file->tensors, g_strdup (name), entry.tensor);
    if (!read_entry (&entry, json_node_get_object (node), size, error))
      return FALSE;
    if (!rfdn_array_append (entries, &entry)) {
      g_set_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY, "no memory for a list of %u tensors",
                   entries->len + 1);
      return FALSE;
    }
  }
  return TRUE;
}

RfdnTensorFile *
rfdn_tensor_file_new (GBytes *bytes, GError **error)
{
  gsize size, data;
  const guint8 *contents = g_bytes_get_data (bytes, &size);
  g_autoptr (JsonParser) parser = parse_header (contents, size, &data, error);
  if (parser == NULL)
    return NULL;

  g_autoptr (RfdnTensorFile) file = g_new0 (RfdnTensorFile, 1);
  g_autoptr (RfdnArray) entries = rfdn_array_new (sizeof (Entry), NULL);
  file->tensors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, tensor_free);
  file->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!read_header (file, json_node_get_object (json_parser_get_root (parser)), size - data,
                    entries, error) ||
      !check_ranges (entries, size - data, error) || !read_data (entries, contents + data, error))
    return NULL;
  return g_steal_pointer (&file);
}
