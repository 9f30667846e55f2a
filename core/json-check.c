/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-check.h"

#include <string.h>

#include "rfdn.h"

typedef struct {
  const char *text;
  gsize at, length;
  const RfdnJsonLimits *limits;
  guint depth, n_values;
  const char *fault; /* the first one, at byte `at` */
} Scanner;

static gboolean scan_value (Scanner *self);

static gboolean
fail (Scanner *self, const char *fault)
{
  if (self->fault == NULL)
    self->fault = fault;
  return FALSE;
}

/* The next byte, or 0 at the end. */
static char
peek (const Scanner *self)
{
  return self->at < self->length ? self->text[self->at] : '\0';
}

static gboolean
take (Scanner *self, char c)
{
  if (self->at == self->length || self->text[self->at] != c)
    return FALSE;
  self->at++;
  return TRUE;
}

static void
skip_space (Scanner *self)
{
  while (self->at < self->length && strchr (" \t\n\r", self->text[self->at]) != NULL &&
         self->text[self->at] != '\0')
    self->at++;
}

/* ---- strings --------------------------------------------------------------------------------- */

/* The four digits of \uXXXX, or -1. */
static gint
scan_hex (Scanner *self)
{
  gint value = 0;

  for (guint i = 0; i < 4; i++, self->at++) {
    const gint digit = g_ascii_xdigit_value (peek (self));
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

static gboolean
scan_unicode (Scanner *self, GString *out)
{
  gint value = scan_hex (self);

  if (value >= 0xd800 && value <= 0xdbff) {
    const gint low = take (self, '\\') && take (self, 'u') ? scan_hex (self) : -1;
    if (low < 0xdc00 || low > 0xdfff)
      return fail (self, "half a surrogate pair");
    value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
  } else if (value >= 0xdc00 && value <= 0xdfff) {
    return fail (self, "half a surrogate pair");
  }
  if (value < 0)
    return fail (self, "\\u without four digits");
  if (value == 0)
    return fail (self, "U+0000 in a string");
  if (out != NULL)
    g_string_append_unichar (out, (gunichar) value);
  return TRUE;
}

static gboolean
scan_escape (Scanner *self, GString *out)
{
  static const char escapes[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
  const char c = peek (self);
  const char *escape = c != '\0' ? strchr (escapes, c) : NULL;

  if (take (self, 'u'))
    return scan_unicode (self, out);
  if (escape == NULL)
    return fail (self, "an unknown escape in a string");
  if (out != NULL)
    g_string_append_c (out, means[escape - escapes]);
  self->at++;
  return TRUE;
}

/* Writes what the string stands for to `out`, unless that is NULL. */
static gboolean
scan_string (Scanner *self, GString *out)
{
  if (!take (self, '"'))
    return fail (self, "a string in double quotes was expected");
  while (!take (self, '"')) {
    const gsize start = self->at;
    while (self->at < self->length && (guchar) self->text[self->at] >= 0x20 &&
           self->text[self->at] != '"' && self->text[self->at] != '\\')
      self->at++;
    if (out != NULL)
      g_string_append_len (out, self->text + start, (gssize) (self->at - start));
    if (self->at == self->length)
      return fail (self, "a string without an end");
    if ((guchar) self->text[self->at] < 0x20)
      return fail (self, "a control character in a string");
    if (take (self, '\\') && !scan_escape (self, out))
      return FALSE;
  }
  return TRUE;
}

/* ---- numbers and words ----------------------------------------------------------------------- */

static gboolean
scan_digits (Scanner *self)
{
  if (!g_ascii_isdigit (peek (self)))
    return fail (self, "a digit was expected");
  while (g_ascii_isdigit (peek (self)))
    self->at++;
  return TRUE;
}

static gboolean
scan_number (Scanner *self)
{
  take (self, '-');
  if (take (self, '0')) {
    if (g_ascii_isdigit (peek (self)))
      return fail (self, "a number that begins with 0");
  } else if (!scan_digits (self)) {
    return FALSE;
  }
  if (take (self, '.') && !scan_digits (self))
    return FALSE;
  if (take (self, 'e') || take (self, 'E')) {
    if (!take (self, '+'))
      take (self, '-');
    return scan_digits (self);
  }
  return TRUE;
}

static gboolean
scan_word (Scanner *self)
{
  static const char *const words[] = {"true", "false", "null"};

  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    const gsize n = strlen (words[i]);
    if (self->length - self->at >= n && memcmp (self->text + self->at, words[i], n) == 0) {
      self->at += n;
      return TRUE;
    }
  }
  return fail (self, "a value was expected");
}

/* ---- objects and arrays ---------------------------------------------------------------------- */

static gboolean
scan_member (Scanner *self, GHashTable *names)
{
  g_autoptr (GString) name = g_string_new (NULL);
  const gsize start = self->at;

  if (!scan_string (self, name))
    return FALSE;
  if (!g_hash_table_add (names, g_strdup (name->str))) {
    self->at = start;
    return fail (self, "the same name twice in an object");
  }
  skip_space (self);
  if (!take (self, ':'))
    return fail (self, "a colon was expected");
  skip_space (self);
  return scan_value (self);
}

/* Everything after the opening bracket, including the closing one; `names` is NULL for an array. */
static gboolean
scan_list (Scanner *self, char end, GHashTable *names)
{
  skip_space (self);
  if (take (self, end))
    return TRUE;
  do {
    skip_space (self);
    if (!(names ? scan_member (self, names) : scan_value (self)))
      return FALSE;
    skip_space (self);
  } while (take (self, ','));
  return take (self, end) || fail (self, "a comma or the end of a list was expected");
}

static gboolean
scan_container (Scanner *self)
{
  const gboolean is_object = peek (self) == '{';
  g_autoptr (GHashTable) names =
      is_object ? g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) : NULL;

  if (++self->depth > self->limits->max_depth)
    return fail (self, "lists nested too deep");
  self->at++;
  if (!scan_list (self, is_object ? '}' : ']', names))
    return FALSE;
  self->depth--;
  return TRUE;
}

static gboolean
scan_value (Scanner *self)
{
  const char c = peek (self);

  if (++self->n_values > self->limits->max_values)
    return fail (self, "too many values");
  if (c == '{' || c == '[')
    return scan_container (self);
  if (c == '"')
    return scan_string (self, NULL);
  if (c == '-' || g_ascii_isdigit (c))
    return scan_number (self);
  return scan_word (self);
}

gboolean
rfdn_json_check (const char *text, gsize length, const RfdnJsonLimits *limits, GError **error)
{
  Scanner scanner = {.text = text, .length = length, .limits = limits};
  const char *end;

  if (!g_utf8_validate_len (text, length, &end)) {
    scanner.at = (gsize) (end - text);
    fail (&scanner, "no UTF-8");
  } else {
    skip_space (&scanner);
    if (scan_value (&scanner)) {
      skip_space (&scanner);
      if (scanner.at < length)
        fail (&scanner, "text behind the end");
    }
  }
  if (scanner.fault == NULL)
    return TRUE;
  g_set_error (error, RFDN_ERROR, RFDN_ERROR_FORMAT, "byte %" G_GSIZE_FORMAT ": %s", scanner.at,
               scanner.fault);
  return FALSE;
}
