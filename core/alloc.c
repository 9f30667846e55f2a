/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

static RfdnAllocFunc hook;

void
rfdn_alloc_set_hook (RfdnAllocFunc func)
{
  hook = func;
}

static gboolean
is_refused (void)
{
  return hook != NULL && !hook ();
}

gpointer
rfdn_try_alloc (gsize n, gsize size)
{
  return is_refused () ? NULL : g_try_malloc0_n (MAX (n, 1), size);
}

float *
rfdn_try_floats (gsize n)
{
  void *memory = NULL;

  n = MAX (n, 1);
  if (is_refused () || n > G_MAXSSIZE / sizeof (float) ||
      posix_memalign (&memory, RFDN_ALIGN, n * sizeof (float)) != 0)
    return NULL;
  memset (memory, 0, n * sizeof (float));
  return memory;
}

RfdnArray *
rfdn_array_new (gsize size, GDestroyNotify clear)
{
  RfdnArray *self = g_new0 (RfdnArray, 1);

  self->size = size;
  self->clear = clear;
  return self;
}

void
rfdn_array_free (RfdnArray *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; self->clear != NULL && i < self->len; i++)
    self->clear ((guint8 *) self->data + i * self->size);
  g_free (self->data);
  g_free (self);
}

static gboolean
grow (RfdnArray *self)
{
  const guint allocated = MAX (16, 2 * self->allocated);
  gpointer data = NULL;

  if (allocated > self->allocated && !is_refused ())
    data = g_try_realloc_n (self->data, allocated, self->size);
  if (data == NULL)
    return FALSE;
  self->data = data;
  self->allocated = allocated;
  return TRUE;
}

gboolean
rfdn_array_append (RfdnArray *self, gconstpointer element)
{
  if (self->len == self->allocated && !grow (self))
    self->failed = TRUE;
  if (self->failed)
    return FALSE;
  memcpy ((guint8 *) self->data + self->len * self->size, element, self->size);
  self->len++;
  return TRUE;
}

void
rfdn_array_remove (RfdnArray *self, guint i)
{
  guint8 *at = (guint8 *) self->data + i * self->size;

  g_assert (i < self->len);
  self->len--;
  memmove (at, at + self->size, (self->len - i) * self->size);
}
