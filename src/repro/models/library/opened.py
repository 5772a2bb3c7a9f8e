"""A causal language model as `transformers` runs it, and a reader of it whose rejected tokens leave no trace.

B sequences, M tokens of a pass, T time, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, DynamicCache, GenerationConfig

from repro.models.library.folders import Described, quiet

PROBE = 6  # tokens on which a cache is tried


def open_folder(folder: Path, *, dtype: torch.dtype = torch.float32, classifies: bool = False) -> Any:
    """The model in a folder of safetensors, in evaluation, on the CPU, with the attention that its family prefers."""
    auto = AutoModelForSequenceClassification if classifies else AutoModelForCausalLM
    with quiet(), torch.device("cpu"):  # elsewhere transformers would place it by hooks of its own
        model: Any = auto.from_pretrained(folder, use_safetensors=True, local_files_only=True, dtype=dtype)
    return model.eval()


def open_causal(folder: Path, *, vocabulary: int, dtype: torch.dtype = torch.float32) -> Any:
    """The language model in a folder, cut to the first `vocabulary` words: the others get no probability.

    What the folder says of sampling, penalties and ends is dropped, so that generation follows the model's law alone.
    """
    model = open_folder(folder, dtype=dtype)
    if vocabulary < model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(vocabulary, mean_resizing=False)
    model.generation_config = GenerationConfig()
    return model


@dataclass(frozen=True)
class Extent:
    """How many words a model has, and how long its sequences may be."""

    vocabulary: int
    context: int


class LibraryModel(nn.Module):
    """A causal language model of `transformers` as a function of tokens (B, T) to logits (B, T, V).

    Fields: `shape` its extent; `forgets` whether its cache can be cut back; if not, each pass reads the whole sequence.
    """

    def __init__(self, model: Any, described: Described, vocabulary: int) -> None:
        super().__init__()
        self.model: Any = model
        self.shape = Extent(vocabulary, described.context)
        self.forgets = described.forgets and _takes_back(model, vocabulary)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Logits, in single precision at least."""
        return self._promoted(self.model(input_ids=tokens_BT, use_cache=False).logits)

    def behind(self, cache: DynamicCache, tokens_BM: Tensor) -> Tensor:
        """Logits (B, M, V) of tokens behind those that a cache holds, which then holds these too."""
        return self._promoted(self.model(input_ids=tokens_BM, past_key_values=cache, use_cache=True).logits)

    def _promoted(self, logits: Tensor) -> Tensor:
        return logits.to(torch.promote_types(logits.dtype, torch.float32))


class LibraryReader:
    """A reader of a model of `transformers`: sequences side by side, all at one place; see `decoding.writing.Reader`.

    A token that is read again replaces the one that stood at its place, and all behind it.
    """

    layout = "rows"  # as the weights come

    def __init__(self, model: LibraryModel, capacity: int) -> None:
        """Hold nothing yet.

        Raises:
            ValueError: the capacity is beyond the model's context.
        """
        if capacity > model.shape.context:
            raise ValueError(f"{capacity} tokens are beyond the context of {model.shape.context}; ask for fewer")
        self.model, self.capacity = model, capacity
        self.held_BT: Tensor | None = None
        self.cache = DynamicCache()

    @torch.inference_mode()
    def read(self, tokens_BM: Tensor, starts_B: Tensor) -> Tensor:
        """Logits (B, M, V) after each token; the tokens stand at the start and on from there.

        Raises:
            ValueError: sequences at different places, a start beyond what is held, or tokens beyond the capacity.
        """
        starts, held = set(starts_B.tolist()), 0 if self.held_BT is None else self.held_BT.shape[1]
        start = min(starts)
        if len(starts) > 1 or start > held or start + tokens_BM.shape[1] > self.capacity:
            raise ValueError(
                f"tokens at {sorted(starts)}, {held} held of {self.capacity}; this reader goes on from one place"
            )
        before = [] if self.held_BT is None or not start else [self.held_BT[:, :start]]
        self.held_BT = torch.cat([*before, tokens_BM], 1)
        if not self.model.forgets:
            return self.model(self.held_BT)[:, start:]
        if not start:
            self.cache = DynamicCache()
        elif start < held:
            self.cache.crop(start - held)
        return self.model.behind(self.cache, tokens_BM)


@torch.inference_mode()
def _takes_back(model: Any, vocabulary: int) -> bool:
    """Whether what was read by pieces, after a piece was taken back, gives the logits of one pass."""
    tokens_BT = (torch.arange(PROBE, device=model.device) * 7 % vocabulary)[None]
    cache, half = DynamicCache(), PROBE // 2
    try:
        whole = model(input_ids=tokens_BT, use_cache=False).logits
        first = model(input_ids=tokens_BT[:, :half], past_key_values=cache, use_cache=True).logits
        model(input_ids=tokens_BT[:, :2], past_key_values=cache, use_cache=True)
        cache.crop(-2)
        rest = model(input_ids=tokens_BT[:, half:], past_key_values=cache, use_cache=True).logits
    except Exception:  # noqa: BLE001 - a foreign model may fail anywhere; read anew without a cache it is exact
        return False
    tolerance = 1e-4 if whole.dtype is torch.float32 else 0.05
    off = (torch.cat([first, rest], 1) - whole).abs().max()
    return bool(off <= tolerance * whole.abs().max())
