#!/usr/bin/env python3
"""Tests of the training pairs of compressed video; run as a script.  Skipped without torch or av."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import HERE, WithFolder, detailed, main, need, run

need("numpy", "PIL", "torch", "av")
import av
import numpy as np

import clips
import codec
import data
import degradations
import sequences
from degradations import KINDS, MIXES, SHRINK, Camera, Mix

SIZE = 64
PLAIN = Mix({"none": 1.0}, {"bicubic": 1.0}, soft=0, noise=0, full_range=0)

ENCODINGS = (codec.x264(16), codec.x264(10, "veryfast"), codec.x265(18), codec.vp9(20), codec.mpeg2(3),
             codec.zerolatency(18), codec.capped(2), codec.vp8(8), codec.mpeg4(3), codec.mjpeg(3),
             codec.shifted(codec.mjpeg(3), 6, 10))


class Video(WithFolder):
    def sequence(self, scale: int = 2, seed: int = 0, mix: Mix = MIXES["first"],
                 size: int = SIZE) -> sequences.Sequence:
        random = np.random.default_rng(seed)
        return sequences.Sequence(detailed(300, 260), detailed(260, 300), size, scale, 8, random, mix)

    def test_levels_survive_every_encoder(self) -> None:
        """A pair's means agree: nothing squeezes 0..255 into 16..235, or stretches it.

        Every encoding's own error is small beside what is allowed.
        """
        for encoding in ENCODINGS:
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

    def test_the_same_every_time(self) -> None:
        """An encoder that reads uninitialised memory, or the clock, would give other results some day."""
        for encoding in ENCODINGS:
            for seed in range(4):
                low = self.sequence(seed=seed).low
                with self.subTest(encoder=encoding.encoder, seed=seed):
                    first, second = (np.stack(codec.through(low, encoding)) for _ in range(2))
                    self.assertTrue((first == second).all())

    def test_x264_reads_no_uninitialised_memory(self) -> None:
        """Its AVX-512 code usually did with rows of five blocks; here memory has other contents each time."""
        low, random = self.sequence(size=80).low, np.random.default_rng(0)
        first = np.stack(codec.through(low, codec.x264(16)))
        for _ in range(25):
            for size in random.integers(1, 400_000, 20):
                random.bytes(int(size))
            self.assertTrue(np.array_equal(np.stack(codec.through(low, codec.x264(16))), first))

    def test_vp8_does_not_depend_on_the_clock(self) -> None:
        self.assertLess(int(codec.vp8(8).options["cpu-used"]), 0)

    def test_x265_refuses_small_frames(self) -> None:
        gray = np.full((24, 24), 128, np.uint8)
        with self.assertRaisesRegex(data.InputError, "x265 needs frames of at least 64 pixels a side, not 48"):
            codec.through([(np.full((48, 48), 128, np.uint8), gray, gray)], codec.x265(18))

    def test_extreme_levels_survive(self) -> None:
        for level in (0, 16, 128, 235, 255):
            plane, gray = np.full((SIZE, SIZE), level, np.uint8), np.full((SIZE // 2, SIZE // 2), 128, np.uint8)
            for decoded in codec.through([(plane, gray, gray)] * 3, codec.x264(23)):
                self.assertLessEqual(np.abs(decoded.astype(int) - level).max(), 1)

    def test_frames_stay_in_order(self) -> None:
        """B-frames are coded out of order, but decoded frames come in order."""
        gray = np.full((SIZE // 2, SIZE // 2), 128, np.uint8)
        frames = [(np.full((SIZE, SIZE), 40 + 15 * t, np.uint8), gray, gray) for t in range(10)]
        for encoding in (codec.x264(18), codec.x265(18), codec.vp9(20), codec.mpeg2(2), codec.mpeg4(2)):
            means = [float(frame.mean()) for frame in codec.through(frames, encoding)]
            for t, mean in enumerate(means):
                self.assertAlmostEqual(mean, 40 + 15 * t, delta=3, msg=encoding.encoder)

    def test_shares(self) -> None:
        """The wide mix has every kind and kernel, and no other; each is chosen about as often as its share says."""
        for name, mix in MIXES.items():
            for shares, known in ((mix.encodings, KINDS), (mix.kernels, SHRINK)):
                self.assertAlmostEqual(sum(shares.values()), 1, msg=name)
                self.assertLessEqual(shares.keys(), known.keys(), name)
        wide, random = MIXES["wide"], np.random.default_rng(1)
        self.assertEqual((wide.encodings.keys(), wide.kernels.keys()), (KINDS.keys(), SHRINK.keys()))
        kinds = [wide.encoding(random)[0] for _ in range(4000)]
        for kind, share in wide.encodings.items():
            self.assertAlmostEqual(kinds.count(kind) / len(kinds), share, delta=0.025, msg=kind)

    def test_levels_survive_every_kind(self) -> None:
        """Whatever a kind chooses, the mean and full range are kept, from black to white in either half."""
        random = np.random.default_rng(2)
        gray = np.full((SIZE // 2, SIZE // 2), 128, np.uint8)
        steps = np.repeat([[0, 60, 128, 255]], SIZE, 0).repeat(SIZE // 4, 1).astype(np.uint8)
        for kind, make in KINDS.items():
            for _ in range(6):
                sent = [(np.roll(steps, 3 * t, 0), gray, gray) for t in range(6)]
                decoded, encodings = sent, make(random)
                for encoding in encodings:
                    decoded = codec.planes_through(decoded, encoding)
                with self.subTest(kind, encodings=", ".join(map(str, encodings))):
                    self.assertEqual(len(decoded), len(sent))
                    for (luma, blue, red), (original, *_) in zip(decoded, sent):
                        self.assertEqual((luma.shape, blue.shape), ((SIZE, SIZE), (SIZE // 2, SIZE // 2)))
                        self.assertAlmostEqual(float(luma.mean()), float(original.mean()), delta=3)
                        for x, level in zip(range(8, SIZE, 16), (0, 60, 128, 255)):
                            self.assertAlmostEqual(float(luma[:, x].mean()), level, delta=8)
                        self.assertAlmostEqual(float(blue.mean()), 128, delta=2)
                        self.assertAlmostEqual(float(red.mean()), 128, delta=2)

    def test_blocks_shift(self) -> None:
        """Coarse MJPEG turns a slope into steps of eight columns, which move with the corner."""
        slope = np.tile(np.linspace(100, 130, SIZE), (SIZE, 1)).round().astype(np.uint8)
        gray = np.full((SIZE // 2, SIZE // 2), 128, np.uint8)
        for left in (0, 2, 6):
            luma = codec.through([(slope, gray, gray)], codec.shifted(codec.mjpeg(31), left, 4))[0].astype(int)
            breaks = np.abs(np.diff(luma, axis=1)).mean(0)  # between x and x + 1
            columns = {(x + 1 + left) % 8 for x in np.argsort(breaks)[-6:]}
            self.assertEqual(columns, {0}, left)

    def test_kernels_keep_levels(self) -> None:
        """A flat picture does not change; others keep their mean, and the middle of an edge its place."""
        high = data.to_bytes(sequences.planes(np.asarray(detailed(96, 96), np.float32))[0])
        edge = np.repeat([[50] * 48 + [200] * 48], 96, 0).astype(np.uint8)
        for name, make in SHRINK.items():
            for scale in (2, 3, 4):
                shrink = make(scale, np.random.default_rng(scale))
                with self.subTest(name, scale=scale):
                    low = shrink(high, 96 // scale)
                    self.assertEqual(low.shape, (96 // scale, 96 // scale))
                    self.assertAlmostEqual(float(low.mean()), float(high.mean()), delta=2)
                    self.assertLess(np.abs(shrink(np.full((96, 96), 235, np.uint8), 96 // scale) - 235.0).max(), 0.01)
                    self.assertAlmostEqual(float(shrink(edge, 96 // scale).mean()), 125, delta=0.5)

    def test_what_cameras_do(self) -> None:
        """One effect at a time: black and gray get the right levels, means are kept, haloes and grain are in place."""
        picture = sequences.planes(np.asarray(detailed(128, 128), np.float32))
        black = np.broadcast_to(degradations.OFFSET, (3, 128, 128))

        def seen(**shares: float) -> tuple[Camera, np.ndarray]:
            camera = Camera(replace(PLAIN, **shares), 2, np.random.default_rng(4))
            return camera, camera.scene(picture)

        camera, plain = seen()
        self.assertTrue(np.array_equal(plain, picture))
        camera, dark = seen(dark=1)
        self.assertAlmostEqual(float(dark[0].mean()), 16 + camera.light * (picture[0].mean() - 16), delta=0.01)
        self.assertTrue(np.array_equal(camera.scene(black), black))
        camera, full = seen(full_range=1)
        self.assertAlmostEqual(float(full[0].mean()), (picture[0].mean() - 16) * 255 / 219, delta=0.01)
        self.assertEqual(float(np.abs(camera.scene(black)[0]).max()), 0)
        camera, both = seen(full_range=1, dark=1)
        self.assertEqual(float(np.abs(camera.scene(black)[0]).max()), 0)
        camera, grainy = seen(grain=1)
        spots = grainy[0] - picture[0]
        self.assertAlmostEqual(float(spots.mean()), 0, delta=1)
        self.assertGreater(np.corrcoef(spots[:, 1:].ravel(), spots[:, :-1].ravel())[0, 1], 0.3)
        self.assertTrue(np.array_equal(grainy[1:], picture[1:]))
        edge = np.full((3, 128, 128), 60, np.float32)
        edge[0, :, 64:] = 180
        soft = Camera(PLAIN, 2, np.random.default_rng(0)).small(edge[0], 64)
        stay = set()
        for seed in range(12):
            camera = Camera(replace(PLAIN, sharpened=1), 2, np.random.default_rng(seed))
            high = camera.scene(edge)[0]
            low = camera.small(high, 64)
            stay.add(camera.haloes_stay)
            self.assertEqual(camera.haloes_stay, bool(high.max() > 181))
            self.assertEqual(bool(high.min() < 59), camera.haloes_stay)
            if not camera.haloes_stay:
                self.assertGreater(low.max(), soft.max() + 0.2)
            self.assertAlmostEqual(float(low.mean()), 120, delta=1)
        self.assertEqual(stay, {False, True})

    def test_windows_lie_in_the_image(self) -> None:
        """Also windows that show the whole image, of any size."""
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
        arguments = ["--images", self.folder / "images", "--size", 64, "--sequences", 4]
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
        self.assert_one_error(run(HERE / "train.py", *training, "--out", self.folder / "r4", "--patch", 72), "smaller")
        self.assert_one_error(run(HERE / "prepare.py", *arguments, "--out", self.folder / "one"), "one", "exists")
        self.assert_one_error(run(HERE / "prepare.py", "--images", self.folder / "images", "--out",
                                  self.folder / "big", "--size", 96), "smaller than 192x192")
        small = run(HERE / "prepare.py", "--images", self.folder / "images", "--out", self.folder / "small", "--size", 60)
        self.assertEqual(small.returncode, 2)
        self.assertIn("--size must be 64 or more", small.stderr)

    def test_clips_are_read_unchanged(self) -> None:
        """A clip from a lossless encoder has the luma that was encoded, at 8 and at 10 bits."""
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
        """10 bits in the lower or upper part of 16, in either byte order, give the same 8 bits."""
        ramp = np.add.outer(np.arange(48) * 2, np.arange(64)).astype(np.uint8)
        for kind, order, shift in (("yuv420p10le", "<u2", 2), ("yuv420p10be", ">u2", 2), ("p010le", "<u2", 8),
                                   ("gray16le", "<u2", 8), ("nv12", "u1", 0)):
            frame = av.VideoFrame(64, 48, kind)
            rows = np.zeros((48, frame.planes[0].line_size // np.dtype(order).itemsize), order)
            rows[:, :64] = ramp.astype(np.uint16) << shift
            frame.planes[0].update(rows.tobytes())
            self.assertIsNone(clips.no_luma(frame.format), kind)
            self.assertTrue(np.array_equal(clips.plane_bytes(frame), ramp), kind)

    def test_files_without_planar_video_are_refused(self) -> None:
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
