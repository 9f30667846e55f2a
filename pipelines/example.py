#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Enlarges a file or a camera from Python: example.py IN OUT.mkv.

IN is a video file, or a camera's device (/dev/video0), which Ctrl-C ends. example.sh sets up what it needs.
"""

import pathlib
import signal
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst

LINE = "videoconvert ! rfdnupscale ! videoconvert ! x264enc speed-preset=fast ! h264parse ! matroskamux ! filesink name=out"


class Enlarger:
    """A pipeline from `source` to the file `target`; `error` tells why it failed, or is None."""

    def __init__(self, source: str, target: str) -> None:
        camera = pathlib.Path(source).is_char_device()
        first = "v4l2src name=in ! decodebin" if camera else "filesrc name=in ! decodebin"
        print(f"gst-launch-1.0 {first} ! queue ! {LINE}", file=sys.stderr)
        self.pipeline = Gst.parse_launch(f"{first} ! queue ! {LINE}")
        self.pipeline.get_by_name("in").set_property("device" if camera else "location", source)
        self.pipeline.get_by_name("out").set_property("location", target)
        self.error: str | None = None
        self.loop = GLib.MainLoop()
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)
        bus.connect("message::eos", lambda *_: self.loop.quit())

    def on_error(self, _bus: Gst.Bus, message: Gst.Message) -> None:
        error, _debug = message.parse_error()
        self.error = error.message
        self.loop.quit()

    def on_progress(self) -> bool:
        known, position = self.pipeline.query_position(Gst.Format.TIME)
        total = self.pipeline.query_duration(Gst.Format.TIME)
        if known:
            share = f" of {total[1] / Gst.SECOND:.1f}" if total[0] and total[1] > 0 else ""
            print(f"\r{position / Gst.SECOND:.1f}{share} s", end="", file=sys.stderr, flush=True)
        return GLib.SOURCE_CONTINUE

    def on_interrupt(self) -> bool:
        # The end of the stream lets the muxer finish its file.
        self.pipeline.send_event(Gst.Event.new_eos())
        return GLib.SOURCE_CONTINUE

    def run(self) -> None:
        """Returns when all is written, or something failed."""
        GLib.timeout_add(500, self.on_progress)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, self.on_interrupt)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.on_progress()
        self.pipeline.set_state(Gst.State.NULL)
        print(file=sys.stderr)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: example.py IN OUT.mkv")
    source, target = sys.argv[1:]
    if not pathlib.Path(source).exists():
        sys.exit(f"example.py: {source} does not exist")
    # OUT appears when it is whole: what may be there already is not lost for nothing.
    part = pathlib.Path(f"{target}.part")
    for written in pathlib.Path(target), part:
        if written.exists() and written.samefile(source):
            sys.exit(f"example.py: {written} is the input itself")
    Gst.init(None)
    if Gst.ElementFactory.find("rfdnupscale") is None:
        sys.exit("example.py: GStreamer does not find rfdnupscale; is GST_PLUGIN_PATH set?")
    enlarger = Enlarger(source, str(part))
    enlarger.run()
    if enlarger.error:
        part.unlink(missing_ok=True)
        sys.exit(f"example.py: {source}: {enlarger.error}")
    part.replace(target)


if __name__ == "__main__":
    main()
