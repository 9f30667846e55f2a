"""A network's sharper and softer siblings, in its own file: see LAYERS.md, and core/siblings.h for the source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

import weights

PREFIXES = {"sharp": "sharp.", "soft": "soft."}
METADATA = {"siblings": " ".join(PREFIXES)}


def own(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The network's tensors without those of its siblings."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(tuple(PREFIXES.values()))}


def mixed(tensors: Mapping[str, Tensor], sharpness: float) -> dict[str, Tensor]:
    """The network's tensors as the property `sharpness` mixes them, -1..1."""
    prefix = PREFIXES["sharp" if sharpness > 0 else "soft"]
    share = abs(sharpness)
    return {name: tensor if not share else (1 - share) * tensor + share * tensors[prefix + name]
            for name, tensor in own(tensors).items()}


def read(path: Path, sharpness: float = 0) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file's network, mixed by `sharpness` if it has siblings, and the file's metadata."""
    tensors, about = weights.read(path)
    return (mixed(tensors, sharpness) if "siblings" in about else tensors), about


def joined(tensors: Mapping[str, Tensor], sharp: Mapping[str, Tensor], soft: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All three under the names that a file has them by."""
    return {**tensors, **{PREFIXES["sharp"] + name: tensor for name, tensor in sharp.items()},
            **{PREFIXES["soft"] + name: tensor for name, tensor in soft.items()}}
