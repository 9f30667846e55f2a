"""Clips as measures: their luma is the truth, made small and encoded it is what a network gets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

import codec
from data import InputError, crop_to_multiple, resize, to_bytes


class Unusable(InputError):
    """A clip that cannot be scored; the text names it and says why."""


def plane_bytes(frame: av.VideoFrame) -> np.ndarray:
    """The luma of a decoded YUV or gray frame, no conversion but rounding to 8 bits."""
    depth = frame.format.components[0].bits
    plane = frame.planes[0]
    kind = np.uint8 if depth == 8 else np.dtype("<u2")
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // np.dtype(kind).itemsize)
    luma = rows[: frame.height, : frame.width]
    if depth == 8:
        return luma.copy()
    return np.minimum((luma.astype(np.uint32) + (1 << (depth - 9))) >> (depth - 8), 255).astype(np.uint8)


def read_clip(file: Path, skip: int, count: int) -> list[np.ndarray]:
    """Lumas of up to `count` frames after the first `skip`; fewer are skipped in a short clip."""
    lumas: list[np.ndarray] = []
    try:
        with av.open(str(file)) as container:
            for frame in container.decode(video=0):
                if frame.format.is_rgb:
                    raise Unusable(f"{file}: is RGB, only YUV and gray clips are scored")
                if frame.interlaced_frame:
                    raise Unusable(f"{file}: is interlaced, only progressive clips are scored")
                lumas.append(plane_bytes(frame))
                if len(lumas) == skip + count:
                    break
    except av.FFmpegError as error:
        if not lumas:
            raise Unusable(f"{file}: not a readable clip ({error})") from None
    except IndexError:
        raise Unusable(f"{file}: has no video") from None
    if not lumas:
        raise Unusable(f"{file}: has no frames")
    if any(luma.shape != lumas[0].shape for luma in lumas):
        raise Unusable(f"{file}: its frames change their size")
    return lumas[-count:]


def middle(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of a plane, no larger than this."""
    top, left = max(0, plane.shape[0] - height) // 2, max(0, plane.shape[1] - width) // 2
    return plane[top:top + height, left:left + width]


@dataclass
class Clip:
    """The frames of a clip cut to a multiple of twice the scale, and their small copies."""

    name: str
    high: list[np.ndarray]
    low: list[np.ndarray]

    @classmethod
    def read(cls, file: Path, name: str, scale: int, skip: int, count: int,
             largest: tuple[int, int] = (65536, 65536)) -> Clip:
        """`largest` is the width and height that larger frames are cut to, around their middle."""
        high = [crop_to_multiple(middle(luma, *largest), 2 * scale) for luma in read_clip(file, skip, count)]
        if min(high[0].shape) < 32 * scale:
            raise Unusable(f"{file}: too small to be scored")
        height, width = high[0].shape
        return cls(name, high, [to_bytes(resize(h, width // scale, height // scale)) for h in high])

    def encoded(self, encoding: codec.Encoding | None) -> list[np.ndarray]:
        """The small frames after an encoder, as gray video; without one as they are."""
        if encoding is None:
            return self.low
        height, width = self.low[0].shape
        gray = np.full((height // 2, width // 2), 128, np.uint8)
        return codec.through([(luma, gray, gray) for luma in self.low], encoding)
