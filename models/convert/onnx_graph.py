"""Reads ONNX files, with the package onnx: a subset of the operations, on maps N x C x H x W."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from . import imported
from .errors import ConvertError
from .files import read_bytes
from .graph import FULL, Graph, Node, Pads

SPATIAL = (2, 3)


class Call:
    """A node of the file: operation, inputs (None if left out), attributes."""

    def __init__(self, node: Any, inputs: list[imported.Value | None], attributes: dict[str, Any]) -> None:
        self.op, self.inputs, self.attributes = str(node.op_type), inputs, attributes
        self.outputs = list(node.output)
        self.name = str(node.name) or (self.outputs[0] if self.outputs else self.op)
        self.place = f"{self.op} {self.name}"

    def input(self, k: int) -> imported.Value | None:
        return self.inputs[k] if k < len(self.inputs) else None

    def x(self) -> Node:
        return imported.node(self.input(0), self.place)

    def constant(self, k: int) -> Tensor:
        return imported.constant(self.input(k), self.place)

    def numbers(self, k: int, attribute: str = "") -> list[float] | None:
        """The values of an input, or of the attribute that older files have instead; None if there are none."""
        if self.input(k) is not None:
            return self.constant(k).flatten().tolist()
        found = self.attributes.get(attribute)
        return None if found is None else list(found) if isinstance(found, list | tuple) else [found]

    def refuse(self, why: str) -> ConvertError:
        return ConvertError(f"{self.place}: {why}")

    def integer(self, name: str, default: int) -> int:
        return int(self.attributes.get(name, default))

    def word(self, name: str, default: str) -> str:
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else str(value)

    def channels_only(self, axis: int) -> None:
        if axis not in (1, -3):
            raise self.refuse(f"along axis {axis}; channels are 1")


class Reader:
    """Builds a graph from the file's nodes, which are in the order of computation."""

    def __init__(self, graph: Graph, height: int | None, width: int | None) -> None:
        self.graph, self.size = graph, (height, width)
        self.names: dict[int, str] = {}  # of constants, by id()

    def weight_name(self, call: Call, weight: Tensor) -> str:
        """A convolution's name: that of its weight in the file, which the authors chose."""
        return self.names.get(id(weight), call.name).removesuffix(".weight")

    def pads(self, call: Call, rows: int, columns: int, stride: int) -> Pads:
        auto = call.word("auto_pad", "NOTSET")
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            more = (max(rows - stride, 0), max(columns - stride, 0))
            top, left = ((size + (auto == "SAME_LOWER")) // 2 for size in more)
            return top, left, more[0] - top, more[1] - left
        if auto not in ("NOTSET", "VALID"):
            raise call.refuse(f"padding {auto}")
        pads = [int(v) for v in call.attributes.get("pads", [0] * 4)] if auto == "NOTSET" else [0] * 4
        if len(pads) != 4 or min(pads) < 0:
            raise call.refuse(f"pads {pads}")
        return pads[0], pads[1], pads[2], pads[3]

    def convolution(self, call: Call) -> Node:
        x, weight = call.x(), call.constant(1)
        bias = None if call.input(2) is None else call.constant(2)
        name = self.weight_name(call, weight)
        strides = [int(v) for v in call.attributes.get("strides", [1, 1])]
        dilation = [int(v) for v in call.attributes.get("dilations", [1, 1])]
        if weight.dim() != 4 or len(set(strides)) > 1 or len(strides) != 2 or len(dilation) != 2:
            raise call.refuse(f"weights of {list(weight.shape)} and strides {strides}; only two dimensions with equal "
                              "strides are supported")
        weight = imported.spread(weight, (dilation[0], dilation[1]))
        stride, groups = strides[0], call.integer("group", 1)
        rows, columns = weight.shape[2:]
        pads = self.pads(call, rows, columns, stride)
        if call.op == "Conv":
            return self.graph.convolve(x, weight, bias, name, stride, pads, groups)
        more = [int(v) for v in call.attributes.get("output_padding", [0, 0])]
        if "output_shape" in call.attributes:
            raise call.refuse("output_shape is not supported")
        pads = (pads[0], pads[1], pads[2] - more[0], pads[3] - more[1])
        return self.graph.deconvolve(x, weight, bias, name, stride, pads, groups)

    def prelu(self, call: Call) -> Node:
        x, slopes = call.x(), call.constant(1)
        name = self.names.get(id(slopes), call.name)
        return self.graph.prelu_by(x, imported.a_channel(slopes, x.channels, call.place).float(), name)

    def batch_norm(self, call: Call) -> Node:
        gain, shift, mean, variance = (call.constant(k).double() for k in range(1, 5))
        gain = gain / (variance + float(call.attributes.get("epsilon", 1e-5))).sqrt()
        return self.graph.affine(call.x(), gain, shift - mean * gain, call.name)

    def arithmetic(self, call: Call) -> imported.Value:
        a, b = call.input(0), call.input(1)
        if a is None or b is None:
            raise call.refuse("expected two inputs")
        return imported.arithmetic(self.graph, call.op.lower(), a, b, call.place)

    def clip(self, call: Call) -> Node:
        low, high = (call.numbers(1, "min") or [-3e38])[0], (call.numbers(2, "max") or [3e38])[0]
        return imported.clip(self.graph, call.x(), low, high, call.name)

    def concat(self, call: Call) -> Node:
        call.channels_only(call.integer("axis", 1))
        return self.graph.concat([imported.node(value, call.place) for value in call.inputs], call.name)

    def split(self, call: Call) -> list[Node]:
        call.channels_only(call.integer("axis", 0))
        x, count = call.x(), len(call.outputs)
        sizes = [int(v) for v in call.numbers(1, "split") or [-(-x.channels // count)] * count]
        parts, at = [], 0
        for size in sizes:
            parts.append(self.graph.slice(x, at, min(at + size, x.channels)))
            at += size
        return parts

    def slice(self, call: Call) -> Node:
        """Takes some channels, or cuts the same number of pixels off each side."""
        x, starts, ends = call.x(), call.numbers(1, "starts"), call.numbers(2, "ends")
        if starts is None or ends is None:
            raise call.refuse("it has no constant starts and ends")
        axes = [int(a) % 4 for a in call.numbers(3, "axes") or range(len(starts))]
        if any(step != 1 for step in call.numbers(4) or []):
            raise call.refuse("steps other than 1 are not supported")
        ranges = {axis: (int(a), int(b)) for axis, a, b in zip(axes, starts, ends, strict=True)}
        begin, end = ranges.pop(1, (0, x.channels))
        if (begin, end) != (0, x.channels):
            bounds = [min(v + x.channels if v < 0 else v, x.channels) for v in (begin, end)]
            x = self.graph.slice(x, bounds[0], bounds[1])
        sides = {side for axis in SPATIAL if axis in ranges for side in (ranges[axis][0], -ranges[axis][1])}
        if not ranges:
            return x
        if set(ranges) != set(SPATIAL) or len(sides) > 1:
            raise call.refuse("only a crop that is the same on each side (from N to -N) is supported")
        return self.graph.pad(x, -sides.pop(), "zero", call.name)

    def pad(self, call: Call) -> Node:
        amounts = [int(v) for v in call.numbers(1, "pads") or []]
        mode = call.word("mode", "constant")
        how = {"constant": "zero", "edge": "edge"}.get(mode)
        value = (call.numbers(2, "value") or [0.0])[0]
        sides = {amounts[k] for k in (2, 3, 6, 7)} if len(amounts) == 8 else set()
        if how is None or value or len(sides) != 1 or any(amounts[k] for k in (0, 1, 4, 5)):
            raise call.refuse(f"{mode} padding by {amounts}; only zeros or the edge, the same on each side, are supported")
        amount = sides.pop()
        return self.graph.pad(call.x(), amount, how, call.name) if amount else call.x()

    def resize(self, call: Call) -> Node:
        x, mode = call.x(), call.word("mode", "nearest")
        at, rounded = call.word("coordinate_transformation_mode", "half_pixel"), call.word("nearest_mode", "")
        old = call.op == "Upsample"
        how = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}.get(mode)
        halves = at in ("half_pixel", "pytorch_half_pixel")
        fits = {"nearest": old or (at == "asymmetric" and rounded == "floor") or
                (halves and rounded in ("", "round_prefer_floor", "round_prefer_ceil")),
                "linear": halves and not old,
                "cubic": halves and float(call.attributes.get("cubic_coeff_a", -0.75)) == -0.75}.get(mode)
        if how is None or not fits or call.integer("exclude_outside", 0) or call.integer("antialias", 0):
            raise call.refuse(f"{mode} with {at} {rounded}; only pixels with their centre at a half are supported")
        scales, sizes = call.numbers(1 if old else 2, "scales"), None if old else call.numbers(3)
        if sizes:
            if None in self.size:
                raise call.refuse("resizes to a fixed size, but the file does not say the picture's")
            scales = [float(Fraction(int(size)) / (known * x.grid))
                      for size, known in zip(sizes[-2:], self.size, strict=True) if known]
        if not scales:
            raise call.refuse("it has no constant factor")
        return imported.enlarged(self.graph, x, (scales[-2], scales[-1]), how, call.name)

    def mean(self, call: Call) -> Node:
        axes = {int(axis) % 4 for axis in call.numbers(1, "axes") or SPATIAL}
        if axes != set(SPATIAL) or not call.integer("keepdims", 1):
            raise call.refuse("only the mean of each channel over the whole picture is supported")
        return self.graph.mean(call.x(), name=call.name)

    def gelu(self, call: Call) -> Node:
        if call.word("approximate", "none") != "none":
            raise call.refuse("the approximation by tanh is not supported")
        return self.graph.act(call.x(), "gelu", call.name)

    def shuffle(self, call: Call) -> Node:
        size = call.integer("blocksize", 1)
        if call.op == "SpaceToDepth":
            return self.graph.unshuffle(call.x(), size, "dcr", call.name)
        return self.graph.shuffle(call.x(), size, call.word("mode", "DCR").lower(), call.name)

    def known(self, call: Call) -> Tensor:
        """A Constant."""
        for key in ("value", "value_float", "value_floats", "value_int", "value_ints"):
            if key in call.attributes:
                return torch.as_tensor(call.attributes[key])
        raise call.refuse("its value is not numeric")

    def shape(self, call: Call) -> Tensor:
        """The shape of a map, if the file is for pictures of one size."""
        x, (height, width) = call.x(), self.size
        if height is None or width is None or x.kind != FULL:
            raise call.refuse("the file does not say this map's size; export it for pictures of one size")
        sizes = [1, x.channels, int(height * x.grid), int(width * x.grid)]
        return torch.tensor(sizes[call.integer("start", 0):int(call.attributes.get("end", 4))])

    def cast(self, call: Call) -> imported.Value:
        value = call.input(0)
        if value is None:
            raise call.refuse("it has no input")
        return value

    def simple(self, call: Call) -> Node:
        """Activations."""
        alpha = call.attributes.get("alpha")
        how = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "HardSwish": "hardswish",
               "LeakyRelu": f"leaky:{alpha or 0.01:.9g}",
               "Elu": f"elu:{1.0 if alpha is None else alpha:.9g}"}[call.op]
        return self.graph.act(call.x(), how, call.name)

    def negative(self, call: Call) -> Node:
        return self.graph.affine(call.x(), -1.0, name=call.name)


HANDLERS: dict[str, Callable[[Reader, Call], imported.Value | list[Node]]] = {
    "Conv": Reader.convolution, "ConvTranspose": Reader.convolution, "PRelu": Reader.prelu, "Relu": Reader.simple,
    "LeakyRelu": Reader.simple, "Elu": Reader.simple, "Gelu": Reader.gelu, "Sigmoid": Reader.simple,
    "Tanh": Reader.simple, "HardSwish": Reader.simple, "Add": Reader.arithmetic, "Mul": Reader.arithmetic,
    "Sub": Reader.arithmetic, "Div": Reader.arithmetic, "Neg": Reader.negative, "Concat": Reader.concat,
    "Split": Reader.split, "Slice": Reader.slice, "DepthToSpace": Reader.shuffle, "SpaceToDepth": Reader.shuffle,
    "Resize": Reader.resize, "Upsample": Reader.resize, "Clip": Reader.clip, "Pad": Reader.pad,
    "BatchNormalization": Reader.batch_norm, "GlobalAveragePool": Reader.mean, "ReduceMean": Reader.mean,
    "Identity": Reader.cast, "Dropout": Reader.cast, "Cast": Reader.cast, "Constant": Reader.known,
    "Shape": Reader.shape,
}


def load(path: Path) -> tuple[Any, Any]:
    """The package onnx and the file's model."""
    raw = read_bytes(path)
    try:
        import onnx
        import onnx.numpy_helper
    except ImportError:
        raise ConvertError("reading ONNX needs the package onnx: pip install onnx") from None
    try:
        model = onnx.load_model_from_string(raw)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf and the checker raise many kinds
        why = " ".join(str(error).split())[:120]
        raise ConvertError(f"not a valid ONNX file ({why or type(error).__name__})") from None
    return onnx, model


def picture(entry: Any) -> tuple[int, int | None, int | None]:
    """Channels of the input, and its rows and columns if the file says them."""
    sizes = [dim.dim_value or None for dim in entry.type.tensor_type.shape.dim]
    if len(sizes) != 4 or sizes[1] is None:
        raise ConvertError(f"input {entry.name} is {sizes}; expected a picture with a fixed number of channels "
                           "(1 x 3 x H x W)")
    return sizes[1], sizes[2], sizes[3]


def tensor(onnx: Any, value: Any) -> Tensor:
    """A constant of the file; half precision becomes single."""
    array = onnx.numpy_helper.to_array(value)
    result = torch.from_numpy(array.copy())
    return result.float() if result.is_floating_point() else result


def computed(onnx: Any, model: Any, entry: Any, call: Call) -> list[imported.Value]:
    """The results of a node with only constant inputs; exporters compute sizes with such nodes."""
    from onnx.reference import ReferenceEvaluator
    given = {name: value for name, value in zip(entry.input, call.inputs, strict=True) if isinstance(value, Tensor)}
    values = {name: value.numpy() for name, value in given.items()}
    inputs = [onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
              for name, value in values.items()]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in entry.output]
    graph = onnx.helper.make_graph([entry], "constants", inputs, outputs)
    try:
        found = ReferenceEvaluator(onnx.helper.make_model(graph, opset_imports=model.opset_import)).run(None, values)
    except Exception as error:  # any operation can be here, and raise anything
        raise call.refuse(f"constants cannot be computed ({' '.join(str(error).split())[:80]})") from None
    return [torch.from_numpy(numpy.array(value)) for value in found]


def read(path: Path) -> tuple[Graph, Node, tuple[int | None, int | None]]:
    """A file's graph and result, and the rows and columns that its pictures must have, None for any."""
    onnx, model = load(path)
    constants = {entry.name: tensor(onnx, entry) for entry in model.graph.initializer}
    inputs = [entry for entry in model.graph.input if entry.name not in constants]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise ConvertError(f"{len(inputs)} inputs and {len(model.graph.output)} outputs; expected one of each")
    colours, height, width = picture(inputs[0])
    graph = Graph({}, colours)
    reader = Reader(graph, height, width)
    reader.names = {id(value): name for name, value in constants.items()}
    values: dict[str, imported.Value] = {**constants, inputs[0].name: graph.x}
    for entry in model.graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in entry.attribute}
        if entry.op_type == "Constant" and "value" in attributes:
            attributes["value"] = tensor(onnx, attributes["value"])
        call = Call(entry, [values.get(name) if name else None for name in entry.input], attributes)
        if entry.domain not in ("", "ai.onnx"):
            raise call.refuse(f"it is of {entry.domain}, not of ONNX")
        if call.inputs and all(value is None or isinstance(value, Tensor) for value in call.inputs):
            results = computed(onnx, model, entry, call)
        elif entry.op_type not in HANDLERS:
            raise ConvertError(f"{call.place}: {entry.op_type} is not supported")
        else:
            result = HANDLERS[entry.op_type](reader, call)
            results = list(result) if isinstance(result, list) else [result]
        values.update(zip(entry.output, results, strict=False))
    return graph, imported.node(values.get(model.graph.output[0].name), "the output"), (height, width)


def peer(path: Path, x: Tensor) -> Tensor | None:
    """ONNX Runtime's result for a picture; None if it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    half = "float16" in entry.type
    array = x.half().numpy() if half else x.float().numpy()
    return torch.from_numpy(session.run(None, {entry.name: array})[0]).float()
