#!/usr/bin/env python3
"""Convert a published network to a model file (.safetensors) that the plugin reads.

Takes a PyTorch state dict (.pth, .safetensors) of a known family (models/README.md), or any network whose file lists
its operations: ncnn's pair of .param and .bin, or .onnx.  Options are needed only for what the file does not say, and
must agree with what it says.  RFDN and re-parameterised RepRFN keep their tensors unchanged; others become a list of
layers (models/LAYERS.md), whose result is compared with that of the network in PyTorch.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent / "train"))
import networks  # noqa: E402
import weights  # noqa: E402

from convert import evaluate, families, files, layers, limits, lower, ncnn, onnx_graph, reference  # noqa: E402
from convert.errors import ConvertError  # noqa: E402
from convert.graph import Graph, Node  # noqa: E402

INPUT_RANGE = {"rfdn": "255", "reprfn": "1"}  # of the authors' released weights
Model = tuple[dict[str, Tensor], dict[str, str], str]  # tensors, metadata, a line about it


def native(tensors: dict[str, Tensor]) -> Model:
    """RFDN and RepRFN, which the engine recognises by their tensors' names."""
    files.check_floating(tensors)
    try:
        networks.build(tensors)  # checks names and shapes of all tensors
    except networks.UnknownNetwork as error:
        raise ConvertError(str(error)) from None
    facts = networks.describe(tensors)
    if int(facts["nf"]) > limits.MAP or int(facts["blocks"]) > limits.BLOCKS:
        raise ConvertError(f"{facts['nf']} channels and {facts['blocks']} blocks; the limits are {limits.MAP} and "
                           f"{limits.BLOCKS}")
    about = {"architecture": str(facts["architecture"]), "scale": str(facts["scale"]),
             "input_range": INPUT_RANGE[str(facts["architecture"])],
             "colour": {1: "luma", 3: "rgb"}.get(int(facts["channels"]), "")}
    return tensors, about, "{architecture}, {channels} channels, x{scale}, nf={nf}, {blocks} blocks".format(**facts)


def checked(graph: Graph, output: Node, about: dict[str, str]) -> Model:
    """A graph's model, after comparing its result with the graph's."""
    tensors, facts = lower.lower(graph, output)
    about = about | facts
    far = reference.difference(graph, output, tensors, about)
    if not far <= reference.TOLERANCE:
        raise ConvertError(f"the layers' result is {255 * far:.3g} of 255 off the network's: the converter is wrong")
    kind = f"{about['architecture']}, {about['colour']}, x{about['scale']}, {len(layers.parse(about['layers']))} layers"
    return tensors, about, f"{kind}, {255 * far:.2g} of 255 off PyTorch's result at most"


def of_onnx(path: Path, input_range: str) -> Model:
    """A model of an ONNX file; its result is also compared with ONNX Runtime's if that is installed."""
    graph, output, (height, width) = onnx_graph.read(path)
    tensors, about, line = checked(graph, output, {"architecture": "onnx", "input_range": input_range})
    border, unit = reference.own_border(graph, output, about), float(input_range)
    rows, columns = (height or reference.PICTURE[0]) - 2 * border, (width or reference.PICTURE[1]) - 2 * border
    picture = reference.smooth(graph.x.channels, rows, columns, unit)
    wide = torch.nn.functional.pad(picture, (border,) * 4, mode="replicate") if border else picture
    theirs = onnx_graph.peer(path, wide)
    if theirs is None:
        return tensors, about, line
    far = reference.far_apart(evaluate.enlarge(tensors, about, picture), theirs, unit)
    if not far <= reference.TOLERANCE:
        raise ConvertError(f"the layers' result is {255 * far:.3g} of 255 off ONNX Runtime's: the converter is wrong")
    return tensors, about, f"{line}, {255 * far:.2g} off ONNX Runtime's"


def of_family(tensors: dict[str, Tensor], scale: int | None) -> Model:
    """A model of the family that the tensors belong to."""
    entry = families.recognise(tensors)
    if not entry.refused:
        files.check_floating(tensors)
    graph, output = families.build(entry, tensors, scale)
    return checked(graph, output, {"architecture": entry.name, "input_range": str(entry.input_range)})


def assumed(model: Model, why: str) -> Model:
    """A model whose range of samples is not known: its line says what is assumed, and how to set it."""
    tensors, about, line = model
    known = about["input_range"]
    other = "1" if known == "255" else "255"
    return tensors, about, (f"{line}\nassuming samples of 0 to {known}, {why}; "
                            f"if they are 0 to {other}, add --input-range {other}")


def read(path: Path, options: argparse.Namespace) -> Model:
    """The model that a file is converted to; the caller adds the file's name to a ConvertError."""
    said: dict[str, str] = {}
    model: Model
    if path.suffix in (".param", ".bin", ".onnx"):
        if path.suffix == ".onnx":
            model = of_onnx(path, options.input_range or "1")
        else:
            graph, output = ncnn.read(path)
            model = checked(graph, output, {"architecture": "ncnn", "input_range": options.input_range or "1"})
        return model if options.input_range else assumed(model, "since such files do not say")
    if path.suffix == ".safetensors":
        tensors, said = files.read_safetensors(path)
        if "layers" in said:
            raise ConvertError("already a model file: it has a list of layers")
    else:
        tensors = files.read_pth(path)
    scale = options.scale or (int(said["scale"]) if said.get("scale", "").isdecimal() else None)
    if any(name.startswith(("B1.", "reprfb1.")) for name in tensors):
        model = native(tensors)
    else:
        model = of_family(tensors, scale)
    if said.get("input_range") in ("1", "255"):
        model[1]["input_range"] = said["input_range"]
    elif not options.input_range:
        model = assumed(model, "as in the weights that the authors of {architecture} released".format(**model[1]))
    return model


def check_header(tensors: dict[str, Tensor], about: dict[str, str]) -> None:
    """ConvertError if the file's header would exceed what the engine reads."""
    for name in tensors:
        if len(name.encode()) > limits.NAME:
            raise ConvertError(f"tensor {name}: its name is longer than {limits.NAME} bytes")
    size = len(weights.encode(weights.header_of(tensors, about)))
    if size > limits.HEADER:
        raise ConvertError(f"the file's header would be {size} bytes long; the limit is {limits.HEADER}")


def convert(options: argparse.Namespace) -> Model:
    """The model of the file that the command line names."""
    try:
        tensors, facts, line = read(options.source, options)
        about = {"name": options.name or options.source.stem, **facts,
                 "description": options.description, "licence": options.licence}
        if options.input_range:
            about["input_range"] = options.input_range
        about = {key: value for key, value in about.items() if value}
        check_header(tensors, about)
        for fact in ("architecture", "scale"):
            wanted = getattr(options, fact)
            if wanted is not None and str(wanted) != facts[fact]:
                raise ConvertError(f"{fact} is {facts[fact]} according to the file, not {wanted}")
    except ConvertError as error:
        text = str(error)
        raise ConvertError(text if text.startswith(f"{options.source}:") else f"{options.source}: {text}") from None
    return tensors, about, line


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("source", type=Path, metavar="IN")
    add("target", type=Path, metavar="OUT.safetensors")
    add("--architecture", help="default: read from the tensors")
    add("--scale", type=int, choices=range(1, 9), help="default: read from the file, if it says")
    add("--input-range", choices=("1", "255"),
        help="samples are 0..1 or 0..255 (default: as the file says, else as in the authors' weights)")
    add("--name", help="default: the source's file name")
    add("--description", default="")
    add("--licence", default="", help="licence of the weights")
    return parser


def main() -> None:
    options = command_line().parse_args()
    tensors, about, line = convert(options)
    weights.write(options.target, tensors, about)
    print(f"{options.target}: {line}")


if __name__ == "__main__":
    try:
        main()
    except (ConvertError, weights.WeightsError) as error:
        sys.exit(f"convert: {error}")
