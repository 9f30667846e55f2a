/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cache.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* At most this much of a third-level cache per processor: 1 to 5 MiB in most machines. If a system
 * reports more, it is a virtual machine with few of the processors that share the cache. */
#define MOST_OF_THIRD (4u << 20)

/* If the system tells nothing. */
#define UNKNOWN_SHARE (2u << 20)

/* A line of the file `name`; "" if it cannot be read. */
static char *
read_line (const char *folder, guint index, const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/index%u/%s", folder, index, name);
  char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_strdup ("");
  return g_strchomp (text);
}

/* "512K" or "32M" in bytes; 0 if it is anything else. */
static gsize
parse_size (const char *text)
{
  char *end;
  const guint64 size = g_ascii_strtoull (text, &end, 10);

  if (end == text || size > G_MAXUINT32)
    return 0;
  if (strcmp (end, "K") == 0)
    return (gsize) MIN (size << 10, G_MAXSIZE);
  if (strcmp (end, "M") == 0)
    return (gsize) MIN (size << 20, G_MAXSIZE);
  return *end == '\0' ? (gsize) size : 0;
}

/* How many numbers there are in "0-3,8,12-15"; 1 if it is not such a list. */
static guint
count_processors (const char *list)
{
  guint64 n = 0;

  while (*list != '\0') {
    char *end;
    const guint64 first = g_ascii_strtoull (list, &end, 10);
    guint64 last = first;
    if (end == list)
      return 1;
    if (*end == '-')
      last = g_ascii_strtoull (end + 1, &end, 10);
    if (last < first || last > G_MAXUINT16)
      return 1;
    n += last - first + 1;
    list = *end == ',' ? end + 1 : end;
  }
  return (guint) CLAMP (n, 1, G_MAXUINT16);
}

RfdnCaches
rfdn_caches_read (const char *folder)
{
  RfdnCaches caches = {{0, 1}, {0, 1}};

  for (guint index = 0;; index++) {
    g_autofree char *level = read_line (folder, index, "level");
    g_autofree char *type = read_line (folder, index, "type");
    if (level[0] == '\0')
      return caches;
    RfdnCache *cache = strcmp (level, "2") == 0   ? &caches.second
                       : strcmp (level, "3") == 0 ? &caches.third
                                                  : NULL;
    if (cache == NULL || strcmp (type, "Instruction") == 0)
      continue;
    g_autofree char *size = read_line (folder, index, "size");
    g_autofree char *list = read_line (folder, index, "shared_cpu_list");
    *cache = (RfdnCache){parse_size (size), count_processors (list)};
  }
}

static gsize
get_share (const RfdnCache *cache, guint n_threads)
{
  return cache->size / MIN (MAX (n_threads, 1), cache->sharers);
}

gsize
rfdn_caches_get_share (const RfdnCaches *caches, guint n_threads)
{
  const gsize second = get_share (&caches->second, n_threads);
  const gsize third = get_share (&caches->third, n_threads);

  if (second == 0 && third == 0)
    return UNKNOWN_SHARE;
  return second + MIN (third, MOST_OF_THIRD);
}

/* Without such a folder, what the C library knows: sizes, but not who shares them. */
static gsize
ask_library (int name)
{
  const long size = sysconf (name);
  return size > 0 ? (gsize) size : 0;
}

gsize
rfdn_get_cache_share (guint n_threads)
{
  RfdnCaches caches = rfdn_caches_read ("/sys/devices/system/cpu/cpu0/cache");

#ifdef _SC_LEVEL2_CACHE_SIZE
  if (caches.second.size == 0 && caches.third.size == 0) {
    caches.second.size = ask_library (_SC_LEVEL2_CACHE_SIZE);
    caches.third = (RfdnCache){ask_library (_SC_LEVEL3_CACHE_SIZE), g_get_num_processors ()};
  }
#endif
  return rfdn_caches_get_share (&caches, n_threads);
}
