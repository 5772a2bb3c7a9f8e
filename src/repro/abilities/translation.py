"""Translating by example: what pairs of words in the context tell of a language that was trained on, and of a new one.

Legend: B lines, T tokens, P pairs of a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from repro.corpora.languages.dictionaries import Dictionaries, Lines
from repro.floor.measurement import Diverged, Numbers, Together, measurement
from repro.models.counting import parameters, training_flops
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining, alike

if TYPE_CHECKING:
    from repro.models.transformer import Transformer

TESTED = 4  # batches that the loss of a run is read from
KINDS = {"known": "a language of training", "new": "the new language"}


@dataclass(frozen=True, kw_only=True)
class Translating:
    """A training run on dictionaries, and how many lines of either kind it is scored on.

    Raises:
        ValueError: the text holds no dictionaries, or the context is not one line.
    """

    run: Pretraining
    items: int = 2_000

    def __post_init__(self) -> None:
        text = self.run.text
        if not isinstance(text, Dictionaries) or self.run.model.context != text.length:
            raise ValueError(f"a context of {self.run.model.context} over {text}; expected dictionaries, a line each")

    @property
    def dictionaries(self) -> Dictionaries:
        """The languages."""
        assert isinstance(self.run.text, Dictionaries)
        return self.run.text


def translating(
    words: int, languages: int, shown: int, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Translating:
    """A run of `steps` steps of `lines` lines each, all freshly drawn, at a peak rate of `rate` / width.

    Args:
        shown: pairs before a line's last word.
    """
    text = Dictionaries(words=words, languages=languages, pairs=shown + 1)
    batch = lines * text.length
    tested = TESTED * batch
    text = replace(text, tokens=steps * batch + text.length, test_tokens=tested + text.length)
    shape = Decoder(
        vocabulary=text.vocabulary, width=width, layers=layers, heads=max(1, width // 16), context=text.length
    )
    warmup = batch * steps // 20
    return Translating(
        run=Pretraining(
            model=shape,
            text=text,
            readings=(steps * batch,),
            batch=batch,
            learning_rate=rate / width,
            warmup=warmup,
            test_tokens=tested,
        )
    )


def translate_together(configs: Sequence[Translating], seeds: Sequence[int]) -> list[Numbers | Diverged]:
    """`translate` of many runs of one shape in one program, up to rounding."""
    from repro.training.ensemble import run_together

    runs = run_together([config.run for config in configs], seeds)
    return [
        run if isinstance(run, Diverged) else translated(run.model, config)
        for run, config in zip(runs, configs, strict=True)
    ]


def translates_alike(config: Translating) -> Translating:
    """What runs that may train in one program have in common: all but the learning rate."""
    return replace(config, run=alike(config.run))


@measurement(version=1, together=Together(translates_alike, translate_together))
def translate(config: Translating, seed: int) -> Numbers:
    """Train, then ask for the translation of words after 0, 1, ... pairs, with the parameters as they are.

    Shares right, in languages of training (`known`) and in the one whose pairs each line draws (`new`): of a word that
    the line has not shown, after 0, 1, ... P - 1 pairs; and of one that it has shown (`known_again`, `new_again`),
    after 1, ... P - 1.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.

    Source: Pan et al. 2023 (arXiv:2305.09731) for recognising a task as against learning one.
    """
    from repro.training.run import trained

    return translated(trained(config.run, seed), config)


def translated(model: Transformer, config: Translating) -> Numbers:
    """The scores of a trained model."""
    text, scores = config.dictionaries, {}
    for kind in KINDS:
        lines = text.asked(config.items, known=kind == "known")
        hits_BP = _replies(model, lines[:, :-1])[:, 1::2] == lines[:, 2::2]
        scores[kind] = [float(share) for share in hits_BP.mean(axis=0)]
        scores[f"{kind}_again"] = [_again(model, lines, shown) for shown in range(1, text.pairs)]
    return {
        **scores,
        "items": config.items,
        "parameters": parameters(config.run.model).total,
        "flops": training_flops(config.run.model, config.run.readings[-1], config.run.model.context),
    }


def by_pairs(runs: pd.DataFrame, suffix: str = "") -> pd.DataFrame:
    """A row a run, kind of line and number of pairs shown: seed, kind, pairs, share."""
    first = 1 if suffix else 0
    parts = []
    for kind, name in KINDS.items():
        for seed, shares in zip(runs["seed"], runs[f"{kind}{suffix}"], strict=True):
            shown = range(first, first + len(shares))
            parts.append(pd.DataFrame({"seed": seed, "kind": name, "pairs": shown, "share": shares}))
    return pd.concat(parts, ignore_index=True)


def _again(model: Transformer, lines_BT: Lines, shown: int) -> float:
    """The share right where the word after so many pairs is one of theirs, each asked equally often."""
    rows = np.arange(len(lines_BT))
    place = 1 + 2 * (rows % shown)
    asked_BT = np.hstack([lines_BT[:, : 1 + 2 * shown], lines_BT[rows, place][:, None]])
    return float((_replies(model, asked_BT)[:, -1] == lines_BT[rows, place + 1]).mean())


def _replies(model: Transformer, lines_BT: Lines) -> Lines:
    """(B, T) the likeliest token after each token."""
    import torch

    device = next(model.parameters()).device
    with torch.no_grad():
        return np.asarray(model(torch.from_numpy(lines_BT).to(device)).argmax(-1).cpu().numpy())
