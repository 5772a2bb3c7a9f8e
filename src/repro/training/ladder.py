"""Ladders: decoders of one family at growing width, each trained on growing numbers of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from repro.corpora.texts.text import Text
from repro.models.counting import matrix_parameters
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining

TUNING_SEED = 1_000  # of the runs that choose a learning rate, which no estimate uses


@dataclass(frozen=True)
class Ladder:
    """What the rungs share.

    Fields: `text`; `context` tokens of a sequence; `batch` tokens a step; `head_width` of each head, about; `aspect`
    width over layers, about; `most_flops` 6ND at which a rung's readings end, N with the output matrix; `most_tokens`
    likewise; `first_reading` tokens at the first one, from which each doubles; `warmup` tokens.
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
        """The rung of a width."""
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
        found = [self.first_reading]
        while 2 * found[-1] <= within:
            found.append(2 * found[-1])
        return tuple(found)

    def rung(self, width: int, rate: float, **changes: object) -> Pretraining:
        """The run of a width, at learning rate `rate` / width; `changes` are fields of the run."""
        shape, readings = self.decoder(width), self.readings(width)
        run = Pretraining(
            model=shape,
            text=self.text,
            readings=readings,
            batch=self.batch,
            learning_rate=rate / width,
            warmup=self.warmup,
        )
        return replace(run, **changes)  # type: ignore[arg-type]

    def tuning(self, widths: Sequence[int], rates: Sequence[float]) -> list[Pretraining]:
        """Every rate at every width, on as many tokens as the widest rung is given: equal effort for all."""
        tokens = min(self.readings(width)[-1] for width in widths)
        return [self.rung(width, rate, readings=(tokens,)) for width in widths for rate in rates]


def best_rates(tuned: pd.DataFrame, *, by: str = "model.width") -> Mapping[int, float]:
    """The learning rate times width with the least loss at each value of column `by`; a table of tuning runs."""
    least = tuned.loc[tuned.groupby(by)["final_loss"].idxmin()]
    return {int(row[by]): round(row["learning_rate"] * row["model.width"], 9) for _, row in least.iterrows()}


def readings_table(runs: pd.DataFrame, *, decayed: bool = True) -> pd.DataFrame:
    """One row a reading: seed, width, N with the output matrix, N_inside without it, D in tokens, loss in nats a token.

    Args:
        decayed: after the branch's decay, or where it leaves the trunk; the same for schedules without branches.
    """
    kept = runs[~runs["diverged"]]
    branched = not decayed and (kept["schedule"] == "stable-decay").all()
    names = ["stable_tokens", "stable_loss"] if branched else ["tokens", "loss"]
    kept = kept.assign(
        width=kept["model.width"],
        N=kept["matrix_parameters"],
        N_inside=kept["matrix_parameters"] - kept["model.vocabulary"] * kept["model.width"],
        D=kept[names[0]],
        loss=kept[names[1]],
    )
    table = kept[["seed", "width", "N", "N_inside", "D", "loss"]].explode(["D", "loss"], ignore_index=True)
    return table.astype({"D": float, "loss": float})


def repeat_costs(repeated: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """What reading the same tokens again costs: seed, passes, loss over that of as many fresh tokens, minus 1.

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
