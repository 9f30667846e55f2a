/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_TESTS_INT16_ROWS_H
#define RFDN_TESTS_INT16_ROWS_H

/* Rows of words, each of two 16-bit integers, for tests of kernels. */

#include "kernels/int16.h"

#define COLUMNS (2 * RFDN_RUN_ALIGN + 3)
#define GUARD 0x5a5a5a5au

/* Rows of words, each of two channels. */
typedef struct {
  guint32 *memory;
  gsize size, run;
  guint channels;
} Rows;

static inline Rows
rows_new (guint rows, guint channels, guint n)
{
  Rows r = {.channels = (channels + 1) & ~1u, .run = RFDN_RUN_SLACK + n + RFDN_RUN_ALIGN + 1};
  r.size = rows * r.channels / 2 * RFDN_PHASES * r.run + RFDN_RUN_AFTER;
  r.memory = g_new0 (guint32, r.size);
  return r;
}

static inline guint32 *
rows_at (const Rows *r, guint row, guint channel)
{
  return r->memory + (row * r->channels + channel) / 2 * RFDN_PHASES * r->run + RFDN_RUN_SLACK;
}

static inline gint16 *
rows_number (const Rows *r, guint row, guint channel, gint x)
{
  guint32 *word = rows_at (r, row, channel & ~1u) + (gsize) (x & 3) * r->run;
  return (gint16 *) (void *) (word + (x - (x & 3)) / RFDN_PHASES) + channel % 2;
}

/* How large a case's values are: all within RFDN_INT16_LIMIT, some tiles beyond it, any. */
typedef enum { QUIET, PATCHY, LOUD } Loudness;

static inline void
fill (const Rows *r, guint rows, guint channels, guint n, Loudness loudness)
{
  for (guint y = 0; y < rows; y++) {
    for (gint x = -1; x <= (gint) (RFDN_PHASES * (n + RFDN_RUN_ALIGN)); x++) {
      const gboolean loud = loudness == LOUD || (loudness == PATCHY && x / 16 % 3 == 1);
      const gint most = loud ? 1 << g_test_rand_int_range (10, 16) : RFDN_INT16_LIMIT;
      for (guint c = 0; c < channels; c++) {
        const gint v = g_test_rand_int_range (-most, most + 1);
        *rows_number (r, y, c, x) = (gint16) CLAMP (v, G_MININT16, G_MAXINT16);
      }
    }
  }
}

/* A test whose data are the kernels of a CPU level. */
typedef struct {
  const char *name;
  GTestDataFunc function;
} LevelTest;

/* Adds them for every available CPU level, as /GROUP/LEVEL/NAME. */
static inline void
add_level_tests (const char *group, const LevelTest *tests, guint n)
{
  for (RfdnCpu cpu = RFDN_CPU_SCALAR; cpu <= RFDN_CPU_NEON; cpu++) {
    const RfdnKernels *kernels = rfdn_kernels_get (cpu, RFDN_PRECISION_INT16, NULL);
    for (guint i = 0; kernels != NULL && i < n; i++) {
      g_autofree char *path =
          g_strdup_printf ("/%s/%s/%s", group, rfdn_cpu_get_name (cpu), tests[i].name);
      g_test_add_data_func (path, kernels, tests[i].function);
    }
  }
}

#endif
