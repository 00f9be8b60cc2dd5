"""The text tower: MiniLM-L6 (BERT, 6 layers, 384 wide), mean pooling, projection."""
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


class Layer(nn.Module):
    def __init__(self, d, heads, ff):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.ln1, self.ln2 = nn.LayerNorm(d, eps=1e-12), nn.LayerNorm(d, eps=1e-12)
        self.up, self.down = nn.Linear(d, ff), nn.Linear(ff, d)

    def forward(self, x, mask):
        b, n, d = x.shape
        q, k, v = (f(x).view(b, n, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.ln1(x + self.o(a.transpose(1, 2).reshape(b, n, d)))
        return self.ln2(x + self.down(F.gelu(self.up(x))))


class TextTower(nn.Module):
    def __init__(self, vocab=30522, d=384, heads=12, ff=1536, layers=6, positions=128):
        super().__init__()
        self.word = nn.Embedding(vocab, d)
        self.pos = nn.Embedding(positions, d)  # the segment vector is added into it
        self.ln = nn.LayerNorm(d, eps=1e-12)
        self.layers = nn.ModuleList([Layer(d, heads, ff) for _ in range(layers)])

    def forward(self, ids, mask):
        """-> mean over the tokens of the last layer (not normalised)."""
        x = self.ln(self.word(ids) + self.pos.weight[: ids.shape[1]])
        m = torch.zeros_like(mask, dtype=x.dtype).masked_fill(mask == 0, -1e4)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, m)
        w = mask.to(x.dtype)[..., None]
        return (x * w).sum(1) / w.sum(1).clamp(min=1e-9)


def load_minilm(path, rows=None, positions=128):
    """Weights of all-MiniLM-L6-v2; rows: the vocabulary rows to keep."""
    sd = load_file(path)
    sd = {k.removeprefix("bert."): v.float() for k, v in sd.items()}
    word = sd["embeddings.word_embeddings.weight"]
    if rows is not None:
        word = word[rows]
    net = TextTower(vocab=word.shape[0], positions=positions)
    c = lambda p, t: p.data.copy_(t)
    c(net.word.weight, word)
    c(net.pos.weight, sd["embeddings.position_embeddings.weight"][:positions] + sd["embeddings.token_type_embeddings.weight"][0])
    c(net.ln.weight, sd["embeddings.LayerNorm.weight"]), c(net.ln.bias, sd["embeddings.LayerNorm.bias"])
    names = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
             "o": "attention.output.dense", "ln1": "attention.output.LayerNorm",
             "up": "intermediate.dense", "down": "output.dense", "ln2": "output.LayerNorm"}
    for i, layer in enumerate(net.layers):
        for a, b in names.items():
            m = getattr(layer, a)
            c(m.weight, sd[f"encoder.layer.{i}.{b}.weight"]), c(m.bias, sd[f"encoder.layer.{i}.{b}.bias"])
    return net
