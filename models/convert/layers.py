"""The language of models/LAYERS.md: parses its lines to objects and writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import limits
from .errors import ConvertError

WITH_TENSORS = ("conv", "depthwise", "stride2")
WITH_NUMBER = ("stack", "softmax")
OPERATIONS = (*WITH_TENSORS, *WITH_NUMBER, "maxpool", "copy", "mean", "meanstd")
OPTIONS = ("columns", "rows", "bias", "add", "act", "plus", "up", "times", "gate", "pad")
ACTIVATIONS = {"relu": 0, "leaky": 1, "prelu": 1, "silu": 0, "elu": 1, "gelu": 0, "tanh": 0, "sigmoid": 0,
               "hardswish": 0, "clip": 2}
MAP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[(\d+):(\d+)\])?")


@dataclass
class Layer:
    """A line.  `out` and `source` are maps or slices, as written; `number` is a stack's or a softmax's."""

    out: str
    operation: str
    source: str = ""
    tensor: str = ""
    number: int = 0
    options: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [self.out, "=", self.operation, self.source, self.tensor]
        words += [str(self.number)] if self.operation in WITH_NUMBER else []
        words += [f"{key}={self.options[key]}" for key in OPTIONS if key in self.options]
        return " ".join(word for word in words if word)


def write(layers: list[Layer]) -> str:
    """The text of a list; ConvertError if it is longer than a model file allows."""
    text = "".join(f"{layer}\n" for layer in layers)
    if len(layers) > limits.LINES:
        raise ConvertError(f"the network needs {len(layers)} layers; the limit is {limits.LINES}")
    if len(text.encode()) > limits.TEXT:
        raise ConvertError(f"the list of layers is {len(text.encode())} bytes long; the limit is {limits.TEXT}")
    return text


def split_map(text: str) -> tuple[str, int, int]:
    """A map's name, and begin and end of the slice; the end is -1 for the whole map."""
    match = MAP.fullmatch(text)
    if not match:
        raise ConvertError(f"{text!r} is not a map's name")
    begin, end = int(match[2] or 0), int(match[3] or -1)
    if match[2] and end <= begin:
        raise ConvertError(f"{text} has no channels")
    return match[1], begin, end


def parse_line(words: list[str]) -> Layer:
    """The layer of a line's words; ConvertError says what is wrong with it."""
    if len(words) < 3 or words[1] != "=":
        raise ConvertError("expected OUT = OPERATION IN ...")
    layer = Layer(words[0], words[2])
    rest = [word for word in words[3:] if "=" not in word]
    if layer.operation not in OPERATIONS:
        raise ConvertError(f"{layer.operation} is not an operation")
    wanted = (layer.operation != "stack") + (layer.operation in (*WITH_TENSORS, *WITH_NUMBER))
    if len(rest) != wanted:
        raise ConvertError(f"{layer.operation} takes {wanted} words, not {len(rest)}")
    if layer.operation != "stack":
        layer.source = rest.pop(0)
    if layer.operation in WITH_TENSORS:
        layer.tensor = rest.pop(0)
    if layer.operation in WITH_NUMBER:
        if not rest[0].isdecimal() or not 1 <= int(rest[0]) <= limits.MAP:
            raise ConvertError(f"{rest[0]} is not a number from 1 to {limits.MAP}")
        layer.number = int(rest[0])
    for word in (word for word in words[3:] if "=" in word):
        key, _, value = word.partition("=")
        if key not in OPTIONS or not value:
            raise ConvertError(f"{word} is not an option")
        if key in layer.options:
            raise ConvertError(f"{key} is given twice")
        layer.options[key] = value
    split_map(layer.out)
    return layer


def parse(text: str) -> list[Layer]:
    """The layers of a text; ConvertError names the line."""
    layers = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            try:
                layers.append(parse_line(words))
            except ConvertError as error:
                raise ConvertError(f"layers, line {number}: {error}") from None
    if not layers:
        raise ConvertError("layers: the list is empty")
    return layers
