/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where all of stderr is to be JSON: libraries, and programs that they start, write words there of
 * their own accord. Here they are caught, and told as objects of type "log", a line each.
 */
#pragma once

#include <stdio.h>

/* From here on. Returns what goes to the true stderr, which stays so for ever; stderr itself where
 * there is no catching. */
FILE *tc_stray_begin (void);
/* Ends that when all has been told that was written; to be called before the program ends. */
void tc_stray_end (void);
