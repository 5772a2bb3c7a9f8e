"""What to distrust in a fit: one sentence each, for the warnings of `repro fit`.

Legend: N parameters, D training tokens, C floating-point operations, E the irreducible loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Protocol

import numpy as np

from repro.corpora.tables.numbers import spell_size
from repro.fits.laws.cost import Cost
from repro.fits.laws.surface import SurfaceDraws, SurfaceFit
from repro.fits.runs.columns import UNSTATED
from repro.fits.runs.reading import Runs
from repro.floor.arrays import Array
from repro.floor.estimate import Estimate

FEW_BUDGETS = 4  # an exponent through fewer minima has at most one degree of freedom left
FEW_RUNS = 20  # below this a bootstrap interval covers too seldom; tests/statistics measures it
FLAT = 0.1  # E is not identified where its interval reaches below this share of its value
WIDE = 0.5  # nor is an exponent whose interval spans half of all that is possible
SURE = 0.5  # share of starts that must find the same minimum
SAME_EXPONENT, SAME_SIZE = 0.03, 0.2  # approaches that differ by less agree for every plan: a parabola is no valley
LOST = 0.05  # share of resamples that may leave no line, or no converged fit


class Optimal(Protocol):
    """The best size at a budget."""

    @property
    def budget(self) -> float: ...

    @property
    def N(self) -> Estimate: ...

    @property
    def beyond(self) -> float: ...


class Answer(Protocol):
    """What one approach says."""

    @property
    def number(self) -> int: ...

    @property
    def a(self) -> Estimate: ...

    @property
    def optima(self) -> Sequence[Optimal]: ...


def about_runs(runs: Runs, budgets: tuple[float, ...]) -> Iterator[str]:
    """What the runs are too few for, or leave unsaid."""
    if len(budgets) < FEW_BUDGETS:
        yield (
            f"too few budgets: the runs gather around {len(budgets)} budgets (5 or more runs within 10 % of each); "
            f"approaches 1 and 2 need at least {FEW_BUDGETS} to say how the optimum moves"
        )
    if len(runs.frame) < FEW_RUNS:
        yield f"few runs: {len(runs.frame)}; bootstrap intervals of fewer than {FEW_RUNS} runs are too narrow"
    if runs.convention == UNSTATED:
        yield (
            "counting convention unstated: the same small runs gave a = 0.49 with N counting embeddings and 0.74 "
            "without (Pearce & Song 2024, arXiv:2406.12907); add a column `counting` with embedding or non-embedding"
        )
    if "epochs" in runs.frame and (repeated := runs.frame["epochs"] > 1).any():
        yield (
            f"repeated data: {int(repeated.sum())} runs saw their tokens more than once, up to "
            f"{runs.frame['epochs'].max():.3g} times; the law takes every token as fresh, which is nearly so up to "
            "about 4 epochs (Muennighoff et al. 2023, arXiv:2305.16264)"
        )


def about_cost(cost: Cost) -> Iterator[str]:
    """Compute that is not 6 N D."""
    if not cost.is_usual:
        yield (
            "compute is the file's own, not 6 N D: N* and D* are for budgets so counted. What one pays for follows "
            f"from C / 6ND as a parabola in log N, which meets each run's own within a factor of {cost.off:.3g}; "
            "exponents are those between the least and the greatest compute of the runs"
        )


def about_fit(fit: SurfaceFit, draws: SurfaceDraws, law: dict[str, Estimate]) -> Iterator[str]:
    """A minimum that may not be the least, and parameters that the runs do not tell."""
    if not fit.converged or fit.share < SURE:
        met = "met" if fit.converged else "did not meet"
        yield (
            f"fit not certified: {fit.share:.0%} of {fit.starts} starts found the least objective and the minimiser "
            f"{met} its tolerance; another minimum may be as good"
        )
    if (stuck := float(np.mean(~draws.converged))) > LOST:
        yield f"fit not certified: {stuck:.0%} of the resamples did not converge, so intervals of approach 3 are rough"
    if law["E"].low < FLAT * law["E"].value:
        yield (
            f"E not identified: its interval [{law['E'].low:.3g}, {law['E'].high:.3g}] reaches towards 0, so the runs "
            "do not tell an irreducible loss from a slow power law; extrapolated losses mean little"
        )


def about_intervals(approaches: Sequence[Answer], lost: dict[int, float]) -> Iterator[str]:
    """Exponents that the runs do not tell."""
    for approach in approaches:
        if approach.a.high - approach.a.low > WIDE:
            yield (
                f"exponent of approach {approach.number} not identified: [{approach.a.low:.2f}, {approach.a.high:.2f}]"
                "; runs of more budgets, at sizes on both sides of the optimum, would narrow it"
            )
        if (share := lost.get(approach.number, 0.0)) > LOST:
            yield f"approach {approach.number}: {share:.0%} of the resamples left no line and are not counted"


def about_budgets(budgets: tuple[float, ...], C: Array) -> Iterator[str]:
    """Budgets to plan for that lie outside the runs."""
    for budget in budgets:
        if budget > C.max():
            yield f"extrapolation: {budget:.3g} FLOP is {budget / C.max():.3g} times the largest budget of the runs"
        if budget < C.min():
            yield f"extrapolation: {budget:.3g} FLOP is {C.min() / budget:.3g} times below the smallest of the runs"


def about_contradictions(approaches: Sequence[Answer]) -> Iterator[str]:
    """Approaches that cannot both be right: their intervals of the exponent, or of a best size, do not meet."""
    for first, second in combinations(approaches, 2):
        apart = not _meet(first.a, second.a) and abs(first.a.value - second.a.value) > SAME_EXPONENT
        said = [f"a = {_exponent(first.a)} and {_exponent(second.a)}"] if apart else []
        said += [
            f"at {one.budget:.3g} FLOP N* = {_size(one.N)} and {_size(other.N)}"
            for one, other in zip(first.optima, second.optima, strict=True)
            if one.beyond == 1 and not _meet(one.N, other.N)
            if abs(np.log(one.N.value / other.N.value)) > SAME_SIZE
        ]
        if said:
            yield (
                f"approaches {first.number} and {second.number} contradict one another: {'; '.join(said)} do not meet. "
                "At least one does not suit these runs: trust neither until you know why (several runs of one N and D, "
                "repeated data, schedules that do not fit their length, sizes on one side of the optimum)"
            )


def _meet(first: Estimate, second: Estimate) -> bool:
    return first.low <= second.high and second.low <= first.high


def _exponent(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _size(estimate: Estimate) -> str:
    return f"{spell_size(estimate.value)} [{spell_size(estimate.low)}, {spell_size(estimate.high)}]"
