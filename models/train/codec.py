"""Frames through a video encoder and back, sample for sample.

Planes are passed to the encoder and from the decoder without converting colour or range, so that levels
before and after differ only by the encoder's own errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

from data import InputError

av.logging.set_level(av.logging.PANIC)  # errors arrive as exceptions

X265_MIN_SIDE = 64  # of frames, in pixels: x265 writes out of bounds with some smaller ones
PRIVATE = ("x264-params", "x265-params")  # how an encoder runs, not what its output looks like
Planes = tuple[np.ndarray, np.ndarray, np.ndarray]  # Y h x w, Cb and Cr h/2 x w/2, bytes


@dataclass(frozen=True)
class Encoding:
    """One way to encode: libav's encoder and decoder, and the encoder's private options."""

    encoder: str
    decoder: str
    options: dict[str, str]
    quantiser: int = 0  # a fixed one, for encoders without a rate factor
    bits: float = 0  # per pixel: a rate to keep, instead of a quality
    corner: tuple[int, int] = (0, 0)  # left and top of the picture in the encoded one, even: shifts the blocks

    def __str__(self) -> str:
        """`libx264 crf=23 preset=medium`"""
        facts = {**self.options, "q": self.quantiser, "bits": f"{self.bits:.3g}" if self.bits else "",
                 "corner": "{}+{}".format(*self.corner) if any(self.corner) else ""}
        return " ".join([self.encoder, *(f"{name}={value}" for name, value in facts.items()
                                         if value and name not in PRIVATE)])


def x264(crf: int, preset: str = "medium") -> Encoding:
    return Encoding("libx264", "h264", {"crf": str(crf), "preset": preset})


def x265(crf: int, preset: str = "fast") -> Encoding:
    return Encoding("libx265", "hevc", {"crf": str(crf), "preset": preset,
                                        "x265-params": "log-level=none:pools=none:frame-threads=1"})


def vp9(crf: int, speed: int = 4) -> Encoding:
    return Encoding("libvpx-vp9", "vp9", {"crf": str(crf), "b": "0", "deadline": "good", "cpu-used": str(speed)})


def mpeg2(quantiser: int) -> Encoding:
    return Encoding("mpeg2video", "mpeg2video", {"bf": "2"}, quantiser)


def zerolatency(crf: int) -> Encoding:
    """Calls and screen sharing: x264 at its fastest, without deblocking."""
    return Encoding("libx264", "h264", {"crf": str(crf), "preset": "ultrafast", "tune": "zerolatency"})


def capped(bits: float, low_latency: bool = False) -> Encoding:
    """Streams: x264 at a rate in bits per pixel, kept within half a second."""
    fast = {"preset": "ultrafast", "tune": "zerolatency"} if low_latency else {"preset": "veryfast"}
    return Encoding("libx264", "h264", fast, bits=bits)


def mpeg4(quantiser: int) -> Encoding:
    """MPEG-4 ASP, as DivX and Xvid wrote it."""
    return Encoding("mpeg4", "mpeg4", {"bf": "1"}, quantiser)


def vp8(quantiser: int) -> Encoding:
    """Calls.  A negative speed is fixed; with a positive one, the picture depends on how busy the machine is."""
    return Encoding("libvpx", "vp8", {"deadline": "realtime", "cpu-used": "-4"}, quantiser)


def mjpeg(quantiser: int) -> Encoding:
    """Every frame encoded by itself; `strict` must allow video range, whatever range the frames have."""
    return Encoding("mjpeg", "mjpeg", {"strict": "unofficial"}, quantiser)


def shifted(encoding: Encoding, left: int, top: int) -> Encoding:
    return replace(encoding, corner=(left, top))


# By name: makes the encoding from a quality; the qualities allowed; what the quality is called.
NAMED: dict[str, tuple[Callable[[int], Encoding], range, str]] = {
    "x264": (x264, range(52), "CRF"),
    "zerolatency": (zerolatency, range(52), "CRF"),
    "x265": (x265, range(52), "CRF"),
    "vp9": (vp9, range(64), "CRF"),
    "vp8": (vp8, range(1, 64), "q"),
    "mpeg2": (mpeg2, range(1, 32), "q"),
    "mpeg4": (mpeg4, range(1, 32), "q"),
    "mjpeg": (mjpeg, range(1, 32), "q"),
}


def named(text: str) -> Encoding | None:
    """`mpeg4:6` as an encoding; None for `none`, InputError for anything else."""
    if text == "none":
        return None
    name, _, quality = text.partition(":")
    if name not in NAMED:
        raise InputError(f"'{text}' is neither none nor {', '.join(f'{name}:N' for name in NAMED)}")
    make, allowed, word = NAMED[name]
    if not quality.isdecimal() or int(quality) not in allowed:
        raise InputError(f"'{text}': {word} of {name} must be {allowed.start}..{allowed.stop - 1}")
    return make(int(quality))


def through(frames: list[Planes], encoding: Encoding, threads: int = 1) -> list[np.ndarray]:
    """The luma of the frames, encoded and decoded: as many planes of the same size; sizes must be even."""
    return [luma for luma, *_ in planes_through(frames, encoding, threads)]


def planes_through(frames: list[Planes], encoding: Encoding, threads: int = 1) -> list[Planes]:
    """The frames, encoded and decoded."""
    left, top = encoding.corner

    def to_frame(planes: Planes) -> av.VideoFrame:
        moved = [np.pad(plane, ((top // part, 0), (left // part, 0)), "edge") for part, plane in zip((1, 2, 2), planes)]
        rows = np.concatenate([plane.ravel() for plane in moved]).reshape(-1, moved[0].shape[1])
        return av.VideoFrame.from_ndarray(rows, "yuv420p")

    def to_planes(frame: av.VideoFrame) -> Planes:
        return tuple(plane_of(frame, i)[top // part:, left // part:] for i, part in enumerate((1, 2, 2)))

    return [to_planes(frame) for frame in frames_through(list(map(to_frame, frames)), encoding, threads)]


def plane_of(frame: av.VideoFrame, index: int) -> np.ndarray:
    """A copy of one plane of a yuv420p frame, whatever range it says it has."""
    plane = frame.planes[index]
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:plane.height, :plane.width].copy()


def frames_through(frames: list[av.VideoFrame], encoding: Encoding, threads: int = 1) -> list[av.VideoFrame]:
    """Frames of yuv420p of one size, encoded and decoded: as many, in the same order.

    The same frames give the same result every time.  InputError for frames that the encoder cannot take.
    """
    encoder = av.CodecContext.create(encoding.encoder, "w")
    encoder.width, encoder.height, encoder.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
    encoder.framerate, encoder.time_base = 25, Fraction(1, 25)
    encoder.thread_count, encoder.options = threads, encoding.options
    if encoding.quantiser:
        encoder.qmin = encoder.qmax = encoding.quantiser
        encoder.bit_rate = 10**8  # the limits above decide
    if encoding.encoder == "libvpx-vp9":
        encoder.bit_rate = 0
    if encoding.bits:
        encoder.bit_rate = int(encoding.bits * 25 * encoder.width * encoder.height)
        encoder.options = {**encoding.options, "maxrate": str(encoder.bit_rate), "bufsize": str(encoder.bit_rate // 2)}
    if encoding.encoder == "libx264" and has_avx512():
        # With short rows, x264's macroblock tree for AVX-512 reads uninitialised memory.
        encoder.options = {**encoder.options, "x264-params": "asm=avx2"}
    if encoding.encoder == "libx265":
        encoder.options = x265_options(encoding.options, min(encoder.width, encoder.height))
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


@cache
def has_avx512() -> bool:
    """Whether Linux lists AVX-512 among the processor's features."""
    try:
        return "avx512bw" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def x265_options(options: dict[str, str], side: int) -> dict[str, str]:
    """The options for frames whose shorter side has `side` pixels."""
    if side < X265_MIN_SIDE:
        raise InputError(f"x265 needs frames of at least {X265_MIN_SIDE} pixels a side, not {side}")
    if side > X265_MIN_SIDE:
        return options
    # With one coding tree unit (64 pixels) a row or column, x265 predicts from uninitialised memory.
    return {**options, "x265-params": f"{options['x265-params']}:ctu=32"}
