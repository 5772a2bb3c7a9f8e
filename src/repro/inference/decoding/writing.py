"""Answers written plainly, a token per pass.

B answers, L tokens of an answer, T time, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from repro.inference.decoding.choices import Choices, Drawn
from repro.inference.decoding.configurations import Drawing
from repro.inference.decoding.drawing import law
from repro.inference.decoding.lean import ROWS, Lean
from repro.instruments.devices import attention_of_any_length
from repro.models.transformer import Transformer


class Reader(Protocol):
    """A model that reads sequences piece by piece and keeps what it has read."""

    def read(self, tokens_BM: Tensor, starts_B: Tensor) -> Tensor:
        """Logits (B, M, V) after each token; the tokens stand at `starts` and on, behind those read before."""
        ...


def write_plainly(target: Reader, prompt_BT: Tensor, *, length: int, drawing: Drawing, choices: Choices) -> Tensor:
    """Prompts and answers (B, prompt + length), a token per pass: what speculation is set against."""
    starts_B = torch.zeros_like(prompt_BT[:, 0])
    target.read(prompt_BT[:, :-1], starts_B)
    written = [prompt_BT]
    for place in range(prompt_BT.shape[1] - 1, prompt_BT.shape[1] - 1 + length):
        p_BV = law(target.read(written[-1][:, -1:], starts_B + place)[:, -1], drawing)
        written.append(choices.token(p_BV)[:, None])
    return torch.cat(written, 1)


def distinct(tokens: list[int], size: int) -> float:
    """Share of the n-grams of this size that did not stand in the sequence before."""
    grams = list(zip(*(tokens[start:] for start in range(size)), strict=False))
    return len(set(grams)) / len(grams)


def repeated(texts: Sequence[list[int]]) -> float:
    """Mean share of 4-grams that stood in the same text before."""
    return float(np.mean([1 - distinct(text, 4) for text in texts]))


def write(model: Transformer, prompts_BT: Tensor, length: int, drawing: Drawing, *, batch: int, seed: int) -> Tensor:
    """Answers (B, L) written in batches of `batch`, each by choices of a seed of its own."""
    time, answers = prompts_BT.shape[1], []
    with attention_of_any_length():
        for number, part in enumerate(prompts_BT.split(batch)):
            reader = Lean(model, batch=len(part), capacity=time + length, layout=ROWS)
            choices = Drawn(seed * 100_000 + number, str(part.device))
            answers.append(write_plainly(reader, part, length=length, drawing=drawing, choices=choices)[:, time:])
    return torch.cat(answers)
