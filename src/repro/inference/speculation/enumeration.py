"""Every string that a decoding algorithm can write on a tiny vocabulary, with its exact probability.

V vocabulary, T time.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from repro.inference.decoding.choices import Choices, every_way
from repro.inference.decoding.configurations import Drawing
from repro.inference.decoding.drawing import law
from repro.inference.speculation.configurations import Enumeration
from repro.inference.speculation.drafting import ModelDraft, speculate
from repro.inference.speculation.verification import RULES

PROMPT = [0, 0]


class Table:
    """A reader whose logits are a table over the last two tokens; one sequence, double precision."""

    def __init__(self, logits_VVV: Tensor, capacity: int) -> None:
        self.logits_VVV = logits_VVV
        self.held_T = torch.zeros(capacity + 1, dtype=torch.long)

    def read(self, tokens_BM: Tensor, starts_B: Tensor) -> Tensor:
        """Logits (1, M, V); before the first token stands another of number 0."""
        start, time = int(starts_B[0]), tokens_BM.shape[1]
        self.held_T[start + 1 : start + 1 + time] = tokens_BM[0]
        return self.logits_VVV[self.held_T[start : start + time], tokens_BM[0]][None]


def random_table(vocabulary: int, seed: int) -> Tensor:
    """Logits (V, V, V) from a normal distribution of deviation 1.5, so that some tokens are rare."""
    generator = torch.Generator().manual_seed(seed)
    return 1.5 * torch.randn(vocabulary, vocabulary, vocabulary, generator=generator, dtype=torch.float64)


def written_strings(config: Enumeration, target: Tensor, draft: Tensor) -> tuple[dict[tuple[int, ...], float], int]:
    """The probability of each string that a rule writes, and how many ways its random choices can go.

    Args:
        target, draft: logits (V, V, V), as `random_table` draws them.
    """
    rule, capacity = RULES[config.rule], len(PROMPT) + config.length + config.drafted + 1

    def run(choices: Choices) -> tuple[int, ...]:
        reader, guesser = Table(target, capacity), ModelDraft(Table(draft, capacity), config.drawing)
        answers = speculate(
            reader,
            guesser,
            torch.tensor([PROMPT]),
            length=config.length,
            drafted=config.drafted,
            drawing=config.drawing,
            choices=choices,
            rule=rule,
        )
        return tuple(answers.answers_BL[0, len(PROMPT) :].tolist())

    probabilities: dict[tuple[int, ...], float] = defaultdict(float)
    ways = 0
    for probability, string in every_way(run, rule.ways):
        probabilities[string] += probability
        ways += 1
    return probabilities, ways


def probability_of(string: tuple[int, ...], target: Tensor, drawing: Drawing) -> float:
    """The probability that the target writes a string, token by token."""
    whole, probability = [*PROMPT, *string], 1.0
    for before, last, token in zip(whole, whole[1:], whole[2:], strict=False):
        probability *= float(law(target[before, last], drawing)[token])
    return probability
