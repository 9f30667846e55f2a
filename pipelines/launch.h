/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The gst-launch-1.0 line that does about the same, or, behind a #, why there is none.
 */
#pragma once

#include "input.h"
#include "options.h"

/* `middle` and `encoder`: the elements in between. */
void tc_launch_print (const TcOptions *options, const TcInput *input, const char *middle,
                      const char *encoder, const AVOutputFormat *container);
/* One argument as a shell reads it. */
char *tc_shell_quote (const char *argument);
