#!/usr/bin/env python3
"""Give a model the steps that it takes to be computed in 16-bit integers.

A step is what a unit of a channel stands for. Numbers up to 1310 steps are seen as they are, larger ones, up to
32767, in a coarser grid (core/kernels/int16.h). So a step is the larger of
  --share of the channel's largest number in pictures, divided by 1310, and
  --room times the largest in patterns made to hurt (checks, stripes, zone plates, noise), divided by 32767.
The numbers are what rfdn-ranges sees (meson setup -Dbench=true builds it).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import siblings
import weights
from data import InputError, list_images, load_pair

SIDE = 96  # pixels of a picture
UNSCALED, LARGEST = 1310, 32767  # RFDN_INT16_LIMIT, and what 16 bits hold
LEVELS = (0, 255), (16, 235), (60, 180), (0, 128), (128, 255)  # dark and light of checks and stripes
LEAST = 1 / 64  # of a map's largest step; a channel that hardly ever says anything needs none finer


def crops(folders: list[Path], count: int, seed: int) -> list[np.ndarray]:
    """Square pieces of low-resolution luma, as many of each folder."""
    random = np.random.default_rng(seed)
    pieces = []
    for folder in folders:
        files = list_images(folder)
        for i in random.permutation(len(files))[:count]:
            low = load_pair(files[i], 2)[0]
            if min(low.shape) >= SIDE:
                y, x = (random.integers(side - SIDE + 1) for side in low.shape)
                pieces.append(low[y:y + SIDE, x:x + SIDE])
    if not pieces:
        raise InputError(f"no picture of {2 * SIDE}x{2 * SIDE} pixels or more in {', '.join(map(str, folders))}")
    return pieces


def shifted() -> list[np.ndarray]:
    """Small checks and stripes, moved by each number of pixels: ESA leaves out every second pixel, so that one of them
    may make numbers many times as large as the same a pixel beside."""
    y, x = np.indices((SIDE, SIDE))
    checks = [(y + down) // high + (x + right) // wide for high in (1, 2, 3) for wide in (1, 2, 3) if abs(high - wide) < 2
              for down in range(2 * high) for right in range(wide)]
    stripes = [(at + move) // wide for at in (y, x) for wide in (1, 2, 3) for move in range(2 * wide)]
    return [np.uint8(low + (high - low) * (plane % 2)) for plane in checks + stripes for low, high in LEVELS]


def patterns(seed: int) -> list[np.ndarray]:
    """What real pictures hardly have: noise, checks, stripes and zone plates of full range."""
    random = np.random.default_rng(seed)
    y, x = np.indices((SIDE, SIDE))
    planes = [random.random((SIDE, SIDE)) < share for share in (0.5, 0.2, 0.8)]
    planes += [(y // high + x // wide) % 2 for high, wide in (
        (1, 1), (1, 2), (2, 1), (2, 2), (1, SIDE), (SIDE, 1), (2, SIDE), (SIDE, 2), (3, 3), (4, 4), (8, 8))]
    planes += [(y + x) // wide % 2 for wide in (3, 5, 7)]
    grey = random.integers(0, 256, (SIDE, SIDE))
    plates = [127.5 + 127.5 * np.cos(((x - at) ** 2 + y**2) / size + phase)
              for size in (35, 45, 60, 80, 100, 160) for at in (0, SIDE / 2) for phase in (0, np.pi / 2)]
    planes = [255 * np.asarray(plane) for plane in planes] + [np.rint(plane) for plane in [grey, *plates]]
    return [np.uint8(plane) for plane in planes] + shifted()


def ranges(tool: Path, model: Path, planes: list[np.ndarray], sharpness: float = 0) -> list[np.ndarray]:
    """The largest magnitude of each channel, an array for each map."""
    try:
        result = subprocess.run([tool, model, str(SIDE), str(SIDE), str(sharpness)],
                                input=b"".join(p.tobytes() for p in planes), capture_output=True)
    except OSError as error:
        raise InputError(f"{tool}: {error.strerror}; build it (meson setup -Dbench=true), or name it by --tool") from None
    if result.returncode:
        raise InputError(result.stderr.decode().strip())
    return [np.array(line.split(), float) for line in result.stdout.decode().splitlines()]


def fill_silent(maps: list[np.ndarray]) -> list[np.ndarray]:
    """A map that is zero throughout gets the range of the map before: with none its step would be next to nothing, and
    no integer weights would fit."""
    filled = [maps[0]]
    for values in maps[1:]:
        filled.append(values if values.max() > 0 else np.full_like(values, filled[-1].max()))
    return filled


def choose(usual: np.ndarray, hard: np.ndarray, share: float, room: float) -> np.ndarray:
    """A map's steps."""
    steps = np.maximum(share * usual / UNSCALED, room * np.maximum(usual, hard) / LARGEST)
    return np.maximum(steps, max(steps.max() * LEAST, 1e-9))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("model", type=Path)
    add("out", type=Path, help="file to write; may be the same")
    add("--images", type=Path, nargs="+", required=True, help="folders of pictures that it learnt from")
    add("--count", type=int, default=12, help="pictures of each folder (default: 12)")
    add("--share", type=float, default=0.5, help="of a channel's range in pictures (default: 0.5)")
    add("--room", type=float, default=1.25,
        help="how far patterns may go beyond those that were seen (default: 1.25)")
    add("--tool", type=Path, default=Path("build/models/steps/rfdn-ranges"), help="default: build/models/steps/rfdn-ranges")
    options = parser.parse_args()

    pictures, hurting = crops(options.images, options.count, 1), patterns(2)

    def steps(sharpness: float) -> str:
        usual = fill_silent(ranges(options.tool, options.model, pictures, sharpness))
        hard = ranges(options.tool, options.model, hurting, sharpness)
        return "\n".join(" ".join(f"{step:.6g}" for step in choose(*both, options.share, options.room))
                         for both in zip(usual, hard))

    keys = {0: "steps"}
    if "siblings" in weights.read(options.model)[1]:
        keys |= {1: siblings.PREFIXES["sharp"] + "steps", -1: siblings.PREFIXES["soft"] + "steps"}
    more = {key: steps(sharpness) for sharpness, key in keys.items()}
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / options.out.name
        weights.tell(options.model, trial, more)
        for sharpness in keys:
            ranges(options.tool, trial, [], sharpness)  # the engine says why it refuses them; then nothing is written
    weights.tell(options.model, options.out, more)
    print(f"{options.out}: steps of {more['steps'].count(chr(10)) + 1} maps")


if __name__ == "__main__":
    try:
        main()
    except (InputError, weights.WeightsError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
