"""Milliseconds of processor time per picture and per text: ONNX Runtime, one thread.

    python speed.py [MODELDIR]
"""
import json
import pathlib
import sys
import time

import numpy as np
import onnxruntime as ort

folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1]
info = json.loads((folder / "model.json").read_text())
opts = ort.SessionOptions()
opts.intra_op_num_threads = opts.inter_op_num_threads = 1
size = info["image"]["image_size"]
cases = {"image, batch 1": ("image", {"pixel_values": np.zeros((1, 3, size, size), np.float32)}, 1)}
for n in (8, 16, 64):
    x = np.full((1, n), 1000, np.int64)
    cases[f"text of {n} tokens, batch 1"] = ("text", {"input_ids": x, "attention_mask": np.ones_like(x)}, 1)
for name, (tower, feed, n) in cases.items():
    s = ort.InferenceSession(str(folder / info[tower]["file"]), opts)
    times = []
    for _ in range(40):
        t = time.process_time()
        s.run(None, feed)
        times.append((time.process_time() - t) / n * 1000)
    print(f"{name}: median {np.median(times):.1f} ms, least {min(times):.1f} ms")
