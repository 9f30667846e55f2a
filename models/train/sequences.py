"""Short moving sequences made from stills, as if a camera panned, zoomed, shook or stood still."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from codec import Planes
from data import LUMA, resize, to_bytes
from degradations import OFFSET, Camera, Mix, happens

# BT.601, 0..255 to 16..235 and 16..240.
MATRIX = np.stack([LUMA, *(np.array([[-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], np.float32) / 255)])


class Path:
    """Position and side of a window in an image at each of `frames` times; `size` is its side without zoom."""

    def __init__(self, image: tuple[int, int], size: int, frames: int, random: np.random.Generator) -> None:
        room = min(image) / size  # the largest zoom that still fits
        zoom = np.ones(frames)
        kind = random.choice(["pan", "zoom", "shake", "stand"], p=[0.45, 0.2, 0.2, 0.15])
        if kind == "zoom" or random.random() < 0.3:
            first = random.uniform(1, min(room, 2))
            speed = random.uniform(-0.02, 0.02) if kind == "zoom" else 0
            zoom = np.clip(first + speed * np.arange(frames), 1, min(room, 2.2))
        self.kind = kind
        self.sides = np.minimum(zoom * size, min(image))  # rounding can make room times size larger than the image
        free = np.array(image) - self.sides.max()
        start = random.uniform(0, 1, 2) * free
        if kind == "shake":
            moves = random.normal(0, 1.5, (frames, 2)).cumsum(0)
        else:
            velocity = random.normal(0, 3, 2) * (kind != "stand")
            moves = np.arange(frames)[:, None] * velocity
        self.corners = np.clip(start + moves, 0, free)

    def box(self, time: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom; in whole pixels if nothing is resized, so that nothing is blurred."""
        corner, side = self.corners[time], self.sides[time]
        if side == round(side):
            corner = corner.round()
        return (*corner, *(corner + side))


def view(image: Image.Image, path: Path, time: int, size: int) -> Image.Image:
    return image.resize((size, size), Image.Resampling.BICUBIC, path.box(time))


def planes(rgb: np.ndarray) -> np.ndarray:
    """H x W x 3 of 0..255 to 3 x H x W, Y Cb Cr of video range, not rounded."""
    return np.moveaxis(rgb @ MATRIX.T, -1, 0) + OFFSET


class Sequence:
    """High-resolution lumas and the low-resolution frames made of them, `size` pixels a side."""

    def __init__(self, still: Image.Image, other: Image.Image, size: int, scale: int, frames: int,
                 random: np.random.Generator, mix: Mix) -> None:
        large = size * scale
        if happens(mix.soft, random):  # not every camera is sharp and in focus
            still = still.filter(ImageFilter.GaussianBlur(float(np.exp(random.uniform(-1, 1)))))
        path = Path(still.size, large, frames, random)
        second = Path(other.size, large, frames, random) if random.random() < 0.25 else None
        camera = Camera(mix, scale, random)
        self.motion, self.kernel = path.kind, camera.kernel
        self.high: list[np.ndarray] = []
        self.low: list[Planes] = []
        spot, drift = random.uniform(0.2, 0.8, 2) * large, random.normal(0, 3, 2)
        radius = random.uniform(0.1, 0.3, 2) * large
        for time in range(frames):
            frame = view(still, path, time, large)
            if second:  # an ellipse of another picture moves independently
                centre = spot + drift * time
                mask = Image.new("L", frame.size)
                ImageDraw.Draw(mask).ellipse((*(centre - radius), *(centre + radius)), fill=255)
                frame.paste(view(other, second, time, large), mask=mask.filter(ImageFilter.GaussianBlur(1)))
            ycc = camera.scene(planes(np.asarray(frame, np.float32)))
            self.high.append(to_bytes(ycc[0]))
            half = size // 2
            self.low.append((to_bytes(camera.small(self.high[-1], size)),
                             *(to_bytes(resize(p, half, half)) for p in ycc[1:])))
