#!/usr/bin/env python3
"""Tests of what models/convert.py says about samples, and of its limits, which are the engine's; run as a script."""

from __future__ import annotations

import importlib.util
import re
import sys
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import MODELS, WithFolder, main, need, run

need("numpy", "torch")
import torch

sys.path.insert(0, str(MODELS))
import networks
import plugin
import weights
from data import InputError

from convert import counts, layers, limits, lower
from convert.errors import ConvertError
from convert.graph import Graph, Node

SPECIFICATION = importlib.util.spec_from_file_location("convert_command", MODELS / "convert.py")
COMMAND = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(COMMAND)
CORE = MODELS.parent / "core"
torch.set_num_threads(1)


def have_plugin() -> bool:
    try:
        plugin.check()
    except InputError:
        return False
    return True


def compact(width: int = 8) -> dict[str, torch.Tensor]:
    """A network of the family `compact`."""
    return {"body.0.weight": torch.rand(width, 3, 3, 3) / 30, "body.0.bias": torch.rand(width),
            "body.1.weight": torch.rand(width), "body.2.weight": torch.rand(12, width, 3, 3) / 80,
            "body.2.bias": torch.rand(12)}


class Command(WithFolder):
    """What is printed, and what is not written."""

    def convert(self, name: str, *options: str) -> tuple[str, list[str]]:
        """The range in the metadata, and the lines after the one about the model."""
        arguments = COMMAND.command_line().parse_args([str(self.folder / name), "o", *options])
        _, about, line = COMMAND.convert(arguments)
        return about["input_range"], line.splitlines()[1:]

    def test_assumed_range(self) -> None:
        """If neither file nor command line says the range, the message says what is assumed and how to change it."""
        torch.save(compact(), self.folder / "a.pth")
        said = "assuming samples of 0 to 1, as in the weights that the authors of compact released; if they are 0 to " \
            "255, add --input-range 255"
        result = run(MODELS / "convert.py", self.folder / "a.pth", self.folder / "out.safetensors")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.splitlines()[1:], [said])
        self.assertEqual(self.convert("a.pth"), ("1", [said]))
        self.assertEqual(self.convert("a.pth", "--input-range", "255"), ("255", []))
        self.assertEqual(self.convert("a.pth", "--input-range", "1"), ("1", []))
        weights.write(self.folder / "a.safetensors", compact(), {"input_range": "255"})
        self.assertEqual(self.convert("a.safetensors"), ("255", []))
        (self.folder / "a.param").write_text("7767517\n2 2\nInput in0 0 1 in0\n"
                                             "Convolution conv 1 1 in0 out0 0=3 1=3 4=1 5=1 6=81\n")
        (self.folder / "a.bin").write_bytes(bytes(4) + torch.rand(84).numpy().tobytes())
        said = "assuming samples of 0 to 1, since such files do not say; if they are 0 to 255, add --input-range 255"
        self.assertEqual(self.convert("a.param"), ("1", [said]))
        self.assertEqual(self.convert("a.param", "--input-range", "255"), ("255", []))

    def test_nothing_is_written_beyond_a_limit(self) -> None:
        """One line names the limit, also for networks that keep their tensors."""
        deep = networks.RepRFN(3, 4, limits.BLOCKS + 1, 2, 4).state_dict()
        torch.save(deep, self.folder / "deep.pth")
        result = run(MODELS / "convert.py", self.folder / "deep.pth", self.folder / "o")
        self.assert_one_error(result, "deep.pth", f"{limits.BLOCKS + 1} blocks",
                              f"the limits are {limits.MAP} and {limits.BLOCKS}")
        self.assertFalse((self.folder / "o").exists())
        torch.save(compact(), self.folder / "a.pth")
        options = COMMAND.command_line().parse_args([str(self.folder / "a.pth"), "o"])
        options.description = "x" * limits.HEADER
        with self.assertRaisesRegex(ConvertError, f"a.pth: the file's header .* the limit is {limits.HEADER}"):
            COMMAND.convert(options)


class Limits(WithFolder):
    """The limits compared with the engine's, and how much is counted."""

    NUMBERS = {"TEXT": ("arch/layers.c", "MAX_TEXT"), "LINES": ("arch/layers.c", "MAX_LINES"),
               "LAYERS": ("arch/layers.c", "MAX_LAYERS"), "CHANNELS": ("arch/layers-maps.c", "MAX_ALL_CHANNELS"),
               "MAP": ("arch/arch.h", "RFDN_MAX_CHANNELS"), "BLOCKS": ("arch/arch.h", "RFDN_MAX_BLOCKS"),
               "WEIGHTS": ("arch/layers-operations.c", "MAX_WEIGHTS"),
               "SIDE": ("kernels/kernels.h", "RFDN_MAX_KERNEL"),
               "UNSHUFFLE": ("kernels/kernels.h", "RFDN_MAX_UNSHUFFLE"),
               "EXTEND": ("arch/layers-metadata.c", "MAX_EXTEND"),
               "SCALE": ("rfdn.h", "RFDN_MAX_SCALE"), "HEADER": ("safetensors.c", "MAX_HEADER"),
               "NAME": ("safetensors.c", "MAX_NAME")}

    def test_numbers_are_the_engines(self) -> None:
        ours = {name: number for name, number in vars(limits).items() if name.isupper()}
        self.assertEqual(set(ours), set(self.NUMBERS))
        for name, (file, macro) in self.NUMBERS.items():
            define = re.compile(rf"^#define {macro} \(?(\d+)u?(?: << (\d+)\))?", re.MULTILINE)
            found = define.search((CORE / file).read_text())
            self.assertEqual(ours[name], int(found[1]) << int(found[2] or 0), macro)
        self.assertEqual(weights.HEADER, limits.HEADER)

    def test_numbers_are_what_is_promised(self) -> None:
        """The header and the page about lists state the same limits."""
        header = " ".join((CORE / "rfdn.h").read_text().replace("\n *", " ").split())
        self.assertIn(f"A list of layers has at most {limits.TEXT >> 10} KiB and {limits.LINES} lines, and becomes at "
                      f"most {limits.LAYERS} layers; a map has at most {limits.MAP} channels, all maps "
                      f"together {limits.CHANNELS}; a filter's sides are odd and at most {limits.SIDE}; all layers "
                      f"together have at most 2^{limits.WEIGHTS.bit_length() - 1} weights.", header)
        page = (MODELS / "LAYERS.md").read_text()
        self.assertIn(f"Limits: {limits.TEXT >> 10} KiB of text, {limits.LINES} layers ({limits.LAYERS} with", page)
        self.assertIn(f"{limits.MAP} channels a map and {limits.CHANNELS} in all, "
                      f"2^{limits.WEIGHTS.bit_length() - 1} weights, names of {limits.NAME} characters", page)

    @staticmethod
    def wide(channels: int) -> tuple[Graph, Node]:
        """A network whose maps have `channels` channels in all."""
        g = Graph({}, 3)
        y, rest = g.x, channels - 3 - 12
        while rest:
            width = min(rest, limits.MAP)
            groups = width if width == y.channels else 1
            weight = torch.ones(width, y.channels // groups, 1, 1)
            y = g.act(g.convolve(y, weight, None, "c", groups=groups), "relu", "r")
            rest -= width
        return g, g.shuffle(g.convolve(y, torch.ones(12, y.channels, 1, 1), None, "last"), 2)

    def engine_says(self, tensors: dict[str, torch.Tensor], about: dict[str, str]) -> str:
        """The element's error message, empty if there is none."""
        file = self.folder / "a.safetensors"
        weights.write(file, tensors, about)
        try:
            plugin.launch(["videotestsrc", "num-buffers=1", "!", "video/x-raw,format=RGB,width=8,height=8", "!",
                           "rfdnupscale", f"model={file}", "!", "fakesink"], "")
        except InputError as error:
            return str(error)
        return ""

    def test_channels_of_all_maps(self) -> None:
        lower.lower(*self.wide(limits.CHANNELS))
        said = f"needs {limits.CHANNELS + 1} channels of all maps together; the limit is {limits.CHANNELS}"
        with self.assertRaisesRegex(ConvertError, said):
            lower.lower(*self.wide(limits.CHANNELS + 1))

    @unittest.skipUnless(have_plugin(), "GStreamer does not find rfdnupscale; run within `meson devenv -C build`")
    def test_the_engine_counts_channels_alike(self) -> None:
        self.assertEqual(self.engine_says(*lower.lower(*self.wide(limits.CHANNELS))), "")
        with unittest.mock.patch.object(limits, "CHANNELS", limits.CHANNELS + 1):
            tensors, about = lower.lower(*self.wide(limits.CHANNELS))
        self.assertIn(f"all maps together have more than {limits.CHANNELS} channels", self.engine_says(tensors, about))

    def test_counts(self) -> None:
        """Slices that are read before their stack is complete are gathered once."""
        tensors = {"a.weight": torch.ones(4, 3, 1, 1), "b.weight": torch.ones(4, 4, 3, 3), "b.bias": torch.ones(4),
                   "c.weight": torch.ones(6, 8, 1, 1), "slopes": torch.ones(4), "slope": torch.ones(1)}
        stack = "s = stack 8\ns[0:4] = conv x a\n{}s[4:8] = conv {} b act=prelu:slopes\n"
        cases = {"y = conv x a": (3 + 4, 1, 12),
                 "y = conv x a rows=1:3 act=prelu:slope": (3 + 2, 1, 6),
                 "y = conv x a\ny = conv y b bias=no add=y": (3 + 4 + 4, 2, 12 + 144),
                 stack.format("", "s[0:4]") + "z = conv s c": (3 + 4 + 4 + 8 + 6, 3 + 2, 12 + 152 + 48),
                 stack.format("y = conv x a\n", "y") + "z = conv s c\nw = conv s c add=z":
                     (3 + 8 + 4 + 6 + 6, 5, 12 + 12 + 152 + 48 + 48)}
        for text, (channels, made, numbers) in cases.items():
            with self.subTest(text):
                count = counts.Count(layers.parse(text), tensors, 3)
                self.assertEqual((count.channels, count.layers, count.weights), (channels, made, numbers))

    def test_each_limit_is_named(self) -> None:
        tensors = {"a.weight": torch.ones(1, 1, 1, 1).expand(1, 3, 1, 1)}
        lines = [layers.Layer(f"y{k}", "conv", "x", "a") for k in range(limits.LINES + 1)]
        with self.assertRaisesRegex(ConvertError, f"needs {limits.LINES + 1} layers; the limit is {limits.LINES}"):
            layers.write(lines)
        with self.assertRaisesRegex(ConvertError, f"bytes long; the limit is {limits.TEXT}"):
            layers.write([layers.Layer("y" * 100, "conv", "x", "a" * 100)] * (limits.LINES // 2 + 2))
        large = {"a.weight": torch.ones(1).expand(1024, 1024, 7, 7)}
        with self.assertRaisesRegex(ConvertError, f"weights; the limit is {limits.WEIGHTS}"):
            counts.check([layers.Layer("y", "conv", "x", "a"), layers.Layer("z", "conv", "y", "a")], large, 1024)
        with self.assertRaisesRegex(ConvertError, f"layers, copies included; the limit is {limits.LAYERS}"):
            counts.check([layers.Layer(f"y{k}", "conv", "x", "a") for k in range(limits.LAYERS + 1)], tensors, 3)


if __name__ == "__main__":
    main()
