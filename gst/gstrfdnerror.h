/* gst-rfdn - the engine's errors as GStreamer calls them
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_ERROR_H
#define GST_RFDN_ERROR_H

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * gst_rfdn_error_translate:
 * @error: what went wrong
 * @domain: (out): GStreamer's domain for such an error
 * @code: (out): and its code
 *
 * Failed allocations become resource errors, whatever asked for the memory; invalid model files and
 * frames of a size that cannot be enlarged become stream errors. Errors that are already
 * GStreamer's stay as they are.
 */
void gst_rfdn_error_translate (const GError *error, GQuark *domain, gint *code);

G_END_DECLS

#endif /* GST_RFDN_ERROR_H */
