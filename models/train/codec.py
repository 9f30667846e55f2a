"""Frames through a video encoder and back, sample for sample.

Planes go to the encoder and come from the decoder as they are, without a conversion of colour or range:
a picture's levels before and after differ by the encoder's own errors only.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

av.logging.set_level(av.logging.PANIC)  # errors arrive as exceptions

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]  # Y h x w, Cb and Cr h/2 x w/2, bytes


@dataclass(frozen=True)
class Encoding:
    """One way to encode: libav's encoder and decoder, and the encoder's private options."""

    encoder: str
    decoder: str
    options: dict[str, str]
    quantiser: int = 0  # a fixed one for MPEG-2, which has no rate factor


def x264(crf: int, preset: str = "medium") -> Encoding:
    return Encoding("libx264", "h264", {"crf": str(crf), "preset": preset})


def x265(crf: int, preset: str = "fast") -> Encoding:
    return Encoding("libx265", "hevc", {"crf": str(crf), "preset": preset,
                                        "x265-params": "log-level=none:pools=none:frame-threads=1"})


def vp9(crf: int, speed: int = 4) -> Encoding:
    return Encoding("libvpx-vp9", "vp9", {"crf": str(crf), "b": "0", "deadline": "good", "cpu-used": str(speed)})


def mpeg2(quantiser: int) -> Encoding:
    return Encoding("mpeg2video", "mpeg2video", {"bf": "2"}, quantiser)


def random_encoding(random: np.random.Generator) -> Encoding:
    """Half x264, the rest x265, VP9 and MPEG-2, from hardly visible to plainly visible loss."""
    kind = random.choice(["x264", "x265", "vp9", "mpeg2"], p=[0.55, 0.15, 0.15, 0.15])
    if kind == "x264":
        return x264(int(random.integers(15, 37)), str(random.choice(["veryfast", "medium", "medium"])))
    if kind == "x265":
        return x265(int(random.integers(16, 37)), str(random.choice(["superfast", "fast"])))
    if kind == "vp9":
        return vp9(int(random.integers(12, 52)))
    return mpeg2(int(random.integers(2, 13)))


def through(frames: list[Planes], encoding: Encoding, threads: int = 1) -> list[np.ndarray]:
    """The luma of the frames, decoded after encoding: as many planes of the same size; sizes must be even."""
    height, width = frames[0][0].shape
    sent = [av.VideoFrame.from_ndarray(np.concatenate([p.ravel() for p in planes]).reshape(-1, width), "yuv420p")
            for planes in frames]
    return [frame.to_ndarray()[:height] for frame in frames_through(sent, encoding, threads)]


def frames_through(frames: list[av.VideoFrame], encoding: Encoding, threads: int = 1) -> list[av.VideoFrame]:
    """Frames of yuv420p of one size, decoded after encoding: as many, in their order."""
    encoder = av.CodecContext.create(encoding.encoder, "w")
    encoder.width, encoder.height, encoder.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
    encoder.framerate, encoder.time_base = 25, Fraction(1, 25)
    encoder.thread_count, encoder.options = threads, encoding.options
    if encoding.quantiser:
        encoder.qmin = encoder.qmax = encoding.quantiser
        encoder.bit_rate = 10**8  # the limits above decide
    if encoding.encoder == "libvpx-vp9":
        encoder.bit_rate = 0
    decoder = av.CodecContext.create(encoding.decoder, "r")
    packets = []
    for time, frame in enumerate(frames):
        frame.pts, frame.time_base = time, encoder.time_base
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoded = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    if len(decoded) != len(frames):
        raise RuntimeError(f"{encoding.encoder}: {len(frames)} frames in, {len(decoded)} out")
    return sorted(decoded, key=lambda frame: frame.pts)
