"""PyTorch itself: the definition that all others are exported from."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from . import Case, Engine

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "models" / "train"))
import networks


def load(weights: Path) -> networks.RFDN | networks.RepRFN:
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
