"""A Unigram tokenizer.json of the pieces of testdata/siglip/spiece.model, as
the ONNX exports of SigLIP carry one, with the ids that Hugging Face's
tokenizers give: testdata/unigram."""
import json
import pathlib

from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from inputs import TEXTS

root = pathlib.Path(__file__).parent.parent / "testdata"
model = pb.ModelProto()
model.ParseFromString((root / "siglip/spiece.model").read_bytes())
t = Tokenizer(models.Unigram([(p.piece, p.score) for p in model.pieces], unk_id=2))
t.normalizer = normalizers.Sequence([
    normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap), normalizers.Lowercase(),
    normalizers.Replace(Regex(r"""[!"\#\$%\&'\(\)\*\+,\-\.:;=\?@\[\]\^_`\{\|\}\~]"""), ""),
    normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip(left=True, right=True)])
t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
t.add_special_tokens(["<pad>", "</s>", "<unk>"])
folder = root / "unigram"
folder.mkdir(exist_ok=True)
t.save(str(folder / "tokenizer.json"), pretty=False)
(folder / "golden.json").write_text(json.dumps(
    {"texts": TEXTS, "ids": [t.encode(x).ids for x in TEXTS]}, separators=(",", ":")) + "\n")

# What the sentencepiece library itself gives for both .model files.
import sentencepiece as spm

unigram = spm.SentencePieceProcessor(model_file=str(root / "siglip/spiece.model"))
pairs = spm.SentencePieceProcessor(model_file=str(root / "siglip2/gemma.model"))
(root / "unigram/sentencepiece.json").write_text(json.dumps(
    {"texts": TEXTS, "unigram": [unigram.encode(x) for x in TEXTS], "pairs": [pairs.encode(x) for x in TEXTS]},
    separators=(",", ":")) + "\n")
