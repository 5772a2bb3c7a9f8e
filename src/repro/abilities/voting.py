"""Several sampled answers to one problem, and what their agreement is worth.

Legend: B problems, S samples of each, T tokens of a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from repro.abilities.configurations import READ, Learning, learns_alike
from repro.floor.arrays import Tokens
from repro.floor.measurement import Diverged, Numbers, Together, measurement

if TYPE_CHECKING:
    from repro.models.transformer import Transformer


@dataclass(frozen=True, kw_only=True)
class Voting:
    """A trained model that writes each answer several times, at a temperature.

    Raises:
        ValueError: fewer than two samples, a temperature that is not positive, or replies of more than one token.
    """

    learning: Learning
    samples: int = 15
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.samples < 2 or self.temperature <= 0:
            raise ValueError(f"{self.samples} samples at {self.temperature}; expected two or more, above 0")
        if self.learning.problems.reply != 1:
            raise ValueError(f"a reply of {self.learning.problems.reply} tokens; votes are counted on one")


def vote_together(configs: Sequence[Voting], seeds: Sequence[int]) -> list[Numbers | Diverged]:
    """`vote` of many runs of one shape trained in one program, up to rounding."""
    from repro.training.ensemble import run_together

    runs = run_together([config.learning.run for config in configs], seeds)
    return [
        run if isinstance(run, Diverged) else votes(replies(run.model, config, seed), _right(config))
        for run, config, seed in zip(runs, configs, seeds, strict=True)
    ]


def votes_alike(config: Voting) -> Voting:
    """What runs that may train in one program have in common: all but the learning rate."""
    return replace(config, learning=learns_alike(config.learning))


@measurement(version=1, together=Together(votes_alike, vote_together))
def vote(config: Voting, seed: int) -> Numbers:
    """Train, let the model write each answer to unseen problems several times, and count the replies.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    from repro.training.run import trained

    return votes(replies(trained(config.learning.run, seed), config, seed), _right(config))


def replies(model: Transformer, config: Voting, seed: int) -> Tokens:
    """(B, S) the last token of each answer, every token of it drawn from the model's own distribution."""
    import torch

    problems = config.learning.problems
    lines = torch.from_numpy(problems.unseen(config.learning.items))
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    last = []
    with torch.no_grad():
        for written_BT in lines[:, : problems.asked].to(device).repeat_interleave(config.samples, dim=0).split(READ):
            for _ in range(problems.length - problems.asked):
                chances = (model(written_BT)[:, -1].double() / config.temperature).softmax(-1)
                written_BT = torch.cat([written_BT, torch.multinomial(chances, 1, generator=generator)], dim=1)
            last.append(written_BT[:, -1])
    return np.asarray(torch.cat(last).reshape(len(lines), config.samples).cpu().numpy())


def votes(replies_BS: Tokens, right_B: Tokens) -> Numbers:
    """What one sampled reply, and the most frequent of them, are worth.

    `single`: share of right replies; `majority`: share of problems whose most frequent reply is right, a tie counted
    in part; `agreed`, `disputed`: that share among the half of the problems with the most agreement, and the others.

    Source: Wang et al. 2022 (arXiv:2203.11171), self-consistency.
    """
    choices = np.arange(max(int(replies_BS.max()), int(right_B.max())) + 1)
    counts_BV = (replies_BS[..., None] == choices).sum(axis=1)
    most_B = counts_BV.max(axis=1)
    won_BV = counts_BV == most_B[:, None]
    right = np.take_along_axis(won_BV / won_BV.sum(axis=1, keepdims=True), right_B[:, None], axis=1)[:, 0]
    order = np.argsort(-most_B, kind="stable")
    half = len(order) // 2
    return {
        "single": float((replies_BS == right_B[:, None]).mean()),
        "majority": float(right.mean()),
        "agreement": float(most_B.mean() / replies_BS.shape[1]),
        "agreed": float(right[order[:half]].mean()),
        "disputed": float(right[order[half:]].mean()),
        "items": len(right_B),
    }


def _right(config: Voting) -> Tokens:
    return np.asarray(config.learning.problems.unseen(config.learning.items)[:, -1])
