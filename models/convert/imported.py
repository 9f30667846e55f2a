"""Shared by the readers of ncnn and ONNX files: values that are nodes or constants, and arithmetic on them."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from .errors import ConvertError
from .graph import Graph, Node

Value: TypeAlias = Node | Tensor  # a map or a constant


def node(value: Value | None, place: str) -> Node:
    """A value that must be a map."""
    if not isinstance(value, Node):
        raise ConvertError(f"{place}: expected a map, found a constant or nothing")
    return value


def constant(value: Value | None, place: str) -> Tensor:
    """A value that must be a constant."""
    if not isinstance(value, Tensor):
        raise ConvertError(f"{place}: expected a constant, found a computed value or nothing")
    return value


def a_channel(value: Tensor, channels: int, place: str) -> Tensor:
    """A constant as one value per channel."""
    shape = list(value.shape)
    while shape and shape[0] == 1 and len(shape) > 3:
        shape.pop(0)
    if value.numel() == 1:
        return value.double().flatten().expand(channels)
    if shape in ([channels], [channels, 1, 1]):
        return value.double().flatten()
    raise ConvertError(f"{place}: a constant of {list(value.shape)}; only one value, or one per channel, is supported")


def arithmetic(g: Graph, op: str, a: Value, b: Value, place: str) -> Value:
    """add, sub, mul, div of maps and constants."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return {"add": a + b, "sub": a - b, "mul": a * b, "div": a / b}[op]
    if isinstance(b, Node) and op == "div":
        raise ConvertError(f"{place}: division by a computed value is not supported")
    if isinstance(b, Tensor):
        a = node(a, place)
        number = a_channel(b, a.channels, place)
        if op in ("mul", "div"):
            return g.affine(a, number if op == "mul" else 1 / number, name=place)
        return g.affine(a, 1.0, number if op == "add" else -number, name=place)
    if isinstance(a, Tensor):
        if op == "sub":
            return g.affine(b, -1.0, a_channel(a, b.channels, place), name=place)
        return arithmetic(g, op, b, a, place)
    if op == "sub":
        return g.add(a, g.affine(b, -1.0, name=place), place)
    return g.mul(a, b, place) if op == "mul" else g.add(a, b, place)


def spread(weight: Tensor, dilation: tuple[int, int]) -> Tensor:
    """A dilated kernel as a plain one, with zeros between."""
    if dilation == (1, 1):
        return weight
    rows, columns = ((side - 1) * step + 1 for side, step in zip(weight.shape[2:], dilation, strict=True))
    result = torch.zeros(*weight.shape[:2], rows, columns)
    result[:, :, ::dilation[0], ::dilation[1]] = weight
    return result


def clip(g: Graph, x: Node, low: float, high: float, place: str) -> Node:
    """Clipped to low..high; ReLU if that is 0 and no upper bound."""
    if low == 0 and high > 1e30:
        return g.act(x, "relu", place)
    return g.act(x, f"clip:{max(low, -3e38):.9g}:{min(high, 3e38):.9g}", place)


def enlarged(g: Graph, x: Node, factors: tuple[float, float], how: str, place: str) -> Node:
    """Enlarged by a whole factor, the same in both directions."""
    rows, columns = factors
    if rows != columns or rows != int(rows) or rows < 1:
        raise ConvertError(f"{place}: resized by {rows:g} x {columns:g}; only whole factors, the same in both "
                           "directions, are supported")
    return x if rows == 1 else g.resize(x, int(rows), how, place)
