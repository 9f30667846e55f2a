#!/usr/bin/env python3
"""Train a luma upscaling network on folders of images.

Low-resolution patches are made by antialiased bicubic and rounded to 8 bit; the loss is L1; what is
kept is the moving average (EMA) of the weights.  The learning rate follows one cosine over --steps, which
repeats exactly on one machine, or over as many steps as will fit into --minutes, measured as it goes.
"""

from __future__ import annotations

import argparse
import csv
import math
import pickle
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

import evaluate
import networks
import weights
from data import InputError, Patches
from muon import Muon

PROBE = 60  # steps timed before --minutes first become a number of steps
WARM_UP = 200  # steps; a tenth of a shorter run


def rate(step: int, steps: int, peak: float) -> float:
    """Learning rate of a step: linear warm-up, then a cosine down to a thousandth of the peak."""
    warm_up = min(WARM_UP, steps // 10)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return peak * (0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Run:
    """Everything a run is made of and a checkpoint holds."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        torch.manual_seed(options.seed)
        if options.init:
            self.network, _, about = networks.load(options.init)
            if (self.network.scale, self.network.channels, about.get("input_range", "1")) != (options.scale, 1, "1"):
                raise InputError(f"{options.init}: not a luma network of scale {options.scale} and range 1")
        else:
            self.network = networks.RepRFN(1, options.features, options.blocks, options.scale, options.esa)
            networks.start_near_nearest(self.network)
        self.network.to(memory_format=torch.channels_last)  # halves the time of a step on the CPU
        self.ema = {name: t.detach().clone() for name, t in self.network.state_dict().items()}
        kernels = [p for p in self.network.parameters() if p.dim() > 1 and p.shape[1] > 1]
        others = [p for p in self.network.parameters() if not (p.dim() > 1 and p.shape[1] > 1)]
        self.optimisers = [Muon(kernels, options.rate), torch.optim.Adam(others, options.rate, betas=(0.9, 0.99))]
        self.patches = Patches(options.images, options.scale, options.patch, options.seed)
        self.step, self.steps, self.seconds = 0, options.steps or 0, 0.0
        self.timed = (0, 0.0)  # step and seconds from which the speed is measured

    def learn(self) -> float:
        """One step; returns its loss in levels of 255."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate(self.step, self.steps or 10**9, self.options.rate)
        low, high = self.patches.batch(self.options.batch)
        loss = F.l1_loss(self.network(low), high)
        self.network.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        keep = min(self.options.ema, self.step / (self.step + 10))
        with torch.no_grad():
            for name, tensor in self.network.state_dict().items():
                self.ema[name].lerp_(tensor, 1 - keep)
        return 255 * float(loss.detach())

    def fit_to_clock(self) -> None:
        """Set `steps` to what --minutes leave room for at the speed since the last call."""
        speed = (self.step - self.timed[0]) / (self.seconds - self.timed[1])
        self.timed = (self.step, self.seconds)
        self.steps = self.step + max(0, int((60 * self.options.minutes - self.seconds) * speed))

    def save(self) -> None:
        """Write checkpoint.pt (to resume) and ema.safetensors (the result so far)."""
        out = self.options.out
        state = {"network": self.network.state_dict(), "ema": self.ema, "step": self.step, "steps": self.steps,
                 "seconds": self.seconds, "optimisers": [o.state_dict() for o in self.optimisers],
                 "torch_random": torch.get_rng_state(), "patch_random": self.patches.random.bit_generator.state}
        torch.save(state, out / "checkpoint.part")
        (out / "checkpoint.part").replace(out / "checkpoint.pt")
        facts = networks.describe(self.ema)
        weights.write(out / "ema.safetensors", self.ema,
                      {"architecture": str(facts["architecture"]), "scale": str(facts["scale"]),
                       "input_range": "1", "colour": "luma"})

    def resume(self) -> None:
        file = self.options.out / "checkpoint.pt"
        if not file.is_file():
            raise InputError(f"{file}: no checkpoint to resume from")
        try:
            state = torch.load(file, weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            raise InputError(f"{file}: is damaged") from None
        try:
            self.network.load_state_dict(state["network"])
        except RuntimeError:
            raise InputError(f"{file}: is of another network than the options ask for") from None
        for optimiser, saved in zip(self.optimisers, state["optimisers"]):
            optimiser.load_state_dict(saved)
        self.ema, self.step, self.seconds = state["ema"], state["step"], state["seconds"]
        self.steps = self.options.steps or state["steps"]
        self.timed = (self.step, self.seconds)
        torch.set_rng_state(state["torch_random"])
        self.patches.random.bit_generator.state = state["patch_random"]

    def validate(self, pairs: list[evaluate.Pair]) -> tuple[float, float]:
        """PSNR and SSIM of the averaged weights."""
        return evaluate.score(evaluate.through(networks.build(self.ema), 1), pairs, self.options.scale)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--images", type=Path, nargs="+", required=True, help="folders of sharp images, searched recursively")
    add("--val", type=Path, required=True, help="folder of high-resolution images to validate on")
    add("--out", type=Path, required=True, help="folder of the run: log, checkpoint, result")
    add("--scale", type=int, default=2)
    add("--features", type=int, default=16, help="channels of every layer (default 16)")
    add("--blocks", type=int, default=1)
    add("--esa", type=int, default=0, help="channels of the attention, 0 for none (default)")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int)
    length.add_argument("--minutes", type=float, help="choose the number of steps by the clock")
    add("--batch", type=int, default=16)
    add("--patch", type=int, default=48, help="side of a low-resolution patch (default 48)")
    add("--rate", type=float, default=2e-3, help="highest learning rate (default 0.002)")
    add("--clip", type=float, default=0.1, help="largest norm of the gradient (default 0.1)")
    add("--ema", type=float, default=0.999, help="decay of the averaged weights (default 0.999)")
    add("--every", type=int, default=1000, help="steps between validations and checkpoints (default 1000)")
    add("--seed", type=int, default=1)
    add("--threads", type=int, default=0, help="CPU threads (default: all)")
    add("--init", type=Path, help="start from these .safetensors weights")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    options = parser.parse_args(arguments)
    for name in ("scale", "features", "blocks", "steps", "minutes", "batch", "patch", "rate", "clip", "every"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            parser.error(f"--{name} must be above 0")
    if options.esa and options.patch < 15:
        parser.error("--esa needs a --patch of at least 15")
    return options


def main() -> None:
    options = parse()
    if options.threads:
        torch.set_num_threads(options.threads)
    pairs = evaluate.load_pairs(options.val, options.scale)
    options.out.mkdir(parents=True, exist_ok=True)
    run = Run(options)
    if options.resume:
        run.resume()
    elif (options.out / "checkpoint.pt").exists():
        raise InputError(f"{options.out}: holds a run already; give --resume or another folder")
    print(f"{len(run.patches.pairs)} images, {run.patches.too_small} left out as smaller than a patch")
    print("bicubic {:.3f} dB  {:.4f}".format(*evaluate.score(evaluate.bicubic(options.scale), pairs, options.scale)),
          flush=True)

    with open(options.out / "log.csv", "a" if options.resume else "w", newline="") as file:
        log = csv.writer(file)
        if not options.resume:
            log.writerow(["step", "seconds", "rate", "loss", "psnr", "ssim"])
        losses, begin = [], time.monotonic() - run.seconds
        while not run.steps or run.step < run.steps:
            losses.append(run.learn())
            run.seconds = time.monotonic() - begin
            due = run.step % options.every == 0
            if options.minutes and (due or run.step == PROBE):
                run.fit_to_clock()
            if not due and run.step != run.steps:
                continue
            quality = run.validate(pairs)
            loss, losses = sum(losses) / len(losses), []
            log.writerow([run.step, f"{run.seconds:.0f}", f"{rate(run.step, run.steps, options.rate):.3g}",
                          f"{loss:.4f}", *(f"{q:.4f}" for q in quality)])
            file.flush()
            run.save()
            left = (run.steps - run.step) * run.seconds / run.step / 60
            print("step {}/{}  loss {:.3f}  {:.3f} dB  {:.4f}  {:.1f} min left".format(
                run.step, run.steps, loss, *quality, left), flush=True)


if __name__ == "__main__":
    try:
        main()
    except (InputError, OSError, weights.WeightsError, networks.UnknownNetwork) as error:
        sys.exit(f"train: {error}")
