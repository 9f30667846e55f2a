/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstrfdni18n.h"
#include "gstrfdnupscale.h"

/* Loads no model and starts no thread: GStreamer runs this to list the plugin's features. */
static gboolean
plugin_init (GstPlugin *plugin)
{
#ifdef ENABLE_NLS
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
#endif
  return GST_ELEMENT_REGISTER (rfdnupscale, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, rfdn,
                   "Enlarges video with RFDN networks on the CPU", plugin_init, VERSION, "LGPL",
                   GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
