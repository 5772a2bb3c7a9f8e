"""Speculative decoding: a draft proposes tokens, the target verifies them in one pass.

B sequences, T time, C places of the buffer, M tokens of a pass, G drafted tokens, V vocabulary. A place of the caches
is written anew whenever a token there is read, so rejected tokens need no clearing away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from repro.inference.decoding.choices import Choices
from repro.inference.decoding.configurations import Drawing
from repro.inference.decoding.drawing import law
from repro.inference.decoding.writing import Reader
from repro.inference.speculation.verification import EXACT, Rule
from repro.models.ngrams import NGrams

Draw = Callable[[Tensor], Tensor]  # laws (B, V) -> a token (B,) of each


class Draft(Protocol):
    """Something that guesses the next tokens."""

    def begin(self, prompt_BT: Tensor) -> None:
        """Forget everything and read a prompt of two tokens or more."""
        ...

    def propose(self, tokens_BC: Tensor, lengths_B: Tensor, count: int, draw: Draw) -> tuple[Tensor, Tensor]:
        """At most `count` tokens (B, G), and the laws (B, G, V) that they were drawn by."""
        ...


class ModelDraft:
    """A smaller model, or the first layers of the target itself."""

    def __init__(self, reader: Reader, drawing: Drawing) -> None:
        self.reader, self.drawing = reader, drawing

    def begin(self, prompt_BT: Tensor) -> None:
        self.reader.read(prompt_BT[:, :-1], torch.zeros_like(prompt_BT[:, 0]))

    def propose(self, tokens_BC: Tensor, lengths_B: Tensor, count: int, draw: Draw) -> tuple[Tensor, Tensor]:
        """One step per token; the first reads two, since the draft has not seen its own last one if it was accepted."""
        fresh_B2 = tokens_BC.gather(1, lengths_B[:, None] + torch.arange(-2, 0, device=lengths_B.device))
        logits_BV = self.reader.read(fresh_B2, lengths_B - 2)[:, -1]
        drafted, laws = [], []
        for place in range(count):
            laws.append(law(logits_BV, self.drawing))
            drafted.append(draw(laws[-1]))
            if place + 1 < count:
                logits_BV = self.reader.read(drafted[-1][:, None], lengths_B + place)[:, -1]
        return torch.stack(drafted, 1), torch.stack(laws, 1)


class NGramDraft:
    """A table of n-grams counted in a training text; one sequence at a time."""

    def __init__(self, table: NGrams, drawing: Drawing, dtype: torch.dtype = torch.float32) -> None:
        self.table, self.drawing, self.dtype = table, drawing, dtype

    def begin(self, prompt_BT: Tensor) -> None:
        _refuse_many(prompt_BT)

    def propose(self, tokens_BC: Tensor, lengths_B: Tensor, count: int, draw: Draw) -> tuple[Tensor, Tensor]:
        length = int(lengths_B[0])
        history = tokens_BC[0, max(0, length - self.table.order) : length].tolist()
        drafted, laws = [], []
        for _ in range(count):
            counted_V = torch.from_numpy(self.table.law(history)).to(tokens_BC.device, self.dtype)
            laws.append(law(counted_V.log()[None], self.drawing))
            drafted.append(draw(laws[-1]))
            history.append(int(drafted[-1]))
        return torch.stack(drafted, 1), torch.stack(laws, 1)


class PromptLookup:
    """A draft of what followed when the last few tokens stood in this sequence before; one sequence at a time.

    Source: Saxena 2023, "Prompt lookup decoding"; transformers takes the first occurrence, here it is the latest.
    """

    def __init__(self, vocabulary: int, longest: int = 3, dtype: torch.dtype = torch.float32) -> None:
        self.vocabulary, self.longest, self.dtype = vocabulary, longest, dtype

    def begin(self, prompt_BT: Tensor) -> None:
        _refuse_many(prompt_BT)

    def propose(self, tokens_BC: Tensor, lengths_B: Tensor, count: int, draw: Draw) -> tuple[Tensor, Tensor]:
        """The laws are certain of their token; there is none where the last token is new to the sequence."""
        guess = continuation(tokens_BC[0, : int(lengths_B[0])].cpu().numpy(), self.longest, count)
        drafted_BG = torch.from_numpy(guess.copy())[None].to(tokens_BC.device)
        laws = torch.zeros(1, len(guess), self.vocabulary, dtype=self.dtype, device=tokens_BC.device)
        return drafted_BG, laws.scatter_(-1, drafted_BG[..., None], 1.0)


def continuation(tokens: np.ndarray, longest: int, count: int) -> np.ndarray:
    """At most `count` tokens that followed the latest earlier occurrence of the last `longest` tokens, or of fewer."""
    for size in range(min(longest, len(tokens) - 1), 0, -1):
        windows = np.lib.stride_tricks.sliding_window_view(tokens[:-1], size)
        matches = np.flatnonzero((windows == tokens[-size:]).all(-1))
        if len(matches):
            start = matches[-1] + size
            return tokens[start : start + count]
    return tokens[:0]


class Speculation:
    """A batch of answers in the making.

    Fields: `tokens_BC` prompt and answer, places beyond the length undefined; `lengths_B`; `drafted` tokens of each
    round, `accepted` (B,) of them; `left` tokens that the shortest answer still lacks. The first two stay where they
    are in memory, answer after answer.
    """

    def __init__(
        self,
        target: Reader,
        draft: Draft,
        prompt_BT: Tensor,
        *,
        length: int,
        longest: int,
        drawing: Drawing,
        choices: Choices,
        rule: Rule = EXACT["rejection"],
    ) -> None:
        """Read the prompt, all but its last token, with both.

        Args:
            length: tokens of an answer.
            longest: most tokens ever drafted.
        """
        batch, time = prompt_BT.shape
        if time < 2:
            raise ValueError(f"a prompt of {time} token; speculative decoding starts from two or more")
        self.target, self.draft, self.drawing, self.choices, self.rule = target, draft, drawing, choices, rule
        self.end = time + length
        self.tokens_BC = prompt_BT.new_zeros(batch, self.end + longest + 1)
        self.lengths_B = torch.zeros_like(prompt_BT[:, 0])
        self.begin(prompt_BT)

    def begin(self, prompt_BT: Tensor) -> None:
        """Start other answers, after prompts of the same shape."""
        self.tokens_BC[:, : prompt_BT.shape[1]] = prompt_BT
        self.lengths_B.fill_(prompt_BT.shape[1])
        self.left = self.end - prompt_BT.shape[1]
        self.drafted: list[int] = []
        self.accepted: list[Tensor] = []
        self.target.read(prompt_BT[:, :-1], torch.zeros_like(self.lengths_B))
        self.draft.begin(prompt_BT)

    def round(self, count: int) -> None:
        """Draft `count` tokens, or as many as an answer can still use, and verify them."""
        drafted, accepted_B = self.advance(min(count, self.left - 1))
        self.drafted.append(drafted)
        self.accepted.append(accepted_B)
        self.left = self.end - int(self.lengths_B.min())  # what a GPU is asked once per round, and waited for

    def advance(self, wanted: int) -> tuple[int, Tensor]:
        """A round of at most `wanted` drafted tokens, which must fit: how many were drafted, and (B,) accepted."""
        if wanted:
            drafted_BG, q = self.draft.propose(
                self.tokens_BC, self.lengths_B, wanted, lambda q_BV: self.rule.propose(self.choices, q_BV)
            )
        if not wanted or not drafted_BG.shape[1]:
            return self._extend(*self._plainly())
        last_B1 = self.tokens_BC.gather(1, self.lengths_B[:, None] - 1)
        logits = self.target.read(torch.cat([last_B1, drafted_BG], 1), self.lengths_B - 1)
        accepted_B, following_B = self.rule.settle(self.choices, law(logits, self.drawing), q, drafted_BG)
        return self._extend(drafted_BG, accepted_B, following_B)

    def _plainly(self) -> tuple[Tensor, Tensor, Tensor]:
        last_B1 = self.tokens_BC.gather(1, self.lengths_B[:, None] - 1)
        p_BV = law(self.target.read(last_B1, self.lengths_B - 1)[:, -1], self.drawing)
        return last_B1[:, :0], torch.zeros_like(self.lengths_B), self.choices.token(p_BV)

    def _extend(self, drafted_BG: Tensor, accepted_B: Tensor, following_B: Tensor) -> tuple[int, Tensor]:
        new = torch.cat([drafted_BG, following_B[:, None]], 1).scatter(1, accepted_B[:, None], following_B[:, None])
        places = self.lengths_B[:, None] + torch.arange(new.shape[1], device=new.device)
        self.tokens_BC.scatter_(1, places, new)
        self.lengths_B.add_(accepted_B + 1).clamp_(max=self.end)
        return drafted_BG.shape[1], accepted_B

    @property
    def answers_BL(self) -> Tensor:
        """Prompts and answers (B, prompt + length)."""
        return self.tokens_BC[:, : self.end]


def speculate(
    target: Reader,
    draft: Draft,
    prompt_BT: Tensor,
    *,
    length: int,
    drafted: int,
    drawing: Drawing,
    choices: Choices,
    rule: Rule = EXACT["rejection"],
) -> Speculation:
    """Answers of `length` tokens, `drafted` at a time."""
    answers = Speculation(
        target, draft, prompt_BT, length=length, longest=drafted, drawing=drawing, choices=choices, rule=rule
    )
    while answers.left:
        answers.round(drafted)
    return answers


def _refuse_many(prompt_BT: Tensor) -> None:
    if len(prompt_BT) > 1:
        raise ValueError(f"{len(prompt_BT)} sequences; a table drafts for one at a time")
