#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network with random weights and what PyTorch makes of a picture: made.py NAME FOLDER

For families of which there are no files to compare with: no published ones, or too large.  The folder gets
weights.safetensors, noise.in.png and noise.out.npy, as those of the published networks have them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "train"))
import networks
import published
import weights


def drn() -> nn.Module:
    network = networks.DRN(1, 12, 3, 2, 5, 2)
    networks.start_near_nearest(network)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.uniform_(-0.1, 0.1)
    return network


# Name: what makes it, its colours, range of its samples, rows and columns of the picture.
NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, int, int, int]] = {
    "drn_x2": (drn, 1, 1, 30, 37),
    "edsr_x4": (lambda: published.edsr(64, 16, 4), 3, 255, 14, 18),
    "mdsr_x3": (lambda: published.MDSR(64, 16, 3), 3, 255, 13, 17),
    "rcan_x4": (lambda: published.rcan(64, 4, 10, 20, 4), 3, 255, 9, 13),
    "rrdbnet_x4": (lambda: published.RRDBNet(64, 32, 23, 4), 3, 1, 9, 13),
}


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    make, colours, unit, rows, columns = NETWORKS[name]
    torch.manual_seed(16)
    torch.set_num_threads(1)
    network = make()
    levels = torch.randint(0, 256, (colours, rows, columns))
    with torch.inference_mode():
        result = network(levels[None] * (unit / 255))[0]
    Image.fromarray(levels.permute(1, 2, 0).squeeze(2).numpy().astype(np.uint8)).save(folder / "noise.in.png")
    np.save(folder / "noise.out.npy", result.numpy())
    weights.write(folder / "weights.safetensors", network.state_dict(), {"input_range": str(unit), "scale": name[-1]})


if __name__ == "__main__":
    main()
