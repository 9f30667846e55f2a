#!/usr/bin/env python3
"""Make training pairs from the results of larger networks: the targets are the teachers' mean result.

Output distillation (Hinton, Vinyals and Dean 2015) with targets computed once, in advance: no training step waits
for a teacher, and teachers can be several, see colour, and have a larger scale than the student.  Targets lack the
detail that cannot be guessed, which would be noise to the student; and they need no original, so that pictures are
used at full size too.  One result serves several scales.  train.py --video trains from a scale's folder; --clean
sets the share of originals.

Targets are not rounded: the student's errors soon get as small as a byte's rounding.  With --gray the teachers
see only luma, as the student does.  In colour they are better (0.1 dB on Set5 at x2, 0.26 at x4), but then the
targets contain colour cues that luma cannot explain.  Tiles that bicubic enlarges about as well as the teachers
teach little and are used less often; those where a teacher's result is far from the picture, as with the published
ones on some flat gray areas, never.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import networks
import others
import weights
from data import LUMA, InputError, list_images, open_rgb, resize, size_of, stretch, to_bytes
from folders import check_new, filling

DETAIL = (0.3, 12.0)  # how often a tile is used: by bicubic's distance from the target in levels, limited to these
WILD = 60.0  # levels: a target whose local mean is so far from the picture is wrong; ringing at text makes 35


class Teachers:
    """RGB networks of the students' largest scale or a larger one, and their mean result."""

    def __init__(self, files: list[Path], scales: list[int], bf16: bool) -> None:
        self.scales = scales
        self.networks: list[tuple[nn.Module, float]] = []
        for file in files:
            network, unit = others.teacher(file)
            if network.channels != 3:
                raise InputError(f"{file}: takes luma; a teacher must take RGB here")
            if network.scale < max(scales):
                raise InputError(f"{file}: enlarges by {network.scale}, not by {max(scales)} or more")
            network.bf16 = bf16
            network.eval().to(memory_format=torch.channels_last)
            self.networks.append((network, unit))

    def answer(self, low: np.ndarray) -> dict[int, np.ndarray]:
        """h x w x 3 of 0..255, rounded or not, to luma by scale, each (scale h) x (scale w), float32."""
        samples = torch.from_numpy(low.astype(np.float32)).permute(2, 0, 1)[None] / 255
        height, width = low.shape[:2]
        with torch.inference_mode():
            answers = [luma(network(samples * unit)[0] * (255 / unit)) for network, unit in self.networks]
        # Reduced to each scale by the kernel that also makes students' inputs from pictures.
        return {scale: np.mean([resize(answer, width * scale, height * scale) for answer in answers], 0)
                for scale in self.scales}


def luma(rgb: Tensor) -> np.ndarray:
    """3 x h x w of 0..255 to h x w of 16..235, not rounded."""
    return rgb.permute(1, 2, 0).numpy() @ LUMA + 16


def gray(low: np.ndarray) -> np.ndarray:
    """h x w of 16..235 to the h x w x 3 of 0..255 that has this luma and no colour, not rounded."""
    return np.repeat(stretch(low)[..., None], 3, 2)


def share(low: np.ndarray, high: np.ndarray, scale: int) -> float:
    """How often to use a tile, relative to others; 0 if the target is far from the picture."""
    means = high.reshape(low.shape[0], scale, low.shape[1], scale).mean((1, 3))
    if not np.abs(means - low).max() < WILD:  # also false for NaN
        return 0.0
    cubic = resize(low.astype(np.float32), high.shape[1], high.shape[0])
    return float(np.clip(np.sqrt(np.mean((high - cubic) ** 2)), *DETAIL))


def shrunk(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """Width and height of a picture made small."""
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def shrink(image: Image.Image, factor: float) -> np.ndarray:
    """h x w x 3, float32, not rounded."""
    rgb = np.asarray(image, np.float32)
    if factor == 1:
        return rgb
    width, height = shrunk(image.size, factor)
    return np.stack([resize(rgb[..., channel], width, height) for channel in range(3)], -1)


def tiles(height: int, width: int, size: int) -> list[tuple[int, int]]:
    """Rows and columns of squares that cover a plane; the last overlap others unless `size` divides the plane."""
    rows, columns = (sorted({*range(0, side - size + 1, size), side - size}) for side in (height, width))
    return [(y, x) for y in rows for x in columns]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--teachers", type=Path, nargs="+", required=True, help=".safetensors files of RGB networks; with "
        "the package spandrel, also files of the networks it knows")
    add("--images", type=Path, nargs="+", required=True, help="folders of pictures, searched recursively")
    add("--out", type=Path, required=True, help="folder to make; it gets a folder for each scale: x2, x3, x4")
    add("--scales", type=int, nargs="+", default=[2], help="of the students (default 2)")
    add("--sizes", type=float, nargs="+", default=[0.5, 1.0], help="sizes at which each picture serves as the "
        "small one, relative to its own (default 0.5 1.0)")
    add("--size", type=int, default=64, help="side of a low-resolution tile (default 64)")
    add("--gray", action="store_true", help="show the teachers what the student sees: luma, as gray")
    add("--bf16", action="store_true", help="multiply in bfloat16 inside the teachers")
    options = parser.parse_args()
    if options.size < 1 or min(options.scales) < 2 or not all(0 < size <= 1 for size in options.sizes):
        parser.error("--size must be above 0, --scales 2 or more, --sizes in 0..1")
    size, scales = options.size, sorted(set(options.scales))
    check_new(options.out)
    teachers = Teachers(options.teachers, scales, options.bf16)
    pictures = [(file, factor, shrunk(size_of(file), factor))
                for folder in options.images for file in list_images(folder) for factor in options.sizes]
    work = [(file, factor, tiles(height, width, size)) for file, factor, (width, height) in pictures
            if min(width, height) >= size]
    if not work:
        raise InputError(f"all {len(pictures)} pictures are smaller than {size}x{size}; "
                         "give larger ones or a smaller --size")
    with filling(options.out) as folder:
        count = answer_all(teachers, work, size, folder, options.gray)
    print(f"{count} pairs; {len(pictures) - len(work)} pictures left out as smaller than {size}x{size}")


def answer_all(teachers: Teachers, work: list[tuple[Path, float, list[tuple[int, int]]]], size: int,
               folder: Path, as_gray: bool) -> int:
    """Fill the folder with the pairs of `work`: pictures, factors, corners of tiles.  Returns how many."""
    count = sum(len(places) for *_, places in work)
    lows: dict[int, np.ndarray] = {}
    highs: dict[int, np.ndarray] = {}
    shares: dict[int, np.ndarray] = {}
    for scale in teachers.scales:
        part = folder / f"x{scale}"
        part.mkdir()
        for arrays, name, kind, *sides in ((lows, "low", np.uint8, size, size), (shares, "share", np.float32),
                                           (highs, "high", np.float16, size * scale, size * scale)):
            arrays[scale] = np.lib.format.open_memmap(part / f"{name}.npy", "w+", kind, (count, *sides))
    k, begin = 0, time.monotonic()
    for done, (file, factor, places) in enumerate(work, 1):
        rgb = shrink(open_rgb(file), factor)
        low = to_bytes(rgb @ LUMA + 16)
        answer = teachers.answer(gray(low) if as_gray else to_bytes(rgb))
        for y, x in places:
            small = low[y:y + size, x:x + size]
            for scale in teachers.scales:
                large = answer[scale][y * scale:(y + size) * scale, x * scale:(x + size) * scale]
                lows[scale][k], highs[scale][k] = small, np.clip(large, 0, 255)
                shares[scale][k] = share(small, large, scale)
            k += 1
        if done % 50 == 0:
            left = (time.monotonic() - begin) / done * (len(work) - done) / 60
            print(f"{done}/{len(work)} pictures, {left:.1f} min left", flush=True)
    return count


if __name__ == "__main__":
    try:
        main()
    except (InputError, OSError, weights.WeightsError, networks.UnknownNetwork) as error:
        sys.exit(f"teach: {error}")
