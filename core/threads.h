/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_THREADS_H
#define RFDN_THREADS_H

#include <glib.h>

/* The number that @n_threads of the public interface stands for. */
guint rfdn_resolve_threads (guint n_threads);

/* A hint to the processor that a thread does nothing but look whether something has changed. */
void rfdn_relax (void);

#endif
