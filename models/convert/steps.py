"""Layers under construction: maps, the steps that write them, and what can be put into an existing step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from . import layers, limits
from .errors import ConvertError
from .graph import FULL

ORDER = {"add": 0, "act": 1, "plus": 2, "up": 3, "times": 4, "gate": 4, "pad": 5}  # the order in which options act


@dataclass(eq=False)
class Map:
    """A map, or a part of the stack `parent` from channel `offset` on."""

    name: str
    width: int
    kind: str = FULL
    parent: Map | None = None
    offset: int = 0
    stack: bool = False
    pad: str = ""
    fixed: bool = False  # cannot become a part of a stack
    writers: list[Step] = field(default_factory=list)

    def place(self, channel: int) -> tuple[Map, int]:
        """The map that the text names, and the channel there."""
        return self.parent.place(self.offset + channel) if self.parent else (self, channel)


@dataclass
class Ref:
    """Channels `begin` to `end` - 1 of a map."""

    map: Map
    begin: int
    end: int

    def __str__(self) -> str:
        root, begin = self.map.place(self.begin)
        width = self.end - self.begin
        return root.name if width == root.width else f"{root.name}[{begin}:{begin + width}]"

    def part(self, begin: int, end: int) -> Ref:
        """A part of the slice; a single channel, which stands for all, stays the same."""
        return self if self.end - self.begin == 1 else Ref(self.map, self.begin + begin, self.begin + end)


@dataclass
class Option:
    """An option's value: a word, then a map or a tensor (of slopes, `name` in the file)."""

    word: str = ""
    ref: Ref | None = None
    slopes: Tensor | None = None
    name: str = ""


@dataclass(eq=False)
class Step:
    """A layer.  `rows` are the rows of `weight` and `bias` that it uses; the file has the tensors as a whole."""

    out: Ref
    operation: str
    source: Ref
    name: str = ""
    weight: Tensor | None = None
    bias: Tensor | None = None
    rows: tuple[int, int] | None = None
    number: int = 0
    options: dict[str, Option] = field(default_factory=dict)

    def takes(self, option: str) -> bool:
        """Whether the option can be added: no other option acts at the same point or later."""
        return all(ORDER[key] < ORDER[option] for key in self.options)

    def own_tensors(self) -> tuple[Tensor, Tensor | None]:
        """Only this step's rows of weight and bias, which can then be changed."""
        assert self.weight is not None
        if self.rows:
            begin, end = self.rows
            self.weight = self.weight[begin:end]
            self.bias = None if self.bias is None else self.bias[begin:end]
            self.rows = None
        return self.weight, self.bias


Channel = tuple[Map, int]


@dataclass
class Value:
    """A node's result: the map and channel of each channel c's phases, at (c n + row) n + column.

    `inset` is by how many pixels (of its own grid) it is smaller than the picture on each side, `beyond` what it is
    padded with if it is larger.  `shared` is set if others read the same maps.
    """

    channels: list[Channel]
    n: int = 1
    kind: str = FULL
    inset: int = 0
    beyond: str = ""
    shared: bool = False

    def maps(self) -> list[Map]:
        """All maps, in the order in which they occur."""
        return list(dict.fromkeys(m for m, _ in self.channels))

    def ref(self) -> Ref | None:
        """The value as a slice of a map, None if it is not one."""
        places = [m.place(c) for m, c in self.channels]
        root, begin = places[0]
        if all(place == (root, begin + i) for i, place in enumerate(places)):
            return Ref(root, begin, begin + len(places))
        return None

    def all_of(self) -> Map | None:
        """The map whose channels the value is, all of them in any order; else None."""
        first = self.channels[0][0]
        if len(self.channels) == first.width and {(first, c) for c in range(first.width)} == set(self.channels):
            return first
        return None


class Program:
    """The steps so far."""

    def __init__(self, colours: int) -> None:
        self.x = Map("x", colours, fixed=True)
        self.steps: list[Step] = []
        self.names = {"x"}

    def new_map(self, name: str, width: int, kind: str = FULL, stack: bool = False) -> Map:
        if width > limits.MAP:
            raise ConvertError(f"{name}: a map of {width} channels; the limit is {limits.MAP}")
        stem = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[-60:].strip("_") or "map"  # the engine takes 128
        stem = stem if stem[0].isalpha() else f"m{stem}"
        unique, count = stem, 1
        while unique in self.names:
            count += 1
            unique = f"{stem}_{count}"
        self.names.add(unique)
        return Map(unique, width, kind, stack=stack)

    def emit(self, operation: str, source: Ref, out: Ref, name: str = "", weight: Tensor | None = None,
             bias: Tensor | None = None, rows: tuple[int, int] | None = None, number: int = 0) -> Step:
        if weight is not None and max(weight.shape[2:]) > limits.SIDE:
            raise ConvertError(f"{name}: a kernel of {weight.shape[2]} x {weight.shape[3]} on the picture's grid; "
                               f"the limit is {limits.SIDE} x {limits.SIDE}")
        step = Step(out, operation, source, name, weight, bias, rows, number)
        out.map.writers.append(step)
        self.steps.append(step)
        return step

    def fresh(self, operation: str, source: Ref, width: int, name: str, kind: str = FULL, weight: Tensor | None = None,
              bias: Tensor | None = None, number: int = 0) -> Map:
        """A step that writes a new map."""
        result = self.new_map(name, width, kind)
        self.emit(operation, source, Ref(result, 0, width), name, weight, bias, number=number)
        return result

    def before(self, ref: Ref, step: Step) -> bool:
        """Whether the whole slice is written before a step."""
        root, begin = ref.map.place(ref.begin)
        if root is self.x:
            return True
        end = begin + ref.end - ref.begin
        late = self.steps[self.steps.index(step):]
        return not any(self.overlaps(s.out, root, begin, end) for s in late)

    @staticmethod
    def overlaps(out: Ref, root: Map, begin: int, end: int) -> bool:
        other, first = out.map.place(out.begin)
        return other is root and first < end and begin < first + out.end - out.begin

    def stacked(self, parts: Sequence[Ref], name: str) -> Map:
        """A stack of slices, in this order: whole maps become parts of it where they can, other slices are copied."""
        grown = self.grown(parts)
        if grown:
            return grown
        kind = parts[0].map.place(0)[0].kind
        result = self.new_map(name, sum(part.end - part.begin for part in parts), kind, stack=True)
        result.fixed, at, taken = True, 0, set()
        for part in parts:
            width = part.end - part.begin
            if self.can_move(part) and part.map not in taken:
                part.map.parent, part.map.offset = result, at
                taken.add(part.map)
            else:
                self.emit("copy", part, Ref(result, at, at + width))
            at += width
        return result

    def grown(self, parts: Sequence[Ref]) -> Map | None:
        """If the first parts are a whole stack and the others can become parts of it, the stack with these appended."""
        stack, at, others = parts[0].map.place(parts[0].begin)[0], 0, list(parts)
        while others and others[0].map.place(others[0].begin) == (stack, at):
            at += others[0].end - others[0].begin
            del others[0]
        width = at + sum(part.end - part.begin for part in others)
        if not (stack.stack and stack.fixed and at == stack.width) or width > limits.MAP or \
                not all(self.can_move(part) for part in others) or len({part.map for part in others}) < len(others):
            return None
        for part in others:
            part.map.parent, part.map.offset = stack, stack.width
            stack.width += part.map.width
        return stack

    @staticmethod
    def can_move(part: Ref) -> bool:
        """Whether a slice is a whole map that can become a part of a stack."""
        source = part.map
        return part.end - part.begin == source.width and not (source.fixed or source.parent or source.pad)

    def text(self) -> tuple[list[layers.Layer], dict[str, Tensor]]:
        """The lines, and the tensors they name."""
        tensors: dict[str, Tensor] = {}
        lines: list[layers.Layer] = []
        stacks: set[Map] = set()
        for step in self.steps:
            root = step.out.map.place(0)[0]
            if root.stack and root not in stacks:
                stacks.add(root)
                lines.append(layers.Layer(root.name, "stack", number=root.width))
            layer = layers.Layer(str(step.out), step.operation, str(step.source), number=step.number)
            if step.weight is not None:
                layer.tensor = store(tensors, step)
            if step.rows and step.weight is not None and step.rows != (0, len(step.weight)):
                layer.options["rows"] = "{}:{}".format(*step.rows)
            for key, option in step.options.items():
                layer.options[key] = option.word + (str(option.ref) if option.ref else "")
                if option.slopes is not None:
                    layer.options[key] += ":" + keep(tensors, word_name(option.name), {"": option.slopes})
            lines.append(layer)
        return lines, tensors


def word_name(name: str) -> str:
    """A tensor's name for the list: without blanks and characters that have a meaning there."""
    return re.sub(r"[^A-Za-z0-9_./-]+", "_", name) or "tensor"


def keep(tensors: dict[str, Tensor], name: str, parts: dict[str, Tensor]) -> str:
    """Put tensors under NAME + ending, or under another NAME if different ones are there; returns the NAME."""
    unique, count = name, 1
    while True:
        there = {end: tensors.get(unique + end) for end in (".weight", ".bias", "")}
        if all(value is None for value in there.values()):
            tensors.update({unique + end: value.contiguous() for end, value in parts.items()})
            return unique
        found = {end: value for end, value in there.items() if value is not None}
        if found.keys() == parts.keys() and all(torch.equal(found[end], value) for end, value in parts.items()):
            return unique
        count += 1
        unique = f"{name}_{count}"


def store(tensors: dict[str, Tensor], step: Step) -> str:
    parts = {".weight": step.weight, ".bias": step.bias}
    return keep(tensors, word_name(step.name), {end: t for end, t in parts.items() if t is not None})
