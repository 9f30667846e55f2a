#!/usr/bin/env python3
"""Make the pictures of the README: one crop by Lanczos, by two models through the plugin, and the original.

A drawn scene (train/scene.py) is halved and enlarged again: plain (clean.png), and as a frame of a panning clip that
x264 encoded (compressed.png).  Every pixel is shown as 2x2, so that details can be seen.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "train"))
import codec  # noqa: E402
import evaluate  # noqa: E402
import names  # noqa: E402
import plugin  # noqa: E402
import scene  # noqa: E402
from data import InputError  # noqa: E402

SIZE = 480, 320
CROP = 174, 106, 382, 236  # left, top, right, bottom
SHOW = 2  # side of the square that shows a pixel
GAP = 4
FRAMES, PAN = 13, 3  # frames of the clip, and pixels that it moves per frame
CRF = 23


def halve(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)


def compress(frames: list[Image.Image]) -> Image.Image:
    """The last of the frames, after x264."""
    sent = [av.VideoFrame.from_image(image).reformat(format="yuv420p") for image in frames]
    return codec.frames_through(sent, codec.x264(CRF))[-1].to_image()


def enlarge(image: Image.Image, model: str) -> Image.Image:
    """Enlarged by the plugin, in colour."""
    with tempfile.TemporaryDirectory() as folder:
        image.save(f"{folder}/in.png")
        plugin.launch(["filesrc", f"location={folder}/in.png", "!", "pngdec", "!", "videoconvert", "!",
                       "video/x-raw,format=RGB", "!", "rfdnupscale", f"model={model}", "scale=2", "!", "pngenc", "!",
                       "filesink", f"location={folder}/out.png"], f"rfdnupscale model={model} scale=2")
        with Image.open(f"{folder}/out.png") as enlarged:
            return enlarged.convert("RGB")


def luma_psnr(image: Image.Image, truth: Image.Image) -> float:
    return evaluate.psnr(*(np.asarray(i.convert("L"))[2:-2, 2:-2] for i in (image, truth)))


def sheet(small: Image.Image, truth: Image.Image, models: list[str]) -> Image.Image:
    """The crops, two in a row, each with its label."""
    shown = [("Lanczos", small.resize(truth.size, Image.Resampling.LANCZOS)),
             *zip(names.short(models, ["Lanczos"]), (enlarge(small, model) for model in models))]
    shown = [(f"{name}, {luma_psnr(image, truth):.1f} dB", image) for name, image in shown] + [("original", truth)]
    width, height = SHOW * (CROP[2] - CROP[0]), SHOW * (CROP[3] - CROP[1])
    result = Image.new("RGB", (2 * width + GAP, (len(shown) + 1) // 2 * (height + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(result), scene.font("Sans-Bold", 15)
    for k, (name, image) in enumerate(shown):
        x, y = k % 2 * (width + GAP), k // 2 * (height + GAP)
        result.paste(image.crop(CROP).resize((width, height), Image.Resampling.NEAREST), (x, y))
        box = draw.textbbox((x + 8, y + 5), name, font)
        draw.rectangle((x, y, box[2] + 8, box[3] + 5), (24, 32, 40))
        draw.text((x + 8, y + 5), name, "white", font)
    return result


def main() -> None:
    large = next(name for name in ("rfdn", "balanced-clean") if (HERE / f"{name}_x2.safetensors").is_file())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "pictures", help="folder (default: %(default)s)")
    parser.add_argument("--model", nargs=2, default=["live", large], help=f"(default: live {large})")
    options = parser.parse_args()
    plugin.check()
    whole = scene.draw(SIZE[0] + PAN * (FRAMES - 1), SIZE[1])
    pan = [whole.crop((PAN * t, 0, PAN * t + SIZE[0], SIZE[1])) for t in reversed(range(FRAMES))]
    options.out.mkdir(parents=True, exist_ok=True)
    for name, small in (("clean", halve(pan[-1])), ("compressed", compress([halve(frame) for frame in pan]))):
        file = options.out / f"{name}.png"
        sheet(small, pan[-1], options.model).save(file, optimize=True)
        print(f"{file}: {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    try:
        main()
    except (InputError, OSError) as error:
        sys.exit(f"pictures: {error}")
