/* gst-rfdn - reading NumPy's array files, for tests
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef RFDN_TESTS_NPY_H
#define RFDN_TESTS_NPY_H

#include <glib.h>

G_BEGIN_DECLS

/**
 * npy_load_f32:
 * @path: a .npy file of little-endian float32 in C order, of one to four dimensions
 * @shape: (out): the length of each dimension, outermost first; 1 beyond @n_dims
 * @n_dims: (out) (nullable): how many there are
 * @error: (nullable): where to say what is wrong
 *
 * Returns: (transfer full): the samples, to be freed with g_free(); %NULL with @error set
 */
float *npy_load_f32 (const char *path, gsize shape[4], guint *n_dims, GError **error);

G_END_DECLS

#endif
