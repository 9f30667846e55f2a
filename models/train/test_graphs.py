#!/usr/bin/env python3
"""Tests of models/convert.py on files that hold a graph: ncnn's and ONNX's, made here; run as a script.

ONNX is tested where the packages onnx and onnxruntime are; they say that they skip, all do without torch.
"""

from __future__ import annotations

import importlib.util
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import MODELS, WithFolder, main, need, run

need("numpy", "torch")
import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(MODELS))
from convert import evaluate

torch.set_num_threads(1)
# The command itself, which has the name of the package beside it.
SPECIFICATION = importlib.util.spec_from_file_location("convert_command", MODELS / "convert.py")
COMMAND = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(COMMAND)


class WithGraphs(WithFolder):
    """Random weights, and pictures through what the command makes of a file."""

    def setUp(self) -> None:
        super().setUp()
        self.random = torch.Generator().manual_seed(11)

    def tensor(self, *shape: int) -> Tensor:
        count = torch.tensor(shape[1:]).prod() if len(shape) > 1 else torch.tensor(4.0)
        return torch.randn(*shape, generator=self.random) / count**0.5

    def converted(self, path: Path, *options: str) -> tuple[dict[str, Tensor], dict[str, str]]:
        return COMMAND.convert(COMMAND.command_line().parse_args([str(path), "o", *options]))[:2]

    def assert_same(self, path: Path, x: Tensor, truth: Tensor, *options: str) -> dict[str, str]:
        """The file's layers make `truth` of the picture.  The metadata."""
        tensors, about = self.converted(path, *options)
        ours = evaluate.enlarge(tensors, about, x)
        self.assertEqual(ours.shape, truth.shape)
        self.assertLess(float((ours - truth).abs().max()), 1e-4, about["layers"])
        return about


class Ncnn(WithGraphs):
    """Pairs written here, against PyTorch."""

    def setUp(self) -> None:
        super().setUp()
        self.lines: list[str] = []
        self.numbers = b""

    def layer(self, kind: str, inputs: str, outputs: str, parameters: str = "", *numbers: Tensor, half: bool = False,
              marked: bool = False) -> None:
        """A line, named by its result; the first tensor with a mark of its precision where ncnn has one there."""
        words = inputs.split(), outputs.split()
        self.lines.append(f"{kind} {words[1][0]}_layer {len(words[0])} {len(words[1])} {inputs} {outputs} {parameters}")
        for k, values in enumerate(numbers):
            if marked and k == 0:
                self.numbers += struct.pack("<I", 0x01306B47 if half else 0)
            if half and k == 0:
                raw = values.half().numpy().tobytes()
                self.numbers += raw + bytes(-len(raw) % 4)
            else:
                self.numbers += values.numpy().tobytes()

    def conv(self, source: str, out: str, weight: Tensor, bias: Tensor | None, more: str = "",
             kind: str = "Convolution", **how: bool) -> None:
        outputs = weight.shape[1] if kind == "Deconvolution" else len(weight)
        stored = weight.transpose(0, 1).contiguous() if kind == "Deconvolution" else weight
        sizes = f"0={outputs} 1={weight.shape[3]} 5={int(bias is not None)} 6={weight.numel()}"
        self.layer(kind, source, out, f"{sizes} {more}", stored, *([] if bias is None else [bias]), marked=True, **how)

    def write(self) -> Path:
        path = self.folder / "net.param"
        path.write_text("\n".join(["7767517", f"{len(self.lines)} {len(self.lines)}", *self.lines]) + "\n")
        path.with_suffix(".bin").write_bytes(self.numbers)
        return path

    def test_plain(self) -> None:
        """Half precision, PReLU, an activation inside a convolution, nearest neighbours added, either file's name."""
        first, bias, slopes = self.tensor(6, 3, 3, 3).half().float(), self.tensor(6), self.tensor(6)
        second, last = self.tensor(5, 6, 3, 3), self.tensor(12, 5, 3, 3)
        self.layer("Input", "", "data")
        self.layer("Split", "data", "data_0 data_1")
        self.conv("data_0", "a", first, bias, "4=1", half=True)
        self.layer("PReLU", "a", "b", "0=6", slopes)
        self.conv("b", "c", second, None, "4=1 9=2 -23310=1,0.1")
        self.conv("c", "d", last, None, "4=1")
        self.layer("PixelShuffle", "d", "e", "0=2")
        self.layer("Interp", "data_1", "f", "0=1 1=2.0 2=2.0")
        self.layer("BinaryOp", "e f", "out", "0=0")
        path, x = self.write(), torch.rand(1, 3, 9, 11)
        y = F.leaky_relu(F.conv2d(F.prelu(F.conv2d(x, first, bias, padding=1), slopes), second, padding=1), 0.1)
        truth = F.pixel_shuffle(F.conv2d(y, last, padding=1), 2) + F.interpolate(x, scale_factor=2)
        about = self.assert_same(path, x, truth)
        self.assertEqual((about["scale"], about["colour"]), ("2", "rgb"))
        self.assert_same(path.with_suffix(".bin"), x, truth)

    def test_waifu2x(self) -> None:
        """Nothing pads; the deconvolution makes up for it."""
        kernels = [self.tensor(4, 1, 3, 3), self.tensor(8, 4, 3, 3)]
        end, bias = self.tensor(8, 1, 4, 4), self.tensor(1)
        self.layer("Input", "", "data")
        self.conv("data", "a", kernels[0], None)
        self.layer("ReLU", "a", "b", "0=0.1")
        self.conv("b", "c", kernels[1], None)
        self.conv("c", "out", end, bias, "3=2 4=3", "Deconvolution")
        x = torch.rand(1, 1, 8, 9)
        wide = F.pad(x, (3,) * 4, mode="replicate")
        y = F.conv2d(F.leaky_relu(F.conv2d(wide, kernels[0]), 0.1), kernels[1])
        about = self.assert_same(self.write(), x, F.conv_transpose2d(y, end, bias, 2, 3))
        self.assertEqual(about["extend"], "3")

    def test_arithmetic(self) -> None:
        """Constants, attention by the mean, groups, batch norm, scales, slices, all of them in one network."""
        first, wide = self.tensor(8, 1, 5, 5), self.tensor(8, 2, 3, 3)
        norm = [self.tensor(8), self.tensor(8), self.tensor(8).abs() + 0.5, self.tensor(8)]
        down, up, last = self.tensor(2, 8, 1, 1), self.tensor(8, 2, 1, 1), self.tensor(4, 11, 3, 3)
        self.layer("Input", "", "data")
        self.layer("BinaryOp", "data", "n", "0=1 1=1 2=0.5")
        self.conv("n", "a", first, None, "4=2")
        self.layer("BatchNorm", "a", "b", "0=8 1=0.001", *norm)
        self.layer("Swish", "b", "c")
        self.layer("Split", "c", "c0 c1 c2")
        self.conv("c0", "d", wide, None, "4=1 7=4", "ConvolutionDepthWise")
        self.layer("Pooling", "c1", "m", "0=1 4=1")
        self.conv("m", "m1", down, None, "9=1")
        self.layer("InnerProduct", "m1", "m2", f"0=8 1=0 2={up.numel()}", up, marked=True)
        self.layer("Sigmoid", "m2", "m3")
        self.layer("BinaryOp", "d m3", "e", "0=2")
        self.layer("Eltwise", "e c2", "f", "0=1 -23301=2,0.2,1.0")
        self.layer("Slice", "f", "g h", "-23300=2,3,-233")
        self.layer("TanH", "g", "i")
        self.layer("Concat", "i h i", "j")
        self.conv("j", "k", last, None, "4=1")
        self.layer("UnaryOp", "k", "l", "0=1")
        self.layer("PixelShuffle", "l", "o", "0=2")
        self.layer("Clip", "o", "out", "0=-0.2 1=0.3")
        x = torch.rand(1, 1, 10, 8)
        c = F.silu(F.batch_norm(F.conv2d(x - 0.5, first, padding=2), norm[1], norm[2], norm[0], norm[3], eps=0.001))
        gate = torch.sigmoid(F.conv2d(F.relu(F.conv2d(c.mean((2, 3), keepdim=True), down)), up))
        f = 0.2 * F.conv2d(c, wide, padding=1, groups=4) * gate + c
        joined = torch.cat([f[:, :3].tanh(), f[:, 3:], f[:, :3].tanh()], 1)
        truth = F.pixel_shuffle(-F.conv2d(joined, last, padding=1), 2).clamp(-0.2, 0.3)
        self.assertIn("mean", self.assert_same(self.write(), x, truth))

    def test_bad_pairs(self) -> None:
        def pair(*lines: str, numbers: bytes = b"", head: str = "7767517", count: int | None = None) -> Path:
            path = self.folder / "net.param"
            path.write_text("\n".join([head, f"{len(lines) if count is None else count} 9", *lines]))
            path.with_suffix(".bin").write_bytes(numbers)
            return path

        kernel = struct.pack("<I", 0) + bytes(36)
        start, conv = "Input data 0 1 data", "Convolution c 1 1 data a 0=1 1=3 4=1 6=9"
        cases: dict[str, tuple | dict] = {
            "does not begin with 7767517": {"head": "hello"},
            "is no layer: 'Input'": ("Input",), "no layer: 'Input data 0 2 data'": ("Input data 0 2 data",),
            "says 9 layers, and has 2": {"count": 9},
            "Convolution c: the .bin ends at byte 20": {"numbers": kernel[:20]},
            "the .bin has 44 bytes, and 40 are used": {"numbers": kernel + bytes(4)},
            "numbers of kind 0xd4b38": {"numbers": struct.pack("<I", 0x000D4B38) + bytes(9)},
            "Pooling p: of poolings only": (start, conv, "Pooling p 1 1 a b 0=0 1=2 2=2"),
            "Softmax s: Softmax is not run": (start, conv, "Softmax s 1 1 a b"),
            "Interp r: only nearest": (start, conv, "Interp r 1 1 a b 0=2 1=2 2=2 6=1"),
            "r: resized by 0.5 x 0.5": (start, conv, "Interp r 1 1 a b 0=3 1=0.5 2=0.5"),
            "ReLU r: there is no b yet": (start, conv, "ReLU r 1 1 b c"),
            "9 weights; 1 outputs of 5 x 5": (start, conv, "Convolution d 1 1 a b 0=1 1=5 4=2 6=9"),
        }
        for word, made in cases.items():
            with self.subTest(word):
                if isinstance(made, dict):
                    path = pair(start, conv, **{"numbers": kernel, **made})
                else:
                    path = pair(*made, numbers=kernel)
                with self.assertRaises(COMMAND.ConvertError) as caught:
                    self.converted(path)
                self.assertIn(word, str(caught.exception))
                self.assertTrue(str(caught.exception).startswith(f"{path}: "), caught.exception)
        path = pair(start, conv, numbers=kernel[:20])
        result = run(MODELS / "convert.py", path, self.folder / "o")
        self.assert_one_error(result, str(path), "the .bin ends")
        self.assertEqual(result.returncode, 1)
        path.with_suffix(".bin").unlink()
        self.assert_one_error(run(MODELS / "convert.py", path, self.folder / "o"), "net.bin", "cannot be read")


if __name__ == "__main__":
    main()
