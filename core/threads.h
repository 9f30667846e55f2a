/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_THREADS_H
#define RFDN_THREADS_H

#include <glib.h>

/* The number that @n_threads of the public interface stands for. */
guint rfdn_resolve_threads (guint n_threads);

/* Tells the processor that a thread is only polling for a change. */
void rfdn_relax (void);

#endif
