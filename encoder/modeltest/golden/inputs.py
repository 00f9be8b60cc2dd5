"""The 40 texts and 20 pictures that every family is held against."""
import pathlib

import numpy as np
from PIL import Image

TEXTS = [
    "", " ", "a", "a photo of a cat", "A Photo Of A CAT!", "two dogs running on the beach at sunset",
    "a red bicycle leaning against a brick wall, beside a green door", "it's the dog's ball, they're playing; don't",
    "café naïve coöperate Ångström façade", "cafe\u0301 with a combining accent", "ÉCOLE DES BEAUX-ARTS",
    "straße und größe", "İstanbul ΟΔΟΣ Σίσυφος", "привет, мир", "Ελληνικά γράμματα", "שלום עולם", "مرحبا بالعالم",
    "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好,世界", "一只猫坐在窗台上", "東京タワーの夜景", "カタカナ ﾊﾝｶｸ ひらがな",
    "안녕하세요 세계", "emoji 😀 and 👩‍👩‍👧‍👦 family", "🇩🇪 flag ❤️ heart", "12 3.14 2024-05-01 100%", "x² + ½ = ¾",
    "user@example.com https://example.org/a_b?c=d", "tabs\tand\nnew lines\r\nand   spaces  ", "snake_case and kebab-case",
    "HTML &amp; entities &lt;b&gt; &eacute;", "(brackets) [square] {curly} <angle>", "C++ / C# / F#", "...!!!???",
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "ｆｕｌｌ ｗｉｄｔｈ １２３",
    "zero\u200bwidth and soft\u00adhyphen", "a very long caption " * 40, "猫と犬" * 60,
]


def pictures():
    """20 pictures of odd sizes: gradients, noise, edges, grey, thin ones."""
    rng = np.random.default_rng(11)
    out = []
    sizes = [(32, 32), (33, 47), (47, 33), (64, 64), (100, 75), (75, 100), (128, 31), (31, 128), (20, 20), (17, 61),
             (90, 90), (121, 77), (77, 121), (200, 50), (50, 200), (65, 64), (48, 96), (96, 49), (150, 111), (5, 9)]
    for i, (w, h) in enumerate(sizes):
        y, x = np.mgrid[0:h, 0:w].astype(np.float64)
        a = np.empty((h, w, 3))
        for c in range(3):
            fx, fy, p = rng.uniform(0.02, 0.35), rng.uniform(0.02, 0.35), rng.uniform(0, 6)
            a[..., c] = 127 + 90 * np.sin(fx * x + fy * y + p) + 30 * (((x // 7).astype(int) + (y // 5).astype(int)) % 2)
        if i % 4 == 1:
            a += rng.normal(0, 25, a.shape)
        if i % 5 == 4:
            a[:] = a.mean(axis=2, keepdims=True)
        if i % 6 == 5:
            a[h // 3: h // 2, w // 4: w // 2] = (255, 0, 40)
        out.append(Image.fromarray(np.clip(a, 0, 255).astype(np.uint8)))
    return out


def write_pictures(folder: pathlib.Path):
    folder.mkdir(parents=True, exist_ok=True)
    for i, p in enumerate(pictures()):
        p.save(folder / f"{i:02d}.png", optimize=True)


def read_pictures(folder: pathlib.Path):
    return [Image.open(folder / f"{i:02d}.png").convert("RGB") for i in range(20)]
