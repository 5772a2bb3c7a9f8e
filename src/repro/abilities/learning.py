"""A decoder trained on one family of problems, and the many scores of its answers.

Legend: B problems, T tokens of a line, A tokens of an answer, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from repro.abilities.configurations import READ, Learning, learns_alike
from repro.abilities.scores import answer_scores, numeric_error
from repro.corpora.languages.problems import ADDITIONS, RULES, Problems
from repro.floor.arrays import Tokens
from repro.floor.measurement import Diverged, Numbers, Together, measurement
from repro.models.counting import parameters, training_flops

if TYPE_CHECKING:
    from torch import Tensor

    from repro.models.transformer import Transformer


def learn_together(configs: Sequence[Learning], seeds: Sequence[int]) -> list[Numbers | Diverged]:
    """`learn` of many runs of one shape in one program, up to rounding."""
    from repro.training.ensemble import run_together

    runs = run_together([config.run for config in configs], seeds)
    return [
        run if isinstance(run, Diverged) else scored(run.model, config)
        for run, config in zip(runs, configs, strict=True)
    ]


@measurement(version=2, together=Together(learns_alike, learn_together))
def learn(config: Learning, seed: int) -> Numbers:
    """Train, let the model answer problems that it never saw, and score the same answers in many ways.

    `positions`: accuracy of each token of the answer with the right ones before it (rule: of each y, the first after no
    example). `correct` of `items` replies are right; a scratchpad is not part of the reply. `numeric_error` is None
    where the answer is no number; `validation_loss` is over whole lines of the unseen problems, in nats per token.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
    """
    from repro.training.run import trained

    return scored(trained(config.run, seed), config)


def scored(model: Transformer, config: Learning) -> Numbers:
    """The scores of a trained model."""
    import torch

    problems, asked = config.problems, config.problems.asked
    lines = problems.unseen(config.items)
    device = next(model.parameters()).device
    right_BT = torch.from_numpy(lines).to(device)
    read = [_read(model, part_BT, asked) for part_BT in right_BT.split(READ)]
    written_BT, logits_BTV = (torch.cat(parts) for parts in zip(*read, strict=True))
    hits_BT = logits_BTV.argmax(-1) == right_BT[:, 1:]
    loss = torch.nn.functional.cross_entropy(logits_BTV.flatten(0, 1), right_BT[:, 1:].flatten())
    first, stride = (1, 2) if problems.family in RULES else (asked - 1, 1)
    reply = slice(problems.length - problems.reply, None)
    given = written_BT.cpu().numpy()
    correct = (given[:, reply] == lines[:, reply]).all(axis=1)
    count = parameters(config.run.model)
    return {
        **answer_scores(given[:, asked:], lines[:, asked:], logits_BTV[:, asked - 1 :].cpu().numpy()),
        "numeric_error": _numeric_error(given[:, asked:], lines[:, asked:], problems),
        "validation_loss": float(loss),
        "positions": [float(hits_BT[:, place].double().mean()) for place in range(first, problems.length - 1, stride)],
        "items": len(lines),
        "correct": int(correct.sum()),
        "parameters": count.total,
        "flops": training_flops(config.run.model, config.run.readings[-1], config.run.model.context),
    }


def _read(model: Transformer, right_BT: Tensor, asked: int) -> tuple[Tensor, Tensor]:
    """(B, T) what the model writes on its own after the questions, and (B, T - 1, V) its logits on the right lines."""
    import torch

    with torch.no_grad():
        written_BT = right_BT[:, :asked]
        for _ in range(right_BT.shape[1] - asked):
            written_BT = torch.cat([written_BT, model(written_BT)[:, -1:].argmax(-1)], dim=1)
        return written_BT, model(right_BT[:, :-1]).double()


def _numeric_error(given_BA: Tokens, right_BA: Tokens, problems: Problems) -> float | None:
    if problems.family not in ADDITIONS:
        return None
    order = -1 if problems.family.startswith("reversed") else 1
    return numeric_error(given_BA[:, ::order], right_BA[:, ::order], problems.base)
