"""Measures a model directory in torch, with the rounded weights of its files.

    python evaluate.py [--model DIR] [--eval SHARED/eval] [--dump DIR] [--runtime] [--retrieval]

--runtime measures the ONNX files in ONNX Runtime instead of torch.
--retrieval leaves out the zero-shot classification.
--dump writes image_vectors.npy, text_vectors.npy and items.tsv of flickr8k-test.
"""
import argparse
import csv
import json
import pathlib
import time

import numpy as np
import torch
from PIL import Image

import data
import model as M
import tokens

HERE = pathlib.Path(__file__).resolve().parent
TEMPLATES = ["a photo of a {}", "a {}", "a close-up photo of a {}", "a picture of the {}", "a photo of one {} outside"]


class Runner:
    def __init__(self, folder, runtime=False, threads=2):
        self.info = json.loads((folder / "model.json").read_text())
        i, t = self.info["image"], self.info["text"]
        self.size, self.mean, self.std = i["image_size"], i["mean"], i["std"]
        self.tok = tokens.tokenizer(folder / t["vocab"], t["context_length"])
        if runtime:
            import onnxruntime as ort
            so = ort.SessionOptions()
            so.intra_op_num_threads = threads
            a = ort.InferenceSession(str(folder / i["file"]), so)
            b = ort.InferenceSession(str(folder / t["file"]), so)
            self._image = lambda x: a.run(None, {"pixel_values": x})[0]
            self._text = lambda x, m: b.run(None, {"input_ids": x, "attention_mask": m})[0]
        else:
            torch.set_num_threads(threads)
            a, b = M.load_exported(folder / i["file"], folder / t["file"])
            self._image = lambda x: a(torch.from_numpy(x)).numpy()
            self._text = lambda x, m: b(torch.from_numpy(x), torch.from_numpy(m)).numpy()

    def pixels(self, path):
        im = Image.open(path).convert("RGB").resize((self.size, self.size), Image.BICUBIC)
        x = np.asarray(im, np.float32) / np.float32(255)
        x = (x - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(x.transpose(2, 0, 1))

    @torch.no_grad()
    def images(self, paths, bs=16):
        return np.concatenate([self._image(np.stack([self.pixels(p) for p in paths[i:i + bs]]))
                               for i in range(0, len(paths), bs)])

    @torch.no_grad()
    def texts(self, texts, bs=64):
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out = np.zeros((len(texts), self.info["dim"]), np.float32)
        for i in range(0, len(order), bs):
            j = order[i:i + bs]
            ids, mask = tokens.batch(self.tok, [texts[k] for k in j])
            out[j] = self._text(np.array(ids, np.int64), np.array(mask, np.int64))
        return out

    def labels(self, names):
        v = self.texts([t.format(n) for n in names for t in TEMPLATES]).reshape(len(names), len(TEMPLATES), -1).mean(1)
        return v / np.linalg.norm(v, axis=1, keepdims=True)


def recall(images, texts):
    """text->image and image->text R@1/5/10 of matching rows."""
    s = texts @ images.T
    d = np.diag(s)
    f = lambda r: [round(100 * float((r < k).mean()), 1) for k in (1, 5, 10)]
    return {"text_to_image": f((s > d[:, None]).sum(1)), "image_to_text": f((s > d[None, :]).sum(0))}


def topk(images, labels, truth):
    s = images @ labels.T
    r = (s > s[np.arange(len(s)), truth][:, None]).sum(1)
    return {"top1": round(100 * float((r < 1).mean()), 1), "top5": round(100 * float((r < 5).mean()), 1)}


def read_captions(folder):
    rows = [json.loads(x) for x in open(folder / "captions.jsonl", encoding="utf8")]
    find = lambda f: folder / f if (folder / f).exists() else folder / "images" / f
    return [find(r["file"]) for r in rows], rows


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", type=pathlib.Path, default=HERE.parent)
    ap.add_argument("--eval", type=pathlib.Path, default=HERE.parents[3] / "shared" / "eval")
    ap.add_argument("--open", type=pathlib.Path, default=HERE.parents[3] / "shared" / "open")
    ap.add_argument("--dump", type=pathlib.Path)
    ap.add_argument("--runtime", action="store_true")
    ap.add_argument("--retrieval", action="store_true")
    a = ap.parse_args()
    run = Runner(a.model, a.runtime)
    report = {}
    for name in ("flickr8k-test", "coco-open", "openstax-test"):
        paths, rows = read_captions(a.eval / name)
        caps = [r["captions"][0] for r in rows]
        iv, tv = run.images(paths), run.texts(caps)
        report[name] = recall(iv, tv)
        print(name, json.dumps(report[name]), flush=True)
        if name == "flickr8k-test" and a.dump:
            a.dump.mkdir(parents=True, exist_ok=True)
            np.save(a.dump / "image_vectors.npy", iv)
            np.save(a.dump / "text_vectors.npy", tv)
            with open(a.dump / "items.tsv", "w", encoding="utf8") as f:
                f.writelines(f"{p.name}\t{c}\n" for p, c in zip(paths, caps))
    if not a.retrieval:
        classify(run, a, report)
    if a.dump:
        (a.dump / "report.json").write_text(json.dumps(report, indent=2))


def classify(run, a, report):
    base = a.eval / "imagenet-sample"
    rows = list(csv.DictReader(open(base / "classes.tsv", encoding="utf8"), delimiter="\t"))
    find = lambda f: base / f if (base / f).exists() else base / "images" / f
    iv = run.images([find(r["file"]) for r in rows])
    names = [r["name"] for r in rows]
    lab = run.labels(names)
    truth = np.arange(len(rows))
    report["imagenet-sample"] = topk(iv, lab, truth)
    print("imagenet-sample", json.dumps(report["imagenet-sample"]), flush=True)
    for key, sub in data.heldout().items():
        paths, rs = read_captions(a.open / key)
        pick = [(p, sub.index(r["labels"][0])) for p, r in zip(paths, rs) if r["labels"][0] in sub]
        v = run.images([p for p, _ in pick])
        report[key + "-heldout"] = {**topk(v, run.labels(sub), np.array([t for _, t in pick])),
                                    "classes": len(sub), "pictures": len(pick)}
        print(key + "-heldout", json.dumps(report[key + "-heldout"]), flush=True)


if __name__ == "__main__":
    t = time.time()
    main()
    print(f"{time.time() - t:.0f} s")
