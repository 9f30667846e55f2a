#!/usr/bin/env python3
"""Tests of the trainer and what it trains with; run as a script.

Some need the reference folder or Set5: $RFDN_SHARED, or shared beside the repository.  Without it they say
that they are skipped, as are all without torch.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import sys
import unittest
from collections.abc import Callable
from datetime import date
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import HERE, MODELS, REFERENCE, SHARED, WithFolder, main, need, needs_reference, noise_image, run

need("numpy", "PIL", "torch")
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import branches
import data
import evaluate
import losses
import networks
import sharpness
import siblings
import stillness
import teacher
import train
import validation
import weights


class Sharpness(unittest.TestCase):
    """What siblings learn from."""

    def edge(self, contrast: float) -> tuple[torch.Tensor, torch.Tensor]:
        """A small and a large picture of a soft upright edge, 0.5 +- contrast / 2."""
        large = (0.5 + contrast / 2 * torch.tanh((torch.arange(64.0) - 31.5) / 2)).expand(1, 1, 64, 64)
        return F.avg_pool2d(large, 2), large

    def test_edges_become_steeper_without_haloes(self) -> None:
        low, high = self.edge(0.6)
        sharp = sharpness.target(low, high, 2, 1.5)
        slope = [float(plane[0, 0, 32, 33] - plane[0, 0, 32, 30]) for plane in (high, sharp)]
        self.assertGreater(slope[1], 1.15 * slope[0])
        self.assertLessEqual(float(sharp.max()), float(high.max()) + sharpness.HALO + 1e-6)
        self.assertGreaterEqual(float(sharp.min()), float(high.min()) - sharpness.HALO - 1e-6)

    def test_faint_detail_stays(self) -> None:
        low, high = self.edge(sharpness.EDGE[0] / 2)
        self.assertTrue(torch.allclose(sharpness.target(low, high, 2, 1.5), high, atol=1e-6))
        self.assertFalse(torch.allclose(sharpness.target(*self.edge(0.5), 2, 1.5), high, atol=1e-3))

    def test_haloes(self) -> None:
        """What goes beyond black and white counts, less HALO; where contrast is low nothing does."""
        _, high = self.edge(0.6)
        for sign in (1, -1):
            allowed, halo = (high + sign * beyond for beyond in (0.9 * sharpness.HALO, 10 * sharpness.HALO))
            self.assertEqual(float(sharpness.haloes(allowed, high, 2)), 0)
            self.assertGreater(float(sharpness.haloes(halo, high, 2)), 1e-4)
        _, high = self.edge(sharpness.STARK[0] / 2)
        self.assertEqual(float(sharpness.haloes(high + 0.1, high, 2)), 0)

    def test_below_zero_is_a_gaussian(self) -> None:
        torch.manual_seed(3)
        high = torch.rand(1, 1, 40, 40)
        soft, half = (sharpness.target(F.avg_pool2d(high, 2), high, 2, amount) for amount in (-1, -0.5))
        self.assertTrue(torch.allclose(half, (high + soft) / 2, atol=1e-6))
        row = torch.tensor([np.exp(-x**2 / (2 * (2 * sharpness.SOFT) ** 2)) for x in range(-3, 4)])
        kernel = torch.outer(row, row).float() / row.sum() ** 2
        expected = F.conv2d(high, kernel[None, None])[0, 0]
        self.assertTrue(torch.allclose(soft[0, 0, 3:-3, 3:-3], expected, atol=1e-5))


class Bfloat16(WithFolder):
    """--bf16 rounds products in the network's body during training, and nothing else."""

    def run_of(self, *more: object) -> train.Run:
        (self.folder / "images").mkdir(exist_ok=True)
        noise_image(self.folder / "images/a.png", 60, 50)
        arguments = ["--images", self.folder / "images", "--val", self.folder, "--out", self.folder, "--features", 8,
                     "--batch", 2, "--patch", 16, "--steps", 3, *more]
        return train.Run(train.parse([str(argument) for argument in arguments]))

    def test_close_to_single_precision(self) -> None:
        """On average less than a level from fp32 but not equal to it, and the output is fp32."""
        torch.manual_seed(4)
        for network in (networks.RepRFN(1, 16, 2, 2), networks.RepRFN(1, 16, 1, 3, 8), networks.RFDN(1, 16, 2, 2)):
            networks.start_near_nearest(network)
            x = torch.rand(2, 1, 24, 24)
            with torch.no_grad():
                exact = network(x)
                network.bf16 = True
                near = network(x)
            self.assertEqual(near.dtype, torch.float32)
            self.assertTrue(0 < float((near - exact).abs().mean()) < 0.5 / 255)

    def test_what_is_kept_is_single_precision(self) -> None:
        """Weights, gradients, validation and result are fp32."""
        run_ = self.run_of("--bf16")
        for _ in range(3):
            run_.learn()
        self.assertTrue(all(p.grad.dtype == p.dtype == torch.float32 for p in run_.network.parameters()))
        pairs = [(np.full((20, 20), 90, np.uint8), np.full((40, 40), 90, np.uint8))]
        run_.save()
        network, tensors, _ = networks.load(self.folder / "ema.safetensors")
        self.assertFalse(network.bf16)
        for name, tensor in tensors.items():
            self.assertTrue(torch.equal(tensor, run_.ema[name]), name)
            self.assertFalse(torch.equal(tensor, tensor.bfloat16().float()) and tensor.abs().max() > 0, name)
        self.assertEqual(run_.validate({2: pairs}), list(evaluate.score(evaluate.through(network, 1), pairs, 2)))

    def test_with_branches_and_a_teacher(self) -> None:
        """Branches are merged in fp32 before products are rounded; the body's features are rounded."""
        block = branches.RepBlock(torch.nn.Conv2d(8, 8, 3, padding=1))
        x = torch.rand(1, 8, 12, 12)
        with torch.no_grad():
            kernel = block.kernel()
            with torch.autocast("cpu", torch.bfloat16):
                self.assertFalse(torch.equal(block.kernel(), kernel))  # or the next line would prove nothing
                self.assertTrue(torch.equal(block(x), torch.nn.functional.conv2d(x, kernel, block.bias, padding=1)))
        plain = self.run_of()
        plain.save()
        run_ = self.run_of("--bf16", "--branches", "--teacher", self.folder / "ema.safetensors",
                           "--distil-features", 0.1)
        before = {name: tensor.clone() for name, tensor in run_.ema.items()}
        for _ in range(3):
            self.assertTrue(np.isfinite(run_.learn()))
        self.assertFalse(any(torch.equal(before[name], tensor) for name, tensor in run_.ema.items()))


class Losses(WithFolder):
    def test_zero_where_equal_and_near_l1_where_not(self) -> None:
        a, b = torch.rand(2, 1, 16, 16), torch.rand(2, 1, 16, 16)
        for pixel in losses.PIXEL:
            self.assertAlmostEqual(float(losses.Criterion(pixel, 0.1)(a, a)), 0, places=6)
        l1 = float(losses.PIXEL["l1"](a, b))
        self.assertAlmostEqual(float(losses.charbonnier(a, b)), l1, delta=1.1 / 255)

    def test_spectra(self) -> None:
        """A difference of one wave is one line of the spectrum, with the wave's energy."""
        wave = torch.cos(torch.arange(16) * (2 * torch.pi / 8)).expand(1, 1, 16, 16)
        n, lines = 16 * 9 * 2, 1  # real and imaginary parts of a half spectrum
        self.assertAlmostEqual(float(losses.spectra(wave, torch.zeros_like(wave))), lines * 8 / n, places=5)


class Still(unittest.TestCase):
    """The loss of stillness.py, on networks that leave a picture unchanged or make noise of it."""

    def setUp(self) -> None:
        torch.manual_seed(5)
        across, down = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="xy")
        waves = 0.5 + 0.1 * torch.sin(across / 16) + 0.1 * torch.sin(across / 28 + down / 20)
        self.high = torch.stack([waves, waves.flip(0), waves.T, 1 - waves])[:, None]
        self.low = stillness.smaller(self.high, 2)

    def term(self, network: Callable[[torch.Tensor], torch.Tensor], low: torch.Tensor) -> float:
        """In levels of 255."""
        return 255 * float(stillness.Stillness(network, 2)(low, self.high, network(low)))

    def test_interpolation_moves_with_the_picture(self) -> None:
        """The loss would show an error of a quarter of a pixel."""
        self.assertLess(self.term(lambda low: F.interpolate(low, scale_factor=2, mode="bicubic"), self.low), 0.15)

    def test_motions_move(self) -> None:
        moved = stillness.warp(self.high, stillness.motions(4, self.low.shape[-2:]))
        for before, after in zip(self.high, moved):
            self.assertGreater(255 * float((before - after).abs().mean()), 0.5)

    def test_fixed_pattern_has_a_loss(self) -> None:
        fixed = torch.rand_like(self.high) * 0.1
        self.assertGreater(self.term(lambda low: F.interpolate(low, scale_factor=2, mode="bicubic") + fixed, self.low), 4)

    def test_amplified_coding_errors_have_a_loss(self) -> None:
        """It grows with how much a network amplifies them."""
        def sharper(gain: float) -> float:
            torch.manual_seed(5)
            coded = self.low + 0.02 * torch.randn(self.low.shape)
            return self.term(lambda low: 0.5 + gain * (F.interpolate(low, scale_factor=2, mode="bicubic") - 0.5), coded)
        self.assertGreater(sharper(1), 1)
        self.assertAlmostEqual(sharper(2) / sharper(1), 2, delta=0.1)


class Teachers(WithFolder):
    def test_student_of_itself_has_nothing_to_learn(self) -> None:
        network = networks.RepRFN(1, 8, 1, 2)
        networks.start_near_nearest(network)
        weights.write(self.folder / "t.safetensors", network.state_dict(), {"input_range": "1"})
        x = torch.rand(1, 1, 16, 16)
        master = teacher.Teacher(self.folder / "t.safetensors", network, features=True)
        with torch.no_grad():
            output, features = master.loss(x, network(x))
            self.assertAlmostEqual(float(output), 0, places=6)
            self.assertGreater(float(features), 0)
            master.project.weight.copy_(torch.eye(8)[:, :, None, None])
            master.project.bias.zero_()
            self.assertAlmostEqual(float(master.loss(x, network(x))[1]), 0, places=5)

    @needs_reference
    def test_rgb_teacher_answers_in_luma(self) -> None:
        """The authors' x4 network's result for gray is near the picture; levels are kept."""
        master = teacher.Teacher(REFERENCE / "rfdn_aim_x4/weights.safetensors", networks.RepRFN(1, 8, 1, 4), False)
        ramp = torch.linspace(20 / 255, 230 / 255, 48).expand(1, 1, 48, 48)
        inner = (..., slice(32, -32), slice(32, -32))
        wide = torch.nn.functional.interpolate(ramp, scale_factor=4, mode="bilinear")
        self.assertLess(float((master.answer(ramp) - wide)[inner].abs().max()), 3 / 255)


class Weights(WithFolder):
    def test_write_then_read(self) -> None:
        tensors = networks.RepRFN(1, 8, 1, 2).to(memory_format=torch.channels_last).state_dict()
        weights.write(self.folder / "a.safetensors", tensors, {"name": "é"})
        back, about = weights.read(self.folder / "a.safetensors")
        self.assertEqual(about, {"format": "pt", "name": "é"})
        self.assertEqual(list(back), list(tensors))
        for name in tensors:
            self.assertTrue(torch.equal(back[name], tensors[name]), name)

    def test_half_precision(self) -> None:
        tensors = {"x": torch.randn(3, 5), "y": torch.tensor([0.0, -0.0, 1e-7, 65504.0])}
        weights.write(self.folder / "a.safetensors", tensors, {}, "F16")
        back, _ = weights.read(self.folder / "a.safetensors")
        for name, tensor in tensors.items():
            self.assertTrue(torch.equal(back[name], tensor.half().float()), name)

    def test_bad_files(self) -> None:
        weights.write(self.folder / "a.safetensors", {"x": torch.zeros(3)}, {})
        good = (self.folder / "a.safetensors").read_bytes()
        for bad in (b"", b"12345678", good[:-1], good[:20], good.replace(b"[3]", b"[4]"), b"\2" + 7 * b"\0" + b"[]"):
            (self.folder / "b.safetensors").write_bytes(bad)
            with self.assertRaises(weights.WeightsError):
                weights.read(self.folder / "b.safetensors")
        with self.assertRaises(weights.WeightsError):
            weights.read(self.folder / "absent.safetensors")

    def test_shipped_models(self) -> None:
        """Each file's metadata is complete and correct."""
        files = sorted(MODELS.glob("*.safetensors"))
        self.assertTrue(files)
        for file in files:
            with self.subTest(file.name):
                everything, about = weights.read(file)
                tensors = siblings.own(everything)
                facts = networks.describe(tensors)
                networks.build(tensors)
                self.assertEqual(len(everything), len(tensors) * (3 if "siblings" in about else 1))
                self.assertEqual({name: about.get(name) for name in ("architecture", "scale", "colour")},
                                 {"architecture": facts["architecture"], "scale": str(facts["scale"]),
                                  "colour": {1: "luma", 3: "rgb"}[facts["channels"]]})
                self.assertEqual(file.name, f"{about['name']}_x{about['scale']}.safetensors")
                self.assertIn(about["input_range"], ("1", "255"))
                for name in ("description", "training_data", "licence"):
                    self.assertTrue(about.get(name, "").strip(), name)
                date.fromisoformat(about["date"])  # else ValueError
                floor = {2: 33.65, 3: 30.39, 4: 28.42}[facts["scale"]]  # bicubic's
                self.assertTrue(floor < float(about["set5_psnr_y"]) < 50)
                self.assertTrue(0.8 < float(about["set5_ssim_y"]) < 1)

    def test_flat_stays_flat_at_all_levels(self) -> None:
        """Also outside 16..235, which training on video range does not cover and full range needs."""
        levels = torch.arange(0, 256, 5).float()[:, None, None, None]  # from black to white
        files = sorted(MODELS.glob("*.safetensors"))
        cases = [(file, s) for file in files for s in ((0, 1, -1) if "siblings" in weights.read(file)[1] else (0,))]
        for file, amount in cases:
            network, _, _ = networks.load(file, amount)
            side = 64
            inner = slice(28 * network.scale, 36 * network.scale)  # where borders, dark ones, do not reach
            with torch.inference_mode():
                result = torch.cat([network(part.expand(-1, 1, side, side) / 255) * 255 for part in levels.split(13)])
            error = (result[..., inner, inner].clamp(0, 255) - levels).abs().amax((1, 2, 3))
            video = (levels.flatten() >= 16) & (levels.flatten() <= 235)
            with self.subTest(file.name):
                self.assertLess(float(error[video].max()), 0.5)
                self.assertLess(float(error.max()), 2)


class Train(WithFolder):
    def setUp(self) -> None:
        super().setUp()
        self.images, self.val = self.folder / "images", self.folder / "val"
        for name, size in (("images/a.png", (70, 50)), ("images/b.png", (41, 60)), ("images/tiny.png", (9, 9)),
                           ("val/c.png", (31, 40))):
            (self.folder / name).parent.mkdir(exist_ok=True)
            noise_image(self.folder / name, *size)

    def train(self, out: str, *more: object) -> subprocess.CompletedProcess:
        return run(HERE / "train.py", "--images", self.images, "--val", self.val, "--out", self.folder / out,
                   "--features", 4, "--batch", 2, "--patch", 16, "--every", 3, "--threads", 1, *more)

    def options(self, *more: object) -> argparse.Namespace:
        """Options of a small run in the test's folder."""
        arguments = ["--images", self.images, "--val", self.val, "--out", self.folder, "--features", 4, "--batch", 2,
                     "--patch", 16, *more]
        return train.parse([str(argument) for argument in arguments])

    def test_resumed_equals_uninterrupted(self) -> None:
        """6 steps give the same weights as 3 steps, a checkpoint and 3 more."""
        options = self.options("--steps", 6)
        whole, cut = train.Run(options), train.Run(options)
        for _ in range(6):
            whole.learn()
        for _ in range(3):
            cut.learn()
        cut.save()
        resumed = train.Run(options)
        resumed.resume()
        for _ in range(3):
            resumed.learn()
        self.assertEqual(resumed.step, 6)
        for name in whole.ema:
            self.assertTrue(torch.equal(whole.ema[name], resumed.ema[name]), name)

    def test_minutes_end_on_time_and_annealed(self) -> None:
        """With a fake clock, read once a step: a run of 12 s whose steps take 0.05 s, later 0.1 s."""
        times = iter([0.05 * step for step in range(81)] + [4 + 0.1 * step for step in range(1, 200)])
        arguments = ["train.py", "--images", self.images, "--val", self.val, "--out", self.folder / "run",
                     "--features", 4, "--batch", 2, "--patch", 16, "--minutes", 0.2, "--every", 50, "--rate", 2e-3]
        with mock.patch.object(train, "time", mock.Mock(monotonic=lambda: next(times))), \
                mock.patch.object(sys, "argv", list(map(str, arguments))), contextlib.redirect_stdout(io.StringIO()):
            train.main()
        rows = [line.split(",") for line in (self.folder / "run/log.csv").read_text().splitlines()]
        self.assertEqual(int(rows[-1][0]), 160)
        self.assertAlmostEqual(float(rows[-1][1]), 12, delta=1)
        self.assertLess(float(rows[-1][2]), 2e-4)

    def test_resume_from_the_command_line(self) -> None:
        self.assertEqual(self.train("run", "--steps", 3).returncode, 0)
        self.assertEqual(self.train("run", "--steps", 6, "--resume").returncode, 0)
        steps = [line.split(",")[0] for line in (self.folder / "run/log.csv").read_text().splitlines()]
        self.assertEqual(steps, ["step", "3", "6"])
        self.assert_one_error(self.train("run", "--steps", 6, "--resume"), "6 steps", "nothing is left")
        self.assert_one_error(self.train("run", "--steps", 6), "holds a run already")

    def test_further_blocks(self) -> None:
        """--init's own blocks keep their weights, and the new ones are saved with them."""
        train.Run(self.options("--steps", 3)).save()
        before = (self.folder / "ema.safetensors").rename(self.folder / "before.safetensors")
        deep = train.Run(self.options("--steps", 3, "--init", before, "--add-blocks", 2))
        deep.save()
        network, tensors, _ = networks.load(self.folder / "ema.safetensors")
        self.assertEqual(network.blocks, 3)
        for name, tensor in networks.load(before)[1].items():
            self.assertTrue(torch.equal(tensor, tensors[name]), name)
        for more, words in ((["--add-blocks", 1], "give --init"),
                            (["--init", before, "--add-blocks", -1], "must not be below 0")):
            with contextlib.redirect_stderr(io.StringIO()) as told, self.assertRaises(SystemExit):
                self.options("--steps", 3, *more)
            self.assertIn(words, told.getvalue())
        weights.write(before, networks.RFDN(1, 8, 1, 2).state_dict(), {"input_range": "1"})
        with self.assertRaisesRegex(data.InputError, "before.safetensors: only RepRFN"):
            train.Run(self.options("--steps", 3, "--init", before, "--add-blocks", 1))

    def test_further_channels(self) -> None:
        """--init's own channels keep their weights, at another scale, too."""
        train.Run(self.options("--steps", 3)).save()
        before = (self.folder / "ema.safetensors").rename(self.folder / "before.safetensors")
        train.Run(self.options("--steps", 3, "--init", before, "--widen", 20, "--add-blocks", 1, "--scale", 3)).save()
        network, tensors, _ = networks.load(self.folder / "ema.safetensors")
        self.assertEqual((network.blocks, network.scale, network.fea_conv.out_channels), (2, 3, 20))
        for name, tensor in networks.load(before)[1].items():
            if not name.startswith("upsampler"):
                part = tensors[name][tuple(slice(size) for size in tensor.shape)]
                self.assertTrue(torch.equal(tensor, part), name)
        for more, words in ((["--widen", 20], "give --init"),
                            (["--init", before, "--widen", -1], "must not be below 0")):
            with contextlib.redirect_stderr(io.StringIO()) as told, self.assertRaises(SystemExit):
                self.options("--steps", 3, *more)
            self.assertIn(words, told.getvalue())
        with self.assertRaisesRegex(data.InputError, "before.safetensors: has .* channels already"):
            train.Run(self.options("--steps", 3, "--init", before, "--widen", 2))

    def test_init_of_another_kind(self) -> None:
        """Weights for RGB in 0..255 start a network of luma in 0..1."""
        torch.manual_seed(5)
        rgb = networks.RFDN(3, 10, 1, 2)
        weights.write(self.folder / "rgb.safetensors", rgb.state_dict(), {"input_range": "255"})
        started = train.Run(self.options("--steps", 3, "--init", self.folder / "rgb.safetensors"))
        x = torch.rand(1, 1, 20, 20)
        with torch.no_grad():
            expected = rgb(255 * x.expand(1, 3, -1, -1)).mean(1, keepdim=True) / 255
            self.assertTrue(torch.allclose(started.network(x), expected, rtol=1e-4, atol=1e-5))
        weights.write(self.folder / "elu.safetensors", networks.DRN(1, 8, 1, 2, 4, 1).state_dict(), {"input_range": "255"})
        with self.assertRaisesRegex(data.InputError, "elu.safetensors: .*ELU"):
            train.Run(self.options("--steps", 3, "--init", self.folder / "elu.safetensors"))
        weights.write(self.folder / "rgb.safetensors", rgb.state_dict(), {"input_range": "wide"})
        with self.assertRaisesRegex(data.InputError, "rgb.safetensors: its input_range 'wide' is no number"):
            train.Run(self.options("--steps", 3, "--init", self.folder / "rgb.safetensors"))

    def test_sharpness_changes_what_is_learnt(self) -> None:
        """Only the loss: the patches stay the same."""
        losses_of, patches_of = [], []
        for amount in (0, 1.5, -1):
            of_run = train.Run(self.options("--steps", 3, "--sharpen", amount))
            patches_of.append(of_run.patches.batch(4))
            losses_of.append(float(of_run.loss(*patches_of[-1]).detach()))
        self.assertEqual(len(set(losses_of)), 3)
        for planes in zip(*patches_of):
            self.assertTrue(all(torch.equal(plane, planes[0]) for plane in planes))
        for wrong in (2.5, -1.1):
            with contextlib.redirect_stderr(io.StringIO()) as told, self.assertRaises(SystemExit):
                self.options("--steps", 3, "--sharpen", wrong)
            self.assertIn("--sharpen must be in -1..2", told.getvalue())

    def write_networks(self, *names: str) -> list[Path]:
        """Files of networks of one shape and different weights."""
        files = [self.folder / f"{name}.safetensors" for name in names]
        for seed, file in enumerate(files):
            torch.manual_seed(seed)
            network = networks.RepRFN(1, 8, 1, 2)
            networks.start_near_nearest(network)
            weights.write(file, network.state_dict(), {"input_range": "1"})
        return files

    def test_export_with_siblings(self) -> None:
        """They are in the file under their own names, and the network is still the one that is read and scored."""
        files = self.write_networks("own", "sharp", "soft")
        model = self.folder / "model.safetensors"
        words = ["--val", self.val, "--name", "n", "--description", "d", "--training-data", "t"]
        result = run(HERE / "export.py", files[0], model, "--siblings", *files[1:], *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        tensors, about = weights.read(model)
        parts = [weights.read(file)[0] for file in files]
        self.assertEqual(about["siblings"], "sharp soft")
        self.assertEqual(len(tensors), sum(map(len, parts)))
        for name in parts[0]:
            for prefix, part in zip(("", "sharp.", "soft."), parts):
                self.assertTrue(torch.allclose(tensors[prefix + name], part[name], rtol=2e-3, atol=1e-6), prefix + name)
        for amount, shares in ((0, (1, 0, 0)), (1, (0, 1, 0)), (-1, (0, 0, 1)), (0.25, (0.75, 0.25, 0))):
            _, mixed, _ = networks.load(model, amount)
            for name, tensor in mixed.items():
                expected = sum(share * part[name] for share, part in zip(shares, parts))
                self.assertTrue(torch.allclose(tensor, expected, atol=4e-3), name)
        plain = run(HERE / "export.py", files[0], self.folder / "plain.safetensors", *words)
        self.assertEqual(plain.returncode, 0, plain.stderr)
        self.assertEqual(about["set5_psnr_y"], weights.read(self.folder / "plain.safetensors")[1]["set5_psnr_y"])
        weights.write(files[2], networks.RepRFN(1, 8, 1, 3).state_dict(), {"input_range": "1"})
        self.assert_one_error(run(HERE / "export.py", files[0], model, "--siblings", *files[1:], *words), str(files[2]))

    def test_more_minutes_are_more_steps(self) -> None:
        """A finished run goes on when it gets more time than it has had, and says so when it gets none."""
        done = train.Run(self.options("--minutes", 1))
        done.step = done.steps = 100
        done.seconds = 59.9
        done.save()
        more = train.Run(self.options("--minutes", 3))
        more.resume()
        self.assertAlmostEqual(more.steps, 300, delta=3)
        more.learn()
        for length in (["--minutes", 0.5], ["--minutes", 1], ["--steps", 100], ["--steps", 7]):
            with self.subTest(length), self.assertRaisesRegex(data.InputError, f"100 steps.*left.*{length[0]}"):
                train.Run(self.options(*length)).resume()

    def test_resume_with_other_options(self) -> None:
        """Each option that does not fit the checkpoint gives one clear error."""
        train.Run(self.options("--steps", 3)).save()
        plain = (self.folder / "ema.safetensors").rename(self.folder / "teacher.safetensors")
        hints = ["--teacher", plain, "--distil-features", 0.1]
        cases = [([], ["--features", 8]), ([], ["--branches"]), ([], hints), (hints, []), (["--branches"], hints)]
        for before, after in cases:
            with self.subTest(before=before, after=after):
                train.Run(self.options("--steps", 3, *before)).save()
                with self.assertRaisesRegex(data.InputError, "checkpoint.pt: is of another network"):
                    train.Run(self.options("--steps", 3, *after)).resume()
        state = torch.load(self.folder / "checkpoint.pt", weights_only=True)
        torch.save(state | {"optimisers": state["optimisers"][:1]}, self.folder / "checkpoint.pt")
        with self.assertRaisesRegex(data.InputError, "checkpoint.pt: is of another network"):
            train.Run(self.options("--steps", 3, *before)).resume()

    def test_export_then_evaluate(self) -> None:
        self.assertEqual(self.train("run", "--steps", 3).returncode, 0)
        model = self.folder / "model.safetensors"
        result = run(HERE / "export.py", self.folder / "run/ema.safetensors", model, "--val", self.val,
                     "--name", "n", "--description", "d", "--training-data", "t")
        self.assertEqual(result.returncode, 0, result.stderr)
        tensors, about = weights.read(model)
        before, _ = weights.read(self.folder / "run/ema.safetensors")
        self.assertTrue(all(torch.allclose(tensors[name], before[name], rtol=1e-3, atol=1e-7) for name in before))
        result = run(HERE / "evaluate.py", model, "--images", self.val)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(about["set5_psnr_y"], result.stdout)

    def test_export_takes_the_mean(self) -> None:
        files = self.write_networks("1", "2")
        model = self.folder / "model.safetensors"
        words = ["--val", self.val, "--name", "n", "--description", "d", "--training-data", "t"]
        result = run(HERE / "export.py", *files, model, "--shares", 3, 1, *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        (one, _), (other, _), (tensors, _) = map(weights.read, (*files, model))
        for name, tensor in tensors.items():
            self.assertTrue(torch.allclose(tensor, 0.75 * one[name] + 0.25 * other[name], rtol=2e-3, atol=1e-6), name)
        self.assert_one_error(run(HERE / "export.py", *files, model, "--shares", 1, *words), "--shares")
        weights.write(files[1], networks.RepRFN(1, 8, 1, 3).state_dict(), {"input_range": "1"})
        self.assert_one_error(run(HERE / "export.py", *files, model, *words), str(files[1]))

    def test_options_of_every_kind_train(self) -> None:
        """Branches, spectra, a teacher with features, RFDN, DRN, a config file: each result can be loaded."""
        self.assertEqual(self.train("first", "--steps", 2).returncode, 0)
        first = self.folder / "first/ema.safetensors"
        (self.folder / "c.toml").write_text('branches = true\nloss = "charbonnier"\nfourier = 0.1\nsteps = 2\n')
        cases = {"config": ["--config", self.folder / "c.toml"],
                 "teacher": ["--steps", 2, "--teacher", first, "--distil-features", 0.1],
                 "still": ["--steps", 2, "--stillness", 0.2],
                 "rfdn": ["--steps", 2, "--architecture", "rfdn", "--features", 8],
                 "drn": ["--steps", 2, "--architecture", "drn", "--features", 8, "--groups", 2, "--blocks", 2,
                         "--branches", "--teacher", first, "--distil-features", 0.1],
                 "x3": ["--steps", 2, "--init", first, "--scale", 3]}
        for name, more in cases.items():
            with self.subTest(name):
                result = self.train(name, *more)
                self.assertEqual(result.returncode, 0, result.stderr)
                network, _, _ = networks.load(self.folder / name / "ema.safetensors")
                self.assertEqual(network.scale, 3 if name == "x3" else 2)
                again = self.train(name, *more, "--steps", 4, "--resume")
                self.assertEqual(again.returncode, 0, again.stderr)
        (self.folder / "c.toml").write_text("?")
        self.assert_one_error(self.train("bad", "--config", self.folder / "c.toml"), "c.toml")
        self.assert_one_error(self.train("bad", "--steps", 2, "--teacher", first, "--scale", 3), "enlarges by 2")

    def test_config_and_command_line(self) -> None:
        """The command line overrides the config, also --minutes a config's steps and the reverse."""
        config = self.folder / "c.toml"
        for text, more, truth in (("steps = 9", [], (9, None)), ("steps = 9", ["--steps", 7], (7, None)),
                                  ("steps = 9", ["--minutes", 2], (None, 2)), ("minutes = 9", [], (None, 9)),
                                  ("minutes = 9", ["--minutes", 2], (None, 2)),
                                  ("minutes = 9", ["--steps", 7], (7, None))):
            with self.subTest(text, more=more):
                config.write_text(text)
                options = self.options("--config", config, *more)
                self.assertEqual((options.steps, options.minutes), truth)
        for text, word in (("colour = 1", "colour"), ("steps = 'x'", "int"), ("out = 'x'", "'out'"),
                           ("steps = true", "int"), ("architecture = 'vgg'", "reprfn, rfdn, drn"),
                           ("loss = 'l3'", "charbonnier"), ("steps = 3\nminutes = 1", "both")):
            with self.subTest(text), self.assertRaisesRegex(data.InputError, f"c.toml: .*{word}"):
                config.write_text(text)
                self.options("--config", config, "--steps", 3)

    def test_options_out_of_range(self) -> None:
        for option, value in (("--seed", -1), ("--threads", -1), ("--esa", -1), ("--steps", 0), ("--ema", 2), ("--also", 0)):
            told = io.StringIO()
            with self.subTest(option), self.assertRaises(SystemExit), contextlib.redirect_stderr(told):
                self.options("--steps", 3, option, value)
            self.assertIn(f"error: {option} must", told.getvalue())

    def test_attention_needs_large_patches(self) -> None:
        """Whether by option, from --init, or in the teacher."""
        weights.write(self.folder / "rfdn.safetensors", networks.RFDN(1, 8, 1, 2).state_dict(), {})
        for more in (["--architecture", "rfdn"], ["--esa", 4], ["--init", self.folder / "rfdn.safetensors"],
                     ["--teacher", self.folder / "rfdn.safetensors"]):
            with self.subTest(more), self.assertRaisesRegex(data.InputError, "--patch of at least 15"):
                train.Run(self.options("--steps", 3, "--patch", 14, *more))
            train.Run(self.options("--steps", 3, "--patch", 15, *more)).learn()

    def test_stillness_needs_large_patches_and_one_scale(self) -> None:
        for more in (["--patch", 8], ["--also", 3]):
            with self.subTest(more), self.assertRaisesRegex(data.InputError, "--stillness"):
                train.Run(self.options("--steps", 3, "--stillness", 0.1, *more))

    def test_bad_inputs(self) -> None:
        empty = self.folder / "empty"
        empty.mkdir()
        good = ["--val", self.val, "--out", self.folder / "o", "--steps", 3]
        script = HERE / "train.py"
        self.assert_one_error(run(script, "--images", empty, *good), "empty", "no images")
        self.assert_one_error(run(script, "--images", self.folder / "no", *good), "no such folder")
        self.assert_one_error(run(script, "--images", self.images, *good, "--patch", 64), "smaller than a patch")
        self.assert_one_error(self.train("o", "--steps", 3, "--val", self.images), "tiny.png", "too small")
        self.assert_one_error(run(script, "--images", self.images, *good, "--init", "no.safetensors"), "no.safetensors")
        self.assert_one_error(self.train("o", "--steps", 3, "--resume"), "no checkpoint")
        (self.folder / "o/checkpoint.pt").write_bytes(b"?")
        self.assert_one_error(self.train("o", "--steps", 3, "--resume"), "checkpoint.pt", "damaged")
        torch.save([1], self.folder / "o/checkpoint.pt")
        self.assert_one_error(self.train("o", "--steps", 3, "--resume"), "checkpoint.pt", "no checkpoint")
        self.assert_one_error(self.train("images/a.png", "--steps", 3), "a.png")
        (empty / "broken.png").write_bytes(b"\x89PNG")
        self.assert_one_error(run(script, "--images", empty, *good), "broken.png", "not a readable image")


class Validation(WithFolder):
    def test_few_images_and_the_middle_of_large_ones(self) -> None:
        for i in range(41):
            noise_image(self.folder / f"{i:02}.png", 30 + i, 30)
        noise_image(self.folder / "99.png", 700, 530)
        pairs, about = validation.load(self.folder, 2)
        self.assertEqual(about, "validation images: 20 of 42")
        self.assertEqual([high.shape[1] for _, high in pairs[::9]], [30, 48, 66])  # evenly from the folder
        for i in range(41):
            (self.folder / f"{i:02}.png").unlink()
        pairs, about = validation.load(self.folder, 2)
        self.assertEqual(about, "validation images: 1, 1 large ones cut to their middle 512x512")
        whole = data.to_bytes(data.read_luma(self.folder / "99.png"))
        self.assertTrue(np.array_equal(pairs[0][1], whole[9:521, 94:606]))

    @unittest.skipUnless((SHARED / "data/val/Set5").is_dir(), "no Set5")
    def test_set5_is_measured_whole(self) -> None:
        for scale in (2, 3, 4):
            folder = SHARED / "data/val/Set5"
            pairs, about = validation.load(folder, scale)
            self.assertEqual(about, "validation images: 5")
            for pair, whole in zip(pairs, evaluate.load_pairs(folder, scale), strict=True):
                self.assertTrue(all(np.array_equal(*planes) for planes in zip(pair, whole)))


class Images(WithFolder):
    def test_unsafe_images_are_refused(self) -> None:
        """Gray of more than 8 bits, which would lose levels, and sizes that Pillow considers an attack."""
        deep = np.linspace(0, 65535, 40 * 50).reshape(40, 50)
        for name, pixels in (("gray16.png", deep.astype(np.uint16)), ("float.tif", (deep / 65535).astype(np.float32)),
                             ("whole.tif", deep.astype(np.int32))):
            Image.fromarray(pixels).save(self.folder / name)
            with self.subTest(name), self.assertRaisesRegex(data.InputError, f"{name}: .*not of 8 bits"):
                data.read_luma(self.folder / name)
        Image.new("1", (20000, 20000)).save(self.folder / "huge.png")
        for read in (data.open_rgb, data.size_of):
            with self.assertRaisesRegex(data.InputError, "huge.png: is larger"):
                read(self.folder / "huge.png")


class Measures(WithFolder):
    def test_small_pictures_are_padded_for_attention(self) -> None:
        network = networks.RFDN(1, 8, 1, 2)
        low = np.random.default_rng(1).integers(0, 256, (9, 31)).astype(np.uint8)
        padded = np.concatenate([low, np.repeat(low[-1:], 6, 0)])
        small, large = (evaluate.through(network, 1)(plane) for plane in (low, padded))
        self.assertEqual(small.shape, (18, 62))
        self.assertTrue(np.array_equal(small, large[:18]))

    @unittest.skipUnless((SHARED / "data/val/Set5").is_dir(), "no Set5")
    def test_bicubic_on_set5(self) -> None:
        folder = SHARED / "data/val"
        for scale, truth in ((2, 33.66), (4, 28.42)):
            pairs = evaluate.load_pairs(folder / "Set5", scale, folder / f"Set5_lr_x{scale}")
            self.assertAlmostEqual(evaluate.score(evaluate.bicubic(scale), pairs, scale)[0], truth, delta=0.03)

    def test_same_images(self) -> None:
        plane = np.random.default_rng(1).integers(0, 256, (30, 40)).astype(np.uint8)
        self.assertEqual(evaluate.psnr(plane, plane), float("inf"))
        self.assertAlmostEqual(evaluate.ssim(plane, plane), 1)

    def test_patches_are_aligned(self) -> None:
        """A high-resolution patch made small equals its low-resolution one, in every orientation."""
        ramp = np.add.outer(np.arange(80) * 2, np.arange(100)).astype(np.uint8)
        Image.fromarray(ramp).save(self.folder / "ramp.png")
        low, high = data.Patches([self.folder], [], 1, [2], 16, seed=3).batch(32)
        means = torch.nn.functional.avg_pool2d(high, 2)
        self.assertLess(float((means - low)[:, :, 2:-2, 2:-2].abs().max()), 1.5 / 255)

    def test_patches_of_full_range(self) -> None:
        noise_image(self.folder / "a.png", 80, 80)
        low, high = data.Patches([self.folder], [], 1, [2], 16, seed=3, full_range=1).batch(8)
        narrow, _ = data.Patches([self.folder], [], 1, [2], 16, seed=3).batch(8)
        self.assertLess(float(255 * high.min()), 10)
        self.assertGreater(float(255 * high.max()), 245)
        self.assertEqual(float((255 * low - (255 * low).round()).abs().max() < 1e-3), 1)  # whole bytes, like a frame's
        self.assertGreaterEqual(float(255 * narrow.min()), 15.9)
        self.assertAlmostEqual(float(low.mean()), float(high.mean()), delta=0.02)

    def test_pairs_are_drawn_by_their_shares(self) -> None:
        for scale in (2, 3):
            part = self.folder / f"x{scale}"
            part.mkdir()
            low = np.broadcast_to(np.arange(4, dtype=np.uint8)[:, None, None], (4, 16, 16))
            np.save(part / "low.npy", low)
            np.save(part / "high.npy", low.repeat(scale, 1).repeat(scale, 2).astype(np.float16) + 0.25)
            np.save(part / "share.npy", np.array([0, 1, 3, 0], np.float32))
        low, *highs = data.Patches([], [self.folder], 0, [2, 3], 8, seed=3).batch(400)
        counts = torch.bincount((255 * low[:, 0, 0, 0]).round().int(), minlength=4).tolist()
        self.assertEqual((counts[0], counts[3], sum(counts)), (0, 0, 400))
        self.assertAlmostEqual(counts[2], 300, delta=40)
        for scale, high in zip((2, 3), highs):
            self.assertEqual(high.shape[2:], (8 * scale, 8 * scale))
            self.assertLess(float((255 * (high[:, :, ::scale, ::scale] - low) - 0.25).abs().max()), 1e-3)
        for wrong in ([0, 0, 0, 0], [1, 1], [1, -1, 1, 1]):
            np.save(self.folder / "x2/share.npy", np.array(wrong, np.float32))
            with self.assertRaisesRegex(data.InputError, "share.npy"):
                data.Patches([], [self.folder], 0, [2, 3], 8, seed=3)


if __name__ == "__main__":
    main()
