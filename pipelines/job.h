/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One file: IN is read, enlarged, encoded, and written as OUT.
 */
#pragma once

#include "options.h"

typedef struct {
  gint64 n_frames;
  int width, height; /* of OUT */
  double seconds;    /* from the first frame on */
} TcJobResult;

/* `options` is not changed. One job at a time, since there is one line of progress; returns when
 * OUT is complete, or FALSE with a one-line error that says why there is none. */
gboolean tc_job_run (const TcOptions *options, TcJobResult *result, GError **error);
