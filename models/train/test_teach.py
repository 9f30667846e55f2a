#!/usr/bin/env python3
"""Tests of pairs made from the results of larger networks; run as a script.  Skipped without torch."""

from __future__ import annotations

import subprocess
import sys
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import HERE, REFERENCE, WithFolder, main, need, needs_reference, noise_image, run

need("numpy", "PIL", "torch")
import numpy as np
import torch
from PIL import Image

import data
import evaluate
import networks
import others
import published
import teach
import weights

try:
    import spandrel
    SPANDREL = bool(spandrel.__version__)
except (ImportError, OSError, RuntimeError):
    SPANDREL = False


class Teach(WithFolder):
    def network(self, name: str, channels: int, scale: int, seed: int = 0, unit: int = 1, exact: bool = False) -> Path:
        """A network that repeats samples; unless `exact`, it adds some pattern."""
        torch.manual_seed(seed)
        network = networks.RepRFN(channels, 8, 1, scale)
        networks.start_near_nearest(network)
        if exact:
            with torch.no_grad():
                network.upsampler.conv.weight[:, channels:] = 0
        weights.write(self.folder / name, network.state_dict(), {"input_range": str(unit)})
        return self.folder / name

    def images(self, *sizes: tuple[int, int]) -> Path:
        folder = self.folder / "images"
        folder.mkdir()
        for width, height in sizes:
            noise_image(folder / f"{width}x{height}.png", width, height)
        return folder

    def teach(self, *arguments: object) -> subprocess.CompletedProcess:
        return run(HERE / "teach.py", *arguments)

    def test_tiles_cover_every_sample(self) -> None:
        for height, width, size in ((8, 8, 8), (20, 33, 8), (16, 9, 8)):
            seen = np.zeros((height, width), bool)
            for y, x in teach.tiles(height, width, size):
                self.assertEqual(seen[y:y + size, x:x + size].shape, (size, size))
                seen[y:y + size, x:x + size] = True
            self.assertTrue(seen.all())

    def test_target_is_the_mean_in_luma(self) -> None:
        """Of two networks with different input ranges, with BT.601 luma."""
        files = [self.network("a.safetensors", 3, 2, 1), self.network("b.safetensors", 3, 2, 2, unit=255)]
        low = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
        each = [teach.Teachers([file], [2], False).answer(low)[2] for file in files]
        both = teach.Teachers(files, [2], False).answer(low)[2]
        self.assertEqual(both.shape, (40, 48))
        self.assertGreater(np.abs(each[0] - each[1]).max(), 1)
        self.assertLess(np.abs(both - (each[0] + each[1]) / 2).max(), 0.01)
        by_hand, _, _ = networks.load(files[1])
        with torch.no_grad():
            rgb = by_hand(torch.from_numpy(low.astype(np.float32)).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
        self.assertLess(np.abs(each[1] - (rgb @ [65.481, 128.553, 24.966] / 255 + 16)).max(), 0.01)

    def test_levels_and_places_survive(self) -> None:
        """Reducing a larger scale neither changes levels nor shifts by part of a sample."""
        master = teach.Teachers([self.network("x4.safetensors", 3, 4, exact=True)], [2, 3], False)
        gray = np.arange(40, 200, 5, dtype=np.uint8)  # a ramp along x
        low = np.broadcast_to(gray[None, :, None], (24, gray.size, 3))
        for scale, answer in master.answer(low).items():
            wide = data.resize(low[..., 0], scale * gray.size, scale * 24) * 219 / 255 + 16
            difference = (answer - wide)[8:-8, 8:-8]
            self.assertLess(abs(float(difference.mean())), 0.5)  # a shift by one sample makes it 1.5 or 2
            self.assertLess(float(np.abs(difference).max()), 3)

    @needs_reference
    def test_authors_network_beats_bicubic_at_half_its_scale(self) -> None:
        """An x4 network's result reduced to x2 is nearer to the picture than bicubic, so it is a useful target."""
        master = teach.Teachers([REFERENCE / "reprfn_ntire_x4/weights.safetensors"], [2], False)
        truth = np.asarray(Image.open(REFERENCE / "reprfn_ntire_x4/butterfly.in.png").convert("RGB"), np.float32)
        truth = truth[:truth.shape[0] // 2 * 2, :truth.shape[1] // 2 * 2]
        half = (truth.shape[1] // 2, truth.shape[0] // 2)
        low = data.to_bytes(np.stack([data.resize(truth[..., c], *half) for c in range(3)], -1))
        planes = [truth @ data.LUMA + 16, master.answer(low)[2],
                  evaluate.bicubic(2)(data.to_bytes(low.astype(np.float32) @ data.LUMA + 16))]
        ours, cubic = (float(((plane - planes[0]) ** 2)[4:-4, 4:-4].mean()) for plane in planes[1:])
        self.assertLess(ours, 0.8 * cubic)

    def test_teach_then_train(self) -> None:
        teacher, images = self.network("t.safetensors", 3, 4, exact=True), self.images((70, 50), (20, 20))
        result = self.teach("--teachers", teacher, "--images", images, "--out", self.folder / "pairs", "--size", 16,
                            "--sizes", 0.5, 1, "--scales", 3, 2)
        self.assertEqual(result.returncode, 0, result.stderr)
        pairs = 3 * 2 + 5 * 4 + 2 * 2  # of the large picture at 35x25 and 70x50, of the small one at 20x20
        self.assertIn(f"{pairs} pairs; 1 pictures left out", result.stdout)
        self.assertFalse((self.folder / "pairs.part").exists())
        for scale in (2, 3):
            low, high, share = (np.load(self.folder / f"pairs/x{scale}/{name}.npy") for name in ("low", "high", "share"))
            self.assertEqual((low.shape, high.shape), ((pairs, 16, 16), (pairs, 16 * scale, 16 * scale)))
            self.assertEqual((share.shape, share.min() > 0), ((pairs,), True))
            for one, other in zip(low, high):
                self.assertAlmostEqual(one.mean(), other.mean(), delta=1)
        arguments = ["--images", images, "--val", images, "--features", 8, "--patch", 16, "--batch", 2, "--steps", 4]
        result = run(HERE / "train.py", *arguments, "--video", self.folder / "pairs/x2", "--out", self.folder / "run")
        self.assertEqual(result.returncode, 0, result.stderr)
        result = self.train_scales(*arguments, "--clean", 0.5)
        self.assert_one_error(result, "--clean 0")
        result = self.train_scales(*arguments, "--clean", 0, "--branches")
        self.assertEqual(result.returncode, 0, result.stderr)
        (three, facts), (two, other) = (weights.read(self.folder / f"both/{name}.safetensors") for name in
                                        ("ema", "ema_x2"))
        self.assertEqual((facts["scale"], other["scale"]), ("3", "2"))
        for name, tensor in three.items():  # one body; each scale's file has a copy
            self.assertEqual(not name.startswith("upsampler") and torch.equal(tensor, two[name]),
                             not name.startswith("upsampler"), name)
        log = (self.folder / "both/log.csv").read_text().splitlines()
        self.assertTrue(log[0].endswith("psnr,ssim,psnr_x2,ssim_x2"), log[0])
        self.assertEqual(len(log[1].split(",")), 8)
        result = self.train_scales(*arguments, "--clean", 0, "--branches", "--steps", 6, "--resume")
        self.assertEqual(result.returncode, 0, result.stderr)

    def train_scales(self, *arguments: object) -> subprocess.CompletedProcess:
        return run(HERE / "train.py", "--video", self.folder / "pairs", "--out", self.folder / "both", "--scale", 3,
                   "--also", 2, *arguments)

    def test_gray_is_the_students_luma_exactly(self) -> None:
        luma_of_student = np.arange(16, 236, dtype=np.uint8)[None]
        seen = teach.gray(luma_of_student)
        self.assertLess(np.abs(seen @ data.LUMA + 16 - luma_of_student).max(), 0.01)
        self.assertEqual((np.ptp(seen, axis=2).max(), seen.min(), round(float(seen.max()))), (0, 0, 255))
        teacher, images = self.network("t.safetensors", 3, 2, exact=True), self.images((40, 40))
        self.assertEqual(self.teach("--teachers", teacher, "--images", images, "--out", self.folder / "pairs", "--size",
                                    16, "--sizes", 1, "--gray").returncode, 0)
        low, high = (np.load(self.folder / f"pairs/x2/{name}.npy").astype(float) for name in ("low", "high"))
        self.assertLess(np.abs(high[:, ::2, ::2] - low).max(), 0.2)  # half precision, nothing rounded to bytes

    def test_share_grows_with_what_bicubic_lacks(self) -> None:
        random = np.random.default_rng(0)
        low = random.integers(100, 140, (16, 16)).astype(np.uint8)
        cubic = data.resize(low.astype(np.float32), 32, 32)
        detail = np.indices((32, 32)).sum(0) % 2 * 2 - 1  # of mean 0 in each sample of `low`
        shares = [teach.share(low, cubic + level * detail, 2) for level in (0, 1, 5, 30)]
        self.assertTrue(np.allclose(shares, [teach.DETAIL[0], 1, 5, teach.DETAIL[1]], atol=0.01), shares)
        for wild in (1000, np.nan, np.inf):
            high = cubic.copy()
            high[8:12, 8:12] = wild
            self.assertEqual(teach.share(low, high, 2), 0, wild)

    def test_an_interrupted_folder_does_not_look_finished(self) -> None:
        """A picture with a valid header but missing data stops the work half way."""
        images, rgb = self.images((40, 40), (44, 44)), self.network("rgb.safetensors", 3, 2)
        broken, out = images / "44x44.png", self.folder / "out"
        broken.write_bytes(broken.read_bytes()[:2000])
        arguments = ["--teachers", rgb, "--images", images, "--out", out, "--size", 16]
        self.assert_one_error(self.teach(*arguments), "44x44.png")
        self.assertFalse(out.exists())
        self.assertTrue((self.folder / "out.part").exists())
        broken.unlink()
        self.assert_one_error(self.teach(*arguments), "out.part", "exists already")

    def test_the_folder_is_checked_before_the_work(self) -> None:
        """The error is about the folder although the teacher does not exist either."""
        self.assert_one_error(self.teach("--teachers", "none", "--images", self.images((40, 40)), "--out",
                                         self.folder, "--size", 16), f"{self.folder}: exists already")

    def test_bad_inputs(self) -> None:
        images, rgb = self.images((40, 40)), self.network("rgb.safetensors", 3, 2)
        luma = self.network("luma.safetensors", 1, 2)
        self.assert_one_error(self.teach("--teachers", luma, "--images", images, "--out", self.folder / "a"),
                              "luma.safetensors", "takes luma")
        self.assert_one_error(self.teach("--teachers", rgb, "--images", images, "--out", self.folder / "a", "--scales", 2, 4),
                              "rgb.safetensors", "enlarges by 2")
        self.assert_one_error(self.teach("--teachers", rgb, "--images", images, "--out", self.folder / "a"),
                              "smaller than 64x64")
        self.assertFalse((self.folder / "a").exists())
        self.assert_one_error(self.teach("--teachers", rgb, "--images", images, "--out", images, "--size", 16),
                              str(images))
        self.assert_one_error(self.teach("--teachers", self.folder / "none", "--images", images, "--out",
                                         self.folder / "a"), "none")


class Others(WithFolder):
    """Teachers of other families, by spandrel."""

    @unittest.skipUnless(SPANDREL, f"{sys.executable} has no spandrel")
    def test_results_are_the_networks_own(self) -> None:
        """Of ESRGAN with random weights, and of a small transformer whose file has integers."""
        torch.manual_seed(2)
        network, low = published.RRDBNet(8, 32, 1, 4), np.random.default_rng(1).integers(0, 256, (14, 12, 3), np.uint8)
        with torch.no_grad():
            network.conv_last.bias.fill_(0.4)
        torch.save({"params_ema": network.state_dict()}, self.folder / "esrgan.pth")
        answer = teach.Teachers([self.folder / "esrgan.pth"], [4], False).answer(low)[4]
        with torch.no_grad():
            x = torch.from_numpy(low.astype(np.float32)).permute(2, 0, 1)[None] / 255
            rgb = network(x)[0].clamp(0, 1).permute(1, 2, 0).numpy() * 255
        self.assertGreater(answer.std(), 0.1)
        self.assertLess(np.abs(answer - (rgb @ data.LUMA + 16)).max(), 0.01)

    @unittest.skipUnless(SPANDREL, f"{sys.executable} has no spandrel")
    def test_a_transformer_teaches(self) -> None:
        from spandrel.architectures.SwinIR import SwinIR
        torch.manual_seed(3)
        network = SwinIR(upscale=2, img_size=16, window_size=4, embed_dim=8, depths=[2], num_heads=[2], mlp_ratio=2,
                         upsampler="pixelshuffledirect")
        torch.save(network.state_dict(), self.folder / "swin.pth")
        noise_image(self.folder / "a.png", 40, 33)
        result = run(HERE / "teach.py", "--teachers", self.folder / "swin.pth", "--images", self.folder, "--sizes", 1,
                     "--size", 16, "--bf16", "--out", self.folder / "pairs")
        self.assertEqual(result.returncode, 0, result.stderr)
        high = np.load(self.folder / "pairs/x2/high.npy")
        self.assertEqual(high.shape, (9, 32, 32))
        self.assertTrue(np.isfinite(high).all())

    @unittest.skipUnless(SPANDREL, f"{sys.executable} has no spandrel")
    def test_what_spandrel_does_not_read(self) -> None:
        torch.save({"a.weight": torch.zeros(3, 3)}, self.folder / "unknown.pth")
        torch.save(torch.nn.Conv2d(1, 1, 1), self.folder / "code.pth")
        (self.folder / "text.pth").write_bytes(b"hello")
        (self.folder / "a.txt").write_bytes(b"hello")
        for name, word in (("unknown.pth", "knows no network"), ("code.pth", "cannot read"),
                           ("text.pth", "cannot read"), ("a.txt", "cannot read")):
            with self.subTest(name), self.assertRaisesRegex(data.InputError, f"{name}: spandrel .*{word}"):
                others.teacher(self.folder / name)

    def test_without_spandrel(self) -> None:
        """One line says what is wrong with the file, and what package reads others."""
        torch.save({"a.weight": torch.zeros(3, 3)}, self.folder / "a.pth")
        with unittest.mock.patch.dict(sys.modules, {"spandrel": None}), \
                self.assertRaisesRegex(data.InputError, "^[^\n]*a.pth: [^\n]*pip install spandrel[^\n]*$"):
            others.teacher(self.folder / "a.pth")
        with self.assertRaisesRegex(weights.WeightsError, "none.pth: cannot be read"):
            others.teacher(self.folder / "none.pth")


if __name__ == "__main__":
    main()
