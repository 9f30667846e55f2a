/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnsmaller.h"

RfdnModel *
gst_rfdn_smaller_new (RfdnModel *model)
{
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  guint64 most = info->macs / 2;
  RfdnModel *found = NULL;

  for (const RfdnBuiltin *b = rfdn_builtin_models (); b->name != NULL; b++) {
    g_autoptr (RfdnModel) other =
        b->scales >> info->scale & 1 ? rfdn_model_new_builtin (b->name, info->scale, NULL) : NULL;
    const RfdnModelInfo *is = other != NULL ? rfdn_model_get_info (other) : NULL;

    if (is == NULL || is->colour != info->colour || is->channels != info->channels ||
        is->macs > most)
      continue;
    g_clear_pointer (&found, rfdn_model_unref);
    most = is->macs;
    found = g_steal_pointer (&other);
  }
  return found;
}
