"""The WordPiece vocabulary: BERT uncased without the rows this model never needs."""
from tokenizers import BertWordPieceTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def prune(lines):
    """-> (kept tokens, their old rows): the special tokens, then all-ASCII tokens, a few signs and no [unusedN]."""
    row = {t: i for i, t in enumerate(lines)}
    keep = SPECIAL + [t for t in lines if t not in SPECIAL and not t.startswith("[unused")
                      and (t.isascii() or t in "£€°½–—‘’“”…×²³")]
    return keep, [row[t] for t in keep]


def tokenizer(path, context):
    t = BertWordPieceTokenizer(str(path), lowercase=True)
    t.enable_truncation(context)
    return t


def batch(tok, texts, limit=None):
    """-> ids, mask as nested lists padded with 0 to the longest; limit cuts shorter than the context, keeping [SEP]."""
    e = [x.ids for x in tok.encode_batch(list(texts))]
    if limit:
        e = [x if len(x) <= limit else x[: limit - 1] + x[-1:] for x in e]
    n = max(map(len, e))
    return [x + [0] * (n - len(x)) for x in e], [[1] * len(x) + [0] * (n - len(x)) for x in e]
