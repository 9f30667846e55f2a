/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What there is to read about the program, made from the table of its options.
 */
#pragma once

#include "options.h"

/* Prints it on stdout. */
void tc_manual_print (TcPrint what);
