"""How each published family spells its configuration: one reader per family, all giving an Architecture.

Defaults are those of the family's configuration class in Hugging Face transformers, for fields that published files
leave out. Not counted, as `transformers` does not build them as parameters: DeepSeek-V3's head that predicts a second
token, and the biases that balance its experts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from repro.sizing.built.read import read_built
from repro.sizing.families import classic, gated, latent
from repro.sizing.families.unsaid import completed, with_named_head
from repro.sizing.models.architecture import Architecture
from repro.sizing.models.config import Config, ConfigRefused, NotCounted, read_config

Reader = Callable[[Config], Architecture]

FAMILIES: dict[str, Reader] = {
    "bert": classic.bert,
    "deepseek_v2": latent.deepseek,
    "deepseek_v3": latent.deepseek,
    "gemma": gated.gemma,
    "gemma2": gated.gemma2,
    "gemma3_text": gated.gemma3,
    "gpt2": classic.gpt2,
    "gpt_neox": classic.gpt_neox,
    "llama": gated.llama,
    "mistral": gated.mistral,
    "mixtral": gated.mixtral,
    "mt5": classic.t5,
    "phi3": gated.phi3,
    "qwen2": gated.qwen2,
    "qwen3": gated.qwen3,
    "qwen3_moe": gated.qwen3_moe,
    "t5": classic.t5,
}


def architecture(source: str | Path | Mapping[str, Any], name: str | None = None) -> Architecture:
    """The architecture that a `config.json` (file, folder or fields) describes.

    A family or a shape that no reader here counts is built by `transformers`, which the extra `training` installs.

    Raises:
        ConfigRefused: unreadable, of a family that nobody knows, or with a field that is missing or impossible.
    """
    config = read_config(source, name)
    if config.family not in FAMILIES:
        return read_built(config)
    try:
        return with_named_head(FAMILIES[config.family](completed(config)), config)
    except NotCounted:
        return read_built(config)
    except ConfigRefused:
        raise
    except ValueError as error:
        raise ConfigRefused(f"{config.name}: {error}") from error
