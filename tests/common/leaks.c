/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "leaks.h"

void __lsan_disable (void) __attribute__ ((weak));
void __lsan_enable (void) __attribute__ ((weak));

void
leaks_allow (gboolean allow)
{
  if (allow && __lsan_disable != NULL)
    __lsan_disable ();
  if (!allow && __lsan_enable != NULL)
    __lsan_enable ();
}
