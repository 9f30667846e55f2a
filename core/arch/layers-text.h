/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_LAYERS_TEXT_H
#define RFDN_LAYERS_TEXT_H

#include <glib.h>

/* The text of a list of layers (see models/LAYERS.md), and what a word of it can be. Nothing here
 * knows maps or tensors. */

/* NAME or NAME[first:end]. */
typedef struct {
  const char *name; /* NULL: there is none */
  guint first, n;   /* n = 0: all channels, whatever they are */
} RfdnMapWord;

/* A:B, one behind the other; n = 0 where there is none. */
typedef struct {
  guint first, n;
} RfdnRangeWord;

/* The next line of `*text`, which it cuts there in place, without a comment; NULL behind the last
 * one. */
char *rfdn_text_take_line (char **text);

/* The next word of `*line`, likewise. */
char *rfdn_text_take_word (char **line);

/* A whole number of `min` to `max`. */
gboolean rfdn_text_get_count (const char *word, guint min, guint max, guint *count);

/* A number as JSON writes it, finite as a float. */
gboolean rfdn_text_get_number (const char *word, float *number);

/* `n` of them, parted by colons. Takes `word` apart. */
gboolean rfdn_text_get_numbers (char *word, guint n, float *numbers);

/* A:B, where A < B; both are 2^30 at most. Takes `word` apart. */
gboolean rfdn_text_get_range (char *word, RfdnRangeWord *range);

/* NAME or NAME[A:B]. Takes `word` apart: `map` points into it. */
gboolean rfdn_text_get_map (char *word, RfdnMapWord *map);

#endif
