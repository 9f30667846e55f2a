/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers-text.h"

#include <math.h>
#include <string.h>

#define MAX_BOUND (1u << 30)

/* Names go into messages of one line. */
#define MAX_NAME 128

/* Lines may come from any system. */
static const char blanks[] = " \t\r";

char *
rfdn_text_take_line (char **text)
{
  char *line = *text;

  if (line == NULL || *line == '\0')
    return NULL;
  *text = line + strcspn (line, "\n");
  if (**text != '\0')
    *(*text)++ = '\0';
  line[strcspn (line, "#")] = '\0';
  return line;
}

char *
rfdn_text_take_word (char **line)
{
  char *word = *line + strspn (*line, blanks);

  if (*word == '\0')
    return NULL;
  *line = word + strcspn (word, blanks);
  if (**line != '\0')
    *(*line)++ = '\0';
  return word;
}

gboolean
rfdn_text_get_count (const char *word, guint min, guint max, guint *count)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (word, 10, min, max, &number, NULL))
    return FALSE;
  *count = (guint) number;
  return TRUE;
}

static const char *
skip_digits (const char *c)
{
  return c + strspn (c, "0123456789");
}

/* Whether this is a JSON number: g_ascii_strtod() accepts others, too. */
static gboolean
is_json_number (const char *c)
{
  const char *digits = c += *c == '-';

  c = skip_digits (c);
  if (c == digits || (digits[0] == '0' && c > digits + 1))
    return FALSE;
  if (*c == '.') {
    digits = c + 1;
    c = skip_digits (digits);
    if (c == digits)
      return FALSE;
  }
  if (*c == 'e' || *c == 'E') {
    digits = c + 1;
    digits += *digits == '-' || *digits == '+';
    c = skip_digits (digits);
    if (c == digits)
      return FALSE;
  }
  return *c == '\0';
}

gboolean
rfdn_text_get_number (const char *word, float *number)
{
  if (!is_json_number (word))
    return FALSE;
  *number = (float) g_ascii_strtod (word, NULL);
  return isfinite (*number);
}

gboolean
rfdn_text_get_numbers (char *word, guint n, float *numbers)
{
  for (guint i = 0; i < n; i++) {
    const gsize length = strcspn (word, ":");
    const gboolean last = word[length] == '\0';
    word[length] = '\0';
    if (last != (i + 1 == n) || !rfdn_text_get_number (word, &numbers[i]))
      return FALSE;
    word += length + !last;
  }
  return TRUE;
}

gboolean
rfdn_text_get_range (char *word, RfdnRangeWord *range)
{
  char *colon = strchr (word, ':');
  guint end;

  if (colon == NULL)
    return FALSE;
  *colon = '\0';
  if (!rfdn_text_get_count (word, 0, MAX_BOUND, &range->first) ||
      !rfdn_text_get_count (colon + 1, 0, MAX_BOUND, &end) || end <= range->first)
    return FALSE;
  range->n = end - range->first;
  return TRUE;
}

static gboolean
is_name (const char *word)
{
  if ((!g_ascii_isalpha (*word) && *word != '_') || strlen (word) > MAX_NAME)
    return FALSE;
  while (g_ascii_isalnum (*word) || *word == '_')
    word++;
  return *word == '\0';
}

gboolean
rfdn_text_get_map (char *word, RfdnMapWord *map)
{
  char *bracket = strchr (word, '[');
  RfdnRangeWord range = {0};

  if (bracket != NULL) {
    const gsize length = strlen (bracket);
    if (bracket[length - 1] != ']')
      return FALSE;
    bracket[0] = bracket[length - 1] = '\0';
    if (!rfdn_text_get_range (bracket + 1, &range))
      return FALSE;
  }
  *map = (RfdnMapWord){word, range.first, range.n};
  return is_name (word);
}
