/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_ALLOC_H
#define RFDN_ALLOC_H

#include <glib.h>

/* Memory whose size depends on a model's file or a picture. On failure these return NULL, and the
 * caller sets RFDN_ERROR_NO_MEMORY.
 *
 * GLib's own functions abort instead. Use them only for what takes a few kilobytes at most,
 * whatever the file and the picture: structs, threads, messages; and for the names and strings of a
 * file's header, which is 1 MiB at most. */

/* `n` elements of `size` bytes, all zero, to be freed with g_free(). Never NULL for n = 0. */
gpointer rfdn_try_alloc (gsize n, gsize size);

#define rfdn_try_new(Type, n) ((Type *) rfdn_try_alloc ((n), sizeof (Type)))

/* `n` floats, all zero and aligned to RFDN_ALIGN, to be freed with free(). */
float *rfdn_try_floats (gsize n);

/* An array that grows; g_array_index() works on it. If it cannot grow, it is `failed` from then on
 * and keeps what it has: after appending many elements, check once at the end. */
typedef struct {
  gpointer data;
  guint len;
  guint allocated;
  gsize size; /* bytes of an element */
  GDestroyNotify clear;
  gboolean failed;
} RfdnArray;

/* `clear`, if not NULL, is called for each element when the array is freed. */
RfdnArray *rfdn_array_new (gsize size, GDestroyNotify clear);

/* NULL is ignored. */
void rfdn_array_free (RfdnArray *self);

/* A copy of `element` at the end; FALSE if there is no memory. */
gboolean rfdn_array_append (RfdnArray *self, gconstpointer element);

/* Removes element number `i`, without clearing it. */
void rfdn_array_remove (RfdnArray *self, guint i);

/* For tests: called before each of these allocations, which fails if it returns FALSE. */
typedef gboolean (*RfdnAllocFunc) (void);
void rfdn_alloc_set_hook (RfdnAllocFunc hook);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnArray, rfdn_array_free)

#endif
