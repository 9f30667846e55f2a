/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_STORAGE_H
#define RFDN_STORAGE_H

#include "graph.h"
#include "kernels/kernels.h"

/* Where the pixels of an activation lie in memory: rows in pages of a strip each, which a schedule
 * allocates; in a row, the layout of kernels.h. */

/* The part of an activation that a tile takes. */
typedef struct {
  float *first;        /* channel 0, phase 0 of column 0, in the first row of page 0 */
  const guint32 *page; /* of each strip */
  gsize page_size;     /* floats */
  gsize run, stride;   /* floats from run to run, from row to row */
  guint packing;       /* 1 << packing channels share a float's place: see rfdn_get_packing() */
  gint column0;        /* the pixel that column 0 begins at */
  gint strip0;         /* the row that the first strip begins at */
  RfdnRect region;
  RfdnRect extent; /* of the whole grid */
  RfdnGrid grid;
  RfdnBorder border;
  gint margin;        /* pixels that windows see beyond a row's ends */
  const float *zeros; /* a row of them */
} RfdnView;

/* Floats from a run to the next, where each holds `width` pixels from a multiple of four on. An odd
 * number of cache lines: kernels go through the runs of many channels at once, which would compete
 * for a few sets of the cache if they lay a multiple of several lines apart. */
static inline gsize
rfdn_run_size (gint width)
{
  const gsize columns = ((gsize) width + RFDN_PHASES - 1) / RFDN_PHASES;
  const gsize lines = (columns + RFDN_RUN_SLACK + RFDN_RUN_ALIGN - 1) / RFDN_RUN_ALIGN;
  return (lines | 1) * RFDN_RUN_ALIGN;
}

/* The first pixel of the column, or the first row of the strip, that pixel or row v lies in. */
static inline gint
rfdn_cell_floor (gint v)
{
  return v & ~(RFDN_PHASES - 1);
}

/* Channels that lie in one word: two 16-bit integers, as 1 << this. */
static inline guint
rfdn_get_packing (const RfdnKernels *kernels)
{
  return kernels->precision == RFDN_PRECISION_INT16 ? 1 : 0;
}

/* Words of a pixel of `channels` channels. */
static inline guint
rfdn_get_words (guint channels, guint packing)
{
  return (channels + (1u << packing) - 1) >> packing;
}

/* The first of the channels that share a word. */
static inline float *
rfdn_view_channel (const RfdnView *view, gint y, guint channel)
{
  const guint32 page = view->page[(guint) (y - view->strip0) / RFDN_STRIP];
  return view->first + page * view->page_size + (guint) y % RFDN_STRIP * view->stride +
         (channel >> view->packing) * RFDN_PHASES * view->run;
}

/* From a channel's first float to that of pixel x. */
static inline gssize
rfdn_view_pixel (const RfdnView *view, gint x)
{
  return (gssize) (x & 3) * (gssize) view->run + (x - (x & 3) - view->column0) / RFDN_PHASES;
}

/* Columns of a row. */
static inline guint
rfdn_view_columns (const RfdnView *view)
{
  return (guint) (view->region.x1 - view->column0 + RFDN_PHASES - 1) / RFDN_PHASES;
}

/* Row y of a channel at the place of column `column` of `out`, another activation of the same
 * grid. */
static inline float *
rfdn_view_column (const RfdnView *view, const RfdnView *out, gint y, guint channel, guint column)
{
  return rfdn_view_channel (view, y, channel) + (out->column0 - view->column0) / RFDN_PHASES +
         column;
}

/* A row as a window shall see it: beyond the frame's border what the activation shows there, and
 * the last available row where a pooled map extends beyond the tile's view. */
const float *rfdn_view_padded_row (const RfdnView *view, gint y, guint channel);

/* Writes the pixels around row y of `n` channels from `first` on, as windows shall see them: those
 * before the first pixel if column 0 is among columns `from` to `end` - 1, which have been
 * computed, and those after the last one if its column is. */
void rfdn_view_pad (const RfdnView *view, guint first, guint n, guint from, guint end, gint y);

#endif
