"""Multi-branch training of 3x3 convolutions that run as one: the RepBlock of RepRFN.

A sum of linear branches is one 3x3 kernel.  Training moves the branches, and the network always computes
with the merged kernel: gradients and results equal those of the separate branches, at the cost of one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import networks

MASKS = {
    "sobel_x": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "sobel_y": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
}
WIDEN = 2  # channels between 1x1 and 3x3, in inputs


class RepBlock(nn.Module):
    """3x3, 3x1, 1x3, 1x1, 1x1 -> 3x3, 1x1 -> Sobel x / Sobel y / Laplacian, and identity where it fits.

    Only the sum has a bias: a bias inside a branch would make merging wrong at the picture's border.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        """Until it is trained, computes what `conv` (3x3, stride 1, padding 1) does."""
        super().__init__()
        outputs, inputs = conv.weight.shape[:2]
        middle = WIDEN * inputs

        def kernel(o: int, i: int, height: int, width: int) -> nn.Parameter:
            deviation = 0.1 * (2 / (i * height * width)) ** 0.5
            return nn.Parameter(deviation * torch.randn(o, i, height, width))

        self.k3x3 = nn.Parameter(conv.weight.detach().clone())
        self.k3x1, self.k1x3 = kernel(outputs, inputs, 3, 1), kernel(outputs, inputs, 1, 3)
        self.k1x1 = kernel(outputs, inputs, 1, 1)
        self.expand, self.reduce = kernel(middle, inputs, 1, 1), kernel(outputs, middle, 3, 3)
        self.identity = inputs == outputs
        for name, mask in MASKS.items():
            setattr(self, f"{name}_mix", kernel(outputs, inputs, 1, 1))
            setattr(self, f"{name}_scale", nn.Parameter(torch.full((outputs,), 0.1)))
            self.register_buffer(f"{name}_mask", torch.tensor(mask, dtype=torch.float32))
        self.bias = nn.Parameter(conv.bias.detach().clone())
        with torch.no_grad():
            self.k3x3.sub_(self.kernel() - self.k3x3)

    def masked(self, name: str) -> tuple[Tensor, Tensor]:
        """A mask branch's 1x1 kernel, and its mask for each output channel (outputs x 1 x 3 x 3)."""
        scale = getattr(self, f"{name}_scale")[:, None, None, None]
        return getattr(self, f"{name}_mix"), scale * getattr(self, f"{name}_mask")

    def kernel(self) -> Tensor:
        """All branches merged into one 3x3 kernel: outputs x inputs x 3 x 3."""
        merged = self.k3x3 + F.pad(self.k3x1, (1, 1, 0, 0)) + F.pad(self.k1x3, (0, 0, 1, 1))
        merged = merged + F.pad(self.k1x1, (1, 1, 1, 1))
        merged = merged + torch.einsum("omyx,mi->oiyx", self.reduce, self.expand[:, :, 0, 0])
        for name in MASKS:
            mix, mask = self.masked(name)
            merged = merged + mix * mask
        if self.identity:
            merged = merged + F.pad(torch.eye(len(merged), device=merged.device)[:, :, None, None], (1, 1, 1, 1))
        return merged

    def side_by_side(self, x: Tensor) -> Tensor:
        """The branches computed one by one: slow; `forward` must give the same result."""
        total = F.conv2d(x, self.k3x3, self.bias, padding=1)
        total = total + F.conv2d(x, self.k3x1, padding=(1, 0)) + F.conv2d(x, self.k1x3, padding=(0, 1))
        total = total + F.conv2d(x, self.k1x1)
        total = total + F.conv2d(F.conv2d(x, self.expand), self.reduce, padding=1)
        for name in MASKS:
            mix, mask = self.masked(name)
            total = total + F.conv2d(F.conv2d(x, mix), mask, padding=1, groups=len(mask))
        return total + x if self.identity else total

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):  # train exactly the kernel that `merged` exports
            kernel = self.kernel()
        if kernel.shape[1] > 1:
            kernel = kernel.contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, kernel, self.bias, padding=1)


def expand(network: nn.Module) -> None:
    """Replace every 3x3 convolution outside attention by branches; the network's result does not change."""
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3) and not networks.in_attention(name):
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, RepBlock(module))


def merged(network: nn.Module) -> dict[str, Tensor]:
    """The state dict with one kernel for each convolution, under the authors' names and in their order."""
    with torch.no_grad():
        blocks = {name: m for name, m in network.named_modules() if isinstance(m, RepBlock)}
        state: dict[str, Tensor] = {}
        for name, tensor in network.state_dict().items():
            owner = name.rpartition(".")[0]
            if owner not in blocks:
                state[name] = tensor
            elif f"{owner}.weight" not in state:
                state[f"{owner}.weight"] = blocks[owner].kernel().detach()
                state[f"{owner}.bias"] = blocks[owner].bias.detach()
    return state
