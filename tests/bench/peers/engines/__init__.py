"""The peers, each behind the same small interface.

An engine's module is named after the package that it needs, and has one class, `Peer`.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

NAMES = {  # as the table has them
    "mnn": "MNN",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "ncnn": "ncnn",
    "pytorch": "PyTorch",
}


@dataclass(frozen=True)
class Case:
    """One network at one picture size, and the folder with all that was made of it.

    Pictures are 1 x `channels` x `height` x `width`, outputs `scale` times as large, both float32 in
    0..`input_range`.
    """

    folder: Path
    weights: Path
    width: int
    height: int
    channels: int
    scale: int
    input_range: float

    @property
    def onnx(self) -> Path:
        return self.folder / "network.onnx"

    @property
    def bytes(self) -> Path:
        """The picture as planes of 8-bit samples."""
        return self.folder / "picture.u8"

    @property
    def reference(self) -> Path:
        """What PyTorch makes of the picture, without any optimisation."""
        return self.folder / "reference.npy"

    def picture(self) -> np.ndarray:
        samples = np.fromfile(self.bytes, np.uint8).astype(np.float32) * np.float32(self.input_range / 255)
        return samples.reshape(self.shape(1))

    def shape(self, scale: int | None = None) -> tuple[int, int, int, int]:
        """Of the output, or of the picture (`scale` 1)."""
        scale = scale or self.scale
        return 1, self.channels, scale * self.height, scale * self.width


class Engine(ABC):
    """A peer that is ready to compute one case.

    `variants` are settings between which nobody can choose without measuring; the comparison tries
    each once and keeps the fastest.
    """

    packages: ClassVar[tuple[str, ...]]
    variants: ClassVar[tuple[str, ...]] = ("default",)

    @staticmethod  # noqa: B027 - doing nothing is the default
    def export(case: Case) -> None:
        """Write what the engine loads into the case's folder; by default it loads the ONNX file."""

    @abstractmethod
    def __init__(self, case: Case, threads: int, variant: str) -> None:
        """Load the network and the picture."""

    @abstractmethod
    def run(self) -> None:
        """Compute one frame, from the picture in memory to an output in memory."""

    @abstractmethod
    def output(self) -> np.ndarray:
        """What the last run computed; any shape, planes in order."""


def find(name: str) -> type[Engine]:
    """The engine of a module's name; ImportError where its package is not installed."""
    return importlib.import_module(f"{__name__}.{name}").Peer
