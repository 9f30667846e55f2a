/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as JSON: what the scanner lets through, json-glib parses. */

#include <json-glib/json-glib.h>
#include <stdlib.h>

#include "json-check.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const RfdnJsonLimits limits = {.max_depth = 16, .max_values = 1000};
  g_autoptr (GError) error = NULL;

  const gboolean accepted = rfdn_json_check ((const char *) data, size, &limits, &error);
  if (accepted == (error != NULL))
    abort ();
  if (!accepted)
    return 0;
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, (const char *) data, (gssize) size, &error)) {
    g_printerr ("%s\n", error->message);
    abort ();
  }
  return 0;
}
