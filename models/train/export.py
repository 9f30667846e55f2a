#!/usr/bin/env python3
"""Turn a run's result into a model to ship: score it and describe it in its metadata.

The weights of several results are averaged: runs that started from the same weights end close enough together
for their mean to be better than each (Wortsman et al. 2022, "Model soups").
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from torch import Tensor

import evaluate
import networks
import siblings
import weights
from data import InputError

HALF_MAY_COST = 0.01  # dB on Set5; above it the file keeps single precision


def mean(results: list[Path], shares: list[float]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The weighted mean of files of the same network, and the first one's metadata."""
    if len(shares) != len(results) or sum(shares) <= 0:
        raise InputError(f"--shares: {len(results)} results need as many shares, and their sum must be above 0")
    _, first, about = networks.load(results[0])
    total = {name: tensor * shares[0] for name, tensor in first.items()}
    for file, share in zip(results[1:], shares[1:]):
        _, other, its = networks.load(file)
        if networks.describe(other) != networks.describe(first) or its.get("input_range") != about.get("input_range"):
            raise InputError(f"{file}: is not of the same network as {results[0]}")
        for name, tensor in other.items():
            total[name] += tensor * share
    return {name: tensor / sum(shares) for name, tensor in total.items()}, about


def like(file: Path, tensors: dict[str, Tensor], input_range: str) -> dict[str, Tensor]:
    """The weights in a file, which must be of the same network."""
    _, its, about = networks.load(file)
    if networks.describe(its) != networks.describe(tensors) or about.get("input_range", "1") != input_range:
        raise InputError(f"{file}: is not of the same network")
    return its


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("results", type=Path, nargs="+", help="ema.safetensors of one or more runs")
    add("model", type=Path, help="file to write")
    add("--shares", type=float, nargs="+", help="weight of each result in the mean (default: equal)")
    add("--val", type=Path, required=True, help="folder of Set5's high-resolution images")
    add("--siblings", type=Path, nargs=2, metavar=("SHARP", "SOFT"), help="results of runs with --sharpen above and "
        "below 0 that started from these weights, which the property `sharpness` mixes them with")
    add("--name", required=True)
    add("--description", required=True, help="one sentence for the people who choose a model")
    add("--training-data", required=True, help="what it was trained on, in words")
    add("--licence", default="LGPL-2.1-or-later")
    add("--date", default=date.today().isoformat())
    options = parser.parse_args()

    tensors, about = mean(options.results, options.shares or [1.0] * len(options.results))
    network, architecture = networks.build(tensors), str(networks.describe(tensors)["architecture"])
    if network.channels != 1:
        raise InputError(f"{options.results[0]}: takes {network.channels} channels, only luma is scored here")
    input_range = about.get("input_range", "1")
    pairs = evaluate.load_pairs(options.val, network.scale)
    halves = {name: tensor.half().float() for name, tensor in tensors.items()}
    (psnr, ssim), half = (evaluate.score(evaluate.through(n, float(input_range)), pairs, network.scale)
                          for n in (network, networks.build(halves)))
    kind = "F16" if half[0] > psnr - HALF_MAY_COST else "F32"
    if kind == "F16":
        psnr, ssim = half
    more = {}
    if options.siblings:
        sharp, soft = (like(file, tensors, input_range) for file in options.siblings)
        tensors, more = siblings.joined(tensors, sharp, soft), siblings.METADATA
    weights.write(options.model, tensors, {
        "name": options.name,
        "architecture": architecture,
        "scale": str(network.scale),
        **more,
        "input_range": input_range,
        "colour": "luma",
        "description": options.description,
        "training_data": options.training_data,
        "licence": options.licence,
        "date": options.date,
        "set5_psnr_y": f"{psnr:.2f}",
        "set5_ssim_y": f"{ssim:.4f}",
    }, kind)
    print(f"{options.model}: {psnr:.2f} dB, {ssim:.4f}, {kind}")


if __name__ == "__main__":
    try:
        main()
    except (InputError, weights.WeightsError, networks.UnknownNetwork) as error:
        sys.exit(f"export: {error}")
