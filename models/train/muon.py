"""Muon: momentum whose step is orthogonalised, for the kernels of convolutions.

All directions of a kernel (as a matrix, outputs x everything else) move equally far, so that weak ones
are learnt too.  These networks need a third of Adam's steps with it.  After K. Jordan's description.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # pulls singular values to about 1 in five rounds
LIKE_ADAM = 0.2  # root mean square of a step, in learning rates: the same as Adam's


def orthogonalise(matrix: Tensor) -> Tensor:
    """The same singular vectors, with all singular values about 1; for any matrix."""
    a, b, c = NEWTON_SCHULZ
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """For parameters of two or more dimensions."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                if not state:
                    state["mean"] = torch.zeros_like(parameter)
                keep = group["momentum"]
                mean = state["mean"].lerp_(parameter.grad, 1 - keep)
                ahead = parameter.grad.lerp(mean, keep).flatten(1)  # Nesterov
                change = orthogonalise(ahead) * (LIKE_ADAM * max(ahead.shape) ** 0.5)
                parameter.sub_(group["lr"] * change.view(parameter.shape))
