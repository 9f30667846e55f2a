#!/usr/bin/env python3
"""Draw the curves of one or more runs: quality on the validation images, and the training loss."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no window
import matplotlib.pyplot as plt  # noqa: E402

from data import InputError  # noqa: E402


def read(run: Path) -> dict[str, list[float]]:
    """The columns of a run's log.csv."""
    try:
        with open(run / "log.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        columns = {name: [float(row[name]) for row in rows] for name in ("step", "loss", "psnr")}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{run}: not a run's folder ({error})") from None
    if not rows:
        raise InputError(f"{run}: its log is still empty")
    return columns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="folders given to train.py as --out")
    parser.add_argument("--out", type=Path, required=True, help="picture to write (.png, .svg, .pdf)")
    options = parser.parse_args()
    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(8, 7), layout="constrained")
    for run in options.runs:
        columns = read(run)
        above.plot(columns["step"], columns["psnr"], label=f"{run.name}: {max(columns['psnr']):.2f} dB at best")
        below.plot(columns["step"], columns["loss"], label=run.name)
    above.set_ylabel("PSNR of the averaged weights (dB)")
    below.set_ylabel("training loss (levels of 255)")
    below.set_xlabel("step")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    above.legend()
    try:
        figure.savefig(options.out)
    except (OSError, ValueError) as error:
        raise InputError(f"{options.out}: cannot be written ({error})") from None


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"plot: {error}")
