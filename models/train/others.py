"""Teachers of families that this project does not have, through spandrel if it is installed.

spandrel (MIT) recognises some forty families, transformers among them, by their tensors' names, and does not run
code from the file.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

from torch import Tensor, nn

import networks
import weights
from data import InputError


class Other(nn.Module):
    """A network of spandrel's with the interface of those of `networks`: RGB of 0..1, clipped to it."""

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.descriptor, self.model = descriptor, descriptor.model
        self.scale, self.channels, self.bf16 = descriptor.scale, descriptor.input_channels, False

    def forward(self, x: Tensor) -> Tensor:
        """1 x 3 x H x W; spandrel pads pictures that are too small."""
        with networks.rounded(self):
            return self.descriptor(x).float()


def load(file: Path, why: str) -> Other:
    """The network of a file; InputError if spandrel is missing or does not know the network.

    `why` says why it is not one of this project's networks.
    """
    try:
        import spandrel
    except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: torch and torchvision do not match
        raise InputError(f"{why}; networks of other families are read by spandrel (pip install spandrel), which "
                         f"{sys.executable} cannot import ({first_line(error)})") from None
    try:
        descriptor = spandrel.ModelLoader(device="cpu").load_from_file(file)
    except spandrel.UnsupportedModelError:
        raise InputError(f"{file}: spandrel {spandrel.__version__} knows no network with these tensors") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error})") from None
    except (RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{file}: spandrel cannot read it ({first_line(error)})") from None
    if not isinstance(descriptor, spandrel.ImageModelDescriptor) or descriptor.input_channels != 3 or \
            descriptor.output_channels != 3:
        raise InputError(f"{file}: {descriptor.architecture.name} is not from RGB to RGB here")
    return Other(descriptor)


def first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def teacher(file: Path) -> tuple[nn.Module, float]:
    """A teacher and the range of its samples: one of this project's networks if the file has one, else spandrel's."""
    try:
        network, _, about = networks.load(file)
    except (networks.UnknownNetwork, weights.WeightsError) as error:
        if not file.is_file():
            raise
        return load(file, str(error)), 1.0
    return network, float(about.get("input_range", "1"))
