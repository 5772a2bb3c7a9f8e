"""What a reader's own runs say: the exponents of each approach, the optimum at given budgets, and what to distrust.

Legend: N parameters, D training tokens, C floating-point operations, 6 N D unless the file has its own, loss in nats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from repro.fits.approaches.envelope import bootstrap_envelope, fit_envelope
from repro.fits.approaches.isoflop import bootstrap_isoflop, find_budgets, fit_isoflop
from repro.fits.cautions import (
    about_budgets,
    about_contradictions,
    about_cost,
    about_fit,
    about_intervals,
    about_runs,
)
from repro.fits.laws.cost import Cost, cost_of
from repro.fits.laws.surface import (
    PARAMETERS,
    Spending,
    Surface,
    SurfaceDraws,
    SurfaceFit,
    bootstrap_surface,
    fit_surface,
)
from repro.fits.runs.doubts import refuse_without_choice
from repro.fits.runs.reading import Runs
from repro.fits.runs.suites import columns_of
from repro.floor.arrays import Array
from repro.statistics import LEVEL, Estimate, percentile

STAGES = 4  # the surface's fit and its bootstrap, and each of the other two approaches


class Law(Protocol):
    """What all approaches give: an exponent and the optimum at a budget."""

    @property
    def a(self) -> float | Array: ...

    def optimum(self, C: ArrayLike) -> tuple[Array, Array]: ...


class Draws(Protocol):
    """The same for every resample."""

    @property
    def a(self) -> Array: ...

    def optimum(self, C: float) -> tuple[Array, Array]: ...


@dataclass(frozen=True)
class Optimum:
    """The compute-optimal model at a budget; beyond: factor by which that lies outside the budgets tried, 1 within."""

    budget: float
    N: Estimate
    D: Estimate
    tokens_per_parameter: Estimate
    beyond: float


@dataclass(frozen=True)
class Approach:
    """One of the three approaches of Hoffmann et al. 2022: N* ~ C^a, D* ~ C^b."""

    number: int
    name: str
    a: Estimate
    b: Estimate
    optima: tuple[Optimum, ...]


@dataclass(frozen=True)
class Report:
    """All that `repro fit` shows.

    cost: what compute pays for. budgets: those around which the runs gather. wanted: those to plan for. absent: why an
    approach says nothing, by its number.
    """

    runs: Runs
    cost: Cost
    budgets: tuple[float, ...]
    wanted: tuple[float, ...]
    approaches: tuple[Approach, ...]
    absent: dict[int, str]
    fit: SurfaceFit
    law: dict[str, Estimate]
    warnings: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """One JSON object; an unbounded side of an interval is null."""
        return {
            "runs": len(self.runs.frame),
            "columns": self.runs.columns,
            "counting": self.runs.convention,
            "notes": list(self.runs.notes),
            "left_out": {why: list(rows) for why, rows in self.runs.left_out.items()},
            "level": LEVEL,
            "budgets_tried": list(self.budgets),
            "budgets_wanted": list(self.wanted),
            "approaches": [_plain(approach) for approach in self.approaches],
            "absent": {str(number): why for number, why in self.absent.items()},
            "law": {name: estimate.plain() for name, estimate in self.law.items()},
            "starts": {
                "tried": self.fit.starts,
                "share_at_the_minimum": self.fit.share,
                "converged": self.fit.converged,
            },
            "warnings": list(self.warnings),
        }


def report(
    runs: Runs,
    budgets: Sequence[float] = (),
    *,
    resamples: int = 1000,
    seed: int = 0,
    advance: Callable[[], object] = lambda: None,
) -> Report:
    """Fit runs by every approach that they allow, with 99 % percentile intervals over resampled runs.

    Args:
        budgets: in floating-point operations; without any, the largest of the runs.
        resamples: at least 200, which a 99 % interval needs.
        advance: called STAGES times, once per finished stage.
    """
    N, D, loss = columns_of(runs.frame)
    C = runs.frame["C"].to_numpy(dtype=float)
    cost = cost_of(N, D, C)
    wanted = tuple(budgets) or (float(C.max()),)
    fit = fit_surface(N, D, loss)
    advance()
    surfaces = bootstrap_surface(N, D, loss, resamples=resamples, seed=seed, fit=fit)
    advance()
    approaches, absent, lost = [], {}, {}
    for number in (1, 2, 3):
        try:
            name, law, draws, lost[number] = (
                _by_surface(fit, surfaces, cost)
                if number == 3
                else _by_minima(number, runs.frame, resamples=resamples, seed=seed)
            )
            approaches.append(_approach(number, name, law, draws, lost[number], C, wanted, cost))
        except ValueError as reason:  # too few minima, or a surface without any
            absent[number] = str(reason)
        if number < 3:
            advance()
    gathered = tuple(float(np.exp(budget.log_C)) for budget in find_budgets(C))
    law_values = _law(fit.surface, surfaces, len(N))
    warnings = (
        *runs.warnings,
        *about_runs(runs, gathered),
        *about_cost(cost),
        *about_fit(fit, surfaces, law_values),
        *about_intervals(approaches, {number: count / resamples for number, count in lost.items()}),
        *about_contradictions(approaches),
        *about_budgets(wanted, C),
    )
    return Report(runs, cost, gathered, wanted, tuple(approaches), absent, fit, law_values, warnings)


def _by_surface(fit: SurfaceFit, surfaces: SurfaceDraws, cost: Cost) -> tuple[str, Law, Draws, int]:
    """Approach 3: name, law, resamples that have an optimum, and how many have none."""
    if min(fit.surface.alpha, fit.surface.beta) <= 0:
        raise ValueError(
            f"the fitted surface has alpha = {fit.surface.alpha:.3g} and beta = {fit.surface.beta:.3g}; an optimum "
            "needs both above 0. The runs vary too little in N or in D, or the loss does not fall with them"
        )
    peaked = surfaces.has_optimum
    law, draws = Spending(fit.surface.table(), cost), Spending(surfaces.parameters[peaked], cost)
    return "loss surface", law, draws, int((~peaked).sum())


def _by_minima(number: int, frame: pd.DataFrame, *, resamples: int, seed: int) -> tuple[str, Law, Draws, int]:
    """Approach 1 or 2: name, law, the resamples that leave a line, and how many leave none."""
    refuse_without_choice(number, frame)
    runs, C = columns_of(frame), frame["C"]
    if number == 1:
        name, frontier = "lower envelope", fit_envelope(*runs, C)
        frontiers = bootstrap_envelope(*runs, resamples=resamples, seed=seed, C=C)
    else:
        name, frontier = "IsoFLOP parabolas", fit_isoflop(*runs, C=C)
        frontiers = bootstrap_isoflop(*runs, resamples=resamples, seed=seed, C=C)
    return name, frontier, frontiers, frontiers.lost


def _approach(
    number: int, name: str, law: Law, draws: Draws, lost: int, C: Array, budgets: tuple[float, ...], cost: Cost
) -> Approach:
    n = C.size
    a = _interval(draws.a, lost, float(law.a), n, most=1.0)  # where there is an optimum, it lies between 0 and 1
    b = a.through(lambda a: 1 - a) if cost.is_usual else _tokens_exponent(law, draws, lost, cost, n)
    optima = []
    for budget in budgets:
        (size, tokens), (sizes, many) = law.optimum(budget), draws.optimum(budget)
        optima.append(
            Optimum(
                budget,
                _interval(sizes, lost, float(size.item()), n, unit="parameters"),
                _interval(many, lost, float(tokens.item()), n, unit="tokens"),
                _interval(many / sizes, lost, float((tokens / size).item()), n, unit="tokens per parameter"),
                float(max(budget / C.max(), C.min() / budget, 1.0)),
            )
        )
    return Approach(number, name, a, b, tuple(optima))


def _tokens_exponent(law: Law, draws: Draws, lost: int, cost: Cost, n: int) -> Estimate:
    """b of D* ~ C^b over the compute of the runs, where that is not 6 N D."""
    low, high = cost.span
    fit, drawn = (np.log(one.optimum(high)[1] / one.optimum(low)[1]) / np.log(high / low) for one in (law, draws))
    return _interval(drawn, lost, float(fit), n, most=1.0)


def _interval(draws: Array, lost: int, value: float, n: int, *, most: float = np.inf, unit: str = "") -> Estimate:
    """The percentile interval; from 0 to `most` where the resamples without an optimum outweigh a tail."""
    finite = draws[np.isfinite(draws)]
    without, resamples = lost + draws.size - finite.size, lost + draws.size
    if without > resamples * (1 - LEVEL) / 2:
        low, high = min(0.0, value), max(most, value)
        return Estimate(value, low, high, n=n, unit=unit, method=f"{without} of {resamples} resamples have no optimum")
    return percentile(finite.tolist(), value, n=n, unit=unit)


def _law(surface: Surface, draws: SurfaceDraws, n: int) -> dict[str, Estimate]:
    values = zip(PARAMETERS, surface.table(), draws.parameters.T, strict=True)
    return {name: _interval(column, 0, float(value), n) for name, value, column in values}


def _plain(approach: Approach) -> dict[str, Any]:
    optima = [
        {
            "budget": optimum.budget,
            "N": optimum.N.plain(),
            "D": optimum.D.plain(),
            "tokens_per_parameter": optimum.tokens_per_parameter.plain(),
            "beyond": optimum.beyond,
        }
        for optimum in approach.optima
    ]
    exponents = {"a": approach.a.plain(), "b": approach.b.plain()}
    return {"approach": approach.number, "name": approach.name, **exponents, "optima": optima}
