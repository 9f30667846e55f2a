/* gst-rfdn - where the data lies that is not part of the project, for tests
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "shared.h"

char *
shared_path (const char *relative)
{
  const char *folder = g_getenv ("RFDN_SHARED");

  if (folder == NULL || *folder == '\0')
    folder = RFDN_SHARED_DEFAULT;
  return g_build_filename (folder, relative, NULL);
}

gboolean
shared_or_skip (const char *path)
{
  g_autofree char *why = NULL;

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  why = g_strdup_printf ("%s is not there (RFDN_SHARED names the folder of shared data)", path);
  g_test_skip (why);
  return FALSE;
}
