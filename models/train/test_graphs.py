#!/usr/bin/env python3
"""Tests of models/convert.py on files that hold a graph: ncnn's and ONNX's, made here; run as a script.

ONNX is tested where the packages onnx and onnxruntime are; they say that they skip, all do without torch.
"""

from __future__ import annotations

import importlib.util
import struct
import sys
import unittest
import unittest.mock
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
# The command itself; a plain import would find the package of the same name.
SPECIFICATION = importlib.util.spec_from_file_location("convert_command", MODELS / "convert.py")
COMMAND = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(COMMAND)


class WithGraphs(WithFolder):
    """Random weights, and pictures through the converted file."""

    def setUp(self) -> None:
        super().setUp()
        self.random = torch.Generator().manual_seed(11)

    def tensor(self, *shape: int) -> Tensor:
        count = torch.tensor(shape[1:]).prod() if len(shape) > 1 else torch.tensor(4.0)
        return torch.randn(*shape, generator=self.random) / count**0.5

    def converted(self, path: Path, *options: str) -> tuple[dict[str, Tensor], dict[str, str]]:
        return COMMAND.convert(COMMAND.command_line().parse_args([str(path), "o", *options]))[:2]

    def assert_same(self, path: Path, x: Tensor, truth: Tensor, *options: str) -> dict[str, str]:
        """The converted file's result for the picture is `truth`.  Returns the metadata."""
        tensors, about = self.converted(path, *options)
        ours = evaluate.enlarge(tensors, about, x)
        self.assertEqual(ours.shape, truth.shape)
        self.assertLess(float((ours - truth).abs().max()), 1e-4, about["layers"])
        return about


class Ncnn(WithGraphs):
    """Pairs written here, compared with PyTorch."""

    def setUp(self) -> None:
        super().setUp()
        self.lines: list[str] = []
        self.numbers = b""

    def layer(self, kind: str, inputs: str, outputs: str, parameters: str = "", *numbers: Tensor, half: bool = False,
              marked: bool = False) -> None:
        """A line, named after its result; the first tensor has a mark of its precision if ncnn has one there."""
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
        """Half precision, PReLU, activation in a convolution, adding nearest neighbours, either file as argument."""
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
        """No convolution pads; the deconvolution makes up for it."""
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
        """Constants, attention by the mean, groups, batch norm, scales and slices in one network."""
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
            "is not a layer: 'Input'": ("Input",), "not a layer: 'Input data 0 2 data'": ("Input data 0 2 data",),
            "says 9 layers, but has 2": {"count": 9},
            "Convolution c: the .bin ends at byte 20": {"numbers": kernel[:20]},
            "the .bin has 44 bytes, but only 40 are used": {"numbers": kernel + bytes(4)},
            "values of kind 0xd4b38": {"numbers": struct.pack("<I", 0x000D4B38) + bytes(9)},
            "Pooling p: the only pooling": (start, conv, "Pooling p 1 1 a b 0=0 1=2 2=2"),
            "Softmax s: Softmax is not supported": (start, conv, "Softmax s 1 1 a b"),
            "Interp r: only nearest": (start, conv, "Interp r 1 1 a b 0=2 1=2 2=2 6=1"),
            "r: resized by 0.5 x 0.5": (start, conv, "Interp r 1 1 a b 0=3 1=0.5 2=0.5"),
            "ReLU r: there is no b yet": (start, conv, "ReLU r 1 1 b c"),
            "9 weights do not fit 1 outputs of 5 x 5": (start, conv, "Convolution d 1 1 a b 0=1 1=5 4=2 6=9"),
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


@unittest.skipUnless(importlib.util.find_spec("onnx"), f"{sys.executable} has no onnx")
class Onnx(WithGraphs):
    """Files made here by the package onnx, compared with PyTorch."""

    def setUp(self) -> None:
        super().setUp()
        self.nodes: list = []
        self.constants: dict[str, Tensor] = {}

    def node(self, op: str, inputs: str, outputs: str, **attributes: object) -> None:
        import onnx
        names = [name if name != "-" else "" for name in inputs.split()]
        self.nodes.append(onnx.helper.make_node(op, names, outputs.split(), f"{op.lower()}_{outputs.split()[0]}",
                                                **attributes))

    def const(self, name: str, value: Tensor) -> Tensor:
        self.constants[name] = value
        return value

    def write(self, colours: int = 1, size: tuple = ("h", "w"), opset: int = 20) -> Path:
        import onnx
        x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, colours, *size])
        y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, colours, "rows", "columns"])
        values = [onnx.numpy_helper.from_array(value.numpy(), name) for name, value in self.constants.items()]
        graph = onnx.helper.make_graph(self.nodes, "net", [x], [y], values)
        path = self.folder / "net.onnx"
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=9)
        path.write_bytes(model.SerializeToString())
        return path

    def test_plain(self) -> None:
        """Convolution, PReLU, batch norm, concatenation, split, TensorFlow's cell order; weights keep their names."""
        first, bias = self.const("head.weight", self.tensor(6, 3, 3, 3)), self.const("head.bias", self.tensor(6))
        slopes = self.const("act.weight", self.tensor(6, 1, 1))
        norm = [self.const(f"n{k}", self.tensor(6).abs() + 0.5) for k in range(4)]
        last = self.const("tail.weight", self.tensor(12, 9, 3, 3))
        self.const("sizes", torch.tensor([2, 4]))
        same = {"pads": [1, 1, 1, 1]}
        self.node("Conv", "x head.weight head.bias", "a", **same)
        self.node("BatchNormalization", "a n0 n1 n2 n3", "b", epsilon=1e-3)
        self.node("PRelu", "b act.weight", "c")
        self.node("Split", "c sizes", "d e", axis=1)
        self.node("Elu", "d", "f", alpha=0.5)
        self.node("Gelu", "e", "g")
        self.node("Concat", "x f g", "i", axis=1)
        self.node("Conv", "i tail.weight", "j", auto_pad="SAME_UPPER")
        self.node("DepthToSpace", "j", "y", blocksize=2, mode="DCR")
        x = torch.rand(1, 3, 8, 10)
        a = F.batch_norm(F.conv2d(x, first, bias, padding=1), norm[2], norm[3], norm[0], norm[1], eps=1e-3)
        c = F.prelu(a, slopes.flatten())
        j = F.conv2d(torch.cat([x, F.elu(c[:, :2], 0.5), F.gelu(c[:, 2:])], 1), last, padding=1)
        cells = j.reshape(1, 2, 2, 3, 8, 10).permute(0, 3, 4, 1, 5, 2).reshape(1, 3, 16, 20)
        about = self.assert_same(self.write(3), x, cells)
        self.assertIn("act=prelu:act.weight", about["layers"])
        self.assertIn("conv x head\n", about["layers"].replace(" act=", "\n"))

    def test_enlarged_and_padded(self) -> None:
        """Both kinds of resize, deconvolution, the network's own padding, Clip, constants first, a fixed size."""
        first, up = self.const("a.weight", self.tensor(5, 1, 3, 3)), self.const("b.weight", self.tensor(5, 1, 4, 4))
        self.const("mean", torch.tensor(0.25))
        self.const("twice", torch.tensor([1.0, 1.0, 2.0, 2.0]))
        self.const("sizes", torch.tensor([1, 1, 16, 20]))
        self.const("low", torch.tensor(-0.5))
        self.const("high", torch.tensor(1.5))
        self.const("around", torch.tensor([0, 0, 1, 1, 0, 0, 1, 1]))
        self.node("Sub", "x mean", "m")
        self.node("Pad", "m around", "p", mode="edge")
        self.node("Conv", "p a.weight", "a")
        self.node("LeakyRelu", "a", "b", alpha=0.25)
        self.node("ConvTranspose", "b b.weight", "c", strides=[2, 2], pads=[1, 1, 1, 1])
        self.node("Resize", "x - twice", "d", mode="nearest", coordinate_transformation_mode="asymmetric",
                  nearest_mode="floor")
        self.node("Resize", "x - - sizes", "e", mode="linear", coordinate_transformation_mode="pytorch_half_pixel")
        self.node("Add", "c d", "f")
        self.node("Sub", "f e", "g")
        self.node("Clip", "g low high", "y")
        x = torch.rand(1, 1, 8, 10)
        a = F.conv2d(F.pad(x - 0.25, (1,) * 4, mode="replicate"), first)
        big = F.conv_transpose2d(F.leaky_relu(a, 0.25), up, stride=2, padding=1)
        truth = big + F.interpolate(x, scale_factor=2) - F.interpolate(x, scale_factor=2, mode="bilinear")
        self.assert_same(self.write(1, (8, 10)), x, truth.clamp(-0.5, 1.5))

    def test_attention(self) -> None:
        """The mean over the picture, SiLU as a product, a gate."""
        first, last = self.const("a.weight", self.tensor(4, 1, 5, 5)), self.const("d.weight", self.tensor(4, 4, 3, 3))
        down, up = self.const("b.weight", self.tensor(2, 4, 1, 1)), self.const("c.weight", self.tensor(4, 2, 1, 1))
        self.node("Conv", "x a.weight", "a", pads=[2, 2, 2, 2])
        self.node("Sigmoid", "a", "s")
        self.node("Mul", "a s", "b")
        self.node("GlobalAveragePool", "b", "m")
        self.node("Conv", "m b.weight", "m1")
        self.node("Relu", "m1", "m2")
        self.node("Conv", "m2 c.weight", "m3")
        self.node("Sigmoid", "m3", "m4")
        self.node("Mul", "b m4", "c")
        self.node("Identity", "c", "c1")
        self.node("Constant", "", "half", value_float=0.5)
        self.node("Mul", "c1 half", "c2")
        self.node("Conv", "c2 d.weight", "d", pads=[1, 1, 1, 1])
        self.node("Tanh", "d", "e")
        self.node("DepthToSpace", "e", "y", blocksize=2, mode="CRD")
        x = torch.rand(1, 1, 7, 9)
        b = F.silu(F.conv2d(x, first, padding=2))
        gate = torch.sigmoid(F.conv2d(F.relu(F.conv2d(b.mean((2, 3), keepdim=True), down)), up))
        truth = F.pixel_shuffle(torch.tanh(F.conv2d(0.5 * b * gate, last, padding=1)), 2)
        self.assertIn("act=silu", self.assert_same(self.write(), x, truth)["layers"])

    def test_hard_swish(self) -> None:
        """On both sides of its bends at -3 and 3."""
        first = self.const("a.weight", 20 * self.tensor(4, 1, 3, 3))
        last = self.const("b.weight", self.tensor(4, 4, 3, 3))
        self.node("Conv", "x a.weight", "a", pads=[1, 1, 1, 1])
        self.node("HardSwish", "a", "b")
        self.node("Conv", "b b.weight", "c", pads=[1, 1, 1, 1])
        self.node("DepthToSpace", "c", "y", blocksize=2, mode="CRD")
        x = torch.rand(1, 1, 8, 10, generator=self.random)
        a = F.conv2d(x, first, padding=1)
        self.assertTrue((a < -3).any() and (a > 3).any() and (a.abs() < 3).any())
        truth = F.pixel_shuffle(F.conv2d(F.hardswish(a), last, padding=1), 2)
        self.assertIn("act=hardswish", self.assert_same(self.write(), x, truth)["layers"])

    def test_space_to_depth_and_slices(self) -> None:
        weight = self.const("a.weight", self.tensor(24, 12, 3, 3))
        for name, value in {"from": [6], "to": [1000], "axis": [1]}.items():
            self.const(name, torch.tensor(value))
        self.node("SpaceToDepth", "x", "s", blocksize=2)
        self.node("Conv", "s a.weight", "a", pads=[1, 1, 1, 1])
        self.node("Slice", "a from to axis", "b")
        self.node("Slice", "a zero from axis", "c")
        self.const("zero", torch.tensor([0]))
        self.node("Concat", "b c", "d", axis=1)
        self.node("Slice", "d zero twelve axis", "e")
        self.const("twelve", torch.tensor([12]))
        self.node("DepthToSpace", "e", "y", blocksize=2, mode="CRD")
        x = torch.rand(1, 3, 8, 12)
        cells = x.reshape(1, 3, 4, 2, 6, 2).permute(0, 3, 5, 1, 2, 4).reshape(1, 12, 4, 6)
        a = F.conv2d(cells, weight, padding=1)
        truth = F.pixel_shuffle(torch.cat([a[:, 6:], a[:, :6]], 1)[:, :12], 2)
        self.assertEqual(self.assert_same(self.write(3), x, truth)["unshuffle"], "2")

    def test_range_and_peer(self) -> None:
        """Samples of 0..255 by option; compared with ONNX Runtime if it is installed."""
        self.const("a.weight", self.tensor(4, 1, 3, 3))
        self.node("Conv", "x a.weight", "a", pads=[1, 1, 1, 1])
        self.node("DepthToSpace", "a", "y", blocksize=2, mode="CRD")
        path = self.write()
        result = run(MODELS / "convert.py", path, self.folder / "o", "--input-range", "255")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual("ONNX Runtime" in result.stdout, bool(importlib.util.find_spec("onnxruntime")), result.stdout)
        self.assertEqual(self.converted(path, "--input-range", "255")[1]["input_range"], "255")

    def test_bad_files(self) -> None:
        """The message names the operation and its place."""
        weight = self.tensor(4, 1, 3, 3)
        conv = ("Conv", "x a.weight", "a", {"pads": [1, 1, 1, 1]})
        shuffle = ("DepthToSpace", "a", "y", {"blocksize": 2, "mode": "CRD"})
        cases = {
            "Softmax softmax_y: Softmax is not supported": [conv, ("Softmax", "a", "y", {})],
            "Resize resize_y: linear with align_corners": [conv, ("Resize", "a - twice", "y", {
                "mode": "linear", "coordinate_transformation_mode": "align_corners"})],
            "resized by 1.5 x 1.5": [conv, ("Resize", "a - more", "y", {"mode": "linear"})],
            "Pad pad_p: reflect padding": [("Pad", "x around", "p", {"mode": "reflect"}), ("Relu", "p", "y", {})],
            "Gelu gelu_y: the approximation": [conv, ("Gelu", "a", "y", {"approximate": "tanh"})],
            "Concat concat_y: along axis 2": [conv, ("Concat", "a a", "y", {"axis": 2})],
            "Shape shape_s: the file does not say this map's size": [("Shape", "x", "s", {}), ("Add", "x s", "y", {})],
            "a.weight is [4, 1, 3, 3]": [conv, ("Conv", "a a.weight", "y", {})],
            "a convolution of stride 2": [("Conv", "x a.weight", "a", {"strides": [2, 2]}), shuffle],
        }
        for word, nodes in cases.items():
            with self.subTest(word):
                self.nodes = []
                self.constants = {"a.weight": weight, "twice": torch.tensor([1.0, 1, 2, 2]),
                                  "more": torch.tensor([1.0, 1, 1.5, 1.5]), "around": torch.tensor([0, 0, 1, 1] * 2)}
                for op, inputs, outputs, attributes in nodes:
                    self.node(op, inputs, outputs, **attributes)
                path = self.write()
                with self.assertRaises(COMMAND.ConvertError) as caught:
                    self.converted(path)
                self.assertIn(word, str(caught.exception))
                self.assertTrue(str(caught.exception).startswith(f"{path}: "), caught.exception)
        path.write_bytes(path.read_bytes()[:-40])
        result = run(MODELS / "convert.py", path, self.folder / "o")
        self.assert_one_error(result, str(path), "not a valid ONNX file")
        self.assertEqual(result.returncode, 1)


class WithoutOnnx(WithFolder):
    def test_the_package_is_named(self) -> None:
        (self.folder / "a.onnx").write_bytes(b"x")
        with unittest.mock.patch.dict(sys.modules, {"onnx": None}), \
                self.assertRaisesRegex(COMMAND.ConvertError, "^[^\n]*a.onnx: [^\n]*pip install onnx$"):
            COMMAND.convert(COMMAND.command_line().parse_args([str(self.folder / "a.onnx"), "o"]))


if __name__ == "__main__":
    main()
