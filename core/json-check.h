/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_JSON_CHECK_H
#define RFDN_JSON_CHECK_H

#include <glib.h>

/* Decides what json-glib may parse. It is recursive, builds a tree many times as large as the text,
 * and accepts more than JSON: comments, other quotes, octal numbers, duplicate members. So
 * untrusted text is checked first. */

typedef struct {
  guint max_depth;  /* of objects and arrays within each other */
  guint max_values; /* objects, arrays, strings, numbers, true, false and null, all together */
} RfdnJsonLimits;

/* TRUE if `text` is one value of strict JSON (RFC 8259) within the limits, in UTF-8, with neither
 * the same name twice in an object nor a character that has no place in a string of C or of
 * Unicode: U+0000, half a surrogate pair. Else FALSE, with the fault and its byte as
 * RFDN_ERROR_FORMAT.
 */
gboolean rfdn_json_check (const char *text, gsize length, const RfdnJsonLimits *limits,
                          GError **error);

#endif
