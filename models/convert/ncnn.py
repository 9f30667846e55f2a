"""Reads ncnn's pairs: .param, which lists layers as text, and .bin, which has their weights in the same order."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from . import imported
from .errors import ConvertError
from .files import read_bytes
from .graph import Graph, Node, Pads

MAGIC = "7767517"
HALF, SINGLE = 0x01306B47, 0  # marks of a weight's precision in a .bin
SAME = -233  # ncnn's padding that keeps the size
Parameters = dict[int, float | list[float]]


class Numbers:
    """The .bin, read from its beginning."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, count: int, size: int, place: str) -> bytes:
        end = self.at + count * size
        if count < 0 or end > len(self.raw):
            raise ConvertError(f"{place}: the .bin ends at byte {len(self.raw)}, but {end} are needed")
        part = self.raw[self.at:end]
        self.at += (count * size + 3) // 4 * 4
        return part

    def plain(self, count: int, place: str) -> Tensor:
        """Single precision, without a mark."""
        return torch.frombuffer(bytearray(self.take(count, 4, place)), dtype=torch.float32) if count else torch.zeros(0)

    def marked(self, count: int, place: str) -> Tensor:
        """Values after a mark that says their precision."""
        (mark,) = struct.unpack("<I", self.take(1, 4, place))
        if mark == SINGLE:
            return self.plain(count, place)
        if mark != HALF:
            raise ConvertError(f"{place}: values of kind {mark:#x}; only single and half precision are supported")
        return torch.frombuffer(bytearray(self.take(count, 2, place)), dtype=torch.float16).float()


class Layer:
    """A line of a .param: type, name, blobs in and out, parameters by number."""

    def __init__(self, line: str, number: int) -> None:
        words = line.split()
        try:
            self.type, self.name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
            self.inputs, self.outputs = words[4:4 + inputs], words[4 + inputs:4 + inputs + outputs]
            if min(inputs, outputs) < 0 or len(self.inputs) + len(self.outputs) != inputs + outputs:
                raise ValueError
            self.parameters = dict(self.parameter(word) for word in words[4 + inputs + outputs:])
        except (IndexError, ValueError):
            raise ConvertError(f"line {number} of the .param is not a layer: {line[:60]!r}") from None
        self.place = f"{self.type} {self.name}"

    @staticmethod
    def parameter(word: str) -> tuple[int, float | list[float]]:
        key, _, value = word.partition("=")
        if int(key) <= -23300:
            count, *values = value.split(",")
            if int(count) != len(values):
                raise ValueError
            return -23300 - int(key), [float(v) for v in values]
        return int(key), float(value)

    def real(self, key: int, default: float = 0) -> float:
        value = self.parameters.get(key, default)
        if isinstance(value, list):
            raise ConvertError(f"{self.place}: parameter {key} is a list")
        return value

    def whole(self, key: int, default: int = 0) -> int:
        return int(self.real(key, default))

    def several(self, key: int) -> list[float]:
        value = self.parameters.get(key, [])
        return value if isinstance(value, list) else [value]


class Reader:
    """Builds a graph from the layers, one by one."""

    def __init__(self, graph: Graph, numbers: Numbers) -> None:
        self.graph, self.numbers = graph, numbers
        self.blobs: dict[str, imported.Value] = {}
        self.last: Node | None = None

    def inputs(self, layer: Layer) -> list[imported.Value]:
        for name in layer.inputs:
            if name not in self.blobs:
                raise ConvertError(f"{layer.place}: there is no {name} yet")
        return [self.blobs[name] for name in layer.inputs]

    def read(self, layer: Layer) -> None:
        """Add a layer's results."""
        if layer.type not in HANDLERS:
            raise ConvertError(f"{layer.place}: {layer.type} is not supported")
        result = HANDLERS[layer.type](self, layer)
        results = result if isinstance(result, list) else [result]
        if len(results) != len(layer.outputs):
            raise ConvertError(f"{layer.place}: {len(results)} results, but {len(layer.outputs)} names for them")
        self.blobs.update(zip(layer.outputs, results, strict=True))
        if isinstance(results[-1], Node):
            self.last = results[-1]

    def x(self, layer: Layer) -> Node:
        values = self.inputs(layer)
        if len(values) != 1:
            raise ConvertError(f"{layer.place}: {len(values)} inputs, expected one")
        return imported.node(values[0], layer.place)

    def convolution(self, layer: Layer) -> Node:
        """Convolution and Deconvolution, grouped or not, possibly with an activation."""
        x, across = self.x(layer), layer.type.startswith("Deconvolution")
        outputs, groups = layer.whole(0), max(1, layer.whole(7, 1))
        columns, stride = layer.whole(1), layer.whole(3, 1)
        rows = layer.whole(11, columns)
        count = layer.whole(6)
        if layer.whole(13, stride) != stride:
            raise ConvertError(f"{layer.place}: strides of rows and columns differ")
        if min(outputs, rows, columns, stride) < 1 or outputs % groups or x.channels % groups or \
                count != outputs * rows * columns * x.channels // groups:
            raise ConvertError(f"{layer.place}: {count} weights do not fit {outputs} outputs of {rows} x {columns} "
                               f"and {x.channels} inputs")
        # For each group: outputs x inputs x rows x columns.
        weight = self.numbers.marked(count, layer.place).reshape(outputs, x.channels // groups, rows, columns)
        bias = self.numbers.plain(outputs, layer.place) if layer.whole(5) else None
        dilation = layer.whole(2, 1)
        weight = imported.spread(weight, (layer.whole(12, dilation), dilation))
        if across:
            if groups > 1:
                weight = weight.reshape(groups, outputs // groups, *weight.shape[1:]).transpose(1, 2).flatten(0, 1)
            else:
                weight = weight.transpose(0, 1)
            top, left, bottom, right = self.pads(layer, weight, stride, across)
            pads = (top, left, bottom - layer.whole(19, layer.whole(18)), right - layer.whole(18))
            y = self.graph.deconvolve(x, weight, bias, layer.name, stride, pads, groups)
        else:
            if layer.real(18):
                raise ConvertError(f"{layer.place}: padded by {layer.real(18):g}, not by zeros")
            pads = self.pads(layer, weight, stride, across)
            y = self.graph.convolve(x, weight, bias, layer.name, stride, pads, groups)
        return self.activated(layer, y)

    @staticmethod
    def pads(layer: Layer, weight: Tensor, stride: int, across: bool) -> Pads:
        rows, columns = weight.shape[2:]
        left = layer.whole(4)
        if left in (SAME, SAME - 1):
            more = (rows - stride, columns - stride)
            lower = left == SAME - 1
            top, left = ((size + lower) // 2 for size in more)
            return top, left, more[0] - top, more[1] - left
        right, top = layer.whole(15, left), layer.whole(14, left)
        bottom = layer.whole(16, top)
        if min(left, right, top, bottom) < 0 or (across and layer.whole(20)):
            raise ConvertError(f"{layer.place}: padding that depends on the picture's size is not supported")
        return top, left, bottom, right

    def activated(self, layer: Layer, x: Node) -> Node:
        kind, values = layer.whole(9), layer.several(10)
        if kind == 0:
            return x
        if kind == 3 and len(values) == 2:
            return imported.clip(self.graph, x, values[0], values[1], layer.name)
        how = {1: "relu", 2: f"leaky:{values[0] if values else 0:.9g}", 4: "sigmoid"}.get(kind)
        if how is None:
            raise ConvertError(f"{layer.place}: activation {kind} is not supported")
        return self.graph.act(x, how, layer.name)

    def input(self, layer: Layer) -> Node:
        if self.graph.x.name in self.blobs.values() or any(v is self.graph.x for v in self.blobs.values()):
            raise ConvertError(f"{layer.place}: a second input is not supported")
        return self.graph.x

    def memory(self, layer: Layer) -> Tensor:
        sizes = [layer.whole(key) for key in (2, 11, 1, 0)]
        shape = [size for size in sizes if size]
        count = 1
        for size in shape:
            count *= size
        return self.numbers.plain(count, layer.place).reshape(shape)

    def prelu(self, layer: Layer) -> Node:
        slopes = self.numbers.plain(layer.whole(0), layer.place)
        return self.graph.prelu_by(self.x(layer), slopes, layer.name)

    def batch_norm(self, layer: Layer) -> Node:
        x = self.x(layer)
        slope, mean, variance, bias = (self.numbers.plain(x.channels, layer.place).double() for _ in range(4))
        gain = slope / (variance + layer.real(1)).sqrt()
        return self.graph.affine(x, gain, bias - mean * gain, layer.name)

    def scale(self, layer: Layer) -> imported.Value:
        values = self.inputs(layer)
        if len(values) == 2:
            return imported.arithmetic(self.graph, "mul", values[0], values[1], layer.name)
        x = self.x(layer)
        gain = self.numbers.plain(x.channels, layer.place)
        shift = self.numbers.plain(x.channels, layer.place) if layer.whole(1) else torch.zeros(x.channels)
        return self.graph.affine(x, gain, shift, layer.name)

    def binary(self, layer: Layer) -> imported.Value:
        values = self.inputs(layer)
        if layer.whole(1):
            values.append(torch.tensor(layer.real(2)))
        op = {0: "add", 1: "sub", 2: "mul", 3: "div", 7: "sub", 8: "div"}.get(layer.whole(0))
        if op is None or len(values) != 2:
            raise ConvertError(f"{layer.place}: operation {layer.whole(0)} is not supported")
        if layer.whole(0) in (7, 8):
            values.reverse()
        return imported.arithmetic(self.graph, op, values[0], values[1], layer.name)

    def eltwise(self, layer: Layer) -> imported.Value:
        values, factors = self.inputs(layer), layer.several(1)
        op = {0: "mul", 1: "add"}.get(layer.whole(0, 1))
        if op is None or not values:
            raise ConvertError(f"{layer.place}: the maximum is not supported")
        if op == "add" and factors:
            values = [imported.arithmetic(self.graph, "mul", value, torch.tensor(factor), layer.name)
                      for value, factor in zip(values, factors, strict=False)]
        result = values[0]
        for value in values[1:]:
            result = imported.arithmetic(self.graph, op, result, value, layer.name)
        return result

    def unary(self, layer: Layer) -> Node:
        if layer.whole(0) == 15:
            return self.graph.act(self.x(layer), "tanh", layer.name)
        if layer.whole(0) == 4:
            x = self.x(layer)
            return self.graph.mul(x, x, layer.name)
        if layer.whole(0) != 1:
            raise ConvertError(f"{layer.place}: operation {layer.whole(0)} is not supported")
        return self.graph.affine(self.x(layer), -1.0, name=layer.name)

    def concat(self, layer: Layer) -> Node:
        if layer.whole(0):
            raise ConvertError(f"{layer.place}: concatenation along axis {layer.whole(0)}; only channels, axis 0, are supported")
        return self.graph.concat([imported.node(v, layer.place) for v in self.inputs(layer)], layer.name)

    def slice(self, layer: Layer) -> list[Node]:
        x, sizes = self.x(layer), [int(size) for size in layer.several(0)]
        if layer.whole(1) or layer.several(2) or not sizes:
            raise ConvertError(f"{layer.place}: only slices of channels, given by their sizes, are supported")
        known, parts, at = sum(size for size in sizes if size > 0), [], 0
        for i, size in enumerate(sizes):
            rest = (x.channels - known) // sizes.count(SAME) if size == SAME else size
            end = x.channels if i == len(sizes) - 1 else at + rest
            parts.append(self.graph.slice(x, at, end))
            at = end
        return parts

    def crop(self, layer: Layer) -> Node:
        """Cuts the same number of pixels off each side."""
        values, sides = self.inputs(layer), [layer.whole(0), layer.whole(1), layer.whole(6), layer.whole(7)]
        if len(values) == 2:  # cropped to the size of the second
            raise ConvertError(f"{layer.place}: a crop to another map's size is not supported")
        if len(set(sides)) > 1 or any(layer.several(key) for key in (9, 10, 11)) or layer.whole(2):
            raise ConvertError(f"{layer.place}: only a crop that is the same on each side is supported")
        return self.graph.pad(self.x(layer), -sides[0], "zero", layer.name)

    def padding(self, layer: Layer) -> Node:
        sides, how = {layer.whole(key) for key in range(4)}, {0: "zero", 1: "edge"}.get(layer.whole(4))
        if len(sides) > 1 or how is None or layer.real(5) or layer.whole(7) or layer.whole(8):
            raise ConvertError(f"{layer.place}: only padding by zeros or the edge, the same on each side, is supported")
        return self.graph.pad(self.x(layer), sides.pop(), how, layer.name)

    def resize(self, layer: Layer) -> Node:
        how = {1: "nearest", 2: "bilinear", 3: "bicubic"}.get(layer.whole(0))
        if how is None or layer.whole(6) or layer.whole(3) or layer.whole(4) or len(layer.inputs) > 1:
            raise ConvertError(f"{layer.place}: only nearest, bilinear and bicubic by factors, without aligned corners, "
                               "are supported")
        return imported.enlarged(self.graph, self.x(layer), (layer.real(1, 1), layer.real(2, 1)), how, layer.name)

    def pooling(self, layer: Layer) -> Node:
        if layer.whole(0) != 1 or not (layer.whole(4) or (layer.whole(7) and layer.whole(8) == 1)):
            raise ConvertError(f"{layer.place}: the only pooling supported is the mean of the whole picture")
        return self.graph.mean(self.x(layer), name=layer.name)

    def dense(self, layer: Layer) -> Node:
        """InnerProduct of maps of one pixel."""
        x, outputs = self.x(layer), layer.whole(0)
        if x.kind != "pixel" or layer.whole(2) != outputs * x.channels:
            raise ConvertError(f"{layer.place}: a dense layer needs a map of one pixel")
        weight = self.numbers.marked(layer.whole(2), layer.place).reshape(outputs, x.channels, 1, 1)
        bias = self.numbers.plain(outputs, layer.place) if layer.whole(1) else None
        return self.activated(layer, self.graph.convolve(x, weight, bias, layer.name))

    def gelu(self, layer: Layer) -> Node:
        if layer.whole(0):
            raise ConvertError(f"{layer.place}: the approximate GELU (by tanh) is not supported")
        return self.graph.act(self.x(layer), "gelu", layer.name)

    def same(self, layer: Layer) -> list[imported.Value]:
        value = self.inputs(layer)[0]
        if layer.type == "Dropout" and layer.real(0, 1) != 1:
            value = imported.arithmetic(self.graph, "mul", value, torch.tensor(layer.real(0, 1)), layer.name)
        return [value] * len(layer.outputs)

    def shuffle(self, layer: Layer) -> Node:
        turn = self.graph.shuffle if layer.type == "PixelShuffle" else self.graph.unshuffle
        return turn(self.x(layer), layer.whole(0, 1), "dcr" if layer.whole(1) else "crd", layer.name)


def act(how: Callable[[Layer], str]) -> Callable[[Reader, Layer], Node]:
    return lambda reader, layer: reader.graph.act(reader.x(layer), how(layer), layer.name)


HANDLERS: dict[str, Callable[[Reader, Layer], imported.Value | list[imported.Value] | list[Node]]] = {
    "Input": Reader.input, "MemoryData": Reader.memory, "Convolution": Reader.convolution,
    "ConvolutionDepthWise": Reader.convolution, "Deconvolution": Reader.convolution,
    "DeconvolutionDepthWise": Reader.convolution, "PReLU": Reader.prelu, "BatchNorm": Reader.batch_norm,
    "Scale": Reader.scale, "BinaryOp": Reader.binary, "Eltwise": Reader.eltwise, "UnaryOp": Reader.unary,
    "Concat": Reader.concat, "Slice": Reader.slice, "Crop": Reader.crop, "Padding": Reader.padding,
    "Interp": Reader.resize, "Pooling": Reader.pooling, "InnerProduct": Reader.dense, "GELU": Reader.gelu,
    "Split": Reader.same, "Noop": Reader.same, "Dropout": Reader.same, "PixelShuffle": Reader.shuffle,
    "Reorg": Reader.shuffle,
    "ReLU": act(lambda layer: f"leaky:{layer.real(0):.9g}" if layer.real(0) else "relu"),
    "Sigmoid": act(lambda _: "sigmoid"), "TanH": act(lambda _: "tanh"), "Swish": act(lambda _: "silu"),
    "ELU": act(lambda layer: f"elu:{layer.real(0, 0.1):.9g}"),
    "Clip": lambda reader, layer: imported.clip(reader.graph, reader.x(layer), layer.real(0, -3.4e38),
                                                layer.real(1, 3.4e38), layer.name),
}


def colours(layers: list[Layer]) -> int:
    """Channels of the picture, by the size of the first convolution's weights."""
    for layer in layers:
        if layer.type.startswith("Convolution"):
            per = layer.whole(0) * layer.whole(1) * layer.whole(11, layer.whole(1))
            if per and layer.whole(6) % per == 0:
                return layer.whole(6) // per * max(1, layer.whole(7, 1))
    raise ConvertError("it has no convolution")


def read(path: Path) -> tuple[Graph, Node]:
    """The graph of a pair, by the path of either."""
    text = read_bytes(path.with_suffix(".param")).decode("utf-8", "replace")
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines or lines[0][1].strip() != MAGIC:
        raise ConvertError(f"not an ncnn .param: it does not begin with {MAGIC}")
    layers = [Layer(line, number) for number, line in lines[2:]]
    count = lines[1][1].split()[0] if len(lines) > 1 else "0"
    if not count.isdecimal() or int(count) != len(layers):
        raise ConvertError(f"the .param says {count} layers, but has {len(layers)}: it is incomplete")
    graph = Graph({}, colours(layers))
    reader = Reader(graph, Numbers(read_bytes(path.with_suffix(".bin"))))
    for layer in layers:
        reader.read(layer)
    numbers = reader.numbers
    if numbers.at < len(numbers.raw):
        raise ConvertError(f"the .bin has {len(numbers.raw)} bytes, but only {numbers.at} are used")
    if reader.last is None:
        raise ConvertError("it has no result")
    return graph, reader.last
