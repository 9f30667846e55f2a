/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How far the work is: a line that is rewritten in place on a terminal, one every five seconds
 * elsewhere, or an object of JSON a second. All of it on stderr; from any thread.
 */
#pragma once

#include <glib.h>

/* What the next work is on, told in front; on a terminal only, for there is one line a file. NULL:
 * nothing is told. */
void tc_progress_set_name (const char *name);
/* Work on so many frames begins; 0: it is not known how many. */
void tc_progress_start (gint64 total);
/* `n` are done. */
void tc_progress_frame (gint64 n);
/* Ends what tc_progress_start() began, if it did; in JSON the last object comes with all frames. */
void tc_progress_stop (void);
/* Ends a line that is being rewritten in place. */
void tc_progress_clear (void);
/* Since tc_progress_start(). */
double tc_progress_seconds (void);
