#!/usr/bin/env python3
"""Score a model, and bicubic for comparison, on Y of a folder of high-resolution images.

The protocol is that of Set5: images cut to a multiple of the scale, BT.601 luma in 16..235, output
rounded to 8 bit, `scale` pixels cut off each border, PSNR and SSIM averaged over the images.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import networks
import weights
from data import InputError, Pair, crop_to_multiple, list_images, load_pair, read_luma, resize, to_bytes

WINDOW = 11  # side of SSIM's window


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """dB between two H x W planes of 0..255."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean SSIM of two H x W planes of 0..255: 11x11 Gaussian window of 1.5, no padding."""
    window = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * 1.5**2))
    window = (window / window.sum()).astype(np.float32)
    height, width = (side - WINDOW + 1 for side in a.shape)
    a, b = (plane.astype(np.float32) - 128 for plane in (a, b))  # small values keep more precision
    blurred = np.stack([a, b, a * a, b * b, a * b])
    blurred = sum(weight * blurred[:, y:y + height] for y, weight in enumerate(window))
    blurred = sum(weight * blurred[:, :, x:x + width] for x, weight in enumerate(window))
    mean_a, mean_b, squares_a, squares_b, products = blurred
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    variances = squares_a - mean_a**2 + squares_b - mean_b**2
    covariance = products - mean_a * mean_b
    mean_a, mean_b = mean_a + 128, mean_b + 128
    return float(np.mean((2 * mean_a * mean_b + c1) * (2 * covariance + c2)
                         / ((mean_a**2 + mean_b**2 + c1) * (variances + c2)), dtype=np.float64))


def load_pairs(high_folder: Path, scale: int, low_folder: Path | None = None) -> list[Pair]:
    """(low, high) byte planes; low is made by bicubic unless a folder of images with the same names is given."""
    pairs = []
    for file in list_images(high_folder):
        if low_folder is None:
            low, high = load_pair(file, scale)
        else:
            low = to_bytes(read_luma(low_folder / file.name))
            high = to_bytes(crop_to_multiple(read_luma(file), scale))
            if high.shape != (low.shape[0] * scale, low.shape[1] * scale):
                raise InputError(f"{low_folder / file.name}: its size is not 1/{scale} of {file}'s")
        pairs.append(scorable(file, (low, high), scale))
    return pairs


def scorable(file: Path, pair: Pair, scale: int) -> Pair:
    """The pair of an image; InputError if it is too small to be scored."""
    height, width = pair[1].shape
    if min(height, width) < WINDOW + 2 * scale:
        raise InputError(f"{file}: {width}x{height} is too small to be scored")
    return pair


def score(upscale: Callable[[np.ndarray], np.ndarray], pairs: list[Pair], scale: int) -> tuple[float, float]:
    """Mean PSNR and SSIM of a function from an h x w byte plane to the larger byte plane."""
    results = []
    for low, high in pairs:
        inner = (slice(scale, -scale),) * 2
        result, truth = upscale(low)[inner], high[inner]
        results.append((psnr(result, truth), ssim(result, truth)))
    mean_psnr, mean_ssim = (float(mean) for mean in np.mean(results, 0))
    return mean_psnr, mean_ssim


def bicubic(scale: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda low: to_bytes(resize(low, low.shape[1] * scale, low.shape[0] * scale))


def through(network: torch.nn.Module, input_range: float) -> Callable[[np.ndarray], np.ndarray]:
    """A luma network as a function of byte planes.

    A plane smaller than the network needs is padded by repeating its last column and row, as in the plugin; the
    output is cropped.
    """
    need = networks.smallest(network)

    def upscale(low: np.ndarray) -> np.ndarray:
        height, width = low.shape
        with torch.inference_mode():
            x = torch.from_numpy(low.astype(np.float32))[None, None] * (input_range / 255)
            x = F.pad(x, (0, max(0, need - width), 0, max(0, need - height)), mode="replicate")
            result = network(x)[0, 0, :height * network.scale, :width * network.scale]
            return to_bytes(result.numpy() * (255 / input_range))
    return upscale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a .safetensors file of a luma network")
    parser.add_argument("--images", type=Path, required=True, help="folder of high-resolution images")
    parser.add_argument("--low", type=Path, help="folder of low-resolution images of the same names "
                        "(default: made by antialiased bicubic)")
    options = parser.parse_args()
    network, tensors, about = networks.load(options.model)
    if network.channels != 1:
        raise InputError(f"{options.model}: takes {network.channels} channels, only luma is scored here")
    pairs = load_pairs(options.images, network.scale, options.low)
    rows = {"bicubic": bicubic(network.scale),
            about.get("name", options.model.stem): through(network, float(about.get("input_range", "1")))}
    for name, upscale in rows.items():
        print("{:<24} {:6.3f} dB  {:.4f}".format(name, *score(upscale, pairs, network.scale)))
    print(f"{sum(t.numel() for t in tensors.values()):,} parameters, "
          f"{networks.multiply_adds(network):,} multiply-adds per input pixel")


if __name__ == "__main__":
    try:
        main()
    except (InputError, weights.WeightsError, networks.UnknownNetwork) as error:
        sys.exit(f"evaluate: {error}")
