"""Runs that stand out: copies of a run, several runs of one cell, and runs far from the surface of all others.

Legend: N parameters, D training tokens, loss in nats per token; a cell is one N and one D.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.corpora.tables.names import plain
from repro.fits.laws.surface import fit_surface
from repro.floor.arrays import Array

DIGITS = 7  # two runs whose losses agree to as many are one run, copied
FEWEST_DIGITS = 4  # a loss written with fewer may come out equal by chance
FEW_SHARED = 0.05  # in large files some cells meet by chance
NAMED = 8  # rows in one message
FEWEST = 12  # five parameters follow whatever fewer runs do
ENOUGH = 2000  # runs that settle a surface well enough to tell what lies far from it
FAR, LEAST = 10.0, 0.03  # a run is far from the surface beyond so many robust deviations, and beyond 3 % of the loss
MOST_FAR = 0.1  # where more runs than that are far, it is the surface that does not fit
_SEEDS = {"seed", "seeds", "random_seed", "rng_seed", "init_seed", "data_seed", "replicate", "repeat"}


@dataclass(frozen=True)
class Sifted:
    """Runs after a sieve.

    frame: what stays. left_out: the rows that do not, in the file's order. words: what to say, empty where there is
    nothing to say.
    """

    frame: pd.DataFrame
    left_out: tuple[int, ...]
    words: str


def once(frame: pd.DataFrame, texts: pd.DataFrame) -> Sifted:
    """Every run once: of exact copies the first.

    Args:
        texts: all cells of the file, same rows. Rows are copies where all read quantities agree; where the losses are
            written with fewer than four digits, all other cells must agree as well.
    """
    keys = pd.DataFrame({name: np.log(frame[name]).round(DIGITS) for name in frame})
    rounded = (np.round(frame["loss"], FEWEST_DIGITS - 1) == frame["loss"]).mean() > MOST_FAR
    copied = (keys.join(texts.set_axis(range(texts.shape[1]), axis=1)) if rounded else keys).duplicated()
    rows = tuple(frame.index[copied].tolist())
    if not rows:
        return Sifted(frame, (), "")
    words = f"exact copies: {rows_named(rows)}; each run counts once, so {len(frame) - len(rows)} runs remain"
    return Sifted(frame[~copied], rows, words)


def best_of_cells(frame: pd.DataFrame) -> Sifted:
    """The run of least loss of each cell, as a sweep of learning rates wants it."""
    best = sorted(frame.groupby(_cells(frame), sort=False)["loss"].idxmin().tolist())
    rows = tuple(frame.index.difference(pd.Index(best)).tolist())
    words = f"the best run of each N and D is taken: {len(best)} of {len(frame)} runs" if rows else ""
    return Sifted(frame.loc[best], rows, words)


def about_cells(frame: pd.DataFrame, texts: pd.DataFrame) -> Iterator[str]:
    """A warning where cells hold several runs that differ in more than their seed."""
    cells = _cells(frame)
    counts = np.bincount(cells)
    several = counts > 1
    if not several.any() or counts[several].sum() < FEW_SHARED * len(frame):
        return
    varied = [
        str(name)
        for name in texts
        if (texts[name].groupby(cells).nunique().to_numpy()[several] > 1).mean() > 0.5 and texts[name].str.strip().any()
    ]
    if varied and all(plain(name) in _SEEDS for name in varied):
        return
    first = frame.index[cells == np.flatnonzero(several)[0]].tolist()
    by = f", which differ in {', '.join(map(repr, varied[:3]))}" if varied else ""
    yield (
        f"several runs of one N and D: {int(counts[several].sum())} runs in {int(several.sum())} cells, up to "
        f"{counts.max()} in one{by} (rows {', '.join(map(str, first[:NAMED]))} are the first cell). If they are a "
        "sweep, of learning rates or the like, the law of all runs is that of a middling setting: --best-of-cell takes "
        "the best run of each cell. If they are seeds, all belong in the fit"
    )


def near_the_surface(frame: pd.DataFrame) -> Sifted:
    """Runs that the surface of the others explains; what lies far above it diverged, or its loss is mistyped.

    Far is more than ten robust standard deviations (of the residuals of log loss) and 3 %. Where more than a tenth of
    the runs are far, none is left out, and the words say so. Of fewer than a dozen runs none can be told to be far.
    """
    if len(frame) < FEWEST:
        return Sifted(frame, (), "")
    residual = _residual(frame)
    middle = float(np.median(residual))
    limit = max(FAR * 1.4826 * float(np.median(np.abs(residual - middle))), LEAST)
    far = np.abs(residual - middle) > limit
    if not far.any():
        return Sifted(frame, (), "")
    worst = frame.index[int(np.argmax(np.where(far, np.abs(residual - middle), 0.0)))]
    at = frame.index.get_loc(worst)
    got = float(frame["loss"].to_numpy()[at])
    usual = got / float(np.exp(residual[at] - middle))
    example = f"row {worst} has a loss of {got:.4g} where the others' surface has {usual:.3g}"
    rows = tuple(frame.index[far].tolist())
    if len(rows) > max(1, MOST_FAR * len(frame)):
        words = (
            f"{len(rows)} of {len(frame)} runs lie far from the surface that fits the others, {rows_named(rows)}: "
            f"{example}. That is too many to be outliers, and all are fitted; the runs follow no one surface"
        )
        return Sifted(frame, (), words)
    words = (
        f"far from the surface of the other runs, and left out: {rows_named(rows)}; {example}. --keep-outliers fits "
        "them too"
    )
    return Sifted(frame[~far], rows, words)


def rows_named(rows: tuple[int, ...]) -> str:
    """Rows by number, the first eight of them."""
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"{'rows' if len(rows) > 1 else 'row'} {', '.join(map(str, rows[:NAMED]))}{more}"


def _residual(frame: pd.DataFrame) -> Array:
    """Log loss over that of the surface of all runs, or of 2,000 of them."""
    some = frame if len(frame) <= ENOUGH else frame.sample(ENOUGH, random_state=0)
    surface = fit_surface(some["N"], some["D"], some["loss"]).surface
    return np.asarray(np.log(frame["loss"].to_numpy() / surface.loss(frame["N"], frame["D"])))


def _cells(frame: pd.DataFrame) -> NDArray[np.intp]:
    """(n,) number of each run's cell; N and D that agree to six digits are equal."""
    rounded = [np.log(frame[name]).round(DIGITS - 1) for name in ("N", "D")]
    return np.asarray(frame.groupby(rounded, sort=False).ngroup(), dtype=np.intp)
