"""A drawn scene to show models on: a brick house, a bare tree, hills, a sign.

It is the same in every run, and our own work, so that pictures of it can be given away.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data import InputError

FINE = 4  # draw so many times as large, then make small: edges become as soft as a lens makes them
FONTS = {kind: f"DejaVu{kind}.ttf" for kind in ("Sans-Bold", "Serif", "Sans")}


def font(kind: str, size: int) -> ImageFont.FreeTypeFont:
    """A DejaVu font; InputError if it is not installed."""
    try:
        return ImageFont.truetype(FONTS[kind], size)
    except OSError:
        raise InputError(f"{FONTS[kind]} is not installed (Debian: fonts-dejavu-core)") from None


def noise(width: int, height: int, coarsest: int, finest: int, random: np.random.Generator) -> np.ndarray:
    """Fractal noise of mean 0 and deviation 1: random grids of falling cell size, enlarged and added."""
    total = np.zeros((height, width), np.float32)
    cell = coarsest
    while cell >= finest:
        grid = random.standard_normal((height // cell + 3, width // cell + 3)).astype(np.float32)
        image = Image.fromarray(grid).resize((grid.shape[1] * cell, grid.shape[0] * cell), Image.Resampling.BICUBIC)
        total += cell**0.9 * np.asarray(image)[cell:cell + height, cell:cell + width]
        cell //= 2
    return (total - total.mean()) / total.std()


class Scene:
    """A canvas `FINE` times the size of the result; coordinates and widths are those of the result."""

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self.random = np.random.default_rng(7)
        self.image = Image.fromarray(self.sky())
        self.draw = ImageDraw.Draw(self.image)

    def sky(self) -> np.ndarray:
        width, height = (FINE * side for side in self.size)
        clouds = np.clip(noise(width, height, 256, 16, self.random) * 0.5 + 0.3, 0, 1)[..., None]
        down = np.linspace(0, 1, height)[:, None, None]
        blue = np.array([92, 140, 196]) * (1 - down) + np.array([200, 216, 226]) * down
        return np.uint8(blue * (1 - clouds) + np.array([238, 238, 235]) * clouds)

    def line(self, points: list[tuple[float, float]], colour: tuple[int, int, int], width: float) -> None:
        self.draw.line([(FINE * x, FINE * y) for x, y in points], colour, max(1, round(FINE * width)), "curve")

    def polygon(self, points: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        self.draw.polygon([(FINE * x, FINE * y) for x, y in points], colour)

    def write(self, x: float, y: float, text: str, kind: str, size: float, colour: tuple[int, int, int]) -> None:
        self.draw.text((FINE * x, FINE * y), text, colour, font(kind, round(FINE * size)), anchor="mm")

    def shade(self, colour: tuple[int, int, int], spread: float = 12) -> tuple[int, int, int]:
        """A colour, a little lighter or darker at random."""
        by = self.random.normal(0, spread)
        red, green, blue = (int(np.clip(c + by, 0, 255)) for c in colour)
        return red, green, blue

    def ground(self, horizon: float) -> None:
        """A meadow: grass texture, then single blades."""
        width, height = (FINE * side for side in self.size)
        top = int(FINE * horizon)
        grain = noise(width, height, 64, 2, self.random)[..., None]
        edge = top + FINE * 4 * np.sin(np.arange(width) / (FINE * 40))
        below = (np.arange(height)[:, None] > edge)[..., None]
        green = np.clip(np.array([98, 112, 58]) + 17 * grain, 0, 255)
        self.image.paste(Image.fromarray(np.uint8(np.where(below, green, np.asarray(self.image)))))
        for _ in range(int(self.size[0] * 7)):
            x, y = self.random.uniform(0, self.size[0]), self.random.uniform(horizon + 10, self.size[1] + 8)
            lean, long = self.random.normal(0, 2), self.random.uniform(3, 9)
            self.line([(x, y), (x + lean / 3, y - long / 2), (x + lean, y - long)],
                      self.shade((118, 134, 62), 28), self.random.uniform(0.3, 0.9))

    def bricks(self, left: float, top: float, right: float, bottom: float) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], (178, 168, 154))
        y, row = top, 0
        while y < bottom:
            x = left - (row % 2) * 6.5
            while x < right:
                box = max(left, x), y, min(right, x + 11.6), min(bottom, y + 4.7)
                if box[2] > box[0]:
                    self.polygon([(box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3])],
                                 self.shade((152, 84, 64)))
                x += 13
            y, row = y + 6, row + 1

    def roof(self, left: float, right: float, ridge: float, eaves: float) -> None:
        """A roof hatched by its tiles."""
        inset = (eaves - ridge) * 0.45
        self.polygon([(left, eaves), (left + inset, ridge), (right - inset, ridge), (right, eaves)], (86, 72, 70))
        for k in range(1, 9):
            y = ridge + (eaves - ridge) * k / 9
            side = inset * (1 - k / 9)
            self.line([(left + side, y), (right - side, y)], (46, 36, 38), 1)
        count = int((right - left) / 5)
        for k in range(count + 1):
            share = k / count
            self.line([(left + inset + (right - left - 2 * inset) * share, ridge),
                       (left + (right - left) * share, eaves)], (120, 104, 98), 0.9)

    def window(self, x: float, y: float, width: float, height: float) -> None:
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], (236, 232, 222))
        self.polygon([(x + 2, y + 2), (x + width - 2, y + 2), (x + width - 2, y + height - 2), (x + 2, y + height - 2)],
                     (44, 56, 68))
        for k in range(int(height / 3.5) - 1):  # a blind
            self.line([(x + 2, y + 4 + 3.5 * k), (x + width - 2, y + 4 + 3.5 * k)], (160, 168, 170), 1.2)
        self.line([(x + width / 2, y), (x + width / 2, y + height)], (236, 232, 222), 1.4)

    def branch(self, x: float, y: float, angle: float, long: float, width: float) -> None:
        """A branch and the smaller ones that grow from it."""
        points = [(x, y)]
        for _ in range(4):
            angle += self.random.normal(0, 0.12)
            x, y = x + long / 4 * math.cos(angle), y - long / 4 * math.sin(angle)
            points.append((x, y))
        self.line(points, self.shade((58, 46, 40), 6), width)
        if width < 0.35:
            return
        for _ in range(3 if width < 3 else 2):
            self.branch(x, y, angle + self.random.normal(0, 0.5), long * self.random.uniform(0.6, 0.85), width * 0.62)

    def sign(self, x: float, y: float) -> None:
        self.polygon([(x - 2, y), (x + 2, y), (x + 2, y + 90), (x - 2, y + 90)], (96, 82, 66))
        self.polygon([(x - 47, y - 26), (x + 47, y - 26), (x + 47, y + 22), (x - 47, y + 22)], (38, 66, 54))
        self.polygon([(x - 45, y - 24), (x + 45, y - 24), (x + 45, y + 20), (x - 45, y + 20)], (242, 238, 222))
        self.write(x, y - 14, "OLD MILL", "Sans-Bold", 13, (30, 44, 40))
        self.write(x, y, "open from ten to six", "Serif", 8.5, (52, 48, 44))
        self.write(x, y + 12, "No. 1873 · 2.4 km", "Sans", 8.5, (150, 40, 34))

    def result(self) -> Image.Image:
        return self.image.resize(self.size, Image.Resampling.LANCZOS)


def draw(width: int, height: int) -> Image.Image:
    """The scene; laid out for 480x320 and wider."""
    scene = Scene(width, height)
    horizon = height * 0.66
    for k, colour in enumerate(((150, 164, 170), (112, 130, 122), (84, 104, 84))):
        y = horizon - 34 + 14 * k
        hill = [(x, y + 12 * math.sin(x / (70 - 12 * k) + 2 * k)) for x in range(-5, width + 10, 5)]
        scene.polygon([*hill, (width + 10, height), (-5, height)], colour)
    scene.ground(horizon)
    scene.bricks(250, 110, 390, horizon + 22)
    scene.roof(238, 402, 62, 112)
    scene.window(268, 132, 30, 40)
    scene.window(338, 132, 30, 40)
    scene.branch(170, horizon + 26, math.pi / 2, 62, 8)
    scene.branch(width - 40, horizon + 12, math.pi / 2, 48, 6)
    scene.sign(228, horizon - 4)
    return scene.result()
