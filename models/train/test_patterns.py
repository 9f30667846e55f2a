#!/usr/bin/env python3
"""Tests of the patterns that models learn from; run as a script."""

from __future__ import annotations

import sys
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import WithFolder, main, need, noise_image, run

need("numpy", "PIL", "torch")
import numpy as np

import data
import patterns

TRAIN = Path(__file__).resolve().parent / "train.py"


class Patterns(WithFolder):
    def each(self, kind: patterns.Kind, scale: int, count: int = 60) -> list[data.Pair]:
        random = np.random.default_rng(1)
        with unittest.mock.patch.object(patterns, "KINDS", [kind]):
            return [patterns.draw(random, 24, scale) for _ in range(count)]

    def test_pairs(self) -> None:
        """Of every kind and scale: bytes of the right shape, the same mean in both, and from black to white in some."""
        for kind in patterns.KINDS:
            for scale in (2, 3, 4):
                pairs = self.each(kind, scale)
                for low, high in pairs:
                    self.assertEqual((low.shape, low.dtype), ((24, 24), np.uint8))
                    self.assertEqual((high.shape, high.dtype), ((24 * scale, 24 * scale), np.uint8))
                    self.assertAlmostEqual(float(low.mean()), float(high.mean()), delta=3, msg=kind.__name__)
                contrasts = [int(high.max()) - int(high.min()) for _, high in pairs]
                self.assertEqual(max(contrasts), 255, kind.__name__)
                self.assertGreater(len(set(contrasts)), 5, kind.__name__)

    def test_hardest(self) -> None:
        """Checks of single low-resolution pixels, from black to white, in both places."""
        corners = [low[0, 0] for low, _ in self.each(patterns.checks, 2, 300)
                   if np.array_equal(low, np.where(np.indices(low.shape).sum(0) % 2, 255 - low[0, 0], low[0, 0]))
                   and low[0, 0] in (0, 255)]
        self.assertEqual(set(corners), {0, 255})

    def test_share(self) -> None:
        """Patches of patterns beside those of images: so many of them, and none where nobody asked."""
        noise_image(self.folder / "a.png", 80, 80)

        def flat(share: float) -> int:
            """How many patches have no more than two levels."""
            low, _ = data.Patches([self.folder], [], 1, [2], 16, seed=3, patterns=share).batch(400)
            return sum(len(patch.unique()) <= 2 for patch in low)
        with unittest.mock.patch.object(patterns, "draw", lambda random, side, scale: (
                np.zeros((side, side), np.uint8), np.zeros((side * scale, side * scale), np.uint8))):
            self.assertAlmostEqual(flat(0.25), 100, delta=30)
            self.assertEqual(flat(0), 0)

    def test_one_scale(self) -> None:
        with self.assertRaisesRegex(data.InputError, "one scale"):
            data.Patches([], [self.folder], 0, [2, 3], 8, seed=3, patterns=0.1)
        result = run(TRAIN, "--images", self.folder, "--val", self.folder, "--out", self.folder / "o", "--steps", "1",
                     "--patterns", "2")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--patterns must be in 0..1", result.stderr)


if __name__ == "__main__":
    main()
