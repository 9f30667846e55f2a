"""Computes a model file's list of layers on a picture, in PyTorch, as models/LAYERS.md defines it.

Plain and slow: the converter's results are checked with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from . import layers, limits
from .errors import ConvertError

Tensors = Mapping[str, Tensor]
# Those of layers.ACTIVATIONS whose parameters are numbers, which follow in the order written.
FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "relu": F.relu, "leaky": F.leaky_relu, "silu": F.silu, "elu": F.elu, "gelu": F.gelu, "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "hardswish": F.hardswish, "clip": torch.clamp}


def numbers(about: Mapping[str, str], key: str, default: float, like: Tensor) -> Tensor:
    """The values of a metadata key as 1 x N x 1 x 1; N is one or the number of colours."""
    values = [float(json.loads(word)) for word in about[key].split()] if key in about else [default]
    return torch.tensor(values, dtype=like.dtype)[None, :, None, None]


class Evaluation:
    """The maps of one picture; channels of a stack that are not written yet are NaN."""

    def __init__(self, tensors: Tensors, x: Tensor) -> None:
        self.tensors = tensors
        self.maps: dict[str, Tensor] = {"x": x}
        self.pads: dict[str, str] = {}
        self.stacks: set[str] = set()

    def get(self, text: str) -> Tensor:
        """A map or a slice of one."""
        name, begin, end = layers.split_map(text)
        if name not in self.maps:
            raise ConvertError(f"there is no map {name}")
        whole = self.maps[name]
        end = whole.shape[1] if end < 0 else end
        if end > whole.shape[1]:
            raise ConvertError(f"{text}: {name} has {whole.shape[1]} channels")
        if name in self.stacks and torch.isnan(whole[:, begin:end]).all(3).all(2).any():
            raise ConvertError(f"{text} is read before all of it is written")
        return whole[:, begin:end]

    def put(self, layer: layers.Layer, value: Tensor) -> None:
        name, begin, end = layers.split_map(layer.out)
        if name in self.stacks:
            whole = self.maps[name]
            end = whole.shape[1] if end < 0 else end
            if end - begin != value.shape[1]:
                raise ConvertError(f"{layer.out} gets {value.shape[1]} channels")
            if whole.shape[2] == 0:  # the first slice written decides the size
                whole = torch.full((1, whole.shape[1], *value.shape[2:]), float("nan"), dtype=value.dtype)
            self.maps[name] = torch.cat([whole[:, :begin], value, whole[:, end:]], 1)
            return
        if end >= 0 or (name in self.maps and layer.options.get("add") != name):
            raise ConvertError(f"{layer.out} is written again, or is a slice of a map that is not a stack")
        self.maps[name] = value
        if "pad" in layer.options:
            self.pads[name] = layer.options["pad"]

    def operand(self, text: str, like: Tensor) -> Tensor:
        """The map that an option names: it has one channel or as many as the result."""
        value = self.get(text)
        if value.shape[1] not in (1, like.shape[1]) or value.shape[2:] not in (like.shape[2:], (1, 1)):
            raise ConvertError(f"{text} is {list(value.shape[1:])}, the result is {list(like.shape[1:])}")
        return value

    def tensor(self, name: str) -> Tensor:
        if name not in self.tensors:
            raise ConvertError(f"{name} is missing")
        return self.tensors[name].to(self.maps["x"].dtype)

    def convolve(self, layer: layers.Layer, x: Tensor) -> Tensor:
        """conv, depthwise and stride2."""
        weight, bias = self.tensor(f"{layer.tensor}.weight"), None
        if f"{layer.tensor}.bias" in self.tensors and layer.options.get("bias") != "no":
            bias = self.tensor(f"{layer.tensor}.bias")
        if "rows" in layer.options:
            begin, end = map(int, layer.options["rows"].split(":"))
            weight, bias = weight[begin:end], None if bias is None else bias[begin:end]
        if "columns" in layer.options:
            begin, end = map(int, layer.options["columns"].split(":"))
            weight = weight[:, begin:end]
        groups = x.shape[1] if layer.operation == "depthwise" else 1
        if weight.shape[1] * groups != x.shape[1]:
            raise ConvertError(f"{layer.tensor}.weight is {list(weight.shape)}, "
                               f"but {layer.source} has {x.shape[1]} channels")
        if layer.operation == "stride2":
            return F.conv2d(x, weight, bias, 2)
        rows, columns = weight.shape[2:]
        if rows % 2 == 0 or columns % 2 == 0 or max(rows, columns) > limits.SIDE:
            raise ConvertError(f"{layer.tensor}.weight is {rows} x {columns}")
        return F.conv2d(self.padded(layer.source, x, rows // 2, columns // 2), weight, bias, groups=groups)

    def padded(self, source: str, x: Tensor, rows: int, columns: int) -> Tensor:
        """The map with padding around it, of the kind that its `pad` says."""
        how = self.pads.get(layers.split_map(source)[0])
        if how == "edge":
            return F.pad(x, (columns, columns, rows, rows), mode="replicate")
        if how == "mirror":
            x = torch.cat([x[:, :, :rows].flip(2), x, x[:, :, x.shape[2] - rows:].flip(2)], 2)
            return torch.cat([x[..., :columns].flip(3), x, x[..., x.shape[3] - columns:].flip(3)], 3)
        return F.pad(x, (columns, columns, rows, rows))

    def activate(self, text: str, x: Tensor) -> Tensor:
        name, *values = text.split(":")
        if name not in layers.ACTIVATIONS or len(values) != layers.ACTIVATIONS[name]:
            raise ConvertError(f"{text} is not an activation")
        if name == "prelu":
            return F.prelu(x, self.tensor(values[0]).flatten())
        return FUNCTIONS[name](x, *map(float, values))

    def finish(self, options: Mapping[str, str], y: Tensor) -> Tensor:
        """Apply the options, in their order."""
        if "add" in options:
            y = y + self.operand(options["add"], y)
        if "act" in options:
            y = self.activate(options["act"], y)
        if "plus" in options:
            y = y + self.operand(options["plus"], y)
        if "up" in options:
            y = y + F.interpolate(self.get(options["up"]), y.shape[2:], mode="bilinear", align_corners=False)
        if "times" in options:
            how, name = split_factor(options["times"])
            factor = self.operand(name, y)
            y = y * {"": factor, "sigmoid": torch.sigmoid(factor), "sigmoid-half": torch.sigmoid(factor) - 0.5}[how]
        if "gate" in options:
            y = torch.sigmoid(y) * self.operand(options["gate"], y)
        return y

    def compute(self, layer: layers.Layer) -> None:
        if layer.operation == "stack":
            self.stacks.add(layer.out)
            self.maps[layer.out] = torch.empty(1, layer.number, 0, 0)
            return
        x = self.get(layer.source)
        if layer.operation in layers.WITH_TENSORS:
            y = self.convolve(layer, x)
        elif layer.operation == "maxpool":
            y = F.max_pool2d(x, 7, 3)
        elif layer.operation == "softmax":
            values, keys = x.unflatten(1, (2, layer.number, -1)).unbind(1)
            y = (values * keys.softmax(1)).sum(1)
        elif layer.operation == "mean":
            y = x.mean((2, 3), keepdim=True)
        elif layer.operation == "meanstd":
            y = x.mean((2, 3), keepdim=True) + x.std((2, 3), correction=0, keepdim=True)
        else:
            y = x
        self.put(layer, self.finish(layer.options, y))


def split_factor(text: str) -> tuple[str, str]:
    """The function of a factor, and the factor, which may be a slice: sigmoid:y[0:1]."""
    head, bracket, tail = text.partition("[")
    how, _, name = head.rpartition(":")
    return how, name + bracket + tail


def enlarge(tensors: Tensors, about: Mapping[str, str], picture: Tensor) -> Tensor:
    """A picture (1 x colours x H x W, samples 0 to `input_range`) to 1 x colours x scale H x scale W."""
    scale, cell, border = int(about["scale"]), int(about.get("unshuffle", 1)), int(about.get("extend", 0))
    height, width = (size * scale for size in picture.shape[2:])
    x = F.pad(picture, (border,) * 4, mode="replicate") if border else picture
    right, below = -x.shape[3] % cell, -x.shape[2] % cell
    if right or below:
        x = F.pad(x, (0, right, 0, below), mode="replicate")
    x = F.pixel_unshuffle((x - numbers(about, "mean", 0, x)) * numbers(about, "gain", 1, x), cell)
    evaluation, last = Evaluation(tensors, x), ""
    for layer in layers.parse(about["layers"]):
        try:
            evaluation.compute(layer)
        except ConvertError as error:
            raise ConvertError(f"layers, {layer}: {error}") from None
        last = layer.out
    y = F.pixel_shuffle(evaluation.get(last), scale * cell)
    y = y[:, :, border * scale:border * scale + height, border * scale:border * scale + width]
    if "clip" in about:
        low, high = (float(word) for word in about["clip"].split())
        y = y.clamp(low, high)
    return y
