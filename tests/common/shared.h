/* gst-rfdn - where the data lies that is not part of the project, for tests
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef RFDN_TESTS_SHARED_H
#define RFDN_TESTS_SHARED_H

#include <glib.h>

G_BEGIN_DECLS

/**
 * shared_path:
 * @relative: a path inside the folder of shared data, such as "media/a.mkv"
 *
 * The folder is what the environment variable `RFDN_SHARED` names, or `shared` next to the
 * source tree.
 *
 * Returns: (transfer full): the whole path, whether or not anything is there
 */
char *shared_path (const char *relative);

/**
 * shared_or_skip:
 *
 * Marks the running test as skipped when @path, of shared_path(), does not exist.
 *
 * Returns: whether it exists; the test should return at once when not
 */
gboolean shared_or_skip (const char *path);

G_END_DECLS

#endif
