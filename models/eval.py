#!/usr/bin/env python3
"""Measure models through the plugin, with bicubic and Lanczos for comparison; without --model all that ship.

`images`: PSNR and SSIM on a folder of high-resolution images, as in evaluate.py.
`video`: clips are made small, encoded by x264 at several qualities, enlarged, and compared with the originals.  The
tables show the mean gain over Lanczos, how much more than Lanczos's the result flickers where the original is
still, and the worst clip's of both.  All on Y; the tables are those of README.md.
`chroma`: the same for the chroma of clips and pictures, with the element's property chroma=guided and plain.
`patterns`: the gain over Lanczos on drawn checks, stripes, grids, halftones and zone plates (train/patterns.py).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "train"))
import chroma  # noqa: E402
import clips  # noqa: E402
import codec  # noqa: E402
import evaluate  # noqa: E402
import measure  # noqa: E402
import names  # noqa: E402
import networks  # noqa: E402
import patterns  # noqa: E402
import plugin  # noqa: E402
import weights  # noqa: E402
from data import InputError  # noqa: E402
from measure import Figures, Upscaler  # noqa: E402

FILTERS = ["bicubic", "Lanczos"]
Rows = dict[tuple[str, int, str, str], Figures]  # by clip, scale, encoding, method


def scale_of(file: Path) -> int:
    """The scale of a model file; if it has a list of layers, the plugin checks the rest."""
    about = weights.read(file)[1]
    return int(about["scale"]) if "layers" in about else networks.load(file)[0].scale


def upscalers(models: list[str], scales: list[int] | None) -> list[Upscaler]:
    """The models at the given scales, or at all they have; InputError for a file of another scale."""
    result = []
    wanted = list(dict.fromkeys(models or names.shipped()))
    paths = [model for model in wanted if model.endswith(".safetensors")]
    called = dict(zip(paths, names.short(paths, [*FILTERS, *wanted])))
    for model in wanted:
        if model in called:
            own = scale_of(Path(model))
            if scales and own not in scales:
                raise InputError(f"{model}: enlarges by {own}, not by {' or '.join(map(str, scales))}")
            result.append(Upscaler(called[model], own, model, Path(model)))
            continue
        files = {scale: HERE / f"{model}_x{scale}.safetensors" for scale in (2, 3, 4)}
        files = {scale: file for scale, file in files.items() if file.is_file() and scale in (scales or files)}
        found = [Upscaler(model, scale, model, file) for scale, file in files.items()]
        if not found and models:  # the plugin may know the name, or will report it
            found = [Upscaler(model, scale, model) for scale in scales or [2]]
        result += found
    return result


def table(head: list[str], rows: list[list[str]]) -> None:
    print(f"| {' | '.join(head)} |\n|---{'|---' * (len(head) - 1)}|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def enlarge_one(method: Upscaler, low: np.ndarray) -> np.ndarray:
    return method([low])[0]


def images(options: argparse.Namespace) -> None:
    models = upscalers(options.model, options.scale)
    scales = sorted({model.scale for model in models})
    cells: dict[tuple[str, int], str] = {}
    apart = []
    for scale in scales:
        pairs = evaluate.load_pairs(options.folder, scale)
        for method in [*(Upscaler(name, scale) for name in FILTERS), *(m for m in models if m.scale == scale)]:
            psnr, ssim = evaluate.score(partial(enlarge_one, method), pairs, scale)
            cells[method.name, scale] = f"{psnr:.2f} dB, {ssim:.4f}"
            network = measure.luma_network(method.file) if method.file else None
            if network:
                truth = evaluate.score(network, pairs, scale)[0]
                if abs(truth - psnr) > measure.AGREE:
                    raise InputError(f"{method.name} x{scale}: {psnr:.3f} dB by the plugin, {truth:.3f} dB by PyTorch")
                apart.append(abs(truth - psnr))
    rows = list(dict.fromkeys([*FILTERS, *(model.name for model in models)]))
    table(["", *(f"x{scale}" for scale in scales)],
          [[label(name), *(cells.get((name, scale), "") for scale in scales)] for name in rows])
    print_agreement(apart)


def label(name: str, scale: int | None = None) -> str:
    text = name if name in FILTERS else f"`{name}`"
    return f"{text} x{scale}" if scale else text


def print_agreement(apart: list[float]) -> None:
    if apart:
        print(f"PyTorch's figures differ by at most {max(apart):.5f} dB in {len(apart)} comparisons.")


def measure_all(options: argparse.Namespace, models: list[Upscaler]) -> tuple[Rows, dict[str, list[int]]]:
    """The figures of all clips, and reasons and scales of those left out; measures several clips at a time."""
    jobs = [(file, scale) for scale in sorted({model.scale for model in models}) for file in options.clips]
    called = dict(zip(options.clips, names.short(options.clips)))
    threads = max(1, len(os.sched_getaffinity(0)) // options.jobs)
    torch.set_num_threads(threads)

    def work(file: Path, scale: int) -> tuple[str, bytes, dict]:
        methods = [Upscaler(name, scale) for name in FILTERS] + [m for m in models if m.scale == scale]
        source = clips.Clip.read(file, called[file], scale, options.skip, options.frames, options.crop)
        return source.name, hash_of(source.high), measure.clip(source, methods, options.encodings, threads)

    rows: Rows = {}
    seen: dict[tuple[int, bytes], str] = {}
    left_out: dict[str, list[int]] = {}
    begin = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        pending = {pool.submit(work, *job): job for job in jobs}
        try:
            for done, future in enumerate(as_completed(pending), 1):
                file, scale = pending[future]
                left = (len(jobs) - done) * (time.monotonic() - begin) / done / 60
                try:
                    name, frames, found = future.result()
                    other = seen.setdefault((scale, frames), name)
                    if other != name:
                        raise clips.Unusable(f"{file}: has the frames of {other}")
                    rows.update({(name, scale, *key): value for key, value in found.items()})
                    print(f"{done} of {len(jobs)}, {left:.1f} min left: {name} x{scale}", file=sys.stderr, flush=True)
                except clips.Unusable as error:
                    left_out.setdefault(str(error), []).append(scale)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return rows, left_out


def hash_of(planes: Iterable[np.ndarray]) -> bytes:
    """Equal for clips with the same frames, which would count twice under another name."""
    return hashlib.sha256(b"".join(plane.tobytes() for plane in planes)).digest()


def clips_of(rows: Rows, scale: int) -> list[str]:
    return sorted({clip for clip, s, *_ in rows if s == scale})


def gains(rows: Rows, method: str, scale: int, encoding: str) -> list[float]:
    """dB above Lanczos, of each clip."""
    return [rows[clip, scale, encoding, method].psnr - rows[clip, scale, encoding, "Lanczos"].psnr
            for clip in clips_of(rows, scale)]


def ssim(rows: Rows, method: str, scale: int, encoding: str) -> float:
    return float(np.mean([rows[clip, scale, encoding, method].ssim for clip in clips_of(rows, scale)]))


def flickers(rows: Rows, method: str, scale: int, encoding: str) -> str:
    """How much more it flickers than Lanczos, in percent: the clips' mean, and the worst clip."""
    pairs = np.array([[rows[clip, scale, encoding, name].flicker for name in (method, "Lanczos")]
                      for clip in clips_of(rows, scale)])
    pairs = pairs[(pairs[:, 1] > 0)]  # neither NaN nor 0
    if not len(pairs):
        return "-"
    mean, worst = pairs[:, 0].sum() / pairs[:, 1].sum(), (pairs[:, 0] / pairs[:, 1]).max()
    return f"{100 * (mean - 1):+.0f}% ({100 * (worst - 1):+.0f}%)"


def video(options: argparse.Namespace) -> None:
    models = [replace(model, stabilize=options.stabilize, sharpness=options.sharpness)
              for model in upscalers(options.model, options.scale)]
    rows, left_out = measure_all(options, models)
    if not rows:
        raise InputError(next(iter(left_out)))
    heads = [head(encoding) for encoding in options.encodings]

    def cells(cell) -> list[list[str]]:
        return [[label(m.name, m.scale), *(cell(m.name, m.scale, encoding) for encoding in options.encodings)]
                for m in models if clips_of(rows, m.scale)]

    def gain(name: str, scale: int, encoding: str) -> str:
        found = gains(rows, name, scale, encoding)
        return f"{np.mean(found):+.2f} ({min(found):+.2f})"

    print("Mean gain over Lanczos in dB (the worst clip's)\n")
    table(["", *heads], cells(gain))
    print("Flicker where the original is still, compared with Lanczos (the worst clip's)\n")
    table(["", *heads], cells(lambda *key: flickers(rows, *key)))
    print("Mean SSIM\n")
    scales = sorted({scale for _, scale, *_ in rows})
    everything = [(name, scale) for scale in scales
                  for name in [*FILTERS, *(m.name for m in models if m.scale == scale)]]
    table(["", *heads], [[label(*method), *(f"{ssim(rows, *method, encoding):.4f}" for encoding in options.encodings)]
                         for method in everything])
    if options.details:
        details(rows, models, options.encodings, heads)
    print_agreement([found.apart for found in rows.values() if found.apart is not None])
    for scale in scales:
        print(f"x{scale}: {len(clips_of(rows, scale))} clips")
    for reason, at in left_out.items():
        print(f"left out at {', '.join(f'x{scale}' for scale in sorted(at))}: {reason}")


def details(rows: Rows, models: list[Upscaler], encodings: list[str], heads: list[str]) -> None:
    """Each clip's gain and flicker, with Lanczos's PSNR and flicker."""
    for model in models:
        lines = []
        for clip in clips_of(rows, model.scale):
            line = [clip]
            for encoding in encodings:
                ours, filtered = (rows[clip, model.scale, encoding, name] for name in (model.name, "Lanczos"))
                line.append(f"{ours.psnr - filtered.psnr:+.2f} on {filtered.psnr:.1f}; "
                            f"{ours.flicker:.2f} on {filtered.flicker:.2f}")
            lines.append(line)
        print(f"{label(model.name, model.scale)}: gain on Lanczos's dB; flicker on Lanczos's, in levels\n")
        table(["clip", *heads], lines)


def colours(options: argparse.Namespace) -> None:
    """dB of chroma by a plain filter, and the gain if luma guides it."""
    with tempfile.TemporaryDirectory() as folder:
        called = dict(zip(options.clips, names.short(options.clips)))
        if options.text:
            for name in ("light", "dark"):
                chroma.page(name == "dark").save(Path(folder, f"{name}.png"))
                called[Path(folder, f"{name}.png")] = f"coloured text, {name}"
        for model in upscalers(options.model, options.scale):
            colours_of(model, called, options)


def colours_of(model: Upscaler, called: dict[Path, str], options: argparse.Namespace) -> None:
    """Print a model's table; `called` has the clips' names."""
    assert model.model
    lines, gained, left_out = [], [], []
    seen: dict[bytes, str] = {}
    for file, name in called.items():
        try:
            high = chroma.read(file, model.scale, options.skip, options.frames, options.crop)
            other = seen.setdefault(hash_of(plane for planes in high for plane in planes), name)
            if other != name:
                raise InputError(f"{file}: has the frames of {other}")
        except InputError as error:
            left_out.append(str(error))
            continue
        found = chroma.clip(high, model.model, model.scale, options.encodings)
        gained.append([found[encoding, "guided"] - found[encoding, "plain"] for encoding in options.encodings])
        lines.append([name, *(f"{found[encoding, 'plain']:.1f} {gain:+.2f}"
                              for encoding, gain in zip(options.encodings, gained[-1]))])
    if not lines:
        raise InputError(left_out[0])
    print(f"{label(model.name, model.scale)}: dB of chroma by a plain filter, and the gain by guiding\n")
    mean, worst = ([f"{gain:+.2f}" for gain in part(gained, axis=0)] for part in (np.mean, np.min))
    table(["", *map(head, options.encodings)], [*lines, ["mean", *mean], ["worst", *worst]])
    for reason in left_out:
        print(f"left out: {reason}")


def drawn(options: argparse.Namespace) -> None:
    """Gains on each kind of drawn pattern."""
    models = upscalers(options.model, options.scale)
    rows: dict[tuple[str, int], list[str]] = {(model.name, model.scale): [] for model in models}
    for scale in sorted({model.scale for model in models}):
        methods = [Upscaler("Lanczos", scale), *(model for model in models if model.scale == scale)]
        for kind in patterns.KINDS:
            found = measure.on_patterns(methods, kind, options.count)
            for method in methods[1:]:
                gained = np.subtract(found[method.name], found["Lanczos"])
                rows[method.name, scale].append(f"{gained.mean():+.1f} ({gained.min():+.1f})")
    print(f"Mean gain over Lanczos in dB on {options.count} drawn patterns of a kind (the worst one's)\n")
    table(["", *(kind.__name__.replace("_", " ") for kind in patterns.KINDS)],
          [[label(*method), *cells] for method, cells in rows.items()])


def known_encodings(text: str) -> list[str]:
    """The names in a comma-separated list, each known to codec.named()."""
    found = list(dict.fromkeys(text.split(",")))
    for name in found:
        try:
            codec.named(name)
        except InputError as error:
            raise InputError(f"--encodings: {error}") from None
    return found


def head(encoding: str) -> str:
    """The heading of an encoding's column."""
    if encoding == "none":
        return "uncompressed"
    name, _, quality = encoding.partition(":")
    return f"{'' if name == 'x264' else f'{name} '}{codec.NAMED[name][2]} {quality}"


def size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise InputError(f"--crop: '{text}' is not a size such as 1280x720")
    return int(match[1]), int(match[2])


def files(inputs: list[Path]) -> list[Path]:
    """The given clips, and those in the given folders; each once."""
    found: list[Path] = []
    for path in inputs:
        inside = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path}: has no clips")
        found += inside
    return list(dict.fromkeys(found))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(required=True, metavar="images | video | chroma | patterns")
    of_images = what.add_parser("images", help="a folder of high-resolution images, such as Set5")
    of_images.add_argument("folder", type=Path)
    of_images.set_defaults(run=images)
    of_chroma = what.add_parser("chroma", help="the chroma of clips, pictures, or folders of them")
    of_chroma.set_defaults(run=colours)
    of_video = what.add_parser("video", help="clips, or folders of them; good sources measure best")
    of_patterns = what.add_parser("patterns", help="drawn checks, stripes, grids, halftones and zone plates")
    of_patterns.add_argument("--count", type=int, default=16, help="patterns of each kind (default 16)")
    of_patterns.set_defaults(run=drawn)
    for sub in (of_video, of_chroma):
        add = sub.add_argument
        add("clips", type=Path, nargs="+" if sub is of_video else "*")
        add("--encodings", type=known_encodings, default="none,x264:18,x264:23,x264:28,x264:33",
            help=f"list of none and {', '.join(f'{name}:N' for name in codec.NAMED)}; N is the quality "
            "(default %(default)s)")
        add("--skip", type=int, default=12, help="frames to leave out at the start (default 12)")
        add("--frames", type=int, default=16, help="frames to take of each clip (default 16)")
        add("--crop", type=size, default="1280x720",
            help="cut larger frames to their middle of this size (default %(default)s)")
    of_chroma.add_argument("--text", action="store_true", help="also two drawn pages of coloured text")
    add = of_video.add_argument
    add("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="clips at a time (default: one per CPU)")
    add("--stabilize", type=float, default=0, help="the element's property of that name, for all models (default 0)")
    add("--sharpness", type=float, default=0, help="likewise, of models with siblings (default 0)")
    add("--details", action="store_true", help="also each clip's figures")
    of_video.set_defaults(run=video)
    for sub in (of_images, of_video, of_chroma, of_patterns):
        sub.add_argument("--model", nargs="+", default=[], help="names of built-in models, or .safetensors files "
                         "(default: all that ship)")
        sub.add_argument("--scale", type=int, nargs="+", choices=[2, 3, 4], help="(default: all that the models have)")
    options = parser.parse_args()
    for name in ("frames", "jobs", "skip", "count"):
        if getattr(options, name, 1) < (name != "skip"):
            raise InputError(f"--{name}: {getattr(options, name)} is too small")
    if options.run in (video, colours):
        if not 0 <= getattr(options, "stabilize", 0) <= 1:
            raise InputError(f"--stabilize: {options.stabilize} is not within 0 and 1")
        if not -1 <= getattr(options, "sharpness", 0) <= 1:
            raise InputError(f"--sharpness: {options.sharpness} is not within -1 and 1")
        options.clips = files(options.clips)
        if options.run is colours and not options.clips and not options.text:
            raise InputError("chroma: name a clip, a picture or a folder, or --text")
    return options


def main() -> None:
    options = parse()
    plugin.check()
    options.run(options)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (InputError, weights.WeightsError, networks.UnknownNetwork) as error:
        sys.exit(f"eval: {error}")
