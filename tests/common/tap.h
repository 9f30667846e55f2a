/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_TESTS_TAP_H
#define RFDN_TESTS_TAP_H

#include <glib.h>

/** One line of TAP, of programs that are not run by GLib's tests. */
void tap_tell (guint n, gboolean ok, const char *name);

#endif
