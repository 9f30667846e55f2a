/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All files of a folder, one after the other.
 */
#pragma once

#include "options.h"

/* IN and OUT of `options` are folders, OUT may have yet to be made. One line a film; a film that
 * fails is no reason not to go on with the next. What is no film is left alone, and one line names
 * it. FALSE: not all films were done, or there were none. */
gboolean tc_folder_run (const TcOptions *options);
