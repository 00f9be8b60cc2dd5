"""Writes MODELDIR/testdata/golden.json: texts, their ids and vectors from torch with the rounded weights.

    python golden.py [MODELDIR]
"""
import json
import pathlib
import sys

import tokens
from evaluate import HERE, Runner

TEXTS = [
    "a dog running on the beach", "Two men riding bicycles down a mountain trail.", "a red car", "A PHOTO OF A CAT",
    "café au lait and crème brûlée", "naïve façade, déjà vu", "Ångström, Žižek, Łódź, Đorđe", "straße in München", "İstanbul'da bir kedi",
    "東京の夜景", "一只狗 runs on the grass", "서울의 봄", "собака на снегу", "כלב", "قطة", "สุนัข", "हिन्दी",
    "🐶", "a dog 🐕 on a surfboard 🏄‍♂️", "☕ and 🍰", "", " ", "\t\n", ".", "...?!", "a", "don't can't won't it's",
    "state-of-the-art 3.14 $5.00 50% #1 @home", "http://example.org/a_b?c=d&e=f", "<b>bold</b> &amp; &lt;",
    "x" * 99, "y" * 150, "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "a\u00a0b\u200bc\u00add", "ﬁne ﬂour ½ cup", "“quoted” — dash … ellipsis’s", "tab\tand\nnewline\r\nmixed   spaces",
    "null\x00 and bell\x07 and \ufffd", "e\u0301 combining and \u00e9 composed",
    "a very long caption " + "with many people standing in front of a large building on a sunny day and " * 12,
]


def main(folder=HERE.parent):
    run = Runner(folder)
    out = []
    for t in TEXTS:
        ids, _ = tokens.batch(run.tok, [t])
        out.append({"text": t, "ids": ids[0], "vector": [round(float(x), 6) for x in run.texts([t])[0]]})
    d = folder / "testdata"
    d.mkdir(exist_ok=True)
    (d / "golden.json").write_text(json.dumps({"model": run.info["name"], "items": out}, separators=(",", ":")) + "\n")
    print(len(out), (d / "golden.json").stat().st_size)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:2]))
