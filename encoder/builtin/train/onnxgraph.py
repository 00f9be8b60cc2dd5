"""A small builder for ONNX graphs whose weights are stored as int8.

A weight is kept as an int8 tensor and a float scale per output channel; the
graph holds Cast and Mul, which the runtime folds into float weights when it
loads the file.  The arithmetic is therefore plain fp32 everywhere and equal
to that of the training framework with the same rounded weights.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


def quantise(w, axis=0):
    """-> (int8 tensor, float32 scale broadcastable to it); symmetric, per index of axis."""
    w = np.asarray(w, np.float32)
    red = tuple(i for i in range(w.ndim) if i != axis)
    s = np.maximum(np.abs(w).max(axis=red, keepdims=True), 1e-12).astype(np.float32) / np.float32(127)
    q = np.clip(np.rint(w / s), -127, 127).astype(np.int8)
    return q, s.astype(np.float32)


def rounded(w, axis=0):
    q, s = quantise(w, axis)
    return q.astype(np.float32) * s


class Graph:
    def __init__(self, name, int8=True):
        self.name, self.int8 = name, int8
        self.nodes, self.inits, self.n = [], [], 0

    def const(self, value, dtype=np.float32, name=None):
        self.n += 1
        name = name or f"c{self.n}"
        self.inits.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(value, dtype)), name))
        return name

    def op(self, kind, inputs, outputs=1, name=None, **attrs):
        self.n += 1
        outs = [name] if name else [f"t{self.n}" if outputs == 1 else f"t{self.n}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), outs, name=f"n{self.n}_{kind}", **attrs))
        return outs[0] if outputs == 1 else outs

    def weight(self, w, axis=0):
        """A float weight, stored rounded to int8 with a scale per index of axis."""
        if not self.int8:
            return self.const(w)
        q, s = quantise(w, axis)
        return self.op("Mul", [self.op("Cast", [self.const(q, np.int8)], to=TensorProto.FLOAT), self.const(s)])

    def rows(self, w, ids):
        """Rows of a table stored as int8 with one scale a row."""
        if not self.int8:
            return self.op("Gather", [self.const(w), ids], axis=0)
        q, s = quantise(w, 0)
        v = self.op("Cast", [self.op("Gather", [self.const(q, np.int8), ids], axis=0)], to=TensorProto.FLOAT)
        return self.op("Mul", [v, self.op("Gather", [self.const(s.reshape(-1, 1)), ids], axis=0)])

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
        return m


def value(name, dims, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)
