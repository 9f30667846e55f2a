"""Measures of enlarged video: PSNR, SSIM, and flicker where the original is still.

Clips are made small, encoded, enlarged by each method, and compared with the originals.  All on luma, 8 bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import clips
import codec
import evaluate
import networks
import patterns
import plugin
import siblings
from convert import evaluate as layers
from data import InputError, resize, to_bytes

Frames = list[np.ndarray]
AROUND = 4  # pixels each way that must be still too, for a pixel to count as still
STILL = 1  # levels that a still pixel may change by
STILL_SHARE = 0.01  # of a clip's pixels that must be still for a figure of flicker
AGREE = 0.01  # dB that the plugin and PyTorch may differ by
PATTERN = 96  # low-resolution pixels of a drawn pattern's side
BEST = 99.0  # dB counted for an exact frame, a black one for instance
SSIM_EVERY = 4  # frames


@dataclass(frozen=True)
class Upscaler:
    """A way to enlarge; `model` is None for the filters, `file` the weights if they are known.

    `stabilize` and `sharpness` are the element's properties.
    """

    name: str
    scale: int
    model: str | None = None
    file: Path | None = None
    stabilize: float = 0
    sharpness: float = 0

    def __call__(self, frames: Frames, threads: int = 0) -> Frames:
        """Byte planes of one size, enlarged; a model's by the plugin."""
        if self.model:
            # The default is integers on some processors only; figures must be comparable, also with PyTorch's.
            return plugin.upscale(frames, self.model, self.scale, [
                f"n-threads={threads}", "precision=float32", f"stabilize={self.stabilize}", f"sharpness={self.sharpness}"])
        kind = {"bicubic": Image.Resampling.BICUBIC, "Lanczos": Image.Resampling.LANCZOS}[self.name]
        height, width = (self.scale * side for side in frames[0].shape)
        return [to_bytes(resize(frame, width, height, kind)) for frame in frames]

    def torch(self, frames: Frames) -> Frames | None:
        """The same by PyTorch; None without a luma network's file, or if frames depend on each other."""
        network = luma_network(self.file, self.sharpness) if self.file and not self.stabilize else None
        return list(map(network, frames)) if network else None


def listed(tensors: dict[str, torch.Tensor], about: dict[str, str]) -> Callable[[np.ndarray], np.ndarray]:
    """A network whose file lists its layers, as a function of byte planes."""
    gain = float(about.get("input_range", "1")) / 255

    def upscale(low: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            picture = torch.from_numpy(low.astype(np.float32))[None, None] * gain
            return to_bytes(layers.enlarge(tensors, about, picture)[0, 0].numpy() / gain)
    return upscale


@cache
def luma_network(file: Path, sharpness: float = 0) -> Callable[[np.ndarray], np.ndarray] | None:
    """A file's network as a function of byte planes; None if its input is in colour."""
    tensors, about = siblings.read(file, sharpness)
    if "layers" in about:
        return listed(tensors, about) if about.get("colour") == "luma" else None
    network, _, about = networks.load(file, sharpness)
    return evaluate.through(network, float(about.get("input_range", "1"))) if network.channels == 1 else None


def on_patterns(methods: list[Upscaler], kind: patterns.Kind, count: int) -> dict[str, list[float]]:
    """dB of each method (all of one scale) on each of `count` drawn patterns, the same at every call."""
    random = np.random.default_rng(5)
    scale = methods[0].scale
    pairs = [patterns.draw(random, PATTERN, scale, kind) for _ in range(count)]
    inner = (slice(4 * scale, -4 * scale),) * 2  # a pattern has no natural continuation
    return {method.name: [min(BEST, evaluate.psnr(result[inner], high[inner]))
                          for result, (_, high) in zip(method([low for low, _ in pairs]), pairs)]
            for method in methods}


def still(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Which pixels, with all pixels around them, do not change between two frames."""
    moved = np.abs(before.astype(int) - now) > STILL
    for axis in (0, 1):
        moved = np.any([np.roll(moved, by, axis) for by in range(-AROUND, AROUND + 1)], axis=0)
    return ~moved


def flicker(frames: Frames, truth: Frames) -> float:
    """Mean absolute change between frames, in levels, where the truth is still; NaN if it hardly ever is."""
    total = count = 0.0
    for t in range(1, len(frames)):
        mask = still(truth[t - 1], truth[t])
        total += float(np.abs(frames[t].astype(int) - frames[t - 1])[mask].sum())
        count += float(mask.sum())
    return total / count if count > STILL_SHARE * truth[0].size * (len(frames) - 1) else float("nan")


@dataclass
class Figures:
    """One method on one clip at one quality."""

    psnr: float  # dB, mean of frames
    ssim: float
    flicker: float  # levels a frame; NaN if nothing is still
    apart: float | None  # dB between the plugin and PyTorch; None without PyTorch's frames


def figures(result: Frames, truth: Frames, scale: int, torch: Frames | None) -> Figures:
    """Compare frames with the truth; `torch` are PyTorch's first and last frame."""
    inner = (slice(scale, -scale),) * 2

    def psnr(frames: Frames, originals: Frames) -> float:
        return float(np.mean([min(BEST, evaluate.psnr(f[inner], t[inner])) for f, t in zip(frames, originals)]))

    apart = None
    if torch:
        ends = [truth[0], truth[-1]]
        apart = abs(psnr([result[0], result[-1]], ends) - psnr(torch, ends))
    ssim = [evaluate.ssim(f[inner], t[inner]) for f, t in zip(result[::SSIM_EVERY], truth[::SSIM_EVERY])]
    return Figures(psnr(result, truth), float(np.mean(ssim)), flicker(result, truth), apart)


def clip(source: clips.Clip, methods: list[Upscaler], encodings: list[str],
         threads: int) -> dict[tuple[str, str], Figures]:
    """All methods (of one scale) after all encodings (codec.named); InputError if plugin and PyTorch differ."""
    result = {}
    for encoding in encodings:
        low = source.encoded(codec.named(encoding))
        for method in methods:
            torch = method.torch([low[0], low[-1]])
            found = figures(method(low, threads), source.high, method.scale, torch)
            if (found.apart or 0) > AGREE:
                raise InputError(f"{method.name} x{method.scale}, {source.name}: "
                                 f"the plugin and PyTorch differ by {found.apart:.3f} dB")
            result[encoding, method.name] = found
    return result
