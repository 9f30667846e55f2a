"""Makes a case: a picture, what PyTorch makes of it, and the network in each engine's format.

Run as a script in a process of its own, so that no worker holds more than its engine needs.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np

import engines
from engines import Case


def draw(channels: int, height: int, width: int) -> np.ndarray:
    """A picture of smooth areas, edges and noise, the same each time: uint8, channels x height x width."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[:height, :width] / 64
    planes = [96 + 60 * np.sin(x + c) * np.cos(1.3 * y) + 40 * np.sign(np.sin(7 * x + 3 * np.sin(2 * y) + c))
              + random.normal(0, 4, (height, width)) for c in range(channels)]
    return np.clip(np.rint(planes), 0, 255).astype(np.uint8)


def read(folder: Path) -> Case:
    """The case that was made in a folder."""
    facts = json.loads((folder / "case.json").read_text())
    return Case(folder=folder, weights=Path(facts.pop("weights")), **facts)


def make(folder: Path, weights: Path, width: int, height: int) -> Case:
    """Write the picture, the ONNX file and PyTorch's output."""
    import torch

    from engines import pytorch

    network = pytorch.load(weights)
    _, about = pytorch.networks.weights.read(weights)
    default = 255 if isinstance(network, pytorch.networks.RFDN) else 1
    facts = {"width": width, "height": height, "channels": network.channels, "scale": network.scale,
             "input_range": float(about.get("input_range", default)), "weights": str(weights.resolve())}
    folder.mkdir(parents=True, exist_ok=True)
    case = Case(folder=folder, **{**facts, "weights": weights})
    case.bytes.write_bytes(draw(case.channels, height, width).tobytes())
    picture = torch.from_numpy(case.picture())
    with torch.inference_mode():
        np.save(case.reference, network(picture).numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter by tracing is "deprecated", and exact
        torch.onnx.export(network, (picture,), str(case.onnx), input_names=["lr"], output_names=["hr"],
                          opset_version=18, dynamo=False)
    (folder / "case.json").write_text(json.dumps(facts))
    return case


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path, help="safetensors")
    parser.add_argument("width", type=int)
    parser.add_argument("height", type=int)
    parser.add_argument("engines", nargs="*", metavar="ENGINE")
    args = parser.parse_args()
    case = make(args.folder, args.weights, args.width, args.height)
    for name in args.engines:
        try:
            engines.find(name).export(case)
        except Exception as error:  # noqa: BLE001 - the others go on; bench.py tells this one by its missing files
            print(f"{name}: cannot be exported: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
