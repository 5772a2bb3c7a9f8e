"""What repeated tokens are worth: the data-constrained law of Muennighoff et al., refitted with an interval.

Legend: N parameters, D tokens seen, U unique tokens, R = D/U - 1 repetitions, L loss in nats per token.

Source: Muennighoff et al. 2023 (arXiv:2305.16264).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.corpora.tables.tables import TableId, load_runs
from repro.fits.laws.huber import DELTA, huber
from repro.fits.laws.intervals import quantiles, rounded
from repro.fits.laws.surface import Surface
from repro.floor.arrays import Array
from repro.floor.measurement import Number, Numbers, measurement
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Decay:
    """How soon repetition stops paying: R_D* for tokens and R_N* for parameters beyond what U justifies.

    After R* repetitions a further one is worth 1/e of a fresh token; infinity would be "always as good as fresh".
    """

    tokens: float
    size: float


# Appendix A of the paper: fitted to 54 runs on fresh C4, alpha = beta by assumption; then held fixed.
FRESH = Surface(
    E=float(np.exp(0.6254804)), A=float(np.exp(6.255414)), B=float(np.exp(7.3049974)), alpha=0.3526596, beta=0.3526596
)
PUBLISHED = Decay(tokens=15.387756, size=5.309743)  # ibid., fitted to the 182 runs of their notebook
# R_D* up to 400: most of the runs repeat less, so that larger values can hardly be told apart.
TOKENS_GRID = np.geomspace(1.0, 400.0, 97)
SIZE_GRID = np.geomspace(0.2, 50.0, 81)


@dataclass(frozen=True)
class RepeatedRuns:
    """Runs on repeated data, each array (runs,): parameters, tokens seen, unique tokens, loss in nats."""

    N: Array
    D: Array
    U: Array
    loss: Array

    @classmethod
    def of(cls, frame: pd.DataFrame) -> RepeatedRuns:
        """From the columns N, D, unique_tokens, loss."""
        return cls(*(frame[name].to_numpy(dtype=float) for name in ("N", "D", "unique_tokens", "loss")))

    def groups(self) -> NDArray[np.int64]:
        """(runs,) the number of each run's group: the same model on the same pool, at other lengths and seeds."""
        pairs = np.column_stack([self.N, self.U])
        return np.asarray(np.unique(pairs, axis=0, return_inverse=True)[1]).ravel()


def effective(base: ArrayLike, repetitions: ArrayLike, decay: ArrayLike) -> Array:
    """Fresh units that `base` units seen 1 + `repetitions` times are worth: base (1 + R* (1 - exp(-R/R*))), eq. 5."""
    units, constant = np.asarray(base, dtype=float), np.asarray(decay, dtype=float)
    return np.asarray(units * (1 - constant * np.expm1(-np.asarray(repetitions, dtype=float) / constant)))


def effective_epochs(epochs: ArrayLike, decay: ArrayLike) -> Array:
    """Epochs of fresh data that `epochs` over the same data are worth, given R_D*."""
    return effective(1.0, np.asarray(epochs, dtype=float) - 1, decay)


def justified_size(U: ArrayLike, fresh: Surface = FRESH) -> Array:
    """The size for which U fresh tokens are compute-optimal: G (G U)^(beta/alpha)."""
    G = float(fresh.optimum(FLOP_PER_PARAMETER_TOKEN)[0])
    return np.asarray(G * (G * np.asarray(U, dtype=float)) ** (fresh.beta / fresh.alpha))


def repeated_loss(runs: RepeatedRuns, tokens: ArrayLike, size: ArrayLike, fresh: Surface = FRESH) -> Array:
    """Loss that the law predicts for decay constants R_D* `tokens` and R_N* `size`, which broadcast over (runs,)."""
    U_N = np.minimum(runs.N, justified_size(runs.U, fresh))
    tokens_seen = effective(runs.U, np.maximum(runs.D / runs.U - 1, 0), tokens)
    parameters = effective(U_N, runs.N / U_N - 1, size)
    return fresh.loss(parameters, tokens_seen)


def decay_penalty(runs: RepeatedRuns, tokens: ArrayLike, size: ArrayLike, fresh: Surface = FRESH) -> Array:
    """Huber penalty of each run's log-loss residual; its sum over runs is what the paper minimises."""
    residual = np.log(repeated_loss(runs, tokens, size, fresh)) - np.log(runs.loss)
    return huber(residual, DELTA)


def decay_objective(runs: RepeatedRuns, decay: Decay, fresh: Surface = FRESH) -> float:
    """Sum over runs of Huber(log-loss residual)."""
    return float(decay_penalty(runs, decay.tokens, decay.size, fresh).sum())


def explained(runs: RepeatedRuns, decay: Decay, fresh: Surface = FRESH) -> float:
    """Share of the variance of the loss that the law explains, R^2."""
    residual = runs.loss - repeated_loss(runs, decay.tokens, decay.size, fresh)
    return float(1 - np.sum(residual**2) / np.sum((runs.loss - runs.loss.mean()) ** 2))


def descend(runs: RepeatedRuns, start: Decay, fresh: Surface = FRESH) -> Decay:
    """The local minimum of the objective that a descent from `start` reaches."""
    from scipy.optimize import minimize

    result = minimize(
        lambda logs: decay_objective(runs, Decay(*np.exp(logs)), fresh),
        np.log([start.tokens, start.size]),
        method="Nelder-Mead",  # the penalty has kinks in its curvature, which gradient methods stop short at
        options={"xatol": 1e-7, "fatol": 1e-13, "maxiter": 4000},
    )
    tokens, size = np.exp(result.x)
    return Decay(float(tokens), float(size))


def grid_penalty(runs: RepeatedRuns, fresh: Surface = FRESH) -> Array:
    """(tokens, size, runs) the penalty of each run at each point of the grid of decay constants."""
    return decay_penalty(runs, TOKENS_GRID[:, None, None], SIZE_GRID[None, :, None], fresh)


def bootstrap_tokens(penalties: Array, groups: NDArray[np.int64], *, resamples: int, seed: int) -> NDArray[np.int64]:
    """(tokens,) how many resamples have their least objective at each R_D* of the grid.

    Args:
        penalties: (tokens, size, runs) of `grid_penalty`.
        groups: (runs,) what is drawn with replacement; all different numbers resample single runs.
    """
    members = np.eye(groups.max() + 1)[groups]  # (runs, groups)
    by_group = penalties @ members
    tokens, size, count = by_group.shape
    flat = by_group.reshape(tokens * size, count)
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    best = [int(np.argmin(flat @ row)) // size for row in weights.astype(float)]
    return np.bincount(best, minlength=tokens)


@dataclass(frozen=True, kw_only=True)
class PlantedRepetition:
    """A world whose decay constants are known; noise is the standard deviation of the log loss."""

    decay: Decay = PUBLISHED
    noise: float = 0.005

    def runs(self, seed: int) -> RepeatedRuns:
        """Its runs: 7 sizes on 3 pools of unique tokens for 8 numbers of epochs."""
        axes = np.geomspace(2e7, 3e9, 7), np.array([4e8, 4e9, 2.5e10]), 2.0 ** np.arange(8)
        size, unique, epochs = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
        runs = RepeatedRuns(size, unique * epochs, unique, np.ones_like(size))
        noise = np.random.default_rng(seed).normal(0, self.noise, size.size)
        return replace(runs, loss=repeated_loss(runs, self.decay.tokens, self.decay.size) * np.exp(noise))


@dataclass(frozen=True, kw_only=True)
class RepetitionFit:
    """A refit of the decay constants on a public table or a planted world.

    resampled: "runs", or "groups" of runs that share model and pool and so are not independent.
    """

    source: TableId | PlantedRepetition
    resamples: int = 2000
    resampled: str = "groups"


@measurement(version=1)
def repetition_fit(config: RepetitionFit, seed: int) -> Numbers:
    """The decay constants with their ridge and their bootstrap, on public or planted runs.

    `runs` counts what was resampled: rows, or groups of them. `ridge_*` follow the grid of R_D*: the least objective
    there and the R_N* that gives it. `drawn` counts the resamples whose optimum lies at each R_D* of that grid; the
    last entry is the grid's edge.
    """
    if config.resampled not in ("runs", "groups"):
        raise ValueError(f"resampled is {config.resampled!r}; expected 'runs' or 'groups'")
    source = config.source
    runs = source.runs(seed) if isinstance(source, PlantedRepetition) else RepeatedRuns.of(load_runs(source))
    penalties = grid_penalty(runs)
    ridge = penalties.sum(axis=2)
    row, column = np.unravel_index(np.argmin(ridge), ridge.shape)
    best = descend(runs, Decay(float(TOKENS_GRID[row]), float(SIZE_GRID[column])))
    groups = runs.groups() if config.resampled == "groups" else np.arange(runs.N.size)
    counts = bootstrap_tokens(penalties, groups, resamples=config.resamples, seed=seed)
    decays = np.repeat(TOKENS_GRID, counts)
    return {
        "rows": int(runs.N.size),
        "runs": int(groups.max() + 1),
        "published_objective": decay_objective(runs, PUBLISHED),
        "published_explained": explained(runs, PUBLISHED),
        "tokens_decay": best.tokens,
        "size_decay": best.size,
        "objective": decay_objective(runs, best),
        "tokens_decay_quantiles": quantiles(decays),
        "four_epochs": float(effective_epochs(4, best.tokens)),
        "four_epochs_quantiles": quantiles(effective_epochs(4, decays)),
        "draws": decays.size,
        "at_edge": float(counts[-1] / config.resamples),
        "tokens_grid": rounded(TOKENS_GRID),
        "ridge_objective": rounded(ridge.min(axis=1)),
        "ridge_size": rounded(SIZE_GRID[ridge.argmin(axis=1)]),
        "drawn": counts.tolist(),
    }


SAME_LENGTH = 0.02  # runs whose tokens differ by less count as equally long; the table rounds them to two digits


def worth(tokens: float, rise: float, price: float, beta: float = FRESH.beta) -> float:
    """Fresh tokens that lose as much as repeated ones do, over their number; infinite where they never lose so little.

    Args:
        tokens: read by the repeated run, and by the fresh one beside it.
        rise: loss of the repeated run minus that of the fresh one, in nats.
        price: B of the term B D^-beta that fresh tokens take off the loss.
    """
    left = tokens**-beta + rise / price
    return float(left ** (-1 / beta) / tokens) if left > 0 else float("inf")


@dataclass(frozen=True, kw_only=True)
class PlantedPairs:
    """A world of runs on fresh tokens and, equally long, on 4 and on 40 passes; noise is that of the log loss."""

    decay: float = PUBLISHED.tokens
    noise: float = 0.0005

    def runs(self, seed: int) -> RepeatedRuns:
        """Its runs: 8 sizes, two lengths each, whose parameters lose nothing by repetition."""
        axes = np.geomspace(1e8, 9e9, 8), np.array([1e10, 1e11]), np.array([1.0, 4.0, 40.0])
        size, tokens, passes = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
        runs = RepeatedRuns(size, tokens, tokens / passes, np.ones_like(size))
        noise = np.random.default_rng(seed).normal(0, self.noise, size.size)
        return replace(runs, loss=repeated_loss(runs, self.decay, 1e9) * np.exp(noise))


@dataclass(frozen=True, kw_only=True)
class RepeatPairs:
    """Runs on repeated data beside runs on fresh data of the same model and length."""

    source: TableId | PlantedPairs


@measurement(version=1)
def repeat_pairs(config: RepeatPairs, seed: int) -> Numbers:
    """What repetition costs without a law of decay: lists, one entry per repeated run with a fresh one beside it.

    `rise`: loss over the fresh run's, minus 1. `worth`: fresh tokens of that loss over tokens read, at the price of the
    published surface of fresh runs. `own_worth`: at the slope of that model's own fresh runs, None where there is one.
    """
    source = config.source
    runs = source.runs(seed) if isinstance(source, PlantedPairs) else RepeatedRuns.of(load_runs(source))
    fresh = runs.D <= runs.U * (1 + SAME_LENGTH)
    pairs: dict[str, list[Number]] = {name: [] for name in ("N", "D", "passes", "rise", "worth", "own_worth")}
    for row in np.flatnonzero(~fresh):
        own = fresh & (runs.N == runs.N[row])
        beside = np.flatnonzero(own & (np.abs(runs.D / runs.D[row] - 1) < SAME_LENGTH))
        if not beside.size:
            continue
        tokens, rise = float(runs.D[row]), float(runs.loss[row] - runs.loss[beside].mean())
        slope = np.polyfit(runs.D[own] ** -FRESH.beta, runs.loss[own], 1)[0] if own.sum() > 1 else None
        pairs["N"].append(float(runs.N[row]))
        pairs["D"].append(tokens)
        pairs["passes"].append(float(runs.D[row] / runs.U[row]))
        pairs["rise"].append(float(runs.loss[row] / runs.loss[beside].mean() - 1))
        pairs["worth"].append(worth(tokens, rise, FRESH.B))
        pairs["own_worth"].append(None if slope is None else worth(tokens, rise, slope))
    return pairs


def pairs_near(pairs: Numbers, passes: float, within: float) -> pd.DataFrame:
    """One pair per model: of those within a factor `within` of so many passes, the one nearest to them."""
    import pandas as pd

    table = pd.DataFrame({name: pairs[name] for name in ("N", "D", "passes", "rise", "worth", "own_worth")})
    table["away"] = np.abs(np.log(table["passes"] / passes))
    near: pd.DataFrame = table[table["away"] <= np.log(within)].sort_values(["N", "away", "D"])
    return near.drop_duplicates("N").drop(columns="away").reset_index(drop=True)
