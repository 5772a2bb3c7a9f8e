"""How far the law that drew a sample lies from a law that is known: G-tests and the divergence behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from repro.floor.estimate import LEVEL, Estimate

LEAST = 10  # expected counts of a cell; those with fewer are put together


@dataclass(frozen=True)
class GTest:
    """A G-test of counts against a law.

    Fields: `statistic` G with Williams' correction, `freedom` its degrees, `n` the counts it rests on.
    """

    statistic: float
    freedom: int
    n: int

    @property
    def p_value(self) -> float:
        """Probability of a statistic as large, were the sample drawn from the law."""
        from scipy import stats

        return float(stats.chi2.sf(self.statistic, self.freedom))

    def __add__(self, other: GTest) -> GTest:
        """The test on two independent samples, each against a law of its own."""
        return GTest(self.statistic + other.statistic, self.freedom + other.freedom, self.n + other.n)


def g_test(counts: ArrayLike, law: ArrayLike) -> GTest:
    """Counts against a law, cells that expect few of them put together.

    Args:
        counts: (cells,) how often each cell was seen.
        law: (cells,) probabilities.

    Raises:
        ValueError: laws that do not add up to 1, or counts too few for two cells.

    Source: Sokal & Rohlf 1981, Biometry, section 17.2; the correction is Williams 1976.
    """
    seen, expected = np.asarray(counts, dtype=float), np.asarray(law, dtype=float)
    n = int(seen.sum())
    if not np.isclose(expected.sum(), 1, atol=1e-4):
        raise ValueError(f"the probabilities add up to {expected.sum()}; expected 1")
    expected = expected * (n / expected.sum())
    few = expected < LEAST
    if few.any():
        # The cells put together must expect enough as well, so the least of the others joins them where they do not.
        order = np.argsort(expected)
        few[order[: np.searchsorted(np.cumsum(expected[order]), LEAST) + 1]] = True
        seen, expected = (np.append(cells[~few], cells[few].sum()) for cells in (seen, expected))
    if len(expected) < 2:
        raise ValueError(f"{n} counts fill a single cell of at least {LEAST}; draw more")
    freedom = len(expected) - 1
    raw = 2 * float(np.sum(np.where(seen > 0, seen * np.log(np.where(seen > 0, seen, 1) / expected), 0)))
    correction = 1 + (float(np.sum(n / expected)) - 1) / (6 * n * freedom)
    return GTest(max(0.0, raw) / correction, freedom, n)


def divergence(test: GTest, *, level: float = LEVEL) -> Estimate:
    """Kullback-Leibler divergence of the law that drew the sample from the law tested, in nats per count.

    G is close to a noncentral chi-square whose noncentrality is 2 n times the divergence, as long as no cell's
    probability is another by a large factor; beyond that the interval is too narrow. It holds the noncentralities under
    which the statistic is not among the extremes. The upper end is at least that of a statistic as large as samples of
    the tested law give in the mean: one that agrees better than they do proves no more. Cells put together hide what
    differs within them.

    Source: the bound on luck is that of Cowan et al. 2011, Power-constrained limits (arXiv:1105.3166).
    """
    from scipy import special, stats

    def bound(statistic: float, tail: float) -> float:
        """The divergence under which a share `tail` lies below the statistic; 0 where even that gives less."""
        if stats.chi2.cdf(statistic, test.freedom) <= tail:
            return 0.0
        return float(special.chndtrinc(statistic, test.freedom, tail)) / (2 * test.n)

    low = bound(test.statistic, 0.5 + level / 2)
    high = bound(max(test.statistic, test.freedom), 0.5 - level / 2)
    value = min(max(max(0.0, test.statistic - test.freedom) / (2 * test.n), low), high)
    method = f"G-test, {test.freedom} degrees of freedom"
    return Estimate(value, low, high, level, test.n, "nats", method)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number; those below a level reject at that level over all tests together.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(np.asarray(p_values), method="holm")[1]]
