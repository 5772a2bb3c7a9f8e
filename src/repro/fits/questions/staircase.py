"""From Kaplan's exponent to Chinchilla's in five steps, each a repair of the set-up, from one group's IsoFLOP points.

Legend: N parameters, D tokens, C floating-point operations, a the exponent of the compute-optimal size N* ~ C^a.

Source: Porian et al. 2024 (arXiv:2406.19146).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from repro.corpora.tables.tables import table_id
from repro.fits.approaches.frontier import Frontier
from repro.fits.approaches.isoflop import WINDOW, bootstrap_isoflop, fit_isoflop, valleys
from repro.fits.laws.intervals import quantiles
from repro.fits.runs.suites import Broken, Suite, suite_runs
from repro.floor.estimate import LEVEL
from repro.floor.measurement import Numbers, measurement


@dataclass(frozen=True)
class PaperStep:
    """One experiment of the paper.

    where: what tells its rows apart. published: the paper's a with its 95 % interval, by a weighted Akima
    spline through the curve of each budget, noise of seeds resampled (their file of fits).
    """

    name: str
    corpus: str
    where: tuple[tuple[str, str], ...]
    published: tuple[float, float, float]

    @property
    def suite(self) -> Suite:
        """Its runs in the public table."""
        return Suite(source=table_id("porian_isoflop_points"), where=self.where)


def _where(dataset: str, hparams: str, warmup: str, decay: str, param_count: str) -> tuple[tuple[str, str], ...]:
    names = ("dataset", "hparams", "warmup", "decay", "param_count")
    return tuple(zip(names, (dataset, hparams, warmup, decay, param_count), strict=True))


_SET_UPS = {
    "Kaplan reproduced": ("base", "long", "kaplan", "kaplan"),
    "last layer counted": ("base", "long", "kaplan", "standard"),
    "warm-up corrected": ("base", "short", "kaplan", "standard"),
    "cosine decay to the end": ("base", "short", "chinchilla", "standard"),
    "optimiser tuned": ("tuned", "short", "const", "standard"),
}
_PUBLISHED = {
    "rw": (
        (0.835, 0.824, 0.846),
        (0.706, 0.691, 0.717),
        (0.602, 0.591, 0.617),
        (0.571, 0.560, 0.589),
        (0.497, 0.491, 0.505),
    ),
    "owt2": (
        (0.864, 0.819, 0.897),
        (0.699, 0.664, 0.724),
        (0.603, 0.570, 0.629),
        (0.574, 0.542, 0.606),
        (0.518, 0.493, 0.541),
    ),
}
CORPORA = {"rw": "RefinedWeb", "owt2": "OpenWebText2"}
STEPS = tuple(
    PaperStep(name, CORPORA[dataset], _where(dataset, *set_up), published)
    for dataset, rows in _PUBLISHED.items()
    for (name, set_up), published in zip(_SET_UPS.items(), rows, strict=True)
)


def exponent_interval(frontier: Frontier, level: float = LEVEL) -> tuple[float, float]:
    """Student's t interval of a, from the scatter of the budgets' minima about their line.

    Over a dozen minima, as here, it holds the truth in 98 to 99 % of planted studies at a nominal 99; resampling the
    runs within each budget is far too wide, since a parabola through few distinct runs swings.

    Raises:
        ValueError: fewer than three minima.
    """
    from scipy import stats

    if frontier.C.size < 3:
        raise ValueError(f"{frontier.C.size} minima; an interval about a line through them needs at least three")
    line = stats.linregress(np.log(frontier.C), np.log(frontier.N))
    half = float(stats.t.ppf((1 + level) / 2, frontier.C.size - 2) * line.stderr)
    return frontier.a - half, frontier.a + half


@dataclass(frozen=True, kw_only=True)
class Valleys:
    """IsoFLOP runs whose minima give an exponent.

    window: runs about each minimum that its parabola goes through. resamples: of these runs.
    """

    suite: Suite | Broken
    window: int = WINDOW
    resamples: int = 1000


@measurement(version=1)
def valley_exponent(config: Valleys, seed: int) -> Numbers:
    """The exponent a of N* ~ C^a through the minima of IsoFLOP parabolas.

    `low` and `high`: Student's t over the budgets' minima, at the project's level. `a_quantiles`: over resampled runs,
    budgets fixed, which is far wider. `C` and `N` list the minima.
    """
    runs = valleys(suite_runs(config.suite, seed), config.window)
    table = runs["N"], runs["D"], runs["loss"]
    frontier = fit_isoflop(*table)
    low, high = exponent_interval(frontier)
    draws = bootstrap_isoflop(*table, resamples=config.resamples, seed=seed)
    return {
        "a": frontier.a,
        "low": low,
        "high": high,
        "a_quantiles": quantiles(draws.a),
        "draws": draws.a.size,
        "lost": draws.lost,
        "budgets": int(frontier.C.size),
        "runs": frontier.runs,
        "C": frontier.C.tolist(),
        "N": frontier.N.tolist(),
    }
