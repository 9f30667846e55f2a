"""Published networks whose files are too large for tests: their tensor names and arithmetic, with random weights.

Each takes N x 3 x H x W samples in the range that its authors trained it on.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEAN = 255 * torch.tensor([0.4488, 0.4371, 0.4040])[:, None, None]  # of DIV2K


def conv(inputs: int, outputs: int, side: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, side, padding=side // 2)


class Weighted(nn.Module):
    """RCAN's attention: a weight for each channel, computed from all channels' means over the picture."""

    def __init__(self, features: int, narrow: int) -> None:
        super().__init__()
        self.conv_du = nn.Sequential(conv(features, narrow, 1), nn.ReLU(), conv(narrow, features, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv_du(x.mean((2, 3), keepdim=True))


class Residual(nn.Module):
    """Adds the output of `body` to its input."""

    def __init__(self, *body: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def block(features: int, side: int = 3, *more: nn.Module) -> Residual:
    return Residual(conv(features, features, side), nn.ReLU(), conv(features, features, side), *more)


def upsampler(features: int, scale: int) -> list[nn.Module]:
    """Enlarges by 3 in one step, by 2 or 4 in steps of 2."""
    return [layer for factor in ([3] if scale == 3 else [2] * (scale // 2))
            for layer in (conv(features, features * factor**2), nn.PixelShuffle(factor))]


class EDSR(nn.Module):
    """EDSR's baseline, and RCAN, whose head and tail are the same."""

    def __init__(self, features: int, scale: int, *body: nn.Module) -> None:
        super().__init__()
        self.head = nn.Sequential(conv(3, features))
        self.body = nn.Sequential(*body, conv(features, features))
        self.tail = nn.Sequential(nn.Sequential(*upsampler(features, scale)), conv(features, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(x - MEAN)
        return self.tail(self.body(x) + x) + MEAN


def edsr(features: int, blocks: int, scale: int) -> EDSR:
    return EDSR(features, scale, *(block(features) for _ in range(blocks)))


def rcan(features: int, narrow: int, groups: int, blocks: int, scale: int) -> EDSR:
    """Groups of blocks with attention; each group ends with a convolution and has a skip around it."""
    return EDSR(features, scale, *(
        Residual(*(block(features, 3, Weighted(features, narrow)) for _ in range(blocks)), conv(features, features))
        for _ in range(groups)))


class MDSR(nn.Module):
    """One body for three scales; only one of them has an upsampler here."""

    def __init__(self, features: int, blocks: int, scale: int) -> None:
        super().__init__()
        self.head = nn.Sequential(conv(3, features))
        self.pre_process = nn.ModuleList([nn.Sequential(block(features, 5), block(features, 5)) for _ in range(3)])
        self.body = nn.Sequential(*(block(features) for _ in range(blocks)), conv(features, features))
        self.upsample = nn.ModuleList([nn.Sequential(*(upsampler(features, s) if s == scale else
                                                       [conv(features, features)])) for s in (2, 3, 4)])
        self.tail = nn.Sequential(conv(features, 3))
        self.route = scale - 2

    def forward(self, x: Tensor) -> Tensor:
        x = self.pre_process[self.route](self.head(x - MEAN))
        return self.tail(self.upsample[self.route](self.body(x) + x)) + MEAN


class Dense(nn.Module):
    """ESRGAN's residual dense block: each convolution sees the block's input and the outputs of all before it."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for k in range(1, 6):
            setattr(self, f"conv{k}", conv(features + (k - 1) * growth, growth if k < 5 else features))

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for k in range(1, 5):
            seen.append(F.leaky_relu(getattr(self, f"conv{k}")(torch.cat(seen, 1)), 0.2))
        return x + 0.2 * self.conv5(torch.cat(seen, 1))


class Dense3(nn.Module):
    """ESRGAN's residual-in-residual block: three dense blocks and a skip around them."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (Dense(features, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    """ESRGAN and Real-ESRGAN: enlarges by 4; for lower scales the picture is unshuffled first."""

    def __init__(self, features: int, growth: int, blocks: int, scale: int) -> None:
        super().__init__()
        self.cell = 4 // scale
        self.conv_first = conv(3 * self.cell**2, features)
        self.body = nn.Sequential(*(Dense3(features, growth) for _ in range(blocks)))
        self.conv_body = conv(features, features)
        self.conv_up1, self.conv_up2 = conv(features, features), conv(features, features)
        self.conv_hr, self.conv_last = conv(features, features), conv(features, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_first(F.pixel_unshuffle(x, self.cell))
        x = x + self.conv_body(self.body(x))
        for up in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(up(F.interpolate(x, scale_factor=2)), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))
