"""What the tests share: paths, skipping, a folder to work in, pictures, results as TAP.

A test file is a script.  With --tap it prints the Test Anything Protocol, which `meson test` and tests/count.py
read, else unittest's own output.  Importing this needs nothing but Python.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent
SHARED = Path(os.environ.get("RFDN_SHARED") or MODELS.parent.parent / "shared")
REFERENCE = SHARED / "reference"
TAP = "--tap" in sys.argv[1:]
SKIPPED = 77  # exit status of a test file that was skipped, without --tap

needs_reference = unittest.skipUnless(REFERENCE.is_dir(), f"no reference networks in {REFERENCE}")


def need(*modules: str) -> None:
    """Skip the whole test file, saying why, if one of the modules cannot be imported."""
    missing = []
    for module in modules:
        try:
            importlib.import_module(module)
        except (ImportError, OSError):  # OSError: a shared library that it needs is missing
            missing.append({"PIL": "Pillow"}.get(module, module))
    if not missing:
        return
    reason = f"{sys.executable} has no {', '.join(missing)}"
    if TAP:
        print(f"1..0 # SKIP {reason}")
        sys.exit(0)
    print(f"{Path(sys.argv[0]).name}: skipped, {reason}", file=sys.stderr)
    sys.exit(SKIPPED)


def run(script: Path, *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, script, *map(str, arguments)], capture_output=True, text=True)


class WithFolder(unittest.TestCase):
    """Tests that have a folder of their own, `self.folder`."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def assert_one_error(self, result: subprocess.CompletedProcess, *words: str) -> None:
        """It failed with a single line that contains these words, and no traceback."""
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)


def noise_image(path: Path, width: int, height: int) -> None:
    import numpy as np
    from PIL import Image
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def detailed(width: int, height: int) -> Image.Image:
    """A picture with slopes, edges, strong colours, and levels from black to white."""
    import numpy as np
    from PIL import Image
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([255 * x / width, 128 + 127 * np.sin(y / 7), 255 * ((x // 9 + y // 9) % 2)], -1)
    return Image.fromarray(pixels.astype(np.uint8))


class Tap(unittest.TestResult):
    """Prints a line for each test as it ends; a test fails if one of its subtests does."""

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.known = len(self.failures), len(self.errors), len(self.skipped)

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        failures, errors, skipped = self.known
        # A subtest's name is the test's with its parameters appended.
        troubles = [f"{part}\n{text}" for part, text in self.failures[failures:] + self.errors[errors:]]
        reasons = [reason for _, reason in self.skipped[skipped:]]
        line = f"{'not ok' if troubles else 'ok'} {self.testsRun} - {test.id().removeprefix('__main__.')}"
        if reasons and not troubles:
            line += f" # SKIP {' '.join(reasons[0].split())}"
        print(line)
        for text in troubles:
            print("\n".join(f"# {part}" for part in text.splitlines()))
        sys.stdout.flush()


def main() -> None:
    """Run the tests of the script that calls this."""
    if not TAP:
        unittest.main()
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    print(f"1..{suite.countTestCases()}", flush=True)
    result = Tap()
    suite.run(result)
    sys.exit(not result.wasSuccessful())
