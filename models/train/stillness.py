"""A loss against flicker: |f(W x + n) - W f(x)| (Eilertsen, Mantiuk and Unger, "Single-frame Regularization for
Temporally Stable CNNs", CVPR 2019, section 3).

If a picture moves a little and is encoded again, the network's output should move with it and not change otherwise.
W x is the original, moved and made small: interpolating x itself would blur it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 2.0  # the largest, in pixels of the small picture
TURN = math.radians(1)
ZOOM = 0.01
EDGE = 4  # border of the small picture that motion can fill from outside: not compared


class Stillness:
    """Callable: the mean absolute difference for a batch; takes random motions from torch's generator."""

    def __init__(self, network: torch.nn.Module, scale: int) -> None:
        self.network, self.scale = network, scale

    def __call__(self, low: Tensor, high: Tensor, result: Tensor) -> Tensor:
        """low: B x 1 x h x w, 0..1; high and result = f(low): B x 1 x (scale h) x (scale w)."""
        motion = motions(len(low), low.shape[-2:])
        loss = low - smaller(high, self.scale)  # the encoder's errors
        moved = smaller(warp(high, motion), self.scale) + warp(loss, motion)
        other = self.network(moved + reencoded(loss))
        edge = self.scale * EDGE
        return F.l1_loss(*(inside(plane, edge) for plane in (other, warp(result, motion))))


def motions(count: int, size: torch.Size) -> Tensor:
    """count x 2 x 3 for affine_grid(): shifts, turns and zooms, which apply to the small and the large picture."""
    draw = torch.rand(4, count) * 2 - 1
    angle, zoom = draw[0] * TURN, 1 + draw[1] * ZOOM
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    across, down = draw[2] * 2 * SHIFT / size[1], draw[3] * 2 * SHIFT / size[0]
    return torch.stack([torch.stack([cos, -sin, across], -1), torch.stack([sin, cos, down], -1)], 1)


def warp(planes: Tensor, motion: Tensor) -> Tensor:
    """Planes after a motion, by bicubic interpolation."""
    grid = F.affine_grid(motion, list(planes.shape), align_corners=False)
    return F.grid_sample(planes, grid, mode="bicubic", padding_mode="reflection", align_corners=False)


def smaller(planes: Tensor, scale: int) -> Tensor:
    return F.interpolate(planes, scale_factor=1 / scale, mode="bicubic", antialias=True)


def reencoded(loss: Tensor) -> Tensor:
    """Errors that another encoding might make: those of another patch of the batch, times a random 0 to 1."""
    return loss.roll(1, 0) * torch.rand(len(loss), 1, 1, 1)


def inside(planes: Tensor, edge: int) -> Tensor:
    return planes[..., edge:-edge, edge:-edge]
