#!/usr/bin/env python3
"""Tests of the training pairs of compressed video; run as a script.  Without torch or av they skip."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import HERE, WithFolder, detailed, main, need, run

need("numpy", "PIL", "torch", "av")
import av
import numpy as np

import clips
import codec
import data
import sequences

SIZE = 64


class Video(WithFolder):
    def sequence(self, scale: int = 2, seed: int = 0) -> sequences.Sequence:
        return sequences.Sequence(detailed(300, 260), detailed(260, 300), SIZE, scale, 8, np.random.default_rng(seed))

    def test_levels_survive_every_encoder(self) -> None:
        """A pair's means agree: nothing on the way squeezes 0..255 into 16..235, or stretches it.

        Every encoding's own error is small beside what is allowed. x264's is not the same from call to call, and
        veryfast at CRF 18 moved a frame's mean by up to 1.8 levels.
        """
        for encoding in (codec.x264(16), codec.x264(10, "veryfast"), codec.x265(18), codec.vp9(20), codec.mpeg2(3)):
            for seed in range(12):
                sequence = self.sequence(seed=seed)
                decoded = codec.through(sequence.low, encoding)
                self.assertEqual(len(decoded), len(sequence.low))
                for low, (sent, *_), high in zip(decoded, sequence.low, sequence.high):
                    with self.subTest(encoder=encoding.encoder, seed=seed):
                        self.assertEqual((low.shape, high.shape), ((SIZE, SIZE), (2 * SIZE, 2 * SIZE)))
                        self.assertAlmostEqual(low.mean(), high.mean(), delta=2)
                        gain = np.cov(low.ravel(), sent.ravel())[0, 1] / sent.var()  # a squeeze makes it 0.86
                        self.assertAlmostEqual(gain, 1, delta=0.05)

    def test_extreme_levels_survive(self) -> None:
        for level in (0, 16, 128, 235, 255):
            plane, gray = np.full((SIZE, SIZE), level, np.uint8), np.full((SIZE // 2, SIZE // 2), 128, np.uint8)
            for decoded in codec.through([(plane, gray, gray)] * 3, codec.x264(23)):
                self.assertLessEqual(np.abs(decoded.astype(int) - level).max(), 1)

    def test_frames_stay_in_order(self) -> None:
        """B-frames are coded out of order; each decoded frame is that of its time."""
        gray = np.full((SIZE // 2, SIZE // 2), 128, np.uint8)
        frames = [(np.full((SIZE, SIZE), 40 + 15 * t, np.uint8), gray, gray) for t in range(10)]
        for encoding in (codec.x264(18), codec.x265(18), codec.vp9(20), codec.mpeg2(2)):
            means = [float(frame.mean()) for frame in codec.through(frames, encoding)]
            for t, mean in enumerate(means):
                self.assertAlmostEqual(mean, 40 + 15 * t, delta=3, msg=encoding.encoder)

    def test_windows_lie_in_the_image(self) -> None:
        """Also those that take in all of it, of whatever size it is."""
        for side, size in ((200, 180), (240, 232), (250, 240), (312, 264)):
            for seed in range(40):
                path = sequences.Path((side, side + 7), size, 12, np.random.default_rng(seed))
                boxes = np.array([path.box(time) for time in range(12)])
                self.assertGreaterEqual(boxes.min(), 0, (side, seed))
                self.assertLess((boxes[:, 2:] - [side, side + 7]).max(), 1e-9, (side, seed))

    def test_colour_matrix_is_that_of_the_protocol(self) -> None:
        image = detailed(40, 30)
        image.save(self.folder / "a.png")
        luma = sequences.planes(np.asarray(image, np.float32))[0]
        self.assertLess(np.abs(luma - data.read_luma(self.folder / "a.png")).max(), 0.01)

    def test_prepare_then_train(self) -> None:
        (self.folder / "images").mkdir()
        detailed(200, 150).save(self.folder / "images/a.png")
        arguments = ["--images", self.folder / "images", "--size", 32, "--sequences", 4]
        for out in ("one", "two"):
            result = run(HERE / "prepare.py", *arguments, "--out", self.folder / out)
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertFalse((self.folder / "one.part").exists())
        for name in ("low.npy", "high.npy", "pairs.csv"):
            self.assertEqual((self.folder / "one" / name).read_bytes(), (self.folder / "two" / name).read_bytes())
        low, high = data.Patches([], [self.folder / "one"], 0, [2], 24, seed=1).batch(8)
        self.assertEqual((low.shape, high.shape), ((8, 1, 24, 24), (8, 1, 48, 48)))
        self.assertLess(float((low.mean((1, 2, 3)) - high.mean((1, 2, 3))).abs().max()), 3 / 255)
        training = ["--images", self.folder / "images", "--val", self.folder / "images", "--features", 4, "--patch", 16,
                    "--steps", 2, "--video", self.folder / "one"]
        self.assertEqual(run(HERE / "train.py", *training, "--out", self.folder / "run").returncode, 0)
        self.assert_one_error(run(HERE / "train.py", *training, "--out", self.folder / "r3", "--scale", 3), "scale 3")
        self.assert_one_error(run(HERE / "train.py", *training, "--out", self.folder / "r4", "--patch", 40), "smaller")
        self.assert_one_error(run(HERE / "prepare.py", *arguments, "--out", self.folder / "one"), "one", "exists")
        self.assert_one_error(run(HERE / "prepare.py", "--images", self.folder / "images", "--out",
                                  self.folder / "big", "--size", 96), "smaller than 192x192")

    def test_clips_are_read_as_they_are(self) -> None:
        """What an encoder without loss stored is what a clip's luma is, at 8 and at 10 bits."""
        ramp = np.add.outer(np.arange(64) * 2, np.arange(80)).astype(np.uint8)
        for kind, shift in (("yuv420p", 0), ("yuv420p10le", 2)):
            file = self.folder / f"{kind}.mkv"
            with av.open(str(file), "w") as container:
                stream = container.add_stream("ffv1", 25)
                stream.width, stream.height, stream.pix_fmt = 80, 64, kind
                for _ in range(5):
                    frame = av.VideoFrame(80, 64, kind)
                    for plane, values in zip(frame.planes, (ramp, np.full((32, 40), 128), np.full((32, 40), 128))):
                        rows = np.zeros((plane.height, plane.line_size >> (shift > 0)), "<u2" if shift else np.uint8)
                        rows[:, : values.shape[1]] = values.astype(rows.dtype) << shift
                        plane.update(rows.tobytes())
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
            clip = clips.read_clip(file, 2, 10)
            self.assertEqual(len(clip), 5)
            self.assertTrue(np.array_equal(clip[0], ramp), kind)

    def test_layouts_of_deep_samples(self) -> None:
        """10 bits in the lower or upper part of 16, in either byte order, are the same 8."""
        ramp = np.add.outer(np.arange(48) * 2, np.arange(64)).astype(np.uint8)
        for kind, order, shift in (("yuv420p10le", "<u2", 2), ("yuv420p10be", ">u2", 2), ("p010le", "<u2", 8),
                                   ("gray16le", "<u2", 8), ("nv12", "u1", 0)):
            frame = av.VideoFrame(64, 48, kind)
            rows = np.zeros((48, frame.planes[0].line_size // np.dtype(order).itemsize), order)
            rows[:, :64] = ramp.astype(np.uint16) << shift
            frame.planes[0].update(rows.tobytes())
            self.assertIsNone(clips.no_luma(frame.format), kind)
            self.assertTrue(np.array_equal(clips.plane_bytes(frame), ramp), kind)

    def test_what_is_no_video_in_planes_is_refused(self) -> None:
        for kind in ("rgb24", "gbrp", "pal8", "yuyv422", "uyvy422", "y210le", "ya8", "xyz12le", "grayf32le", "monow"):
            self.assertIsNotNone(clips.no_luma(av.VideoFormat(kind)), kind)
        (self.folder / "text.mkv").write_text("no video")
        (self.folder / "text.txt").write_text("FFmpeg draws the lines of such a file, frame by frame.\n" * 50)
        for name in ("picture.jpg", "picture.png"):
            detailed(160, 120).convert("L").save(self.folder / name)
        with av.open(str(self.folder / "packed.nut"), "w") as container:
            stream = container.add_stream("rawvideo", 25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuyv422"
            for _ in range(3):
                container.mux(stream.encode(av.VideoFrame.from_image(detailed(64, 48)).reformat(format="yuyv422")))
        for name, why in (("text.mkv", "not a readable clip"), ("text.txt", "pal8, a palette"),
                          ("picture.jpg", "single frame"), ("picture.png", "single frame"),
                          ("packed.nut", "yuyv422, packed"), ("none.mkv", "not a readable clip")):
            for skip, count in ((0, 1), (12, 16)):
                with self.subTest(name), self.assertRaisesRegex(clips.Unusable, f"{name}: .*{why}"):
                    clips.read_clip(self.folder / name, skip, count)


if __name__ == "__main__":
    main()
