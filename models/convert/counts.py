"""Counts what the engine needs for a list of layers, and checks its limits (core/arch/layers-maps.c)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from torch import Tensor

from . import limits
from .errors import ConvertError
from .evaluate import split_factor
from .layers import WITH_TENSORS, Layer, split_map

Place = tuple[int, int]  # the activation, and the channel there


def operands(layer: Layer) -> list[str]:
    """The maps that a line reads."""
    named = [layer.options[key] for key in ("add", "plus", "up", "gate") if key in layer.options]
    if "times" in layer.options:
        named.append(split_factor(layer.options["times"])[1])
    return [layer.source, *named] if layer.source else named


def read_early(lines: Sequence[Layer]) -> set[str]:
    """Stacks that are read before their last slice is written: their slices are separate until gathered."""
    early: set[str] = set()
    read: set[str] = set()
    for layer in lines:
        read.update(split_map(text)[0] for text in operands(layer))
        name, _, end = split_map(layer.out)
        if end >= 0 and name in read:
            early.add(name)
    return early


class Count:
    """Channels, layers and weights of a list."""

    def __init__(self, lines: Sequence[Layer], tensors: Mapping[str, Tensor], width: int) -> None:
        self.tensors, self.early = tensors, read_early(lines)
        self.channels = self.layers = self.weights = self.activations = 0
        self.maps: dict[str, list[Place | None]] = {"x": [*self.made(width)]}
        self.begun: dict[str, list[Place]] = {}
        for layer in lines:
            if layer.operation == "stack":
                self.maps[layer.out] = [None] * layer.number
            else:
                self.write(layer, self.width(layer))

    def made(self, width: int) -> list[Place]:
        """An activation's channels."""
        self.channels += width
        self.activations += 1
        return [(self.activations, c) for c in range(width)]

    def read(self, text: str) -> int:
        """How many channels a slice has; copies it where they do not lie side by side yet."""
        name, begin, end = split_map(text)
        end = len(self.maps[name]) if end < 0 else end
        places = self.maps[name][begin:end]
        copies = 1 + sum(a is None or b != (a[0], a[1] + 1) for a, b in pairwise(places))
        if copies > 1:
            self.layers += copies
            self.maps[name][begin:end] = self.made(end - begin)
        return end - begin

    def width(self, layer: Layer) -> int:
        """Count a line's reads and weights; the number of channels that it makes."""
        width = [self.read(text) for text in operands(layer)][0]
        if layer.operation == "softmax":
            width //= 2 * layer.number
        if layer.operation in WITH_TENSORS:
            weight = self.tensors[f"{layer.tensor}.weight"]
            begin, end = map(int, layer.options.get("rows", f"0:{len(weight)}").split(":"))
            first, last = map(int, layer.options.get("columns", f"0:{weight.shape[1]}").split(":"))
            width = end - begin
            has_bias = f"{layer.tensor}.bias" in self.tensors and layer.options.get("bias") != "no"
            self.weights += width * ((last - first) * weight.shape[2] * weight.shape[3] + has_bias)
        kind, _, slopes = layer.options.get("act", "").partition(":")
        if kind == "prelu" and self.tensors[slopes].numel() > 1:
            self.weights += width
        return width

    def write(self, layer: Layer, width: int) -> None:
        self.layers += 1
        name, begin, end = split_map(layer.out)
        places = self.maps.get(name)
        if places is None or (end < 0 and None not in places):  # a new map, or a sum in its place
            self.maps[name] = [*self.made(width)]
            return
        if name in self.early:
            places[begin:begin + width] = self.made(width)
            return
        whole = self.begun.get(name) or self.made(len(places))
        self.begun[name] = whole
        places[begin:begin + width] = whole[begin:begin + width]


def check(lines: Sequence[Layer], tensors: Mapping[str, Tensor], width: int) -> None:
    """ConvertError if the list exceeds the engine's limits.  `width`: the channels of x."""
    count = Count(lines, tensors, width)
    for number, limit, what in ((count.channels, limits.CHANNELS, "channels of all maps together"),
                                (count.layers, limits.LAYERS, "layers, copies included"),
                                (count.weights, limits.WEIGHTS, "weights")):
        if number > limit:
            raise ConvertError(f"the network needs {number} {what}; the limit is {limit}")
