"""What happens to a picture before a network gets it: KINDS and SHRINK say what can happen, a Mix how often.

The mix `first` made the pairs for the models before 2026-11-27: files as they are downloaded.  `wide` adds what
else people play: calls, low-latency streams, old and re-encoded files, cameras that sharpen, grain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image

import codec
from codec import Encoding
from data import resize

Random: TypeAlias = np.random.Generator
# Black luma and gray chroma in Y Cb Cr of video range, and of full range.
OFFSET = np.array([16, 128, 128], np.float32)[:, None, None]
FULL_OFFSET = np.array([0, 128, 128], np.float32)[:, None, None]


@dataclass(frozen=True)
class Mix:
    """Shares of sequences; those of `encodings` and `kernels` add up to 1, the others are independent."""

    encodings: dict[str, float]  # of KINDS
    kernels: dict[str, float]  # of SHRINK
    soft: float = 0.3  # out of focus, also in the original
    noise: float = 0.4  # of a sensor, a level or two
    full_range: float = 0.1
    grain: float = 0.0  # of film: spots of a few pixels, stronger where it is brighter
    sharpened: float = 0.0  # by the camera; in half of these only the small picture, so that networks remove the haloes
    dark: float = 0.0

    def encoding(self, random: Random) -> tuple[str, list[Encoding]]:
        """A kind, and the encodings that a sequence goes through in turn."""
        kind = pick(self.encodings, random)
        return kind, KINDS[kind](random)


def pick(shares: dict[str, float], random: Random) -> str:
    return str(random.choice(list(shares), p=list(shares.values())))


def happens(share: float, random: Random) -> bool:
    """Takes no random number for a share of 0, so that mixes without it still give the same pairs."""
    return share > 0 and random.random() < share


def x264(random: Random) -> list[Encoding]:
    crf = int(random.integers(15, 37))
    return [codec.x264(crf, str(random.choice(["veryfast", "medium", "medium"])))]


def capped(random: Random) -> list[Encoding]:
    """0.12 to 0.8 bits per pixel."""
    return [codec.capped(float(np.exp(random.uniform(np.log(0.12), np.log(0.8)))), bool(random.random() < 0.5))]


def x265(random: Random) -> list[Encoding]:
    crf = int(random.integers(16, 37))
    return [codec.x265(crf, str(random.choice(["superfast", "fast"])))]


def twice(random: Random) -> list[Encoding]:
    """An old file that somebody encoded again: its blocks need not be aligned with the second ones."""
    old = [codec.mpeg4, codec.mjpeg, codec.mpeg2, codec.zerolatency][random.integers(4)]
    quality = int(random.integers(20, 33) if old is codec.zerolatency else random.integers(3, 11))
    left, top = (2 * int(step) for step in random.integers(0, 8, 2))
    return [codec.shifted(old(quality), left, top), codec.x264(int(random.integers(18, 31)), "veryfast")]


# From hardly visible to plainly visible loss.
KINDS: dict[str, Callable[[Random], list[Encoding]]] = {
    "x264": x264,
    "zerolatency": lambda random: [codec.zerolatency(int(random.integers(16, 39)))],
    "capped": capped,
    "x265": x265,
    "vp9": lambda random: [codec.vp9(int(random.integers(12, 52)))],
    "vp8": lambda random: [codec.vp8(int(random.integers(6, 50)))],
    "mpeg2": lambda random: [codec.mpeg2(int(random.integers(2, 13)))],
    "mpeg4": lambda random: [codec.mpeg4(int(random.integers(2, 13)))],
    "mjpeg": lambda random: [codec.mjpeg(int(random.integers(2, 13)))],
    "twice": twice,
    "none": lambda random: [],
}


Shrink = Callable[[np.ndarray, int], np.ndarray]  # a square luma, and the smaller one's side, which divides its side


def filtered(kernel: Image.Resampling) -> Callable[[int, Random], Shrink]:
    return lambda scale, random: lambda plane, side: resize(plane, side, side, kernel)


def nearest(scale: int, random: Random) -> Shrink:
    """One pixel of each square, at random, but the same in all squares."""
    top, left = random.integers(0, scale, 2)
    return lambda plane, side: plane[top::scale, left::scale]


def blurred(scale: int, random: Random) -> Shrink:
    """Gaussian blur before decimation, like a lens or filter: standard deviation 0.25 to 0.6 small pixels."""
    sigma = scale * random.uniform(0.25, 0.6)
    return lambda plane, side: resize(blur(plane, sigma), side, side)


SHRINK: dict[str, Callable[[int, Random], Shrink]] = {
    "bicubic": filtered(Image.Resampling.BICUBIC),
    "lanczos": filtered(Image.Resampling.LANCZOS),
    "area": filtered(Image.Resampling.BOX),
    "bilinear": filtered(Image.Resampling.BILINEAR),
    "nearest": nearest,
    "blurred": blurred,
}


def blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian, float32; padded by repeating the edge pixels."""
    reach = int(np.ceil(3 * sigma))
    row = np.exp(-np.arange(-reach, reach + 1) ** 2 / (2 * sigma**2))
    row /= row.sum()
    for axis in (0, 1):
        length = plane.shape[axis]
        plane = np.pad(plane, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        plane = sum(weight * plane.take(range(at, at + length), axis) for at, weight in enumerate(row))
    return plane.astype(np.float32)


def sharpen(plane: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    """Unsharp masking, as cameras do it."""
    plane = plane.astype(np.float32)
    return plane + amount * (plane - blur(plane, sigma))


def grain(luma: np.ndarray, strength: float, sigma: float, random: Random) -> np.ndarray:
    """Spots of `sigma` pixels; `strength` levels where it is brightest, a third of that in black."""
    spots = blur(random.normal(0, 1, luma.shape), sigma)
    return luma + strength / spots.std() * spots * (1 / 3 + 2 / 3 * np.clip(luma / 255, 0, 1))


class Camera:
    """What happens to all frames of one sequence before they are encoded."""

    def __init__(self, mix: Mix, scale: int, random: Random) -> None:
        self.random = random
        self.noise = abs(random.normal(0, 1.5)) if happens(mix.noise, random) else 0
        self.kernel = pick(mix.kernels, random)
        self.full_range = happens(mix.full_range, random)
        self.light = random.uniform(0.08, 0.5) if happens(mix.dark, random) else 1
        self.grain = (random.uniform(2, 8), random.uniform(0.6, 0.6 * scale)) if happens(mix.grain, random) else None
        self.haloes = (random.uniform(0.4, 1.5), random.uniform(0.5, 1.5)) if happens(mix.sharpened, random) else None
        self.haloes_stay = bool(self.haloes) and random.random() < 0.5
        self.shrink = SHRINK[self.kernel](scale, random)

    def scene(self, ycc: np.ndarray) -> np.ndarray:
        """3 x H x W of video range to the large picture, not rounded."""
        if self.light < 1:
            ycc = OFFSET + self.light * (ycc - OFFSET)
        if self.full_range:
            ycc = (ycc - OFFSET) * (255 / 219) + FULL_OFFSET
        luma = ycc[0]
        if self.haloes and self.haloes_stay:
            luma = sharpen(luma, *self.haloes)
        if self.grain:
            luma = grain(luma, *self.grain, self.random)
        if self.noise:
            luma = luma + self.random.normal(0, self.noise, luma.shape)
        return np.stack([luma, *ycc[1:]], dtype=np.float32, casting="same_kind")

    def small(self, high: np.ndarray, side: int) -> np.ndarray:
        """The large luma made small, not rounded."""
        low = self.shrink(high, side)
        return sharpen(low, *self.haloes) if self.haloes and not self.haloes_stay else low


MIXES = {
    "first": Mix({"x264": 0.55, "x265": 0.15, "vp9": 0.15, "mpeg2": 0.15},
                 {"bicubic": 0.7, "lanczos": 0.15, "area": 0.15}),
    "wide": Mix({"x264": 0.27, "zerolatency": 0.19, "capped": 0.05, "x265": 0.06, "vp9": 0.06, "vp8": 0.05,
                 "mpeg2": 0.05, "mpeg4": 0.10, "mjpeg": 0.08, "twice": 0.05, "none": 0.04},
                {"bicubic": 0.64, "lanczos": 0.10, "area": 0.12, "bilinear": 0.06, "nearest": 0.03, "blurred": 0.05},
                full_range=0.12, grain=0.08, sharpened=0.08, dark=0.08),
}
