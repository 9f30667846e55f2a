"""Image files to planes, planes to training batches.

All planes here are luma, BT.601 in 16..235 as video and the Set5 protocol have it, one byte a sample.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}


class InputError(Exception):
    """Something the user gave cannot be used; the text says what and why."""


def list_images(folder: Path) -> list[Path]:
    """All image files under a folder, sorted; at least one."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(f"{folder}: no images in it ({', '.join(sorted(SUFFIXES))})")
    return files


def read_luma(file: Path) -> np.ndarray:
    """H x W, float32, 16..235, not rounded."""
    try:
        with Image.open(file) as image:
            rgb = np.asarray(image.convert("RGB"), np.float32)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"{file}: not a readable image ({error})") from None
    return rgb @ (np.array([65.481, 128.553, 24.966], np.float32) / 255) + 16


def to_bytes(plane: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)


def crop_to_multiple(plane: np.ndarray, scale: int) -> np.ndarray:
    height, width = plane.shape
    return plane[: height - height % scale, : width - width % scale]


def resize(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """Bicubic, antialiased where it shrinks, as MATLAB's imresize; float32 in and out."""
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32), mode="F")
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def load_pair(file: Path, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Low resolution h x w and high resolution (scale h) x (scale w), both rounded to bytes."""
    high = crop_to_multiple(read_luma(file), scale)
    if min(high.shape) < scale:
        raise InputError(f"{file}: too small")
    low = resize(high, high.shape[1] // scale, high.shape[0] // scale)
    return to_bytes(low), to_bytes(high)


class Patches:
    """Random aligned patches of all images, each image equally likely, turned and mirrored."""

    def __init__(self, folders: list[Path], scale: int, size: int, seed: int) -> None:
        self.scale, self.size = scale, size
        self.random = np.random.default_rng(seed)
        pairs = [load_pair(file, scale) for folder in folders for file in list_images(folder)]
        self.pairs = [(low, high) for low, high in pairs if min(low.shape) >= size]
        self.too_small = len(pairs) - len(self.pairs)
        if not self.pairs:
            raise InputError(f"all {len(pairs)} images are smaller than a patch of {size * scale}x{size * scale}; "
                             "give larger ones or a smaller --patch")

    def batch(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """count x 1 x size x size and count x 1 x (scale size)^2, float32, 0..1."""
        lows, highs = [], []
        for _ in range(count):
            low, high = self.pairs[self.random.integers(len(self.pairs))]
            y = self.random.integers(low.shape[0] - self.size + 1)
            x = self.random.integers(low.shape[1] - self.size + 1)
            turn = self.random.integers(8)
            lows.append(self._cut(low, y, x, self.size, turn))
            s = self.scale
            highs.append(self._cut(high, y * s, x * s, self.size * s, turn))
        return tuple(torch.from_numpy(np.stack(p)[:, None]).float().div_(255) for p in (lows, highs))

    @staticmethod
    def _cut(plane: np.ndarray, y: int, x: int, size: int, turn: int) -> np.ndarray:
        """A square of a plane in one of its 8 orientations (bits: transpose, mirror, flip)."""
        patch = plane[y:y + size, x:x + size]
        if turn & 1:
            patch = patch.T
        if turn & 2:
            patch = patch[:, ::-1]
        if turn & 4:
            patch = patch[::-1]
        return patch
