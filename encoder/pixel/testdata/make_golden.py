"""Makes the golden pictures of package pixel with Pillow.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install pillow==11.3.0 numpy==2.4.6
    /tmp/golden/bin/python make_golden.py

Writes files/ (small pictures in every format and mode) and golden.json: sizes
and sha256 of decoded pixels, of resized pixels and of tensors. Pillow 12.3 and later shrink tall pictures
vertically first, which rounds otherwise; the versions before, with which CLIP
and its successors were trained, always go horizontally first. The pictures of the resize table come from
pattern(), which the Go test repeats, so that large ones cost no bytes.
"""
import hashlib
import io
import json
import pathlib
import shutil
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent
files = here / "files"
shutil.rmtree(files, ignore_errors=True)
files.mkdir()


def pattern(w, h, seed):
    """Noise over a gradient with hard edges; integers only, so that Go agrees."""
    x = np.arange(w, dtype=np.uint64)[None, :, None]
    y = np.arange(h, dtype=np.uint64)[:, None, None]
    c = np.arange(3, dtype=np.uint64)[None, None, :]
    n = (x * 374761393 + y * 668265263 + c * 2246822519 + seed * 3266489917) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    n = (n ^ (n >> 16)) & 0xFF
    edge = ((x // 7 + y // 5 + c) % 3) * 100
    slope = (x * 255 // max(w, 1) + y * 255 // max(h, 1)) // 4
    v = np.where((x // 16 + y // 16) % 2 == 0, n, np.minimum(edge + slope, 255))
    return v.astype(np.uint8)


def photo(w, h):
    """A smooth picture, kind to JPEG: round blobs of colour on a gradient."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    out = np.zeros((h, w, 3))
    for c in range(3):
        out[..., c] = 90 + 60 * np.sin(x / (7 + 3 * c)) * np.cos(y / (9 - c)) + 50 * (x + y) / (w + h)
    out[h // 4:h // 2, w // 4:w // 2] = (220, 30, 40)
    out[h // 2:h * 3 // 4, w // 2:w * 3 // 4] = (20, 60, 230)
    return np.clip(out, 0, 255).astype(np.uint8)


def sha(b):
    return hashlib.sha256(b).hexdigest()


def on_white(im):
    """What pixel.Decode promises: opaque RGB, laid on white."""
    if im.mode == "I;16":
        # convert("RGB") would clip at 255 instead of scaling.
        im = Image.fromarray((np.array(im) >> 8).astype(np.uint8))
    if "transparency" in im.info or im.mode in ("RGBA", "LA", "PA"):
        im = im.convert("RGBA")
        out = Image.new("RGB", im.size, (255, 255, 255))
        out.paste(im, mask=im.getchannel("A"))
        return out
    return im.convert("RGB")


golden = {"resize": [], "files": [], "tensors": []}

# ---- resize: up, down, odd, one pixel, extreme proportions
TABLE = [
    ((64, 48), [(32, 24), (224, 168), (63, 47), (65, 49), (64, 20), (20, 48), (1, 1), (64, 48)]),
    ((1, 1), [(1, 1), (5, 3), (224, 224)]),
    ((1, 300), [(1, 224), (3, 7), (224, 1), (10, 600)]),
    ((300, 1), [(224, 1), (7, 3), (1, 224)]),
    ((2, 2), [(1, 1), (3, 3), (224, 224), (7, 2)]),
    ((640, 480), [(224, 224), (299, 224), (256, 192), (639, 479), (641, 481), (17, 480), (640, 13)]),
    ((333, 517), [(224, 347), (224, 224), (100, 155), (334, 518), (1, 517), (333, 1)]),
    ((4000, 3), [(224, 224), (298666 // 100, 3), (3, 4000), (1999, 2)]),
    ((3, 5000), [(224, 224), (2, 2501), (9, 17)]),
    ((1920, 1080), [(398, 224), (224, 224), (1, 1)]),
    ((3000, 2000), [(336, 224)]),
]
for i, ((w, h), outs) in enumerate(TABLE):
    im = Image.fromarray(pattern(w, h, i))
    for ow, oh in outs:
        r = im.resize((ow, oh), Image.BICUBIC)
        golden["resize"].append({"w": w, "h": h, "seed": i, "to": [ow, oh], "sha256": sha(r.tobytes())})


# ---- tensors: torchvision's Resize, CenterCrop, ToTensor, Normalize
CLIP = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
HALF = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])


def tensor(im, n, mode, mean, std):
    w, h = im.size
    if mode == "shortest":
        short, long = (w, h) if w <= h else (h, w)
        new_short, new_long = n, int(n * long / short)
        nw, nh = (new_short, new_long) if w <= h else (new_long, new_short)
        im = im.resize((nw, nh), Image.BICUBIC) if (nw, nh) != (w, h) else im
        top, left = int(round((nh - n) / 2.0)), int(round((nw - n) / 2.0))
        im = im.crop((left, top, left + n, top + n))
    else:
        im = im.resize((n, n), Image.BICUBIC)
    a = np.asarray(im).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    m = np.array(mean, np.float32)[:, None, None]
    s = np.array(std, np.float32)[:, None, None]
    return im.tobytes(), ((a - m) / s).astype("<f4").tobytes()


for i, (w, h, n, mode, (mean, std)) in enumerate([
    (450, 655, 224, "shortest", CLIP), (655, 450, 224, "shortest", CLIP), (224, 224, 224, "shortest", CLIP),
    (225, 224, 224, "shortest", CLIP), (224, 227, 224, "shortest", HALF), (1000, 30, 224, "shortest", CLIP),
    (30, 1000, 96, "shortest", HALF), (1, 1, 32, "shortest", HALF), (5000, 2, 24, "shortest", CLIP),
    (640, 427, 225, "shortest", CLIP), (427, 641, 223, "shortest", CLIP),
    (640, 427, 224, "squash", CLIP), (30, 1000, 96, "squash", HALF), (224, 500, 224, "squash", CLIP),
]):
    pix, floats = tensor(Image.fromarray(pattern(w, h, 100 + i)), n, mode, mean, std)
    golden["tensors"].append({"w": w, "h": h, "seed": 100 + i, "size": n, "resize": mode, "mean": mean,
                              "std": std, "pixels": sha(pix), "floats": sha(floats)})

# ---- files
RESIZES = [(20, 15), (97, 61), (224, 224)]


def add(name, data, expect=None, orientation=1, frames=1, stored=None):
    (files / name).write_bytes(data)
    if expect is None:
        expect = on_white(Image.open(io.BytesIO(data)))
    if stored is None:
        stored = Image.open(io.BytesIO(data)).size
    entry = {"file": name, "w": expect.width, "h": expect.height, "stored": list(stored),
             "orientation": orientation, "frames": frames, "sha256": sha(expect.tobytes()),
             "resizes": [{"to": list(t), "sha256": sha(expect.resize(t, Image.BICUBIC).tobytes())} for t in RESIZES]}
    golden["files"].append(entry)


def save(im, fmt, **kw):
    b = io.BytesIO()
    im.save(b, fmt, **kw)
    return b.getvalue()


W, H = 45, 33
base = pattern(W, H, 7)
rgb = Image.fromarray(base)
grey = rgb.convert("L")
alpha = Image.fromarray(pattern(W, H, 8)[..., 0])
rgba = rgb.copy()
rgba.putalpha(alpha)
pal = rgb.quantize(31)
bits16 = (base.astype(np.uint16) * 256 + pattern(W, H, 9)).astype(np.uint16)


def png(w, h, depth, colour, rows, extra=b"", interlace=0):
    """A PNG written by hand, for the kinds that Pillow does not write."""
    def chunk(t, d):
        return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
    raw = b"".join(b"\0" + r for r in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlace))
            + extra + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


add("rgb.png", save(rgb, "PNG"))
add("grey.png", save(grey, "PNG"))
add("one-bit.png", save(grey.convert("1"), "PNG"))
add("grey-alpha.png", save(Image.merge("LA", (grey, alpha)), "PNG"))
add("rgba.png", save(rgba, "PNG"))
add("palette.png", save(pal, "PNG"))
add("palette-4bit.png", save(rgb.quantize(13), "PNG"))
add("palette-alpha.png", save(pal, "PNG", transparency=bytes(range(0, 248, 8))))
add("colour-key.png", save(rgb, "PNG", transparency=tuple(int(v) for v in base[0, 0])))
add("grey16.png", save(Image.fromarray(bits16[..., 0]), "PNG"))
add("rgb16.png", png(W, H, 16, 2, [bits16[y].astype(">u2").tobytes() for y in range(H)]))
rgba16 = np.dstack([bits16, pattern(W, H, 8)[..., 0].astype(np.uint16) * 256 + 77])
add("rgba16.png", png(W, H, 16, 6, [rgba16[y].astype(">u2").tobytes() for y in range(H)]))
add("animated.png", save(rgb, "PNG", save_all=True, append_images=[rgb.rotate(180)]), frames=2)
add("rgb.bmp", save(rgb, "BMP"))
add("grey.bmp", save(grey, "BMP"))
add("palette.bmp", save(pal, "BMP"))
add("palette.gif", save(pal, "GIF"))
add("grey.gif", save(grey, "GIF"))
add("transparent.gif", save(pal, "GIF", transparency=3))
add("animated.gif", save(pal, "GIF", save_all=True, append_images=[pal.rotate(90), pal.rotate(180)]), frames=3)
for comp in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
    add(f"rgb-{comp or 'plain'}.tiff", save(rgb, "TIFF", compression=comp))
add("grey.tiff", save(grey, "TIFF", compression="tiff_lzw"))
add("one-bit.tiff", save(grey.convert("1"), "TIFF", compression="group4"))
add("palette.tiff", save(pal, "TIFF", compression="tiff_lzw"))
add("rgba.tiff", save(rgba, "TIFF", compression="tiff_lzw"))
add("grey16.tiff", save(Image.fromarray(bits16[..., 0]), "TIFF"))
add("pages.tiff", save(rgb, "TIFF", compression="tiff_lzw", save_all=True, append_images=[rgb, rgb]), frames=3)
add("lossless.webp", save(rgb, "WEBP", lossless=True))
add("lossless-alpha.webp", save(rgba, "WEBP", lossless=True, exact=True))
for w, h in ((45, 33), (44, 32), (1, 1), (2, 3), (3, 2), (17, 1), (1, 17)):
    add(f"lossy-{w}x{h}.webp", save(Image.fromarray(photo(64, 64)).crop((0, 0, w, h)), "WEBP", quality=60))
add("lossy-alpha.webp", save(rgba, "WEBP", quality=70))
add("lossy-animated.webp", save(rgba, "WEBP", quality=70, save_all=True, append_images=[rgba.rotate(180)]), frames=2)

# Orientation, in each container that carries EXIF. 0 and 9 mean upright.
small = Image.fromarray(photo(24, 16))
for o in range(0, 10):
    exif = Image.Exif()
    exif[0x0112] = o
    applied = o if 1 <= o <= 8 else 1
    for ext, fmt, kw in (("jpg", "JPEG", {"quality": 95, "subsampling": 0}), ("png", "PNG", {}),
                         ("webp", "WEBP", {"lossless": True}), ("tiff", "TIFF", {})):
        if o not in (0, 6, 9) and ext not in ("jpg", "png"):
            continue
        data = save(small, fmt, exif=exif, **kw)
        upright = Image.open(io.BytesIO(data))
        upright = ImageOps.exif_transpose(upright).convert("RGB")
        add(f"orientation-{o}.{ext}", data, expect=upright, orientation=applied,
            stored=small.size)

# ---- JPEG: what Pillow can write ...
ph = photo(83, 61)
pim = Image.fromarray(ph)
for name, im, kw in [
    ("444", pim, {"subsampling": 0}), ("422", pim, {"subsampling": 1}), ("420", pim, {"subsampling": 2}),
    ("420-progressive", pim, {"subsampling": 2, "progressive": True}),
    ("444-progressive", pim, {"subsampling": 0, "progressive": True}),
    ("422-progressive", pim, {"subsampling": 1, "progressive": True}),
    ("420-restart", pim, {"subsampling": 2, "restart_marker_blocks": 3}),
    ("420-restart-progressive", pim, {"subsampling": 2, "restart_marker_rows": 1, "progressive": True}),
    ("420-low", pim, {"subsampling": 2, "quality": 15}), ("420-best", pim, {"subsampling": 2, "quality": 100}),
    ("grey", pim.convert("L"), {}), ("grey-progressive", pim.convert("L"), {"progressive": True}),
    ("rgb", pim, {"keep_rgb": True, "quality": 90}),
    ("cmyk", pim.convert("CMYK"), {}), ("cmyk-progressive", pim.convert("CMYK"), {"progressive": True}),
]:
    add(f"{name}.jpg", save(im, "JPEG", **{"quality": 85, **kw}))
for w, h in ((1, 1), (2, 2), (3, 5), (4, 4), (5, 3), (16, 16), (17, 17), (18, 31), (7, 40), (40, 7)):
    for s in (1, 2):
        add(f"{('422', '420')[s - 1]}-{w}x{h}.jpg", save(pim.crop((10, 10, 10 + w, 10 + h)), "JPEG", quality=90,
                                                         subsampling=s))


def inks(a):
    return Image.merge("CMYK", [Image.fromarray(np.ascontiguousarray(a[..., i])) for i in range(4)])


cmyk = np.array(pim.convert("CMYK"))
cmyk[..., 3] = photo(61, 83)[..., 0].T // 2
add("cmyk-black.jpg", save(inks(cmyk), "JPEG", quality=90))
# YCCK: the planes of YCbCr and black, stored as if they were inks, and the
# colour transform of Adobe's segment set to 2.
ycck = np.dstack([255 - np.array(pim.convert("YCbCr")), cmyk[..., 3]])
data = bytearray(save(inks(ycck), "JPEG", quality=90))
data[data.index(b"Adobe") + 11] = 2
add("ycck.jpg", bytes(data))

# ... and what it cannot: other sampling factors, by an encoder of our own.
ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))


def huffman(bits, values):
    code, table = 0, {}
    it = iter(values)
    for n, count in enumerate(bits, 1):
        for _ in range(count):
            table[next(it)] = (code, n)
            code += 1
        code <<= 1
    return table


# One table for all: every value has a code of 8 bits or 9, which is all that a test needs.
DC_BITS, DC_VALUES = [0, 0, 0, 12] + [0] * 12, list(range(12))
AC_VALUES = [r << 4 | s for r in range(16) for s in range(1, 11)] + [0x00, 0xF0]
AC_BITS = [0] * 7 + [len(AC_VALUES)] + [0] * 8
DCT = np.array([[np.sqrt((1 if u == 0 else 2) / 8) * np.cos((2 * x + 1) * u * np.pi / 16) for x in range(8)]
                for u in range(8)])


def encode(planes, factors, w, h, app=b"", q=4):
    """Baseline JPEG of planes at their own sampling (h, v) factors."""
    hm, vm = max(f[0] for f in factors), max(f[1] for f in factors)
    mw, mh = -(-w // (8 * hm)), -(-h // (8 * vm))
    padded = []
    for p, (fh, fv) in zip(planes, factors):
        padded.append(np.pad(p, ((0, mh * fv * 8 - p.shape[0]), (0, mw * fh * 8 - p.shape[1])), "edge"))
    dc, ac = huffman(DC_BITS, DC_VALUES), huffman(AC_BITS, AC_VALUES)
    out, last = [], [0] * len(planes)

    def put(v, n):
        out.append(format(v, f"0{n}b") if n else "")

    def number(v):
        n = int(abs(v)).bit_length()
        return n, (v if v > 0 else v + (1 << n) - 1)

    for my in range(mh):
        for mx in range(mw):
            for c, (fh, fv) in enumerate(factors):
                for by in range(fv):
                    for bx in range(fh):
                        y0, x0 = (my * fv + by) * 8, (mx * fh + bx) * 8
                        block = DCT @ (padded[c][y0:y0 + 8, x0:x0 + 8].astype(float) - 128) @ DCT.T
                        z = [int(round(block.flat[k] / q)) for k in ZIGZAG]
                        n, v = number(z[0] - last[c])
                        last[c] = z[0]
                        put(*dc[n]), put(v, n)
                        run = 0
                        top = max([k for k in range(1, 64) if z[k]], default=0)
                        for k in range(1, top + 1):
                            if z[k] == 0:
                                run += 1
                                continue
                            while run > 15:
                                put(*ac[0xF0])
                                run -= 16
                            n, v = number(z[k])
                            put(*ac[run << 4 | n]), put(v, n)
                            run = 0
                        if top < 63:
                            put(*ac[0])
    bits = "".join(out)
    bits += "1" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")

    def seg(m, d):
        return b"\xff" + bytes([m]) + struct.pack(">H", len(d) + 2) + d
    comps = b"".join(bytes([i + 1, f[0] << 4 | f[1], 0]) for i, f in enumerate(factors))
    scan = bytes([len(planes)]) + b"".join(bytes([i + 1, 0]) for i in range(len(planes))) + b"\x00\x3f\x00"
    return (b"\xff\xd8" + app + seg(0xDB, bytes([0] + [q] * 64))
            + seg(0xC0, struct.pack(">BHHB", 8, h, w, len(planes)) + comps)
            + seg(0xC4, bytes([0] + DC_BITS + DC_VALUES)) + seg(0xC4, bytes([0x10] + AC_BITS + AC_VALUES))
            + seg(0xDA, scan) + body + b"\xff\xd9")


def shrink(p, fx, fy):
    p = np.pad(p, ((0, -p.shape[0] % fy), (0, -p.shape[1] % fx)), "edge").astype(float)
    return p.reshape(p.shape[0] // fy, fy, p.shape[1] // fx, fx).mean(axis=(1, 3)).round()


ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
for w, h in ((83, 61), (21, 35), (3, 3)):
    part = np.array(Image.fromarray(photo(83, 61)).crop((0, 0, w, h)).convert("YCbCr"))
    y, cb, cr = (part[..., i] for i in range(3))
    for name, fx, fy in (("440", 1, 2), ("411", 4, 1), ("410", 4, 2), ("422-own", 2, 1), ("420-own", 2, 2)):
        add(f"{name}-{w}x{h}.jpg", encode([y, shrink(cb, fx, fy), shrink(cr, fx, fy)],
                                          [(fx, fy), (1, 1), (1, 1)], w, h))
    k = np.full_like(y, 200) - (y // 3)
    planes = [y, shrink(cb, 2, 2), shrink(cr, 2, 2), k]
    halved = [(2, 2), (1, 1), (1, 1), (2, 2)]
    add(f"ycck-420-{w}x{h}.jpg", encode(planes, halved, w, h, app=ADOBE + b"\x02"))
    add(f"cmyk-420-{w}x{h}.jpg", encode(planes, halved, w, h, app=ADOBE + b"\x00"))
    add(f"cmyk-bare-{w}x{h}.jpg", encode([y, cb, cr, k], [(1, 1)] * 4, w, h))

(here / "golden.json").write_text(json.dumps(golden, indent=0) + "\n")
print(sum(f.stat().st_size for f in here.rglob("*") if f.is_file()), "bytes in testdata")
print(len(golden["resize"]), "resizes,", len(golden["files"]), "files,", len(golden["tensors"]), "tensors")
