"""Writes image.onnx, text.onnx, vocab.txt and model.json from a trained checkpoint.

    python export.py CHECKPOINT OUTDIR
"""
import hashlib
import json
import pathlib
import sys

import torch

import model as M

DATA = [
    {"name": "OpenStax textbook photographs with alt text", "licence": "CC BY 4.0 and per-figure licences (train/DATA.tsv)"},
    {"name": "public-domain-recipes", "licence": "Unlicense"},
    {"name": "GroceryStoreDataset", "licence": "MIT"},
    {"name": "clothing-dataset", "licence": "CC0-1.0"},
    {"name": "WordNet 3.0 names of the ImageNet-1k classes", "licence": "WordNet licence"},
    {"name": "scene phrases written for this project (train/scenes.tsv)", "licence": "Apache-2.0"},
]


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(ckpt, out, int8=True):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    c = torch.load(ckpt, weights_only=True)
    n, d = c["image"]["memory.weight"].shape
    im = M.ImageTower(c["variant"], c["dim"], d, n)
    im.load_state_dict(c["image"])
    tx = M.TextEncoder(len(c["vocab"]), c["dim"], c["layers"])
    tx.load_state_dict(c["text"])
    M.export_image(im, out / "image.onnx", c["size"], int8)
    M.export_text(tx, out / "text.onnx", int8)
    (out / "vocab.txt").write_text("".join(t + "\n" for t in c["vocab"]), encoding="utf8")
    file = lambda n: {"file": n, "sha256": sha(out / n), "size": (out / n).stat().st_size}
    info = {
        "name": "clipdb-mini-1", "family": "clipdb-mini", "version": 1, "dim": c["dim"],
        "licence": "Apache-2.0", "languages": ["en"], "logit_scale": round(float(c["logit_scale"]), 4),
        "image": {**file("image.onnx"), "input": "pixel_values", "output": "image_embeds", "image_size": c["size"],
                  "resize": "squash", "crop": "none", "interpolation": "bicubic",
                  "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
        "text": {**file("text.onnx"), "inputs": ["input_ids", "attention_mask"], "output": "text_embeds",
                 "tokenizer": "wordpiece", "vocab": "vocab.txt", "vocab_sha256": sha(out / "vocab.txt"),
                 "lowercase": True, "context_length": M.CONTEXT, "pad_id": 0},
        "training_data": DATA,
        "source": "https://github.com/clipdb/clipdb/tree/main/encoder/builtin/train",
    }
    (out / "model.json").write_text(json.dumps(info, indent=2) + "\n")
    print({n: (out / n).stat().st_size for n in ("image.onnx", "text.onnx", "vocab.txt")})


if __name__ == "__main__":
    main(*sys.argv[1:3], int8="--float" not in sys.argv)
