"""Enlarges planes with the GStreamer plugin, as a user's pipeline would."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from data import InputError

LAUNCH = "gst-launch-1.0"


def stride(width: int) -> int:
    """Bytes of a row of GRAY8 as GStreamer lays it out."""
    return (width + 3) & ~3


def check() -> None:
    """InputError if GStreamer or the plugin cannot be found."""
    for tool in (LAUNCH, "gst-inspect-1.0"):
        if not shutil.which(tool):
            raise InputError(f"{tool} is not installed")
    if subprocess.run(["gst-inspect-1.0", "rfdnupscale"], capture_output=True).returncode:
        raise InputError("GStreamer has no element rfdnupscale: run this in `meson devenv -C build`, "
                         "or set GST_PLUGIN_PATH to the folder of libgstrfdn.so")


def launch(pipeline: list[str], what: str) -> None:
    """Run a pipeline to its end; if it fails, InputError with `what` and GStreamer's own message."""
    result = subprocess.run([LAUNCH, "-q", *pipeline], capture_output=True, text=True,
                            env={**os.environ, "GST_DEBUG_NO_COLOR": "1", "LC_ALL": "C"})
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"{LAUNCH} failed"]
        raise InputError(f"{what}: {next((line for line in lines if line.startswith('ERROR')), lines[0])}")


def upscale(frames: list[np.ndarray], model: str, scale: int, more: list[str] | None = None) -> list[np.ndarray]:
    """Byte planes of one size, enlarged by rfdnupscale; `more` are properties, `name=value`."""
    height, width = frames[0].shape
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        padded = np.zeros((len(frames), height, stride(width)), np.uint8)
        padded[:, :, :width] = frames
        source.write_bytes(padded.tobytes())
        launch(["filesrc", f"location={source}", "!", "rawvideoparse", "format=gray8", f"width={width}",
                f"height={height}", "framerate=25/1", f"plane-strides=<{stride(width)}>",
                f"frame-size={padded[0].size}", "!", "rfdnupscale", f"model={model}", f"scale={scale}", *(more or []),
                "!", f"video/x-raw,format=GRAY8,width={scale * width},height={scale * height}",
                "!", "filesink", f"location={target}"], f"rfdnupscale model={model} scale={scale}")
        size = len(frames), scale * height, stride(scale * width)
        raw = np.fromfile(target, np.uint8)
    if raw.size != np.prod(size):
        raise InputError(f"rfdnupscale model={model}: {raw.size} bytes came out, expected {np.prod(size)}")
    return list(raw.reshape(size)[:, :, : scale * width])


def upscale_planes(frames: list[tuple[np.ndarray, ...]], model: str, scale: int,
                   more: list[str] | None = None) -> list[tuple[np.ndarray, ...]]:
    """The same for planes of 4:2:0 with chroma sited left; the larger width must be a multiple of eight."""
    height, width = frames[0][0].shape
    sizes = [(height, width), *[(height // 2, width // 2)] * 2]
    ends = np.cumsum([0, *(rows * columns for rows, columns in sizes)])
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        source.write_bytes(b"".join(plane.tobytes() for planes in frames for plane in planes))
        launch(["filesrc", f"location={source}", "!", "rawvideoparse", "format=i420", f"width={width}",
                f"height={height}", "framerate=25/1", f"plane-strides=<{','.join(str(w) for _, w in sizes)}>",
                f"plane-offsets=<{','.join(map(str, ends[:3]))}>", f"frame-size={ends[3]}", "!",
                "capssetter", "caps=video/x-raw,chroma-site=mpeg2", "!",
                "rfdnupscale", f"model={model}", f"scale={scale}", *(more or []),
                "!", "filesink", f"location={target}"], f"rfdnupscale model={model} scale={scale}")
        raw = np.fromfile(target, np.uint8)
    if raw.size != scale * scale * ends[3] * len(frames):
        raise InputError(f"rfdnupscale model={model}: {raw.size} bytes came out, "
                         f"expected {scale * scale * ends[3] * len(frames)}")
    return [tuple(part.reshape(scale * rows, scale * columns) for part, (rows, columns)
                  in zip(np.split(frame, scale * scale * ends[1:3]), sizes))
            for frame in raw.reshape(len(frames), -1)]
