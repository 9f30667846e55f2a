#!/usr/bin/env python3
"""Tests of eval.py; run as a script, in `meson devenv` for those that need the plugin."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import HERE, MODELS, SHARED, WithFolder, detailed, main, need, noise_image, run

sys.path.insert(0, str(MODELS))
need("numpy", "PIL", "torch", "av")
import av
import numpy as np
from PIL import Image

import chroma
import data
import eval as measuring
import evaluate
import measure
import names
import networks
import patterns
import plugin
import precision
import weights
from data import InputError

EVAL = MODELS / "eval.py"
NO_WINDOW = "autovideosink", "fakesink silent=false -v"
DEVENV = """
[ "$1 $2 $3" = "devenv -C build" ] || exit 1
folder=$3; shift 3
if [ "$1" = --workdir ]; then folder=$2; shift 2; fi
cd "$folder" && exec "${@:-bash}"
"""


def have_plugin() -> bool:
    try:
        plugin.check()
    except InputError:
        return False
    return True


class Names(WithFolder):
    def test_stem_if_unique(self) -> None:
        self.assertEqual(names.short(["a/x.mkv", Path("b/x.mkv"), "b/y.mkv"]), ["a/x.mkv", "b/x.mkv", "y"])
        self.assertEqual(names.short(["a/live.safetensors"], ["live"]), ["a/live.safetensors"])

    def test_models_and_clips_of_one_name(self) -> None:
        """Each has its own row, even if another file, a shipped model or a filter has the same name."""
        paths = [self.folder / name for name in ("a/ema.safetensors", "b/ema.safetensors", "c.safetensors",
                                                 "Lanczos.safetensors", "live.safetensors")]
        for path in paths:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes((MODELS / "live_x2.safetensors").read_bytes())
        found = measuring.upscalers([*map(str, paths), "live", "live"], [2])
        a, b, _, lanczos, live = map(str, paths)
        self.assertEqual([model.name for model in found], [a, b, "c", lanczos, live, "live"])
        self.assertEqual(measuring.files([self.folder, paths[2]]), sorted(paths[2:]))


class Flicker(WithFolder):
    def test_counts_only_where_the_truth_is_still(self) -> None:
        """The left half is still, the right half moves; a result off by 3 in every other frame flickers by 3."""
        random = np.random.default_rng(1)
        truth = [np.hstack([np.full((40, 40), 90), random.integers(0, 255, (40, 40))]).astype(np.uint8) for _ in range(6)]
        result = [frame + np.uint8(3) * (t % 2) * (np.arange(80) < 40) for t, frame in enumerate(truth)]
        self.assertAlmostEqual(measure.flicker(result, truth), 3)
        self.assertEqual(measure.flicker(truth, truth), 0)

    def test_no_figure_if_nothing_is_still(self) -> None:
        truth = list(np.random.default_rng(1).integers(0, 255, (4, 40, 40)).astype(np.uint8))
        self.assertTrue(np.isnan(measure.flicker(truth, truth)))

    def test_lanczos_keeps_levels_and_sharpens_more_than_bicubic(self) -> None:
        y, x = np.mgrid[:64, :64]
        truth = (128 + 90 * np.sin(x / 3) * np.cos(y / 4)).astype(np.uint8)
        low = evaluate.to_bytes(evaluate.resize(truth, 32, 32))
        result = measure.Upscaler("Lanczos", 2)([low])[0]
        self.assertAlmostEqual(float(result.mean()), float(truth.mean()), delta=0.5)
        self.assertGreater(evaluate.psnr(result, truth), evaluate.psnr(evaluate.bicubic(2)(low), truth))

    def test_middle(self) -> None:
        plane = np.arange(12 * 10).reshape(12, 10)
        self.assertTrue(np.array_equal(data.middle(plane, 4, 6), plane[3:9, 3:7]))
        self.assertTrue(np.array_equal(data.middle(plane, 50, 50), plane))

    def test_ssim_equals_its_definition(self) -> None:
        """One window in double precision, computed directly by the formula."""
        random = np.random.default_rng(3)
        a = random.integers(0, 256, (11, 11)).astype(float)
        b = np.clip(a + random.integers(-40, 40, a.shape), 0, 255)
        row = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
        weight = np.outer(row, row) / np.outer(row, row).sum()
        (mean_a, mean_b), c1, c2 = ((weight * p).sum() for p in (a, b)), 6.5025, 58.5225
        var_a, var_b = (weight * (a - mean_a) ** 2).sum(), (weight * (b - mean_b) ** 2).sum()
        covariance = (weight * (a - mean_a) * (b - mean_b)).sum()
        truth = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)
                 / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))
        self.assertAlmostEqual(evaluate.ssim(a.astype(np.uint8), b.astype(np.uint8)), truth, places=5)


class Chroma(WithFolder):
    def test_small_chroma_keeps_its_place(self) -> None:
        """Sample i of the small plane lies on sample `scale` times i of the large one."""
        ramp = np.tile(np.arange(96, dtype=np.uint8) * 2, (48, 1))
        for scale in (2, 3, 4):
            _, small, _ = chroma.shrink((np.zeros((96, 192), np.uint8), ramp, ramp), scale)
            self.assertEqual(small.shape, (48 // scale, 96 // scale))
            inner = small[:, 2:-2].astype(float)
            places = np.arange(2, small.shape[1] - 2)
            self.assertLess(np.abs(inner - 2 * scale * places).max(), 1)

    def test_psnr_is_of_the_two_chroma_planes(self) -> None:
        truth = [tuple(np.full(shape, 90, np.uint8) for shape in ((8, 8), (4, 4), (4, 4)))]
        result = [(truth[0][0] + 50, truth[0][1] + 4, truth[0][2])]
        self.assertAlmostEqual(chroma.psnr(result, truth), 10 * np.log10(255**2 / 8), places=6)

    def test_what_cannot_be_scored(self) -> None:
        text, small = self.folder / "a.txt", self.folder / "a.png"
        text.write_bytes(b"\0\1\2")
        noise_image(small, 40, 40)
        for file in (text, small):
            with self.assertRaisesRegex(data.InputError, file.name):
                chroma.read(file, 2, 0, 1, (640, 480))


@unittest.skipUnless(have_plugin(), "GStreamer does not find rfdnupscale; run in `meson devenv -C build`")
class Plugin(WithFolder):
    def write_clip(self, clip: Path, left: int = 0) -> None:
        """4 still frames of 160x128, cut from a picture at column `left`."""
        clip.parent.mkdir(exist_ok=True)
        with av.open(str(clip), "w") as container:
            stream = container.add_stream("libvpx", 25, options={"crf": "4", "b": "2000000"})
            stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
            for _ in range(4):
                frame = av.VideoFrame.from_image(detailed(160 + left, 128).crop((left, 0, left + 160, 128)))
                container.mux(stream.encode(frame.reformat(format="yuv420p")))
            container.mux(stream.encode(None))

    def test_guided_chroma_is_nearer(self) -> None:
        """With coloured rings in both luma and chroma."""
        y, x = np.mgrid[:192, :256]
        ring = (np.hypot(x - 100, y - 80) / 9 % 2 < 1).astype(np.uint8)
        rings = np.stack([40 + 180 * ring, 200 - 150 * ring, 60 + 20 * ring], axis=-1).astype(np.uint8)
        picture = self.folder / "rings.png"
        Image.fromarray(rings).save(picture)
        high = chroma.read(picture, 2, 0, 1, (1280, 720))
        found = chroma.clip(high, "live", 2, ["none", "x264:23"])
        self.assertGreater(found["none", "guided"], found["none", "plain"] + 1)
        self.assertGreater(found["x264:23", "guided"], found["x264:23", "plain"] + 0.5)

    def test_the_same_picture_counts_once(self) -> None:
        for name in ("a.png", "b.png"):
            detailed(160, 128).save(self.folder / name)
        result = run(EVAL, "chroma", self.folder, "--model", "live", "--scale", "2", "--encodings", "none")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"left out: {self.folder / 'b.png'}: has the frames of a", result.stdout)

    def shell(self, commands: str) -> str:
        """What commands of a README print in a folder that has a clip, images and what they call; all must succeed.

        A script stands for `meson devenv`: it only goes to the folder that meson would, for the plugin is found anyway.
        """
        (self.folder / "models").symlink_to(MODELS)
        (self.folder / "build").mkdir()
        (self.folder / "IMAGES").mkdir()
        noise_image(self.folder / "IMAGES/a.png", 130, 120)
        self.write_clip(self.folder / "clip.mkv")
        for name, text in (("venv/bin/python", f'exec "{sys.executable}" "$@"'), ("bin/meson", DEVENV)):
            file = self.folder / name
            file.parent.mkdir(parents=True)
            file.write_text(f"#!/bin/bash\n{text}\n")
            file.chmod(0o755)
        result = subprocess.run(["bash", "-e"], input=commands, cwd=self.folder, capture_output=True, text=True,
                                env={**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"})
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_commands_of_the_readme_make_a_model_and_play_a_clip(self) -> None:
        """Its commands unchanged, except for fewer steps and no window."""
        block = (MODELS / "README.md").read_text().partition("A tiny model")[2].split("```")[1]
        learn, play = (next(line for line in block.splitlines() if word in line) for word in ("train.py", "gst-launch"))
        told = self.shell(f"{learn} --steps 4 --every 2\n{play.replace(*NO_WINDOW)}\n")
        self.assertIn("step 4/4", told)
        self.assertIn("width=(int)320, height=(int)256", told)

    def test_commands_of_the_top_readme_play_a_clip(self) -> None:
        """Both lines unchanged, the second in the shell that the first opens."""
        block = next(part for part in (MODELS.parent / "README.md").read_text().split("```") if "meson devenv" in part)
        told = self.shell(block.removeprefix("sh\n").replace(*NO_WINDOW))
        self.assertIn("width=(int)320, height=(int)256", told)

    def test_equal_to_torch(self) -> None:
        """Every shipped luma model, on an odd size: they differ by one level at most.

        And one with attention on a size that it needs more than; and those with siblings, mixed with them.
        """
        random = np.random.default_rng(2)
        cases = [(file, (37, 51)) for file in sorted(MODELS.glob("*.safetensors"))]
        for file, size in [*cases, (MODELS / "rfdn_x2.safetensors", (9, 12))]:
            low = random.integers(16, 236, size).astype(np.uint8)
            about = weights.read(file)[1]
            for sharpness in (0, 0.6, -1) if "siblings" in about else (0,):
                network, _, _ = networks.load(file, sharpness)
                ours = plugin.upscale([low, low], str(file), network.scale, ["precision=float32", f"sharpness={sharpness}"])
                theirs = evaluate.through(network, float(about["input_range"]))(low)
                for frame in ours:
                    self.assertEqual(frame.shape, theirs.shape)
                    self.assertLessEqual(int(np.abs(frame.astype(int) - theirs).max()), 1, (file.name, sharpness))

    @unittest.skipUnless((SHARED / "data" / "val" / "Set5").is_dir(), f"no Set5 in {SHARED}")
    def test_integers_are_near_floats(self) -> None:
        """On pictures and patterns, for the best and the worst model."""
        for model, scale in (("live", 2), ("live-clean", 4)):
            with self.subTest(model=model, scale=scale):
                floats, integers, between, off, worst, most = precision.compare(model, scale, SHARED / "data/val/Set5")
                self.assertLess(abs(floats - integers), 0.01)
                self.assertGreater(between, 55)
                self.assertLessEqual(off, 3)
                self.assertGreater(worst, 42)
                self.assertLessEqual(most, 25)
                self.assertGreater(off, 0, "the same numbers were computed with twice")

    def test_integers_on_clips(self) -> None:
        """Each clip plain and encoded; files that are not clips are left out and named."""
        clip, other = self.folder / "clips/clip.mkv", self.folder / "clips/other.mkv"
        self.write_clip(clip)
        other.write_bytes(b"no clip")
        (self.folder / "images").mkdir()
        detailed(80, 70).save(self.folder / "images/a.png")
        command = (HERE / "precision.py", self.folder / "images", "--model", "live", "--scale", "2", "--clips")
        result = run(*command, other)
        self.assertEqual(result.returncode, 1)
        self.assertIn("none of the clips can be scored", result.stderr.splitlines()[-1])
        result = run(*command, clip, other)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"\| `live` x2 \| 1 \| [+-]0\.\d{3} dB \| [+-]0\.\d{3} dB \| [1-5] \|")
        self.assertIn("other.mkv: not a readable clip", result.stderr)
        self.assertRegex(result.stderr, r"worst of live x2: clip\.mkv, (none|x264:23): \d+\.\d dB in float32")

    def test_prints_tables(self) -> None:
        (self.folder / "images").mkdir()
        detailed(80, 70).save(self.folder / "images/a.png")
        model = sorted(MODELS.glob("*_x2.safetensors"))[0]
        copy = self.folder / model.name
        copy.write_bytes(model.read_bytes())
        result = run(EVAL, "images", self.folder / "images", "--model", model, copy)
        self.assertEqual(result.returncode, 0, result.stderr)
        for path in (model, copy):
            self.assertIn(f"| `{path}` |", result.stdout)
        self.assertRegex(result.stdout, r"\| Lanczos \| \d+\.\d\d dB, 0\.\d{4} \|")
        self.assertIn("PyTorch's figures differ by at most 0.00", result.stdout)
        clip, other = self.folder / "clips/clip.mkv", self.folder / "others/clip.mkv"
        self.write_clip(clip)
        self.write_clip(other, 9)
        (clip.parent / "same.mkv").write_bytes(clip.read_bytes())
        (clip.parent / "text.mkv").write_text("?")
        result = run(EVAL, "video", clip.parent, other, "--model", model, "--encodings",
                     "none,x264:30,mjpeg:6", "--frames", 3)
        self.assertEqual(result.returncode, 0, result.stderr)
        for line in ("Mean gain over Lanczos", "Flicker where", f"| `{model.stem}` x2 |", "2 clips", "in 6 comparisons",
                     "| CRF 30 | mjpeg q 6 |", "text.mkv: not a readable clip", "has the frames of"):
            self.assertIn(line, result.stdout)

    def test_patterns(self) -> None:
        """The gains are PyTorch's on the same patterns; another model or scale has its own row."""
        models = [MODELS / f"live_x{scale}.safetensors" for scale in (2, 3)]
        result = run(EVAL, "patterns", "--count", 3, "--model", *models)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("| checks | stripes | grid | halftone | zone plate |", result.stdout)
        for model, scale in zip(models, (2, 3)):
            network = measure.luma_network(model)
            assert network
            line = next(line for line in result.stdout.splitlines() if line.startswith(f"| `{model.stem}` x{scale} |"))
            cells = re.findall(r"([+-]\d+\.\d) \(([+-]\d+\.\d)\)", line)
            for kind, (mean, worst) in zip(patterns.KINDS, cells, strict=True):
                random = np.random.default_rng(5)
                gains = []
                for low, high in (patterns.draw(random, 96, scale, kind) for _ in range(3)):
                    plain = Image.fromarray(low.astype(np.float32)).resize(high.shape[::-1], Image.Resampling.LANCZOS)
                    errors = [np.square(data.to_bytes(np.asarray(large)).astype(float) - high)
                              [4 * scale:-4 * scale, 4 * scale:-4 * scale].mean() for large in (plain, network(low))]
                    gains.append(10 * np.log10(errors[0] / errors[1]))
                self.assertAlmostEqual(float(mean), float(np.mean(gains)), delta=0.1, msg=kind.__name__)
                self.assertAlmostEqual(float(worst), min(gains), delta=0.1, msg=kind.__name__)

    def test_pictures(self) -> None:
        """Small files with four different crops, the last of them the original."""
        result = run(MODELS / "pictures.py", "--out", self.folder, "--model", *sorted(MODELS.glob("live*_x2.*")))
        self.assertEqual(result.returncode, 0, result.stderr)
        cells = []
        for name in ("clean.png", "compressed.png"):
            self.assertLess((self.folder / name).stat().st_size, 300_000)
            pixels = np.asarray(Image.open(self.folder / name)).astype(int)[:, :, :3]
            half = (pixels.shape[0] - 4) // 2, (pixels.shape[1] - 4) // 2
            cells.append([pixels[y:y + half[0], x:x + half[1]][40:, 40:]  # without the labels
                          for y in (0, half[0] + 4) for x in (0, half[1] + 4)])
        for a, b, c, d in cells:
            self.assertTrue(all(0 < np.abs(cell - d).mean() < 25 for cell in (a, b, c)))
        self.assertTrue(np.array_equal(cells[0][3], cells[1][3]))
        self.assert_one_error(run(MODELS / "pictures.py", "--out", self.folder, "--model", "nosuch", "live"), "nosuch")

    def test_bad_inputs(self) -> None:
        (self.folder / "images").mkdir()
        noise_image(self.folder / "images/a.png", 60, 50)
        (self.folder / "text.mkv").write_text("?")
        (self.folder / "empty").mkdir()
        model = sorted(MODELS.glob("*_x2.safetensors"))[0]
        for arguments, word in ((["images", self.folder / "images", "--model", "nosuch"], "nosuch"),
                                (["images", self.folder / "no", "--model", model], "no such folder"),
                                (["images", self.folder / "images", "--model", model, "--scale", 3], "by 3"),
                                (["video", self.folder / "text.mkv", "--model", model], "text.mkv"),
                                (["video", self.folder / "no.mkv", "--model", model], "no.mkv"),
                                (["video", self.folder / "empty", "--model", model], "no clips"),
                                (["video", self.folder / "no.mkv", "--model", model, "--encodings", "x264"], "--encodings"),
                                (["video", self.folder / "no.mkv", "--model", model, "--encodings", "none,vp7:3"], "vp7"),
                                (["video", self.folder / "no.mkv", "--model", model, "--encodings", "mpeg4:0"], "1..31"),
                                (["video", self.folder / "no.mkv", "--model", model, "--crop", "9"], "--crop"),
                                (["video", self.folder / "no.mkv", "--model", model, "--frames", 0], "--frames"),
                                (["patterns", "--model", model, "--count", 0], "--count")):
            with self.subTest(word):
                self.assert_one_error(run(EVAL, *arguments), word)


if __name__ == "__main__":
    main()
