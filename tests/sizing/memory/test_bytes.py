"""Bytes against what is really allocated: caches, optimisers, weights, saved activations."""

import copy

import pytest
import torch
from built_models import TINY, build, tokens
from torch import nn
from transformers import StaticCache

from repro.sizing.families import architecture
from repro.sizing.memory.activations import activation_bytes
from repro.sizing.memory.cache import cache_bytes, cached_numbers, kv_cache_bytes, longest_context
from repro.sizing.operations.flops import forward_flops
from repro.sizing.published import published_model

GIB = 2**30
BATCH, TIME = 2, 6
DENSE = ["gpt2", "gpt_neox", "llama", "llama with wide heads", "mixtral", "qwen2", "qwen3_moe", "gemma"]
WINDOWED = ["mistral", "qwen2 sliding", "gemma2", "gemma3_text", "phi3"]


def _held(cache):
    """Bytes of a cache's own storages."""
    tensors = [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


@pytest.mark.parametrize("name", [*DENSE, "deepseek_v3"])
def test_a_cache_holds_the_bytes_we_count(name):
    """After a forward pass, in fp32: shared heads and latents alike."""
    model = build(TINY[name], device="cpu")
    with torch.no_grad():
        cache = model(**tokens(model, BATCH, TIME), use_cache=True).past_key_values

    assert cache_bytes(architecture(TINY[name]), TIME, batch=BATCH, bits=32) == _held(cache)


@pytest.mark.parametrize("name", [*DENSE, *WINDOWED])
def test_an_allocated_cache_keeps_no_more_than_each_window(name):
    """A cache reserved for 20 tokens, of which layers with a window of 8 get 8."""
    model = build(TINY[name], device="cpu")
    cache = StaticCache(model.config, max_cache_len=20)
    with torch.no_grad():
        model(**tokens(model, BATCH, TIME), past_key_values=cache)

    assert cache_bytes(architecture(TINY[name]), 20, batch=BATCH, bits=32) == _held(cache)


def test_an_encoder_decoder_also_keeps_its_source():
    """T5: keys and values of the source in every layer, beside those of the text so far."""
    model = build(TINY["t5"], device="cpu")
    source, target = tokens(model, BATCH, 9)["input_ids"], tokens(model, BATCH, 4)["input_ids"]
    with torch.no_grad():
        cache = model(input_ids=source, decoder_input_ids=target, use_cache=True).past_key_values
    held = _held(cache.self_attention_cache) + _held(cache.cross_attention_cache)

    assert cache_bytes(architecture(TINY["t5"]), 4, batch=BATCH, bits=32, source=9) == held


def test_llama_2_70b_keeps_an_eighth_of_ten_gib():
    """80 layers, 4,096 tokens, fp16: 10 GiB with 64 heads, 1.25 GiB with its 8."""
    shape = {"layers": 80, "head_width": 128, "tokens": 4096}

    assert 10 * GIB == kv_cache_bytes(kv_heads=64, **shape)
    assert 1.25 * GIB == kv_cache_bytes(kv_heads=8, **shape) == cache_bytes(published_model("llama-2-70b"), 4096)


def test_deepseek_v3_keeps_69_kib_a_token():
    """61 layers of a latent of 512 and a rotary key of 64, in 16 bits."""
    assert 61 * 576 * 2 == cache_bytes(published_model("deepseek-v3"), 1)


@pytest.mark.parametrize("name", ["llama-2-70b", "gemma-2-9b", "deepseek-v3"])
@pytest.mark.parametrize("room", [0.0, 1e7, 5e9, 4e11])
def test_the_longest_context_fits_and_one_more_token_does_not(name, room):
    """An inverse of the cache's size, windows included."""
    model = published_model(name)
    longest = longest_context(model, room, batch=3)

    assert cache_bytes(model, longest, batch=3) <= room < cache_bytes(model, longest + 1, batch=3)


def test_no_context_is_too_long_for_windows_alone():
    """Mistral 7B's cache stops growing at 4,096 tokens."""
    model = published_model("mistral-7b")

    assert cache_bytes(model, 4096) == cache_bytes(model, 10**9)
    with pytest.raises(ValueError, match="no context is too long"):
        longest_context(model, cache_bytes(model, 4096))


def test_an_encoder_keeps_no_cache():
    """A question without meaning is refused."""
    with pytest.raises(ValueError, match="bert-base is an encoder"):
        cached_numbers(published_model("bert-base"))


class _Block(nn.Module):
    """A pre-norm layer written out, in the two shapes whose activations are published or common."""

    def __init__(self, *, heads, kv_heads, head_width, hidden, gated, dropout):
        super().__init__()
        width = heads * head_width
        self.heads, self.kv_heads, self.gated, self.p = heads, kv_heads, gated, dropout
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key, self.value = (nn.Linear(width, kv_heads * head_width) for _ in range(2))
        self.up, self.gate, self.down = nn.Linear(width, hidden), nn.Linear(width, hidden), nn.Linear(hidden, width)

    def _drop(self, row):
        return torch.native_dropout(row, self.p, True)[0] if self.p else row  # masks of a byte, as on a GPU

    def _split(self, row, heads):
        return row.unflatten(-1, (heads, -1)).transpose(1, 2)

    def _attend(self, row):
        query = self._split(self.query(row), self.heads)
        key, value = (self._split(part(row), self.kv_heads) for part in (self.key, self.value))
        if self.p:
            weights = self._drop((query @ key.transpose(2, 3) / 8).softmax(-1))
            return weights @ value
        return nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, enable_gqa=self.heads != self.kv_heads
        )

    def forward(self, row):
        mixed = self.out(self._attend(self.norms[0](row)).transpose(1, 2).flatten(2))
        row = row + self._drop(mixed)
        inner = self.norms[1](row)
        hidden = (
            nn.functional.silu(self.gate(inner)) * self.up(inner) if self.gated else nn.functional.gelu(self.up(inner))
        )
        return row + self._drop(self.down(hidden))


def _saved(module, row):
    """Bytes of what autograd keeps, weights and the norms' two numbers a token left out."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    kept = {}

    def keep(tensor):
        if tensor.shape[-1] > 1 and tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        module(row)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize(
    ("kv_heads", "gated", "recompute"), [(6, False, "none"), (6, False, "selective"), (2, True, "selective")]
)
def test_a_layer_saves_the_activations_we_count(kv_heads, gated, recompute):
    """Plain and gated, all heads and shared ones; with dropout and kept scores, or with flash attention, in bf16."""
    time, batch, heads, head_width, hidden, layers = 16, 2, 6, 8, 40, 3
    eager = recompute == "none"
    block = _Block(
        heads=heads, kv_heads=kv_heads, head_width=head_width, hidden=hidden, gated=gated, dropout=0.1 * eager
    )
    stack = nn.Sequential(*(copy.deepcopy(block) for _ in range(layers))).to(torch.bfloat16)
    saved = _saved(stack, torch.randn(batch, time, 48, dtype=torch.bfloat16, requires_grad=True))
    model = _decoder(layers, heads, kv_heads, hidden, gated)

    assert saved == activation_bytes(model, time, batch=batch, recompute=recompute, dropout=eager, logits=False)


def _decoder(layers, heads, kv_heads, hidden, gated):
    fields = {"num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv_heads}
    if gated:
        return architecture({**TINY["llama"], **fields, "intermediate_size": hidden})
    return architecture({**TINY["gpt2"], "n_layer": layers, "n_head": heads, "n_inner": hidden})


def test_gpts_shape_gives_korthikantis_formula():
    """s b h L (34 + 5 a s / h) bytes: Korthikanti et al. 2022 (arXiv:2205.05198), eq. 1; without scores s b h L 34."""
    tokens, batch, width, layers, heads = 2048, 2, 12_288, 96, 96
    kept = {
        recompute: activation_bytes(
            published_model("gpt3-175b"), tokens, batch=batch, recompute=recompute, dropout=True, logits=False
        )
        for recompute in ("none", "selective")
    }

    row = tokens * batch * width * layers
    assert row * (34 + 5 * heads * tokens / width) == kept["none"]
    assert row * 34 == pytest.approx(kept["selective"], rel=1e-3)  # flash attention keeps a sum of each head as well


def test_full_recomputation_keeps_inputs_and_one_layer():
    """Between one layer's activations and those of all."""
    model = published_model("llama-2-7b")
    full, none = (activation_bytes(model, 4096, recompute=kind, logits=False) for kind in ("full", "selective"))

    assert none / 32 + 32 * 2 * 4096 * 4096 == full


def test_an_unknown_recomputation_is_named():
    """The message lists what there is."""
    with pytest.raises(ValueError, match="recompute is 'some'; expected one of none, selective, full"):
        activation_bytes(published_model("gpt2"), 8, recompute="some")


def test_shared_heads_shrink_the_cache_and_leave_the_scores():
    """Ainslie et al. 2023: an eighth of the heads, an eighth of the bytes; every query still meets every key."""
    grouped = published_model("llama-2-70b")
    full = grouped.with_kv_heads(64)

    assert grouped == full.with_kv_heads(8)
    assert 8 * cache_bytes(grouped, 4096) == cache_bytes(full, 4096)
    assert forward_flops(full, 4096).scores == forward_flops(grouped, 4096).scores


def test_heads_that_do_not_share_are_refused():
    """Sixty-four queries cannot share five keys."""
    with pytest.raises(ValueError, match="do not share 5 keys and values: give a divisor"):
        published_model("llama-2-70b").with_kv_heads(5)
