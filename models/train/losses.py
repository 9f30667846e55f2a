"""What training minimises: differences of samples, and of spectra."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LEVEL = 1 / 255


def charbonnier(a: Tensor, b: Tensor) -> Tensor:
    """L1, but smooth below about one level, where a difference cannot be seen."""
    return ((a - b) ** 2 + LEVEL**2).sqrt().mean() - LEVEL


def squared(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared error, scaled to about the size of L1 at the errors of a trained network."""
    return F.mse_loss(a, b) * 20


def spectra(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of the two-dimensional Fourier transforms (orthonormal)."""
    return torch.view_as_real(torch.fft.rfft2(a - b, norm="ortho")).abs().mean()


PIXEL = {"l1": F.l1_loss, "charbonnier": charbonnier, "mse": squared}


class Criterion:
    """(1 - fourier) x the samples' loss + fourier x the spectra's."""

    def __init__(self, pixel: str, fourier: float) -> None:
        self.pixel, self.fourier = PIXEL[pixel], fourier

    def __call__(self, result: Tensor, truth: Tensor) -> Tensor:
        loss = self.pixel(result, truth)
        if self.fourier:
            loss = (1 - self.fourier) * loss + self.fourier * spectra(result, truth)
        return loss
