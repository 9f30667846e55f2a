#!/usr/bin/env python3
"""Make training pairs that look like real video: frames that went through an encoder, and their originals.

Stills become short moving sequences (pans, zooms, shakes, objects in front).  These are made small, encoded
and decoded as degradations.py says; some frames of each are kept with their sharp originals.  The folder is
made once; train.py --video trains from it.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

import codec
import degradations
from data import InputError, list_images, open_rgb
from folders import check_new, filling
from sequences import Sequence

FRAMES = 12  # of a sequence; longer ones show no other artefacts
KEPT = 3  # frames of a sequence that become pairs


def choose(random: np.random.Generator) -> np.ndarray:
    """Times of the frames to keep; seldom the first, because frames encoded by themselves are rare in real video."""
    first = 0 if random.random() < 0.3 else 1
    return np.sort(random.choice(np.arange(first, FRAMES), KEPT, replace=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--images", type=Path, nargs="+", required=True, help="folders of sharp images, searched recursively")
    add("--out", type=Path, required=True, help="folder to make")
    add("--scale", type=int, default=2)
    add("--size", type=int, default=96, help=f"side of a low-resolution frame, {codec.X265_MIN_SIDE} or more, a multiple "
        "of 4 (default %(default)s)")
    add("--sequences", type=int, default=6000)
    add("--mix", choices=list(degradations.MIXES), default="wide", help="which degradations, and how often "
        "(default %(default)s)")
    add("--seed", type=int, default=1)
    options = parser.parse_args()
    if (options.size < codec.X265_MIN_SIDE or options.size % 4 or options.scale < 2 or options.sequences < 1
            or options.seed < 0):
        parser.error(f"--size must be {codec.X265_MIN_SIDE} or more and a multiple of 4, --scale 2 or more, "
                     "--sequences 1 or more, --seed 0 or more")

    check_new(options.out)
    files = [file for folder in options.images for file in list_images(folder)]
    large = options.size * options.scale
    stills = {file: image for file in files if min((image := open_rgb(file)).size) >= large}
    if not stills:
        raise InputError(f"all {len(files)} images are smaller than {large}x{large}; give larger ones or a smaller --size")
    print(f"{len(stills)} images, {len(files) - len(stills)} left out as smaller than {large}x{large}", flush=True)
    with filling(options.out) as folder:
        write_pairs(stills, options, folder)


def write_pairs(stills: dict[Path, Image.Image], options: argparse.Namespace, folder: Path) -> None:
    """Fill the folder: low.npy, high.npy, and pairs.csv, which says how each pair was made."""
    names, large = sorted(stills), options.size * options.scale
    # Choose large images more often, but not in proportion: a wall of one texture is large too.
    weight = np.sqrt([stills[name].width * stills[name].height for name in names])
    random = np.random.default_rng(options.seed)
    count = options.sequences * KEPT
    low = np.lib.format.open_memmap(folder / "low.npy", "w+", np.uint8, (count, options.size, options.size))
    high = np.lib.format.open_memmap(folder / "high.npy", "w+", np.uint8, (count, large, large))
    mix = degradations.MIXES[options.mix]
    begin = time.monotonic()
    with open(folder / "pairs.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "motion", "kernel", "kind", "encodings", "frame"])
        for i in range(options.sequences):
            name, other = (names[random.choice(len(names), p=weight / weight.sum())] for _ in range(2))
            sequence = Sequence(stills[name], stills[other], options.size, options.scale, FRAMES, random, mix)
            kind, encodings = mix.encoding(random)
            decoded = sequence.low
            for encoding in encodings:
                decoded = codec.planes_through(decoded, encoding)
            for k, at in enumerate(choose(random)):
                low[i * KEPT + k], high[i * KEPT + k] = decoded[at][0], sequence.high[at]
                table.writerow([name.name, sequence.motion, sequence.kernel, kind, "; ".join(map(str, encodings)), at])
            if (i + 1) % 500 == 0:
                left = (time.monotonic() - begin) / (i + 1) * (options.sequences - i - 1) / 60
                print(f"{i + 1}/{options.sequences} sequences, {left:.1f} min left", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (InputError, OSError) as error:
        sys.exit(f"prepare: {error}")
