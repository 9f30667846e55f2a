"""The images that a run is validated on: few and small, so that they can be measured often."""

from __future__ import annotations

from pathlib import Path

import evaluate
from data import Pair, list_images, load_pair, size_of

MOST = 20  # images
SIDE = 512  # pixels each way that larger images are cut to; none of Set5 is larger


def load(folder: Path, scale: int) -> tuple[list[Pair], str]:
    """Pairs of up to MOST images, evenly chosen from the folder, large ones cut to their middle; a line that says so."""
    files = list_images(folder)
    count = min(MOST, len(files))
    chosen = [files[i * len(files) // count] for i in range(count)]
    about = f"validation images: {count}" + (f" of {len(files)}" if count < len(files) else "")
    cut = sum(max(size_of(file)) > SIDE for file in chosen)
    if cut:
        about += f", {cut} large ones cut to their middle {SIDE}x{SIDE}"
    return [evaluate.scorable(file, load_pair(file, scale, SIDE), scale) for file in chosen], about
