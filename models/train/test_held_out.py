#!/usr/bin/env python3
"""No shipped model was trained on the images and clips that measure it; run as a script.

Needs the shared folder ($RFDN_SHARED, or shared beside the repository); skips what is not there.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import HERE, SHARED, WithFolder, main, need, run

need("numpy", "PIL", "av")
from PIL import Image

import clips
import data
import inputs

ALIKE = 40  # of 256 bits; unrelated pictures here differ in more


class HeldOut(WithFolder):
    def setUp(self) -> None:
        super().setUp()
        self.listed = inputs.read(HERE / "inputs.txt")

    def assert_not_listed(self, file: Path, pictures: list[Image.Image]) -> None:
        sha = hashlib.sha256(file.read_bytes()).hexdigest()
        for name, (listed, bits) in self.listed.items():
            self.assertNotEqual(sha, listed, f"{name} is {file.name}")
            for picture in pictures:
                self.assertGreater(inputs.far(inputs.looks(picture), bits), ALIKE, f"{name} looks like {file.name}")

    def test_the_list_is_of_the_training_images(self) -> None:
        folder = SHARED / "data/train"
        if not folder.is_dir():
            self.skipTest(f"no {folder}")
        self.assertEqual(len(data.list_images(folder)), len(self.listed))
        for file in data.list_images(folder):
            sha = hashlib.sha256(file.read_bytes()).hexdigest()
            self.assertEqual(self.listed[str(file.relative_to(folder.parent))][0], sha, file.name)

    def test_set5(self) -> None:
        if not (SHARED / "data/val/Set5").is_dir():
            self.skipTest("no Set5")
        for file in data.list_images(SHARED / "data/val/Set5"):
            self.assert_not_listed(file, [data.open_rgb(file)])

    def test_clips(self) -> None:
        if not (SHARED / "media").is_dir():
            self.skipTest("no clips")
        for file in sorted((SHARED / "media").iterdir()):
            try:
                frames = clips.read_clip(file, 0, 40)[::13]
            except data.InputError:
                frames = []  # some clips are deliberately broken
            self.assert_not_listed(file, [Image.fromarray(frame) for frame in frames if frame.std() > 5])

    def test_a_copy_is_found(self) -> None:
        """A picture is recognised in another format, at another size, and with other levels."""
        y_x = [[(x * 7 + y * 13 + x * y) % 256 for x in range(64)] for y in range(64)]
        image = Image.new("L", (64, 64))
        image.putdata([v for row in y_x for v in row])
        image = image.resize((300, 300), Image.Resampling.BICUBIC)
        image.resize((200, 200)).point(lambda v: 0.8 * v + 10).save(self.folder / "copy.jpg", quality=80)
        self.assertLess(inputs.far(inputs.looks(image), inputs.looks(Image.open(self.folder / "copy.jpg"))), ALIKE)

    def test_the_tool_lists(self) -> None:
        (self.folder / "a").mkdir()
        Image.new("RGB", (20, 20), "red").save(self.folder / "a/red.png")
        result = run(HERE / "inputs.py", self.folder / "a")
        (self.folder / "list.txt").write_text(result.stdout)
        self.assertEqual(list(inputs.read(self.folder / "list.txt")), ["a/red.png"])


if __name__ == "__main__":
    main()
