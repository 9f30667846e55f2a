"""Turns kernels on a fine grid into kernels on a coarse one, whose channels are the fine grid's phases.

A map of C channels on a grid n times as fine becomes C n n channels on the coarse grid, in the order of PyTorch's
pixel shuffle: channel c, row r, column k of a cell is channel (c n + r) n + k.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# What a tap of an output phase reads: (output phase, tap, input phase, coarse offset), along one axis.
Taps = list[tuple[int, int, int, int]]


def conv_taps(side: int, stride: int, before: int, n: int) -> Taps:
    """Taps of a convolution on a grid n times as fine, padded by `before`; its result is n / stride times as fine."""
    taps = []
    for out in range(n // stride):
        for tap in range(side):
            offset, phase = divmod(out * stride - before + tap, n)
            taps.append((out, tap, phase, offset))
    return taps


def deconv_taps(side: int, stride: int, before: int, n: int) -> Taps:
    """Taps of a transposed convolution with `before` cut off its result, which is n stride times as fine."""
    taps = []
    for out in range(n * stride):
        for tap in range(side):
            place, rest = divmod(out + before - tap, stride)
            if rest == 0:
                offset, phase = divmod(place, n)
                taps.append((out, tap, phase, offset))
    return taps


def assemble(weight: Tensor, taps: Callable[[int, int], Taps], n: int, m: int) -> Tensor:
    """O x I x rows x columns as (O m m) x (I n n) x odd x odd; `taps` gives the taps of (side, axis)."""
    along = [taps(side, axis) for axis, side in enumerate(weight.shape[2:])]
    far = [max(abs(offset) for *_, offset in line) for line in along]
    outputs, inputs = weight.shape[:2]
    result = torch.zeros(outputs, m, m, inputs, n, n, 2 * far[0] + 1, 2 * far[1] + 1)
    for out_row, row, in_row, down in along[0]:
        for out_column, column, in_column, right in along[1]:
            result[:, out_row, out_column, :, in_row, in_column, down + far[0], right + far[1]] += \
                weight[:, :, row, column]
    return result.reshape(outputs * m * m, inputs * n * n, *result.shape[6:])


def conv(weight: Tensor, stride: int, top: int, left: int, n: int) -> Tensor:
    """A convolution's kernel (O x I x rows x columns) for the coarse grid."""
    return assemble(weight, lambda side, axis: conv_taps(side, stride, (top, left)[axis], n), n, n // stride)


def deconv(weight: Tensor, stride: int, top: int, left: int, n: int) -> Tensor:
    """A transposed convolution's kernel (I x O x rows x columns) for the coarse grid."""
    return assemble(weight.transpose(0, 1), lambda side, axis: deconv_taps(side, stride, (top, left)[axis], n), n,
                    n * stride)


def dense(weight: Tensor, groups: int, transposed: bool = False) -> Tensor:
    """A grouped kernel as an ungrouped one, with zeros between the groups."""
    if groups == 1:
        return weight
    if transposed:  # I x O/groups
        return dense(weight.transpose(0, 1).unflatten(1, (groups, -1)).transpose(0, 1).flatten(0, 1), groups) \
            .transpose(0, 1)
    outputs, inputs = len(weight) // groups, weight.shape[1]
    result = torch.zeros(len(weight), inputs * groups, *weight.shape[2:])
    for g in range(groups):
        result[g * outputs:(g + 1) * outputs, g * inputs:(g + 1) * inputs] = weight[g * outputs:(g + 1) * outputs]
    return result


def cubic(x: float, a: float) -> float:
    """The cubic convolution kernel of Keys (1981)."""
    x = abs(x)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


def resampling(how: str, factor: int) -> Tensor:
    """The factor * factor kernels, odd x odd, that enlarge one channel; pixel centres lie at halves."""
    kernel: Callable[[float], float] = {
        "bilinear": lambda x: max(0.0, 1 - abs(x)),
        "bicubic": lambda x: cubic(x, -0.75), "bicubic-mirror": lambda x: cubic(x, -0.5)}[how]
    far = 1 if how == "bilinear" else 2
    rows = torch.tensor([[kernel((out + 0.5) / factor - 0.5 - offset) for offset in range(-far, far + 1)]
                         for out in range(factor)], dtype=torch.float64)
    return torch.einsum("ry,kx->rkyx", rows, rows).flatten(0, 1).float()
