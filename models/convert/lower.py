"""Turns a graph into layers: everything on one grid, the network's coarsest; finer maps are phases of it.

What needs no arithmetic makes no layer: concatenation, slices, pixel shuffles and nearest neighbours only say
where each channel is.  What layers cannot express is refused; the message names the operation and its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from . import counts, layers, limits, phases, rewrite
from .errors import ConvertError
from .fold import Folding
from .graph import FULL, PIXEL, Graph, Node
from .steps import Channel, Ref, Value


class Lowering(Folding):
    """Lowers the nodes of a graph, in their order."""

    def __init__(self, graph: Graph, output: Node) -> None:
        super().__init__(graph.x.channels)
        output = rewrite.simplified(output)
        self.nodes, self.output = rewrite.reachable(output), output
        self.uses = Counter(source for node in self.nodes for source in node.inputs)
        self.uses[output] += 1
        self.about: dict[str, str] = {}
        full = [node.grid for node in self.nodes if node.kind == FULL]
        self.cell = int(1 / min(full)) if (1 / min(full)).denominator == 1 else 0
        if not self.cell or any((grid * self.cell).denominator != 1 for grid in full):
            raise ConvertError(f"grids of {', '.join(sorted({str(g) for g in full}))} of the picture's do not divide "
                               "each other")
        self.extend = 0
        self.standard = rewrite.up_to_output(output)
        self.values: dict[Node, Value] = {}

    def run(self) -> Value:
        for node in self.nodes:
            value = getattr(self, f"lower_{node.op}")(node)
            value.shared = value.shared or self.uses[node] > 1
            self.values[node] = value
        return self.values[self.output]

    def n(self, node: Node) -> int:
        """How much finer than the coarsest grid a node is."""
        return int(node.grid * self.cell) if node.kind == FULL else 1

    # The input, and what makes no layer

    def lower_x(self, node: Node) -> Value:
        if self.cell > 1:
            self.x.width = node.channels * self.cell**2
        return Value([(self.x, i) for i in range(self.x.width)], self.cell)

    def lower_concat(self, node: Node) -> Value:
        parts = [self.values[source] for source in node.inputs]
        if len({(p.inset, p.beyond) for p in parts}) > 1 or parts[0].beyond:
            raise ConvertError(f"{node.name}: concatenation of maps with different borders")
        return Value([channel for part in parts for channel in part.channels], parts[0].n, parts[0].kind,
                     parts[0].inset, shared=any(part.shared for part in parts))

    def lower_pick(self, node: Node) -> Value:
        x = self.values[node.inputs[0]]
        cell = x.n**2
        return Value([x.channels[c * cell + phase] for c in node.order for phase in range(cell)], x.n, x.kind, x.inset,
                     shared=x.shared)

    def lower_shuffle(self, node: Node) -> Value:
        """Channel (c, i, j) at row R, column K of a cell becomes channel c at row R f + i, column K f + j."""
        x, f = self.values[node.inputs[0]], node.factor
        if x.kind != FULL:
            raise ConvertError(f"{node.name}: pixel shuffle of a map that is not on the picture's grid")
        n, m = x.n, x.n * f
        return Value([x.channels[((c * f * f + row % f * f + column % f) * n + row // f) * n + column // f]
                      for c in range(node.channels) for row in range(m) for column in range(m)],
                     m, inset=x.inset * f, shared=x.shared)

    def lower_unshuffle(self, node: Node) -> Value:
        x, f = self.values[node.inputs[0]], node.factor
        n = x.n // f
        if x.inset % f:
            raise ConvertError(f"{node.name}: pixel unshuffle of a map that convolutions without padding made smaller")
        return Value([x.channels[(c * x.n + row * f + i) * x.n + column * f + j]
                      for c in range(x.channels.__len__() // x.n**2) for i in range(f) for j in range(f)
                      for row in range(n) for column in range(n)], n, inset=x.inset // f, shared=x.shared)

    def lower_resize(self, node: Node) -> Value:
        x, f = self.values[node.inputs[0]], node.factor
        if node.how == "nearest":
            m = x.n * f
            return Value([x.channels[(c * x.n + row // f) * x.n + column // f]
                          for c in range(node.channels) for row in range(m) for column in range(m)],
                         m, inset=x.inset * f, shared=x.shared)
        if x.n > 1 or x.inset != -self.extend:
            raise ConvertError(f"{node.name}: {node.how} enlargement of a map that is finer than the network's "
                               "coarsest grid, padded or cropped: its border cannot be repeated")
        kernels = phases.resampling(node.how, f)
        weight = torch.zeros(node.channels, f * f, node.channels, *kernels.shape[1:])
        for c in range(node.channels):
            weight[c, :, c] = kernels
        beyond = "mirror" if node.how == "bicubic-mirror" else "edge"
        return self.convolved(x, weight.flatten(0, 1), None, node.name, f, x.inset * f, beyond)

    def lower_pad(self, node: Node) -> Value:
        x = self.values[node.inputs[0]]
        if node.factor < 0 and not x.beyond:
            return Value(x.channels, x.n, x.kind, x.inset - node.factor, shared=x.shared)
        if x.inset != -self.extend * x.n or x.beyond or node.factor < 0:
            raise ConvertError(f"{node.name}: padding of a map that is already padded or made smaller")
        if x.channels[0][0] is self.x and node.how == "edge" and self.uses[node.inputs[0]] == 1 and self.cell == 1:
            self.extend = node.factor
            return Value(x.channels, x.n, x.kind, -node.factor, shared=x.shared)
        return Value(x.channels, x.n, x.kind, x.inset - node.factor, node.how, x.shared)

    # Convolutions

    def lower_conv(self, node: Node) -> Value:
        x = self.values[node.inputs[0]]
        assert node.weight is not None
        rows, columns = node.weight.shape[2:]
        if x.kind != FULL:
            wanted = (1, 1) if x.kind == PIXEL else (rows, columns)
            if (rows, columns) != wanted or node.stride > 1 or node.groups > 1 or \
                    node.pads != (rows // 2, columns // 2) * 2:
                raise ConvertError(f"{node.name}: maps of one pixel and ESA's allow only plain convolutions")
            return self.convolved(x, node.weight, node.bias, node.name, 1, 0)
        top, left, inset = self.borders(node, x, rows, columns)
        m = x.n // node.stride
        centred = node.stride == 1 and rows % 2 and columns % 2 and (top, left) == (rows // 2, columns // 2)
        if x.n == 1 and centred and node.groups > 1:
            return self.in_groups(node, x, inset)
        weight = phases.dense(node.weight, node.groups)
        if x.n > 1 and (rows, columns, node.stride) == (1, 1, 1) and node not in self.standard:
            return self.each_phase(node, x, weight, inset)
        if x.n > 1 or not centred:
            weight = phases.conv(weight, node.stride, top, left, x.n)
        bias = None if node.bias is None else node.bias.repeat_interleave(m * m)
        return self.convolved(x, weight, bias, node.name, m, inset, x.beyond, node in self.standard)

    def borders(self, node: Node, x: Value, rows: int, columns: int) -> tuple[int, int, int]:
        """Padding above and to the left so that the result lies on the picture's grid, and its inset."""
        top, left, bottom, right = node.pads
        padded = any(node.pads)
        if padded and (x.inset != -self.extend * x.n or x.beyond):
            raise ConvertError(f"{node.name}: zero padding of a map that convolutions without padding made smaller")
        if node.stride > 1:
            if x.inset or x.n % node.stride or not (rows - node.stride <= top + bottom < rows
                                                    and columns - node.stride <= left + right < columns):
                raise ConvertError(f"{node.name}: a convolution of stride {node.stride} whose result is not 1 / "
                                   f"{node.stride} of its input")
            return top, left, 0
        less, also = rows - 1 - top - bottom, columns - 1 - left - right
        if less % 2 or less != also:
            raise ConvertError(f"{node.name}: {rows} x {columns} with padding {node.pads} shifts the picture")
        inset = x.inset + less // 2
        if x.beyond and inset != -self.extend * x.n:
            raise ConvertError(f"{node.name}: the padding before it is not as wide as its kernel needs")
        if x.beyond in ("edge", "mirror") and x.n > 1:
            raise ConvertError(f"{node.name}: repeated borders on a grid finer than the network's coarsest")
        return top + inset - x.inset, left + inset - x.inset, inset

    def each_phase(self, node: Node, x: Value, weight: Tensor, inset: int) -> Value:
        """1x1 on a finer grid: one convolution for each phase, all with the same tensors."""
        cell, outputs = x.n**2, node.channels
        result = self.new_map(node.name, cell * outputs, stack=True)
        for phase in range(cell):
            source, columns = self.source(x.channels[phase::cell], weight, x.kind)
            out = Ref(result, phase * outputs, (phase + 1) * outputs)
            self.emit("conv", source, out, node.name, columns, node.bias)
        channels = [(result, phase * outputs + c) for c in range(outputs) for phase in range(cell)]
        return Value(channels, x.n, x.kind, inset)

    def in_groups(self, node: Node, x: Value, inset: int) -> Value:
        """A grouped convolution on the coarsest grid: one for each group; `depthwise` if groups have one channel."""
        assert node.weight is not None
        source = self.flagged(self.contiguous(x.channels, x.kind, node.name), x.beyond)
        inputs, outputs = source.end - source.begin, node.channels
        if node.groups == inputs == outputs:
            result = self.fresh("depthwise", source, outputs, node.name, weight=node.weight, bias=node.bias)
        else:
            result = self.new_map(node.name, outputs, stack=True)
            i, o = inputs // node.groups, outputs // node.groups
            for g in range(node.groups):
                self.emit("conv", source.part(g * i, (g + 1) * i) if inputs > 1 else source,
                          Ref(result, g * o, (g + 1) * o), node.name, node.weight, node.bias, (g * o, (g + 1) * o))
        return Value([(result, c) for c in range(outputs)], 1, x.kind, inset)

    def lower_deconv(self, node: Node) -> Value:
        x, s = self.values[node.inputs[0]], node.stride
        assert node.weight is not None
        rows, columns = node.weight.shape[2:]
        top, left, bottom, right = node.pads
        less, also = top + bottom + s - rows, left + right + s - columns
        if x.kind != FULL or x.beyond or less % 2 or less != also or (x.inset == -self.extend * x.n and less < 0):
            raise ConvertError(f"{node.name}: a deconvolution whose result is not {s} times its input")
        inset = s * x.inset + less // 2
        move = inset - s * x.inset
        weight = phases.deconv(phases.dense(node.weight, node.groups, True), s, top - move, left - move, x.n)
        m = x.n * s
        bias = None if node.bias is None else node.bias.repeat_interleave(m * m)
        return self.convolved(x, weight, bias, node.name, m, inset, standard=node in self.standard)

    def convolved(self, x: Value, weight: Tensor, bias: Tensor | None, name: str, m: int, inset: int,
                  beyond: str = "", standard: bool = True) -> Value:
        """A convolution on the coarsest grid, whose result has m x m phases.

        Between layers a phase's channels lie side by side, so that a phase is a slice; in the network's result they
        are in the order of pixel shuffle.
        """
        outputs = len(weight) // (m * m)
        place = list(range(len(weight)))
        if m > 1 and not standard:
            order = [c * m * m + phase for phase in range(m * m) for c in range(outputs)]
            weight, bias = weight[order], None if bias is None else bias[order]
            place = [phase * outputs + c for c in range(outputs) for phase in range(m * m)]
        source, weight = self.source(x.channels, weight, x.kind)
        result = self.fresh("conv", self.flagged(source, beyond), len(weight), name, x.kind, weight, bias)
        return Value([(result, c) for c in place], m, x.kind, inset)

    def source(self, channels: Sequence[Channel], weight: Tensor, kind: str) -> tuple[Ref, Tensor]:
        """A slice that contains all channels, and the kernel with its columns in the slice's order."""
        maps = list(dict.fromkeys(m for m, _ in channels))
        if len({m.place(0)[0] for m in maps}) > 1:
            runs = [Ref(m, min(mine), max(mine) + 1) for m in maps for mine in [[c for o, c in channels if o is m]]]
            stack = self.stacked(runs, f"{runs[0].map.name}_cat")
            starts, at = {}, 0
            for run in runs:
                starts[run.map] = at - run.begin
                at += run.end - run.begin
            channels = [(stack, starts[m] + c) for m, c in channels]
        places = [m.place(c) for m, c in channels]
        root = places[0][0]
        begin, end = min(c for _, c in places), max(c for _, c in places) + 1
        if [c for _, c in places] == list(range(begin, end)):
            return Ref(root, begin, end), weight
        result = torch.zeros(len(weight), end - begin, *weight.shape[2:])
        for column, (_, channel) in enumerate(places):
            result[:, channel - begin] += weight[:, column]
        return Ref(root, begin, end), result

    # ESA, the whole picture, softmax

    def lower_stride2(self, node: Node) -> Value:
        x = self.values[node.inputs[0]]
        if x.n > 1 or x.inset or x.beyond:
            raise ConvertError(f"{node.name}: ESA must begin on the network's coarsest grid")
        result = self.fresh("stride2", self.contiguous(x.channels, x.kind, node.name), node.channels, node.name,
                            node.kind, node.weight, node.bias)
        return Value([(result, c) for c in range(node.channels)], kind=node.kind)

    def lower_maxpool(self, node: Node) -> Value:
        x = self.values[node.inputs[0]]
        result = self.fresh("maxpool", self.contiguous(x.channels, x.kind, node.name), node.channels, node.name,
                            node.kind)
        return Value([(result, c) for c in range(node.channels)], kind=node.kind)

    def lower_mean(self, node: Node) -> Value:
        x = self.values[node.inputs[0]]
        if x.inset or x.beyond or (x.n > 1 and node.how != "mean"):
            raise ConvertError(f"{node.name}: {node.how} of a map that is finer or smaller than the picture")
        source = self.contiguous(x.channels, x.kind, node.name)
        result = self.fresh(node.how, source, len(x.channels), node.name, PIXEL)
        value = Value([(result, c) for c in range(len(x.channels))], kind=PIXEL)
        if x.n == 1:
            return value
        weight = torch.eye(node.channels).repeat_interleave(x.n**2, 1)[:, :, None, None] / x.n**2
        return self.convolved(value, weight, None, node.name, 1, 0)

    def lower_softmax(self, node: Node) -> Value:
        x = self.values[node.inputs[0]]
        if x.n > 1 or x.beyond:
            raise ConvertError(f"{node.name}: softmax on a grid finer than the network's coarsest")
        result = self.fresh("softmax", self.contiguous(x.channels, x.kind, node.name), node.channels, node.name,
                            number=node.factor)
        return Value([(result, c) for c in range(node.channels)], inset=x.inset)


def lower(graph: Graph, output: Node) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a model file that computes `output`."""
    lowering = Lowering(graph, output)
    value = lowering.run()
    scale, cell = output.grid, lowering.cell
    if output.kind != FULL or scale.denominator != 1 or not 1 <= scale <= limits.SCALE:
        raise ConvertError(f"the result is {scale} times the picture; only 1 to {limits.SCALE} is supported")
    if output.channels != graph.x.channels or output.channels not in (1, 3):
        raise ConvertError(f"{graph.x.channels} channels in and {output.channels} out; both must be one or three")
    extend = inset_to_extend(lowering.extend, value, scale * cell)
    if cell > limits.UNSHUFFLE or extend > limits.EXTEND:
        raise ConvertError(f"unshuffled by {cell} and padded by {extend} pixels; the limits are {limits.UNSHUFFLE} "
                           f"and {limits.EXTEND}")
    lowering.finish(value)
    lines, tensors = lowering.text()
    text = layers.write(lines)
    counts.check(lines, tensors, lowering.x.width)
    about = {"scale": str(scale), "colour": {1: "luma", 3: "rgb"}[output.channels], **lowering.about,
             **({"unshuffle": str(cell)} if cell > 1 else {}), **({"extend": str(extend)} if extend else {}),
             **graph.about, "layers": text}
    return tensors, about


def inset_to_extend(extend: int, value: Value, n: Fraction) -> int:
    """By how many pixels the picture must be padded for the result to have the right size."""
    if extend:
        if value.inset > 0:
            raise ConvertError("the result is smaller than it should be, although the picture is padded")
        return extend
    extend, rest = divmod(value.inset, int(n))
    if rest or value.inset < 0:
        raise ConvertError(f"the result is {value.inset} pixels smaller than it should be on each side")
    return extend
