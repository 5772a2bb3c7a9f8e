"""Folders with tiny language models of many families, as a reader would give them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedTokenizerFast

from repro.models.library.folders import quiet

ROWS = 40
WORDS = [f"w{number}" for number in range(30)]

_GATED = {
    **{"hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "vocab_size": ROWS},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64},
}
_PLAIN = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": ROWS}
# By a name of the case: the model_type, and fields that change what it computes.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {**_GATED, "rms_norm_eps": 1e-5}),
    "mistral without a window": ("mistral", {**_GATED, "rms_norm_eps": 1e-5, "sliding_window": None}),
    "mistral with a window": ("mistral", {**_GATED, "rms_norm_eps": 1e-5, "sliding_window": 6}),
    "qwen2": ("qwen2", _GATED),
    "qwen3": ("qwen3", {**_GATED, "head_dim": 16}),
    "gpt2": ("gpt2", {"n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 64, "vocab_size": ROWS}),
    "gemma2": ("gemma2", {**_GATED, "head_dim": 16, "sliding_window": 6}),
    "phi3": ("phi3", {**_GATED, "pad_token_id": 0}),
    "falcon": ("falcon", _PLAIN),
    "bloom": ("bloom", {"hidden_size": 32, "n_head": 4, "n_layer": 2, "vocab_size": ROWS}),
    "mamba": ("mamba", {"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": ROWS, "state_size": 4}),
    "lfm2": ("lfm2", {**_GATED, "layer_types": ["conv", "full_attention"]}),
}
OURS = ("llama", "mistral without a window")
STATES = ("mamba", "lfm2")  # their caches keep a state of all tokens, or of the last few


def configuration(kind: str, **more: Any) -> PretrainedConfig:
    """A configuration whose weights are drawn wide, so that no part of the model is too small to be seen."""
    family, fields = KINDS[kind]
    with quiet():
        made = AutoConfig.for_model(family, **{**fields, **more})
    for name, value in {"bos_token_id": None, "eos_token_id": None, "initializer_range": 0.3}.items():
        setattr(made, name, more.get(name, value))
    return made


def save(folder: Path, config: PretrainedConfig, *, seed: int = 0, words: Iterable[str] | None = WORDS) -> str:
    """Write a model with its first weights and a tokeniser of these words (None: no tokeniser); gives the folder."""
    torch.manual_seed(seed)
    with quiet():
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        if words is not None:
            save_words(folder, words)
    return str(folder)


def save_words(folder: Path, words: Iterable[str]) -> None:
    """Write a tokeniser that knows these words, in this order."""
    known = {word: number for number, word in enumerate(words)}
    cut = Tokenizer(WordLevel(known, unk_token=next(iter(known))))
    cut.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=cut, unk_token=next(iter(known))).save_pretrained(folder)


def opened(folder: str) -> Any:
    """The model as `transformers` opens it by default: the reference."""
    with quiet():
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def some_tokens(time: int, seed: int = 0) -> torch.Tensor:
    """(1, time) tokens, each of a word."""
    return torch.randint(len(WORDS), (1, time), generator=torch.Generator().manual_seed(seed))
