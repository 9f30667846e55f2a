/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnsmaller.h"

#include "gstrfdncaps.h"

/* Kept for the life of the process: one network per kind of sources, colour and scale, small and
 * shared, packed weights included, by all elements of that scale whose `sharpness` is 0. Under
 * the mutex. */
typedef struct {
  gboolean known;
  RfdnModel *model; /* NULL: there is none */
} Fastest;

static GMutex mutex;
static Fastest fastest[2][2][GST_RFDN_MAX_FACTOR + 1]; /* by sources, colour and scale */

/* Whether a network is for compressed video, by the name in its file: of other names it is not
 * known. */
static gboolean
is_for_compressed (const RfdnModelInfo *info)
{
  for (const RfdnBuiltin *b = rfdn_builtin_models (); b->name != NULL; b++) {
    if (g_strcmp0 (b->name, info->name) == 0)
      return b->compressed;
  }
  return FALSE;
}

/* The one with the fewest multiply-adds; FALSE when one of them could not be loaded. */
static gboolean
find_fastest (gboolean compressed, RfdnColour colour, guint scale, RfdnModel **found)
{
  *found = NULL;
  for (const RfdnBuiltin *b = rfdn_builtin_models (); b->name != NULL; b++) {
    g_autoptr (RfdnModel) model = NULL;

    if (b->compressed != compressed || !(b->scales >> scale & 1))
      continue;
    model = rfdn_model_new_builtin (b->name, scale, NULL);
    if (model == NULL) {
      g_clear_pointer (found, rfdn_model_unref);
      return FALSE;
    }
    if (rfdn_model_get_info (model)->colour != colour ||
        (*found != NULL && rfdn_model_get_info (model)->macs >= rfdn_model_get_info (*found)->macs))
      continue;
    g_clear_pointer (found, rfdn_model_unref);
    *found = g_steal_pointer (&model);
  }
  return TRUE;
}

RfdnModel *
gst_rfdn_smaller_get (RfdnModel *model)
{
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  RfdnModel *found;
  const gboolean compressed = is_for_compressed (info);
  Fastest *entry;

  g_return_val_if_fail (info->scale <= GST_RFDN_MAX_FACTOR, NULL);
  entry = &fastest[compressed ? 1 : 0][info->colour == RFDN_COLOUR_LUMA ? 0 : 1][info->scale];
  g_mutex_lock (&mutex);
  if (!entry->known)
    entry->known = find_fastest (compressed, info->colour, info->scale, &entry->model);
  found = entry->model;
  g_mutex_unlock (&mutex);
  if (found == NULL || rfdn_model_get_info (found)->macs > info->macs / 2)
    return NULL;
  return rfdn_model_ref (found);
}
