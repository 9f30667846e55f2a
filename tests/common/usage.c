/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usage.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static guint
count_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

gboolean
usage_get (Usage *usage)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL) ||
      (line = strstr (text, "VmRSS:")) == NULL)
    return FALSE;
  usage->memory = g_ascii_strtod (line + strlen ("VmRSS:"), NULL);
  usage->threads = count_entries ("/proc/self/task");
  usage->files = count_entries ("/proc/self/fd");
  return TRUE;
}

static double
get_slope (const Usage *usages, gsize member, guint n)
{
  double x = 0, y = 0, xx = 0, xy = 0;

  for (guint i = 0; i < n; i++) {
    const double value = G_STRUCT_MEMBER (double, &usages[i], member);

    x += i;
    y += value;
    xx += (double) i * i;
    xy += i * value;
  }
  return n > 1 ? (n * xy - x * y) / (n * xx - x * x) : 0;
}

Usage
usage_get_slope (const Usage *usages, guint n)
{
  return (Usage){get_slope (usages, offsetof (Usage, threads), n),
                 get_slope (usages, offsetof (Usage, files), n),
                 get_slope (usages, offsetof (Usage, memory), n)};
}
