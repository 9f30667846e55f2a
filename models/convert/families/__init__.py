"""Families of networks, recognised by their tensors' names: each a function that builds its graph.

A family names tensors that its files have and others do not; the first one in the list that fits is it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from ..errors import ConvertError
from ..graph import Graph, Node

Build = Callable[[Graph], Node]


@dataclass
class Family:
    """`first` is the convolution that reads the picture, `needs` are tensors by which it is recognised."""

    name: str
    build: Build
    first: str
    needs: tuple[str, ...]
    lacks: tuple[str, ...]
    input_range: int
    refused: str


FAMILIES: list[Family] = []


def family(name: str, first: str, *needs: str, lacks: tuple[str, ...] = (), input_range: int = 1) -> \
        Callable[[Build], Build]:
    """Makes a function a family's; names of `needs` and `lacks` may be the beginning of a tensor's."""
    def register(build: Build) -> Build:
        FAMILIES.append(Family(name, build, first, needs, lacks, input_range, ""))
        return build
    return register


def refuse(name: str, why: str, *needs: str) -> None:
    """A family that is recognised, but that layers cannot express."""
    def build(graph: Graph) -> Node:
        raise ConvertError(f"{name} is not supported: {why}")
    FAMILIES.append(Family(name, build, "", needs, (), 1, why))


def recognise(tensors: Mapping[str, Tensor]) -> Family:
    """The family of a file's tensors; ConvertError if it is not known."""
    def there(start: str) -> bool:
        return start in tensors or any(name.startswith(start + ".") for name in tensors)

    for entry in FAMILIES:
        if all(map(there, entry.needs)) and not any(map(there, entry.lacks)) and \
                (not entry.first or f"{entry.first}.weight" in tensors):
            return entry
    some = ", ".join(list(tensors)[:3])
    raise ConvertError(f"no known network has these tensors ({some}, ...); models/README.md lists what is known, "
                       "and an ONNX file of it may be read without its family being known")


def build(entry: Family, tensors: Mapping[str, Tensor], scale: int | None) -> tuple[Graph, Node]:
    """The family's graph and its result.  ConvertError names a tensor that is missing, unexpected or of a wrong shape.

    `scale` is what the user or the file says, for families whose tensors do not tell it.
    """
    colours = 0
    if entry.first:
        shape = tuple(tensors[f"{entry.first}.weight"].shape)
        if len(shape) != 4:
            raise ConvertError(f"{entry.first}.weight is {list(shape)}, expected four numbers")
        colours = shape[1]
    graph = Graph(tensors, colours)
    graph.scale = scale
    output = entry.build(graph)
    for name in tensors:
        if name not in graph.used:
            raise ConvertError(f"{name} does not belong to this network ({entry.name})")
    return graph, output


def numbered(graph: Graph, pattern: str) -> list[str]:
    """Names from a pattern and 0, 1, ... or 1, 2, ... up to the largest number among the file's tensors."""
    form = re.compile(re.escape(pattern).replace(r"\{\}", r"(\d{1,4})") + r"\.")
    found = {int(match[1]) for match in map(form.match, graph.tensors) if match}
    return [pattern.format(i) for i in range(0 if 0 in found else 1, max(found, default=0) + 1)]


def scale_of(graph: Graph, node: Node, colours: int | None = None) -> int:
    """The scale of a pixel shuffle to the picture's colours (or another number of channels)."""
    colours = colours or graph.x.channels
    scale = int((node.channels // colours)**0.5)
    if scale < 1 or scale**2 * colours != node.channels:
        raise ConvertError(f"{node.name} has {node.channels} outputs: not {colours} channels at a whole scale")
    return scale


def shuffled(graph: Graph, node: Node, order: str = "crd") -> Node:
    """Pixel shuffle to the picture's colours: the end of most networks."""
    return graph.shuffle(node, scale_of(graph, node), order)


def plus_nearest(graph: Graph, node: Node) -> Node:
    """Pixel shuffle, plus the picture enlarged by repeating its pixels."""
    scale = scale_of(graph, node)
    big = graph.shuffle(node, scale)
    return graph.add(big, graph.resize(graph.x, scale, "nearest") if scale > 1 else graph.x)


from . import attention, deep, plain  # noqa: E402, F401  (they fill the list)
