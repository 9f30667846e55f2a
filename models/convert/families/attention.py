"""Networks that weight features by themselves (attention): SPAN and the like, ESA, of channels and of pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ConvertError
from ..graph import Graph, Node
from . import family, numbered, shuffled

MEAN = torch.tensor([0.4488, 0.4371, 0.4040], dtype=torch.float64)  # of DIV2K, R, G, B


def conv3xc(g: Graph, x: Node, name: str) -> Node:
    """SPAN's Conv3XC: already merged (`eval_conv`), or 1x1, 3x3, 1x1 with a parallel 1x1, which are merged here."""
    if not g.has(f"{name}.sk.weight"):
        return g.conv(x, f"{name}.eval_conv")
    first, middle, last = (g.tensor(f"{name}.conv.{k}.weight").double() for k in range(3))
    biases = [g.tensor(f"{name}.conv.{k}.bias").double() for k in range(3)]
    for part in ("weight", "bias"):  # training does not keep these up to date
        if g.has(f"{name}.eval_conv.{part}"):
            g.tensor(f"{name}.eval_conv.{part}")
    weight = torch.einsum("om,mnyx,ni->oiyx", last[..., 0, 0], middle, first[..., 0, 0])
    bias = last[..., 0, 0] @ (middle.sum((2, 3)) @ biases[0] + biases[1]) + biases[2]
    weight[:, :, 1, 1] += g.tensor(f"{name}.sk.weight", len(weight), x.channels, 1, 1)[..., 0, 0]
    bias = bias + g.tensor(f"{name}.sk.bias", len(weight))
    return g.convolve(x, weight.float(), bias.float(), name)


def centred(g: Graph) -> Node:
    """(x - mean) * 255."""
    mean = MEAN if g.x.channels == 3 else torch.zeros(g.x.channels)
    return g.affine(g.x, 255.0, -255.0 * mean)


def span_block(g: Graph, x: Node, name: str, first: Node | None = None) -> tuple[Node, Node]:
    """The block's result, and its first SiLU; `first` is that SiLU if computed elsewhere."""
    first = first or g.act(conv3xc(g, x, f"{name}.c1_r"), "silu")
    z = conv3xc(g, g.act(conv3xc(g, first, f"{name}.c2_r"), "silu"), f"{name}.c3_r")
    return g.mul(g.add(z, x), g.affine(g.act(z, "sigmoid"), 1.0, -0.5)), first


@family("span", "conv_1.eval_conv", "conv_1", "conv_cat", "block_1.c1_r")
def span(g: Graph) -> Node:
    x = g.x if g.has("no_norm") and g.tensor("no_norm") is not None else centred(g)
    features = y = conv3xc(g, x, "conv_1")
    results = []
    for name in numbered(g, "block_{}"):
        y, first = span_block(g, y, name)
        results.append(y)
    last = conv3xc(g, y, "conv_2")
    y = g.conv(g.concat([features, last, results[0], first]), "conv_cat")
    return shuffled(g, g.conv(y, "upsampler.0"))


@family("dscf", "conv_1.eval_conv", "conv_fused", "conv2_fused", "conv_cat_other")
def dscf(g: Graph) -> Node:
    """SPAN whose first two convolutions, and last two, are merged."""
    x = centred(g)
    features = y = conv3xc(g, x, "conv_1")
    first: Node | None = g.act(g.conv(x, "conv_fused"), "silu")
    results = []
    for name in numbered(g, "block_{}"):
        y, inner = span_block(g, y, name, first)
        first = None
        results.append(y)
    y = g.add(g.conv(g.concat([features, results[0], inner]), "conv_cat_other"), g.conv(y, "conv2_fused"))
    return shuffled(g, g.conv(y, "upsampler.0"))


@family("disp", "conv_1.eval_conv", "blocks.0.c1_r", "blocks.0._extern_conv_block")
def disp(g: Graph) -> Node:
    features = x = conv3xc(g, g.x, "conv_1")
    for name in numbered(g, "blocks.{}"):
        y = x
        for part in ("c1_r", "c2_r", "_extern_conv_block.0", "c3_r"):
            y = g.act(conv3xc(g, y, f"{name}.{part}"), "silu")
        x = g.add(y, x)
    return shuffled(g, g.conv(g.add(g.conv(x, "conv_2"), features), "upsampler.0"))


@family("spanv2", "block_1.c1.conv", "block_2.guidance_map_conv", "conv_near", "pointwise_conv")
def spanv2(g: Graph) -> Node:
    x, names = g.x, numbered(g, "block_{}")
    for k in (1, 2, 3):
        x = g.act(g.conv(x, f"block_1.c{k}.conv"), "relu")
    for name in names[1:]:
        y = g.act(g.conv(g.act(g.conv(x, f"{name}.c1.conv"), "relu"), f"{name}.c2.conv"), "relu")
        z = g.conv(y, f"{name}.c3.conv")
        x = g.mul(g.add(z, x), g.conv(z, f"{name}.guidance_map_conv"))
    near = g.conv(g.x, "conv_near", groups=g.x.channels)
    both = g.concat([near, x])
    return shuffled(g, g.conv(g.conv(both, "depthwise_conv", groups=both.channels), "pointwise_conv"))


def esa(g: Graph, x: Node, name: str) -> Node:
    """Spatial attention, with one 3x3 on the small grid."""
    first = g.conv(x, f"{name}.conv1")
    small = g.conv(g.esa_pool(first, f"{name}.conv2"), f"{name}.conv3")
    mask = g.conv(g.up(g.conv(first, f"{name}.conv_f"), small), f"{name}.conv4")
    return g.mul(x, g.act(mask, "sigmoid"))


@family("rlfn", "conv_1", "conv_1", "block_1.c1_r", "block_1.esa", input_range=255)
def rlfn(g: Graph) -> Node:
    features = x = g.conv(g.x, "conv_1")
    for name in numbered(g, "block_{}"):
        y = x
        for k in (1, 2, 3):
            y = g.act(g.conv(y, f"{name}.c{k}_r"), "leaky:0.05")
        x = esa(g, g.conv(g.add(y, x), f"{name}.c5"), f"{name}.esa")
    return shuffled(g, g.conv(g.add(g.conv(x, "conv_2"), features), "upsampler.0"))


def distilled(g: Graph, x: Node, name: str, how: str, last: str = "") -> Node:
    """IMDN's block up to its 1x1: a few channels of each convolution's result are kept, the others go on.

    `last` is the last convolution's activation, where it has one.
    """
    names = numbered(g, f"{name}.c{{}}")
    kept, y = [], x
    for part in names[:-2]:
        y = g.act(g.conv(y, part), how)
        rest = g.tensor(f"{names[names.index(part) + 1]}.weight").shape[1]
        kept.append(g.slice(y, 0, y.channels - rest))
        y = g.slice(y, y.channels - rest, y.channels)
    y = g.conv(y, names[-2])
    return g.concat([*kept, g.act(y, last) if last else y])


@family("imdn", "fea_conv", "IMDB1.c1", "IMDB1.cca", "LR_conv")
def imdn(g: Graph) -> Node:
    features = x = g.conv(g.x, "fea_conv")
    results = []
    for name in numbered(g, "IMDB{}"):
        y = distilled(g, x, name, "leaky:0.05")
        weights = g.conv(g.mean(y, "meanstd"), f"{name}.cca.conv_du.0")
        weights = g.act(g.conv(g.act(weights, "relu"), f"{name}.cca.conv_du.2"), "sigmoid")
        x = g.add(g.conv(g.mul(y, weights), f"{name}.c5"), x)
        results.append(x)
    y = g.conv(g.act(g.conv(g.concat(results), "c.0"), "leaky:0.05"), "LR_conv")
    return shuffled(g, g.conv(g.add(y, features), "upsampler.0"))


@family("imdn_rtc", "model.0", "model.1.sub.0.c1", "model.2")
def imdn_rtc(g: Graph) -> Node:
    features = x = g.conv(g.x, "model.0")
    *blocks, last = numbered(g, "model.1.sub.{}")
    for name in blocks:
        x = g.add(g.conv(distilled(g, x, name, "leaky:0.05"), f"{name}.c5"), x)
    return shuffled(g, g.conv(g.add(g.conv(x, last), features), "model.2"))


@family("imdn_rte", "fea_conv.0", "fea_conv.2", "block1.c1", "LR_conv", input_range=255)
def imdn_rte(g: Graph) -> Node:
    """At half the picture's size."""
    features = x = g.conv(g.act(g.conv(g.x, "fea_conv.0"), "relu"), "fea_conv.2", stride=2)
    for name in numbered(g, "block{}"):
        x = g.add(g.conv(distilled(g, x, name, "relu", "relu"), numbered(g, f"{name}.c{{}}")[-1]), x)
    return shuffled(g, g.conv(g.add(g.conv(x, "LR_conv"), features), "upsampler.0"))


@family("plainusr", "head", "block1.body.0", "blockm.body.3", "tail.0")
def plainusr(g: Graph) -> Node:
    """PlainUSR-U; the blocks work on the first channels and pass on the others unchanged."""
    if g.has("blockm.body.3.body.3.weight"):
        raise ConvertError("blockm.body.3: PlainUSR's attention by soft pooling (the mean of exp(x) x in 7x7 over that "
                           "of exp(x)) is not supported; PlainUSR-U has none")
    x = g.conv(g.x, "head")
    blocks = numbered(g, "block{}")
    for name in [*blocks[:len(blocks) // 2], "blockm", *blocks[len(blocks) // 2:]]:
        width = g.tensor(f"{name}.body.0.weight").shape[1]
        y = g.act(g.conv(g.slice(x, 0, width), f"{name}.body.0"), "leaky:0.05")
        y = g.conv(y, f"{name}.body.2")
        if g.has(f"{name}.body.3.body.0.weight"):
            part = g.mul(y, g.act(g.slice(y, 0, 1), "sigmoid"))
            y = g.mul(part, g.act(g.conv(y, f"{name}.body.3.body.0"), "sigmoid"))
        x = g.concat([y, g.slice(x, width, x.channels)])
    return shuffled(g, g.conv(x, "tail.0"))


def pixel_attention(g: Graph, x: Node, name: str) -> Node:
    """A 3x3 times the sigmoid of a 1x1 (of A2N's, of another 3x3), and a 3x3 of that."""
    seen = g.act(g.conv(x, f"{name}.k1"), "leaky:0.2") if g.has(f"{name}.k1.weight") else x
    mask = g.act(g.conv(seen, f"{name}.k2"), "sigmoid")
    return g.conv(g.mul(g.conv(x, f"{name}.k3"), mask), f"{name}.k4")


def enlarged(g: Graph, x: Node) -> Node:
    """PAN's end: enlarges by 2, 3, or 2 and 2, and adds the picture, enlarged bilinearly."""
    names = [name for name in ("upconv1", "upconv2") if g.has(f"{name}.weight")]
    scale = 4 if len(names) == 2 else g.scale or 2
    for k, name in enumerate(names, 1):
        y = g.conv(g.resize(x, 2 if len(names) == 2 else scale, "nearest"), name)
        y = g.mul(y, g.act(g.conv(y, f"att{k}.conv"), "sigmoid"))
        x = g.act(g.conv(g.act(y, "leaky:0.2"), f"HRconv{k}"), "leaky:0.2")
    return g.add(g.conv(x, "conv_last"), g.resize(g.x, scale, "bilinear"))


@family("pan", "conv_first", "SCPA_trunk.0", "trunk_conv", "HRconv1")
def pan(g: Graph) -> Node:
    features = x = g.conv(g.x, "conv_first")
    for name in numbered(g, "SCPA_trunk.{}"):
        a, b = (g.act(g.conv(x, f"{name}.conv1_{part}"), "leaky:0.2") for part in "ab")
        a = g.act(g.conv(a, f"{name}.k1.0"), "leaky:0.2")
        b = g.act(pixel_attention(g, b, f"{name}.PAConv"), "leaky:0.2")
        x = g.add(g.conv(g.concat([a, b]), f"{name}.conv3"), x)
    return enlarged(g, g.add(g.conv(x, "trunk_conv"), features))


def either(g: Graph, x: Node, name: str) -> tuple[Node, Node]:
    """Two weights, one pixel each, for all channels: softmax of two is the sigmoid of their difference."""
    first = g.tensor(f"{name}.ADM.0.weight", -1, x.channels)
    second = g.tensor(f"{name}.ADM.2.weight", 2, len(first))
    inner = g.act(g.convolve(g.mean(x), first[..., None, None], None, f"{name}.ADM.0"), "relu")
    more = (second[0] - second[1]) / 30

    def weight(row: Tensor, sign: str) -> Node:
        wide = row.expand(x.channels, -1)[..., None, None]
        return g.act(g.convolve(inner, wide, None, f"{name}.ADM.{sign}"), "sigmoid")
    return weight(more, "attention"), weight(-more, "non_attention")


@family("a2n", "conv_first", "AAB_trunk.0", "trunk_conv", "HRconv1", input_range=255)
def a2n(g: Graph) -> Node:
    features = x = g.conv(g.x, "conv_first")
    for name in numbered(g, "AAB_trunk.{}"):
        y = g.act(g.conv(x, f"{name}.conv_first"), "leaky:0.2")
        with_attention, without = either(g, y, name)
        attended = g.mul(pixel_attention(g, y, f"{name}.attention"), with_attention)
        plain = g.mul(g.conv(y, f"{name}.non_attention"), without)
        x = g.add(g.conv(g.act(g.add(attended, plain), "leaky:0.2"), f"{name}.conv_last"), x)
    return enlarged(g, g.add(g.conv(x, "trunk_conv"), features))


@family("idn", "conv1", "conv3_1", "down1", "upsample")
def idn(g: Graph) -> Node:
    """IDN, of luma.  Its deconvolution leaves the first row and column empty; bicubic fills them."""
    leaky = "leaky:0.05"
    x = g.act(g.conv(g.act(g.conv(g.x, "conv1"), leaky), "conv2"), leaky)
    for k, down in enumerate(numbered(g, "down{}"), 3):
        y = x
        for j in (1, 2, 3):
            y = g.act(g.conv(y, f"conv{k}_{j}", groups=4 if j == 2 else 1), leaky)
        kept = y.channels - g.tensor(f"conv{k}_4.weight").shape[1]
        short, y = g.slice(y, 0, kept), g.slice(y, kept, y.channels)
        for j in (4, 5, 6):
            y = g.act(g.conv(y, f"conv{k}_{j}", groups=4 if j == 5 else 1), leaky)
        x = g.act(g.conv(g.add(y, g.concat([x, short])), down), leaky)
    scale = g.scale or 2
    side = g.tensor("upsample.weight", x.channels, 1, -1, -1).shape[2]
    before = side // 2 - 1
    after = side - scale - before
    detail = g.deconv(x, "upsample", scale, (before, before, after, after))
    return g.add(g.mul(detail, first_left_out(g, scale)), g.resize(g.x, scale, "bicubic-mirror"))


def first_left_out(g: Graph, scale: int) -> Node:
    """A mask: 0 in the large picture's first row and column, else 1; zero padding shows where they are."""
    ones = g.convolve(g.x, torch.zeros(1, g.x.channels, 1, 1), torch.ones(1), "ones")
    taps = torch.zeros(scale, scale, 1, 3, 3)
    for row in range(scale):
        for column in range(scale):
            taps[row, column, 0, 1 if row else 0, 1 if column else 0] = 1
    return g.shuffle(g.convolve(ones, taps.flatten(0, 1), None, "within"), scale)
