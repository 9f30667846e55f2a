"""Image files to planes, planes to training batches.

All planes here are luma, BT.601 in 16..235 as video and the Set5 protocol have it, one byte a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import torch

Pair = tuple[np.ndarray, np.ndarray]  # low resolution h x w, high resolution (scale h) x (scale w), bytes
Planes = tuple[np.ndarray, ...]  # low resolution, and high resolution of one scale or several
LUMA = np.array([65.481, 128.553, 24.966], np.float32) / 255  # of R, G, B of 0..255, less the 16 of black
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


@contextmanager
def opened(file: Path) -> Iterator[Image.Image]:
    """The picture in a file, not decoded yet; InputError for whatever goes wrong until it is closed."""
    try:
        with Image.open(file) as image:
            if image.mode[0] in "IF":  # they would become white where they are above 255
                raise InputError(f"{file}: its samples are not of 8 bits ({image.mode})")
            yield image
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except Image.DecompressionBombError:
        raise InputError(f"{file}: is larger than images should be ({2 * Image.MAX_IMAGE_PIXELS:,} pixels)") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{file}: not a readable image ({error})") from None


def size_of(file: Path) -> tuple[int, int]:
    """Width and height, from the file's head."""
    with opened(file) as image:
        return image.size


def open_rgb(file: Path) -> Image.Image:
    """The picture in a file, decoded."""
    with opened(file) as image:
        return image.convert("RGB")


def middle(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of a plane, no larger than this."""
    top, left = max(0, plane.shape[0] - height) // 2, max(0, plane.shape[1] - width) // 2
    return plane[top:top + height, left:left + width]


def read_luma(file: Path, largest: int | None = None) -> np.ndarray:
    """H x W, float32, 16..235, not rounded; the middle of an image of more than `largest` pixels a side."""
    rgb = np.asarray(open_rgb(file))
    if largest:
        rgb = middle(rgb, largest, largest)
    return rgb.astype(np.float32) @ LUMA + 16


def to_bytes(plane: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)


def stretch(plane: np.ndarray) -> np.ndarray:
    """Video range to full range: 16..235 to 0..255, float32, not rounded."""
    return np.clip((plane.astype(np.float32) - 16) * (255 / 219), 0, 255)


def crop_to_multiple(plane: np.ndarray, scale: int) -> np.ndarray:
    height, width = plane.shape
    return plane[: height - height % scale, : width - width % scale]


def resize(plane: np.ndarray, width: int, height: int,
           kernel: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    """Antialiased where it shrinks; bicubic as MATLAB's imresize; any numbers in, float32 out."""
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32), mode="F")
    return np.asarray(image.resize((width, height), kernel))


def load_pair(file: Path, scale: int, largest: int | None = None) -> Pair:
    """Low resolution h x w and high resolution (scale h) x (scale w), both rounded to bytes; as read_luma()."""
    high = crop_to_multiple(read_luma(file, largest), scale)
    if min(high.shape) < scale:
        raise InputError(f"{file}: too small")
    low = resize(high, high.shape[1] // scale, high.shape[0] // scale)
    return to_bytes(low), to_bytes(high)


Source = Callable[[np.random.Generator], Planes]


def image_pairs(folders: list[Path], scale: int, size: int) -> tuple[list[Pair], int]:
    """Clean pairs of all images large enough for a patch, and how many were too small."""
    pairs = [load_pair(file, scale) for folder in folders for file in list_images(folder)]
    large = [pair for pair in pairs if min(pair[0].shape) >= size]
    if not large:
        raise InputError(f"all {len(pairs)} images are smaller than a patch of {size * scale}x{size * scale}; "
                         "give larger ones or a smaller --patch")
    return large, len(pairs) - len(large)


def video_pairs(folder: Path, scales: list[int], size: int) -> Source:
    """The pairs that prepare.py or teach.py made, read as they are needed; drawn by their shares where they have any.

    Where the folder has one for each scale (teach.py), the small pictures are the same in all.
    """
    parts = [part if (part := folder / f"x{scale}").is_dir() else folder for scale in scales]
    share = parts[0] / "share.npy"
    try:
        low = np.load(parts[0] / "low.npy", mmap_mode="r")
        highs = [np.load(part / "high.npy", mmap_mode="r") for part in parts]
        shares = np.load(share).astype(np.float64) if share.exists() else np.ones(len(low))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: not a folder that prepare.py or teach.py made ({error})") from None
    count, height, width = low.shape
    for scale, high in zip(scales, highs):
        if high.shape != (count, scale * height, scale * width):
            raise InputError(f"{folder}: its pairs are not of scale {scale}")
    if min(height, width) < size:
        raise InputError(f"{folder}: its frames of {width}x{height} are smaller than a patch of {size}x{size}")
    if shares.shape != (count,) or not (shares.min() >= 0 and 0 < shares.sum() < np.inf):
        raise InputError(f"{share}: not the shares of {count} pairs")
    up_to = np.cumsum(shares / shares.sum())

    def draw(random: np.random.Generator) -> Pair:
        i = int(np.searchsorted(up_to, random.random() * up_to[-1], side="right"))
        return low[i], *(high[i] for high in highs)
    return draw


class Patches:
    """Random aligned patches, turned and mirrored: of clean images, of compressed video, or of both."""

    def __init__(self, images: list[Path], videos: list[Path], clean: float, scales: list[int], size: int, seed: int,
                 choice: int = 1, full_range: float = 0.0, patterns: float = 0.0) -> None:
        """`clean` is the share of patches that come from images where there are videos too, `patterns` the share of
        all that patterns.py draws.

        Each patch is the most detailed of `choice` random ones.  `full_range` is the share that is stretched
        from 16..235 to 0..255: what a network never sees it may get wrong by tens of levels.
        """
        self.choice, self.full_range, self.patterns = choice, full_range, patterns
        if patterns and len(scales) > 1:
            raise InputError("--patterns: takes no --also, since patterns are drawn at one scale")
        self.scales, self.size = scales, size
        self.random = np.random.default_rng(seed)
        self.clean = clean if videos else 1.0
        if self.clean > 0 and len(scales) > 1:
            raise InputError("several scales learn from the same small pictures, and originals have one for each: "
                             "give --video what teach.py made, and --clean 0")
        self.pairs, self.too_small = image_pairs(images, scales[0], size) if self.clean > 0 else ([], 0)
        self.videos = [video_pairs(folder, scales, size) for folder in videos]
        parts = [f"{len(self.pairs)} images, {self.too_small} left out as smaller than a patch"] * bool(images)
        self.about = "; ".join(parts + [f"{folder}" for folder in videos])

    def draw(self) -> Planes:
        if self.patterns and self.random.random() < self.patterns:
            import patterns  # not above: it needs Pair and resize()
            return patterns.draw(self.random, self.size, self.scales[0])
        if self.random.random() < self.clean:
            return self.pairs[self.random.integers(len(self.pairs))]
        return self.videos[self.random.integers(len(self.videos))](self.random)

    def place(self) -> tuple[Planes, int, int]:
        """Planes, and the row and column of a patch in the low resolution."""
        planes = self.draw()
        return planes, *(self.random.integers(side - self.size + 1) for side in planes[0].shape)

    def detail(self, place: tuple[Planes, int, int]) -> float:
        """How much the neighbours in a patch differ; where there is one choice nobody asks."""
        if self.choice == 1:
            return 0.0
        (low, *_), y, x = place
        patch = low[y:y + self.size:2, x:x + self.size].astype(np.int16)
        return float(np.square(np.diff(patch)).mean())

    def batch(self, count: int) -> tuple[torch.Tensor, ...]:
        """count x 1 x size x size and, of each scale, count x 1 x (scale size)^2; float32, 0..1."""
        import torch  # not above: clips and pictures are read and compared where there is none
        patches: list[list[np.ndarray]] = []
        for _ in range(count):
            planes, y, x = max((self.place() for _ in range(self.choice)), key=self.detail)
            turn = self.random.integers(8)
            cut = [self._cut(plane, y * s, x * s, self.size * s, turn) for s, plane in zip((1, *self.scales), planes)]
            if self.full_range and self.random.random() < self.full_range:
                low, *highs = map(stretch, cut)
                cut = [np.rint(low), *highs]
            patches.append(cut)
        return tuple(torch.from_numpy(np.stack(p)[:, None]).float().div_(255) for p in zip(*patches))

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
