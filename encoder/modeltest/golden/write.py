"""Writes what the reference library says of a model."""
import base64
import json
import pathlib

import numpy as np
import torch

from inputs import TEXTS


def unit(v):
    v = v.detach().float().numpy().astype(np.float64)
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def pack(a, kind):
    return base64.b64encode(np.ascontiguousarray(a, kind).tobytes()).decode()


def write(folder: pathlib.Path, *, ids, text, image, pixels, mean, std, scale, bias=None, note=""):
    """ids: 40 lists as the reference gives them, padded. text, image: vectors.
    pixels: float tensors [20, 3, n, n] of the reference, written as the levels
    0 to 255 that they stand for."""
    mean, std = np.reshape(mean, (1, 3, 1, 1)), np.reshape(std, (1, 3, 1, 1))
    levels = pixels.float().numpy().astype(np.float64) * std + mean
    levels = levels * 255
    assert np.abs(levels - np.rint(levels)).max() < 1e-2, np.abs(levels - np.rint(levels)).max()
    (folder / "golden.json").write_text(json.dumps({
        "texts": TEXTS, "ids": [list(map(int, i)) for i in ids],
        "dim": text.shape[1], "size": int(pixels.shape[-1]),
        "text_vectors": pack(unit(text), "<f4"), "image_vectors": pack(unit(image), "<f4"),
        "pixels": pack(np.rint(levels), "u1"), "scale": scale, "bias": bias, "note": note,
    }, ensure_ascii=True, separators=(",", ":")) + "\n")


def export(module, args, path, inputs, outputs, axes):
    path.parent.mkdir(parents=True, exist_ok=True)
    module.eval()
    with torch.no_grad():
        torch.onnx.export(module, args, str(path), input_names=inputs, output_names=outputs,
                          dynamic_axes=axes, opset_version=17, dynamo=False)


def scramble(model, seed):
    """Random weights large enough that different inputs give different vectors."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "logit" in name:
                continue
            if p.ndim >= 2:
                p.copy_(torch.randn(p.shape, generator=g) * (1.2 / max(p[0].numel(), 1) ** 0.5 if "embed" not in name else 0.5))
            elif "norm" in name.lower() or "ln_" in name or name.endswith("weight"):
                p.copy_((1.0 if name.endswith("weight") else 0.0) + 0.1 * torch.randn(p.shape, generator=g))
            else:
                p.copy_(0.2 * torch.randn(p.shape, generator=g))
    return model.eval()
