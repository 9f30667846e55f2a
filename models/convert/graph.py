"""A network as a graph, which families and file readers build and lower.py turns into layers.

A node is one map of the network as its authors wrote it, on its own grid: convolutions of any stride, pixel shuffles
in the middle, enlarged maps.  Nothing is computed here.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import torch
from torch import Tensor

from .errors import ConvertError

# Which grid a node's pixels are on: the picture's (times `grid`), ESA's two, or one pixel for the whole picture.
FULL, STRIDED, POOLED, PIXEL = "full", "strided", "pooled", "pixel"
Pads = tuple[int, int, int, int]  # top, left, bottom, right


@dataclass(eq=False, repr=False)
class Node:
    """`op` is the name of the Graph's method that made it; `name` is its tensors', or its place in the file."""

    op: str
    inputs: list[Node]
    channels: int
    name: str
    grid: Fraction = Fraction(1)  # pixels per pixel of the input, in one direction
    kind: str = FULL
    weight: Tensor | None = None  # O x I/groups x rows x columns; of deconv I x O/groups x rows x columns
    bias: Tensor | None = None
    values: Tensor | None = None  # of prelu and affine
    groups: int = 1
    stride: int = 1
    pads: Pads = (0, 0, 0, 0)
    factor: int = 1  # of shuffle, unshuffle, resize; of softmax the number of values
    how: str = ""  # kind of activation, resampling or padding
    order: Sequence[int] = ()  # the channels that `pick` takes from its input
    serial: int = field(default_factory=itertools.count().__next__)


class Graph:
    """A network that is being built; `x` is its input.

    Methods with a `name` take NAME.weight and NAME.bias from `tensors`.  If one is missing or has the wrong shape, they
    raise ConvertError, which names the tensor.
    """

    def __init__(self, tensors: Mapping[str, Tensor], colours: int) -> None:
        self.tensors = tensors
        self.used: set[str] = set()
        self.x = Node("x", [], colours, "x")
        self.about: dict[str, str] = {}  # metadata that a family sets
        self.scale: int | None = None  # from the user or the file

    def has(self, name: str) -> bool:
        return name in self.tensors

    def known_scale(self) -> int:
        """The scale, for networks whose tensors do not show it."""
        if self.scale is None:
            raise ConvertError("this network's tensors do not show its scale: give --scale")
        return self.scale

    def tensor(self, name: str, *shape: int) -> Tensor:
        """A tensor of the file, in single precision; -1 in the shape allows any size."""
        if name not in self.tensors:
            raise ConvertError(f"{name} is missing")
        found = tuple(self.tensors[name].shape)
        if shape and (len(found) != len(shape) or any(w not in (-1, f) for f, w in zip(found, shape, strict=True))):
            wanted = ", ".join("any" if size < 0 else str(size) for size in shape)
            raise ConvertError(f"{name} is {list(found)}, expected [{wanted}]")
        self.used.add(name)
        return self.tensors[name].float()

    def bias(self, name: str, channels: int) -> Tensor | None:
        return self.tensor(f"{name}.bias", channels) if self.has(f"{name}.bias") else None

    def conv(self, x: Node, name: str, stride: int = 1, padding: int | None = None, groups: int = 1) -> Node:
        """Convolution with the file's NAME; `padding` None pads with zeros so that the size stays the same."""
        if x.channels % groups:
            raise ConvertError(f"{name}: {x.channels} channels cannot be split into {groups} groups")
        weight = self.tensor(f"{name}.weight", -1, x.channels // groups, -1, -1)
        rows, columns = (side // 2 if padding is None else padding for side in weight.shape[2:])
        return self.convolve(x, weight, self.bias(name, len(weight)), name, stride, (rows, columns, rows, columns),
                             groups)

    def convolve(self, x: Node, weight: Tensor, bias: Tensor | None, name: str, stride: int = 1,
                 pads: Pads | None = None, groups: int = 1) -> Node:
        """Convolution with given tensors; `pads` None pads with zeros so that the size stays the same."""
        if weight.dim() != 4 or weight.shape[1] * groups != x.channels or len(weight) % groups:
            raise ConvertError(f"{name}.weight is {list(weight.shape)}, its input has {x.channels} channels")
        rows, columns = weight.shape[2:]
        return Node("conv", [x], len(weight), name, x.grid / stride, x.kind, weight, bias, stride=stride,
                    pads=pads or (rows // 2, columns // 2, rows // 2, columns // 2), groups=groups)

    def deconv(self, x: Node, name: str, stride: int, pads: Pads, groups: int = 1) -> Node:
        """Transposed convolution with the file's NAME (I x O/groups x rows x columns); `pads` is cut off its result."""
        weight = self.tensor(f"{name}.weight", x.channels, -1, -1, -1)
        return self.deconvolve(x, weight, self.bias(name, weight.shape[1] * groups), name, stride, pads, groups)

    def deconvolve(self, x: Node, weight: Tensor, bias: Tensor | None, name: str, stride: int, pads: Pads,
                   groups: int = 1) -> Node:
        if weight.dim() != 4 or len(weight) != x.channels:
            raise ConvertError(f"{name}.weight is {list(weight.shape)}, its input has {x.channels} channels")
        return Node("deconv", [x], weight.shape[1] * groups, name, x.grid * stride, x.kind, weight, bias,
                    stride=stride, pads=pads, groups=groups)

    def act(self, x: Node, how: str, name: str = "") -> Node:
        """`how` as in models/LAYERS.md, except PReLU."""
        return Node("act", [x], x.channels, name or x.name, x.grid, x.kind, how=how)

    def prelu(self, x: Node, name: str) -> Node:
        """PReLU with the file's NAME.weight: a slope per channel, or one."""
        slopes = self.tensor(f"{name}.weight").flatten()
        return self.prelu_by(x, slopes, name)

    def prelu_by(self, x: Node, slopes: Tensor, name: str) -> Node:
        if len(slopes) not in (1, x.channels):
            raise ConvertError(f"{name}.weight is [{len(slopes)}], expected [{x.channels}]")
        return Node("act", [x], x.channels, name, x.grid, x.kind, values=slopes.expand(x.channels), how="prelu")

    def affine(self, x: Node, gain: Tensor | float = 1.0, shift: Tensor | float = 0.0, name: str = "") -> Node:
        """Each channel times `gain` plus `shift` (one number, or one per channel)."""
        gains, shifts = (torch.as_tensor(v, dtype=torch.float64).flatten().expand(x.channels) for v in (gain, shift))
        return Node("affine", [x], x.channels, name or x.name, x.grid, x.kind,
                    values=torch.stack([gains, shifts]))

    def binary(self, op: str, a: Node, b: Node, name: str = "") -> Node:
        """add or mul.  One operand may have a single channel for all, or, with mul, a single pixel."""
        name = name or a.name
        if a.kind == PIXEL != b.kind or (a.channels == 1 != b.channels and b.kind != PIXEL):
            a, b = b, a
        if b.channels not in (1, a.channels):
            raise ConvertError(f"{name}: {op} of {a.channels} and {b.channels} channels")
        if (a.grid, a.kind) != (b.grid, b.kind) and (op, b.kind) != ("mul", PIXEL):
            raise ConvertError(f"{name}: {op} of maps of different sizes")
        return Node(op, [a, b], a.channels, name, a.grid, a.kind)

    def add(self, a: Node, b: Node, name: str = "") -> Node:
        return self.binary("add", a, b, name)

    def mul(self, a: Node, b: Node, name: str = "") -> Node:
        return self.binary("mul", a, b, name)

    def concat(self, parts: Sequence[Node], name: str = "") -> Node:
        name = name or parts[0].name
        if len({(part.grid, part.kind) for part in parts}) > 1:
            raise ConvertError(f"{name}: concatenation of maps of different sizes")
        return Node("concat", list(parts), sum(p.channels for p in parts), name, parts[0].grid, parts[0].kind)

    def pick(self, x: Node, order: Sequence[int], name: str = "") -> Node:
        """Channels of x in this order, repeated or not."""
        if not order or min(order) < 0 or max(order) >= x.channels:
            raise ConvertError(f"{name or x.name}: takes channels beyond the {x.channels} that there are, or none")
        return Node("pick", [x], len(order), name or x.name, x.grid, x.kind, order=tuple(order))

    def slice(self, x: Node, begin: int, end: int) -> Node:
        return self.pick(x, range(begin, end))

    def shuffle(self, x: Node, factor: int, order: str = "crd", name: str = "") -> Node:
        """Pixel shuffle; `order` is crd (PyTorch's: colour first) or dcr (TensorFlow's: colour last)."""
        cell = factor * factor
        name = name or x.name
        if factor < 1 or x.channels % cell:
            raise ConvertError(f"{name}: {x.channels} channels cannot be split into cells of {factor} x {factor}")
        if order == "dcr":
            count = x.channels // cell
            x = self.pick(x, [phase * count + c for c in range(count) for phase in range(cell)], name)
        return Node("shuffle", [x], x.channels // cell, name, x.grid * factor, x.kind, factor=factor)

    def unshuffle(self, x: Node, factor: int, order: str = "crd", name: str = "") -> Node:
        cell = factor * factor
        node = Node("unshuffle", [x], x.channels * cell, name or x.name, x.grid / factor, x.kind, factor=factor)
        if order == "dcr":
            return self.pick(node, [c * cell + phase for phase in range(cell) for c in range(x.channels)])
        return node

    def resize(self, x: Node, factor: int, how: str, name: str = "") -> Node:
        """Enlarged by `nearest`, `bilinear`, `bicubic` (a = -0.75), `bicubic-mirror` (a = -0.5, borders mirrored)."""
        if factor < 2 or x.kind != FULL:
            raise ConvertError(f"{name or x.name}: only maps of the picture can be enlarged, two times or more")
        return Node("resize", [x], x.channels, name or x.name, x.grid * factor, factor=factor, how=how)

    def pad(self, x: Node, amount: int, how: str, name: str = "") -> Node:
        """`amount` more pixels on each side, by `zero`, `edge` or `mirror`; fewer if it is negative."""
        return Node("pad", [x], x.channels, name or x.name, x.grid, x.kind, factor=amount, how=how)

    def mean(self, x: Node, how: str = "mean", name: str = "") -> Node:
        """The mean of each channel over the picture; `meanstd` adds the standard deviation."""
        return Node("mean", [x], x.channels, name or x.name, kind=PIXEL, how=how)

    def softmax(self, x: Node, count: int) -> Node:
        """Sums of `count` values weighted by the softmax of as many keys (models/LAYERS.md)."""
        if x.channels % (2 * count):
            raise ConvertError(f"{x.name}: {x.channels} channels cannot be split into {count} values and {count} keys")
        return Node("softmax", [x], x.channels // (2 * count), x.name, x.grid, factor=count)

    def esa_pool(self, x: Node, name: str) -> Node:
        """How ESA gets small: 3x3 of stride 2 without padding, then max pooling by 7x7 with stride 3."""
        weight = self.tensor(f"{name}.weight", -1, x.channels, 3, 3)
        node = Node("stride2", [x], len(weight), name, x.grid, STRIDED, weight, self.bias(name, len(weight)))
        return Node("maxpool", [node], len(weight), f"{name}.pool", x.grid, POOLED)

    def up(self, base: Node, small: Node) -> Node:
        """`base` plus a map of ESA's pooled grid, enlarged bilinearly to the same size."""
        return Node("up", [base, small], base.channels, base.name, base.grid)
