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

import torch

import branches
import evaluate
import losses
import networks
import options as options_of_a_run
import sharpness
import stillness
import validation
import weights
from data import InputError, Patches
from muon import Muon
from teacher import Teacher

PROBE = 60  # steps timed before --minutes become a number of steps
WARM_UP = 200  # steps; a tenth of a shorter run


def rate(step: int, steps: int, peak: float) -> float:
    """Learning rate of a step: linear warm-up, then a cosine down to a thousandth of the peak."""
    warm_up = min(WARM_UP, steps // 10)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return peak * (0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def changed(tensors: dict[str, torch.Tensor], input_range: str,
            options: argparse.Namespace) -> dict[str, torch.Tensor]:
    """The weights of --init for luma in 0..1, and at another scale, wider and deeper, as the options say."""
    facts = networks.describe(tensors)
    try:
        if facts["channels"] > 1:
            tensors = networks.for_luma(tensors)
        if facts["architecture"] == "rfdn":
            tensors = networks.even(tensors)
        if input_range != "1":
            tensors = networks.at_range_1(tensors, float(input_range))
        tensors = networks.at_scale(tensors, options.scale)
        if options.widen:
            tensors = networks.wider(tensors, options.widen)
        if options.add_blocks:
            tensors = networks.deeper(tensors, options.add_blocks)
    except networks.UnknownNetwork as error:
        raise InputError(f"{options.init}: {error}") from None
    except ValueError:
        raise InputError(f"{options.init}: its input_range '{input_range}' is no number") from None
    return tensors


def make_network(options: argparse.Namespace) -> networks.Network:
    """The network to train: of the given weights, made one of luma in 0..1 if they are of another, or a new one."""
    if options.init:
        _, tensors, about = networks.load(options.init)
        return networks.build(changed(tensors, about.get("input_range", "1"), options))
    size = 1, options.features, options.blocks, options.scale
    if options.architecture == "drn":
        network = networks.DRN(*size, options.distilled, options.groups)
    elif options.architecture == "reprfn":
        network = networks.RepRFN(*size, options.esa)
    else:
        network = networks.RFDN(*size, options.esa)
    networks.start_near_nearest(network)
    return network


def check_patch(network: torch.nn.Module, patch: int) -> None:
    """InputError where patches are too small for a network, the trained one or its teacher."""
    if patch < networks.smallest(network):
        raise InputError(f"attention needs a --patch of at least {networks.smallest(network)}")


class Run:
    """Everything a run is made of and a checkpoint holds."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        torch.manual_seed(options.seed)
        self.network = make_network(options)
        check_patch(self.network, options.patch)
        self.network.bf16 = options.bf16
        self.scales = [options.scale, *options.also]
        if options.also:
            if options.teacher or len(set(self.scales)) < len(self.scales):
                raise InputError("--also: takes no --teacher, and no scale twice")
            self.network = networks.Shared(self.network, options.also)
        if options.branches:
            branches.expand(self.network)
        self.teacher = None
        if options.teacher:
            self.teacher = Teacher(options.teacher, self.network, options.distil_features > 0)
            check_patch(self.teacher.network, options.patch)
        self.network.to(memory_format=torch.channels_last)  # halves the time of a step on the CPU
        self.ema = {name: t.detach().clone() for name, t in branches.merged(self.network).items()}
        self.parameters = [*self.network.parameters(), *(self.teacher.parameters() if self.teacher else [])]
        kernels = [p for p in self.parameters if p.dim() > 1 and p.shape[1] > 1]
        others = [p for p in self.parameters if not (p.dim() > 1 and p.shape[1] > 1)]
        self.optimisers = [Muon(kernels, options.rate), torch.optim.Adam(others, options.rate, betas=(0.9, 0.99))]
        self.stillness = None
        if options.stillness:
            if options.also or options.patch <= 2 * stillness.EDGE:
                raise InputError(f"--stillness: takes no --also, and a --patch of more than {2 * stillness.EDGE}")
            self.stillness = stillness.Stillness(self.network, options.scale)
        self.patches = Patches(options.images, options.video, options.clean, self.scales, options.patch,
                               options.seed, options.choice, options.full_range, options.patterns)
        self.criterion = losses.Criterion(options.loss, options.fourier)
        self.step, self.steps, self.seconds = 0, options.steps or 0, 0.0
        self.timed = (0, 0.0)  # step and seconds from which the speed is measured
        self.probe = PROBE  # step at which it is known for the first time

    def loss(self, low: torch.Tensor, *highs: torch.Tensor) -> torch.Tensor:
        result = self.network(low)
        if self.options.also:
            return self.of_scales(result, highs)
        target = highs[0]
        if self.options.sharpen:
            target = sharpness.target(low, target, self.options.scale, self.options.sharpen)
        loss = self.criterion(result, target)
        if self.options.sharpen > 0:
            loss = loss + sharpness.HALOES * sharpness.haloes(result, highs[0], self.options.scale)
        if self.teacher:
            output, features = self.teacher.loss(low, result)
            share = self.options.distil
            loss = (1 - share) * loss + share * output + self.options.distil_features * features
        if self.stillness:
            half = -(-len(low) // 2)  # of the batch: the other half of the time
            loss = loss + self.options.stillness * self.stillness(low[:half], highs[0][:half], result[:half])
        return loss

    def of_scales(self, results: tuple[torch.Tensor, ...], highs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """The mean loss of several scales; the smaller ones weigh more, by area, as they err less."""
        shares = [scale**-2 for scale in self.scales]
        return sum(share / sum(shares) * self.criterion(*pair) for share, *pair in zip(shares, results, highs))

    def learn(self) -> float:
        """One step; returns its loss in levels of 255."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate(self.step, self.steps or 10**9, self.options.rate)
        loss = self.loss(*self.patches.batch(self.options.batch))
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.options.clip)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        keep = min(self.options.ema, self.step / (self.step + 10))
        with torch.no_grad():
            for name, tensor in branches.merged(self.network).items():
                self.ema[name].lerp_(tensor, 1 - keep)
        return 255 * float(loss.detach())

    def fit_to_clock(self) -> None:
        """Set `steps` to what --minutes leave room for at the speed since the last call."""
        speed = (self.step - self.timed[0]) / (self.seconds - self.timed[1])
        self.timed = (self.step, self.seconds)
        self.steps = self.step + self.affordable(speed)

    def affordable(self, speed: float) -> int:
        """How many more steps --minutes leave room for at so many a second."""
        return max(0, int((60 * self.options.minutes - self.seconds) * speed))

    def save(self) -> None:
        """Write checkpoint.pt (to resume) and ema.safetensors (the result so far; of other scales ema_xN)."""
        out = self.options.out
        state = {"network": self.network.state_dict(), "project": self.projection(), "ema": self.ema,
                 "step": self.step, "steps": self.steps, "seconds": self.seconds, "optimisers": [o.state_dict() for o in self.optimisers],
                 "torch_random": torch.get_rng_state(), "patch_random": self.patches.random.bit_generator.state}
        torch.save(state, out / "checkpoint.part")
        (out / "checkpoint.part").replace(out / "checkpoint.pt")
        for scale, tensors in self.results().items():
            facts = networks.describe(tensors)
            weights.write(out / f"ema{self.suffix(scale)}.safetensors", tensors,
                          {"architecture": str(facts["architecture"]), "scale": str(facts["scale"]),
                           "input_range": "1", "colour": "luma"})

    def results(self) -> dict[int, dict[str, torch.Tensor]]:
        """The averaged weights of each scale's network."""
        return self.network.split(self.ema) if self.options.also else {self.options.scale: self.ema}

    def suffix(self, scale: int) -> str:
        """What tells a further scale's files and columns from the first one's."""
        return "" if scale == self.options.scale else f"_x{scale}"

    def projection(self) -> dict[str, torch.Tensor]:
        """What distilling features trains beside the network."""
        return self.teacher.project.state_dict() if self.teacher and self.teacher.project else {}

    def resume(self) -> None:
        file = self.options.out / "checkpoint.pt"
        if not file.is_file():
            raise InputError(f"{file}: no checkpoint to resume from")
        try:
            state = torch.load(file, weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            raise InputError(f"{file}: is damaged") from None
        if not isinstance(state, dict):
            raise InputError(f"{file}: is no checkpoint")
        try:
            self.network.load_state_dict(state["network"])
            if self.teacher and self.teacher.project:
                self.teacher.project.load_state_dict(state["project"])
            for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(saved)
        except (RuntimeError, KeyError, ValueError):  # ValueError: optimisers of other parameters
            raise InputError(f"{file}: is of another network, or was distilled otherwise, "
                             "than the options ask for") from None
        self.ema, self.step, self.seconds = state["ema"], state["step"], state["seconds"]
        self.steps = self.options.steps or self.step + self.affordable(self.step / max(self.seconds, 1e-3))
        if self.steps <= self.step:
            raise InputError(f"{file}: has {self.step} steps in {self.seconds / 60:.2f} minutes already, nothing is "
                             f"left to do; give more --{'steps' if self.options.steps else 'minutes'}")
        self.timed, self.probe = (self.step, self.seconds), self.step + PROBE
        torch.set_rng_state(state["torch_random"])
        self.patches.random.bit_generator.state = state["patch_random"]

    def validate(self, pairs: dict[int, list[evaluate.Pair]]) -> list[float]:
        """PSNR and SSIM of the averaged weights, of one scale after the other."""
        return [figure for scale, tensors in self.results().items()
                for figure in evaluate.score(evaluate.through(networks.build(tensors), 1), pairs[scale], scale)]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    return options_of_a_run.parse(__doc__, arguments)


def main() -> None:
    options = parse()
    if options.threads:
        torch.set_num_threads(options.threads)
    loaded = {scale: validation.load(options.val, scale) for scale in [options.scale, *options.also]}
    pairs, about = {scale: pairs for scale, (pairs, _) in loaded.items()}, loaded[options.scale][1]
    options.out.mkdir(parents=True, exist_ok=True)
    run = Run(options)
    if options.resume:
        run.resume()
    elif (options.out / "checkpoint.pt").exists():
        raise InputError(f"{options.out}: holds a run already; give --resume or another folder")
    print(run.patches.about)
    print(about)
    for scale in run.scales:
        print("bicubic x{} {:.3f} dB  {:.4f}".format(
            scale, *evaluate.score(evaluate.bicubic(scale), pairs[scale], scale)), flush=True)

    with open(options.out / "log.csv", "a" if options.resume else "w", newline="") as file:
        log = csv.writer(file)
        if not options.resume:
            log.writerow(["step", "seconds", "rate", "loss",
                          *(name + run.suffix(scale) for scale in run.scales for name in ("psnr", "ssim"))])
        recent, begin = [], time.monotonic() - run.seconds
        while not run.steps or run.step < run.steps:
            recent.append(run.learn())
            run.seconds = time.monotonic() - begin
            due = run.step % options.every == 0
            if options.minutes and (due or run.step == run.probe):
                run.fit_to_clock()
            if not due and run.step != run.steps:
                continue
            quality = run.validate(pairs)
            loss, recent = sum(recent) / len(recent), []
            log.writerow([run.step, f"{run.seconds:.0f}", f"{rate(run.step, run.steps, options.rate):.3g}",
                          f"{loss:.4f}", *(f"{q:.4f}" for q in quality)])
            file.flush()
            run.save()
            left = (run.steps - run.step) * run.seconds / run.step / 60
            told = "".join(f"  {psnr:.3f} dB  {ssim:.4f}" for psnr, ssim in zip(quality[::2], quality[1::2]))
            print(f"step {run.step}/{run.steps}  loss {loss:.3f}{told}  {left:.1f} min left", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (InputError, OSError, weights.WeightsError, networks.UnknownNetwork) as error:
        sys.exit(f"train: {error}")
