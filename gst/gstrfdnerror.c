/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnerror.h"

#include "rfdn.h"

static void
translate_engine (gint code, GQuark *domain, gint *to)
{
  *domain = GST_STREAM_ERROR;
  switch ((RfdnError) code) {
  case RFDN_ERROR_NO_MEMORY:
    *domain = GST_RESOURCE_ERROR;
    *to = GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    break;
  case RFDN_ERROR_NOT_FOUND:
    *domain = GST_RESOURCE_ERROR;
    *to = GST_RESOURCE_ERROR_NOT_FOUND;
    break;
  case RFDN_ERROR_PRECISION:
    *domain = GST_LIBRARY_ERROR;
    *to = GST_LIBRARY_ERROR_SETTINGS;
    break;
  case RFDN_ERROR_FORMAT:
    *to = GST_STREAM_ERROR_WRONG_TYPE;
    break;
  case RFDN_ERROR_MODEL:
  case RFDN_ERROR_PARAMS:
  default:
    *to = GST_STREAM_ERROR_FORMAT;
    break;
  }
}

static gint
translate_file (gint code)
{
  switch (code) {
  case G_FILE_ERROR_NOMEM:
    return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
  case G_FILE_ERROR_NOENT:
  case G_FILE_ERROR_NOTDIR:
    return GST_RESOURCE_ERROR_NOT_FOUND;
  case G_FILE_ERROR_ACCES:
  case G_FILE_ERROR_PERM:
  case G_FILE_ERROR_LOOP:
  case G_FILE_ERROR_MFILE:
  case G_FILE_ERROR_NFILE:
    return GST_RESOURCE_ERROR_OPEN_READ;
  default:
    return GST_RESOURCE_ERROR_READ;
  }
}

void
gst_rfdn_error_translate (const GError *error, GQuark *domain, gint *code)
{
  if (error->domain == RFDN_ERROR) {
    translate_engine (error->code, domain, code);
  } else if (error->domain == G_FILE_ERROR) {
    *domain = GST_RESOURCE_ERROR;
    *code = translate_file (error->code);
  } else {
    *domain = error->domain;
    *code = error->code;
  }
}
