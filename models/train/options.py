"""The options of a training run, from the command line or from a config file."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import losses
import validation
from data import InputError

CHOICES = {"architecture": ["reprfn", "rfdn", "drn"], "loss": sorted(losses.PIXEL)}
PATHS = {"images", "video", "val", "out", "init", "teacher"}  # never in a config: they are of one machine


def parser(description: str) -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = result.add_argument
    add("--config", type=Path, help="TOML file of these options (`rate = 0.001`); the command line goes before it")
    add("--images", type=Path, nargs="+", required=True, help="folders of sharp images, searched recursively")
    add("--val", type=Path, required=True, help="folder of high-resolution images to validate on: up to "
        f"{validation.MOST} of them, of larger ones the middle {validation.SIDE}x{validation.SIDE}")
    add("--out", type=Path, required=True, help="folder of the run: log, checkpoint, result")
    add("--video", type=Path, nargs="+", default=[], help="folders of pairs that prepare.py or teach.py made")
    add("--clean", type=float, default=0.2, help="share of clean patches, from --images, beside --video (default 0.2)")

    network = result.add_argument_group("network")
    add = network.add_argument
    add("--scale", type=int, default=2)
    add("--also", type=int, nargs="+", default=[], help="further scales, for which the same body gets upsamplers of "
        "their own; with --video of teach.py and --clean 0")
    add("--architecture", choices=CHOICES["architecture"], default="reprfn")
    add("--features", type=int, default=16, help="channels of every layer (default 16)")
    add("--blocks", type=int, default=1, help="(of drn in each group)")
    add("--groups", type=int, default=1, help="of drn (default 1)")
    add("--distilled", type=int, default=4, help="of drn: channels that each block adds (default 4)")
    add("--esa", type=int, default=0, help="channels of the attention; 0: none in reprfn, a quarter of the "
        "features in rfdn (default)")
    add("--init", type=Path, help="start from these .safetensors weights, of any scale, luma or RGB; they say what the network "
        "is")
    add("--add-blocks", type=int, default=0, help="further blocks behind those of --init, which change nothing at first")
    add("--widen", type=int, default=0, help="channels to widen the layers of --init to, which changes nothing at first")
    add("--branches", action="store_true", help="train each 3x3 as a sum of branches, and merge them")

    length = result.add_argument_group("length").add_mutually_exclusive_group()
    length.add_argument("--steps", type=int)
    length.add_argument("--minutes", type=float, help="choose the number of steps by the clock")

    learning = result.add_argument_group("learning")
    add = learning.add_argument
    add("--loss", choices=CHOICES["loss"], default="l1", help="(default l1)")
    add("--fourier", type=float, default=0.0, help="share of the spectra's difference in the loss (default 0)")
    add("--stillness", type=float, default=0.0, help="weight of what changes in the result when the picture moves by a "
        "pixel and is encoded anew (default 0); half as much time again")
    add("--sharpen", type=float, default=0.0, help="learn to sharpen edges by unsharp masking of this amount, or, "
        "below 0, to soften; -1..2 (default 0)")
    add("--teacher", type=Path, help="a larger network of the same scale to learn from, luma or RGB")
    add("--distil", type=float, default=0.5, help="share of the teacher's answer in the loss (default 0.5)")
    add("--distil-features", type=float, default=0.0, help="weight of the teacher's features (default 0)")
    add("--batch", type=int, default=16)
    add("--patch", type=int, default=48, help="side of a low-resolution patch (default 48)")
    add("--choice", type=int, default=1, help="take the most detailed of so many random patches (default 1)")
    add("--full-range", type=float, default=0.0, help="share of patches to stretch from 16..235 to 0..255 (default 0)")
    add("--patterns", type=float, default=0.0, help="share of patches that are drawn: checks, stripes, grids, halftones, "
        "zone plates (default 0)")
    add("--rate", type=float, default=2e-3, help="highest learning rate (default 0.002)")
    add("--clip", type=float, default=0.1, help="largest norm of the gradient (default 0.1)")
    add("--ema", type=float, default=0.999, help="decay of the averaged weights (default 0.999)")
    add("--bf16", action="store_true", help="multiply in bfloat16 inside the network: about two thirds of the time "
        "where the CPU has it")
    add("--seed", type=int, default=1)

    running = result.add_argument_group("running")
    add = running.add_argument
    add("--every", type=int, default=1000, help="steps between validations and checkpoints (default 1000)")
    add("--threads", type=int, default=0, help="CPU threads (default: all)")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    return result


def read_config(file: Path, known: dict) -> dict:
    """Options of a config file, by their names in Python; `known` has the defaults of those there are."""
    try:
        content = tomllib.loads(file.read_text())
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: {error}") from None
    content = {name.replace("-", "_"): value for name, value in content.items()}
    for name, value in content.items():
        if name not in known or name in PATHS:
            raise InputError(f"{file}: '{name}' is no option that a config can set")
        wanted = type(known[name]) if known[name] is not None else (int if name == "steps" else float)
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise InputError(f"{file}: {name} = {value!r} should be of type {wanted.__name__}")
        if name in CHOICES and value not in CHOICES[name]:
            raise InputError(f"{file}: {name} = {value!r} is none of {', '.join(CHOICES[name])}")
    if {"steps", "minutes"} <= content.keys():
        raise InputError(f"{file}: says both steps and minutes")
    return content


def parse(description: str, arguments: list[str] | None = None) -> argparse.Namespace:
    result = parser(description)
    options = result.parse_args(arguments)
    if options.config:
        defaults = vars(result.parse_args(["--images", ".", "--val", ".", "--out", "."]))
        chosen = read_config(options.config, {name: value for name, value in defaults.items()
                                              if name not in ("config", "resume")})
        if options.steps or options.minutes:  # the command line says how long
            chosen = {name: value for name, value in chosen.items() if name not in ("steps", "minutes")}
        result.set_defaults(**chosen)
        options = result.parse_args(arguments)
    if options.steps is None and options.minutes is None:
        result.error("how long? give --steps or --minutes")
    for name in ("scale", "features", "blocks", "groups", "distilled", "steps", "minutes", "batch", "patch", "choice",
                 "rate", "clip", "every"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            result.error(f"--{name} must be above 0")
    if min(options.also, default=1) < 1:
        result.error("--also must be above 0")
    if options.sharpen and (options.also or options.teacher):
        result.error("--sharpen works with one scale and without a --teacher")
    for name in ("add_blocks", "widen"):
        if getattr(options, name) and not options.init:
            result.error(f"--{name.replace('_', '-')}: of what? give --init")
    for name in ("esa", "add_blocks", "widen", "distil_features", "stillness", "threads", "seed"):
        if getattr(options, name) < 0:
            result.error(f"--{name.replace('_', '-')} must not be below 0")
    for name in ("clean", "fourier", "distil", "ema", "full_range", "patterns"):
        if not 0 <= getattr(options, name) <= 1:
            result.error(f"--{name} must be in 0..1")
    if not -1 <= options.sharpen <= 2:
        result.error("--sharpen must be in -1..2")
    return options
