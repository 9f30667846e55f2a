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
 * Finds the built-in network of @model's scale and colours with the fewest multiply-adds. Among
 * equals it is the last one listed, next to the larger networks: made for the same sources, its
 * pictures are the closest to theirs. `live`, which also removes compression artefacts, was farther
 * from `balanced` than Lanczos on a clip of a forest (41.5 dB against 42.3), and `live-clean`
 * closer (44.2).
 *
 * The first call for a scale loads all its built-in networks; later ones return the same one, which
 * stays for the life of the process. Any thread.
 *
 * Returns: (transfer full) (nullable): that network, or %NULL if none takes at most half the work
 * of @model: then there is little to gain
 */
RfdnModel *gst_rfdn_smaller_get (RfdnModel *model);

G_END_DECLS

#endif /* GST_RFDN_SMALLER_H */
