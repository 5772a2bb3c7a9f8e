"""An over-trained model beside the cheapest others of a ladder that reach its loss, all of them measured.

A surface's loss of the smallest model may be off by several per cent, and the model of equal loss by more: on the flat
end of a curve a small loss is worth much compute. What was measured has no such error, and a ladder's steps instead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from repro.fits.questions.critical_batch import tokens_to_reach
from repro.floor.estimate import Estimate
from repro.sizing.operations.chinchilla import break_even_tokens
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN


def equal_loss_runs(readings: pd.DataFrame) -> pd.DataFrame:
    """The larger models of one seed at the loss that the smallest one ends with, smallest first, a row per model.

    Columns: N; D tokens at which its curve crosses that loss; C = 6ND; `training`, the smallest model's compute over
    C; `serving`, its cost of a generated token over the smallest one's, which is N over N; `break_even`, the generated
    tokens after which both have cost the same, over the smallest one's training tokens.

    Args:
        readings: of one seed, columns N, D, loss.

    Raises:
        ValueError: no larger model reaches that loss for less compute, so that there is nothing to win back.
    """
    by_size = [run.sort_values("D") for _, run in readings.groupby("N")]
    small, *others = by_size
    N, D, loss = (float(small[name].iloc[-1]) for name in ("N", "D", "loss"))
    table = pd.DataFrame({"N": [float(run["N"].iloc[0]) for run in others]})
    table["D"] = [tokens_to_reach(loss, run["D"], run["loss"]) for run in others]
    table["C"] = FLOP_PER_PARAMETER_TOKEN * table["N"] * table["D"]
    cost = FLOP_PER_PARAMETER_TOKEN * N * D
    cheaper = table[table["C"] < cost]
    if cheaper.empty:
        raise ValueError(f"no larger model reaches {loss:.3f} nats for less than {cost:.3g} operations")
    pays = [
        break_even_tokens(small=N, small_tokens=D, large=float(large), large_tokens=float(tokens))
        for large, tokens in cheaper[["N", "D"]].to_numpy()
    ]
    return cheaper.assign(training=cost / cheaper["C"], serving=cheaper["N"] / N, break_even=np.array(pays) / D)


def cheapest(runs: pd.DataFrame, *, step: int = 0) -> dict[str, float]:
    """The row of `equal_loss_runs` that took least compute, or the one so many rungs further up."""
    place = int(runs["C"].to_numpy().argmin()) + step
    return {str(name): float(runs[name].iloc[place]) for name in runs}


def serving_between_rungs(by_seed: Sequence[pd.DataFrame]) -> Estimate:
    """What a token of the cheapest model of equal loss costs over one of the smallest, as finely as the ladder tells.

    Compute to a loss falls and then rises with size, so the cheapest size of all lies between the neighbours of the
    cheapest rung, the smallest model, at 1, among them: these are the interval, the widest over seeds.

    Args:
        by_seed: a table of `equal_loss_runs` for each seed.
    """
    values, lows, highs = [], [], []
    for runs in by_seed:
        steps = [1.0, *runs["serving"]]
        place = 1 + int(runs["C"].to_numpy().argmin())
        values.append(steps[place])
        lows.append(steps[place - 1])
        highs.append(steps[place + 1] if place + 1 < len(steps) else float("inf"))
    value = sum(values) / len(values)
    return Estimate(
        value, min(lows), max(highs), n=len(values), unit="times", method="between the rungs beside the cheapest"
    )
