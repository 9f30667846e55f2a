"""Clips to measure networks on: their luma is the truth; a network gets it made small and encoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

import codec
from data import InputError, crop_to_multiple, middle, resize, to_bytes


class Unusable(InputError):
    """A clip that cannot be scored; the text names it and says why."""


def no_luma(kind: av.VideoFormat) -> str | None:
    """Why frames of this format have no luma plane of 8 to 16 bits; None if they have one."""
    if kind.is_rgb:
        return "RGB"
    if kind.has_palette:
        return "a palette"
    if len(kind.components) > 1 and not kind.is_planar:
        return "packed"
    if not 8 <= kind.components[0].bits <= 16:
        return f"{kind.components[0].bits} bits a sample"
    return None


def plane_bytes(frame: av.VideoFrame) -> np.ndarray:
    """The luma of a decoded frame for which no_luma() is None, rounded to 8 bits and otherwise unchanged."""
    high = re.match(r"p[024]\d\d|.*msb", frame.format.name)  # P010 and the like: the upper bits of 16
    depth = 16 if high else frame.format.components[0].bits
    plane = frame.planes[0]
    kind = np.dtype(np.uint8 if depth == 8 else ">u2" if frame.format.is_big_endian else "<u2")
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
    luma = rows[: frame.height, : frame.width]
    if depth == 8:
        return luma.copy()
    return np.minimum((luma.astype(np.uint32) + (1 << (depth - 9))) >> (depth - 8), 255).astype(np.uint8)


def read_clip(file: Path, skip: int, count: int) -> list[np.ndarray]:
    """Lumas of up to `count` frames after the first `skip`; a short clip skips fewer.

    Raises Unusable unless the file is progressive planar video.  FFmpeg also decodes text files, to frames with a
    palette; these are refused too.
    """
    lumas: list[np.ndarray] = []
    try:
        with av.open(str(file)) as container:
            for frame in container.decode(video=0):
                if why := no_luma(frame.format):
                    raise Unusable(f"{file}: its frames are {frame.format.name}, {why}; "
                                   "only planar YUV and gray are scored")
                if frame.interlaced_frame:
                    raise Unusable(f"{file}: is interlaced, only progressive clips are scored")
                lumas.append(plane_bytes(frame))
                if len(lumas) >= max(2, skip + count):  # the second one tells a clip from a picture
                    break
    except av.FFmpegError as error:
        if not lumas:
            raise Unusable(f"{file}: not a readable clip ({error})") from None
    except IndexError:
        raise Unusable(f"{file}: has no video") from None
    if not lumas:
        raise Unusable(f"{file}: has no frames")
    if len(lumas) == 1:
        raise Unusable(f"{file}: has a single frame, like a still picture")
    if any(luma.shape != lumas[0].shape for luma in lumas):
        raise Unusable(f"{file}: its frames change size")
    return lumas[:skip + count][-count:]


@dataclass
class Clip:
    """The frames of a clip cut to a multiple of twice the scale, and their small copies."""

    name: str
    high: list[np.ndarray]
    low: list[np.ndarray]

    @classmethod
    def read(cls, file: Path, name: str, scale: int, skip: int, count: int,
             largest: tuple[int, int] = (65536, 65536)) -> Clip:
        """Frames larger than `largest` (width, height) are cut to their middle."""
        high = [crop_to_multiple(middle(luma, *largest), 2 * scale) for luma in read_clip(file, skip, count)]
        if min(high[0].shape) < 32 * scale:
            raise Unusable(f"{file}: too small to be scored")
        height, width = high[0].shape
        return cls(name, high, [to_bytes(resize(h, width // scale, height // scale)) for h in high])

    def encoded(self, encoding: codec.Encoding | None) -> list[np.ndarray]:
        """The small frames, encoded as gray video and decoded; unchanged without an encoding."""
        if encoding is None:
            return self.low
        height, width = self.low[0].shape
        gray = np.full((height // 2, width // 2), 128, np.uint8)
        return codec.through([(luma, gray, gray) for luma in self.low], encoding)
