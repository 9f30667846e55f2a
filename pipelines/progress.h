/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How far the work is.
 */
#pragma once

#include <glib.h>

void tc_progress_start (gint64 total);
void tc_progress_frame (gint64 n);
/* Ends a line that is being rewritten in place. */
void tc_progress_clear (void);
double tc_progress_seconds (void);
