#!/usr/bin/env python3
"""Convert a PyTorch state dict (.pth) of RFDN or re-parameterised RepRFN to safetensors.

Tensor names and values stay as they are.  The network, its scale and its channels are read from the
tensors; what is given on the command line must agree with them.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import zipfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent / "train"))
import networks  # noqa: E402
import weights  # noqa: E402

NESTED = ("params_ema", "params", "state_dict")  # keys that training frameworks put the tensors under
INPUT_RANGE = {"rfdn": "255", "reprfn": "1"}  # of the authors' released weights


class ConvertError(Exception):
    """The input cannot be converted; the text says why."""


def read_pth(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .pth file: none of its code is run."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConvertError(f"{path}: cannot be read ({error.strerror or error})") from None
    except pickle.UnpicklingError:
        raise ConvertError(f"{path}: holds more than tensors; save its state dict alone") from None
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        raise ConvertError(f"{path}: not a PyTorch file") from None
    for key in NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    if not isinstance(content, dict) or not content:
        raise ConvertError(f"{path}: holds no state dict")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ConvertError(f"{path}: {name!r} is not a tensor")
        if not value.is_floating_point():
            raise ConvertError(f"{path}: {name} is {value.dtype}, not floating point")
    return {name.removeprefix("module."): value for name, value in content.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("source", type=Path, metavar="IN.pth")
    add("target", type=Path, metavar="OUT.safetensors")
    add("--architecture", choices=sorted(INPUT_RANGE), help="default: read from the tensors")
    add("--scale", type=int, help="default: read from the tensors")
    add("--input-range", choices=("1", "255"),
        help="samples are 0..1 or 0..255 (default: as the authors': 255 for rfdn, 1 for reprfn)")
    add("--name", help="default: the source's file name")
    add("--description", default="")
    add("--licence", default="", help="licence of the weights")
    options = parser.parse_args()

    tensors = read_pth(options.source)
    try:
        networks.build(tensors)  # every tensor has its place and shape
    except networks.UnknownNetwork as error:
        raise ConvertError(f"{options.source}: {error}") from None
    facts = networks.describe(tensors)
    for fact in ("architecture", "scale"):
        wanted = getattr(options, fact)
        if wanted is not None and wanted != facts[fact]:
            raise ConvertError(f"{options.source}: {fact} is {facts[fact]} by its tensors, not {wanted}")
    about = {
        "name": options.name or options.source.stem,
        "architecture": str(facts["architecture"]),
        "scale": str(facts["scale"]),
        "input_range": options.input_range or INPUT_RANGE[facts["architecture"]],
        "colour": {1: "luma", 3: "rgb"}.get(facts["channels"], ""),
        "description": options.description,
        "licence": options.licence,
    }
    weights.write(options.target, tensors, {key: value for key, value in about.items() if value})
    print("{}: {architecture}, {channels} channels, x{scale}, nf={nf}, {blocks} blocks".format(
        options.target, **facts))


if __name__ == "__main__":
    try:
        main()
    except (ConvertError, weights.WeightsError) as error:
        sys.exit(f"convert: {error}")
