/* gst-rfdn - reading NumPy's array files, for tests
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "npy.h"

#include <string.h>

static const char magic[] = "\x93NUMPY";

/* The header is the text of a Python dictionary; of it only the three known keys matter. */
static const char *
value_of (const char *header, const char *key)
{
  const char *at = strstr (header, key);

  if (at == NULL || (at = strchr (at, ':')) == NULL)
    return "";
  return at + 1 + strspn (at + 1, " ");
}

static gboolean
parse_header (const char *header, gsize shape[4], guint *n_dims)
{
  const char *at = value_of (header, "'shape'");
  guint n = 0;

  if (!g_str_has_prefix (value_of (header, "'descr'"), "'<f4'") ||
      !g_str_has_prefix (value_of (header, "'fortran_order'"), "False") || *at++ != '(')
    return FALSE;
  while (g_ascii_isdigit (*at)) {
    char *end;
    guint64 length = g_ascii_strtoull (at, &end, 10);

    if (n == 4 || length == 0 || length > G_MAXINT32)
      return FALSE;
    shape[n++] = length;
    at = end + strspn (end, ", ");
  }
  for (guint i = n; i < 4; i++)
    shape[i] = 1;
  *n_dims = n;
  return n > 0 && *at == ')';
}

float *
npy_load_f32 (const char *path, gsize shape[4], guint *n_dims, GError **error)
{
  g_autofree char *file = NULL;
  g_autofree char *header = NULL;
  gsize size, start, length, count = 1;
  guint dims = 0;

  if (!g_file_get_contents (path, &file, &size, error))
    return NULL;
  if (size < 12 || memcmp (file, magic, 6) != 0)
    goto malformed;
  if (file[6] == 1) {
    start = 10;
    length = (guint8) file[8] | (gsize) (guint8) file[9] << 8;
  } else {
    guint32 le;

    memcpy (&le, file + 8, sizeof le);
    start = 12;
    length = GUINT32_FROM_LE (le);
  }
  if (length > size - start)
    goto malformed;
  header = g_strndup (file + start, length);
  if (!parse_header (header, shape, &dims))
    goto malformed;
  for (guint i = 0; i < 4; i++) {
    if (!g_size_checked_mul (&count, count, shape[i]))
      goto malformed;
  }
  if (count > G_MAXSIZE / 4 || size - start - length != count * 4)
    goto malformed;

  if (n_dims)
    *n_dims = dims;
  return g_memdup2 (file + start + length, count * 4);

malformed:
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
               "%s: not a .npy file of little-endian float32 in C order", path);
  return NULL;
}
