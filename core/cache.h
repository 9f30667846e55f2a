/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_CACHE_H
#define RFDN_CACHE_H

#include <glib.h>

/* How much of a processor's caches a thread can count on. */

typedef struct {
  gsize size;    /* bytes; 0: none, or not known */
  guint sharers; /* processors that share it, at least 1 */
} RfdnCache;

typedef struct {
  RfdnCache second, third; /* levels */
} RfdnCaches;

/* The caches that a folder like Linux's /sys/devices/system/cpu/cpu0/cache describes. */
RfdnCaches rfdn_caches_read (const char *folder);

/* Bytes that each of `n_threads` threads can count on, when all of them are at work. */
gsize rfdn_caches_get_share (const RfdnCaches *caches, guint n_threads);

/* The same for this machine. */
gsize rfdn_get_cache_share (guint n_threads);

#endif
