/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A job in parts: planned, made, resumed, joined; by one run of the program, or by many on as many
 * machines.
 */
#pragma once

#include "job.h"

/* The exit status of a run that was stopped and can be resumed (EX_TEMPFAIL), and the code of its
 * error. */
#define TC_STATUS_STOPPED 75

/* Does what `options` ask for. `in_parts` FALSE: nothing was done, for it is a job of one piece: a
 * film that is short, or what is no file that can be read twice. */
gboolean tc_partjob_run (const TcOptions *options, TcJobResult *result, gboolean *in_parts,
                         GError **error);
