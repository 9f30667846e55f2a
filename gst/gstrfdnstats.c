/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdnstats.h"

#include <stdlib.h>
#include <string.h>

void
gst_rfdn_stats_clear (GstRfdnStats *self)
{
  *self = (GstRfdnStats){.work = {.level = 1}};
}

void
gst_rfdn_stats_add (GstRfdnStats *self, gint64 microseconds, const GstRfdnWork *work)
{
  self->times[self->frames++ % GST_RFDN_STATS_WINDOW] =
      (guint32) CLAMP (microseconds, 0, G_MAXUINT32);
  self->work.network += work->network;
  self->work.small += work->small;
  self->work.cheap += work->cheap;
  self->work.reused += work->reused;
  self->work.level = work->level;
}

static int
compare (const void *a, const void *b)
{
  const guint32 x = *(const guint32 *) a, y = *(const guint32 *) b;

  return (x > y) - (x < y);
}

guint64
gst_rfdn_stats_get_high (const GstRfdnStats *self)
{
  const guint n = (guint) MIN (self->frames, GST_RFDN_STATS_WINDOW);
  guint32 sorted[GST_RFDN_STATS_WINDOW];

  if (n == 0)
    return 0;
  memcpy (sorted, self->times, n * sizeof sorted[0]);
  qsort (sorted, n, sizeof sorted[0], compare);
  return sorted[(n * 99 + 99) / 100 - 1]; /* the nearest rank */
}

GstStructure *
gst_rfdn_stats_get (const GstRfdnStats *self)
{
  const guint n = (guint) MIN (self->frames, GST_RFDN_STATS_WINDOW);
  double sum = 0;

  for (guint i = 0; i < n; i++)
    sum += self->times[i];
  return gst_structure_new (
      "application/x-rfdn-stats", "frames", G_TYPE_UINT64, self->frames, "dropped", G_TYPE_UINT64,
      self->dropped, "network-rectangles", G_TYPE_UINT64, self->work.network, "small-rectangles",
      G_TYPE_UINT64, self->work.small, "cheap-rectangles", G_TYPE_UINT64, self->work.cheap,
      "reused-rectangles", G_TYPE_UINT64, self->work.reused, "level", G_TYPE_DOUBLE,
      self->work.level, "frame-ms-mean", G_TYPE_DOUBLE, n > 0 ? sum / n / 1000 : 0.0,
      "frame-ms-p99", G_TYPE_DOUBLE, (double) gst_rfdn_stats_get_high (self) / 1000, NULL);
}
