"""PyTorch itself: the definition that all others are exported from."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from . import Case, Engine

MODELS = Path(__file__).resolve().parents[4] / "models"
sys.path[:0] = [str(MODELS / "train"), str(MODELS)]
import networks
from convert import evaluate


class Listed(torch.nn.Module):
    """A network that its file has a list of layers of (models/LAYERS.md)."""

    def __init__(self, tensors: dict[str, torch.Tensor], about: dict[str, str]) -> None:
        super().__init__()
        self.tensors, self.about = tensors, about
        self.channels, self.scale = {"luma": 1, "rgb": 3}[about["colour"]], int(about["scale"])

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return evaluate.enlarge(self.tensors, self.about, picture)


def load(weights: Path) -> networks.RFDN | networks.RepRFN | Listed:
    tensors, about = networks.weights.read(weights)
    if "layers" in about:
        return Listed(tensors, about).eval()
    network, _, _ = networks.load(weights)
    return network.eval().requires_grad_(False)


class Peer(Engine):
    packages = ("torch",)
    # oneDNN's blocked layout is behind "frozen"; "compiled" needs a C++ compiler on the machine.
    variants = ("eager", "channels last", "frozen", "compiled", "compiled, channels last")

    def __init__(self, case: Case, threads: int, variant: str) -> None:
        torch.set_num_threads(threads)
        network = load(case.weights)
        self.picture = torch.from_numpy(case.picture())
        if "channels last" in variant:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.picture = self.picture.to(memory_format=torch.channels_last)
        if variant == "frozen":
            with torch.inference_mode():
                traced = torch.jit.trace(network, self.picture, check_trace=False)
                network = torch.jit.optimize_for_inference(traced)
        elif "compiled" in variant:
            # The weights become constants, so that oneDNN may lay them out in advance.
            torch._inductor.config.freezing = True
            network = torch.compile(network, dynamic=False)  # type: ignore[assignment]
        self.network = network

    def run(self) -> None:
        with torch.inference_mode():
            self.result = self.network(self.picture).contiguous()

    def output(self) -> np.ndarray:
        return self.result.numpy()
