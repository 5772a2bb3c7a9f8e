"""Families before Llama: GPT-2 (and GPT-3), BERT, T5 (and mT5), GPT-NeoX."""

from __future__ import annotations

from repro.sizing.families.decoder import ALL_FOUR, decoder
from repro.sizing.models.architecture import Architecture, Attention, FeedForward, Layer
from repro.sizing.models.config import Config
from repro.sizing.models.matrices import Matrix


def gpt2(config: Config) -> Architecture:
    """GPT-2 and, with other widths, GPT-3: learned positions, LayerNorm, fused attention, tied head."""
    config.expect("add_cross_attention", False)
    width, heads = config.count("n_embd"), config.count("n_head")
    head_width = config.divided("n_embd", "n_head")
    attention = Attention(width, heads, heads, head_width, head_width, biased=ALL_FOUR, fused=True)
    block = FeedForward(width, config.count("n_inner", 4 * width), gated=False, bias=True)
    positions = config.count("n_positions")
    return decoder(
        config,
        width,
        (Layer(attention, block, norm_bias=True),) * config.count("n_layer"),
        norm_parameters=2 * width,
        tied=config.flag("tie_word_embeddings", True),
        positions=positions,
        position_parameters=positions * width,
    )


def bert(config: Config) -> Architecture:
    """BERT's bare encoder with its pooler, as `BertModel`: no head over the vocabulary."""
    config.expect("is_decoder", False)
    width, heads = config.count("hidden_size"), config.count("num_attention_heads")
    head_width = config.divided("hidden_size", "num_attention_heads")
    attention = Attention(width, heads, heads, head_width, head_width, biased=ALL_FOUR)
    block = FeedForward(width, config.count("intermediate_size"), gated=False, bias=True)
    positions = config.count("max_position_embeddings")
    return Architecture(
        name=config.name,
        family=config.family,
        width=width,
        vocabulary=config.count("vocab_size"),
        layers=(Layer(attention, block, norm_bias=True),) * config.count("num_hidden_layers"),
        norm_parameters=2 * width,
        causal=False,
        pooler=Matrix("pooler", width, width, bias=True),
        position_parameters=(positions + config.count("type_vocab_size", 2)) * width,
        positions=positions,
    )


def t5(config: Config) -> Architecture:
    """T5 and mT5: encoder and decoder, relative biases in the first layer of each, no biases elsewhere."""
    width, heads, head_width = config.count("d_model"), config.count("num_heads"), config.count("d_kv")
    attention = Attention(width, heads, heads, head_width, head_width)
    activation = config.fields.get("feed_forward_proj", "relu")
    block = FeedForward(width, config.count("d_ff"), gated=str(activation).startswith("gated"))
    layers = config.count("num_layers")
    decoders = config.count("num_decoder_layers", layers)
    vocabulary = config.count("vocab_size")
    return Architecture(
        name=config.name,
        family=config.family,
        width=width,
        vocabulary=vocabulary,
        layers=(Layer(attention, block, norms=3, crossed=attention),) * decoders,
        norm_parameters=2 * width,
        encoder=(Layer(attention, block),) * layers,
        head=Matrix("head", width, vocabulary),
        tied=config.flag("tie_word_embeddings", True),
        position_parameters=2 * config.count("relative_attention_num_buckets", 32) * heads,
    )


def gpt_neox(config: Config) -> Architecture:
    """GPT-NeoX and Pythia: rotary positions, LayerNorm, fused attention, untied head."""
    width, heads = config.count("hidden_size"), config.count("num_attention_heads")
    head_width = config.divided("hidden_size", "num_attention_heads")
    biased = ALL_FOUR if config.flag("attention_bias", True) else ""
    attention = Attention(width, heads, heads, head_width, head_width, biased=biased, fused=True)
    block = FeedForward(width, config.count("intermediate_size"), gated=False, bias=True)
    return decoder(
        config,
        width,
        (Layer(attention, block, norm_bias=True),) * config.count("num_hidden_layers"),
        norm_parameters=2 * width,
        tied=config.flag("tie_word_embeddings", False),
        positions=config.optional("max_position_embeddings"),
    )
