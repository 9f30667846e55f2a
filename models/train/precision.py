#!/usr/bin/env python3
"""Compare the plugin's results in integers with those in floating point: precision=int16 and precision=float32.

On a folder of high-resolution images (Set5) and on artificial patterns; a table row for each model. With `--clips`
also on video, plain and after x264: by how many dB integers change a clip, and the largest difference.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import clips
import codec
import evaluate
import names
import plugin
from data import InputError

SIDE = 96  # pixels of a pattern
LEVELS = (0, 255), (40, 210), (110, 255)  # dark and light of the patterns that are moved pixel by pixel
PRECISIONS = "float32", "int16"
HEAD = """| model | Set5 float32 | Set5 int16 | between both | largest | patterns, worst | largest |
|---|---|---|---|---|---|---|"""

CLIP_HEAD = """
| model | clips | change, mean | worst | largest |
|---|---|---|---|---|"""
ENCODINGS = "none", "x264:23"
SKIP, FRAMES = 10, 4  # of a clip
LARGEST = 1280, 720  # that frames are cut to


def patterns() -> list[np.ndarray]:
    """Checks, stripes, zone plates, noise and ramps; not those that steps are made from, except at full range."""
    random = np.random.default_rng(77)
    y, x = np.indices((SIDE, SIDE))
    planes = [255 * ((y // high + x // wide) % 2) for high, wide in (
        (1, 1), (2, 2), (1, SIDE), (SIDE, 1), (2, 3), (4, 4), (5, 3))]
    planes += [127.5 + 127.5 * np.sin((x * x + y * y) / size) for size in (55, 120)]
    planes += [random.integers(0, 256, (SIDE, SIDE)), 255 * (random.random((SIDE, SIDE)) < 0.5)]
    planes += [np.clip(2.6 * x, 0, 255), x // 2 + y // 2, np.clip(128 + 50 * random.normal(size=(SIDE, SIDE)), 0, 255)]
    for high, wide in ((1, 1), (1, 2), (2, 2)):
        moved = [((y + down) // high + (x + right) // wide) % 2 for down in range(2 * high) for right in range(wide)]
        planes += [low + (top - low) * plane for plane in moved for low, top in LEVELS]
    planes += [low + (top - low) * ((at + move) % 2) for at in (y, x) for move in (0, 1) for low, top in LEVELS]
    return [np.uint8(np.rint(plane)) for plane in planes]


def enlarge(planes: list[np.ndarray], model: str, scale: int, precision: str, sharpness: float) -> list[np.ndarray]:
    return [plugin.upscale([plane], model, scale, [f"precision={precision}", f"sharpness={sharpness}"])[0]
            for plane in planes]


def largest(a: list[np.ndarray], b: list[np.ndarray]) -> int:
    return max(int(np.abs(one.astype(int) - other).max()) for one, other in zip(a, b))


def compare(model: str, scale: int, folder: Path, sharpness: float = 0) -> tuple[float, float, float, int, float, int]:
    """Set5: dB of both, dB between both (worst image), largest difference; and both for the patterns."""
    pairs = evaluate.load_pairs(folder, scale)
    results = [enlarge([low for low, _ in pairs], model, scale, precision, sharpness) for precision in PRECISIONS]
    inner = (slice(scale, -scale),) * 2
    one, other = (float(np.mean([evaluate.psnr(result[inner], high[inner]) for result, (_, high) in zip(of, pairs)]))
                  for of in results)
    hard = [enlarge(patterns(), model, scale, precision, sharpness) for precision in PRECISIONS]
    return (one, other, min(map(evaluate.psnr, *results)), largest(*results), min(map(evaluate.psnr, *hard)),
            largest(*hard))


def usable(files: list[Path], scale: int) -> list[clips.Clip]:
    found = []
    for file in files:
        try:
            found.append(clips.Clip.read(file, file.name, scale, SKIP, FRAMES, LARGEST))
        except clips.Unusable as why:
            print(f"left out: {why}", file=sys.stderr)
    return found


Change = tuple[float, str]  # of a clip's dB, and which clip it is


def compare_clips(model: str, scale: int, sources: list[clips.Clip]) -> tuple[list[Change], int]:
    """By how many dB integers change each clip after each encoding, and the largest difference of a sample."""
    inner = (slice(scale, -scale),) * 2
    changes, most = [], 0
    for source in sources:
        for encoding in ENCODINGS:
            low = source.encoded(codec.named(encoding))
            results = [plugin.upscale(low, model, scale, [f"precision={precision}"]) for precision in PRECISIONS]
            floats, integers = (np.mean([evaluate.psnr(frame[inner], high[inner])
                                         for frame, high in zip(result, source.high)]) for result in results)
            changes.append((float(integers - floats), f"{source.name}, {encoding}: {floats:.1f} dB in float32"))
            most = max(most, largest(*results))
    return changes, most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("folder", type=Path, help="high-resolution images")
    add("--model", nargs="+", default=names.shipped(),
        help="built in, or a file (default: all built-in ones)")
    add("--scale", type=int, nargs="+", default=[2, 3, 4])
    add("--clips", type=Path, nargs="+", default=[], help="video files")
    add("--sharpness", type=float, default=0, help="the element's property of that name, of models with siblings, for the "
        "images (default 0)")
    options = parser.parse_args()

    plugin.check()
    print(HEAD)
    for model in options.model:
        for scale in options.scale:
            floats, integers, between, off, worst, most = compare(model, scale, options.folder, options.sharpness)
            print(f"| `{model}` x{scale} | {floats:.3f} | {integers:.3f} | {between:.1f} dB | {off} | "
                  f"{worst:.1f} dB | {most} |", flush=True)
    if options.clips:
        print(CLIP_HEAD)
    for scale in options.scale if options.clips else []:
        sources = usable(options.clips, scale)
        if not sources:
            raise InputError(f"none of the clips can be scored at x{scale}")
        for model in options.model:
            changes, most = compare_clips(model, scale, sources)
            worst, which = min(changes)
            mean = np.mean([change for change, _ in changes])
            print(f"| `{model}` x{scale} | {len(sources)} | {mean:+.3f} dB | {worst:+.3f} dB | {most} |", flush=True)
            print(f"worst of {model} x{scale}: {which}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
