"""A small builder for ONNX graphs whose weights are stored as int8.

A weight is kept as an int8 tensor (NAME.q) and a float scale per output
channel (NAME.s); the graph holds Cast and Mul, which the runtime folds into
float weights when it loads the file.  The arithmetic is therefore plain fp32
everywhere and equal to that of the training framework with the same rounded
weights, which read_weights returns.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


def quantise(w, axis=0):
    """-> (int8 tensor, float32 scale broadcastable to it); symmetric, per index of axis."""
    w = np.asarray(w, np.float32)
    red = tuple(i for i in range(w.ndim) if i != axis)
    s = (np.maximum(np.abs(w).max(axis=red, keepdims=True), 1e-12) / 127).astype(np.float32)
    return np.clip(np.rint(w / s), -127, 127).astype(np.int8), s


class Graph:
    def __init__(self, name, int8=True):
        self.name, self.int8 = name, int8
        self.nodes, self.inits, self.n = [], [], 0

    def const(self, value, dtype=np.float32, name=None):
        self.n += 1
        name = name or f"c{self.n}"
        if hasattr(value, "detach"):
            value = value.detach().numpy()
        self.inits.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(value, dtype)), name))
        return name

    def op(self, kind, inputs, name=None, **attrs):
        self.n += 1
        out = name or f"t{self.n}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=f"n{self.n}_{kind}", **attrs))
        return out

    def weight(self, name, w, axis=0):
        """A weight, rounded to int8 with a scale per index of axis."""
        w = w.detach().numpy()
        if not self.int8:
            return self.const(w, name=name)
        q, s = quantise(w, axis)
        q, s = self.const(q, np.int8, name + ".q"), self.const(s, name=name + ".s")
        return self.op("Mul", [self.op("Cast", [q], to=TensorProto.FLOAT), s])

    def linear(self, x, name, mod):
        """x @ W.T + b; stored transposed, NAME.weight.T."""
        y = self.op("MatMul", [x, self.weight(name + ".weight.T", mod.weight.T, axis=1)])
        if mod.bias is None:
            return y
        return self.op("Add", [y, self.const(mod.bias, name=name + ".bias")])

    def rows(self, name, w, ids):
        """Rows of a table stored as int8 with one scale a row."""
        w = w.detach().numpy()
        if not self.int8:
            return self.op("Gather", [self.const(w, name=name), ids], axis=0)
        q, s = quantise(w, 0)
        v = self.op("Gather", [self.const(q, np.int8, name + ".q"), ids], axis=0)
        s = self.op("Gather", [self.const(s, name=name + ".s"), ids], axis=0)
        return self.op("Mul", [self.op("Cast", [v], to=TensorProto.FLOAT), s])

    def layernorm(self, x, name, mod):
        return self.op("LayerNormalization", [x, self.const(mod.weight, name=name + ".weight"),
                                              self.const(mod.bias, name=name + ".bias")], axis=-1, epsilon=mod.eps)

    def normalise(self, x, name=None):
        """x / max(|x|, 1e-12) over the last axis."""
        n = self.op("ReduceL2", [x], axes=[-1], keepdims=1)
        return self.op("Div", [x, self.op("Max", [n, self.const(1e-12)])], name=name)

    def save(self, path, inputs, outputs, doc=""):
        g = helper.make_graph(self.nodes, self.name, inputs, outputs, self.inits)
        m = helper.make_model(g, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="clipdb", doc_string=doc)
        m.ir_version = 8
        onnx.checker.check_model(m)
        with open(path, "wb") as f:
            f.write(m.SerializeToString(deterministic=True))


def value(name, dims, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


def read_weights(path):
    """The weights of a saved graph as {name: float32 array}, rounded values expanded."""
    raw = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    out = {}
    for k, v in raw.items():
        if k.endswith(".q"):
            k, v = k[:-2], v.astype(np.float32) * raw[k[:-2] + ".s"]
        elif k.endswith(".s") or "." not in k:
            continue
        if k.endswith(".T"):
            k, v = k[:-2], v.T
        out[k] = np.ascontiguousarray(v)
    return out
