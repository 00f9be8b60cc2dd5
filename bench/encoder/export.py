"""Full-size models with random weights, to measure how fast towers run:

    python export.py DIR [clip-vit-b-32] [siglip-base-16]

writes DIR/NAME-VARIANT for the variants fp32, fp16 (weights and arithmetic of
half precision, float32 inputs and outputs) and int8 (dynamic quantisation of
the matrix products, one scale for each output column). The architecture is the
published one, from transformers; speed does not depend on the values of the
weights. A folder is laid out as `clipdb model import` reads it. About 2.7 GB in
all.

CLIP's vocabulary is the real one, read from the package open_clip_torch.
SigLIP's is a small one trained on the spot: its texts are padded to 64 ids
whatever they say.
"""
import argparse
import gzip
import importlib.util
import json
import pathlib
import shutil
import sys

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16
from torch import nn
from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "encoder/modeltest/golden"))
from vocabulary import bytes_to_unicode, unigram_model  # noqa: E402
from write import export  # noqa: E402

MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


class Vision(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.m = m

    def forward(self, pixel_values):
        return pooled(self.m.get_image_features(pixel_values=pixel_values))


class Text(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.m = m

    def forward(self, input_ids, attention_mask=None):
        return pooled(self.m.get_text_features(input_ids=input_ids, attention_mask=attention_mask))


def pooled(o):
    return o if torch.is_tensor(o) else o.pooler_output


def clip_words(folder):
    """vocab.json and merges.txt of OpenAI's CLIP."""
    spec = importlib.util.find_spec("open_clip")
    lines = gzip.open(pathlib.Path(spec.origin).parent / "bpe_simple_vocab_16e6.txt.gz").read().decode().split("\n")
    merges = lines[1:49152 - 256 - 2 + 1]
    tokens = bytes_to_unicode()
    tokens = tokens + [t + "</w>" for t in tokens] + ["".join(m.split()) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    assert len(tokens) == 49408


def clip(folder):
    clip_words(folder)
    m = CLIPModel(CLIPConfig(  # openai/clip-vit-base-patch32
        text_config=dict(hidden_size=512, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=8, vocab_size=49408,
                         max_position_embeddings=77, bos_token_id=49406, eos_token_id=49407, pad_token_id=49407),
        vision_config=dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, image_size=224,
                           patch_size=32), projection_dim=512))
    processor(folder, image_processor_type="CLIPImageProcessor", size={"shortest_edge": 224}, do_center_crop=True,
              crop_size={"height": 224, "width": 224}, image_mean=MEAN, image_std=STD)
    ids = torch.randint(1, 49000, (2, 77))
    ids[:, -1] = 49407
    return m, (ids, torch.ones_like(ids)), 224


def siglip(folder):
    (folder / "spiece.model").write_bytes(unigram_model())
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "SiglipTokenizer", "model_max_length": 64, "do_lower_case": True}) + "\n")
    m = SiglipModel(SiglipConfig(  # google/siglip-base-patch16-224
        text_config=dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, vocab_size=32000,
                         max_position_embeddings=64),
        vision_config=dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, image_size=224,
                           patch_size=16)))
    processor(folder, image_processor_type="SiglipImageProcessor", size={"height": 224, "width": 224},
              image_mean=[0.5] * 3, image_std=[0.5] * 3)
    return m, (torch.randint(2, 31000, (2, 64)),), 224


def processor(folder, **fields):
    (folder / "preprocessor_config.json").write_text(json.dumps(dict(
        do_resize=True, resample=3, do_rescale=True, rescale_factor=1 / 255, do_normalize=True, **fields), indent=1) + "\n")


def variants(out, name, build):
    folder = out / (name + "-fp32")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "onnx").mkdir(parents=True)
    m, texts, side = build(folder)
    m.config.save_pretrained(folder)
    parts = {"vision_model": folder / "onnx/vision_model.onnx", "text_model": folder / "onnx/text_model.onnx"}
    export(Vision(m), (torch.randn(2, 3, side, side),), parts["vision_model"], ["pixel_values"], ["image_embeds"],
           {"pixel_values": {0: "batch"}, "image_embeds": {0: "batch"}})
    names = ["input_ids", "attention_mask"][:len(texts)]
    export(Text(m), texts, parts["text_model"], names, ["text_embeds"],
           {n: {0: "batch", 1: "sequence"} for n in names} | {"text_embeds": {0: "batch"}})
    for variant in ("fp16", "int8"):
        other = out / f"{name}-{variant}"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(folder, other, ignore=shutil.ignore_patterns("*.onnx"))
        (other / "onnx").mkdir(exist_ok=True)
        for part, path in parts.items():
            if variant == "fp16":
                onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), other / f"onnx/{part}_fp16.onnx")
            else:
                quantize_dynamic(path, other / f"onnx/{part}_quantized.onnx", weight_type=QuantType.QInt8, per_channel=True,
                                 op_types_to_quantize=["MatMul", "Gemm"])
    for f in sorted(out.glob(name + "-*")):
        print(f.name, round(sum(p.stat().st_size for p in f.rglob("*") if p.is_file()) / 1e6), "MB")


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("name", nargs="*", default=["clip-vit-b-32", "siglip-base-16"])
    args = args.parse_args()
    torch.manual_seed(1)
    for name in args.name:
        variants(args.dir, name, {"clip-vit-b-32": clip, "siglip-base-16": siglip}[name])
