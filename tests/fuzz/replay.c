/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where there is no libFuzzer: the files that are named, one after the other. */

#include "replay.h"

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    g_autofree char *contents = NULL;
    gsize size;
    if (!g_file_get_contents (argv[i], &contents, &size, NULL)) {
      g_printerr ("%s cannot be read\n", argv[i]);
      return 1;
    }
    LLVMFuzzerTestOneInput ((const guint8 *) contents, size);
  }
  return 0;
}
