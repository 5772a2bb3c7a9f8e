"""Ladders: decoders of one family at growing width, each trained on growing numbers of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from repro.corpora.texts.text import Text
from repro.models.counting import matrix_parameters
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining

TUNING_SEED = 1_000  # of the runs that choose a learning rate, which no estimate uses

Config = TypeVar("Config")


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """The text and the proportions that all rungs share; a rung is the run of a width.

    Fields: `context` tokens of a sequence; `batch` tokens per step; `head_width` of each head, about; `aspect` width
    over layers, about; `most_flops` 6ND at which a rung's readings end, N with the output matrix; `most_tokens` tokens
    at which they end; `first_reading` tokens at the first one, from which each doubles; `warmup` tokens.
    """

    text: Text
    context: int = 64
    batch: int = 1_024
    head_width: int = 16
    aspect: int = 16
    most_flops: float = 1e12
    most_tokens: int = 8_388_608
    first_reading: int = 65_536
    warmup: int = 16_384

    def decoder(self, width: int) -> Decoder:
        """The decoder of a width."""
        heads = max(1, round(width / self.head_width))
        layers = max(1, round(width / self.aspect))
        return Decoder(vocabulary=self.text.vocabulary, width=width, layers=layers, heads=heads, context=self.context)

    def readings(self, width: int) -> tuple[int, ...]:
        """Doubling numbers of tokens, as far as compute and text allow.

        Raises:
            ValueError: not even the first fits.
        """
        within = min(self.most_tokens, self.most_flops / 6 / matrix_parameters(self.decoder(width)))
        if within < self.first_reading:
            raise ValueError(f"width {width} comes to {within:.0f} tokens; allow more compute, or leave it out")
        tokens = [self.first_reading]
        while 2 * tokens[-1] <= within:
            tokens.append(2 * tokens[-1])
        return tuple(tokens)

    def rung(self, width: int, rate: float) -> Pretraining:
        """The run of a width, at learning rate `rate` / width."""
        return Pretraining(
            model=self.decoder(width),
            text=self.text,
            readings=self.readings(width),
            batch=self.batch,
            learning_rate=rate / width,
            warmup=self.warmup,
        )

    def tuning(self, widths: Sequence[int], rates: Sequence[float]) -> list[Pretraining]:
        """Every rate at every width, on as many tokens as the widest rung is given: equal effort for all."""
        tokens = min(self.readings(width)[-1] for width in widths)
        return [replace(self.rung(width, rate), readings=(tokens,)) for width in widths for rate in rates]


def common_rate(rates: Sequence[float], runs: pd.DataFrame) -> float:
    """The learning rate times width that all rungs share: that of the least final loss in the mean over rungs.

    One for all, since the best of each rung alone, by one run per rate, follows chance: a rung that gets another rate
    than its neighbours bends every law through the ladder. Losses are averaged in logs, and a rate at which a rung
    diverges is out.

    Args:
        rates: as given to `Ladder.tuning`.
        runs: the table of its runs on one seed, in the order of `Ladder.tuning`.

    Raises:
        ValueError: rows for more than one seed, or no rate at which every rung ends.
    """
    if len(runs) % len(rates) or runs["seed"].nunique() != 1:
        raise ValueError(f"{len(runs)} runs at {len(rates)} rates; expected one seed, a run of each rung at each rate")
    losses = runs["final_loss"].to_numpy(dtype=float).reshape(-1, len(rates))
    mean_log = np.log(losses).mean(axis=0)
    if np.isnan(mean_log).all():
        raise ValueError(f"at each rate of {list(rates)} a rung diverged; give lower learning rates")
    return rates[int(np.nanargmin(mean_log))]


def best_runs(tried: Sequence[Config], runs: pd.DataFrame, *, by: str | list[str] = "model.width") -> dict[Any, Config]:
    """The configuration with the least final loss at each value of column `by`, or of several columns.

    Args:
        tried: the configurations of a tuning sweep.
        runs: its table, a row per configuration in the same order.

    Raises:
        ValueError: rows for more than one seed, or a value at which every run diverged.
    """
    if len(runs) != len(tried):
        raise ValueError(f"{len(runs)} runs of {len(tried)} configurations; expected one seed, a run of each")
    groups = runs.reset_index(drop=True).groupby(by)["final_loss"]
    if lost := [value for value, count in groups.count().items() if not count]:
        raise ValueError(f"every run diverged at {by} = {lost}; give lower learning rates")
    return {value: tried[place] for value, place in groups.idxmin().items()}


def with_model(run: Pretraining, model: Decoder) -> Pretraining:
    """The run with another model, its learning rate times width as before."""
    return replace(run, model=model, learning_rate=run.learning_rate * run.model.width / model.width)


def readings_table(runs: pd.DataFrame, *, decayed: bool = True) -> pd.DataFrame:
    """The test losses of runs, a row per reading: seed, width, N, N_inside, D in tokens, loss in nats per token.

    N counts the output matrix, N_inside leaves it out.

    Args:
        decayed: read after the branch's decay, or where it leaves the trunk; the same for schedules without branches.
    """
    ended = runs[~runs["diverged"]]
    branched = not decayed and (ended["schedule"] == "stable-decay").all()
    tokens, loss = ("stable_tokens", "stable_loss") if branched else ("tokens", "loss")
    ended = ended.assign(
        width=ended["model.width"],
        N=ended["matrix_parameters"],
        N_inside=ended["matrix_parameters"] - ended["model.vocabulary"] * ended["model.width"],
        D=ended[tokens],
        loss=ended[loss],
    )
    table = ended[["seed", "width", "N", "N_inside", "D", "loss"]].explode(["D", "loss"], ignore_index=True)
    return table.astype({"D": float, "loss": float})


def repeat_costs(repeated: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """The cost of reading the same tokens again, a row per run: seed, passes, cost.

    `cost` is the loss over that of as many fresh tokens, minus 1.

    Args:
        repeated: runs with `unique` tokens.
        fresh: readings of the same model, at the repeated runs' number of tokens among others.
    """
    total, width = repeated["tokens"].str[-1].to_numpy(dtype=float), repeated["model.width"]
    beside = fresh.set_index(["seed", "width", "D"])["loss"]
    wanted = pd.MultiIndex.from_arrays([repeated["seed"], width, total])
    return pd.DataFrame(
        {
            "seed": repeated["seed"],
            "passes": np.round(total / repeated["unique"].to_numpy(dtype=float)),
            "cost": repeated["final_loss"].to_numpy() / beside.loc[wanted].to_numpy() - 1,
        }
    )
