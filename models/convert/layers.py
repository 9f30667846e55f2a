"""The language of models/LAYERS.md: its lines as objects, and back."""

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
    """A line.  `out` and `source` are maps as written, slices or not; `number` is a stack's or a softmax's."""

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
    """The text of a list; ConvertError where it is longer than a model file may have it."""
    text = "".join(f"{layer}\n" for layer in layers)
    if len(layers) > limits.LINES:
        raise ConvertError(f"the network needs {len(layers)} layers, and {limits.LINES} are the limit")
    if len(text.encode()) > limits.TEXT:
        raise ConvertError(f"the list of layers is {len(text.encode())} bytes long, and {limits.TEXT} are the limit")
    return text


def split_map(text: str) -> tuple[str, int, int]:
    """A map's name and the slice of it; its end is -1 where the map is meant as a whole."""
    match = MAP.fullmatch(text)
    if not match:
        raise ConvertError(f"{text!r} is no map's name")
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
        raise ConvertError(f"{layer.operation} is no operation")
    wanted = (layer.operation != "stack") + (layer.operation in (*WITH_TENSORS, *WITH_NUMBER))
    if len(rest) != wanted:
        raise ConvertError(f"{layer.operation} takes {wanted} words, and has {len(rest)}")
    if layer.operation != "stack":
        layer.source = rest.pop(0)
    if layer.operation in WITH_TENSORS:
        layer.tensor = rest.pop(0)
    if layer.operation in WITH_NUMBER:
        if not rest[0].isdecimal() or not 1 <= int(rest[0]) <= limits.MAP:
            raise ConvertError(f"{rest[0]} is no number from 1 to {limits.MAP}")
        layer.number = int(rest[0])
    for word in (word for word in words[3:] if "=" in word):
        key, _, value = word.partition("=")
        if key not in OPTIONS or not value:
            raise ConvertError(f"{word} is no option")
        if key in layer.options:
            raise ConvertError(f"{key} is there twice")
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
