/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A thread's share of a processor's caches, from files as Linux writes them. */

#include "cache.h"

#include <glib/gstdio.h>

#define MIB (1u << 20)

/* A cache as /sys describes it; NULL: there is no such file. */
typedef struct {
  const char *level, *type, *size, *sharers;
} Described;

static void
write_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *line = g_strdup_printf ("%s\n", text);

  if (text != NULL)
    g_assert_true (g_file_set_contents (path, line, -1, NULL));
}

static void
remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (g_file_test (path, G_FILE_TEST_IS_DIR))
      remove_folder (path);
    else
      g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static RfdnCaches
read_described (const Described *caches, guint n)
{
  g_autofree char *folder = g_dir_make_tmp ("rfdn-cache-XXXXXX", NULL);

  for (guint i = 0; i < n; i++) {
    g_autofree char *index = g_strdup_printf ("%s/index%u", folder, i);
    g_assert_cmpint (g_mkdir (index, 0700), ==, 0);
    write_file (index, "level", caches[i].level);
    write_file (index, "type", caches[i].type);
    write_file (index, "size", caches[i].size);
    write_file (index, "shared_cpu_list", caches[i].sharers);
  }
  const RfdnCaches read = rfdn_caches_read (folder);
  remove_folder (folder);
  return read;
}

static void
assert_cache (const RfdnCache *cache, gsize size, guint sharers)
{
  g_assert_cmpuint (cache->size, ==, size);
  g_assert_cmpuint (cache->sharers, ==, sharers);
}

static void
test_read (void)
{
  static const Described zen1[] = {{"1", "Data", "32K", "0,64"},
                                   {"1", "Instruction", "64K", "0,64"},
                                   {"2", "Unified", "512K", "0,64"},
                                   {"3", "Unified", "8192K", "0-3,64-67"}};
  static const Described small[] = {
      {"1", "Data", "32K", "0"}, {"2", "Instruction", "1M", "0"}, {"2", "Unified", "1M", "0-3"}};
  RfdnCaches caches = read_described (zen1, G_N_ELEMENTS (zen1));

  assert_cache (&caches.second, 512 << 10, 2);
  assert_cache (&caches.third, 8 * MIB, 8);
  caches = read_described (small, G_N_ELEMENTS (small));
  assert_cache (&caches.second, MIB, 4);
  assert_cache (&caches.third, 0, 1);
}

/* Nonsense values count as unknown. */
static void
test_read_nonsense (void)
{
  static const Described cases[] = {
      {"2", "Unified", NULL, "0"},   {"2", "Unified", "", "0"},       {"2", "Unified", "K", "0"},
      {"2", "Unified", "4G", "0"},   {"2", "Unified", "512KiB", "0"}, {"2", NULL, "many", "0"},
      {"9", "Unified", "512K", "0"},
  };
  static const Described lists[] = {
      {"2", "Unified", "1M", NULL},  {"2", "Unified", "1M", ""},
      {"2", "Unified", "1M", "all"}, {"2", "Unified", "1M", "3-1"},
      {"2", "Unified", "1M", "0,x"}, {"2", "Unified", "1M", "0-99999"},
  };
  RfdnCaches caches = rfdn_caches_read ("/nowhere");

  assert_cache (&caches.second, 0, 1);
  assert_cache (&caches.third, 0, 1);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    caches = read_described (&cases[i], 1);
    assert_cache (&caches.second, 0, 1);
  }
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
    caches = read_described (&lists[i], 1);
    assert_cache (&caches.second, MIB, 1);
  }
}

static void
test_share (void)
{
  static const struct {
    RfdnCaches caches;
    guint n_threads;
    gsize share;
  } cases[] = {
      /* A private cache, and one that threads share. */
      {{{MIB, 1}, {8 * MIB, 4}}, 1, 5 * MIB},
      {{{MIB, 1}, {8 * MIB, 4}}, 4, 3 * MIB},
      {{{MIB, 1}, {8 * MIB, 4}}, 64, 3 * MIB},
      {{{MIB, 2}, {8 * MIB, 8}}, 1, 5 * MIB},
      {{{MIB, 2}, {8 * MIB, 8}}, 8, MIB / 2 + MIB},
      /* A virtual machine with two processors that reports the whole socket's cache. */
      {{{2 * MIB, 1}, {300 * MIB, 2}}, 2, 6 * MIB},
      /* Only one level, or none. */
      {{{MIB, 4}, {0, 1}}, 4, MIB / 4},
      {{{0, 1}, {2 * MIB, 1}}, 4, 2 * MIB},
      {{{0, 1}, {0, 1}}, 4, 2 * MIB},
      {{{MIB, 1}, {0, 1}}, 0, MIB},
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (rfdn_caches_get_share (&cases[i].caches, cases[i].n_threads), ==,
                      cases[i].share);
}

/* This machine's own values, whatever they are. */
static void
test_machine (void)
{
  gsize before = G_MAXSIZE;

  for (guint n = 1; n <= 64; n *= 2) {
    const gsize share = rfdn_get_cache_share (n);
    g_assert_cmpuint (share, >=, 16 << 10);
    g_assert_cmpuint (share, <=, before);
    before = share;
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cache/read", test_read);
  g_test_add_func ("/cache/read-nonsense", test_read_nonsense);
  g_test_add_func ("/cache/share", test_share);
  g_test_add_func ("/cache/machine", test_machine);
  return g_test_run ();
}
