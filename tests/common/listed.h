/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_LISTED_H
#define TEST_LISTED_H

#include <glib.h>

/* Files with a list of layers (models/LAYERS.md) over tensors that are always the same ones. */

/* Metadata are pairs of a key and a text, and end with NULL (all of it: none). A text of NULL
 * leaves out one of those that are there without: x2, luma. */
GBytes *listed_file_new (const char *layers, const char *const *metadata);

/* The number of a tensor, and its value `i`: no two of the file are the same. */
guint listed_tensor_get_number (const char *name);
float listed_tensor_get_value (guint number, gsize i);

#endif
