"""Makes a case: a picture, what PyTorch makes of it, and the network in each engine's format.

A script in a process of its own, so that neither the workers nor what starts them hold more than they
need. Its output is one line of JSON: the packages' versions and the variants of each engine that can
take part; what is wrong with the others goes to standard error.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import warnings
from dataclasses import asdict
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
    case = Case(folder, weights.resolve(), width, height, network.channels, network.scale,
                float(about.get("input_range", default)))
    case.bytes.write_bytes(draw(case.channels, height, width).tobytes())
    picture = torch.from_numpy(case.picture())
    with torch.inference_mode():
        np.save(case.reference, network(picture).numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter by tracing is "deprecated", and exact
        torch.onnx.export(network, (picture,), str(case.onnx), input_names=["lr"], output_names=["hr"],
                          opset_version=18, dynamo=False)
    facts = {**asdict(case), "weights": str(case.weights)}
    facts.pop("folder")
    (folder / "case.json").write_text(json.dumps(facts))
    return case


def export(name: str, case: Case) -> dict[str, list[str]] | None:
    """Have an engine's files made; its versions and variants, or None where it cannot take part."""
    try:
        engine = engines.find(name)
        engine.export(case)
        versions = [f"{package} {importlib.metadata.version(package)}" for package in engine.packages]
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this one, the others go on
        print(f"{engines.NAMES[name]}: left out: {(str(error) or repr(error)).splitlines()[0]}", file=sys.stderr)
        return None
    return {"versions": versions, "variants": list(engine.variants)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path, help="safetensors")
    parser.add_argument("width", type=int)
    parser.add_argument("height", type=int)
    parser.add_argument("engines", nargs="*", metavar="ENGINE")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)

    # Libraries and converters print as they like; only the answer goes where the output went.
    answer = os.fdopen(os.dup(1), "w")
    with (args.folder / "export.log").open("w") as log:
        os.dup2(log.fileno(), 1)
    case = make(args.folder, args.weights, args.width, args.height)
    found = {name: facts for name in args.engines if (facts := export(name, case))}
    json.dump(found, answer)


if __name__ == "__main__":
    main()
