/* gst-rfdn - messages in the user's language
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * _("text") marks what a person reads in an error or warning. Logs and blurbs are not translated,
 * as everywhere in GStreamer.
 */
#ifndef GST_RFDN_I18N_H
#define GST_RFDN_I18N_H

#ifdef ENABLE_NLS
#include <glib/gi18n-lib.h>
#else
#define _(text) (text)
#endif

#endif /* GST_RFDN_I18N_H */
