# SPDX-License-Identifier: LGPL-2.1-or-later
"""The GStreamer plugin of gst-rfdn, whose element is rfdnupscale.

Nothing has to be imported: gst_rfdn.pth, which Python reads when it starts, calls
`add_to_environment`, and Gst.init() finds the plugin. `python -m gst_rfdn` prints its folder.
"""

import os

_HERE = os.path.dirname(os.path.abspath(__file__))


def plugin_folder() -> str:
    """Returns the folder that has the plugin, for GST_PLUGIN_PATH."""
    return os.path.join(_HERE, "gstreamer-1.0")


def _prepend(variable: str, folder: str) -> None:
    # GStreamer ignores the general name where the one with its version is set.
    if variable + "_1_0" in os.environ:
        variable += "_1_0"
    folders = os.environ.get(variable, "").split(os.pathsep)
    if folder not in folders:
        os.environ[variable] = os.pathsep.join([folder] + [other for other in folders if other])


def add_to_environment() -> None:
    """Has GStreamer find the plugin and its presets, also in programs that this one starts."""
    _prepend("GST_PLUGIN_PATH", plugin_folder())
    _prepend("GST_PRESET_PATH", os.path.join(_HERE, "presets"))
