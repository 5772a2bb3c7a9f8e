"""What a ladder of trained models says: losses at equal compute, and the three approaches on each seed alone.

The table of readings (`training.ladder.readings_table`) has a row per reading: seed, width, N (output matrix counted),
N_inside (not counted), D tokens, loss in nats per token. C = 6ND by whichever count of N is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

from repro.fits.approaches.envelope import fit_envelope
from repro.fits.approaches.frontier import Frontier
from repro.fits.approaches.isoflop import fit_isoflop
from repro.fits.laws.power_law import fit_pure_law
from repro.fits.laws.surface import Surface, fit_surface
from repro.fits.runs.suites import columns_of
from repro.floor.arrays import Array
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN
from repro.statistics import Estimate, largest_mean, paired_t, student_t

FEWEST = 4  # sizes that a budget needs
SPAN = 6.0  # factor around the best size within which a profile is taken for a parabola
DENSE = 12  # budgets to a factor of two, along the envelope


def budgets_of(readings: pd.DataFrame, *, size: str = "N", to_double: int = 1, fewest: int = FEWEST) -> Array:
    """Budgets, `to_double` of them per factor of two, that at least `fewest` sizes reach within their readings."""
    ends = FLOP_PER_PARAMETER_TOKEN * readings[size] * readings["D"]
    steps = np.arange(np.ceil(to_double * np.log2(ends.min())), np.floor(to_double * np.log2(ends.max())) + 1)
    spans = ends.groupby(readings["width"]).agg(["min", "max"])
    budgets = 2.0 ** (steps / to_double)
    reached = [int(((spans["min"] <= C) & (C <= spans["max"])).sum()) for C in budgets]
    return budgets[np.array(reached) >= fewest]


def at_budgets(readings: pd.DataFrame, budgets: Sequence[float] | Array, *, size: str = "N") -> pd.DataFrame:
    """IsoFLOP profiles: columns seed, C, N, D, loss; a row per seed, size and budget within that size's readings.

    The loss between two readings, a factor of two apart, is read off a monotone cubic through all of that run's
    readings in log D (Fritsch & Butland 1984); beyond them nothing is read.
    """
    rows = []
    for (seed, _), run in readings.sort_values("D").groupby(["seed", "width"]):
        N = float(run[size].iloc[0])
        tokens = {float(C): float(C) / FLOP_PER_PARAMETER_TOKEN / N for C in budgets}
        if len(run) > 1:
            curve = PchipInterpolator(np.log(run["D"]), run["loss"])
            inside = {C: D for C, D in tokens.items() if run["D"].iloc[0] <= D <= run["D"].iloc[-1]}
            rows += [(seed, C, N, D, float(curve(np.log(D)))) for C, D in inside.items()]
    return pd.DataFrame(rows, columns=["seed", "C", "N", "D", "loss"])


def envelope_of(readings: pd.DataFrame, *, size: str = "N") -> Frontier:
    """Approach 1 on one seed: at each of many budgets the size whose training curve is lowest there."""
    return fit_envelope(*columns_of(at_budgets(readings, budgets_of(readings, size=size, to_double=DENSE), size=size)))


def valleys_of(readings: pd.DataFrame, *, size: str = "N", span: float = SPAN) -> Frontier:
    """Approach 2 on one seed: a parabola through each IsoFLOP profile, near its least point.

    A profile is no parabola far from its minimum, so only sizes within a factor of `span` of the best one are used.
    """
    profiles = at_budgets(readings, budgets_of(readings, size=size), size=size)
    best = profiles.loc[profiles.groupby("C")["loss"].idxmin()].set_index("C")["N"]
    apart = profiles["N"] / profiles["C"].map(best)
    near = profiles[apart.between(1 / span, span)]
    return fit_isoflop(*columns_of(near), tolerance=0.01, fewest=3)


def surface_of(readings: pd.DataFrame, *, size: str = "N") -> Surface:
    """Approach 3 on one seed: the surface through all readings."""
    return fit_surface(*columns_of(readings, size)).surface


def shared_tokens(readings: pd.DataFrame, *, sizes: int) -> float:
    """The largest number of tokens that at least this many sizes have read.

    Raises:
        ValueError: no number of tokens is shared by so many.
    """
    read_by = readings.groupby("D")["width"].nunique()
    if (read_by < sizes).all():
        raise ValueError(f"at most {read_by.max()} sizes share a reading, {sizes} were asked for; allow more compute")
    return float(read_by[read_by >= sizes].index.max())


def exponent_at(readings: pd.DataFrame, D: float) -> float:
    """Exponent of a pure power law in parameters without embeddings, after D tokens."""
    rows = readings[readings["D"] == D]
    return fit_pure_law(rows["N_inside"], rows["loss"]).alpha


def least_gain(readings: pd.DataFrame) -> Estimate:
    """The least fall of the loss from one size to the next, over all steps up the ladder and all numbers of tokens.

    A step counts at every number of tokens that both sizes have read, so a ladder whose order turns where tokens are
    few is seen. The interval is that of the least of many means.
    """
    loss = readings.pivot_table(index=["D", "N"], columns="seed", values="loss")
    rises = loss.groupby("D").diff().dropna(how="all")
    return largest_mean([list(map(float, row)) for row in rises.to_numpy()], unit="nats per token").through(
        lambda gain: -gain, "nats per token"
    )


APPROACHES: dict[str, Callable[[pd.DataFrame], Frontier | Surface]] = {
    "1, envelope": envelope_of,
    "2, parabolas": valleys_of,
    "3, surface": surface_of,
}


def small_runs(readings: pd.DataFrame, *, share: float) -> pd.DataFrame:
    """The readings up to a share of the largest compute."""
    C = FLOP_PER_PARAMETER_TOKEN * readings["N"] * readings["D"]
    small: pd.DataFrame = readings[C <= share * C.max()]
    return small


def prediction_error(readings: pd.DataFrame, *, share: float) -> float:
    """Median absolute relative error of a surface, fitted to readings of little compute, on those of the most.

    Args:
        share: of the largest compute; readings up to it are fitted, and those above half the largest predicted.
    """
    C = FLOP_PER_PARAMETER_TOKEN * readings["N"] * readings["D"]
    surface = surface_of(small_runs(readings, share=share))
    largest = readings[C > C.max() / 2]
    return float((surface.loss(largest["N"], largest["D"]) / largest["loss"] - 1).abs().median())


def planted_losses(readings: pd.DataFrame, *, a: float, noise: float = 0.002) -> pd.DataFrame:
    """The same readings with losses of a known surface, so that the statistics can be held against the truth.

    Args:
        a: its exponent of the optimal size. The surface's optimum passes through the middle of the readings' sizes and
            tokens, where parameters and tokens each add half a nat.
        noise: standard deviation of log loss.
    """
    beta, alpha = 0.7 * a, 0.7 * (1 - a)
    N, D = (float(np.exp(np.log(np.unique(readings[name].astype(float))).mean())) for name in ("N", "D"))
    surface = Surface(E=1.5, A=0.35 / alpha * N**alpha, B=0.35 / beta * D**beta, alpha=alpha, beta=beta)
    errors = np.random.default_rng(0).standard_normal(len(readings))
    return readings.assign(loss=surface.loss(readings["N"], readings["D"]) * np.exp(noise * errors))


def approach_biases(readings: pd.DataFrame, truths: Sequence[float]) -> pd.DataFrame:
    """What each approach makes of planted losses, on average over seeds: a row per approach, a column per truth."""
    exponents_by_truth = {
        f"planted a = {a}": [
            over_seeds(planted_losses(readings, a=a), _exponent(fit)).value for fit in APPROACHES.values()
        ]
        for a in truths
    }
    return pd.DataFrame({"approach": list(APPROACHES), **exponents_by_truth})


def _exponent(fit: Callable[[pd.DataFrame], Frontier | Surface]) -> Callable[[pd.DataFrame], float]:
    return lambda rows: fit(rows).a


def exponent_by(approach: str) -> Callable[[pd.DataFrame], Estimate]:
    """The exponent of the optimal size by one of APPROACHES, with its interval over seeds, of a table of readings."""
    return lambda readings: over_seeds(readings, _exponent(APPROACHES[approach]))


def by_parabolas(size: str) -> Callable[[pd.DataFrame], float]:
    """The exponent of one seed by approach 2, the sizes counted as column `size` has them."""
    return lambda rows: valleys_of(rows, size=size).a


def moved_by_protocol(kaplan: pd.DataFrame, hoffmann: pd.DataFrame) -> Estimate:
    """The exponent by Kaplan's protocol, output matrix left out, minus that by Hoffmann's, of the same seeds."""
    arms = ((kaplan, by_parabolas("N_inside")), (hoffmann, by_parabolas("N")))
    return paired_t(*([exponent(one) for _, one in rows.groupby("seed")] for rows, exponent in arms))


def moved_by_counting(readings: pd.DataFrame) -> Estimate:
    """The exponent without the output matrix minus that with it, all else equal."""
    return over_seeds(readings, lambda rows: by_parabolas("N_inside")(rows) - by_parabolas("N")(rows))


def over_seeds(table: pd.DataFrame, statistic: Callable[[pd.DataFrame], float], unit: str = "") -> Estimate:
    """The mean over seeds of a statistic of each seed's rows alone, with Student's t interval."""
    return student_t([statistic(rows) for _, rows in table.groupby("seed")], unit=unit)
