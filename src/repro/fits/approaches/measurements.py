"""The three approaches of Hoffmann et al. 2022 as measurements, and the surface of a whole suite.

Every record keeps the point fit and quantiles of its resamples, from which `intervals.recorded_estimate` reads an
interval. The seed draws the resamples (42: those of Epoch AI's notebook) and, where runs are planted, their noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from repro.corpora.tables.tables import TableId
from repro.fits.approaches.envelope import bootstrap_envelope, fit_envelope
from repro.fits.approaches.frontier import Frontier, FrontierDraws
from repro.fits.approaches.isoflop import TOLERANCE, bootstrap_isoflop, fit_isoflop
from repro.fits.laws.cost import cost_of
from repro.fits.laws.huber import DELTA
from repro.fits.laws.intervals import Entries, quantiles, rounded
from repro.fits.laws.surface import GOPHER_FLOP, PARAMETERS, Spending, bootstrap_surface, fit_surface
from repro.fits.runs.planted import Planted
from repro.fits.runs.suites import Broken, Suite, columns_of, draw_surfaces, runs_of, suite_runs, without_worst
from repro.floor.arrays import Array
from repro.floor.measurement import Diverged, Numbers, measurement

BUDGETS = (1e19, 1e21, GOPHER_FLOP, 1e25)
PICTURE = 100  # draws kept for a picture


@dataclass(frozen=True, kw_only=True)
class ApproachOne:
    """Approach 1, the lower envelope.

    excluded: runs of largest loss left out. share: of the runs that a resample holds, drawn without replacement (0.8
    is Hoffmann's way); None draws all with replacement. budgets: operations at which the optimum is recorded.
    """

    runs: TableId | Planted
    excluded: int = 0
    resamples: int = 4000
    share: float | None = None
    budgets: tuple[float, ...] = BUDGETS


@dataclass(frozen=True, kw_only=True)
class ApproachTwo:
    """Approach 2, IsoFLOP parabolas; fields as in `ApproachOne`.

    tolerance: half-width of a budget in log C. fewest: runs that make a budget. Nine, because ten budgets of the runs
    read off Hoffmann's figure have so many, and the small gatherings between budgets have fewer; over 0.05 to 0.1 and
    7 to 10 the exponent of those runs moves between .47 and .53.
    """

    runs: TableId | Planted
    excluded: int = 0
    tolerance: float = TOLERANCE
    fewest: int = 9
    resamples: int = 4000
    share: float | None = None
    budgets: tuple[float, ...] = BUDGETS


@dataclass(frozen=True, kw_only=True)
class ApproachThree:
    """Approach 3, the surface fit; fields as in `ApproachOne`.

    excluded: five in Besiroglu et al. 2024. delta: residual from which the penalty is linear. starts: of the minimiser.
    """

    runs: TableId | Planted
    excluded: int = 5
    delta: float = DELTA
    starts: int = 16
    resamples: int = 4000
    share: float | None = None
    budgets: tuple[float, ...] = BUDGETS


@dataclass(frozen=True, kw_only=True)
class SuiteFit:
    """A surface fitted to all runs of a suite, with a bootstrap over its training runs."""

    suite: Suite | Broken
    resamples: int = 1000


@measurement(version=1)
def approach_one(config: ApproachOne, seed: int) -> Numbers:
    """Exponent, coefficient and optimal sizes by the lower envelope of final losses."""
    N, D, loss, C = _columns(config.runs, config.excluded, seed)
    fit = fit_envelope(N, D, loss, C)
    draws = bootstrap_envelope(N, D, loss, resamples=config.resamples, seed=seed, share=config.share, C=C)
    return _frontier(fit, draws, config.budgets)


@measurement(version=1)
def approach_two(config: ApproachTwo, seed: int) -> Numbers:
    """Exponent, coefficient and optimal sizes by one parabola per budget."""
    N, D, loss, C = _columns(config.runs, config.excluded, seed)
    fit = fit_isoflop(N, D, loss, tolerance=config.tolerance, fewest=config.fewest, C=C)
    draws = bootstrap_isoflop(
        N,
        D,
        loss,
        resamples=config.resamples,
        seed=seed,
        share=config.share,
        tolerance=config.tolerance,
        fewest=config.fewest,
        C=C,
    )
    return _frontier(fit, draws, config.budgets)


@measurement(version=1)
def surface_fit(config: ApproachThree, seed: int) -> Numbers:
    """The five parameters, the exponent and the optimum at each budget by the surface fit, with convergence facts."""
    N, D, loss, C = _columns(config.runs, config.excluded, seed)
    fit = fit_surface(N, D, loss, delta=config.delta, starts=config.starts)
    all_draws = bootstrap_surface(
        N, D, loss, resamples=config.resamples, seed=seed, share=config.share, delta=config.delta, fit=fit
    )
    peaked = all_draws.has_optimum
    if not fit.converged or min(fit.surface.alpha, fit.surface.beta) <= 0 or not peaked.any():
        raise Diverged(f"the fit has no optimum: {fit}")
    draws = all_draws.where(peaked)
    numbers: Entries = {"objective": fit.objective, "share_at_optimum": fit.share, "gradient": fit.gradient}
    numbers |= {"runs": len(N), "draws": int(peaked.sum()), "lost": int((~peaked).sum())}
    numbers["unconverged"] = int((~all_draws.converged).sum())
    for column, name in enumerate(PARAMETERS):
        numbers |= {name: getattr(fit.surface, name), f"{name}_quantiles": quantiles(draws.parameters[:, column])}
    cost = cost_of(N, D, C)
    return numbers | _optima(Spending(fit.surface.table(), cost), Spending(draws.parameters, cost), config.budgets)


@measurement(version=1)
def suite_fit(config: SuiteFit, seed: int) -> Numbers:
    """The surface of a suite, its exponents a and b, and how sure the fit is.

    `runs` counts the training runs that were resampled, `share` the starts that found the same minimum, `lost` the
    resamples whose surface has no optimum.
    """
    runs = suite_runs(config.suite, seed)
    fit = fit_surface(runs["N"], runs["D"], runs["loss"])
    draws = draw_surfaces(runs, fit, resamples=config.resamples, seed=seed)
    numbers: Entries = {"a": fit.surface.a, "a_quantiles": quantiles(draws.a)}
    for name, value, column in zip(PARAMETERS, fit.surface.table().tolist(), draws.parameters.T, strict=True):
        numbers |= {name: value, f"{name}_quantiles": quantiles(column)}
    return numbers | {
        "rows": len(runs),
        "runs": int(runs["group"].nunique()),
        "draws": draws.a.size,
        "lost": config.resamples - draws.a.size,
        "objective": fit.objective,
        "share": fit.share,
    }


def _columns(runs: TableId | Planted, excluded: int, seed: int) -> tuple[Array, Array, Array, Array]:
    kept = without_worst(runs_of(runs, seed), excluded)
    return *columns_of(kept), kept["C"].to_numpy(dtype=float)


def _frontier(fit: Frontier, draws: FrontierDraws, budgets: tuple[float, ...]) -> Entries:
    numbers: Entries = {"runs": fit.runs, "draws": draws.a.size, "lost": draws.lost}
    numbers |= {"log_G": fit.log_G, "log_G_quantiles": quantiles(draws.log_G)}
    numbers |= {"minima_C": rounded(fit.C[:PICTURE]), "minima_N": rounded(fit.N[:PICTURE])}
    return numbers | _optima(fit, draws, budgets)


def _optima(fit: Spending | Frontier, draws: Spending | FrontierDraws, budgets: tuple[float, ...]) -> Entries:
    """Exponent, optima and a thinned cloud of draws; per-budget quantiles lie budget after budget in one list."""
    optima = [draws.optimum(C) for C in budgets]
    N, D = fit.optimum(np.array(budgets))
    at_gopher = draws.optimum(GOPHER_FLOP)
    thin = np.linspace(0, draws.a.size - 1, min(PICTURE, draws.a.size)).astype(int)
    return {
        "a": float(fit.a),
        "a_quantiles": quantiles(draws.a),
        "budgets": list(budgets),
        "N": rounded(N),
        "N_quantiles": [q for size, _ in optima for q in quantiles(size)],
        "D": rounded(D),
        "D_quantiles": [q for _, tokens in optima for q in quantiles(tokens)],
        "tokens_per_parameter": rounded(D / N),
        "tokens_per_parameter_quantiles": [q for size, tokens in optima for q in quantiles(tokens / size)],
        "drawn_a": rounded(draws.a[thin]),
        "drawn_tokens_per_parameter": rounded((at_gopher[1] / at_gopher[0])[thin]),
    }
