/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "size.h"

#include <stdio.h>
#include <string.h>

#define MAX_SIDE 32768
#define MAX_PERCENT 3200

typedef struct {
  int width, height, percent; /* 0: not told */
} Size;

/* A number from 1 on, and what comes behind it; 0: there is none. */
static int
read_number (const char **text, int max)
{
  gint64 number = 0;

  while (g_ascii_isdigit (**text) && number <= max)
    number = 10 * number + *(*text)++ - '0';
  return number <= max ? (int) number : 0;
}

static gboolean
read_size (const char *text, Size *size)
{
  gboolean percent = g_str_has_suffix (text, "%");
  int number = read_number (&text, percent ? MAX_PERCENT : MAX_SIDE);

  *size = (Size){0};
  if (number == 0)
    return FALSE;
  if (percent) {
    size->percent = number;
    return g_str_equal (text, "%");
  }
  if (g_str_equal (text, "p")) {
    size->height = number;
    return TRUE;
  }
  if (*text != 'x')
    return FALSE;
  text++;
  size->width = number;
  size->height = read_number (&text, MAX_SIDE);
  return size->height != 0 && *text == '\0';
}

gboolean
tc_size_check (const char *text)
{
  Size size;

  return read_size (text, &size);
}

/* `side` times `num` / `den`, to the nearest even number. */
static int
even (int side, int num, int den)
{
  gint64 half = ((gint64) side * num + den) / (2 * (gint64) den);

  return (int) CLAMP (2 * half, 2, MAX_SIDE);
}

void
tc_size_resolve (const char *text, int width, int height, int *out_width, int *out_height)
{
  Size size;

  *out_width = width;
  *out_height = height;
  if (!read_size (text, &size))
    return;
  if (size.percent != 0) {
    *out_width = even (width, size.percent, 100);
    *out_height = even (height, size.percent, 100);
  } else {
    *out_width = size.width != 0 ? size.width : even (width, size.height, height);
    *out_height = size.height;
  }
}
