#!/usr/bin/env python3
"""Tests of steps for integers; run as a script.  A script stands for the program that looks at networks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import HERE, MODELS, WithFolder, main, need, run

need("numpy", "PIL", "torch")
import numpy as np
from PIL import Image

import steps
import weights

# Two maps of two channels. Patterns come in their known number; pictures are the others.
TOOL = """#!{python}
import sys
pictures = len(sys.stdin.buffer.read()) // (int(sys.argv[2]) * int(sys.argv[3]))
print("1.31 0.0001\\n2.62 13.1" if pictures != {patterns} else "32.767 0.0001\\n1 1")
"""


class Steps(WithFolder):
    def setUp(self) -> None:
        super().setUp()
        self.images = self.folder / "images"
        self.images.mkdir()
        random = np.random.default_rng(1)
        for i in range(3):
            Image.fromarray(random.integers(0, 256, (200, 220, 3), np.uint8)).save(self.images / f"{i}.png")

    def tool(self, text: str | None = None) -> Path:
        path = self.folder / "tool"
        path.write_text(text or TOOL.format(python=sys.executable, patterns=len(steps.patterns(2))))
        path.chmod(0o755)
        return path

    def steps(self, tool: Path, *more: str) -> subprocess.CompletedProcess:
        return run(HERE / "steps.py", MODELS / "live_x2.safetensors", self.folder / "out.safetensors",
                   "--images", self.images, "--tool", tool, *more)

    def test_the_limit_is_the_engines(self) -> None:
        header = (MODELS.parent / "core/kernels/int16.h").read_text()
        self.assertIn(f"#define RFDN_INT16_LIMIT {steps.UNSCALED}\n", header)

    def test_ranges_become_steps(self) -> None:
        """The larger of what pictures and what patterns ask for; a silent channel has a share of the map's largest."""
        result = self.steps(self.tool())
        self.assertEqual(result.returncode, 0, result.stderr)
        _, about = weights.read(self.folder / "out.safetensors")
        got = np.array([line.split() for line in about["steps"].split("\n")], float)
        pattern = 1.25 * 32.767 / 32767
        np.testing.assert_allclose(got, [[pattern, pattern / 64], [0.001, 0.005]], rtol=1e-5)

    def test_silent_maps(self) -> None:
        """A map that is zero in all pictures has the step of the map before, and so has another after it."""
        maps = [np.array([1.0, 4.0]), np.zeros(3), np.zeros(3), np.array([0.0, 2.0])]
        got = steps.fill_silent(maps)
        for values, expected in zip(got, ([1, 4], [4, 4, 4], [4, 4, 4], [0, 2]), strict=True):
            np.testing.assert_array_equal(values, expected)
        result = self.steps(self.tool(f"#!{sys.executable}\nprint('2.62 1.31\\n0 0')\n"))
        self.assertEqual(result.returncode, 0, result.stderr)
        _, about = weights.read(self.folder / "out.safetensors")
        got = np.array([line.split() for line in about["steps"].split("\n")], float)
        np.testing.assert_allclose(got, [[0.001, 0.0005], [0.001, 0.001]], rtol=1e-5)

    def test_share(self) -> None:
        result = self.steps(self.tool(), "--share", "0.25")
        self.assertEqual(result.returncode, 0, result.stderr)
        _, about = weights.read(self.folder / "out.safetensors")
        np.testing.assert_allclose(float(about["steps"].split()[3]), 0.0025, rtol=1e-5)

    def test_tensors_stay(self) -> None:
        """Bit for bit, and so does what else the file says."""
        self.assertEqual(self.steps(self.tool()).returncode, 0)
        before, data = weights.read_raw(MODELS / "live_x2.safetensors")
        after, same = weights.read_raw(self.folder / "out.safetensors")
        self.assertEqual(data, same)
        for name in ("steps", "sharp.steps", "soft.steps"):
            self.assertNotEqual(before["__metadata__"].pop(name), after["__metadata__"].pop(name))
        self.assertEqual(before, after)

    def test_what_the_engine_refuses_is_not_written(self) -> None:
        refuses = TOOL.replace("import sys\n", "import sys\n"
                               "if b'steps' in open(sys.argv[1], 'rb').read(4096):\n"
                               "    sys.exit('rfdn-ranges: too far apart for its weights')\n", 1)
        model = self.folder / "model.safetensors"
        header, data = weights.read_raw(MODELS / "live_x2.safetensors")
        for name in ("steps", "sharp.steps", "soft.steps"):
            del header["__metadata__"][name]
        weights.write_raw(model, header, data)
        before = model.read_bytes()
        result = run(HERE / "steps.py", model, model, "--images", self.images, "--tool",
                     self.tool(refuses.format(python=sys.executable, patterns=len(steps.patterns(2)))))
        self.assertEqual(result.returncode, 1)
        self.assertIn("too far apart", result.stderr)
        self.assertEqual(model.read_bytes(), before)

    def test_faults_are_told(self) -> None:
        for tool, text in ((self.folder / "none", "No such file"),
                           (self.tool(f"#!{sys.executable}\nimport sys\nsys.exit('rfdn-ranges: sees 3 channels')\n"),
                            "sees 3 channels")):
            result = self.steps(tool)
            self.assertEqual(result.returncode, 1)
            self.assertIn(text, result.stderr)
            self.assertNotIn("Traceback", result.stderr)

    def test_nothing_is_written_that_the_engine_refuses(self) -> None:
        """Of a header that is too long it reads nothing: a file that is there stays."""
        (self.folder / "out.safetensors").write_text("before")
        result = self.steps(self.tool(f"#!{sys.executable}\nprint('1 ' * 100000)\n"))
        self.assert_one_error(result, "out.safetensors: cannot be written", f"the limit is {weights.HEADER}")
        self.assertEqual((self.folder / "out.safetensors").read_text(), "before")
        self.assertFalse((self.folder / "out.safetensors.part").exists())

    def test_small_pictures(self) -> None:
        for image in self.images.iterdir():
            Image.open(image).resize((150, 150)).save(image)
        result = self.steps(self.tool())
        self.assertEqual(result.returncode, 1)
        self.assertIn("no picture of 192x192 pixels", result.stderr)


if __name__ == "__main__":
    main()
