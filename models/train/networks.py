"""The networks, under their authors' own tensor names.

A model's weights load here, in the authors' code and in the C engine without renaming.  Every network
takes N x C x H x W samples in its own input range and returns N x C x sH x sW in the same range.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import siblings

SLOPE = 0.05  # of every LeakyReLU
ATTENTION_NEEDS = 15  # rows and columns at least


def rounded(network: nn.Module) -> torch.autocast:
    """Context for a network's body: bfloat16 products if `bf16` is set, for faster training.

    The first and the last convolution and the skip between them carry the picture itself and stay in float32.
    """
    return torch.autocast("cpu", torch.bfloat16, enabled=network.bf16)


def conv3(inputs: int, outputs: int) -> nn.Conv2d:
    """3x3, zero padding, bias: keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE)


class ESA(nn.Module):
    """Enhanced spatial attention: the features times a mask computed at about a sixth of their size.

    `rfdn` has three 3x3 after the pool (`conv_max`, `conv3`, `conv3_`), `reprfn` only `conv3`.
    """

    def __init__(self, nf: int, f: int, long: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(nf, f, 1)
        self.conv_f = nn.Conv2d(f, f, 1)
        if long:
            self.conv_max = conv3(f, f)
        self.conv2 = nn.Conv2d(f, f, 3, stride=2)
        self.conv3 = conv3(f, f)
        if long:
            self.conv3_ = conv3(f, f)
        self.conv4 = nn.Conv2d(f, nf, 1)
        self.long = long

    def forward(self, x: Tensor) -> Tensor:
        """N x nf x H x W to the same; H and W must be at least ATTENTION_NEEDS."""
        first = self.conv1(x)
        small = F.max_pool2d(self.conv2(first), 7, 3)
        if self.long:
            small = self.conv3_(F.relu(self.conv3(F.relu(self.conv_max(small)))))
        else:
            small = self.conv3(small)
        up = F.interpolate(small, x.shape[2:], mode="bilinear", align_corners=False)
        return x * torch.sigmoid(self.conv4(up + self.conv_f(first)))


class RFDB(nn.Module):
    """RFDN's residual feature distillation block."""

    def __init__(self, nf: int, f: int, half: int) -> None:
        super().__init__()
        for k in (1, 2, 3):
            setattr(self, f"c{k}_d", nn.Conv2d(nf, half, 1))
            setattr(self, f"c{k}_r", conv3(nf, nf))
        self.c4 = conv3(nf, half)
        self.c5 = nn.Conv2d(4 * half, nf, 1)
        self.esa = ESA(nf, f, long=True)

    def forward(self, x: Tensor) -> Tensor:
        distilled = []
        for k in (1, 2, 3):
            distilled.append(leaky(getattr(self, f"c{k}_d")(x)))
            x = leaky(getattr(self, f"c{k}_r")(x) + x)
        distilled.append(leaky(self.c4(x)))
        return self.esa(self.c5(torch.cat(distilled, 1)))


class RFDN(nn.Module):
    """RFDN; with the sizes nf=50, 4 blocks, f=12, x4, the authors' E-RFDN of AIM 2020.

    `half` is the number of channels that a block distils at a time, nf / 2 unless it says otherwise.
    """

    def __init__(self, channels: int, nf: int, blocks: int, scale: int, f: int | None = None,
                 half: int | None = None) -> None:
        super().__init__()
        self.scale, self.channels, self.bf16 = scale, channels, False
        self.fea_conv = conv3(channels, nf)
        self.blocks = blocks
        for k in range(1, blocks + 1):
            setattr(self, f"B{k}", RFDB(nf, f or nf // 4, half or nf // 2))
        self.c = nn.Sequential(nn.Conv2d(nf * blocks, nf, 1), nn.LeakyReLU(SLOPE))
        self.LR_conv = conv3(nf, nf)
        self.upsampler = nn.Sequential(conv3(nf, channels * scale**2), nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        first = x = self.fea_conv(x)
        outputs = []
        with rounded(self):
            for k in range(1, self.blocks + 1):
                x = getattr(self, f"B{k}")(x)
                outputs.append(x)
            x = self.LR_conv(self.c(torch.cat(outputs, 1)))
        return self.upsampler(x + first)


class RepConv(nn.Module):
    """A 3x3 after re-parameterisation; a module only for the tensor name `rbr_reparam`."""

    def __init__(self, nf: int) -> None:
        super().__init__()
        self.rbr_reparam = conv3(nf, nf)

    def forward(self, x: Tensor) -> Tensor:
        return leaky(self.rbr_reparam(x))


class RepRFB(nn.Module):
    """RepRFN's block: four 3x3, the block's input added, then ESA if it has one (f > 0)."""

    def __init__(self, nf: int, f: int) -> None:
        super().__init__()
        self.repblock1 = RepConv(nf)
        self.repblock2 = RepConv(nf)
        self.repblock3 = RepConv(nf)
        self.conv3 = conv3(nf, nf)
        self.esa = ESA(nf, f, long=False) if f else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.repblock3(self.repblock2(self.repblock1(x)))
        return self.esa(leaky(self.conv3(y)) + x)


class RepRFN(nn.Module):
    """RepRFN, re-parameterised; f is ESA's width, 0 for none."""

    def __init__(self, channels: int, nf: int, blocks: int, scale: int, f: int = 0) -> None:
        super().__init__()
        self.scale, self.channels, self.bf16 = scale, channels, False
        self.fea_conv = conv3(channels, nf)
        self.blocks = blocks
        for k in range(1, blocks + 1):
            setattr(self, f"reprfb{k}", RepRFB(nf, f))
        self.lr_conv = conv3(nf, nf)
        self.upsampler = nn.Sequential()
        self.upsampler.add_module("conv", conv3(nf, channels * scale**2))
        self.upsampler.add_module("shuffle", nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        first = x = self.fea_conv(x)
        with rounded(self):
            for k in range(1, self.blocks + 1):
                x = getattr(self, f"reprfb{k}")(x)
            x = self.lr_conv(x)
        return self.upsampler(x + first)


class DistillingBlock(nn.Module):
    """DRN's residual distilling block: its input plus a residual, and `f` more channels distilled from the input."""

    def __init__(self, inputs: int, f: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv3(inputs, inputs), conv3(inputs, inputs)
        self.distil = nn.Conv2d(inputs, f, 1)

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x (inputs + f) x H x W."""
        return torch.cat([self.conv2(F.elu(self.conv1(x))) + x, F.elu(self.distil(x))], 1)


class DistillingGroup(nn.Module):
    """Blocks with a growing number of channels, a 1x1 back to the first number, and a skip around all of it."""

    def __init__(self, nf: int, blocks: int, f: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DistillingBlock(nf + k * f, f) for k in range(blocks)))
        self.reduce = nn.Conv2d(nf + blocks * f, nf, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.elu(self.reduce(self.blocks(x))) + x


class DRN(nn.Module):
    """DRN (Sun, Lu, Wang and Bai 2019, "Distilling with residual network"); each block distils f channels.

    Its authors published no weights that would give tensor names: head and end are named like RFDN's.  That the
    convolutions in a block are as wide as its input is our choice.
    """

    def __init__(self, channels: int, nf: int, blocks: int, scale: int, f: int, groups: int) -> None:
        super().__init__()
        self.scale, self.channels, self.bf16 = scale, channels, False
        self.fea_conv = conv3(channels, nf)
        self.groups = nn.Sequential(*(DistillingGroup(nf, blocks, f) for _ in range(groups)))
        self.LR_conv = conv3(nf, nf)
        self.upsampler = nn.Sequential(conv3(nf, channels * scale**2), nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        first = self.fea_conv(x)
        with rounded(self):
            x = self.LR_conv(self.groups(first))
        return self.upsampler(x + first)


Network = RFDN | RepRFN | DRN


def start_near_nearest(network: Network) -> None:
    """Initialise so that the untrained network repeats each sample `scale` times in both directions.

    The first feature of each colour carries the image through the outer skip to the pixel shuffle; everything
    else starts small.  Training then begins at about 30 dB and need not learn to pass the image through.
    """
    colours = network.channels
    last, before = (network.upsampler.conv, network.lr_conv) if isinstance(network, RepRFN) else \
        (network.upsampler[0], network.LR_conv)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=SLOPE)
                nn.init.zeros_(module.bias)
        before.weight.mul_(0.1)
        last.weight.mul_(0.1)
        network.fea_conv.weight[:colours] = 0
        before.weight[:colours] = 0
        for c in range(colours):
            network.fea_conv.weight[c, c, 1, 1] = 1
            own = slice(c * network.scale**2, (c + 1) * network.scale**2)
            last.weight[:, c] = 0
            last.weight[own, c, 1, 1] = 1


class UnknownNetwork(ValueError):
    """The tensors are not those of a network this file defines; the text says why."""


def describe(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Architecture, channels, nf, blocks, scale, f (and DRN's groups), from the tensors' names and shapes."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for architecture, block, last in (("rfdn", r"B(\d+)\.", "upsampler.0.weight"),
                                      ("reprfn", r"reprfb(\d+)\.", "upsampler.conv.weight"),
                                      ("drn", r"groups\.\d+\.blocks\.(\d+)\.", "upsampler.0.weight")):
        numbers = {int(m[1]) for m in map(re.compile(block).match, shapes) if m}
        if numbers and last in shapes and "fea_conv.weight" in shapes:
            break
    else:
        raise UnknownNetwork("no known network has these tensors: expected rfdn's (B1..., upsampler.0), "
                             "reprfn's (reprfb1..., upsampler.conv) or drn's (groups.0..., upsampler.0)")
    first = shapes["fea_conv.weight"]
    if len(first) != 4 or len(shapes[last]) != 4:
        raise UnknownNetwork("fea_conv and the upsampler must be two-dimensional convolutions")
    nf, channels = first[:2]
    scale = round((shapes[last][0] / channels) ** 0.5)
    if scale < 1 or scale**2 * channels != shapes[last][0]:
        raise UnknownNetwork(f"the upsampler's {shapes[last][0]} outputs are not {channels} channels at a whole scale")
    narrow = {"rfdn": "B1.esa.conv1", "reprfn": "reprfb1.esa.conv1", "drn": "groups.0.blocks.0.distil"}[architecture]
    facts: dict[str, Any] = {"architecture": architecture, "channels": channels, "nf": nf, "blocks": max(numbers),
                             "scale": scale, "f": shapes.get(f"{narrow}.weight", (0,))[0]}
    if architecture == "rfdn" and (half := shapes.get("B1.c1_d.weight", (0,))[0]) != nf // 2:
        facts["half"] = half
    if architecture == "drn":
        facts["blocks"] += 1  # numbered from 0
        facts["groups"] = 1 + max(int(m[1]) for m in map(re.compile(r"groups\.(\d+)\.").match, shapes) if m)
    return facts


def build(tensors: Mapping[str, Tensor]) -> Network:
    """The network that the tensors belong to, with them loaded."""
    facts = describe(tensors)
    kind = {"rfdn": RFDN, "reprfn": RepRFN, "drn": DRN}[facts.pop("architecture")]
    network = kind(**facts)
    wanted = network.state_dict()
    for name, tensor in wanted.items():
        if name not in tensors:
            raise UnknownNetwork(f"{name} is missing")
        if tensors[name].shape != tensor.shape:
            raise UnknownNetwork(f"{name} is {list(tensors[name].shape)}, expected {list(tensor.shape)}")
    for name in tensors:
        if name not in wanted:
            raise UnknownNetwork(f"{name} does not belong to this network")
    network.load_state_dict(dict(tensors))
    return network


def load(path: Path, sharpness: float = 0) -> tuple[Network, dict[str, Tensor], dict[str, str]]:
    """A safetensors file's network, its tensors and metadata; without siblings, but mixed with one by `sharpness`."""
    tensors, about = siblings.read(path, sharpness)
    try:
        return build(tensors), tensors, about
    except UnknownNetwork as error:
        raise UnknownNetwork(f"{path}: {error}") from None


def for_luma(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a network of RGB for luma, as which it sees gray: its first layer's sum over the colours, and the
    mean over the colours of its last one."""
    facts = describe(tensors)
    last = "upsampler.conv." if facts["architecture"] == "reprfn" else "upsampler.0."
    return {name: tensor.sum(1, keepdim=True) if name == "fea_conv.weight" else
            tensor.unflatten(0, (facts["channels"], -1)).mean(0) if name.startswith(last) else tensor
            for name, tensor in tensors.items()}


def at_range_1(tensors: Mapping[str, Tensor], input_range: float) -> dict[str, Tensor]:
    """The weights of an RFDN or RepRFN of another input range, for samples in 0..1.

    All layers but ESA's sigmoid only stretch or add: the biases shrink, and what the sigmoid gets stays as it was.
    """
    if describe(tensors)["architecture"] == "drn":
        raise UnknownNetwork("a network with ELU can only be trained in the range that it was made for")

    def changed(name: str, tensor: Tensor) -> Tensor:
        if name.endswith("esa.conv4.weight"):
            return tensor * input_range
        return tensor / input_range if name.endswith("bias") and not name.endswith("esa.conv4.bias") else tensor
    return {name: changed(name, tensor) for name, tensor in tensors.items()}


def at_scale(tensors: Mapping[str, Tensor], scale: int) -> dict[str, Tensor]:
    """Weights to start training the same network at another scale.

    Each of the scale^2 phases of an output pixel gets the mean kernel of the phases whose area it covers.
    """
    facts = describe(tensors)
    if facts["scale"] == scale:
        return dict(tensors)
    own = facts["scale"]
    share = torch.tensor([[max(0.0, min((i + 1) / scale, (j + 1) / own) - max(i / scale, j / own)) * scale
                           for j in range(own)] for i in range(scale)])
    shares = torch.kron(share, share)  # scale^2 x own^2
    last = "upsampler.conv." if facts["architecture"] == "reprfn" else "upsampler.0."
    return {name: torch.einsum("pq,cq...->cp...", shares, tensor.unflatten(0, (facts["channels"], -1))).flatten(0, 1)
            if name.startswith(last) else tensor for name, tensor in tensors.items()}


def even(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of an RFDN that distils an even number of channels, as 16-bit integers need it: one of zeros more if
    the number was odd.  The result is the same."""
    half = describe(tensors).get("half", describe(tensors)["nf"] // 2)
    if half % 2 == 0:
        return dict(tensors)
    result = dict(tensors)
    for name, tensor in tensors.items():
        if re.search(r"\.c([123]_d|4)\.", name):
            result[name] = torch.cat([tensor, torch.zeros_like(tensor[:1])])
        elif name.endswith(".c5.weight"):
            parts = tensor.unflatten(1, (4, half))
            result[name] = torch.cat([parts, torch.zeros_like(parts[:, :, :1])], 2).flatten(1, 2)
    return result


def deeper(tensors: Mapping[str, Tensor], more: int) -> dict[str, Tensor]:
    """The weights of a RepRFN with `more` further blocks, which computes the same until it is trained.

    The new blocks pass their input through.  If they have attention, it begins as a factor of a half everywhere,
    and the convolution that follows makes up for it.
    """
    facts = describe(tensors)
    if facts.pop("architecture") != "reprfn":
        raise UnknownNetwork("only RepRFN can get more blocks: in others one convolution takes the outputs of all blocks")
    network = RepRFN(**facts | {"blocks": facts["blocks"] + more})
    start_near_nearest(network)
    network.load_state_dict(dict(tensors), strict=False)  # the new blocks keep their random weights
    with torch.no_grad():
        for k in range(facts["blocks"] + 1, network.blocks + 1):
            block = network.get_submodule(f"reprfb{k}")
            for layer in [block.conv3, block.esa.conv4] if facts["f"] else [block.conv3]:
                layer.weight.zero_()
                layer.bias.zero_()
        if facts["f"]:
            network.lr_conv.weight.mul_(2**more)
    return network.state_dict()


def wider(tensors: Mapping[str, Tensor], features: int) -> dict[str, Tensor]:
    """The weights of a RepRFN whose layers have `features` channels, which computes the same until it is trained.

    The new channels see all others, but no old channel sees them.
    """
    facts = describe(tensors)
    if facts.pop("architecture") != "reprfn":
        raise UnknownNetwork("only RepRFN can get more channels: other networks divide theirs")
    if features <= facts["nf"]:
        raise UnknownNetwork(f"has {facts['nf']} channels already")
    network = RepRFN(**facts | {"nf": features})
    start_near_nearest(network)
    for name, tensor in network.state_dict().items():
        old = tensors[name]
        if tensor.shape == old.shape:
            tensor.copy_(old)
        elif tensor.dim() == 1:
            tensor[:len(old)] = old
        else:
            tensor[:old.shape[0], old.shape[1]:] = 0
            tensor[:old.shape[0], :old.shape[1]] = old
    return network.state_dict()


def smallest(network: nn.Module) -> int:
    """The fewest rows and columns that a network works on."""
    return ATTENTION_NEEDS if any(isinstance(module, ESA) for module in network.modules()) else 1


class Shared(nn.Module):
    """One body with an upsampler for each of several scales, all trained on the same small pictures.

    Features that are good for x4 are good for x2 too, and nearly all of the work is in the body.
    """

    def __init__(self, network: Network, others: Iterable[int]) -> None:
        """Upsamplers of scales other than the network's start with the weights of `at_scale`."""
        super().__init__()
        tensors = network.state_dict()
        self.scales = [network.scale, *others]
        self.upsamplers = nn.ModuleDict({f"x{s}": build(at_scale(tensors, s)).upsampler for s in self.scales})
        network.upsampler = nn.Identity()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The results of all scales, the network's own first."""
        features = self.network(x)
        return tuple(upsampler(features) for upsampler in self.upsamplers.values())

    def split(self, state: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
        """The state dict of a network of each scale, from this module's."""
        def part(prefix: str, to: str) -> dict[str, Tensor]:
            return {to + name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}
        return {s: part("network.", "") | part(f"upsamplers.x{s}.", "upsampler.") for s in self.scales}


def in_attention(name: str) -> bool:
    """Whether a module of this name is a convolution on ESA's small grid."""
    return re.search(r"esa\.conv(2|3|3_|_max)$", name) is not None


def multiply_adds(network: nn.Module) -> int:
    """Multiply-adds per input pixel without ESA's strided part (under 1 %)."""
    return sum(m.weight.numel() for name, m in network.named_modules()
               if isinstance(m, nn.Conv2d) and not in_attention(name))
