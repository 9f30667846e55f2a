/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnmodel.h"

#include "gstrfdncaps.h"
#include "gstrfdnerror.h"
#include "gstrfdni18n.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <gst/gst.h>

/* No network for video comes near; a larger file is not one. */
#define MAX_FILE_SIZE (G_GINT64_CONSTANT (1) << 30)

struct GstRfdnModel {
  char *name; /* as messages call it */
  const RfdnBuiltin *builtin;
  RfdnModel *file; /* when not built in */
  RfdnColour colour;

  GMutex mutex;                               /* of what follows */
  RfdnModel *loaded[GST_RFDN_MAX_FACTOR + 1]; /* of a built-in one, by scale: those asked for */
};

const char *
gst_rfdn_model_get_default (void)
{
  return rfdn_builtin_models ()->name;
}

char *
gst_rfdn_model_describe_values (void)
{
  GString *text = g_string_new ("Name of a built-in model (");
  for (const RfdnBuiltin *b = rfdn_builtin_models (); b->name != NULL; b++)
    g_string_append_printf (text, "%s%s", b == rfdn_builtin_models () ? "" : ", ", b->name);
  g_string_append (text, "), or path of a safetensors file");
  return g_string_free (text, FALSE);
}

static const RfdnBuiltin *
find_builtin (const char *value)
{
  for (const RfdnBuiltin *b = rfdn_builtin_models (); b->name != NULL; b++) {
    if (g_str_equal (b->name, value))
      return b;
  }
  return NULL;
}

guint
gst_rfdn_model_guess_scales (const char *value)
{
  const RfdnBuiltin *builtin = find_builtin (value);

  return builtin != NULL ? builtin->scales & GST_RFDN_FACTORS_ALL : GST_RFDN_FACTORS_ALL;
}

static void
set_not_found (const char *value, const char *shown, GError **error)
{
  GString *known;

  if (strchr (value, G_DIR_SEPARATOR) != NULL || g_str_has_suffix (value, ".safetensors")) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                 _ ("There is no model file '%s'."), shown);
    return;
  }
  known = g_string_new (NULL);
  for (const RfdnBuiltin *b = rfdn_builtin_models (); b->name != NULL; b++)
    g_string_append_printf (known, "%s%s", known->len > 0 ? ", " : "", b->name);
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
               _ ("There is neither a built-in model nor a file called '%s'. Built in are: %s."),
               shown, known->str);
  g_string_free (known, TRUE);
}

/* Checks before reading: what is not a plain file may have no end, and may never begin. */
static gboolean
check_file (const char *path, const char *shown, GError **error)
{
  GStatBuf status;

  if (g_stat (path, &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      set_not_found (path, shown, error);
    else
      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
                   _ ("The model file '%s' cannot be read: %s."), shown, g_strerror (errno));
    return FALSE;
  }
  if (!S_ISREG (status.st_mode)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
                 S_ISDIR (status.st_mode) ? _ ("The model '%s' is a directory, not a file.")
                                          : _ ("The model '%s' is a device or pipe, not a file."),
                 shown);
    return FALSE;
  }
  if (status.st_size > MAX_FILE_SIZE) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
                 _ ("The file '%s' is too large to be a model: %" G_GINT64_FORMAT " bytes."), shown,
                 (gint64) status.st_size);
    return FALSE;
  }
  return TRUE;
}

/* Sets @error to what @why is in GStreamer's terms; @text has room for @name and for @why's own. */
static void G_GNUC_PRINTF (2, 0)
    translate (const GError *why, const char *text, const char *name, GError **error)
{
  g_autofree char *message = NULL;
  GQuark domain;
  gint code;

  gst_rfdn_error_translate (why, &domain, &code);
  message = g_strdup_printf (text, name, why->message);
  g_set_error_literal (error, domain, code, message);
}

static RfdnModel *
load_file (const char *path, const char *shown, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GBytes) bytes = NULL;
  RfdnModel *model;
  char *contents;
  gsize size;

  if (!check_file (path, shown, error))
    return NULL;
  /* Not mapped: a file that is cut short while mapped kills the process. */
  if (!g_file_get_contents (path, &contents, &size, &why)) {
    translate (why, _ ("The model file '%s' cannot be read: %s"), shown, error);
    return NULL;
  }
  bytes = g_bytes_new_take (contents, size);
  model = rfdn_model_new (bytes, &why);
  if (model != NULL)
    return model;
  translate (why, _ ("The file '%s' is not a usable model: %s."), shown, error);
  return NULL;
}

static void
clear (gpointer data)
{
  GstRfdnModel *self = data;

  rfdn_model_unref (self->file);
  for (guint i = 0; i < G_N_ELEMENTS (self->loaded); i++)
    rfdn_model_unref (self->loaded[i]);
  g_mutex_clear (&self->mutex);
  g_free (self->name);
}

GstRfdnModel *
gst_rfdn_model_load (const char *value, GError **error)
{
  g_autoptr (GstRfdnModel) self = g_atomic_rc_box_new0 (GstRfdnModel);
  g_autoptr (RfdnModel) any = NULL;

  g_mutex_init (&self->mutex);
  self->name = g_filename_display_name (value);
  self->builtin = find_builtin (value);
  if (self->builtin == NULL) {
    self->file = load_file (value, self->name, error);
    if (self->file == NULL)
      return NULL;
  }
  any = gst_rfdn_model_get (self, gst_rfdn_caps_next_factor (gst_rfdn_model_get_scales (self), 0),
                            error);
  if (any == NULL)
    return NULL;
  self->colour = rfdn_model_get_info (any)->colour;
  return g_steal_pointer (&self);
}

GstRfdnModel *
gst_rfdn_model_ref (GstRfdnModel *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
gst_rfdn_model_unref (GstRfdnModel *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, clear);
}

const char *
gst_rfdn_model_get_name (const GstRfdnModel *self)
{
  return self->name;
}

guint
gst_rfdn_model_get_scales (const GstRfdnModel *self)
{
  if (self->builtin != NULL)
    return self->builtin->scales & GST_RFDN_FACTORS_ALL;
  return GST_RFDN_FACTOR (rfdn_model_get_info (self->file)->scale);
}

RfdnColour
gst_rfdn_model_get_colour (const GstRfdnModel *self)
{
  return self->colour;
}

static RfdnModel *
get_builtin (GstRfdnModel *self, guint scale, GError **error)
{
  g_autoptr (GError) why = NULL;
  RfdnModel *model;

  g_mutex_lock (&self->mutex);
  if (self->loaded[scale] == NULL)
    self->loaded[scale] = rfdn_model_new_builtin (self->builtin->name, scale, &why);
  model = self->loaded[scale] != NULL ? rfdn_model_ref (self->loaded[scale]) : NULL;
  g_mutex_unlock (&self->mutex);
  if (model == NULL)
    translate (why, _ ("The built-in model '%s' cannot be used: %s."), self->name, error);
  return model;
}

RfdnModel *
gst_rfdn_model_get (GstRfdnModel *self, guint scale, GError **error)
{
  const guint scales = gst_rfdn_model_get_scales (self);

  if (!(scales & GST_RFDN_FACTOR (scale))) {
    GString *known = g_string_new (NULL);
    guint factor = 0;

    while ((factor = gst_rfdn_caps_next_factor (scales, factor)) != 0)
      g_string_append_printf (known, "%sx%u", known->len > 0 ? ", " : "", factor);
    g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                 _ ("The model '%s' cannot enlarge by %u: it is made for %s."), self->name, scale,
                 known->str);
    g_string_free (known, TRUE);
    return NULL;
  }
  if (self->file != NULL)
    return rfdn_model_ref (self->file);
  return get_builtin (self, scale, error);
}
