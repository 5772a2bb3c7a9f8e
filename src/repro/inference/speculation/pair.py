"""A target and its draft, and the prompts that they go on from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.corpora.texts.text import Text
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining

if TYPE_CHECKING:
    from repro.models.transformer import Transformer


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two training runs over one vocabulary.

    Raises:
        ValueError: two vocabularies.
    """

    target: Pretraining
    draft: Pretraining

    def __post_init__(self) -> None:
        ours, theirs = self.target.model.vocabulary, self.draft.model.vocabulary
        if ours != theirs:
            raise ValueError(f"a target of {ours} tokens and a draft of {theirs}; they need one vocabulary")


def pair_on(
    text: Text,
    *,
    target: Sequence[int],
    draft: Sequence[int],
    context: int,
    tokens: int,
    batch: int,
    rate: float,
    warmup: int,
) -> Pair:
    """Two decoders trained on equally many tokens of a text.

    Args:
        target: width, layers and heads; `draft` likewise.
        rate: the learning rate times width.
    """

    def run(width: int, layers: int, heads: int) -> Pretraining:
        shape = Decoder(vocabulary=text.vocabulary, width=width, layers=layers, heads=heads, context=context)
        return Pretraining(
            model=shape, text=text, readings=(tokens,), batch=batch, learning_rate=rate / width, warmup=warmup
        )

    return Pair(target=run(*target), draft=run(*draft))


def models_of(pair: Pair, seed: int) -> tuple[Transformer, Transformer]:
    """Target and draft, trained now where their weights are not kept."""
    from repro.training.run import trained

    return trained(pair.target, seed), trained(pair.draft, seed)
