#!/usr/bin/env python3
"""List what a model was trained on: for each image its SHA-256, a hash of its looks, and its name.

The list of the shipped models is inputs.txt; a test compares it with the images and clips that measure
them.  The hash of looks (dHash: which of two neighbours is brighter, in 17x16) survives another format or size.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from data import InputError, list_images, open_rgb

SIDE = 16


def looks(image: Image.Image) -> int:
    """256 bits; all but a few are the same for the same picture in another format or size."""
    small = np.asarray(image.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX), int)
    return int("".join(str(int(bit)) for bit in (small[:, 1:] > small[:, :-1]).ravel()), 2)


def far(a: int, b: int) -> int:
    """How many of the 256 bits differ; about half do in unrelated pictures."""
    return (a ^ b).bit_count()


def read(file: Path) -> dict[str, tuple[str, int]]:
    """SHA-256 and looks by name."""
    rows = (line.split(maxsplit=2) for line in file.read_text().splitlines())
    return {name: (sha, int(bits, 16)) for sha, bits, name in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+", help="folders, searched recursively")
    for folder in parser.parse_args().images:
        for file in list_images(folder):
            sha = hashlib.sha256(file.read_bytes()).hexdigest()
            print(f"{sha} {looks(open_rgb(file)):064x} {file.relative_to(folder.parent)}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"inputs: {error}")
