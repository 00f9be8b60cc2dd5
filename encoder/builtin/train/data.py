"""Training pictures and texts: what is read, how captions and phrases are made from it."""
import json
import pathlib
import re

SETS = ("openstax", "grocery", "clothing", "recipes")
TEMPLATES = ["a photo of a {}", "a {}", "a picture of a {}", "a close-up of a {}", "the {}", "a {} in the background"]
HERE = pathlib.Path(__file__).resolve().parent


def heldout():
    out = {}
    for line in open(HERE / "heldout.tsv", encoding="utf8"):
        if line.strip() and not line.startswith("#"):
            k, v = line.rstrip("\n").split("\t")
            out[k] = v.split("|")
    return out


def sentences(text):
    return [s.strip() for s in re.split(r"(?<=[.!?])\s+", text) if len(s.split()) > 2]


def article(word):
    return ("an " if word[0].lower() in "aeiou" else "a ") + word


def fix(text):
    return re.sub(r"\b([Aa]) (?=[aeiouAEIOU])", r"\1n ", text)


def captions(kind, r):
    """Texts of one picture, the best first."""
    lab = r.get("labels") or []
    if kind == "openstax":
        c = list(r["captions"][:1])
        if len(r["captions"]) > 1:
            c += [s for s in sentences(r["captions"][1])[1:4]]
            c.append(" ".join(r["captions"][1].split()[:45]))
        return c
    if kind == "recipes":
        c = [x for x in r["captions"] if not re.match(r"(before|after|step|slice|result|image|photo)\b", x, re.I)]
        return c + [f"a dish of {c[0]}" if c else "a dish", f"{', '.join(lab[1:4])} food on a plate" if len(lab) > 2 else "food on a plate"]
    if kind == "grocery":
        n = lab[0]
        if lab[-1].startswith("packaged"):
            return [f"a carton of {n}", f"a package of {lab[1]} on a shop shelf", n, f"{lab[1]} in a refrigerator in a supermarket"]
        if lab[1] in ("apple", "pear"):
            n = f"{n} {lab[1]}"
        return [f"a photo of {n} in a shop", n, f"a pile of {n}s at a market stall", f"{lab[1]}s in a grocery store"]
    n = {"longsleeve": "long sleeved shirt", "outwear": "jacket", "body": "baby bodysuit"}.get(lab[0], lab[0])
    a = n if n.endswith("s") else article(n)
    return [a, f"a photo of {a}", f"{a} lying on the floor", f"{a} hanging on a wall", f"clothes: {n}"]


def pictures(root):
    """-> list of {set, file, row, texts, label}; row is the line number in captions.jsonl."""
    out, held = [], heldout()
    for s in SETS:
        for i, line in enumerate(open(pathlib.Path(root) / s / "captions.jsonl", encoding="utf8")):
            r = json.loads(line)
            if s != "openstax" and set(r.get("labels") or []) & (set(held.get(s, ()))):
                continue
            t = [fix(x) for x in captions(s, r)]
            out.append(dict(set=s, row=i, file=f"{s}/{r['file']}", texts=t, label=(r.get("labels") or [""])[0],
                            licence=r["licence"], credit=r["credit"]))
    return out


def scenes():
    out = [[] for _ in range(1000)]
    for line in open(HERE / "scenes.tsv", encoding="utf8"):
        if line.strip() and not line.startswith("#"):
            ix, cap = line.rstrip("\n").split("\t")
            for part in ix.split(","):
                a, _, b = part.partition("-")
                for i in range(int(a), int(b or a) + 1):
                    out[i] += cap.split("|")
    return out


def classes(root):
    """-> per ImageNet class: {names, hyper, gloss, scenes}."""
    w = json.load(open(pathlib.Path(root) / "wordnet" / "imagenet1k_wordnet.json"))
    sc = scenes()
    stop = {"whole", "object", "physical entity", "entity", "organism", "living thing", "artifact", "matter", "physical object"}
    return [dict(names=w[k]["names"], hyper=[h for h in w[k]["hypernyms"][:4] if h not in stop],
                 gloss=w[k]["gloss"], scenes=sc[i]) for i, k in enumerate(sorted(w))]


def class_texts(c):
    """-> (texts that name the class, texts that only describe what is around it)."""
    own = [fix(t.format(n)) for n in c["names"][:3] for t in TEMPLATES[:4]]
    own.append(f"{c['names'][0]}, {c['gloss']}")
    wide = [fix(t.format(h)) for h in c["hyper"][:3] for t in TEMPLATES[:2]] + [c["gloss"]]
    return own, wide, c["scenes"]
