/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_REPLAY_H
#define TEST_REPLAY_H

#include <glib.h>

/* What libFuzzer calls with any bytes it likes, and without it replay.c with those of files. */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

#endif
