/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GLib's first table of quarks. GLib allocates it as it is loaded; when there are more quarks it
 * takes a larger one, and keeps the old one, as it may still be read from without a lock:
 * LeakSanitizer's one finding in every program on GStreamer. A suppression goes by the stack of the
 * allocation. That has GLib's own functions only where each stack is traced without frame pointers,
 * and then the tests take up to twenty times as long. So the block is pointed to, by which it is no
 * leak. Linked into the tests when b_sanitize has `address`. */

#include <glib.h>
#include <stddef.h>

/* The sanitizer calls it at each allocation. */
void __sanitizer_malloc_hook (const volatile void *block, size_t size);

#define TABLE_SIZE (2048 * sizeof (char *))

/* Of that size. What they point to is reachable, though nobody reads them: compilers must not see
 * that. */
static const volatile void *volatile tables[8];
static guint n_tables;

/* Clang would run the constructor below at compile time. */
static volatile gboolean loaded;

void
__sanitizer_malloc_hook (const volatile void *block, size_t size)
{
  if (!loaded && size == TABLE_SIZE && n_tables < G_N_ELEMENTS (tables))
    tables[n_tables++] = block;
}

/* After the libraries' own constructors: nothing that a test allocates is meant. */
static void __attribute__ ((constructor)) set_loaded (void)
{
  loaded = TRUE;
}
