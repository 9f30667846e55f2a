/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_LAYERS_TEXT_H
#define RFDN_LAYERS_TEXT_H

#include <glib.h>

/* Parses the text of a list of layers (see models/LAYERS.md) and its words. Nothing here knows maps
 * or tensors. */

/* NAME or NAME[first:end]. */
typedef struct {
  const char *name; /* NULL: there is none */
  guint first, n;   /* n = 0: all channels */
} RfdnMapWord;

/* A:B, one behind the other; n = 0 where there is none. */
typedef struct {
  guint first, n;
} RfdnRangeWord;

/* The next line of `*text`, cut off in place, without its comment; NULL after the last one. */
char *rfdn_text_take_line (char **text);

/* The next word of `*line`, likewise. */
char *rfdn_text_take_word (char **line);

/* A whole number of `min` to `max`. */
gboolean rfdn_text_get_count (const char *word, guint min, guint max, guint *count);

/* A JSON number that is finite as a float. */
gboolean rfdn_text_get_number (const char *word, float *number);

/* `n` of them, separated by colons. Modifies `word`. */
gboolean rfdn_text_get_numbers (char *word, guint n, float *numbers);

/* A:B, where A < B; both are 2^30 at most. Modifies `word`. */
gboolean rfdn_text_get_range (char *word, RfdnRangeWord *range);

/* NAME or NAME[A:B]. Modifies `word`: `map` points into it. */
gboolean rfdn_text_get_map (char *word, RfdnMapWord *map);

#endif
