/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "siblings.h"

#include <math.h>
#include <string.h>

#define SHARP "sharp."
#define SOFT "soft."

const char *
rfdn_siblings_get_prefix (float sharpness)
{
  return sharpness > 0 ? SHARP : SOFT;
}

/* Whether a tensor of this name is the network's own, and holds numbers that it may use. */
static gboolean
is_own (const char *name, const RfdnTensor *tensor)
{
  return tensor->values != NULL && !g_str_has_prefix (name, SHARP) &&
         !g_str_has_prefix (name, SOFT);
}

static gboolean
check_tensor (const RfdnTensorFile *file, const char *prefix, const char *name,
              const RfdnTensor *own, GError **error)
{
  g_autofree char *full = g_strconcat (prefix, name, NULL);
  const RfdnTensor *tensor = rfdn_tensor_file_get (file, full);

  if (tensor == NULL || tensor->values == NULL) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
                 "metadata siblings promise a tensor %s, but there is none", full);
    return FALSE;
  }
  if (tensor->n_dims != own->n_dims ||
      memcmp (tensor->shape, own->shape, own->n_dims * sizeof own->shape[0]) != 0) {
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL, "tensor %s has another shape than %s", full,
                 name);
    return FALSE;
  }
  return TRUE;
}

gboolean
rfdn_siblings_find (const RfdnTensorFile *file, gboolean *found, GError **error)
{
  const char *named = rfdn_tensor_file_get_metadata (file, "siblings");
  GHashTableIter iter;
  gpointer name, tensor;

  *found = named != NULL;
  if (named == NULL)
    return TRUE;
  if (!g_str_equal (named, "sharp soft")) {
    g_autofree char *quoted = rfdn_tensor_file_quote (named);
    g_set_error (error, RFDN_ERROR, RFDN_ERROR_MODEL,
                 "metadata siblings is '%s'; 'sharp soft' is known", quoted);
    return FALSE;
  }
  g_hash_table_iter_init (&iter, file->tensors);
  while (g_hash_table_iter_next (&iter, &name, &tensor)) {
    if (is_own (name, tensor) && (!check_tensor (file, SHARP, name, tensor, error) ||
                                  !check_tensor (file, SOFT, name, tensor, error)))
      return FALSE;
  }
  return TRUE;
}

void
rfdn_siblings_mix (RfdnTensorFile *file, float sharpness)
{
  const float share = fabsf (sharpness);
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, file->tensors);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    RfdnTensor *own = value;
    if (!is_own (name, own))
      continue;
    g_autofree char *full = g_strconcat (rfdn_siblings_get_prefix (sharpness), name, NULL);
    const RfdnTensor *other = rfdn_tensor_file_get (file, full);
    for (gsize i = 0; i < own->n_values; i++)
      own->values[i] = (1 - share) * own->values[i] + share * other->values[i];
  }
}
