"""Runs to fit, by name: a public table, a reader's file, a planted world, or suites, the parts made under one set-up.

Legend: N parameters, D training tokens, C = 6 N D floating-point operations, loss in nats per token.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from repro.corpora.tables.tables import TableId, load_runs, table_id
from repro.fits.laws.huber import Points
from repro.fits.laws.surface import SurfaceDraws, SurfaceFit, refit_surfaces
from repro.fits.runs.columns import WITH
from repro.fits.runs.planted import Planted, plant
from repro.floor.arrays import Array

if TYPE_CHECKING:
    import pandas as pd

    from repro.fits.runs.reading import Runs

PLANTED = "planted"


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Rows of a public table or of a planted one.

    where: pairs (column, text) that must all agree. excluded: how many runs of highest loss are left out. group: column
    that names the training run a row comes from, where one run gave several rows; empty where each row is a run.
    """

    source: TableId | Planted
    where: tuple[tuple[str, str], ...] = ()
    excluded: int = 0
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A world in which scaling changes its course: small budgets follow one surface, large ones another."""

    small: Planted
    large: Planted


def named_runs(name: str) -> TableId | Planted:
    """Where runs come from, for a configuration: `planted`, or the name of a public table.

    Raises:
        ValueError: neither of these; a reader's own file is fitted as it is, without what is right for one table alone.
    """
    if Path(name).suffix or Path(name).exists():
        raise ValueError(
            f"runs is {name!r}, a file of your own, and this page is about public runs. Yours have their own page: "
            f"repro run own-runs -p {shlex.quote(f'runs={name}')}, or give the same numbers by repro fit "
            f"{shlex.quote(name)}"
        )
    return Planted() if name == PLANTED else table_id(name)


def given_runs(name: str, *, best_of_cell: bool = False, keep_outliers: bool = False) -> Runs:
    """Runs of a reader's file, or planted ones that stand in for them; the switches are those of `read_runs`."""
    from repro.fits.runs.reading import Runs, read_runs

    if name == PLANTED:
        return Runs(runs_of(Planted(sizes=9), seed=0), WITH, (), {name: name for name in ("N", "D", "C", "loss")})
    return read_runs(Path(name), best_of_cell=best_of_cell, keep_outliers=keep_outliers)


def runs_of(source: TableId | Planted, seed: int) -> pd.DataFrame:
    """Columns N, D, C, loss of a public table, or of runs planted with this seed."""
    return plant(source, seed) if isinstance(source, Planted) else load_runs(source)


def without_worst(runs: pd.DataFrame, excluded: int) -> pd.DataFrame:
    """The runs whose loss is not among the `excluded` largest; 5 is the choice of Besiroglu et al. 2024.

    Raises:
        ValueError: more are to be excluded than there are.
    """
    if not 0 <= excluded < len(runs):
        raise ValueError(f"got excluded={excluded}; expected 0 to {len(runs) - 1}, there being {len(runs)} runs")
    rows = np.sort(np.argsort(runs["loss"].to_numpy(), kind="stable")[: len(runs) - excluded])
    return runs.iloc[rows].reset_index(drop=True)


def columns_of(runs: pd.DataFrame, size: str = "N") -> tuple[Array, Array, Array]:
    """The columns of size, tokens and loss as arrays (n,), which is how every fit takes them."""
    N, D, loss = (runs[name].to_numpy(dtype=float) for name in (size, "D", "loss"))
    return N, D, loss


def suite_runs(suite: Suite | Broken, seed: int) -> pd.DataFrame:
    """Columns N, D, C, loss, group and the table's others, by rising compute; the seed is that of planted noise.

    Raises:
        ValueError: no row of the table agrees with the suite.
    """
    import pandas as pd

    if isinstance(suite, Broken):
        runs = pd.concat([plant(suite.small, seed), plant(suite.large, seed + 1)])
        return _ordered(runs, "")
    runs = runs_of(suite.source, seed)
    for column, text in suite.where:
        runs = runs[runs[column] == text]
    if runs.empty:
        raise ValueError(f"no row of {suite.source} has {dict(suite.where)}; look at the values in its columns")
    return _ordered(without_worst(runs, suite.excluded), suite.group)


def _ordered(runs: pd.DataFrame, group: str) -> pd.DataFrame:
    import pandas as pd

    ordered = runs.sort_values(["C", "N"], ignore_index=True)
    return ordered.assign(group=pd.factorize(ordered[group])[0] if group else np.arange(len(ordered)))


def group_weights(groups: ArrayLike, resamples: int, generator: np.random.Generator) -> Array:
    """(resamples, n) how often each row counts when whole groups are drawn with replacement.

    Args:
        groups: (n,) label of each row's group.
    """
    import pandas as pd

    codes, labels = pd.factorize(np.asarray(groups))
    times = generator.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), size=resamples)
    return np.asarray(times[:, codes], dtype=float)


def draw_surfaces(runs: pd.DataFrame, fit: SurfaceFit, *, resamples: int, seed: int) -> SurfaceDraws:
    """Surfaces refitted to resampled training runs, whole groups at a time, warm-started from the fit.

    Resamples whose surface has no optimum (an exponent at or below 0, an unbounded coefficient) are left out.
    """
    points = Points.of(*columns_of(runs))
    weights = group_weights(runs["group"], resamples, np.random.default_rng(seed))
    draws = refit_surfaces(points, fit, weights)
    return draws.where(draws.has_optimum & np.isfinite(draws.parameters).all(axis=1))


_TUNED = (("hparams", "tuned"), ("warmup", "short"), ("decay", "const"), ("param_count", "standard"))
_COSINE = (("hparams", "base"), ("warmup", "short"), ("decay", "chinchilla"), ("param_count", "standard"))


def named_suites(name: str) -> dict[str, Suite]:
    """The suites that a notebook's knob names: two planted ones for `planted`, else every public one."""
    if name == PLANTED:
        return {"planted": Suite(source=Planted()), "planted, wider": Suite(source=Planted(sizes=11))}
    return public_suites()


def public_suites() -> dict[str, Suite]:
    """Every public suite with enough budgets to hold the large ones out, by the name a figure gives it.

    Of Chinchilla's digitised points the five of highest loss are dropped, as Besiroglu et al. 2024 do.
    """
    gadre, porian = table_id("gadre_104_models"), table_id("porian_isoflop_points")
    corpora = {"C4": "c4_original", "RedPajama": "rpj", "RefinedWeb": "rw_original"}
    steps = {"tuned": _TUNED, "cosine": _COSINE}
    texts = {"RefinedWeb": "rw", "OpenWebText2": "owt2"}
    return {
        "Chinchilla, digitised": Suite(source=table_id("epoch_chinchilla_svg_extracted_data"), excluded=5),
        "Gemstones": Suite(source=table_id("gemstones_cool_end"), group="run_name"),
        **{f"Gadre, {name}": Suite(source=gadre, where=(("dataset_name", text),)) for name, text in corpora.items()},
        "OLMo ladder": Suite(source=table_id("olmo_ladder_final")),
        **{
            f"Porian, {name}, {step}": Suite(source=porian, where=(("dataset", text), *where))
            for name, text in texts.items()
            for step, where in steps.items()
        },
    }
