"""What is missing in a line: the loss of hidden words, read alike of every objective that hides words.

Legend: B lines, T words.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from repro.abilities.objectives.configurations import Left
from repro.floor.arrays import Tokens
from repro.models.transformer import Transformer
from repro.training.objectives.configurations import Objective
from repro.training.objectives.corruptions import Batch, batch_of, drawn_spans, spans_apart, whole_target, written_after
from repro.training.objectives.fitting import loss_of

TESTED = 512  # lines


@torch.no_grad()
def hidden_loss(model: Transformer, config: Left, seed: int) -> float | None:
    """Nats per hidden word, each given what is not hidden; None of a causal model.

    A masked model is asked for masked words, the share of its recipe, all by the mask. One that writes spans or whole
    lines is asked for the same words of the same spans, the earlier hidden words being given too.
    """
    fitting = config.fitting
    kind = fitting.objective.kind
    if kind == "causal":
        return None
    lines_BT, _, _ = replace(fitting.language, seed=seed).draw(TESTED, "test", part=2)
    if kind in ("spans", "whole"):
        return float(loss_of(model, _spans(config, lines_BT, seed)))
    plain = Objective(kind="masked", rate=fitting.objective.rate, as_mask=1.0, as_random=0.0)
    batch = batch_of(plain, fitting.marks, lines_BT, np.random.default_rng([seed, 9]))
    return float(loss_of(model, batch))


def _spans(config: Left, lines_BT: Tokens, seed: int) -> Batch:
    """Lines with spans apart, and a target of which the hidden words alone have weight."""
    objective, marks = config.fitting.objective, config.fitting.marks
    given, spans = spans_apart(lines_BT, objective, marks, np.random.default_rng([seed, 9]))
    hidden_BT, _ = drawn_spans(len(lines_BT), lines_BT.shape[1], objective, np.random.default_rng([seed, 9]))
    whole = objective.kind == "whole"
    target = whole_target(lines_BT, marks) if whole else spans
    asked = np.hstack([hidden_BT, np.zeros((len(lines_BT), 1), dtype=bool)]) if whole else spans < marks.words
    batch = written_after(np.hstack([np.full((len(lines_BT), 1), marks.start), given]), target)
    unasked = np.zeros((len(lines_BT), batch.inputs.shape[1] - asked.shape[1]))
    return replace(batch, weights=np.hstack([unasked, asked / asked.sum()]))
