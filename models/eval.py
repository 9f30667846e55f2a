#!/usr/bin/env python3
"""Measure models through the plugin itself, beside bicubic and Lanczos.

`images`: PSNR and SSIM on a folder of high-resolution images, as evaluate.py has them.
`video`: clips are made small, encoded by x264 at each quality, enlarged, and compared with what they were;
the tables tell the mean gain over Lanczos, the worst clip's, and how much more than Lanczos's the result
flickers where the original stands still.  All on Y; the tables are those of README.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "train"))
import clips  # noqa: E402
import codec  # noqa: E402
import evaluate  # noqa: E402
import networks  # noqa: E402
import plugin  # noqa: E402
import weights  # noqa: E402
from data import InputError, to_bytes  # noqa: E402

Frames = list[np.ndarray]
Method = Callable[[Frames], Frames]
AROUND = 4  # pixels each way that must stand still too, for a pixel to count as still
STILL = 1  # levels that a still pixel may change by
AGREE = 0.01  # dB that the plugin and PyTorch may differ by


def lanczos(scale: int) -> Method:
    """Three lobes."""
    def upscale(frame: np.ndarray) -> np.ndarray:
        image = Image.fromarray(frame.astype(np.float32), mode="F")
        size = frame.shape[1] * scale, frame.shape[0] * scale
        return to_bytes(np.asarray(image.resize(size, Image.Resampling.LANCZOS)))
    return lambda frames: [upscale(frame) for frame in frames]


def methods(models: list[str], scale: int) -> dict[str, Method]:
    """Lanczos, bicubic, and the models through the plugin, by name."""
    result = {"Lanczos": lanczos(scale), "bicubic": lambda frames: list(map(evaluate.bicubic(scale), frames))}
    for model in models:
        name = Path(model).stem if model.endswith(".safetensors") else model
        result[name] = lambda frames, model=model: plugin.upscale(frames, model, scale)
    return result


def file_of(model: str, scale: int) -> Path | None:
    """Where a model's weights are: itself, or the shipped file of that name."""
    file = Path(model) if model.endswith(".safetensors") else HERE / f"{model}_x{scale}.safetensors"
    return file if file.is_file() else None


def check_torch(models: list[str], scale: int, pairs: list[evaluate.Pair], measured: dict[str, float]) -> None:
    """Compare the plugin's figures with PyTorch's; InputError where they differ."""
    for (name, figure), model in zip(list(measured.items())[2:], models):
        file = file_of(model, scale)
        if file is None:
            continue
        network, _, about = networks.load(file)
        if network.channels != 1:
            continue
        truth = evaluate.score(evaluate.through(network, float(about.get("input_range", "1"))), pairs, scale)[0]
        print(f"{name}: PyTorch has {truth:.3f} dB, the plugin {figure:.3f} dB")
        if abs(truth - figure) > AGREE:
            raise InputError(f"{name}: the plugin and PyTorch differ by more than {AGREE} dB")


def images(options: argparse.Namespace) -> None:
    pairs = evaluate.load_pairs(options.folder, options.scale)
    measured = {}
    print("| method | PSNR | SSIM |\n|---|---|---|")
    for name, method in methods(options.model, options.scale).items():
        psnr, ssim = evaluate.score(lambda low: method([low])[0], pairs, options.scale)
        measured[name] = psnr
        print(f"| {name} | {psnr:.2f} dB | {ssim:.4f} |", flush=True)
    print()
    check_torch(options.model, options.scale, pairs, measured)


def still(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Which pixels do not change between two frames, nor any pixel around them."""
    moved = np.abs(before.astype(int) - now) > STILL
    for axis in (0, 1):
        moved = np.any([np.roll(moved, by, axis) for by in range(-AROUND, AROUND + 1)], axis=0)
    return ~moved


def flicker(frames: Frames, truth: Frames) -> float:
    """Mean absolute change between frames, in levels, where the truth stands still; NaN where it never does."""
    total = count = 0.0
    for t in range(1, len(frames)):
        mask = still(truth[t - 1], truth[t])
        total += float(np.abs(frames[t].astype(int) - frames[t - 1])[mask].sum())
        count += float(mask.sum())
    return total / count if count > 0.01 * truth[0].size else float("nan")


def quality_of(text: str) -> int | None:
    return None if text == "none" else int(text)


def video(options: argparse.Namespace) -> None:
    qualities = [quality_of(text) for text in options.crf.split(",")]
    able = methods(options.model, options.scale)
    rows: dict[tuple[str, int | None, str], tuple[float, float, float]] = {}
    for file in options.clips:
        clip = clips.Clip.read(file, options.scale, options.skip, options.frames)
        inner = (slice(options.scale, -options.scale),) * 2
        for crf in qualities:
            low = clip.encoded(None if crf is None else codec.x264(crf))
            for name, method in able.items():
                result = method(low)
                psnr = np.mean([evaluate.psnr(r[inner], h[inner]) for r, h in zip(result, clip.high)])
                ssim = np.mean([evaluate.ssim(r[inner], h[inner]) for r, h in zip(result[::4], clip.high[::4])])
                rows[clip.name, crf, name] = float(psnr), float(ssim), flicker(result, clip.high)
        print(f"{clip.name} measured", file=sys.stderr, flush=True)
    names = list(dict.fromkeys(clip for clip, _, _ in rows))
    heads = ["uncompressed" if crf is None else f"CRF {crf}" for crf in qualities]
    for name in [name for name in able if name != "Lanczos"]:
        print(f"\n{name}: gain over Lanczos in dB\n\n| clip | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|")
        table = np.array([[rows[clip, crf, name][0] - rows[clip, crf, "Lanczos"][0] for crf in qualities]
                          for clip in names])
        for clip, gains in [*zip(names, table), ("**mean**", table.mean(0)), ("**worst**", table.min(0))]:
            print(f"| {clip} | {' | '.join(f'{gain:+.2f}' for gain in gains)} |")
    print(f"\nmean SSIM\n\n| method | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|")
    for name in able:
        print(f"| {name} | {' | '.join(f'{np.mean([rows[clip, crf, name][1] for clip in names]):.4f}' for crf in qualities)} |")
    print(f"\nflicker where the original stands still, against Lanczos's\n\n| method | {' | '.join(heads)} |\n"
          f"|---{'|---' * len(heads)}|")
    for name in able:
        shares = []
        for crf in qualities:
            both = np.array([[rows[clip, crf, n][2] for n in (name, "Lanczos")] for clip in names])
            sums = both[~np.isnan(both).any(1)].mean(0) if not np.isnan(both).all() else (np.nan, np.nan)
            shares.append(f"{100 * (sums[0] / sums[1] - 1):+.0f}%" if sums[1] > 0 else "-")
        print(f"| {name} | {' | '.join(shares)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(required=True, metavar="images | video")
    of_images = what.add_parser("images", help="a folder of high-resolution images, such as Set5")
    of_images.add_argument("folder", type=Path)
    of_images.set_defaults(run=images)
    of_video = what.add_parser("video", help="clips, the better the source the better the measure")
    of_video.add_argument("clips", type=Path, nargs="+")
    of_video.add_argument("--crf", default="none,18,23,28,33", help="x264's qualities (default %(default)s)")
    of_video.add_argument("--skip", type=int, default=12, help="frames to leave out at the start (default 12)")
    of_video.add_argument("--frames", type=int, default=16, help="frames to take of each clip (default 16)")
    of_video.set_defaults(run=video)
    for sub in (of_images, of_video):
        sub.add_argument("--model", nargs="+", required=True, help="names of built-in models, or .safetensors files")
        sub.add_argument("--scale", type=int, default=2)
    options = parser.parse_args()
    plugin.check()
    options.run(options)


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"eval: --crf: {error}")
    except (InputError, weights.WeightsError, networks.UnknownNetwork) as error:
        sys.exit(f"eval: {error}")
