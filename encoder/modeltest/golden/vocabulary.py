"""Vocabularies of the families' kinds, small enough for a repository.

CLIP's is the real one cut after its first merges: the path of OpenAI's
bpe_simple_vocab_16e6.txt.gz is taken from CLIP_VOCABULARY. The SentencePiece
and WordPiece vocabularies are trained on, or put together from, inputs.py.
"""
import gzip
import io
import json
import os

import sentencepiece as spm

from inputs import TEXTS

EXTRA = """a photo of the cat dog bird house tree car boat street people child man woman horse flower
running sitting standing playing eating on in at with under over beside near red green blue white black
the quick brown fox jumps over the lazy dog while two children are playing football in the park
mountains lake river sunset beach snow city night lights bridge train station market kitchen table""".split("\n")
CORPUS = [t for t in TEXTS if t.strip()] * 6 + EXTRA * 30


def clip_merges(n):
    path = os.environ["CLIP_VOCABULARY"]
    lines = gzip.open(path).read().decode("utf-8").split("\n")
    return lines[1:1 + n]


def bytes_to_unicode():
    bs = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    cs, n = bs[:], 0
    for b in range(256):
        if b not in bs:
            bs.append(b)
            cs.append(256 + n)
            n += 1
    return [chr(c) for c in cs]


def clip_vocabulary(n):
    merges = clip_merges(n)
    tokens = bytes_to_unicode()
    tokens = tokens + [t + "</w>" for t in tokens] + ["".join(m.split()) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return {t: i for i, t in enumerate(tokens)}, merges


def train(**options):
    out = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=out, hard_vocab_limit=False,
                                   minloglevel=2, num_threads=1, **options)
    return out.getvalue()


def unigram_model():
    """As SigLIP's: Unigram, nmt_nfkc, pad 0, </s> 1, <unk> 2, no <s>."""
    return train(vocab_size=900, model_type="unigram", character_coverage=0.98, normalization_rule_name="nmt_nfkc",
                 pad_id=0, eos_id=1, unk_id=2, bos_id=-1)


def gemma_model():
    """As Gemma's: pairs with byte fallback, no normalisation, no dummy prefix, digits apart."""
    return train(vocab_size=1200, model_type="bpe", character_coverage=0.98, byte_fallback=True,
                 normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False, split_digits=True,
                 allow_whitespace_only_pieces=True, pad_id=0, eos_id=1, bos_id=2, unk_id=3, user_defined_symbols=["<mask>", "\n\n", "▁▁", "▁▁▁"])


def gemma_tokenizer(folder):
    """The tokenizer.json of a SigLIP 2 of these pieces."""
    from sentencepiece import sentencepiece_model_pb2 as pb
    from tokenizers import AddedToken, processors
    from transformers import Siglip2Tokenizer
    raw = gemma_model()
    (folder / "gemma.model").write_bytes(raw)
    model = pb.ModelProto()
    model.ParseFromString(raw)
    vocab = {p.piece: i for i, p in enumerate(model.pieces)}
    ranked = []
    for i, p in enumerate(model.pieces):
        if p.type != 1:
            continue
        for cut in range(1, len(p.piece)):
            a, b = p.piece[:cut], p.piece[cut:]
            if a in vocab and b in vocab:
                ranked.append((-p.score, vocab[a], vocab[b], (a, b)))
    merges = [m[3] for m in sorted(ranked)]
    tok = Siglip2Tokenizer(vocab=vocab, merges=merges)
    tok.backend_tokenizer.add_tokens([AddedToken(t, normalized=False) for t in ("\n\n", "▁▁", "▁▁▁")])
    tok.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    tok.save_pretrained(folder)
    return tok


def chinese_vocabulary():
    """BERT's special tokens, the characters of inputs.py, a few pieces."""
    lines = ["[PAD]"] + [f"[unused{i}]" for i in range(1, 20)] + ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    seen = []
    for t in CORPUS:
        for c in t.lower():
            if not c.isspace() and c not in seen:
                seen.append(c)
    lines += seen
    lines += ["##" + c for c in seen if c.isalnum() and ord(c) < 0x250 or "ぁ" <= c <= "ヿ" or "а" <= c <= "я"]
    words = []
    for t in EXTRA:
        for w in t.lower().split():
            if len(w) > 1 and w not in words:
                words.append(w)
    return lines + words + ["##ing", "##ed", "##s", "##er", "##tion"]
