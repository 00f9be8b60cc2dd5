"""Contrastive fine-tuning of both towers end to end, from a closed-form start.

    python finetune.py WORKDIR OPEN [--all] [--epochs N]

Trained are the last stage and the last convolution of the backbone, a linear head,
the concept vectors, and the whole text tower but its embedding table.  --all trains on the
validation photographs too.  Writes WORKDIR/tuned.pt.
"""
import argparse
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

import common as C


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("work")
    ap.add_argument("root")
    ap.add_argument("--all", action="store_true")
    ap.add_argument("--epochs", type=int, default=1)
    ap.add_argument("--batch", type=int, default=128)
    ap.add_argument("--lr-image", type=float, default=1e-4)
    ap.add_argument("--lr-text", type=float, default=2e-5)
    ap.add_argument("--lr-head", type=float, default=2e-5)
    ap.add_argument("--soft", type=float, default=0.1, help="share of the target spread over similar captions")
    ap.add_argument("--tokens", type=int, default=24, help="captions are cut to this many tokens")
    ap.add_argument("--seed", type=int, default=0)
    a = ap.parse_args()
    C.threads(2, a.seed)
    g, rng = torch.Generator().manual_seed(a.seed), np.random.default_rng(a.seed)
    t, mid = C.Texts(a.work, a.root), C.Mid(a.work)
    held = set() if a.all else set(t.validation())
    photos = [i for i, p in enumerate(t.pics) if p["set"] == "openstax" and p["row"] not in held]
    others = {s: [i for i, p in enumerate(t.pics) if p["set"] == s] for s in ("recipes", "grocery", "clothing")}

    enc, tail = t.encoder(), C.Tail(a.work)
    start = t.fixed(enc)
    concept = 1.5 * t.concepts(start)
    x, w = C.pooled(tail, mid, photos)
    mean, scale = C.scaling(x)
    weight, bias = C.ridge((x - mean) * scale, t.targets(start, [t.pics[i] for i in photos]))
    head = torch.nn.Linear(x.shape[1], 384)
    head.weight.data, head.bias.data = weight.contiguous(), bias - (w @ concept).mean(0)
    concept, log_scale = torch.nn.Parameter(concept), torch.nn.Parameter(torch.tensor(math.log(18.0)))
    image = lambda x, w: F.normalize(head((x - mean) * scale) + w @ concept, dim=1)
    for p in (enc.net.word.weight, enc.net.pos.weight):
        p.requires_grad_(False)
    for p in [*tail.blocks[:-1].parameters(), *tail.gate.parameters()]:
        p.requires_grad_(False)
    opt = torch.optim.AdamW([
        {"params": [p for p in tail.parameters() if p.requires_grad], "lr": a.lr_image},
        {"params": [p for p in enc.net.parameters() if p.requires_grad], "lr": a.lr_text},
        {"params": enc.proj.parameters(), "lr": 5 * a.lr_text},
        {"params": [*head.parameters(), concept], "lr": a.lr_head},
        {"params": [log_scale], "lr": 1e-3}], weight_decay=1e-4, betas=(0.9, 0.98))
    rates = [q["lr"] for q in opt.param_groups]
    extra = (("recipes", 8), ("grocery", 8), ("clothing", 4))
    per = a.batch - sum(n for _, n in extra)
    steps, it, t0 = len(photos) // per, 0, time.time()
    for epoch in range(a.epochs):
        order = torch.randperm(len(photos), generator=g).tolist()
        for s in range(steps):
            ix, seen = [photos[i] for i in order[s * per:(s + 1) * per]], set()
            for name, n in extra:  # no two pictures of one label in a batch
                for i in torch.randperm(len(others[name]), generator=g).tolist():
                    q = others[name][i]
                    label = t.pics[q]["label"]
                    if n and (name == "recipes" or label not in seen):
                        seen.add(label), ix.append(q)
                        n -= 1
            it += 1
            rate = min(1, it / 5) * (0.5 + 0.5 * math.cos(math.pi * it / (steps * a.epochs)))
            for q, b in zip(opt.param_groups, rates):
                q["lr"] = b * rate
            words = []
            for i in ix:
                c = t.pics[i]["t"]
                first = len(c) == 1 or rng.random() < 0.65
                words.append(c[0] if first else c[1 + int(rng.integers(len(c) - 1))])
            with torch.autocast("cpu", torch.bfloat16):
                e = t.encode(enc, words, a.tokens)
            e = e.float()
            logits = log_scale.exp() * image(*tail(*mid.get(ix, rng))) @ e.T
            with torch.no_grad():
                like = start[[t.pics[i]["t"][0] for i in ix]]
                like = ((like @ like.T - 1) / 0.1).softmax(1)
                goal = a.soft * like + (1 - a.soft) * torch.eye(len(ix))
            loss = -(goal * logits.log_softmax(1)).sum(1).mean() / 2 - (goal * logits.T.log_softmax(1)).sum(1).mean() / 2
            opt.zero_grad()
            loss.backward()
            opt.step()
            if s % 3 == 0:
                print(epoch, s, steps, f"{loss.item():.3f} {log_scale.exp().item():.1f} {time.time() - t0:.0f}s", flush=True)
        torch.save(dict(tail=tail.state_dict(), text=enc.state_dict(), logit_scale=log_scale.exp().item()), f"{a.work}/tuned.pt")


if __name__ == "__main__":
    main()
