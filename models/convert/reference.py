"""Computes a graph as its authors wrote it, grid by grid, in PyTorch; its layers are checked against this."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from . import evaluate
from .errors import ConvertError
from .graph import PIXEL, Graph, Node
from .rewrite import reachable

PICTURE = 48, 40  # rows and columns of the picture to check with, multiples of the largest cell
SMALL, MANY = (24, 20), 1 << 22  # the same for networks with so many weights, which would take minutes
TOLERANCE = 0.02 / 255  # as a share of the samples' range


def convolve(node: Node, x: Tensor) -> Tensor:
    top, left, bottom, right = node.pads
    assert node.weight is not None
    weight, bias = node.weight.to(x.dtype), None if node.bias is None else node.bias.to(x.dtype)
    if node.op == "deconv":
        y = F.conv_transpose2d(x, weight, bias, node.stride, groups=node.groups)
        return y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]
    if node.op == "stride2":
        return F.conv2d(x, weight, bias, 2)
    return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, node.stride, groups=node.groups)


def resize(node: Node, x: Tensor) -> Tensor:
    if node.how == "nearest":
        return F.interpolate(x, scale_factor=node.factor, mode="nearest")
    if node.how != "bicubic-mirror":
        return F.interpolate(x, scale_factor=node.factor, mode=node.how, align_corners=False)
    result = x
    for axis in (2, 3):  # columns, then rows, each pixel weighted by its distance
        size = x.shape[axis]
        at = (torch.arange(size * node.factor) + 0.5) / node.factor - 0.5
        matrix = torch.zeros(len(at), size, dtype=x.dtype)
        for row, place in enumerate(at.tolist()):
            for tap in range(int(place // 1) - 1, int(place // 1) + 3):
                far = abs(place - tap)
                near = 1.5 * far**3 - 2.5 * far**2 + 1 if far < 1 else -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
                inside = -1 - tap if tap < 0 else 2 * size - 1 - tap if tap >= size else tap
                matrix[row, inside] += near if far < 2 else 0
        result = torch.einsum("rs,bcsk->bcrk" if axis == 2 else "rs,bcks->bckr", matrix, result)
    return result


def padded(node: Node, x: Tensor) -> Tensor:
    amount = (node.factor,) * 4
    if node.how == "edge" and node.factor > 0:
        return F.pad(x, amount, mode="replicate")
    if node.how == "mirror" and node.factor > 0:
        rows = torch.cat([x[:, :, :node.factor].flip(2), x, x[:, :, -node.factor:].flip(2)], 2)
        return torch.cat([rows[..., :node.factor].flip(3), rows, rows[..., -node.factor:].flip(3)], 3)
    return F.pad(x, amount)


def activate(node: Node, x: Tensor) -> Tensor:
    name, *values = node.how.split(":")
    if node.values is not None:
        return F.prelu(x, node.values.to(x.dtype))
    return evaluate.FUNCTIONS[name](x, *map(float, values))


def binary(node: Node, a: Tensor, b: Tensor) -> Tensor:
    """add and mul; if convolutions without padding made one smaller, the other is cropped to its middle."""
    if b.shape[2:] != (1, 1) or node.inputs[1].kind != PIXEL:
        height, width = (min(p, q) for p, q in zip(a.shape[2:], b.shape[2:], strict=True))
        a, b = (v[:, :, (v.shape[2] - height) // 2:][:, :, :height, (v.shape[3] - width) // 2:][..., :width]
                for v in (a, b))
    return a + b if node.op == "add" else a * b


def compute(node: Node, inputs: list[Tensor]) -> Tensor:
    x = inputs[0]
    if node.op in ("conv", "deconv", "stride2"):
        return convolve(node, x)
    if node.op in ("add", "mul"):
        return binary(node, *inputs)
    if node.op == "affine":
        assert node.values is not None
        gain, shift = node.values[:, None, :, None, None].to(x.dtype)
        return x * gain + shift
    if node.op == "concat":
        return torch.cat(inputs, 1)
    if node.op == "up":
        return x + F.interpolate(inputs[1], x.shape[2:], mode="bilinear", align_corners=False)
    if node.op == "mean":
        mean = x.mean((2, 3), keepdim=True)
        return mean if node.how == "mean" else mean + (x - mean).square().mean((2, 3), keepdim=True).sqrt()
    if node.op == "softmax":
        values, keys = x.unflatten(1, (2, node.factor, -1)).unbind(1)
        return (values * keys.softmax(1)).sum(1)
    others: dict[str, Callable[[Node, Tensor], Tensor]] = {
        "act": activate, "resize": resize, "pad": padded, "pick": lambda n, v: v[:, list(n.order)],
        "shuffle": lambda n, v: F.pixel_shuffle(v, n.factor),
        "unshuffle": lambda n, v: F.pixel_unshuffle(v, n.factor), "maxpool": lambda n, v: F.max_pool2d(v, 7, 3)}
    return others[node.op](node, x)


def result(graph: Graph, output: Node, x: Tensor) -> Tensor:
    """The network's result for x, 1 x colours x H x W."""
    values: dict[Node, Tensor] = {graph.x: x}
    for node in reachable(output):
        if node is not graph.x:
            values[node] = compute(node, [values[source] for source in node.inputs])
    return values[output]


def difference(graph: Graph, output: Node, tensors: dict[str, Tensor], about: dict[str, str]) -> float:
    """The largest difference between a model file's result and the graph's, as a share of the samples' range.

    On noise, in double precision, so that differences are not from rounding.
    """
    unit = float(about.get("input_range", 1))
    size = PICTURE if sum(tensor.numel() for tensor in tensors.values()) < MANY else SMALL
    noise = torch.rand(1, graph.x.channels, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    picture = noise * unit
    border = own_border(graph, output, about)
    wide = F.pad(picture, (border,) * 4, mode="replicate") if border else picture
    with torch.inference_mode():
        theirs, ours = result(graph, output, wide), evaluate.enlarge(tensors, about, picture)
    return far_apart(ours, theirs, unit)


def own_border(graph: Graph, output: Node, about: dict[str, str]) -> int:
    """Pixels that the caller must pad each side of the picture by; 0 if the network pads it itself."""
    border = int(about.get("extend", 0))
    itself = any(node.op == "pad" and node.inputs[0] is graph.x for node in reachable(output))
    return 0 if itself else border


def smooth(colours: int, rows: int, columns: int, unit: float) -> Tensor:
    """A picture without noise: some networks amplify noise so much that single precision does not suffice."""
    down, right = torch.arange(rows)[:, None] / 9, torch.arange(columns) / 7
    shades = [0.5 + 0.25 * torch.sin(down + c) + 0.25 * torch.cos(right * (c + 1)) for c in range(colours)]
    return torch.stack(shades)[None] * unit


def far_apart(ours: Tensor, theirs: Tensor, unit: float) -> float:
    """The largest difference, as a share of the samples' range, or of the result's if larger, as with random weights."""
    if ours.shape != theirs.shape:
        raise ConvertError(f"the layers' result is {list(ours.shape)}, the network's {list(theirs.shape)}")
    return float((ours - theirs).abs().max()) / max(unit, float(theirs.abs().max()))
