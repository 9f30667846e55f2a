#!/usr/bin/env python3
"""Tests of plot.py; run as a script.  Skipped without matplotlib."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import HERE, WithFolder, main, need, run

need("numpy", "PIL", "matplotlib")
import numpy as np
from PIL import Image

LOG = "step,seconds,rate,loss,psnr,ssim\n"


class Plot(WithFolder):
    def log(self, name: str, rows: str) -> Path:
        (self.folder / name).mkdir()
        (self.folder / name / "log.csv").write_text(LOG + rows)
        return self.folder / name

    def plot(self, *runs: Path, out: str = "curves.png") -> subprocess.CompletedProcess:
        return run(HERE / "plot.py", *runs, "--out", self.folder / out)

    def test_a_curve_for_each_run(self) -> None:
        """A picture of two runs has more colours than one of a single run."""
        first = self.log("first", "1,1,0.1,3.0,30.0,0.9\n2,2,0.1,2.0,31.0,0.9\n")
        second = self.log("second", "1,1,0.1,4.0,29.0,0.9\n2,2,0.1,3.5,32.0,0.9\n")
        colours = []
        for runs in ([first], [first, second]):
            result = self.plot(*runs)
            self.assertEqual(result.returncode, 0, result.stderr)
            pixels = np.asarray(Image.open(self.folder / "curves.png").convert("HSV"))
            hues, counts = np.unique(pixels[pixels[..., 1] > 200][:, 0], return_counts=True)
            colours.append((counts > 300).sum())
        self.assertEqual(colours, [1, 2])

    def test_bad_inputs(self) -> None:
        good = self.log("good", "1,1,0.1,3.0,30.0,0.9\n")
        self.assert_one_error(self.plot(self.folder / "none"), "none", "not a run's folder")
        self.assert_one_error(self.plot(self.log("new", "")), "new", "empty")
        self.assert_one_error(self.plot(self.log("torn", "1,1,0.1\n")), "torn", "not a run's folder")
        self.assert_one_error(self.plot(good, out="no/curves.png"), "no/curves.png", "cannot be written")
        self.assert_one_error(self.plot(good, out="curves.abc"), "curves.abc", "cannot be written")


if __name__ == "__main__":
    main()
