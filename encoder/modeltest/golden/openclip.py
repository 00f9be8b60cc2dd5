"""Tiny models of the families that open_clip defines:

    python openclip.py open-clip eva-clip biomedclip mobileclip

Each becomes testdata/FAMILY with open_clip_config.json, the towers and a
tokenizer, and golden.json with what open_clip gives for inputs.py.
"""
import gzip
import json
import pathlib
import shutil
import sys
import tempfile

import open_clip
import timm
import torch
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
from open_clip.transform import image_transform
from torch import nn
from transformers import BertConfig, BertTokenizer

from inputs import TEXTS, read_pictures
from vocabulary import chinese_vocabulary, clip_merges, clip_vocabulary
from write import export, scramble, write

ROOT = pathlib.Path(__file__).parent.parent / "testdata"
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def simple_tokenizer():
    """open_clip's own, of CLIP's first merges."""
    merges = clip_merges(2000)
    vocab, _ = clip_vocabulary(2000)
    with tempfile.TemporaryDirectory() as d:
        path = pathlib.Path(d) / "bpe.txt.gz"
        path.write_bytes(gzip.compress(("#version\n" + "\n".join(merges) + "\n").encode(), mtime=0))
        tok = SimpleTokenizer(str(path))
        raw = path.read_bytes()
    tok.encoder = vocab
    tok.bpe_ranks = {tuple(m.split()): i for i, m in enumerate(merges)}
    tok.sot_token_id, tok.eot_token_id = vocab["<|startoftext|>"], vocab["<|endoftext|>"]
    tok.all_special_ids = [tok.sot_token_id, tok.eot_token_id]
    tok.vocab_size = len(vocab)
    return tok, raw, len(vocab)


def finish(folder, m, config, tok, context, pre, image_size, *, batch=True, ids_type=torch.int64):
    tf = image_transform(image_size, is_train=False, mean=tuple(pre["mean"]), std=tuple(pre["std"]),
                         interpolation=pre["interpolation"], resize_mode=pre["resize_mode"])
    pixels = torch.stack([tf(p) for p in read_pictures(ROOT / "pictures")])
    ids = tok(TEXTS, context_length=context)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": pre}, indent=1) + "\n")
    with torch.no_grad():
        text, image = m.encode_text(ids, normalize=True), m.encode_image(pixels, normalize=True)
    n = 2 if batch else 1
    axes = lambda a, b: {a: {0: "batch"}, b: {0: "batch"}} if batch else None
    export(ImageTower(m), (pixels[:n],), folder / "visual.onnx", ["pixels"], ["embedding"], axes("pixels", "embedding"))
    export(TextTower(m, ids_type), (ids[:n].to(ids_type),), folder / "textual.onnx", ["tokens"], ["embedding"], axes("tokens", "embedding"))
    write(folder, ids=ids, text=text, image=image, pixels=pixels, mean=pre["mean"], std=pre["std"],
          scale=float(m.logit_scale.exp()), note="open_clip")


class ImageTower(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.m = m

    def forward(self, x):
        return self.m.encode_image(x)


class TextTower(nn.Module):
    def __init__(self, m, kind):
        super().__init__()
        self.m, self.kind = m, kind

    def forward(self, x):
        return self.m.encode_text(x.long())


def fresh(name):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


PRE = dict(mode="RGB", mean=MEAN, std=STD, interpolation="bicubic", resize_mode="shortest")


def openclip(name, seed):
    """Files that take one picture or text at a time, ids of 32 bits."""
    folder = fresh(name)
    tok, raw, size = simple_tokenizer()
    (folder / "bpe_simple_vocab_16e6.txt.gz").write_bytes(raw)
    config = dict(embed_dim=24, vision_cfg=dict(image_size=32, layers=2, width=64, head_width=16, patch_size=8),
                  text_cfg=dict(context_length=77, vocab_size=size, width=32, heads=4, layers=2))
    m = scramble(open_clip.CLIP(**{k: v for k, v in config.items()}), seed)
    finish(folder, m, config, tok, 77, PRE, 32, batch=False, ids_type=torch.int32)


def eva(name, seed):
    tok, raw, size = simple_tokenizer()
    config = dict(embed_dim=24, custom_text=True,
                  vision_cfg=dict(image_size=32, timm_model_name="eva02_tiny_patch14_224", timm_model_pretrained=False,
                                  timm_pool="token", timm_proj=None),
                  text_cfg=dict(context_length=77, vocab_size=size, width=32, heads=4, layers=2))
    trunk = timm.models.eva.Eva(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=4, qkv_fused=False, mlp_ratio=4 * 2 / 3,
                                swiglu_mlp=True, scale_mlp=True, use_rot_pos_emb=True, ref_feat_shape=(16, 16), num_classes=24,
                                global_pool="token")
    folder = fresh(name)
    (folder / "bpe_simple_vocab_16e6.txt.gz").write_bytes(raw)
    small = dict(config, vision_cfg=dict(image_size=32, layers=1, width=64, head_width=16, patch_size=8))
    small.pop("custom_text")
    m = open_clip.CustomTextCLIP(**small)
    m.visual = TimmTower(trunk)
    finish(folder, scramble(m, seed), config, tok, 77, PRE, 32)


class TimmTower(nn.Module):
    def __init__(self, trunk):
        super().__init__()
        self.trunk = trunk

    def forward(self, x):
        return self.trunk(x)


def biomed(name, seed):
    folder = fresh(name)
    lines = chinese_vocabulary()
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n")
    with tempfile.TemporaryDirectory() as d:
        bert = pathlib.Path(d) / "bert"
        BertConfig(vocab_size=len(lines), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
                   max_position_embeddings=256).save_pretrained(bert)
        BertTokenizer(vocab={t: i for i, t in enumerate(lines)}, do_lower_case=True).save_pretrained(bert)
        tok = HFTokenizer(str(bert), context_length=256)
        text = dict(hf_model_name=str(bert), hf_model_pretrained=False, hf_tokenizer_name=str(bert), hf_proj_type="mlp",
                    hf_pooler_type="cls_last_hidden_state_pooler", context_length=256)
        small = dict(embed_dim=24, vision_cfg=dict(image_size=32, layers=1, width=64, head_width=16, patch_size=8), text_cfg=text)
        m = open_clip.CustomTextCLIP(**small)
        m.visual = TimmTower(nn.Sequential(
            timm.models.vision_transformer.VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=4, num_classes=0),
            nn.Linear(32, 24, bias=False)))
        config = dict(embed_dim=24,
                      vision_cfg=dict(timm_model_name="vit_base_patch16_224", timm_model_pretrained=False, timm_pool="", timm_proj="linear", image_size=32),
                      text_cfg=dict(text, hf_model_name="microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract",
                                    hf_tokenizer_name="microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"))
        finish(folder, scramble(m, seed), config, tok, 256, PRE, 32)


def mobile(name, seed):
    folder = fresh(name)
    tok, raw, size = simple_tokenizer()
    (folder / "bpe_simple_vocab_16e6.txt.gz").write_bytes(raw)
    text = dict(context_length=77, vocab_size=size, width=32, heads=4, layers=2, no_causal_mask=True)
    m = open_clip.CustomTextCLIP(embed_dim=24, vision_cfg=dict(image_size=64, layers=1, width=64, head_width=16, patch_size=8), text_cfg=text)
    m.visual = TimmTower(timm.models.fastvit.FastVit(
        layers=(1, 1, 1, 1), embed_dims=(16, 16, 32, 32), mlp_ratios=(2, 2, 2, 2), se_downsamples=(False, False, True, True), downsamples=(False, True, True, True),
        pos_embs=(None, None, None, lambda *a, **kw: timm.models.fastvit.RepConditionalPosEnc(*a, spatial_shape=(7, 7), **kw)),
        token_mixers=("repmixer", "repmixer", "repmixer", "attention"), num_classes=24, lkc_use_act=True))
    pre = dict(mode="RGB", mean=[0, 0, 0], std=[1, 1, 1], interpolation="bilinear", resize_mode="shortest")
    config = dict(embed_dim=24, vision_cfg=dict(timm_model_name="fastvit_mci1", timm_model_pretrained=False, timm_pool="avg", timm_proj=None, image_size=64),
                  text_cfg=text)
    finish(folder, scramble(m, seed), config, tok, 77, pre, 64)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.backends.mha.set_fastpath_enabled(False)  # has no ONNX form
    torch.manual_seed(1)
    for family in sys.argv[1:]:
        {"open-clip": lambda: openclip("open-clip", 6), "eva-clip": lambda: eva("eva-clip", 7),
         "biomedclip": lambda: biomed("biomedclip", 8), "mobileclip": lambda: mobile("mobileclip", 9)}[family]()
        print(family, sum(f.stat().st_size for f in (ROOT / family).rglob("*") if f.is_file()))
