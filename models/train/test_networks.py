#!/usr/bin/env python3
"""Tests of the networks, their branches and the converter; run as a script.

The comparison with the authors' outputs needs the reference folder: $RFDN_SHARED/reference, or
shared/reference next to the repository.  Without it those tests are skipped, and without torch all.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing import MODELS, REFERENCE, WithFolder, main, need, needs_reference, run

need("numpy", "PIL", "torch")
import numpy as np
import torch
from PIL import Image

import branches
import networks
import weights


class Networks(WithFolder):
    @needs_reference
    def test_equal_to_the_authors(self) -> None:
        for folder in ("rfdn_aim_x4", "reprfn_ntire_x4"):
            tensors, about = weights.read(REFERENCE / folder / "weights.safetensors")
            network, unit = networks.build(tensors), float(about["input_range"]) / 255
            for source in sorted((REFERENCE / folder).glob("*.in.png")):
                with self.subTest(folder=folder, image=source.name), torch.inference_mode():
                    rgb = np.asarray(Image.open(source).convert("RGB"), np.float32) * unit
                    result = network(torch.from_numpy(rgb.transpose(2, 0, 1).copy())[None])[0].numpy()
                    truth = np.load(str(source).replace(".in.png", ".out.npy"))
                    self.assertEqual(result.shape, truth.shape)
                    self.assertLess(np.abs(result - truth).max() / unit, 0.01)

    def test_describe_finds_what_built_it(self) -> None:
        for kind, architecture, f in ((networks.RFDN, "rfdn", 4), (networks.RepRFN, "reprfn", 6),
                                      (networks.RepRFN, "reprfn", 0)):
            facts = {"channels": 3, "nf": 16, "blocks": 2, "scale": 3, "f": f}
            found = networks.describe(kind(**facts).state_dict())
            self.assertEqual(found, {"architecture": architecture, **facts})
        facts = {"channels": 3, "nf": 16, "blocks": 2, "scale": 3, "f": 4, "groups": 3}
        found = networks.describe(networks.DRN(**facts).state_dict())
        self.assertEqual(found, {"architecture": "drn", **facts})

    def test_drn_by_hand(self) -> None:
        """A block adds to its input and appends the channels it distils; the group has a skip around all blocks."""
        block = networks.DistillingBlock(3, 2)
        x = torch.rand(1, 3, 6, 7)
        with torch.no_grad():
            y = block(x)
            self.assertEqual(y.shape, (1, 5, 6, 7))
            self.assertTrue(torch.equal(y[:, 3:], torch.nn.functional.elu(block.distil(x))))
            block.conv2.weight.zero_()
            block.conv2.bias.zero_()
            self.assertTrue(torch.equal(block(x)[:, :3], x))
            group = networks.DistillingGroup(3, 2, 2)
            self.assertEqual(group.reduce.weight.shape, (3, 7, 1, 1))
            group.reduce.weight.zero_()
            group.reduce.bias.zero_()
            self.assertTrue(torch.equal(group(x), x))

    def test_sizes_of_published_networks(self) -> None:
        """Parameters and multiply-adds of E-RFDN and our luma network equal the published ones."""
        for network, parameters, cost in ((networks.RFDN(3, 50, 4, 4, 12), 433_448, 411_950),
                                          (networks.RepRFN(1, 16, 1, 2), 12_340, 12_240)):
            self.assertEqual(sum(p.numel() for p in network.parameters()), parameters)
            self.assertAlmostEqual(networks.multiply_adds(network), cost, delta=0.01 * cost)

    def test_start_repeats_samples(self) -> None:
        network = networks.RepRFN(1, 16, 1, 2)
        networks.start_near_nearest(network)
        x = torch.rand(1, 1, 20, 20)
        nearest = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        self.assertLess(float((network(x) - nearest).detach().abs().mean()), 0.2)

    def test_another_scale_starts_where_this_one_is(self) -> None:
        """x3 and x4 from x2's weights still repeat samples, and x4 is x2's output doubled by nearest neighbours."""
        network = networks.RepRFN(1, 8, 1, 2)
        networks.start_near_nearest(network)
        x = torch.rand(1, 1, 12, 12)
        with torch.no_grad():
            double = network(x)
            for scale in (3, 4):
                other = networks.build(networks.at_scale(network.state_dict(), scale))
                self.assertEqual(other(x).shape, (1, 1, 12 * scale, 12 * scale))
                if scale == 4:
                    self.assertTrue(torch.allclose(other(x), double.repeat_interleave(2, 2).repeat_interleave(2, 3),
                                                   atol=1e-5))
            back = networks.at_scale(networks.at_scale(network.state_dict(), 4), 2)
            self.assertTrue(all(torch.allclose(tensor, back[name], atol=1e-6)
                                for name, tensor in network.state_dict().items()))

    def test_further_blocks_change_nothing(self) -> None:
        """At first; and the zero weights that keep them silent can learn."""
        for f in (0, 3):
            network = networks.RepRFN(1, 8, 1, 2, f)
            x = torch.rand(1, 1, 20, 20)
            deep = networks.build(networks.deeper(network.state_dict(), 2))
            self.assertEqual(deep.blocks, 3)
            with torch.no_grad():
                before = network(x)
                self.assertGreater(float(before.std()), 0.01)
                self.assertTrue(torch.allclose(deep(x), before, atol=1e-6))
            deep(x).square().sum().backward()
            for k in (2, 3):
                self.assertGreater(float(deep.get_parameter(f"reprfb{k}.conv3.weight").grad.abs().max()), 0)
                if f:
                    self.assertGreater(float(deep.get_parameter(f"reprfb{k}.esa.conv4.weight").grad.abs().max()), 0)
        with self.assertRaisesRegex(networks.UnknownNetwork, "only RepRFN"):
            networks.deeper(networks.RFDN(1, 8, 1, 2).state_dict(), 1)

    def test_further_channels_change_nothing(self) -> None:
        """At first; and the zero weights that keep them unseen can learn."""
        for f in (0, 3):
            network = networks.RepRFN(1, 8, 2, 2, f)
            x = torch.rand(1, 1, 20, 20)
            wide = networks.build(networks.wider(network.state_dict(), 12))
            self.assertEqual(wide.fea_conv.out_channels, 12)
            with torch.no_grad():
                before = network(x)
                self.assertGreater(float(before.std()), 0.01)
                self.assertTrue(torch.allclose(wide(x), before, atol=1e-6))
            wide(x).square().sum().backward()
            for name in ("reprfb1.repblock2.rbr_reparam.weight", "lr_conv.weight", "upsampler.conv.weight"):
                unseen = wide.get_parameter(name)[:4, 8:]
                self.assertEqual(float(unseen.detach().abs().max()), 0)
                self.assertGreater(float(wide.get_parameter(name).grad[:4, 8:].abs().min()), 0, name)
        with self.assertRaisesRegex(networks.UnknownNetwork, "only RepRFN"):
            networks.wider(networks.RFDN(1, 8, 1, 2).state_dict(), 12)
        with self.assertRaisesRegex(networks.UnknownNetwork, "has 8 channels already"):
            networks.wider(networks.RepRFN(1, 8, 1, 2).state_dict(), 8)

    def test_rgb_networks_become_luma_ones(self) -> None:
        """Of range 1 and with an even number of distilled channels: as they see gray, to the last bits."""
        torch.manual_seed(7)
        for network in (networks.RFDN(3, 10, 2, 3), networks.RFDN(3, 12, 1, 2), networks.RepRFN(3, 8, 1, 4, 4)):
            x = torch.rand(1, 1, 20, 24)
            luma = networks.for_luma(network.state_dict())
            if isinstance(network, networks.RFDN):
                luma = networks.even(luma)
                self.assertEqual(luma["B1.c1_d.weight"].shape[0], 6)
            unit = networks.at_range_1(luma, 255)
            with torch.no_grad():
                expected = network(255 * x.expand(1, 3, -1, -1)).mean(1, keepdim=True)
                self.assertGreater(float(expected.std()), 1)
                self.assertTrue(torch.allclose(networks.build(luma)(255 * x), expected, rtol=1e-4, atol=1e-3))
                self.assertTrue(torch.allclose(255 * networks.build(unit)(x), expected, rtol=1e-4, atol=1e-3))


class Branches(WithFolder):
    def test_merged_equals_side_by_side(self) -> None:
        """Everywhere, also at borders, after all branches have changed; and expanding changes nothing."""
        for network in (networks.RepRFN(1, 8, 1, 2, 6), networks.RFDN(1, 8, 2, 3, 2)):
            networks.start_near_nearest(network)
            x = torch.rand(2, 1, 20, 23)
            with torch.no_grad():
                before = network(x)
                branches.expand(network)
                self.assertLess(float((network(x) - before).abs().max()), 1e-5)
                for parameter in network.parameters():
                    parameter.add_(0.1 * torch.randn_like(parameter))
                plain = networks.build(branches.merged(network))(x)
                blocks = [m for m in network.modules() if isinstance(m, branches.RepBlock)]
                self.assertGreater(len(blocks), 5)
                for block in blocks:
                    block.forward = block.side_by_side
                self.assertGreater(float((plain - before).abs().max()), 0.01)
                self.assertLess(float((network(x) - plain).abs().max()), 1e-4 * float(plain.abs().max()))

    def test_every_branch_learns(self) -> None:
        network = networks.RepRFN(1, 8, 1, 2)
        networks.start_near_nearest(network)
        branches.expand(network)
        network(torch.rand(2, 1, 16, 16)).square().sum().backward()
        for name, parameter in network.named_parameters():
            self.assertGreater(float(parameter.grad.abs().max()), 0, name)


class Convert(WithFolder):
    @needs_reference
    def test_authors_weights_bit_for_bit(self) -> None:
        source, target = REFERENCE / "rfdn_aim_x4", self.folder / "out.safetensors"
        result = run(MODELS / "convert.py", source / "RFDN_AIM.pth", target)
        self.assertEqual(result.returncode, 0, result.stderr)
        (ours, about), (theirs, _) = weights.read(target), weights.read(source / "weights.safetensors")
        self.assertEqual((about["architecture"], about["scale"], about["input_range"]), ("rfdn", "4", "255"))
        self.assertEqual(set(ours), set(theirs))
        for name in theirs:
            self.assertEqual(ours[name].numpy().tobytes(), theirs[name].numpy().tobytes(), name)

    def test_nested_and_prefixed(self) -> None:
        tensors = networks.RepRFN(1, 8, 2, 3).state_dict()
        torch.save({"params": {f"module.{name}": t for name, t in tensors.items()}}, self.folder / "a.pth")
        result = run(MODELS / "convert.py", self.folder / "a.pth", self.folder / "a.safetensors")
        self.assertEqual(result.returncode, 0, result.stderr)
        back, about = weights.read(self.folder / "a.safetensors")
        self.assertEqual((about["scale"], about["colour"]), ("3", "luma"))
        self.assertTrue(all(torch.equal(back[name], t) for name, t in tensors.items()))

    def test_bad_inputs(self) -> None:
        good = networks.RepRFN(1, 8, 1, 2).state_dict()
        cases = {
            "empty.pth": (b"", "PyTorch"), "text.pth": (b"hello world", "PyTorch"),
            "list.pth": ([1, 2], "state dict"), "number.pth": ({"a": 1}, "not a tensor"),
            "other.pth": ({"conv.weight": torch.zeros(3, 3)}, "no known network"),
            "part.pth": ({n: t for n, t in good.items() if n != "lr_conv.bias"}, "lr_conv.bias"),
            "shape.pth": ({**good, "lr_conv.bias": torch.zeros(9)}, "lr_conv.bias"),
            "whole.pth": (networks.RepRFN(1, 8, 1, 2), "tensors"),
        }
        for name, (content, word) in cases.items():
            with self.subTest(name):
                if isinstance(content, bytes):
                    (self.folder / name).write_bytes(content)
                else:
                    torch.save(content, self.folder / name)
                self.assert_one_error(run(MODELS / "convert.py", self.folder / name, self.folder / "o"), name, word)
        self.assert_one_error(run(MODELS / "convert.py", self.folder / "no.pth", self.folder / "o"), "no.pth")
        torch.save(good, self.folder / "good.pth")
        self.assert_one_error(run(MODELS / "convert.py", self.folder / "good.pth", self.folder / "o", "--scale", 4),
                              "scale is 2")


if __name__ == "__main__":
    main()
