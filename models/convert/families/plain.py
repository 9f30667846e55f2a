"""Networks of convolutions in a row."""

from __future__ import annotations

from ..errors import ConvertError
from ..graph import Graph, Node
from . import family, numbered, plus_nearest, scale_of, shuffled


@family("compact", "body.0", "body.1", "body.2", lacks=("head", "body.0.body"))
def compact(g: Graph) -> Node:
    """Real-ESRGAN's SRVGGNetCompact: 3x3 and PReLU in turns; most small networks in circulation are of this kind."""
    x, names = g.x, numbered(g, "body.{}")
    for name in names:
        x = g.conv(x, name) if g.tensor(f"{name}.weight").dim() == 4 else g.prelu(x, name)
    return plus_nearest(g, x)


@family("ecbsr", "backbone.0.0", "backbone.0.0", "backbone.0.1")
def ecbsr(g: Graph) -> Node:
    """ECBSR with its branches merged."""
    x = g.x
    for name in numbered(g, "backbone.{}"):
        x = g.conv(x, f"{name}.0")
        if g.has(f"{name}.1.weight"):
            x = g.prelu(x, f"{name}.1")
    return plus_nearest(g, x)


@family("abpn", "backbone.0", "backbone.2.0", "backbone.8")
def abpn(g: Graph) -> Node:
    """ABPN as ETDS's authors wrote it in PyTorch."""
    x = g.act(g.conv(g.x, "backbone.0"), "relu")
    for k in range(2, 6):
        x = g.act(g.conv(x, f"backbone.{k}.0"), "relu")
    x = g.act(g.conv(x, "backbone.6"), "relu")
    return plus_nearest(g, g.conv(x, "backbone.8"))


@family("etds", "conv_first", "backbone_convs.0", "conv_clip")
def etds(g: Graph) -> Node:
    x = g.act(g.conv(g.x, "conv_first"), "relu")
    for name in numbered(g, "backbone_convs.{}"):
        x = g.act(g.conv(x, name), "relu")
    x = g.act(g.conv(g.act(g.conv(x, "conv_last"), "relu"), "conv_clip"), "relu")
    scale = int((x.channels / g.x.channels)**0.5)
    return shuffled(g, g.slice(x, 0, g.x.channels * scale**2))  # further channels are left over from training


@family("espcn", "conv1", "conv1", "conv2", "conv3", lacks=("conv0", "conv4", "out"))
def espcn(g: Graph) -> Node:
    """ESPCN: of luma as in OpenCV's dnn_superres, of R, G, B as ETDS's authors trained it."""
    inner, outer = ("relu", "tanh") if g.x.channels == 1 else ("tanh", "sigmoid")
    x = g.act(g.conv(g.act(g.conv(g.x, "conv1"), inner), "conv2"), inner)
    return g.act(shuffled(g, g.conv(x, "conv3")), outer)


@family("fsrcnn", "first_part.0", "first_part.1", "mid_part.0", "last_part")
def fsrcnn(g: Graph) -> Node:
    x = g.prelu(g.conv(g.x, "first_part.0"), "first_part.1")
    for k, name in enumerate(numbered(g, "mid_part.{}")):
        x = g.prelu(x, name) if k % 2 else g.conv(x, name)
    scale = g.known_scale()
    side = g.tensor("last_part.weight", x.channels, g.x.channels, -1, -1).shape[2]
    before = (side - 1) // 2
    after = side - before - scale  # the rest of what scale (n - 1) + side has more than scale n
    return g.deconv(x, "last_part", scale, (before, before, after, after))


@family("fsrcnn", "conv1", "alpha1", "conv5", "out")
def fsrcnn_opencv(g: Graph) -> Node:
    """FSRCNN as in OpenCV's dnn_superres, where the deconvolution is a 1x1 and a shuffle."""
    x, names = g.x, numbered(g, "conv{}")
    for k, name in enumerate(names[:-1], 1):
        x = g.conv(x, name)
        x = g.prelu_by(x, g.tensor(f"alpha{k}", x.channels), f"alpha{k}")
    last = g.tensor(f"{names[-1]}.weight", -1, x.channels, -1, -1)
    return shuffled(g, g.convolve(x, last, g.tensor("out.bias", 1).expand(len(last)), names[-1]))


@family("acnet", "sequential.0", "sequential.0", "sequential.2")
def acnet(g: Graph) -> Node:
    x, names = g.x, [f"sequential.{k}" for k in range(0, 1000, 2) if g.has(f"sequential.{k}.weight")]
    for name in names[:-1]:
        x = g.act(g.conv(x, name), "relu")
    side = g.tensor(f"{names[-1]}.weight", x.channels, g.x.channels, -1, -1).shape[2]
    return g.deconv(x, names[-1], side, (0, 0, 0, 0))


@family("arnet", "head", "body.0.residual.0", "residual_scale", "upscale.0")
def arnet(g: Graph) -> Node:
    first = x = g.conv(g.x, "head")
    scale = float(g.tensor("residual_scale", 1))
    for name in numbered(g, "body.{}"):
        y = g.conv(g.act(g.conv(x, f"{name}.residual.0"), "leaky:0.2"), f"{name}.residual.2")
        x = g.add(g.affine(y, scale), x)
    return shuffled(g, g.conv(g.add(x, first), "upscale.0"))


@family("anime4k", "conv0", "conv0", "conv1", "conv2", "conv3", lacks=("conv4",))
def anime4k(g: Graph) -> Node:
    """Anime4K's CNN of size S: ReLU of both signs, one plane of detail for all colours."""
    names = numbered(g, "conv{}")
    x = g.conv(g.x, names[0])
    for name in names[1:]:
        x = g.conv(g.concat([g.act(x, "relu"), g.act(g.affine(x, -1), "relu")]), name)
    scale = scale_of(g, x, 1)
    return g.add(g.resize(g.x, scale, "bilinear"), g.shuffle(x, scale))


@family("cunny", "cin", "cin", "cout", "conv.0")
def cunny(g: Graph) -> Node:
    x = g.act(g.conv(g.x, "cin"), "relu")
    for name in numbered(g, "conv.{}"):
        x = g.act(g.conv(x, name), "relu")
    x = g.conv(x, "cout")
    scale = scale_of(g, x)
    return g.add(g.shuffle(x, scale), g.resize(g.x, scale, "bilinear"))


@family("waifu2x", "conv1", "conv1", "conv7", lacks=("alpha1", "conv3_1"))
def upconv7(g: Graph) -> Node:
    """waifu2x's upconv_7: no convolution pads, and the last one doubles the size."""
    x, names = g.x, numbered(g, "conv{}")
    for name in names[:-1]:
        x = g.act(g.conv(x, name, padding=0), "leaky:0.1")
    return g.deconv(x, names[-1], 2, (3, 3, 3, 3))


@family("bicubicpp", "conv0", "conv0", "conv1", "conv2", "conv_out")
def bicubicpp(g: Graph) -> Node:
    """Bicubic++: at half the picture's size."""
    first = g.act(g.conv(g.x, "conv0", stride=2), "leaky:0.1")
    x = g.act(g.conv(first, "conv1"), "leaky:0.1")
    x = g.add(g.act(g.conv(x, "conv2"), "leaky:0.1"), first)
    return shuffled(g, g.conv(x, "conv_out"))


@family("ncnet", "conv0", "conv0", "conv6", lacks=("conv7",), input_range=255)
def ncnet(g: Graph) -> Node:
    """NCNet and ABPN, written in TensorFlow: colours lie innermost in a cell."""
    x, names = g.x, numbered(g, "conv{}")
    for name in names[:-1]:
        x = g.act(g.conv(x, name), "relu")
    x = g.conv(x, names[-1])
    same = g.concat([g.x] * (x.channels // g.x.channels))
    return g.act(shuffled(g, g.add(x, same), "dcr"), "clip:0:255")


@family("edgesr", "filter", "filter", lacks=("filter.0",))
def edgesr(g: Graph) -> Node:
    """eSR: one convolution, then values weighted by the softmax of their keys; with one value no softmax."""
    return weighted(g, g.conv(g.x, "filter"), squared=False)


@family("edgesr", "filter.0", "filter.0", "filter.2", "filter.4")
def edgesr_cnn(g: Graph) -> Node:
    x = g.act(g.conv(g.act(g.conv(g.x, "filter.0"), "tanh"), "filter.2"), "tanh")
    return weighted(g, g.conv(x, "filter.4"), squared=True)


def weighted(g: Graph, x: Node, squared: bool) -> Node:
    """Pixel shuffle and softmax.  The scale is the user's, or 2: 2 N s s channels do not show it."""
    cell = (g.scale or 2)**2
    if x.channels == cell:
        return g.shuffle(x, g.scale or 2)
    if x.channels % (2 * cell):
        raise ConvertError(f"{x.name}: {x.channels} channels cannot be split into values and keys at scale {g.scale or 2}")
    if squared:
        half = x.channels // 2
        keys = g.slice(x, half, x.channels)
        x = g.concat([g.slice(x, 0, half), g.mul(keys, keys)])
    return g.shuffle(g.softmax(x, x.channels // (2 * cell)), g.scale or 2)


@family("drn", "fea_conv", "groups.0.blocks.0.distil", "groups.0.reduce", "LR_conv", "upsampler.0")
def drn(g: Graph) -> Node:
    """DRN, as in models/train/networks.py: each block appends its channels to those of its input."""
    features = x = g.conv(g.x, "fea_conv")
    for group in numbered(g, "groups.{}"):
        y = x
        for name in numbered(g, f"{group}.blocks.{{}}"):
            inner = g.conv(g.act(g.conv(y, f"{name}.conv1"), "elu:1"), f"{name}.conv2")
            y = g.concat([g.add(inner, y), g.act(g.conv(y, f"{name}.distil"), "elu:1")])
        x = g.add(g.act(g.conv(y, f"{group}.reduce"), "elu:1"), x)
    return shuffled(g, g.conv(g.add(g.conv(x, "LR_conv"), features), "upsampler.0"))
