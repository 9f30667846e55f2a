/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_TESTS_LEAKS_H
#define RFDN_TESTS_LEAKS_H

#include <glib.h>

/** Whether what this thread allocates from now on may be kept for ever. Nothing without
 * LeakSanitizer. */
void leaks_allow (gboolean allow);

#endif
