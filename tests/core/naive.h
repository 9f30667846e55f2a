/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_NAIVE_H
#define TEST_NAIVE_H

#include <glib.h>

/* The networks again, written like their authors' code: whole maps, one operation after the other,
 * sharing only the file reader with the engine. */

typedef struct {
  guint channels, height, width;
  float *values; /* [channels][height][width] */
} Map;

Map *map_new (guint channels, guint height, guint width);
void map_free (Map *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Map, map_free)

/* The result of the network in `file` for `in`, in the network's own range. */
Map *naive_run (GBytes *file, const Map *in);

#endif
