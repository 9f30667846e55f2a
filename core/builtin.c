/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rfdn.h"

#include <gio/gio.h>

#include "rfdn-models.h"

#define RESOURCE_PATH "/org/gst-rfdn/models/%s_x%u.safetensors"

enum { X2 = 1 << 2, X3 = 1 << 3, X4 = 1 << 4 };

/* What models/ ships; the first is the default. A model NAME of scale S is the file
 * models/NAME_xS.safetensors. */
static const RfdnBuiltin builtins[] = {
    {"live", "Small and quick, for video in real time, compressed as video is (luma)", X2 | X3 | X4,
     TRUE},
    {"live-clean", "Of the same size, for pristine sources; trained on clean pictures (luma)",
     X2 | X3 | X4, FALSE},
    {"balanced", "Five times the work of live, for the same sources; with attention (luma)",
     X2 | X3 | X4, TRUE},
    {"balanced-clean", "Of balanced's size, for live-clean's sources; with attention (luma)",
     X2 | X3 | X4, FALSE},
    {"rfdn", "Six times the work of balanced-clean, for the same sources; with attention (luma)",
     X2 | X3 | X4, FALSE},
    {NULL, NULL, 0, FALSE},
};

const RfdnBuiltin *
rfdn_builtin_models (void)
{
  return builtins;
}

static void
set_not_found (const char *name, GError **error)
{
  GString *known = g_string_new (NULL);
  for (const RfdnBuiltin *b = builtins; b->name != NULL; b++)
    g_string_append_printf (known, "%s%s", b == builtins ? "" : ", ", b->name);
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_NOT_FOUND,
               "there is no built-in model '%s'; there are: %s", name, known->str);
  g_string_free (known, TRUE);
}

static void
set_no_such_scale (const RfdnBuiltin *builtin, guint scale, GError **error)
{
  GString *known = g_string_new (NULL);
  for (guint s = 0; s < 32; s++) {
    if (builtin->scales >> s & 1)
      g_string_append_printf (known, " x%u", s);
  }
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_NOT_FOUND,
               "the built-in model '%s' cannot enlarge by %u; it has:%s", builtin->name, scale,
               known->str);
  g_string_free (known, TRUE);
}

RfdnModel *
rfdn_model_new_builtin (const char *name, guint scale, GError **error)
{
  const RfdnBuiltin *builtin = builtins;
  while (builtin->name != NULL && !g_str_equal (builtin->name, name))
    builtin++;
  if (builtin->name == NULL) {
    set_not_found (name, error);
    return NULL;
  }
  if (scale == 0)
    scale = (guint) g_bit_nth_lsf (builtin->scales, -1);
  if (scale > 4 || !(builtin->scales >> scale & 1)) {
    set_no_such_scale (builtin, scale, error);
    return NULL;
  }

  g_autofree char *path = g_strdup_printf (RESOURCE_PATH, name, scale);
  g_autoptr (GBytes) bytes = g_resource_lookup_data (rfdn_models_get_resource (), path,
                                                     G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  return bytes != NULL ? rfdn_model_new (bytes, error) : NULL;
}
