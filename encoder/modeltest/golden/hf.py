"""Tiny models of the families that Hugging Face's transformers defines:

    python hf.py openai-clip fashion-clip siglip siglip2 chinese-clip

Each becomes testdata/FAMILY with the files that the family's ONNX exports
have, and golden.json with what transformers gives for inputs.py.
"""
import io
import json
import pathlib
import shutil
import sys

import numpy as np
import onnx
import sentencepiece as spm
import torch
from torch import nn
from transformers import (
    CLIPConfig, CLIPModel, CLIPTokenizer, ChineseCLIPConfig, ChineseCLIPModel, SiglipConfig, SiglipModel)
from transformers.models.chinese_clip.image_processing_pil_chinese_clip import ChineseCLIPImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from inputs import TEXTS, read_pictures, write_pictures
from vocabulary import chinese_vocabulary, clip_vocabulary, gemma_tokenizer, unigram_model
from write import export, scramble, write

ROOT = pathlib.Path(__file__).parent.parent / "testdata"
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
HALF = [0.5, 0.5, 0.5]
VISION = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8)
TEXT = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)


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


class Joint(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.m = m

    def forward(self, input_ids, pixel_values, attention_mask):
        o = self.m(input_ids=input_ids, pixel_values=pixel_values, attention_mask=attention_mask)
        return o.logits_per_image, o.logits_per_text, o.text_embeds, o.image_embeds


def pooled(o):
    return o if torch.is_tensor(o) else o.pooler_output


def fresh(name):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "onnx").mkdir(parents=True)
    return folder


def processor_json(folder, **fields):
    (folder / "preprocessor_config.json").write_text(json.dumps(fields, indent=1) + "\n")


def towers(folder, m, ids, mask, pixels, vision="vision_model", text="text_model"):
    export(Vision(m), (pixels[:2],), folder / f"onnx/{vision}.onnx", ["pixel_values"], ["image_embeds"],
           {"pixel_values": {0: "batch"}, "image_embeds": {0: "batch"}})
    axes = {"input_ids": {0: "batch", 1: "sequence"}, "text_embeds": {0: "batch"}}
    if mask is None:
        export(Text(m), (ids[:2],), folder / f"onnx/{text}.onnx", ["input_ids"], ["text_embeds"], axes)
    else:
        axes["attention_mask"] = {0: "batch", 1: "sequence"}
        export(Text(m), (ids[:2], mask[:2]), folder / f"onnx/{text}.onnx", ["input_ids", "attention_mask"], ["text_embeds"], axes)


def clip(name, seed, joint):
    folder = fresh(name)
    vocab, merges = clip_vocabulary(2000)
    tok = CLIPTokenizer(vocab=vocab, merges=[tuple(m.split()) for m in merges], model_max_length=77)
    m = scramble(CLIPModel(CLIPConfig(
        text_config=dict(TEXT, vocab_size=len(vocab), max_position_embeddings=77, bos_token_id=vocab["<|startoftext|>"],
                         eos_token_id=vocab["<|endoftext|>"], pad_token_id=vocab["<|endoftext|>"]),
        vision_config=VISION, projection_dim=24, logit_scale_init_value=float(np.log(100)))), seed)
    if joint:  # the older layout: vocab.json and merges.txt, one model.onnx
        (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    else:
        tok.save_pretrained(folder)
    m.config.save_pretrained(folder)
    prep = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor_json(folder, image_processor_type="CLIPImageProcessor", do_resize=True, size={"shortest_edge": 32}, resample=3,
                   do_center_crop=True, crop_size={"height": 32, "width": 32}, do_rescale=True, rescale_factor=1 / 255,
                   do_normalize=True, image_mean=MEAN, image_std=STD, do_convert_rgb=True)
    e = tok(TEXTS, padding="max_length", truncation=True, max_length=77, return_tensors="pt")
    pixels = prep(read_pictures(ROOT / "pictures"), return_tensors="pt")["pixel_values"]
    if joint:
        axes = {"input_ids": {0: "text_batch", 1: "sequence"}, "attention_mask": {0: "text_batch", 1: "sequence"},
                "pixel_values": {0: "image_batch"}, "logits_per_image": {0: "image_batch", 1: "text_batch"},
                "logits_per_text": {0: "text_batch", 1: "image_batch"}, "text_embeds": {0: "text_batch"}, "image_embeds": {0: "image_batch"}}
        export(Joint(m), (e.input_ids[:2], pixels[:3], e.attention_mask[:2]), folder / "onnx/model.onnx",
               ["input_ids", "pixel_values", "attention_mask"],
               ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"], axes)
    else:
        towers(folder, m, e.input_ids, e.attention_mask, pixels)
    with torch.no_grad():
        write(folder, ids=e.input_ids, text=pooled(m.get_text_features(**e)), image=pooled(m.get_image_features(pixels)),
              pixels=pixels, mean=MEAN, std=STD, scale=100.0, note="transformers " + type(m).__name__)


def siglip(name, seed, two):
    folder = fresh(name)
    if two:
        tok = gemma_tokenizer(folder)
        size = tok.backend_tokenizer.get_vocab_size()
    else:
        from transformers import SiglipTokenizer
        (folder / "spiece.model").write_bytes(unigram_model())
        tok = SiglipTokenizer(str(folder / "spiece.model"))
        size = tok.vocab_size
    c = SiglipConfig(text_config=dict(TEXT, vocab_size=size, max_position_embeddings=64, pad_token_id=1, bos_token_id=2, eos_token_id=1),
                     vision_config=VISION)
    m = scramble(SiglipModel(c), seed)
    m.config.save_pretrained(folder)
    resample = 2 if two else 3
    prep = SiglipImageProcessorPil(size={"height": 32, "width": 32}, resample=resample)
    processor_json(folder, image_processor_type="SiglipImageProcessor", do_resize=True, size={"height": 32, "width": 32},
                   resample=resample, do_rescale=True, rescale_factor=1 / 255, do_normalize=True, image_mean=HALF, image_std=HALF)
    tok.padding_side = "right"
    e = tok(TEXTS, padding="max_length", truncation=True, max_length=64, return_tensors="pt")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "SiglipTokenizer" if not two else "Siglip2Tokenizer", "model_max_length": 64, "do_lower_case": True}) + "\n")
    pixels = prep(read_pictures(ROOT / "pictures"), return_tensors="pt")["pixel_values"]
    suffix = "_fp16" if two else ""
    towers(folder, m, e.input_ids, None, pixels, vision="vision_model" + suffix, text="text_model" + suffix)
    if two:  # half precision, the weights of one tower in a file of their own
        from onnxruntime.transformers.float16 import convert_float_to_float16
        for part in ("vision", "text"):
            path = folder / f"onnx/{part}_model_fp16.onnx"
            h = convert_float_to_float16(onnx.load(path), keep_io_types=part == "text")
            if part == "vision":
                onnx.save(h, path, save_as_external_data=True, all_tensors_to_one_file=True,
                          location="vision_model_fp16.onnx_data", size_threshold=256)
            else:
                onnx.save(h, path)
    with torch.no_grad():
        write(folder, ids=e.input_ids, text=pooled(m.get_text_features(input_ids=e.input_ids)),
              image=pooled(m.get_image_features(pixels)), pixels=pixels, mean=HALF, std=HALF,
              scale=float(m.logit_scale.exp()), bias=float(m.logit_bias), note="transformers SiglipModel")


def chinese(name, seed):
    from transformers import BertTokenizer
    folder = fresh(name)
    lines = chinese_vocabulary()
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 52}) + "\n")
    tok = BertTokenizer(vocab={t: i for i, t in enumerate(lines)}, do_lower_case=True)
    m = scramble(ChineseCLIPModel(ChineseCLIPConfig(
        text_config=dict(TEXT, vocab_size=len(lines), max_position_embeddings=64), vision_config=VISION, projection_dim=24)), seed)
    m.config.save_pretrained(folder)
    prep = ChineseCLIPImageProcessorPil(size={"height": 32, "width": 32}, do_center_crop=False)
    processor_json(folder, image_processor_type="ChineseCLIPFeatureExtractor", do_resize=True, size=32, resample=3,
                   do_center_crop=False, do_normalize=True, image_mean=MEAN, image_std=STD)
    e = tok(TEXTS, padding="max_length", truncation=True, max_length=52, return_tensors="pt")
    pixels = prep(read_pictures(ROOT / "pictures"), return_tensors="pt")["pixel_values"]
    towers(folder, m, e.input_ids, e.attention_mask, pixels)
    with torch.no_grad():
        write(folder, ids=e.input_ids,
              text=pooled(m.get_text_features(input_ids=e.input_ids, attention_mask=e.attention_mask)),
              image=pooled(m.get_image_features(pixels)), pixels=pixels, mean=MEAN, std=STD, scale=float(m.logit_scale.exp()),
              note="transformers ChineseCLIPModel")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(1)
    if not (ROOT / "pictures").exists():
        write_pictures(ROOT / "pictures")
    for family in sys.argv[1:]:
        {"openai-clip": lambda: clip("openai-clip", 1, False), "fashion-clip": lambda: clip("fashion-clip", 2, True),
         "siglip": lambda: siglip("siglip", 3, False), "siglip2": lambda: siglip("siglip2", 4, True),
         "chinese-clip": lambda: chinese("chinese-clip", 5)}[family]()
        print(family, sum(f.stat().st_size for f in (ROOT / family).rglob("*") if f.is_file()))
