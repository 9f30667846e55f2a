/* gst-rfdn - a faster network in another one's place
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
 * Finds the built-in network of @model's scale and colours that takes the fewest multiply-adds. Of
 * several that take as many it is the last one listed, next to the larger networks: made for the
 * same sources as they are, its pictures are the nearest to theirs. `live`, which also takes out
 * what encoders leave, was farther from `balanced` than Lanczos on a clip of a forest (41.5 dB and
 * 42.3), and `live-clean` nearer (44.2).
 *
 * The first call for a scale loads all built-in networks of it; later ones give back the same one,
 * which stays for the life of the process. Any thread.
 *
 * Returns: (transfer full) (nullable): that network, or %NULL where none takes at most half of what
 *   @model does: there is little to be gained then
 */
RfdnModel *gst_rfdn_smaller_get (RfdnModel *model);

G_END_DECLS

#endif /* GST_RFDN_SMALLER_H */
