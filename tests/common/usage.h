/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_TESTS_USAGE_H
#define RFDN_TESTS_USAGE_H

#include <glib.h>

/* What the process has at a time. */
typedef struct {
  double threads;
  double files;  /* open descriptors */
  double memory; /* resident, in KiB */
} Usage;

/** FALSE where the system does not tell. */
gboolean usage_get (Usage *usage);

/** By how much each grows from one of @n measurements to the next: least squares. */
Usage usage_get_slope (const Usage *usages, guint n);

#endif
