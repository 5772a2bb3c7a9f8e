"""Lines written by a model: word after word, or by filling in masks in some order.

Legend: B lines, P tokens that are read, T words of a line.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from repro.abilities.objectives.configurations import Left
from repro.floor.arrays import Tokens
from repro.models.transformer import Transformer
from repro.training.objectives.configurations import Marks
from repro.training.objectives.fitting import let_see

SWEEPS = 2  # of Gibbs sampling, each over all words


def written(model: Transformer, config: Left, seed: int) -> dict[str, Tokens]:
    """(drawn, T) lines by each way in which a model of this objective can write, sampled at temperature 1.

    Of a masked model: from masks alone, `left` to right or in a `random` order of each line, and by `gibbs` sampling
    that goes on from the former. Of the others `left` to right alone, after one sentinel where spans are written.
    """
    fitting, generator = config.fitting, torch.Generator().manual_seed(seed)
    marks, count, length = fitting.marks, config.drawn, fitting.language.length
    if fitting.objective.written:
        sentinels = 0 if fitting.objective.kind == "causal" else 2  # what is hidden is a line; then it begins
        beginning = torch.tensor([[marks.start] + [marks.first_sentinel] * sentinels]).repeat(count, 1)
        return {"left": continued(model, beginning, length, marks, generator, prefix=min(sentinels, 2))}
    masks = torch.full((count, length + 1), marks.mask)
    masks[:, 0] = marks.start
    orders = [torch.rand(count, length, generator=generator).argsort(1) + 1 for _ in range(1 + SWEEPS)]
    in_turn = torch.arange(1, length + 1).repeat(count, 1)
    let_see(model, length + 1)
    lines = {
        "left": filled(model, masks, in_turn, marks, generator),
        "random": filled(model, masks, orders[0], marks, generator),
    }
    lines["gibbs"] = filled(model, lines["left"], torch.cat(orders[1:], dim=1), marks, generator)
    return {way: tokens[:, 1:].numpy() for way, tokens in lines.items()}


@torch.no_grad()
def continued(
    model: Transformer, beginning_BP: Tensor, length: int, marks: Marks, generator: torch.Generator, *, prefix: int
) -> Tokens:
    """(B, length) words after a beginning, one after another."""
    let_see(model, prefix)
    tokens = beginning_BP
    for _ in range(length):
        tokens = torch.cat([tokens, _word(model(tokens)[:, -1], marks, generator)], dim=1)
    words: Tokens = tokens[:, beginning_BP.shape[1] :].numpy()
    return words


@torch.no_grad()
def filled(
    model: Transformer, tokens_BP: Tensor, places_BS: Tensor, marks: Marks, generator: torch.Generator
) -> Tensor:
    """(B, P) tokens after each line's places, in its order, were masked and drawn anew, one in a pass."""
    tokens, rows = tokens_BP.clone(), torch.arange(len(tokens_BP))
    for places_B in places_BS.T:
        tokens[rows, places_B] = marks.mask
        tokens[rows, places_B] = _word(model(tokens)[rows, places_B], marks, generator)[:, 0]
    return tokens


def _word(logits_BV: Tensor, marks: Marks, generator: torch.Generator) -> Tensor:
    """(B, 1) words drawn at temperature 1; a mark is none."""
    return torch.multinomial(logits_BV[:, : marks.words].softmax(-1), 1, generator=generator)


def judged(lines: dict[str, Tokens], config: Left, seed: int) -> dict[str, float | None]:
    """By way of writing: the share of lines that are `whole` (no impossible step), of steps that are `legal`, and nats.

    `nats` are those of a step under the language, over whole lines, None where there is none: a writer that says one
    line again and again would have few.
    """
    language, found = replace(config.fitting.language, seed=seed), dict[str, float | None]()
    for way, lines_BT in lines.items():
        legal, nats = language.read(lines_BT)
        whole = legal.all(axis=1)
        found |= {f"whole_{way}": float(whole.mean()), f"legal_{way}": float(legal.mean())}
        found[f"nats_{way}"] = float(nats[whole].mean()) if whole.any() else None
    return found


def real_nats(config: Left, seed: int) -> float:
    """Nats of a step of the language's own lines."""
    language = replace(config.fitting.language, seed=seed)
    return float(np.mean(language.read(language.draw(2 * config.probed, "test")[0])[1]))
