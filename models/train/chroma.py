"""PSNR of the chroma of enlarged video, with guiding by luma and without.

Clips and pictures in 4:2:0 are made small, encoded, enlarged both ways by the plugin, and compared with the originals.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

import codec
import plugin
import scene
from data import InputError, resize, to_bytes

Planes = tuple[np.ndarray, ...]
WAYS = ("plain", "guided")
WORDS = ("return", "static", "void", "widget", "12345", "colour", "yellow", "red", "Inhalt", "page 7")


def page(dark: bool, width: int = 1280, height: int = 720) -> Image.Image:
    """A page of words in many colours and sizes, the same every time."""
    random = np.random.default_rng(dark)
    image = Image.new("RGB", (width, height), (20, 24, 30) if dark else (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for y in range(8, height - 24, 36):
        x = 10
        while x < width - 40:
            font = scene.font(str(random.choice(list(scene.FONTS))), int(random.choice([14, 18, 24, 32])))
            colour = tuple(int(level) for level in random.choice([0, 60, 128, 200, 255], 3))
            word = str(random.choice(WORDS))
            draw.text((x, y), word, colour, font)
            x += int(draw.textlength(word, font)) + 12
    return image


def read(file: Path, scale: int, skip: int, count: int, largest: tuple[int, int]) -> list[Planes]:
    """Frames in 4:2:0, cut so that rows of small chroma are a multiple of 4 bytes; a short clip skips fewer."""
    frames: list[Planes] = []
    try:
        with av.open(str(file)) as container:
            for frame in container.decode(video=0):
                if frame.interlaced_frame:
                    raise InputError(f"{file}: is interlaced, only progressive clips are scored")
                frame = frame.reformat(format="yuv420p")
                frames.append(tuple(codec.plane_of(frame, index) for index in range(3)))
                if len(frames) >= skip + count:
                    break
    except (av.FFmpegError, IndexError) as error:
        if not frames:
            raise InputError(f"{file}: not a readable clip ({error})") from None
    if not frames:
        raise InputError(f"{file}: has no frames")
    if any(frame[0].shape != frames[0][0].shape for frame in frames):
        raise InputError(f"{file}: its frames change size")
    height, width = (min(side, most) // (8 * scale) * 8 * scale for side, most in zip(frames[0][0].shape, largest[::-1]))
    if min(height, width) < 32 * scale:
        raise InputError(f"{file}: too small to be scored")
    top, left = ((side - part) // 4 * 2 for side, part in zip(frames[0][0].shape, (height, width)))
    return [(luma[top:top + height, left:left + width],
             *(plane[top // 2:(top + height) // 2, left // 2:(left + width) // 2] for plane in chroma))
            for luma, *chroma in frames[:skip + count][-count:]]


def shrink(planes: Planes, scale: int) -> Planes:
    """Antialiased; chroma is sited left in both pictures, as in MPEG-2 and most files."""
    luma, *chroma = planes
    height, width = luma.shape

    def left(plane: np.ndarray) -> np.ndarray:
        # Sample i of the small plane lies on sample scale * i of the large one, not in the middle of `scale` samples.
        moved = np.pad(plane.astype(np.float32), ((0, 0), (scale, scale)), "edge")
        sides = moved.shape[1] * 2, moved.shape[0]
        fine = resize(moved, *sides) if scale % 2 == 0 else moved
        step = 2 if scale % 2 == 0 else 1
        begin = step * scale - (step * (scale - 1)) // 2
        part = fine[:, begin:begin + step * plane.shape[1]]
        return to_bytes(resize(part, plane.shape[1] // scale, plane.shape[0] // scale))

    return to_bytes(resize(luma, width // scale, height // scale)), *map(left, chroma)


def psnr(result: list[Planes], truth: list[Planes]) -> float:
    """PSNR of both chroma planes, over all frames."""
    error = np.mean([np.mean((a.astype(float) - b) ** 2) for got, want in zip(result, truth)
                     for a, b in zip(got[1:], want[1:])])
    return float(10 * np.log10(255**2 / max(error, 1e-6)))


def clip(high: list[Planes], model: str, scale: int, encodings: list[str]) -> dict[tuple[str, str], float]:
    """dB by encoding and way."""
    low = [shrink(planes, scale) for planes in high]
    result = {}
    for encoding in encodings:
        kind = codec.named(encoding)
        small = codec.planes_through(low, kind) if kind else low
        for way in WAYS:
            large = plugin.upscale_planes(small, model, scale, [f"chroma={way}"])
            result[encoding, way] = psnr(large, high)
    return result
