/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format.h"

gboolean
rfdn_sample_format_check (const RfdnSampleFormat *format, GError **error)
{
  guint bits = format->samples == RFDN_SAMPLES_U8 ? 8 : 16;

  if (format->samples == RFDN_SAMPLES_F32)
    return TRUE;
  if ((guint) format->samples <= RFDN_SAMPLES_F32 && format->depth >= 8 &&
      format->depth + (guint64) format->shift <= bits)
    return TRUE;
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS,
               "samples of %u bits shifted by %u are not possible in %u bits", format->depth,
               format->shift, bits);
  return FALSE;
}

float
rfdn_sample_format_get_max (const RfdnSampleFormat *format)
{
  return format->samples == RFDN_SAMPLES_F32 ? 0 : (float) ((1u << format->depth) - 1);
}
