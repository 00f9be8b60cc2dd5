"""Makes the golden ids of package token with Hugging Face's tokenizers.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install tokenizers==0.23.3
    /tmp/golden/bin/python make_golden.py [folder shared/fixtures/clip, vocab.txt...]

Without arguments only the tiny vocabularies are made: tiny_vocab.txt and
tiny_merges.txt with the ids of strings.json under them. With arguments also
bert_ids.json: the ids of the 1,040 lines of the shared fixtures under each of
the vocabularies, told by its sha256. Those committed are BERT's uncased one
of 30,522 pieces, as all-MiniLM-L6-v2 has it, and that of the built-in model.
"""
import hashlib
import html
import json
import pathlib
import sys

from tokenizers import BertWordPieceTokenizer, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

here = pathlib.Path(__file__).parent
texts = json.loads((here / "strings.json").read_text())

# WordPiece over single characters, a few words and a few pieces.
pieces = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
pieces += [chr(c) for c in range(33, 127) if not chr(c).isupper()]
pieces += ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
pieces += "the photo of cat cafe uber naive red running play dog s t don re".split()
pieces += "##ing ##ed ##er ##s ##og ##un ##ming ##ey ##es ##alk".split()
pieces += list("你好世é中αβγδеийßøłжд한") + ["ο", "##δ", "##ο", "##σ", "##ς", "…", "“", "”", "—", "½", "##я"]
(here / "tiny_vocab.txt").write_text("\n".join(pieces) + "\n")
vocab = {p: i for i, p in enumerate(pieces)}


def wordpiece(lowercase):
    t = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 3), ("[SEP]", 4)])
    t.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return t


# Byte pairs: merges learnt by counting on the strings themselves, among them
# some that overlap (a a, aa a) and some of bytes of characters cut in two.
byte = {}
order = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
spare = 0
for b in range(256):
    if b not in order:
        order.append(b)
for b in order:
    printable = 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255
    byte[b] = chr(b if printable else 256 + spare)
    spare += not printable
pattern = (r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d"
           r"|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
words = []
for text in texts:
    for w in html.unescape(text).lower().split():
        symbols = [byte[b] for b in w.encode()][:40]
        words.append(symbols[:-1] + [symbols[-1] + "</w>"])
merges = [("a", "a"), ("aa", "a"), ("a", "a</w>"), ("aa", "aa</w>"), ("aa", "a</w>")]
while len(merges) < 250:
    count = {}
    for w in words:
        for p in zip(w, w[1:]):
            count[p] = count.get(p, 0) + 1
    best = max(count, key=lambda p: (count[p], p))
    if best not in merges:
        merges.append(best)
    for i, w in enumerate(words):
        out, k = [], 0
        while k < len(w):
            if k + 1 < len(w) and (w[k], w[k + 1]) == best:
                out.append(w[k] + w[k + 1])
                k += 2
            else:
                out.append(w[k])
                k += 1
        words[i] = out
(here / "tiny_merges.txt").write_text(
    '"tiny#version: 0.2\n' + "\n".join(" ".join(m) for m in merges) + "\n")
tokens = [byte[b] for b in order]
tokens += [t + "</w>" for t in tokens] + ["".join(m) for m in merges]
tokens += ["<|startoftext|>", "<|endoftext|>"]
bpe_vocab = {t: i for i, t in enumerate(tokens)}


def bytepair():
    t = Tokenizer(models.BPE(bpe_vocab, merges, end_of_word_suffix="</w>"))
    t.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>",
        special_tokens=[("<|startoftext|>", bpe_vocab["<|startoftext|>"]),
                        ("<|endoftext|>", bpe_vocab["<|endoftext|>"])])
    t.add_special_tokens(["<|startoftext|>", "<|endoftext|>"])
    return t


uncased, cased, pairs = wordpiece(True), wordpiece(False), bytepair()
golden = []
for text in texts:
    golden.append({
        "text": text,
        "uncased": uncased.encode(text).ids,
        "cased": cased.encode(text).ids,
        # Hugging Face's tokenizer leaves HTML alone; OpenAI's does not.
        "bytepair": pairs.encode(html.unescape(html.unescape(text)).lower().strip()).ids,
    })
(here / "golden.jsonl").write_text(
    "".join(json.dumps(g, ensure_ascii=True) + "\n" for g in golden))

if len(sys.argv) > 2:
    lines = []
    for name in ("openai_tokens_captions.jsonl", "openai_tokens_edge.jsonl"):
        lines += [json.loads(l)["text"] for l in (pathlib.Path(sys.argv[1]) / name).read_text().splitlines()]
    sets = []
    for path in sys.argv[2:]:
        t = BertWordPieceTokenizer(path, lowercase=True)
        sets.append({"vocabulary_sha256": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(),
                     "ids": [t.encode(line).ids for line in lines]})
    (here / "bert_ids.json").write_text(json.dumps(sets, separators=(",", ":")) + "\n")
