/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All files of a folder, one after the other.
 */
#pragma once

#include "options.h"

/* IN and OUT of `options` are folders, OUT may have yet to be made. One line a file; a file that
 * fails is no reason not to go on with the next. FALSE: not all of them were done. */
gboolean tc_folder_run (const TcOptions *options);
