"""EfficientNet-Lite with the batch norms folded into the convolutions.

Written for this project; the parameter names of the checkpoints follow the
lukemelas port.  Folding makes the network a plain chain of convolutions,
which is what is exported, quantised and fine-tuned.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

# repeats, kernel, stride, expand, in, out
STAGES = [
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
]
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}


def round_filters(f, width):
    if width == 1.0:
        return f
    f *= width
    n = max(8, int(f + 4) // 8 * 8)
    if n < 0.9 * f:
        n += 8
    return int(n)


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding, computed from the input size."""

    def __init__(self, cin, cout, k, s=1, groups=1):
        super().__init__(cin, cout, k, s, 0, 1, groups, bias=True)

    def forward(self, x):
        k, s = self.kernel_size[0], self.stride[0]
        if k > 1:
            h, w = int(x.shape[-2]), int(x.shape[-1])
            ph = max((math.ceil(h / s) - 1) * s + k - h, 0)
            pw = max((math.ceil(w / s) - 1) * s + k - w, 0)
            if ph % 2 == 0 and pw % 2 == 0:
                return F.conv2d(x, self.weight, self.bias, self.stride, (ph // 2, pw // 2), 1, self.groups)
            x = F.pad(x, [pw // 2, pw - pw // 2, ph // 2, ph - ph // 2])
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)


class Block(nn.Module):
    def __init__(self, k, s, e, cin, cout):
        super().__init__()
        self.expand = SameConv(cin, cin * e, 1) if e != 1 else None
        self.dw = SameConv(cin * e, cin * e, k, s, groups=cin * e)
        self.project = SameConv(cin * e, cout, 1)
        self.skip = s == 1 and cin == cout

    def forward(self, x):
        y = x
        if self.expand is not None:
            y = F.relu6(self.expand(y))
        y = F.relu6(self.dw(y))
        y = self.project(y)
        return y + x if self.skip else y


class Lite(nn.Module):
    """forward(x) -> (1280-channel map, [maps at the ends of stages 3, 5, 6 and 7])."""

    def __init__(self, variant="lite2"):
        super().__init__()
        width, depth = VARIANTS[variant]
        self.variant = variant
        self.stem = SameConv(3, 32, 3, 2)
        blocks, taps = [], []
        cin = 32
        for i, (r, k, s, e, _, cout) in enumerate(STAGES):
            cout = round_filters(cout, width)
            if 0 < i < len(STAGES) - 1:
                r = math.ceil(r * depth)
            for j in range(r):
                blocks.append(Block(k, s if j == 0 else 1, e, cin, cout))
                cin = cout
            taps.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)
        self.taps = [taps[2], taps[4], taps[5], taps[6]]
        self.tap_dims = [round_filters(c, width) for c in (40, 112, 192, 320)]
        self.head = SameConv(cin, 1280, 1)

    def forward(self, x):
        x = F.relu6(self.stem(x))
        maps = []
        for i, b in enumerate(self.blocks):
            x = b(x)
            if i in self.taps:
                maps.append(x)
        return F.relu6(self.head(x)), maps


def _fold(conv, sd, cname, bname, eps=1e-3):
    w = sd[cname + ".weight"].double()
    g, b = sd[bname + ".weight"].double(), sd[bname + ".bias"].double()
    m, v = sd[bname + ".running_mean"].double(), sd[bname + ".running_var"].double()
    s = g / torch.sqrt(v + eps)
    conv.weight.data.copy_((w * s[:, None, None, None]).float())
    conv.bias.data.copy_((b - m * s).float())


def load(variant, path):
    """-> (Lite with folded weights, classifier weight 1000x1280, classifier bias)."""
    sd = torch.load(path, map_location="cpu", weights_only=True)
    net = Lite(variant)
    _fold(net.stem, sd, "_conv_stem", "_bn0")
    for i, b in enumerate(net.blocks):
        p = f"_blocks.{i}."
        if b.expand is not None:
            _fold(b.expand, sd, p + "_expand_conv", p + "_bn0")
        _fold(b.dw, sd, p + "_depthwise_conv", p + "_bn1")
        _fold(b.project, sd, p + "_project_conv", p + "_bn2")
    _fold(net.head, sd, "_conv_head", "_bn1")
    return net, sd["_fc.weight"].clone(), sd["_fc.bias"].clone()
