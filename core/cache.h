/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_CACHE_H
#define RFDN_CACHE_H

#include <glib.h>

/* What of a processor's caches a thread has for itself. */

typedef struct {
  gsize size;    /* bytes; 0 where there is none, or nothing is known */
  guint sharers; /* processors that have it together, at least 1 */
} RfdnCache;

typedef struct {
  RfdnCache second, third; /* levels */
} RfdnCaches;

/* The caches that a folder describes as Linux does in /sys/devices/system/cpu/cpu0/cache. */
RfdnCaches rfdn_caches_read (const char *folder);

/* Bytes that each of `n_threads` threads can count on, when all of them are at work. */
gsize rfdn_caches_get_share (const RfdnCaches *caches, guint n_threads);

/* The same of this machine. */
gsize rfdn_get_cache_share (guint n_threads);

#endif
