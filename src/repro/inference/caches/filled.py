"""Caches that a model's own forward passes fill: ours, and those of `transformers`.

B batch, T time, K key-value heads, D width of a head.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, PreTrainedModel, StaticCache
from transformers.cache_utils import Cache as HubCache
from transformers.cache_utils import QuantizedCache

from repro.floor.measurement import Number, Numbers
from repro.inference.caches.configurations import CacheFill
from repro.inference.caches.shapes import Fields, shape_of
from repro.instruments.live_bytes import Phase, Stored, Watch, stored_bytes
from repro.models.cache import Cache, GrowingCache
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

Pairs = list[tuple[Tensor, Tensor]]  # keys and values (B, K, T, D), a pair per layer
OWN = ("whole", "growing")
NO_SPECIAL = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}


class Filling(Protocol):
    """A model and the cache that it fills.

    Fields: `cache`, which alone holds keys and values.
    """

    cache: Any

    def read(self, tokens_BT: Tensor) -> Tensor:
        """Logits (B, V) after the last token; the cache has taken in all."""

    def zeros(self, tokens: int) -> Pairs:
        """Keys and values of so many tokens, shaped as the model makes them; it must have read one before."""

    def append(self, new: Pairs) -> None:
        """Put tokens into the cache, layer by layer, without the model."""

    def crop(self, tokens: int) -> None:
        """Drop the last tokens."""

    def misplace(self, late: int) -> None:
        """A planted fault: from now on take each token to stand so many places later than it does."""


class OwnFilling:
    """Our decoder and one of our caches."""

    def __init__(self, model: Transformer, kind: str, batch: int, capacity: int) -> None:
        self.model, self.batch = model, batch
        dtype, device = model.embedding.weight.dtype, str(model.embedding.weight.device)
        self.cache = (
            Cache(model.shape, batch, capacity, dtype=dtype, device=device)
            if kind == "whole"
            else GrowingCache(model.shape, batch, dtype=dtype, device=device)
        )

    def read(self, tokens_BT: Tensor) -> Tensor:
        return self.model.output(self.model.hidden(tokens_BT, self.cache)[:, -1])  # type: ignore[no-any-return]

    def zeros(self, tokens: int) -> Pairs:
        shape, weight = self.model.shape, self.model.embedding.weight
        size = (self.batch, shape.key_value_heads, tokens, shape.head_width)
        return [(weight.new_zeros(size), weight.new_zeros(size)) for _ in range(shape.layers)]

    def append(self, new: Pairs) -> None:
        for layer, (keys_BKTD, values_BKTD) in enumerate(new):
            self.cache.extend(layer, keys_BKTD, values_BKTD)
        self.cache.advance(new[0][0].shape[2])

    def crop(self, tokens: int) -> None:
        self.cache.crop(self.cache.length - tokens)

    def misplace(self, late: int) -> None:
        self.model.cosines, self.model.sines = (
            angles.roll(-late, 0) for angles in (self.model.cosines, self.model.sines)
        )


class HubFilling:
    """A model of `transformers` and one of its caches.

    Raises:
        ValueError: a kind that there is not, or that this model cannot have.
    """

    def __init__(self, model: PreTrainedModel, kind: str, capacity: int) -> None:
        self.model, self.cache = model, _hub_cache(model, kind, capacity)
        self._sizes: dict[int, tuple[torch.Size, torch.Size]] = {}
        self._late = 0
        update = self.cache.update

        def noted(keys: Tensor, values: Tensor, layer: int, *rest: Any, **more: Any) -> Any:
            self._sizes[layer] = (keys[:, :, :1].shape, values[:, :, :1].shape)
            return update(keys, values, layer, *rest, **more)

        self.cache.update = noted  # type: ignore[method-assign, assignment]

    def read(self, tokens_BT: Tensor) -> Tensor:
        more = {}
        if self._late:
            start = self.cache.get_seq_length() + self._late
            more["position_ids"] = torch.arange(start, start + tokens_BT.shape[1], device=tokens_BT.device)[None]
        out = self.model(tokens_BT, past_key_values=self.cache, use_cache=True, logits_to_keep=1, **more)
        return out.logits[:, -1]  # type: ignore[no-any-return]

    def zeros(self, tokens: int) -> Pairs:
        weight = next(self.model.parameters())
        sizes = [self._sizes[layer] for layer in sorted(self._sizes)]
        return [tuple(weight.new_zeros(b, k, tokens, d) for b, k, _, d in pair) for pair in sizes]  # type: ignore[misc]

    def append(self, new: Pairs) -> None:
        for layer, (keys_BKTD, values_BKTD) in enumerate(new):
            self.cache.update(keys_BKTD, values_BKTD, layer)

    def crop(self, tokens: int) -> None:
        self.cache.crop(-tokens)

    def misplace(self, late: int) -> None:
        self._late = late


def _hub_cache(model: PreTrainedModel, kind: str, capacity: int) -> HubCache:
    if kind == "dynamic":
        return DynamicCache(config=model.config)
    if kind == "static":
        return StaticCache(config=model.config, max_cache_len=capacity)
    if kind == "fp8":
        return QuantizedCache("fp8", model.config)
    raise ValueError(f"no cache of `transformers` is known here as {kind!r}; known are dynamic, static and fp8")


def random_model(fields: Fields, *, own: bool, dtype: str, device: str, seed: int) -> Any:
    """Our decoder, or the causal model of `transformers`, of a configuration, with random weights."""
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(seed)
        model: Any = Transformer(own_shape(fields)) if own else _hub_model(fields)
    return model.to(device=device, dtype=getattr(torch, dtype)).eval()


def _hub_model(fields: Fields) -> Any:
    given: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in fields}
    config = AutoConfig.for_model(given.pop("model_type"), **{**given, **NO_SPECIAL})
    config._experts_implementation = "eager"  # the others have no kernel for every device and precision
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def own_shape(fields: Fields) -> Decoder:
    """Our decoder as a Llama's configuration says.

    Raises:
        ValueError: another family, or heads that do not fill the width.
    """
    llama = shape_of(fields)
    attention, feed_forward = llama.layers[0].attention, llama.layers[0].feed_forward
    if llama.family != "llama" or attention.key_width * attention.heads != llama.width or llama.positions is None:
        raise ValueError(f"our decoder is shaped as a Llama whose heads fill its width; got {fields}")
    return Decoder(
        vocabulary=llama.vocabulary,
        width=llama.width,
        layers=len(llama.layers),
        heads=attention.heads,
        kv_heads=attention.kv_heads,
        hidden=feed_forward.hidden,
        context=llama.positions,
        tied=llama.tied,
    )


def filling(model: Any, kind: str, *, batch: int, capacity: int) -> Filling:
    """An empty cache of a kind, with the model that fills it."""
    return OwnFilling(model, kind, batch, capacity) if kind in OWN else HubFilling(model, kind, capacity)


def random_tokens(fields: Fields, batch: int, time: int, seed: int) -> Tensor:
    """Token numbers (batch, time), none of them 0, which may stand for padding."""
    vocabulary = dict(fields)["vocab_size"]
    return torch.randint(1, int(vocabulary), (batch, time), generator=torch.Generator().manual_seed(seed))  # type: ignore[arg-type]


def fill_by_turns(
    filled: Filling, config: CacheFill, tokens_BT: Tensor, watch: Watch
) -> tuple[dict[str, Stored], str | None]:
    """Bytes that the cache keeps after each turn (prompt, steps, append, crop, after), and why it refused to crop."""
    stored: dict[str, Stored] = {}

    def turn(name: str) -> None:
        watch.mark(name)
        stored[name] = stored_bytes(filled.cache)

    filled.read(tokens_BT[:, : config.prompt])
    turn("prompt")
    if config.bulk:
        filled.append(filled.zeros(config.bulk))
    for step in range(config.prompt, tokens_BT.shape[1]):
        filled.read(tokens_BT[:, step : step + 1])
    turn("steps")
    new, refused = filled.zeros(1), None
    watch.mark("ready")
    filled.append(new)
    turn("append")
    try:
        filled.crop(config.cropped)
    except (AttributeError, IndexError, RuntimeError) as error:
        refused = f"{type(error).__name__}: {error}"
    turn("crop")
    if refused is None:
        filled.append(new)
    turn("after")
    return stored, refused


def byte_counts(stored: dict[str, Stored], phases: dict[str, Phase], refused: str | None) -> Numbers:
    """The numbers of `held_bytes` after its turns, without the token that from `ready` on waits to be appended."""
    waiting = phases["ready"].alive - phases["steps"].alive
    numbers: dict[str, Number] = {"beside": stored["steps"].beside, "refused": refused}
    for name, kept in stored.items():
        beside, phase = 0 if name in ("prompt", "steps") else waiting, phases[name]
        numbers |= {f"{name}_held": kept.held, f"{name}_seen": kept.seen}
        numbers |= {f"{name}_alive": phase.alive - beside, f"{name}_peak": phase.peak - beside}
    numbers["append_allocated"] = phases["append"].allocated
    numbers["left"] = phases["dropped"].alive
    if refused is not None:
        numbers |= {name: None for name in numbers if name.startswith(("crop_", "after_"))}
    return numbers
