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
 * @domain: (out): under which of GStreamer's domains an application looks for that
 * @code: (out): and its code
 *
 * Memory that cannot be had is a matter of resources, whatever asked for it; a model file that is
 * none, and frames of a size that cannot be enlarged, are matters of the stream. Errors that are
 * GStreamer's already stay what they are.
 */
void gst_rfdn_error_translate (const GError *error, GQuark *domain, gint *code);

G_END_DECLS

#endif /* GST_RFDN_ERROR_H */
