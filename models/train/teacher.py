"""Distillation: a smaller network learns to agree with a larger one."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import networks
from data import InputError

BLACK, SPAN = 16 / 255, 219 / 255  # of video range, scaled to 0..1


def tap(network: nn.Module) -> nn.Conv2d:
    """The last convolution before the upsampler: all architectures have it, after their blocks."""
    return network.lr_conv if isinstance(network, networks.RepRFN) else network.LR_conv


class Teacher:
    """A trained network, luma or RGB, that teaches luma and, with `features`, its features."""

    def __init__(self, file: Path, student: nn.Module, features: bool) -> None:
        self.network, _, about = networks.load(file)
        if self.network.scale != student.scale:
            raise InputError(f"{file}: enlarges by {self.network.scale}, not by {student.scale}")
        self.unit = float(about.get("input_range", "1"))
        self.network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.seen: dict[str, Tensor] = {}
        self.project = None
        if features:
            ours, theirs = tap(student), tap(self.network)
            self.project = nn.Conv2d(len(ours.bias), len(theirs.bias), 1)
            ours.register_forward_hook(lambda *a: self.seen.update(ours=a[2]))
            theirs.register_forward_hook(lambda *a: self.seen.update(theirs=a[2]))

    def parameters(self) -> list[nn.Parameter]:
        """What has to be trained along with the student: the projection of its features."""
        return list(self.project.parameters()) if self.project else []

    def answer(self, low: Tensor) -> Tensor:
        """N x 1 x h x w luma of video range to the large luma, both 0..1."""
        with torch.no_grad():
            if self.network.channels == 1:
                return self.network(low * self.unit) / self.unit
            gray = ((low - BLACK) / SPAN).clamp(0, 1).repeat(1, 3, 1, 1)
            return self.network(gray * self.unit).mean(1, keepdim=True) / self.unit * SPAN + BLACK

    def loss(self, low: Tensor, result: Tensor) -> tuple[Tensor, Tensor | float]:
        """Distance of the student's result, just computed from `low`, and of its features from the teacher's."""
        output = F.l1_loss(result, self.answer(low))
        if not self.project:
            return output, 0.0
        theirs = self.seen["theirs"]
        return output, F.l1_loss(self.project(self.seen["ours"].float()), theirs) / theirs.abs().mean()
