#!/usr/bin/env python3
"""Tests of models/convert.py: the published networks, what is lowered and how, files that are none; run as a script.

The networks are those of $RFDN_SHARED/reference/networks, or of shared/ beside the repository; without them those
tests say that they skip, all do without torch.
"""

from __future__ import annotations

import importlib.util
import json
import re
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import MODELS, REFERENCE, SHARED, WithFolder, main, need, run

need("numpy", "PIL", "torch")
import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(MODELS))
import networks
import published
import weights

from convert import evaluate, families, layers, lower, reference
from convert.errors import ConvertError
from convert.graph import Graph, Node

# The command itself, which has the name of the package beside it.
SPECIFICATION = importlib.util.spec_from_file_location("convert_command", MODELS / "convert.py")
COMMAND = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(COMMAND)
NETWORKS, SET5 = REFERENCE / "networks", SHARED / "data/val/Set5"
REFUSED = {"como_s_x2": "dynamic kernels", "plainusr_s_x2": "soft pooling",
           "safmnpp_light_x4": "an eighth of the picture", "smfanet_x2": "an eighth of the picture"}
needs_networks = unittest.skipUnless(NETWORKS.is_dir(), f"no published networks in {NETWORKS}")
torch.set_num_threads(1)


def picture(path: Path, unit: float) -> torch.Tensor:
    """A picture as 1 x colours x H x W, the largest sample being `unit`."""
    pixels = np.asarray(Image.open(path), np.float32)
    return torch.from_numpy(np.atleast_3d(pixels).transpose(2, 0, 1).copy())[None] * (unit / 255)


def convert(source: Path, *options: str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata that the command would write."""
    return COMMAND.convert(COMMAND.command_line().parse_args([str(source), "o", *options]))[:2]


def luma(rgb: np.ndarray) -> np.ndarray:
    """H x W x 3 to BT.601 luma in 16..235, which published scores are of."""
    return 16 + rgb @ np.array([65.481, 128.553, 24.966]) / 255


def score(tensors: dict[str, torch.Tensor], about: dict[str, str], file: Path) -> float:
    """PSNR of luma of a picture made small by bicubic and enlarged again, without borders of `scale` pixels."""
    scale, unit = int(about["scale"]), float(about["input_range"])
    image = Image.open(file).convert("RGB")
    width, height = (size // (4 * scale) * 4 * scale for size in image.size)
    image = image.crop((0, 0, width, height))
    small = np.asarray(image.resize((width // scale, height // scale), Image.Resampling.BICUBIC), float)
    samples = small if about["colour"] == "rgb" else luma(small)[..., None]
    x = torch.from_numpy(samples.transpose(2, 0, 1).astype(np.float32))[None] * (unit / 255)
    result = evaluate.enlarge(tensors, about, x)[0].numpy().transpose(1, 2, 0) * (255 / unit)
    result = np.clip(np.round(result), 0, 255)
    ours = luma(result) if about["colour"] == "rgb" else result[..., 0]
    difference = (ours - luma(np.asarray(image, float)))[scale:-scale, scale:-scale]
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


class Published(WithFolder):
    """Each published network, as the command converts it."""

    @needs_networks
    def test_results_are_the_authors(self) -> None:
        """Within 0.02 of 255, if the folder has the authors' results."""
        folders = [folder for folder in sorted(NETWORKS.iterdir()) if (folder / "weights.safetensors").is_file()]
        self.assertGreater(len(folders), len(REFUSED))
        compared = 0
        for folder in folders:
            if folder.name in REFUSED:
                continue
            with self.subTest(folder.name), torch.inference_mode():
                target = self.folder / "out.safetensors"
                weights.write(target, *convert(folder / "weights.safetensors"))
                tensors, about = weights.read(target)
                theirs = weights.read(folder / "weights.safetensors")[1]
                self.assertEqual({key: about[key] for key in ("scale", "colour", "input_range")},
                                 {key: theirs[key] for key in ("scale", "colour", "input_range")})
                unit = float(about["input_range"])
                for source in sorted(folder.glob("*.in.png")):
                    x = picture(source, unit)
                    ours = evaluate.enlarge(tensors, about, x)[0].numpy()
                    truth = Path(str(source).replace(".in.png", ".out.npy"))
                    if truth.exists():
                        self.assertEqual(ours.shape, np.load(truth).shape)
                        self.assertLess(np.abs(ours - np.load(truth)).max() * 255 / unit, 0.02, source.name)
                        compared += 1
        self.assertGreater(compared, 0)

    @unittest.skipUnless(NETWORKS.is_dir() and SET5.is_dir(), f"no published networks in {NETWORKS}, or no {SET5}")
    def test_scores_without_results(self) -> None:
        """Within 0.12 dB of the score on Set5 in the folder's README, where another program made the pictures small."""
        scored = 0
        for folder in sorted(NETWORKS.iterdir()):
            said = re.search(r"Set5 x\d (\d+\.\d+) dB", (folder / "README.md").read_text())
            if folder.name in REFUSED or not said or list(folder.glob("*.out.npy")):
                continue
            with self.subTest(folder.name), torch.inference_mode():
                tensors, about = convert(folder / "weights.safetensors")
                scores = [score(tensors, about, file) for file in sorted(SET5.glob("*.png"))]
                self.assertAlmostEqual(np.mean(scores), float(said[1]), delta=0.12)
                scored += 1
        self.assertGreater(scored, 0)

    @needs_networks
    def test_refusal_says_why(self) -> None:
        for name, word in REFUSED.items():
            source = NETWORKS / name / "weights.safetensors"
            with self.subTest(name), self.assertRaisesRegex(ConvertError, f"^{source}: .*{word}"):
                convert(source)


class Graphs(unittest.TestCase):
    """Lowered graphs compared with the graphs computed grid by grid."""

    def setUp(self) -> None:
        self.random = torch.Generator().manual_seed(7)

    def tensor(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self.random) / (np.prod(shape[1:]) or 1)**0.5

    def conv(self, g: Graph, x: Node, channels: int, side: int = 3, bias: bool = True, **how: object) -> Node:
        """A convolution with random weights."""
        weight = self.tensor(channels, x.channels // int(how.get("groups", 1)), side, side)
        return g.convolve(x, weight, self.tensor(channels) if bias else None, f"c{channels}", **how)

    def deconv(self, g: Graph, x: Node, channels: int, side: int, stride: int, pads: tuple, **how: int) -> Node:
        weight = self.tensor(x.channels, channels // how.get("groups", 1), side, side)
        return g.deconvolve(x, weight, self.tensor(channels), "up", stride, pads, **how)

    def check(self, g: Graph, output: Node, lines: int | None = None, words: tuple[str, ...] = ()) -> dict[str, str]:
        """The layers compute the same, are `lines` lines, and contain `words`.  Returns the metadata."""
        tensors, about = lower.lower(g, output)
        self.assertLess(reference.difference(g, output, tensors, about), 1e-5, about["layers"])
        self.assertEqual(str(layers.parse(about["layers"])[-1]), about["layers"].splitlines()[-1])
        if lines:
            self.assertEqual(len(about["layers"].splitlines()), lines, about["layers"])
        for word in words:
            self.assertIn(word, about["layers"])
        return about

    def test_deconvolutions(self) -> None:
        """With different sides, strides and crops, on the picture's grid and a finer one, in groups."""
        for side, stride, before, after in ((9, 3, 4, 2), (4, 2, 1, 1), (2, 2, 0, 0), (5, 4, 1, 0), (3, 2, 1, 0),
                                            (8, 4, 2, 2), (17, 2, 7, 8)):
            with self.subTest(side=side, stride=stride):
                g = Graph({}, 1)
                x = g.act(self.conv(g, g.x, 6), "relu")
                about = self.check(g, self.deconv(g, x, 1, side, stride, (before, before, after, after)), 2)
                self.assertEqual(about["scale"], str(stride))
        g = Graph({}, 1)
        x = self.deconv(g, self.conv(g, g.x, 4), 6, 4, 2, (1, 1, 1, 1), groups=2)
        self.assertEqual(self.check(g, self.deconv(g, x, 1, 4, 2, (1, 1, 1, 1)), 3)["scale"], "4")

    def test_convolutions_after_a_shuffle(self) -> None:
        """As at the end of EDSR and PAN: on the large grid, with pointwise gates there."""
        g = Graph({}, 3)
        x = g.shuffle(self.conv(g, g.act(self.conv(g, g.x, 8), "relu"), 32), 2)
        x = g.shuffle(self.conv(g, x, 32), 2)
        self.check(g, self.conv(g, x, 3), 4)
        g = Graph({}, 3)
        x = self.conv(g, g.resize(self.conv(g, g.x, 8), 2, "nearest"), 6)
        x = g.act(g.mul(x, g.act(self.conv(g, x, 6, 1), "sigmoid")), "leaky:0.2")
        self.check(g, g.add(self.conv(g, x, 3), g.resize(g.x, 2, "bilinear")))

    def test_strides(self) -> None:
        """A network at half or a quarter of the picture's size gets it unshuffled."""
        for padding, side in (((1, 1, 1, 1), 3), ((2, 2, 1, 1), 5), ((0, 0, 0, 0), 2), ((0, 0, 1, 1), 3)):
            with self.subTest(side=side, padding=padding):
                g = Graph({}, 3)
                x = g.act(self.conv(g, self.conv(g, g.x, 5), 8, side, stride=2, pads=padding), "relu")
                self.assertEqual(self.check(g, g.shuffle(self.conv(g, x, 48), 4), 3)["unshuffle"], "2")
        g = Graph({}, 1)
        x = self.conv(g, self.conv(g, g.x, 4, stride=2), 8, stride=2)
        self.assertEqual(self.check(g, g.shuffle(self.conv(g, x, 16), 4), 3)["unshuffle"], "4")
        g = Graph({}, 3)
        x = self.conv(g, g.unshuffle(g.x, 2), 12)
        self.assertEqual(self.check(g, g.shuffle(x, 2), 1)["scale"], "1")

    def test_shapes_without_arithmetic(self) -> None:
        """Groups, concatenation, slices, both orders of cells become slices of maps and rows of convolutions."""
        g = Graph({}, 3)
        x = self.conv(g, g.x, 12)
        self.check(g, g.shuffle(self.conv(g, self.conv(g, x, 8, groups=4), 12), 2), 7, ("rows=2:4",))
        g = Graph({}, 3)
        x = self.conv(g, g.x, 12)
        self.check(g, g.shuffle(self.conv(g, self.conv(g, x, 12, groups=12), 12), 2), 3, ("depthwise",))
        g = Graph({}, 3)
        x, y = self.conv(g, g.x, 6), g.act(self.conv(g, g.x, 4), "relu")
        self.check(g, g.shuffle(self.conv(g, g.concat([x, g.act(self.conv(g, x, 5), "tanh"), y, x]), 12), 2))
        g = Graph({}, 3)
        x = g.act(self.conv(g, g.x, 12), "leaky:0.1")
        x = g.concat([g.slice(x, 0, 3), self.conv(g, g.slice(x, 3, 12), 5)])
        self.check(g, g.shuffle(self.conv(g, x, 12), 2), 5)
        g = Graph({}, 3)
        same = g.concat([g.x] * 4)
        self.check(g, g.act(g.shuffle(g.add(self.conv(g, g.x, 12), same), 2, "dcr"), "clip:0:1"))
        g = Graph({}, 3)
        x = g.unshuffle(g.x, 2, "dcr")
        self.check(g, g.shuffle(self.conv(g, x, 48), 4), 1)

    def test_dense_blocks_take_no_copies(self) -> None:
        """New maps are appended to the stack, so that its slices are read before its last one is written."""
        g = Graph({}, 3)
        seen = [self.conv(g, g.x, 6)]
        for _ in range(3):
            seen.append(self.conv(g, g.concat(seen), 4))
        about = self.check(g, self.conv(g, g.concat([*seen, seen[1], seen[0]]), 3), 6, ("= stack 18",))
        self.assertNotIn("copy", about["layers"])

    def test_both_signs(self) -> None:
        g = Graph({}, 3)
        x = self.conv(g, g.x, 4)
        x = g.concat([g.act(x, "relu"), g.act(g.affine(x, -1), "relu")])
        self.check(g, g.shuffle(self.conv(g, x, 12), 2), 2)

    def test_constants(self) -> None:
        """Factors and summands are folded into weights; those of the input into mean and gain."""
        g = Graph({}, 3)
        x = g.affine(g.x, self.tensor(3) + 3, self.tensor(3))
        y = g.affine(self.conv(g, x, 8), self.tensor(8), self.tensor(8))
        y = g.add(g.affine(self.conv(g, g.act(y, "relu"), 8, bias=False), 0.2), y)
        about = self.check(g, g.shuffle(self.conv(g, y, 12), 2), 4)
        self.assertEqual((len(about["mean"].split()), len(about["gain"].split())), (3, 3))
        g = Graph({}, 1)
        x = self.conv(g, g.affine(g.x, 2.0, -1.0), 4)
        self.check(g, g.shuffle(g.add(g.affine(g.act(x, "relu"), 3.0), x), 2), words=("depthwise",))

    def test_activations(self) -> None:
        for how in ("relu", "leaky:0.3", "silu", "elu:0.7", "gelu", "tanh", "sigmoid", "hardswish", "clip:-0.25:0.5"):
            with self.subTest(how):
                g = Graph({}, 1)
                x = self.conv(g, g.act(self.conv(g, g.x, 4), how), 4)
                self.check(g, g.add(g.act(g.shuffle(x, 2), how), g.resize(g.x, 2, "nearest")), words=(f"act={how}",))
        g = Graph({}, 1)
        x = g.prelu_by(self.conv(g, g.x, 4), self.tensor(4), "p")
        x = g.prelu_by(self.conv(g, g.shuffle(self.conv(g, x, 12), 2), 5), self.tensor(5), "q")
        self.check(g, self.conv(g, x, 1))

    def test_products(self) -> None:
        """SPAN's gate, a gate with other readers, one channel for all, one pixel, a plain product, a square."""
        def ends(g: Graph, x: Node) -> Node:
            return g.shuffle(self.conv(g, x, 4), 2)

        g = Graph({}, 1)
        x = self.conv(g, g.x, 6)
        z = self.conv(g, x, 6)
        self.check(g, ends(g, g.mul(g.add(z, x), g.affine(g.act(z, "sigmoid"), 1, -0.5))), 4, ("times=sigmoid-half:",))
        self.check(g, ends(g, g.mul(x, g.act(z, "sigmoid"))), 3, ("gate=",))
        mask = g.act(z, "sigmoid")
        self.check(g, ends(g, g.add(g.mul(x, mask), mask)))
        self.check(g, ends(g, g.mul(z, g.act(g.slice(z, 2, 3), "sigmoid"))), 4, ("times=sigmoid:",))
        self.check(g, ends(g, g.mul(z, z)), 4, ("times=",))
        self.check(g, ends(g, g.mul(g.act(x, "sigmoid"), g.act(z, "sigmoid"))))
        for how in ("mean", "meanstd"):
            weight = g.act(self.conv(g, g.act(self.conv(g, g.mean(z, how), 2, 1), "relu"), 6, 1), "sigmoid")
            self.check(g, ends(g, g.mul(z, weight)), 7, (f"= {how} ",))
        big = g.shuffle(self.conv(g, x, 12), 2)
        self.check(g, self.conv(g, g.mul(big, g.act(self.conv(g, g.mean(big), 3, 1), "sigmoid")), 1))

    def test_enlarged_pictures(self) -> None:
        for how in ("nearest", "bilinear", "bicubic", "bicubic-mirror"):
            for factor in (2, 3, 4):
                with self.subTest(how, factor=factor):
                    g = Graph({}, 3)
                    x = g.shuffle(self.conv(g, g.x, 3 * factor**2), factor)
                    self.check(g, g.add(x, g.resize(g.x, factor, how)))
                    one = g.shuffle(self.conv(g, g.x, factor**2), factor)
                    self.check(g, g.add(g.resize(g.x, factor, how), one))

    def test_without_padding(self) -> None:
        """The picture is padded by the caller, or by the network itself, or only before one convolution."""
        g = Graph({}, 1)
        x = self.conv(g, self.conv(g, g.x, 4, pads=(0, 0, 0, 0)), 8, pads=(0, 0, 0, 0))
        self.assertEqual(self.check(g, self.deconv(g, x, 1, 4, 2, (3, 3, 3, 3)), 3)["extend"], "3")
        g = Graph({}, 1)
        x = self.conv(g, self.conv(g, g.pad(g.x, 2, "edge"), 4, pads=(0, 0, 0, 0)), 4, pads=(0, 0, 0, 0))
        self.assertEqual(self.check(g, g.shuffle(x, 2), 2)["extend"], "2")
        for how in ("edge", "mirror", "zero"):
            g = Graph({}, 1)
            x = self.conv(g, g.pad(self.conv(g, g.x, 4), 1, how), 4, pads=(0, 0, 0, 0))
            self.assertNotIn("extend", self.check(g, g.shuffle(x, 2)))
        g = Graph({}, 1)
        with self.assertRaisesRegex(ConvertError, "c4: zero padding of a map"):
            lower.lower(g, g.shuffle(self.conv(g, self.conv(g, g.x, 2, pads=(0, 0, 0, 0)), 4), 2))

    def test_attention_of_esa(self) -> None:
        tensors = {"e.conv2.weight": self.tensor(3, 3, 3, 3), "e.conv2.bias": self.tensor(3)}
        g = Graph(tensors, 1)
        x = self.conv(g, g.x, 6)
        first = self.conv(g, x, 3, 1)
        small = self.conv(g, g.act(self.conv(g, g.esa_pool(first, "e.conv2"), 3), "relu"), 3)
        mask = self.conv(g, g.up(self.conv(g, first, 3, 1), small), 6, 1)
        self.check(g, g.shuffle(self.conv(g, g.mul(x, g.act(mask, "sigmoid")), 4), 2), 9, ("up=", "gate=", "maxpool"))

    def test_refused_graphs(self) -> None:
        """The message names the operation and its place."""
        g = Graph({}, 1)
        x = self.conv(g, g.x, 4)
        cases = {
            "a kernel of 11 x 11": self.conv(g, self.conv(g, g.x, 4, 11), 1),
            "1025 channels; the limit is 1024": self.conv(g, self.conv(g, g.x, 1025), 1),
            "1 channels in and 4 out": x,
            "the result is 1/2 times": self.conv(g, g.x, 1, stride=2),
            "c4: a convolution of stride 2": self.conv(g, g.unshuffle(self.conv(g, g.x, 4, 4, stride=2,
                                                                                pads=(0, 0, 0, 0)), 2), 1),
            "up: a deconvolution whose result": self.deconv(g, x, 1, 4, 2, (1, 1, 0, 0)),
            "bilinear enlargement of a map that is finer": g.resize(g.shuffle(x, 2), 2, "bilinear"),
        }
        for word, output in cases.items():
            with self.subTest(word), self.assertRaisesRegex(ConvertError, word):
                lower.lower(g, output)


class Language(unittest.TestCase):
    """The evaluator, which all other tests rely on, on results computed by hand."""

    def compute(self, text: str, x: torch.Tensor, tensors: dict[str, torch.Tensor] | None = None,
                **about: str) -> torch.Tensor:
        return evaluate.enlarge(tensors or {}, {"scale": "1", "colour": "luma", "layers": text, **about}, x)

    def test_by_hand(self) -> None:
        x = torch.arange(6.0).reshape(1, 1, 2, 3)
        self.assertEqual(self.compute("r = copy x plus=x times=x", x).flatten().tolist(), [0, 2, 8, 18, 32, 50])
        self.assertEqual(self.compute("r = copy x act=leaky:0.5", -x).flatten().tolist(), [0, -.5, -1, -1.5, -2, -2.5])
        self.assertEqual(self.compute("m = mean x\nr = copy x times=m", x)[0, 0, 1, 2], 5 * 2.5)
        self.assertEqual(self.compute("r = copy x", x, mean="1", gain="2", clip="-1 3").flatten().tolist(),
                         [-1, 0, 2, 3, 3, 3])
        box = {"b.weight": torch.ones(1, 1, 3, 3)}
        sums = {"": [8, 15, 12, 8, 15, 12], "edge": [12, 18, 24, 21, 27, 33], "mirror": [12, 18, 24, 21, 27, 33]}
        for pad, wanted in sums.items():
            text = f"y = copy x {pad and f'pad={pad}'}\nr = conv y b"
            self.assertEqual(self.compute(text, x, box).flatten().tolist(), wanted, pad)
        halves = "s = stack 2\ns[0:1] = copy x\ns[1:2] = copy x times=x\nr = softmax s 1"
        self.assertEqual(self.compute(halves, x).flatten().tolist(), x.flatten().tolist())
        self.assertEqual(self.compute("r = copy x", x, unshuffle="2", extend="1").flatten().tolist(),
                         x.flatten().tolist())

    def test_wrong_lists(self) -> None:
        x = torch.zeros(1, 1, 4, 4)
        cases = {"": "the list is empty", "r = fold x": "line 1: fold is not an operation",
                 "r = copy y": "there is no map y",
                 "r = conv x": "line 1: conv takes 2 words, not 1", "r = conv x t": "t.weight is missing",
                 "r = copy x[0:2]": "x has 1 channels", "r = copy x\nr = copy x": "r is written again",
                 "s = stack 2\nr = copy s": "before all of it is written", "r = copy x wide=1": "wide=1 is not an option",
                 "r = copy x add=x add=x": "add is given twice", "r = copy x act=sine": "sine is not an activation"}
        for text, word in cases.items():
            with self.subTest(text), self.assertRaisesRegex(ConvertError, word):
                self.compute(text, x)


class Families(WithFolder):
    """Files of tensors, converted by the command."""

    def compact(self, colours: int = 3) -> dict[str, torch.Tensor]:
        return {"body.0.weight": torch.rand(8, colours, 3, 3) / 30, "body.0.bias": torch.rand(8),
                "body.1.weight": torch.rand(8), "body.2.weight": torch.rand(8, 8, 3, 3) / 80,
                "body.2.bias": torch.rand(8), "body.3.weight": torch.rand(8),
                "body.4.weight": torch.rand(4 * colours, 8, 3, 3) / 80, "body.4.bias": torch.rand(4 * colours)}

    def test_names_and_values_stay(self) -> None:
        tensors = self.compact()
        torch.save({"params_ema": tensors}, self.folder / "a.pth")
        result = run(MODELS / "convert.py", self.folder / "a.pth", self.folder / "a.safetensors", "--licence", "MIT")
        self.assertEqual(result.returncode, 0, result.stderr)
        back, about = weights.read(self.folder / "a.safetensors")
        self.assertEqual((about["architecture"], about["scale"], about["colour"], about["licence"], about["name"]),
                         ("compact", "2", "rgb", "MIT", "a"))
        for name, tensor in tensors.items():
            self.assertTrue(torch.equal(back[name], tensor), name)

    def test_kinds_of_safetensors(self) -> None:
        """Both kinds of half precision are read; other programs' metadata is ignored."""
        tensors = {name: tensor.half().float() for name, tensor in self.compact().items()}
        weights.write(self.folder / "a.safetensors", tensors, {"scale": "of four", "input_range": "7"}, "F16")
        back, about = convert(self.folder / "a.safetensors")
        self.assertEqual(about["input_range"], "1")
        self.assertTrue(torch.equal(back["body.2.weight"], tensors["body.2.weight"]))

    def test_branches_of_span_are_merged(self) -> None:
        """As training saves them, with outdated merged tensors; compared with the branches."""
        tensors: dict[str, torch.Tensor] = {}

        def branches(name: str, inputs: int, outputs: int) -> None:
            for part, shape in {"sk": (outputs, inputs, 1, 1), "conv.0": (2 * inputs, inputs, 1, 1),
                                "conv.1": (2 * outputs, 2 * inputs, 3, 3), "conv.2": (outputs, 2 * outputs, 1, 1),
                                "eval_conv": (outputs, inputs, 3, 3)}.items():
                tensors[f"{name}.{part}.weight"] = torch.randn(*shape) / np.prod(shape[1:])**0.5 / 2
                tensors[f"{name}.{part}.bias"] = torch.randn(shape[0]) / 4

        branches("conv_1", 3, 8)
        branches("conv_2", 8, 8)
        for block in range(1, 7):
            for k in (1, 2, 3):
                branches(f"block_{block}.c{k}_r", 8, 8)
        tensors |= {"conv_cat.weight": torch.randn(8, 32, 1, 1) / 6, "conv_cat.bias": torch.randn(8),
                    "upsampler.0.weight": torch.randn(12, 8, 3, 3) / 9, "upsampler.0.bias": torch.randn(12)}

        def conv(x: torch.Tensor, name: str) -> torch.Tensor:
            y = x
            for k, pad in enumerate((1, 0, 0)):
                y = torch.nn.functional.conv2d(y, tensors[f"{name}.conv.{k}.weight"],
                                               tensors[f"{name}.conv.{k}.bias"], padding=pad)
            return y + torch.nn.functional.conv2d(x, tensors[f"{name}.sk.weight"], tensors[f"{name}.sk.bias"])

        silu, join = torch.nn.functional.silu, torch.nn.functional.conv2d
        x = torch.rand(1, 3, 12, 14)
        y = first = conv((x - torch.tensor([0.4488, 0.4371, 0.4040])[:, None, None]) * 255, "conv_1")
        results = []
        for block in range(1, 7):
            inner = silu(conv(y, f"block_{block}.c1_r"))
            z = conv(silu(conv(inner, f"block_{block}.c2_r")), f"block_{block}.c3_r")
            y = (z + y) * (torch.sigmoid(z) - 0.5)
            results.append(y)
        y = join(torch.cat([first, conv(y, "conv_2"), results[0], inner], 1), tensors["conv_cat.weight"],
                 tensors["conv_cat.bias"])
        truth = torch.pixel_shuffle(join(y, tensors["upsampler.0.weight"], tensors["upsampler.0.bias"], padding=1), 2)

        torch.save(tensors, self.folder / "span.pth")
        ours = evaluate.enlarge(*convert(self.folder / "span.pth"), x)
        self.assertLess(float((ours - truth).abs().max() / truth.abs().max()), 1e-4)

    def test_ends_on_the_large_grid(self) -> None:
        """EDSR, MDSR, RCAN and ESRGAN with random weights, compared with PyTorch's own modules."""
        torch.manual_seed(5)
        made = [("edsr", published.edsr(8, 2, scale)) for scale in (2, 3, 4)]
        made += [("rcan", published.rcan(8, 2, 2, 2, 2)), ("mdsr", published.MDSR(8, 2, 3))]
        made += [("rrdbnet", published.RRDBNet(8, 4, 2, scale)) for scale in (1, 2, 4)]
        for name, network in made:
            unit = 1 if name == "rrdbnet" else 255
            x = unit * torch.rand(1, 3, 12, 16)
            with self.subTest(name), torch.no_grad():
                truth = network(x)
                torch.save(network.state_dict(), self.folder / "a.pth")
                more = ["--scale", "3"] if name == "mdsr" else []
                tensors, about = convert(self.folder / "a.pth", *more)
                self.assertEqual((about["architecture"], about["input_range"]), (name, str(unit)))
                ours = evaluate.enlarge(tensors, about, x)
                self.assertEqual(ours.shape, truth.shape)
                self.assertLess(float((ours - truth).abs().max()), 0.02 * unit / 255)

    def test_first_names_of_esrgan(self) -> None:
        """The same network with its older tensor names."""
        torch.manual_seed(6)
        tensors = published.RRDBNet(8, 4, 2, 4).state_dict()
        parts = {"conv_first.": "model.0.", "conv_body.": "model.1.sub.2.", "conv_up1.": "model.3.",
                 "conv_up2.": "model.6.", "conv_hr.": "model.8.", "conv_last.": "model.10."}

        def first(name: str) -> str:
            name = re.sub(r"body\.(\d)\.rdb(\d)\.conv(\d)\.", r"model.1.sub.\1.RDB\2.conv\3.0.", name)
            return next((new + name.removeprefix(old) for old, new in parts.items() if name.startswith(old)), name)

        torch.save(tensors, self.folder / "a.pth")
        torch.save({first(name): tensor for name, tensor in tensors.items()}, self.folder / "b.pth")
        x = torch.rand(1, 3, 9, 11)
        one, other = (evaluate.enlarge(*convert(self.folder / name), x) for name in ("a.pth", "b.pth"))
        self.assertTrue(torch.equal(one, other))

    def test_drn(self) -> None:
        """Growing by concatenation takes no copies, and the range that training wrote is kept."""
        torch.manual_seed(4)
        network = networks.DRN(1, 8, 3, 3, 4, 2)
        weights.write(self.folder / "ema.safetensors", network.state_dict(), {"input_range": "1", "scale": "3"})
        tensors, about = convert(self.folder / "ema.safetensors")
        self.assertEqual((about["architecture"], about["scale"], about["colour"]), ("drn", "3", "luma"))
        self.assertNotIn("copy", about["layers"])
        x = torch.rand(1, 1, 12, 14)
        with torch.no_grad():
            self.assertLess(float((evaluate.enlarge(tensors, about, x) - network(x)).abs().max()), 1e-5)

    def test_scale_that_tensors_do_not_tell(self) -> None:
        tensors = {"first_part.0.weight": torch.rand(6, 1, 5, 5), "first_part.1.weight": torch.rand(6),
                   "mid_part.0.weight": torch.rand(4, 6, 1, 1), "mid_part.1.weight": torch.rand(4),
                   "last_part.weight": torch.rand(4, 1, 9, 9)}
        torch.save(tensors, self.folder / "a.pth")
        with self.assertRaisesRegex(ConvertError, "a.pth: .*give --scale"):
            convert(self.folder / "a.pth")
        for scale in (2, 3, 4):
            self.assertEqual(convert(self.folder / "a.pth", "--scale", str(scale))[1]["scale"], str(scale))

    def test_what_is_not_run_is_known(self) -> None:
        """By tensor names as in the authors' files; the message for transformers is not about their integers."""
        window = "layers.0.residual_group.blocks.0."
        swin = ("conv_first.weight", f"{window}norm1.weight", f"{window}attn.qkv.weight",
                f"{window}attn.relative_position_index")
        cases = {"KDSR is not supported: .*dynamic kernels": ("G.sub_mean.weight", "G.head.0.weight", "E_st.E.0.weight",
                                                        "G.body.0.body.0.da_conv1.kernel.0.weight"),
                 "CoMo .IKM. is not supported: .*dynamic kernels": ("head.0.weight",
                                                             "body.0.body.0.body.0.layer.0.Conv2d.weight",
                                                             "body.0.body.0.body.0.layer.0.threshold"),
                 "SAN is not supported: .*covariance": ("head.0.weight", "RG.0.rcab.0.conv_first.0.weight",
                                                  "RG.0.soca.conv_du.0.weight", "non_local.non_local.g.weight"),
                 "HPINet is not supported: .*attention": ("first_conv.weight", "cross_match.0.norm.weight",
                                                    "blocks.0.layers.0.0.fn.to_q.weight"),
                 "SwinFIR is not supported: .*spectrum": (*swin, "layers.0.conv.fusion.weight"),
                 "a transformer is not supported: .*attention": (*swin, "layers.0.conv.weight")}
        for words, names in cases.items():
            tensors = {name: torch.zeros(4, 4, dtype=torch.int64 if name.endswith("index") else torch.float32)
                       for name in names}
            torch.save({"params": tensors}, self.folder / "a.pth")
            self.packed(self.folder / "a.safetensors", tensors)
            for file in ("a.pth", "a.safetensors"):
                with self.subTest(words, file=file), self.assertRaisesRegex(ConvertError, f"{file}: {words}"):
                    convert(self.folder / file)

    @staticmethod
    def packed(path: Path, tensors: dict[str, torch.Tensor]) -> None:
        """Writes a .safetensors, also with integers, which `weights.write` cannot write."""
        header, data = {}, b""
        for name, tensor in tensors.items():
            raw = tensor.numpy().tobytes()
            kind = {torch.int64: "I64", torch.float32: "F32"}[tensor.dtype]
            begin, data = len(data), data + raw
            header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [begin, len(data)]}
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + data)

    def test_bad_files(self) -> None:
        good = self.compact()
        torch.save(good, self.folder / "good.pth")
        whole = (self.folder / "good.pth").read_bytes()
        weights.write(self.folder / "good.safetensors", good, {})
        packed = (self.folder / "good.safetensors").read_bytes()
        cases: dict[str, tuple[object, str]] = {
            "unknown.pth": ({"layer.weight": torch.zeros(3, 3)}, "no known network has these tensors (layer.weight"),
            "missing.pth": ({n: t for n, t in good.items() if n != "body.3.weight"}, "body.3.weight is missing"),
            "shape.pth": (good | {"body.2.weight": torch.rand(8, 9, 3, 3)},
                          "body.2.weight is [8, 9, 3, 3], expected [any, 8, any, any]"),
            "bias.pth": (good | {"body.2.bias": torch.rand(9)}, "body.2.bias is [9], expected [8]"),
            "flat.pth": (good | {"body.0.weight": torch.rand(8)}, "body.0.weight is [8]"),
            "more.pth": (good | {"extra": torch.rand(8)}, "extra does not belong to this network (compact)"),
            "rows.pth": (good | {"body.4.weight": torch.rand(11, 8, 3, 3), "body.4.bias": torch.rand(11)},
                         "body.4 has 11 outputs"),
            "whole.pth": (good | {"body.2.bias": torch.ones(8, dtype=torch.int64)}, "body.2.bias is torch.int64, not"),
            "code.pth": (torch.nn.Conv2d(3, 3, 3), "holds more than tensors"),
            "half.pth": (whole[:len(whole) // 2], "cut off"),
            "text.pth": (b"not a network", "not a PyTorch file"),
            "half.safetensors": (packed[:len(packed) // 2], "the file ends within"),
            "short.safetensors": (packed[:40], "not a safetensors file"),
        }
        for name, (content, word) in cases.items():
            with self.subTest(name):
                if isinstance(content, bytes):
                    (self.folder / name).write_bytes(content)
                else:
                    torch.save(content, self.folder / name)
                with self.assertRaises(ConvertError) as caught:
                    convert(self.folder / name)
                self.assertTrue(str(caught.exception).startswith(f"{self.folder / name}: "), caught.exception)
                self.assertIn(word, str(caught.exception))
        result = run(MODELS / "convert.py", self.folder / "missing.pth", self.folder / "o")
        self.assert_one_error(result, "missing.pth", "body.3.weight is missing")
        self.assertEqual(result.returncode, 1)
        self.assertFalse((self.folder / "o").exists())

    def test_torchscript_is_told_from_a_state_dict(self) -> None:
        """Doing what the message says gives a file that can be converted."""
        network = torch.nn.Module()
        network.body = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.PReLU(8), torch.nn.Conv2d(8, 8, 3),
                                           torch.nn.PReLU(8), torch.nn.Conv2d(8, 4, 3))
        torch.jit.save(torch.jit.script(network), self.folder / "a.pt")
        with self.assertRaisesRegex(ConvertError, "a.pt: TorchScript") as caught:
            convert(self.folder / "a.pt")
        exec(str(caught.exception).rpartition(": ")[2], {"torch": torch})
        self.assertEqual(convert(self.folder / "a-state.pth")[1]["scale"], "2")

    def test_every_family_has_a_name_of_its_own(self) -> None:
        self.assertGreater(len({entry.name for entry in families.FAMILIES}), 20)


if __name__ == "__main__":
    main()
