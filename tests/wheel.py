# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that enlarges video with GStreamer from Python, for wheel.sh.

Prints the caps of what comes out. Knows nothing of where the plugin is, and does not import it.
"""

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

FRAMES = 3

Gst.init(None)
pipeline = Gst.parse_launch(
    f"videotestsrc num-buffers={FRAMES} ! video/x-raw,format=I420,width=64,height=48 "
    "! rfdnupscale name=upscale ! fakesink name=sink signal-handoffs=true sync=false"
)
assert "realtime" in pipeline.get_by_name("upscale").get_preset_names()
seen = []


def handoff(_sink: Gst.Element, buffer: Gst.Buffer, pad: Gst.Pad) -> None:
    """Notes the size in bytes and the caps of each frame."""
    seen.append((buffer.get_size(), pad.get_current_caps().to_string()))


pipeline.get_by_name("sink").connect("handoff", handoff)
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
assert message.type == Gst.MessageType.EOS, message.parse_error()
pipeline.set_state(Gst.State.NULL)
print(seen[0][1])
assert len(seen) == FRAMES
for size, caps in seen:
    assert size == 128 * 96 * 3 // 2
    assert "width=(int)128" in caps and "height=(int)96" in caps
