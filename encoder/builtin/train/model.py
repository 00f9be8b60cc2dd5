"""The two towers of clipdb-mini and their export."""
import math

import torch
import torch.nn.functional as F
from onnx import TensorProto
from torch import nn

import backbone
import onnxgraph as og
from textmodel import TextTower

SIZE = 288
CONTEXT = 64
LOCAL_T, WHOLE_T = 1.5, 2.0


class ImageTower(nn.Module):
    """EfficientNet-Lite and a head of two paths that are added.

    concept: a mixture of 1,000 concept vectors, weighted by a softmax at every
    place of the feature map and by one over the whole picture.
    memory: radial basis functions around the training pictures, in a space of
    principal components of the pooled features of several depths.
    """

    def __init__(self, variant="lite2", dim=384, components=256, memories=2583, concepts=1000):
        super().__init__()
        self.net = backbone.Lite(variant)
        pooled = 1280 + 2 * sum(self.net.tap_dims)
        self.gate = nn.Conv2d(1280, concepts, 1)
        self.concept = nn.Linear(concepts, dim, bias=False)
        self.reduce = nn.Linear(pooled, components)
        self.memory = nn.Linear(components, memories)  # weight 2c, bias -|c|^2
        self.recall = nn.Linear(memories, dim)

    def features(self, x):
        """-> (pooled features, concept weights)."""
        return pool(*self.net(x), self.gate)

    def head(self, pooled, weights):
        z = self.reduce(pooled)
        k = torch.exp(self.memory(z) - (z * z).sum(-1, keepdim=True))
        return self.recall(k) + self.concept(weights)

    def forward(self, x):
        return F.normalize(self.head(*self.features(x)), dim=-1)


def pool(last, maps, gate):
    """-> (mean of the last map; mean and maximum of each earlier map), concept weights."""
    parts = [last.mean((2, 3))]
    for m in maps:
        parts += [m.mean((2, 3)), m.amax((2, 3))]
    return torch.cat(parts, 1), mixture(gate(last))


def mixture(logits):
    local = (logits / LOCAL_T).softmax(1).mean((2, 3))
    whole = (logits.mean((2, 3)) / WHOLE_T).softmax(1)
    return 0.5 * local + 0.5 * whole


class TextEncoder(nn.Module):
    def __init__(self, vocab, dim=384, layers=6):
        super().__init__()
        self.net = TextTower(vocab=vocab, layers=layers, positions=CONTEXT)
        self.proj = nn.Linear(384, dim)

    def forward(self, ids, mask):
        return F.normalize(self.proj(F.normalize(self.net(ids, mask), dim=-1)), dim=-1)


def export_image(m, path, size=SIZE, int8=True):
    g = og.Graph("clipdb_mini_image", int8)

    def conv(x, c, name, h, act):
        k, s = c.kernel_size[0], c.stride[0]
        o = math.ceil(h / s)
        p = max((o - 1) * s + k - h, 0)
        y = g.op("Conv", [x, g.weight(name + ".weight", c.weight), g.const(c.bias, name=name + ".bias")],
                 kernel_shape=[k, k], strides=[s, s], pads=[p // 2, p // 2, p - p // 2, p - p // 2], group=c.groups)
        return (g.op("Clip", [y, lo, hi]) if act else y), o

    lo, hi = g.const(0.0), g.const(6.0)
    taps = []
    x, h = conv("pixel_values", m.net.stem, "net.stem", size, True)
    for i, b in enumerate(m.net.blocks):
        y, o, p = x, h, f"net.blocks.{i}."
        if b.expand is not None:
            y, o = conv(y, b.expand, p + "expand", o, True)
        y, o = conv(y, b.dw, p + "dw", o, True)
        y, o = conv(y, b.project, p + "project", o, False)
        x, h = (g.op("Add", [y, x]) if b.skip else y), o
        if i in m.net.taps:
            taps.append(x)
    x, h = conv(x, m.net.head, "net.head", h, True)
    mean = lambda v: g.op("ReduceMean", [v], axes=[2, 3], keepdims=0)
    parts = [mean(x)]
    for t in taps:
        parts += [mean(t), g.op("ReduceMax", [t], axes=[2, 3], keepdims=0)]
    f = g.op("Concat", parts, axis=1)
    y = g.op("Conv", [x, g.weight("gate.weight", m.gate.weight), g.const(m.gate.bias, name="gate.bias")], kernel_shape=[1, 1])
    local = mean(g.op("Softmax", [g.op("Mul", [y, g.const(1 / LOCAL_T)])], axis=1))
    whole = g.op("Softmax", [g.op("Mul", [mean(y), g.const(1 / WHOLE_T)])], axis=1)
    w = g.op("Mul", [g.op("Add", [local, whole]), g.const(0.5)])
    z = g.linear(f, "reduce", m.reduce)
    zz = g.op("ReduceSum", [g.op("Mul", [z, z]), g.const([1], "int64")], keepdims=1)
    k = g.op("Exp", [g.op("Sub", [g.linear(z, "memory", m.memory), zz])])
    e = g.op("Add", [g.linear(k, "recall", m.recall), g.linear(w, "concept", m.concept)])
    g.normalise(e, name="image_embeds")
    g.save(path, [og.value("pixel_values", ["batch", 3, size, size])],
           [og.value("image_embeds", ["batch", m.recall.out_features])])


def export_text(m, path, int8=True):
    g = og.Graph("clipdb_mini_text", int8)
    t, d = m.net, m.net.word.weight.shape[1]
    heads = t.layers[0].heads
    c = lambda v: g.const(v, "int64")
    x = g.rows("net.word.weight", t.word.weight, "input_ids")
    n = g.op("Gather", [g.op("Shape", ["input_ids"]), c(1)], axis=0)
    x = g.op("Add", [x, g.rows("net.pos.weight", t.pos.weight, g.op("Range", [c(0), n, c(1)]))])
    x = g.layernorm(x, "net.ln", t.ln)
    mask = g.op("Cast", ["attention_mask"], to=TensorProto.FLOAT)
    bias = g.op("Mul", [g.op("Sub", [g.const(1.0), mask]), g.const(-1e4)])
    bias = g.op("Unsqueeze", [bias, c([1, 2])])
    split, join = c([0, 0, heads, d // heads]), c([0, 0, d])
    scale = g.const(1 / math.sqrt(d // heads))
    for i, layer in enumerate(t.layers):
        p = f"net.layers.{i}."
        part = lambda nm, perm: g.op("Transpose", [g.op("Reshape", [g.linear(x, p + nm, getattr(layer, nm)), split])], perm=perm)
        q, k, v = part("q", [0, 2, 1, 3]), part("k", [0, 2, 3, 1]), part("v", [0, 2, 1, 3])
        a = g.op("Softmax", [g.op("Add", [g.op("Mul", [g.op("MatMul", [q, k]), scale]), bias])], axis=-1)
        a = g.op("Reshape", [g.op("Transpose", [g.op("MatMul", [a, v])], perm=[0, 2, 1, 3]), join])
        x = g.layernorm(g.op("Add", [x, g.linear(a, p + "o", layer.o)]), p + "ln1", layer.ln1)
        u = g.linear(x, p + "up", layer.up)
        u = g.op("Mul", [g.op("Mul", [u, g.const(0.5)]), g.op("Add", [g.op("Erf", [g.op("Mul", [u, g.const(1 / math.sqrt(2))])]), g.const(1.0)])])
        x = g.layernorm(g.op("Add", [x, g.linear(u, p + "down", layer.down)]), p + "ln2", layer.ln2)
    w = g.op("Unsqueeze", [mask, c([2])])
    s = g.op("ReduceSum", [g.op("Mul", [x, w]), c([1])], keepdims=0)
    s = g.op("Div", [s, g.op("Max", [g.op("ReduceSum", [mask, c([1])], keepdims=1), g.const(1e-9)])])
    g.normalise(g.linear(g.normalise(s), "proj", m.proj), name="text_embeds")
    io = lambda nm: og.value(nm, ["batch", "seq"], TensorProto.INT64)
    g.save(path, [io("input_ids"), io("attention_mask")], [og.value("text_embeds", ["batch", m.proj.out_features])])


def load_exported(image, text):
    """Both towers in torch with the rounded weights of the exported files."""
    sd = {k: torch.from_numpy(v.copy()) for k, v in og.read_weights(image).items()}
    n, d = sd["memory.weight"].shape
    im = ImageTower("lite2", sd["recall.weight"].shape[0], d, n, sd["gate.weight"].shape[0])
    im.load_state_dict(sd)
    sd = {k: torch.from_numpy(v.copy()) for k, v in og.read_weights(text).items()}
    layers = 1 + max(int(k.split(".")[2]) for k in sd if k.startswith("net.layers."))
    tx = TextEncoder(sd["net.word.weight"].shape[0], sd["proj.weight"].shape[0], layers)
    tx.load_state_dict(sd)
    return im.eval(), tx.eval()
