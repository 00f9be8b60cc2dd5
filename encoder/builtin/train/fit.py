"""Closed-form fit of the image head to the tuned towers; writes the checkpoint.

    python fit.py WORKDIR OPEN [--image-mix M ...] [--text-mix M ...]

M mixes the tuned weights with those of the starting point (1: tuned only).  A
fit without the validation photographs chooses the mix; the checkpoint is the
fit to all photographs.
"""
import argparse

import torch
import torch.nn.functional as F

import common as C
import model as M
from onnxgraph import quantise


def rounded(w, axis):
    q, s = quantise(w.numpy(), axis)
    return torch.from_numpy(q * s)


def blend(start, tuned, m):
    return {k: start[k] + m * (tuned[k] - start[k]) for k in start}


def fit(x, w, y, concept, a):
    """-> state dict of the head of M.ImageTower; x, w: pooled features and concept weights, y: targets."""
    mean, scale = C.scaling(x)
    z = (x - mean) * scale
    mu = z.mean(0)
    torch.manual_seed(0)
    v = torch.pca_lowrank(z - mu, a.components + 20, center=False, niter=4)[2][:, : a.components]
    spread = ((z - mu) @ v).pow(2).sum(1).mean()
    v = v / spread.sqrt()  # kernel exp(-|a-b|^2)
    reduce = rounded((v * scale[:, None]).T, 0)
    bias = -reduce @ mean - v.T @ mu
    z = x @ reduce.T + bias
    memory = rounded(2 * z, 0)
    c2 = memory.pow(2).sum(1) / 4
    k = torch.exp(z @ memory.T - c2 - z.pow(2).sum(1, keepdim=True))
    my = y.mean(0)
    solve = torch.linalg.solve((k + k.T) / 2 + a.ridge * torch.eye(len(k)), y - my)
    return {"concept.weight": concept.T, "reduce.weight": reduce, "reduce.bias": bias, "memory.weight": memory,
            "memory.bias": -c2, "recall.weight": solve.T, "recall.bias": -(w @ concept).mean(0)}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("work")
    ap.add_argument("root")
    ap.add_argument("--image-mix", type=float, nargs="+", default=[1.0])
    ap.add_argument("--text-mix", type=float, nargs="+", default=[1.0])
    ap.add_argument("--components", type=int, default=256)
    ap.add_argument("--ridge", type=float, default=1.0)
    ap.add_argument("--concept", type=float, default=1.5)
    a = ap.parse_args()
    C.threads()
    t, mid = C.Texts(a.work, a.root), C.Mid(a.work)
    photos = [i for i, p in enumerate(t.pics) if p["set"] == "openstax"]
    val = torch.zeros(len(photos), dtype=torch.bool)
    val[t.validation()] = True
    first = [t.pics[i]["t"][0] for i in photos]
    tuned = torch.load(f"{a.work}/tuned.pt", weights_only=True)
    tail, enc, best = C.Tail(a.work), t.encoder(), None
    s_tail = {k: v.clone() for k, v in tail.state_dict().items()}
    s_text = {k: v.clone() for k, v in enc.state_dict().items()}
    for mt in a.text_mix:
        enc.load_state_dict(blend(s_text, tuned["text"], mt))
        vectors = t.fixed(enc)
        concept, y = a.concept * t.concepts(vectors), t.targets(vectors, [t.pics[i] for i in photos])
        for mi in a.image_mix:
            tail.load_state_dict(blend(s_tail, tuned["tail"], mi))
            x, w = C.pooled(tail, mid, photos)
            im = M.ImageTower(memories=int((~val).sum()), components=a.components)
            im.load_state_dict(fit(x[~val], w[~val], y[~val], concept, a), strict=False)
            with torch.no_grad():
                e = F.normalize(im.head(x[val], w[val]), dim=1)
            r = C.recall(e, vectors[torch.tensor(first)[val]])
            print(f"validation, text mix {mt} image mix {mi}: {r} mean {sum(r) / 6:.2f}", flush=True)
            if best is None or sum(r) > best[0]:
                best = sum(r), fit(x, w, y, concept, a), {k: v.clone() for k, v in tail.state_dict().items()}, \
                    {k: v.clone() for k, v in enc.state_dict().items()}
    _, head, tail_sd, text_sd = best
    tail.load_state_dict(tail_sd)
    net, _, _ = C.backbone.load("lite2", C.features.checkpoint(a.work))
    k = net.taps[1] + 1
    for i, b in enumerate(tail.blocks):
        net.blocks[k + i].load_state_dict(b.state_dict())
    net.head.load_state_dict(tail.head.state_dict())
    sd = {"net." + n: v for n, v in net.state_dict().items()} | {"gate." + n: v for n, v in tail.gate.state_dict().items()} | head
    torch.save(dict(variant="lite2", dim=384, layers=6, size=M.SIZE, vocab=t.vocab, logit_scale=tuned["logit_scale"],
                    image={n: v.contiguous() for n, v in sd.items()}, text=text_sd), f"{a.work}/checkpoint.pt")


if __name__ == "__main__":
    main()
