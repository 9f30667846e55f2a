/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file being written, which has its final name only once it is complete.
 */
#pragma once

#include <glib.h>

/* What OUT is called until it is complete; to be freed. */
char *tc_temp_name (const char *out);
/* Removed also when a signal ends the program. */
gboolean tc_temp_open (const char *out, char **temp, GError **error);
/* The same for a folder of files, whose names `out` is or is the pattern of. */
gboolean tc_temp_open_folder (const char *out, char **temp, GError **error);
gboolean tc_temp_commit (const char *temp, const char *out, GError **error);
void tc_temp_discard (void);
/* To be called before any thread is started. */
void tc_signals_init (void);
/* From now on work is done in parts: the first SIGTERM is kept for tc_signals_stop_wanted(), other
 * signals still end the program. `hint`: what to say of what is kept. */
void tc_signals_keep_parts (const char *hint);
/* Removes the part in work, too, when a signal ends the program; NULL: there is none. */
void tc_signals_set_part (const char *path);
gboolean tc_signals_stop_wanted (void);
