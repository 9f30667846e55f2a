/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "threads.h"

#include "rfdn.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* The CPU quota of a cgroup-v2 directory in processors, rounded up; G_MAXUINT if there is none. */
static guint
read_quota (const char *directory)
{
  g_autofree char *path = g_build_filename ("/sys/fs/cgroup", directory, "cpu.max", NULL);
  g_autofree char *text = NULL;
  guint64 quota, period;

  if (!g_file_get_contents (path, &text, NULL, NULL) ||
      sscanf (text, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &quota, &period) != 2 ||
      period == 0)
    return G_MAXUINT;
  return (guint) CLAMP ((quota + period - 1) / period, 1, G_MAXUINT);
}

/* The tightest quota on the way from this process's control group to the root. */
static guint
get_cgroup_limit (void)
{
  g_autofree char *text = NULL;
  guint limit = G_MAXUINT;

  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL))
    return limit;
  const char *line = g_str_has_prefix (text, "0::") ? text : strstr (text, "\n0::");
  if (line == NULL)
    return limit;

  const char *start = strchr (line, '/');
  if (start == NULL)
    return limit;
  g_autofree char *directory = g_strndup (start, strcspn (start, "\n"));
  for (;;) {
    limit = MIN (limit, read_quota (directory));
    char *slash = strrchr (directory, '/');
    if (slash == NULL || directory[1] == '\0')
      return limit;
    slash[slash == directory ? 1 : 0] = '\0';
  }
}

/* Processors in this thread's affinity mask. (g_get_num_processors() counts all that are online.)
 */
static guint
get_affinity_limit (void)
{
  for (int n = 1024; n <= 1 << 20; n *= 2) {
    cpu_set_t *set = CPU_ALLOC (n);
    gsize size = CPU_ALLOC_SIZE (n);
    gint count = -1;
    if (set != NULL && sched_getaffinity (0, size, set) == 0)
      count = CPU_COUNT_S (size, set);
    CPU_FREE (set);
    if (count > 0)
      return (guint) count;
    /* The machine may have more processors than the set has room for. */
  }
  return g_get_num_processors ();
}

guint
rfdn_available_threads (void)
{
  return MAX (1, MIN (get_affinity_limit (), get_cgroup_limit ()));
}

/* More threads than this only cost memory: frames do not have that many rows and tiles. */
#define MAX_THREADS 256

guint
rfdn_resolve_threads (guint n_threads)
{
  return MIN (n_threads > 0 ? n_threads : rfdn_available_threads (), MAX_THREADS);
}

void
rfdn_relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
