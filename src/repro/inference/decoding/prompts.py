"""Prompts that answers go on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.corpora.texts.text import Text, tokens_of

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """Evenly spaced windows of a text's test split; the first `skip` are left out, for tuning."""

    text: Text
    count: int
    length: int
    skip: int = 0

    def windows(self) -> Tensor:
        """Tokens (count, length).

        Raises:
            ValueError: the split is too short for windows that do not overlap.
        """
        import torch

        tokens, wanted = tokens_of(self.text).test, self.count + self.skip
        apart = len(tokens) // wanted
        if apart < self.length:
            raise ValueError(f"{len(tokens)} test tokens hold no {wanted} prompts of {self.length}; ask for fewer")
        starts = range(self.skip * apart, wanted * apart, apart)
        return torch.tensor([tokens[start : start + self.length].tolist() for start in starts])
