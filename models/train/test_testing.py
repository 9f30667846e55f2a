#!/usr/bin/env python3
"""Tests of testing.py: each result is printed, and counted by tests/count.py; run as a script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import HERE, MODELS, SKIPPED, WithFolder, main, run

SCRIPT = """
import sys, unittest
sys.path.insert(0, {folder!r})
from testing import main, need
{need}

class Some(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.assertEqual(1, 2)
    def test_parts(self):
        for i in range(3):
            with self.subTest(i=i): self.assertEqual(i, 1)
    def test_error(self): raise ValueError
    @unittest.skip("no time")
    def test_skip(self): pass

main()
"""


class Runner(WithFolder):
    def script(self, need: str, *arguments: str) -> subprocess.CompletedProcess:
        """Run a test script that begins with `need`."""
        file = self.folder / "test.py"
        file.write_text(SCRIPT.format(folder=str(HERE), need=need))
        return run(file, *arguments)

    def count(self, result: subprocess.CompletedProcess) -> str:
        (self.folder / "test.tap").write_text(result.stdout)
        return run(MODELS.parent / "tests/count.py", self.folder / "test.tap").stdout

    def test_each_counts_once(self) -> None:
        result = self.script("", "--tap")
        self.assertEqual(result.returncode, 1)
        lines = [line for line in result.stdout.splitlines() if not line.startswith("#")]
        self.assertEqual(lines, ["1..5", "not ok 1 - Some.test_bad", "not ok 2 - Some.test_error",
                                 "ok 3 - Some.test_good", "not ok 4 - Some.test_parts",
                                 "ok 5 - Some.test_skip # SKIP no time"])
        for i in (0, 2):
            self.assertIn(f"Some.test_parts) (i={i})\n", result.stdout)
        counted = self.count(result).splitlines()
        self.assertIn("skipped: test Some.test_skip: no time", counted)
        self.assertEqual(counted[-1], "1 passed, 3 failed, 1 skipped")

    def test_all_test_files_are_run(self) -> None:
        """All are in meson's list."""
        listed = (MODELS.parent / "tests/models/meson.build").read_text()
        for file in HERE.glob("test_*.py"):
            self.assertIn(f"'{file.stem.removeprefix('test_')}'", listed)

    def test_missing_module_is_named(self) -> None:
        result = self.script("need('sys', 'nosuchmodule')", "--tap")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(self.count(result), "(?m)^skipped: test: .* has no nosuchmodule$")
        result = self.script("need('nosuchmodule')")
        self.assertEqual(result.returncode, SKIPPED)
        self.assertEqual(len(result.stderr.splitlines()), 1)
        self.assertIn("has no nosuchmodule", result.stderr)


if __name__ == "__main__":
    main()
