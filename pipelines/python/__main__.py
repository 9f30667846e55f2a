# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the folder that has the plugin."""

from gst_rfdn import plugin_folder

print(plugin_folder())
