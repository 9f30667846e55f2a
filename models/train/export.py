#!/usr/bin/env python3
"""Turn a run's result into a model that ships: score it and write what it is into its metadata."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

import evaluate
import networks
import weights
from data import InputError

HALF_MAY_COST = 0.01  # dB on Set5; above it the file keeps single precision


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("result", type=Path, help="ema.safetensors of a run")
    add("model", type=Path, help="file to write")
    add("--val", type=Path, required=True, help="folder of Set5's high-resolution images")
    add("--name", required=True)
    add("--description", required=True, help="one sentence for the people who choose a model")
    add("--training-data", required=True, help="what it was trained on, in words")
    add("--licence", default="LGPL-2.1-or-later")
    add("--date", default=date.today().isoformat())
    options = parser.parse_args()

    network, tensors, about = networks.load(options.result)
    if network.channels != 1:
        raise InputError(f"{options.result}: takes {network.channels} channels, only luma is scored here")
    input_range = about.get("input_range", "1")
    pairs = evaluate.load_pairs(options.val, network.scale)
    halves = {name: tensor.half().float() for name, tensor in tensors.items()}
    (psnr, ssim), half = (evaluate.score(evaluate.through(n, float(input_range)), pairs, network.scale)
                          for n in (network, networks.build(halves)))
    kind = "F16" if half[0] > psnr - HALF_MAY_COST else "F32"
    if kind == "F16":
        psnr, ssim = half
    weights.write(options.model, tensors, {
        "name": options.name,
        "architecture": str(networks.describe(tensors)["architecture"]),
        "scale": str(network.scale),
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
