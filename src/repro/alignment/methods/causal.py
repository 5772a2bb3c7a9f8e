"""A causal language model of the library transformers, read as our decoders are.

Legend: B sentences, T time, V vocabulary, W width. Sentences of a batch may begin at different places; a negative
number before a sentence is no token.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache

from repro.models.library.folders import forgets
from repro.models.library.opened import open_folder

NOTHING = -1  # before a sentence


class Remembered:
    """A cache: keys and values so far, and the mask of places that hold tokens.

    It keeps windows whole, since sentences of a batch begin at different places.
    """

    def __init__(self) -> None:
        self.keys_and_values = DynamicCache()
        self.mask_BT: Tensor | None = None


class Causal(nn.Module):
    """The model as a function of tokens (B, T) to logits (B, T, V).

    Fields: `lora` the rank of the adapters by which a copy learns; with 0 all of its weights learn.
    """

    def __init__(self, model: Any, lora: int = 0) -> None:
        super().__init__()
        self.model: Any = model
        self.lora = lora
        self.width = int(model.config.get_text_config().hidden_size)
        # Families with linear biases or states have no positions to be told.
        self._placed = "position_ids" in inspect.signature(self._whole.forward).parameters

    @property
    def _whole(self) -> Any:
        """The model without the adapters around it."""
        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model

    def learner(self) -> Causal:
        """A copy that learns."""
        twin = copy.deepcopy(self.model)
        if not self.lora:
            return Causal(twin.requires_grad_(True))
        kind = LoraConfig(r=self.lora, lora_alpha=2 * self.lora, target_modules="all-linear", task_type="CAUSAL_LM")
        with warnings.catch_warnings():  # peft still asks transformers by a name that it will drop
            warnings.filterwarnings("ignore", ".*gradient_checkpointing", FutureWarning)
            return Causal(get_peft_model(twin, kind))

    def forward(self, tokens_BT: Tensor, cache: Remembered | None = None) -> Tensor:
        """Logits; with a cache, of the tokens that it does not hold yet."""
        return torch.as_tensor(self.model(**self._arguments(tokens_BT, cache)).logits)

    def hidden(self, tokens_BT: Tensor) -> Tensor:
        """(B, T, W) the stream after the last layer."""
        return torch.as_tensor(self._whole.base_model(**self._arguments(tokens_BT, None)).last_hidden_state)

    def _arguments(self, tokens_BT: Tensor, cache: Remembered | None) -> dict[str, Any]:
        mask_BT = (tokens_BT != NOTHING).long()
        if cache is not None:
            mask_BT = cache.mask_BT = mask_BT if cache.mask_BT is None else torch.cat([cache.mask_BT, mask_BT], dim=1)
        places_BT = (mask_BT.cumsum(dim=1) - 1).clamp(min=0)[:, -tokens_BT.shape[1] :]
        kept = {} if cache is None else {"past_key_values": cache.keys_and_values}
        placed = {"position_ids": places_BT} if self._placed else {}
        known = {"input_ids": tokens_BT.clamp(min=0), "attention_mask": mask_BT, "use_cache": cache is not None}
        return {**known, **kept, **placed}

    def remembering(self) -> Remembered | None:
        """An empty cache; none where the model keeps a state of all tokens, and reads each sentence anew."""
        return Remembered() if forgets(self._whole.config, type(self._whole)) else None


def causal(folder: Path, lora: int = 0) -> Causal:
    """The model in a folder of safetensors, frozen, in single precision, on the default device.

    Raises:
        ValueError: a family in which what stands before a sentence changes its logits.
    """
    model = Causal(open_folder(folder).to(torch.get_default_device()).requires_grad_(False), lora)
    _refuse_unless_padded(model)
    return model


@torch.no_grad()
def _refuse_unless_padded(model: Causal) -> None:
    """Refuse a model that reads a sentence otherwise behind places that hold nothing, as in a batch."""
    alone_BT = torch.tensor([[3, 2, 1]])
    alone, behind = (model(tokens_BT)[0, -1] for tokens_BT in (alone_BT, F.pad(alone_BT, (2, 0), value=NOTHING)))
    if (behind - alone).abs().max() > 1e-3 * alone.abs().max():
        family = model.model.config.model_type
        raise ValueError(f"a {family} reads padding as if it were text, so its prompts cannot be read side by side")


def side_by_side(prompts: Sequence[Sequence[int]]) -> Tensor:
    """(B, T) prompts that end at one place, padded with NOTHING before the shorter ones."""
    rows = [torch.tensor(list(prompt)) for prompt in prompts]
    return pad_sequence(rows, batch_first=True, padding_value=NOTHING, padding_side="left")
