"""What a reader's own runs say: the exponents of each approach, the optimum at given budgets, and what to distrust.

Legend: N parameters, D training tokens, C = 6 N D floating-point operations, loss in nats per token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from repro.fits.approaches.envelope import bootstrap_envelope, fit_envelope
from repro.fits.approaches.isoflop import bootstrap_isoflop, find_budgets, fit_isoflop
from repro.fits.laws.surface import (
    PARAMETERS,
    Surface,
    SurfaceDraws,
    SurfaceFit,
    bootstrap_surface,
    fit_surface,
)
from repro.fits.runs.reading import UNSTATED, Runs
from repro.fits.runs.suites import columns_of
from repro.floor.arrays import Array
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN
from repro.statistics import LEVEL, Estimate, percentile

STAGES = 4  # the surface's fit and its bootstrap, and each of the other two approaches
FEW_BUDGETS = 4  # an exponent through fewer minima has at most one degree of freedom left
FEW_RUNS = 20  # below this a bootstrap interval covers too seldom; tests/statistics measures it
FLAT = 0.1  # E is not identified where its interval reaches below this share of its value
WIDE = 0.5  # nor is an exponent whose interval spans half of all that is possible
SURE = 0.5  # share of starts that must find the same minimum
LOST = 0.05  # share of resamples that may leave no line, or no converged fit


class Law(Protocol):
    """What all approaches give: an exponent and the optimum at a budget."""

    @property
    def a(self) -> float: ...

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

    budgets: those around which the runs gather. wanted: those to plan for. absent: why an approach says nothing, by its
    number.
    """

    runs: Runs
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
    C = FLOP_PER_PARAMETER_TOKEN * N * D
    wanted = tuple(budgets) or (float(C.max()),)
    fit = fit_surface(N, D, loss)
    advance()
    surfaces = bootstrap_surface(N, D, loss, resamples=resamples, seed=seed, fit=fit)
    advance()
    approaches, absent, lost = [], {}, {}
    for number in (1, 2, 3):
        try:
            name, law, draws, lost[number] = (
                _by_surface(fit, surfaces) if number == 3 else _by_minima(number, N, D, loss, resamples, seed)
            )
            approaches.append(_approach(number, name, law, draws, lost[number], C, wanted))
        except ValueError as reason:  # too few minima, or a surface without any
            absent[number] = str(reason)
        if number < 3:
            advance()
    gathered = tuple(float(np.exp(budget.log_C)) for budget in find_budgets(C))
    law_values = _law(fit.surface, surfaces, len(N))
    warnings = (
        *_about_runs(runs, gathered),
        *_about_fit(fit, surfaces, law_values),
        *_about_intervals(approaches, {number: count / resamples for number, count in lost.items()}),
        *_about_budgets(wanted, C),
    )
    return Report(runs, gathered, wanted, tuple(approaches), absent, fit, law_values, warnings)


def _by_surface(fit: SurfaceFit, surfaces: SurfaceDraws) -> tuple[str, Law, Draws, int]:
    """Approach 3: name, law, resamples that have an optimum, and how many have none."""
    if min(fit.surface.alpha, fit.surface.beta) <= 0:
        raise ValueError(
            f"the fitted surface has alpha = {fit.surface.alpha:.3g} and beta = {fit.surface.beta:.3g}; an optimum "
            "needs both above 0. The runs vary too little in N or in D, or the loss does not fall with them"
        )
    peaked = surfaces.has_optimum
    return "loss surface", fit.surface, surfaces.where(peaked), int((~peaked).sum())


def _by_minima(number: int, N: Array, D: Array, loss: Array, resamples: int, seed: int) -> tuple[str, Law, Draws, int]:
    """Approach 1 or 2: name, law, the resamples that leave a line, and how many leave none."""
    name, fit, refit = {
        1: ("lower envelope", fit_envelope, bootstrap_envelope),
        2: ("IsoFLOP parabolas", fit_isoflop, bootstrap_isoflop),
    }[number]
    frontier = fit(N, D, loss)
    frontiers = refit(N, D, loss, resamples=resamples, seed=seed)
    return name, frontier, frontiers, frontiers.lost


def _approach(
    number: int, name: str, law: Law, draws: Draws, lost: int, C: Array, budgets: tuple[float, ...]
) -> Approach:
    n = C.size
    a = _interval(draws.a, lost, law.a, n, most=1.0)  # where there is an optimum, its exponent lies between 0 and 1
    b = Estimate(1 - a.value, 1 - a.high, 1 - a.low, a.level, n, method=a.method)
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


def _about_runs(runs: Runs, budgets: tuple[float, ...]) -> Iterator[str]:
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


def _about_fit(fit: SurfaceFit, draws: SurfaceDraws, law: dict[str, Estimate]) -> Iterator[str]:
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


def _about_intervals(approaches: list[Approach], lost: dict[int, float]) -> Iterator[str]:
    for approach in approaches:
        if approach.a.high - approach.a.low > WIDE:
            yield (
                f"exponent of approach {approach.number} not identified: [{approach.a.low:.2f}, {approach.a.high:.2f}]"
                "; runs of more budgets, at sizes on both sides of the optimum, would narrow it"
            )
        if (share := lost.get(approach.number, 0.0)) > LOST:
            yield f"approach {approach.number}: {share:.0%} of the resamples left no line and are not counted"


def _about_budgets(budgets: tuple[float, ...], C: Array) -> Iterator[str]:
    for budget in budgets:
        if budget > C.max():
            yield f"extrapolation: {budget:.3g} FLOP is {budget / C.max():.3g} times the largest budget of the runs"
        if budget < C.min():
            yield f"extrapolation: {budget:.3g} FLOP is {C.min() / budget:.3g} times below the smallest of the runs"


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
