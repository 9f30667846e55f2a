"""Targets for the siblings of a model that the property `sharpness` mixes it with: a sharper and a softer picture.

The sharper one is unsharp masking of the original, but only where the small picture still shows an edge, so that
neither noise nor what the encoder added is sharpened; and its haloes are limited.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SHARP = 0.5  # standard deviation of the Gaussian of unsharp masking, in pixels of the small picture
SOFT = 0.35  # of what softens
EDGE = 8 / 255, 32 / 255  # contrast of 3x3 small pixels: from none of an edge's sharpening to all of it
HALOES = 40.0  # weight of haloes beyond HALO in the loss
STARK = 48 / 255, 96 / 255  # contrast around a pixel: from where haloes are seen
HALO = 3 / 255  # how far the result may go beyond what is around a pixel in the original


def target(low: Tensor, high: Tensor, scale: int, amount: float) -> Tensor:
    """The original, sharpened by `amount`, or softened where that is below 0: by -1 to all of the Gaussian's result.

    low: B x 1 x h x w, 0..1; high and the result: B x 1 x (scale h) x (scale w).
    """
    if amount <= 0:
        return high.lerp(blur(high, SOFT * scale), -amount)
    detail = high - blur(high, SHARP * scale)
    weight = F.interpolate(edges(low), scale_factor=scale, mode="bilinear", align_corners=False)
    bottom, top = around(high, scale)
    return torch.minimum(torch.maximum(high + amount * weight * detail, bottom - HALO), top + HALO)


def haloes(result: Tensor, high: Tensor, scale: int) -> Tensor:
    """How far, on average, the result goes beyond what is around a pixel in the original, and HALO: a loss.

    Only where contrast is high, as around letters: elsewhere a little more is what makes texture crisp.
    """
    bottom, top = around(high, scale)
    beyond = F.relu(result - top - HALO) + F.relu(bottom - HALO - result)
    return (smooth_step(top - bottom, *STARK) * beyond).mean()


def blur(planes: Tensor, sigma: float) -> Tensor:
    """By a Gaussian; what lies beyond the border is mirrored."""
    reach = math.ceil(3 * sigma)
    row = torch.exp(-torch.arange(-reach, reach + 1, dtype=planes.dtype) ** 2 / (2 * sigma**2))
    row = (row / row.sum()).view(1, 1, 1, -1)
    planes = F.pad(planes, [reach] * 4, mode="reflect")
    return F.conv2d(F.conv2d(planes, row), row.transpose(2, 3))


def smooth_step(planes: Tensor, low: float, high: float) -> Tensor:
    """0 up to `low`, 1 from `high` on."""
    step = ((planes - low) / (high - low)).clamp(0, 1)
    return step * step * (3 - 2 * step)


def edges(planes: Tensor) -> Tensor:
    """0..1: where an edge is."""
    lowest, highest = around(planes, 1)
    return smooth_step(highest - lowest, *EDGE)


def around(planes: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """The least and the greatest of the samples up to `reach` away."""
    side = 2 * reach + 1
    return -F.max_pool2d(-planes, side, 1, reach), F.max_pool2d(planes, side, 1, reach)
