/* gst-rfdn - a faster network in place of another one
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_SMALLER_H
#define GST_RFDN_SMALLER_H

#include "rfdn.h"

G_BEGIN_DECLS

/**
 * gst_rfdn_smaller_get:
 * @model: a network
 *
 * Finds the built-in network of @model's scale and colours with the fewest multiply-adds, among
 * those for the same sources: its pictures are mostly the closest to @model's
 * (tests/gst/late-quality.c measures what it gains). Networks that do not have the name of a
 * built-in one are taken to be for sources without visible compression, as most published ones are.
 *
 * The first call for a scale loads the built-in networks of the scale and sources; later ones
 * return the same one, which stays for the life of the process. Any thread.
 *
 * Returns: (transfer full) (nullable): that network, or %NULL if none takes at most half the work
 * of @model: then there is little to gain
 */
RfdnModel *gst_rfdn_smaller_get (RfdnModel *model);

G_END_DECLS

#endif /* GST_RFDN_SMALLER_H */
