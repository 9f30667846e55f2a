/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tap.h"

void
tap_tell (guint n, gboolean ok, const char *name)
{
  g_print ("%sok %u - %s\n", ok ? "" : "not ", n, name);
}
