"""Drawn patterns: checks, stripes, grids, halftones and zone plates, as pairs to learn from.

Photographs hardly have them, screens do, and what a network never sees it may get wrong by a hundred levels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from data import Pair, resize, to_bytes

LEVELS = (0, 255), (16, 235)  # dark and light of half of the patterns; the others draw theirs
MOST = 4  # low-resolution pixels that a check or stripe is wide


def indices(random: np.random.Generator, side: int, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a high-resolution square, moved: mostly by whole low-resolution pixels, so that the small
    picture is as hard as the large one."""
    y, x = np.indices((side, side))
    step = scale if random.random() < 0.75 else 1
    down, right = step * random.integers(0, 24, 2)
    return y + down, x + right


def width(random: np.random.Generator, scale: int) -> int:
    """Half of them are a single low-resolution pixel: the hardest."""
    return scale * (1 + int(MOST * random.random() ** 2))


def checks(random: np.random.Generator, side: int, scale: int) -> np.ndarray:
    y, x = indices(random, side, scale)
    high = width(random, scale)
    wide = high if random.random() < 0.6 else width(random, scale)
    return (y // high + x // wide) % 2


def stripes(random: np.random.Generator, side: int, scale: int) -> np.ndarray:
    y, x = indices(random, side, scale)
    return [y, x, y + x, y - x][random.integers(4)] // width(random, scale) % 2


def grid(random: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Lines on an even ground, or dots where lines would cross."""
    y, x = indices(random, side, scale)
    line, mesh = scale * int(random.integers(1, 3)), scale * int(random.integers(3, 12))
    on = y % mesh < line, x % mesh < line
    return on[0] | on[1] if random.random() < 0.6 else on[0] & on[1]


def halftone(random: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Dots on a turned grid that grow from one side to the other."""
    y, x = np.indices((side, side))
    turn, mesh = random.uniform(0, np.pi), scale * random.uniform(2, 6)
    u, v = (x * np.cos(turn) + y * np.sin(turn)) / mesh, (y * np.cos(turn) - x * np.sin(turn)) / mesh
    tone = 0.5 * (np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v))
    return np.clip(0.5 + 2 * (tone + 1.6 * (x / side - 0.5)), 0, 1)


def zone_plate(random: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Rings that narrow, to the width of a low-resolution pixel at most."""
    y, x = np.indices((side, side))
    far = np.hypot(y - random.uniform(0, side), x - random.uniform(0, side))
    finest = np.pi / scale * random.uniform(0.3, 1)  # radians a pixel at the far end
    return 0.5 + 0.5 * np.cos(finest * far**2 / (2 * far.max()))


# A generator of random numbers, the original's side in pixels, and the scale; to a plane of 0 to 1.
Kind = Callable[[np.random.Generator, int, int], np.ndarray]
KINDS: list[Kind] = [checks, stripes, grid, halftone, zone_plate]


def levels(random: np.random.Generator) -> tuple[int, int]:
    """Dark and light, at least 16 apart."""
    if random.random() < 0.5:
        return LEVELS[random.integers(len(LEVELS))]
    dark = int(random.integers(0, 240))
    return dark, int(random.integers(dark + 16, 256))


def shrink(plane: np.ndarray, scale: int, random: np.random.Generator) -> np.ndarray:
    """By means of squares, or antialiased bicubic."""
    side = len(plane) // scale
    if random.random() < 0.6:
        return plane.reshape(side, scale, side, scale).mean((1, 3))
    return resize(plane, side, side)


def draw(random: np.random.Generator, side: int, scale: int, kind: Kind | None = None) -> Pair:
    """A pattern of side x side low-resolution pixels, of any kind if `kind` is None, and its original."""
    dark, light = levels(random)
    kind = kind or KINDS[random.integers(len(KINDS))]
    high = to_bytes(dark + (light - dark) * kind(random, side * scale, scale))
    return to_bytes(shrink(high.astype(np.float32), scale, random)), high
