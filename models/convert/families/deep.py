"""Large networks that end in convolutions on the large grid, and those that are known but not supported."""

from __future__ import annotations

import torch

from ..errors import ConvertError
from ..graph import Graph, Node
from . import family, numbered, refuse
from .attention import MEAN

refuse("CoMo (IKM)", "its kernels are multiplied by features of the whole picture (dynamic kernels)",
       "body.0.body.0.body.0.layer.0.Conv2d", "body.0.body.0.body.0.layer.0.threshold")
refuse("KDSR", "its kernels are computed from the whole picture (dynamic kernels)",
       "G.head.0", "G.body.0.body.0.da_conv1.kernel.0")
refuse("safmnpp", "its max pooling has windows of an eighth of the picture, whatever its size",
       "feats.0.conv1.dwconv", "feats.0.conv1.proj", "to_img.0")
refuse("smfanet", "its max pooling has windows of an eighth of the picture, and each pixel's features are "
       "divided by their length", "feats.0.smfa.alpha", "to_img.0")
refuse("SAN", "it weights channels by the covariance of all of them over the whole picture", "RG.0.soca", "RG.0.rcab")
refuse("HPINet", "it weights pixels of a window by each other, and by those of the window most like it in the whole "
       "picture (attention), which no layer here does", "cross_match.0.norm", "blocks.0.layers.0.0.fn.to_q")
refuse("SwinFIR", "it weights pixels of a window by each other (attention), and takes the spectrum of the whole "
       "picture, which no layer here does", "layers.0.residual_group.blocks.0.attn", "layers.0.conv.fusion")
refuse("a transformer", "it weights pixels of a window by each other (attention), which no layer here does",
       "layers.0.residual_group.blocks.0.attn")
refuse("a transformer", "it weights pixels of a window by each other (attention), which no layer here does",
       "layers.0.residual_group.blocks.0.norm1")


def shifted(g: Graph, x: Node, name: str, mean: torch.Tensor) -> Node:
    """Mean subtracted or added again: as the file has it, a 1x1 of one factor a colour; else `mean`, of 255."""
    if not g.has(f"{name}.weight"):
        return g.affine(x, 1.0, mean)
    weight = g.tensor(f"{name}.weight", x.channels, x.channels, 1, 1)[..., 0, 0].double()
    if not torch.equal(weight, weight.diag().diag()):
        raise ConvertError(f"{name}.weight is not diagonal")
    return g.affine(x, weight.diag(), g.tensor(f"{name}.bias", x.channels).double())


def residual(g: Graph, x: Node, name: str, scale: float) -> Node:
    """EDSR's block; with `conv_du`, RCAN's, whose channels are weighted by their mean over the picture."""
    y = g.conv(g.act(g.conv(x, f"{name}.body.0"), "relu"), f"{name}.body.2")
    if g.has(f"{name}.body.3.conv_du.0.weight"):
        weights = g.act(g.conv(g.mean(y), f"{name}.body.3.conv_du.0"), "relu")
        y = g.mul(y, g.act(g.conv(weights, f"{name}.body.3.conv_du.2"), "sigmoid"))
    return g.add(g.affine(y, scale) if scale != 1 else y, x)


def upsampler(g: Graph, x: Node, names: list[str]) -> Node:
    """A convolution and a pixel shuffle, for each factor of the scale."""
    for name in names:
        y = g.conv(x, name)
        x = g.shuffle(y, round((y.channels / x.channels)**0.5))
    return x


def even(g: Graph, prefix: str) -> list[str]:
    """Its convolutions; the shuffles between them are numbered too."""
    return [name for name in (f"{prefix}.{k}" for k in range(0, 8, 2)) if g.has(f"{name}.weight")]


@family("rcan", "head.0", "body.0.body.0.body.0", "body.0.body.0.body.3.conv_du", "tail.0.0", input_range=255)
def rcan(g: Graph) -> Node:
    first = x = g.conv(shifted(g, g.x, "sub_mean", -255 * MEAN), "head.0")
    *groups, last = numbered(g, "body.{}")
    for group in groups:
        y, (*blocks, end) = x, numbered(g, f"{group}.body.{{}}")
        for name in blocks:
            y = residual(g, y, name, 1)
        x = g.add(g.conv(y, end), x)
    x = upsampler(g, g.add(g.conv(x, last), first), even(g, "tail.0"))
    return shifted(g, g.conv(x, "tail.1"), "add_mean", 255 * MEAN)


@family("edsr", "head.0", "body.0.body.0", "body.0.body.2", "tail.0.0", input_range=255)
def edsr(g: Graph) -> Node:
    """EDSR, its large form (256 features) with a tenth of each block's result, as published."""
    first = x = g.conv(shifted(g, g.x, "sub_mean", -255 * MEAN), "head.0")
    *blocks, last = numbered(g, "body.{}")
    for name in blocks:
        x = residual(g, x, name, 0.1 if x.channels == 256 else 1)
    x = upsampler(g, g.add(g.conv(x, last), first), even(g, "tail.0"))
    return shifted(g, g.conv(x, "tail.1"), "add_mean", 255 * MEAN)


@family("mdsr", "head.0", "pre_process.0.0.body.0", "upsample.0.0", "tail.0", input_range=255)
def mdsr(g: Graph) -> Node:
    """MDSR: one body for x2, x3, x4; one scale is converted."""
    scale = g.known_scale()
    if scale not in (2, 3, 4) or not g.has(f"upsample.{scale - 2}.0.weight"):
        raise ConvertError(f"there is no upsampler for x{scale}")
    mine = scale - 2
    g.used.update(name for name in g.tensors if name.startswith(("pre_process.", "upsample.")))
    first = g.conv(shifted(g, g.x, "sub_mean", -255 * MEAN), "head.0")
    for name in numbered(g, f"pre_process.{mine}.{{}}"):
        first = residual(g, first, name, 1)
    x, (*blocks, last) = first, numbered(g, "body.{}")
    for name in blocks:
        x = residual(g, x, name, 1)
    x = upsampler(g, g.add(g.conv(x, last), first), even(g, f"upsample.{mine}"))
    return shifted(g, g.conv(x, "tail.0"), "add_mean", 255 * MEAN)


def dense(g: Graph, x: Node, names: list[str]) -> Node:
    """ESRGAN's dense block: each convolution sees the block's input and the results of all before it."""
    seen = [x]
    for name in names[:-1]:
        seen.append(g.act(g.conv(g.concat(seen), name), "leaky:0.2"))
    return g.add(g.affine(g.conv(g.concat(seen), names[-1]), 0.2), x)


def rrdbnet(g: Graph, head: str, body: list[list[list[str]]], names: tuple[str, ...]) -> Node:
    """`names`: the convolution after the body, the two that enlarge, and the last two."""
    behind, *enlarge, large, last = names
    g.x.channels = len(g.tensor(f"{last}.weight"))
    cell = round((g.tensor(f"{head}.weight").shape[1] / g.x.channels)**0.5)
    first = x = g.conv(g.unshuffle(g.x, cell) if cell > 1 else g.x, head)
    for blocks in body:
        y = x
        for block in blocks:
            y = dense(g, y, block)
        x = g.add(g.affine(y, 0.2), x)
    x = g.add(g.conv(x, behind), first)
    for name in enlarge:
        x = g.act(g.conv(g.resize(x, 2, "nearest"), name), "leaky:0.2")
    return g.conv(g.act(g.conv(x, large), "leaky:0.2"), last)


@family("rrdbnet", "conv_first", "body.0.rdb1.conv1", "conv_body", "conv_up1", "conv_hr", "conv_last")
def esrgan(g: Graph) -> Node:
    """Real-ESRGAN's large networks, and ESRGAN's under their names; x2 and x1 see the picture unshuffled."""
    body = [[[f"{name}.rdb{k}.conv{j}" for j in range(1, 6)] for k in (1, 2, 3)] for name in numbered(g, "body.{}")]
    return rrdbnet(g, "conv_first", body, ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"))


@family("rrdbnet", "model.0", "model.1.sub.0.RDB1.conv1.0", "model.3", "model.10")
def esrgan_first(g: Graph) -> Node:
    """ESRGAN as first published, and most networks that people trained with that code."""
    *names, behind = numbered(g, "model.1.sub.{}")
    body = [[[f"{name}.RDB{k}.conv{j}.0" for j in range(1, 6)] for k in (1, 2, 3)] for name in names]
    return rrdbnet(g, "model.0", body, (behind, "model.3", "model.6", "model.8", "model.10"))
