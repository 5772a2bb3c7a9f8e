"""Scores of passages: a linear classifier over hashed words and pairs, counted bytes, and rules without training.

Legend: N passages, F features of a passage, S slots.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from repro.floor.arrays import Array, Tokens
from repro.models.ngrams import NGrams

_WORDS = re.compile(r"\w+|[^\w\s]")
PENALTIES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
STEPS, LEFT_OUT = 60, 5
ORDER = 5  # bytes of a run
_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with", "return", "if", "for", "in", "self", "def")


@lru_cache(maxsize=2**14)
def features_of(passage: str, slots: int) -> tuple[NDArray[np.int64], Array]:
    """(F,) slots and values of a passage: words and pairs of neighbours, hashed, the roots of counts at length 1."""
    words = _WORDS.findall(passage.lower())
    counts = Counter(words) + Counter(map(" ".join, pairwise(words)))
    roots = np.sqrt(np.array(list(counts.values()), dtype=float))
    places = [zlib.crc32(word.encode(errors="surrogatepass")) % slots for word in counts]
    return np.array(places, dtype=np.int64), roots / max(1.0, float(np.linalg.norm(roots)))


class Bags:
    """Passages as bags of features, one after another."""

    def __init__(self, passages: Sequence[str], slots: int) -> None:
        features = [features_of(passage, slots) for passage in passages]
        self.places, self.values = (np.concatenate(part) for part in zip(*features, strict=True))
        self.count, self.slots = len(passages), slots
        self.owners = np.repeat(np.arange(len(passages)), [len(places) for places, _ in features])

    def sums(self, weights_S: Array) -> Array:
        """(N,) the weighted sum of each passage's features, and the bias, which stands last."""
        summed = np.bincount(self.owners, weights_S[self.places] * self.values, minlength=self.count)
        return np.asarray(summed + weights_S[-1], dtype=float)

    def slope(self, errors_N: Array) -> Array:
        """(S + 1,) the gradient of the sums, weighted by errors of the passages."""
        slope = np.bincount(self.places, errors_N[self.owners] * self.values, minlength=self.slots)
        return np.append(slope, errors_N.sum())


class Classifier:
    """Logistic regression: the log-odds that a passage is of the reference and not of the raw mix.

    The penalty on squared weights is the one of `PENALTIES` that predicts best a fifth of the passages that is left out
    for the purpose. Nothing is drawn at random.

    Source: Brown et al. 2020 (arXiv:2005.14165), appendix A, for reference against raw crawl.
    """

    def __init__(self, reference: Sequence[str], raw: Sequence[str], slots: int, penalty: float | None = None) -> None:
        """Fit to passages of either kind, with a penalty that is given or chosen."""
        passages = [*reference, *raw]
        labels_N = np.repeat([1.0, 0.0], [len(reference), len(raw)])
        self.penalty = _chosen_penalty(passages, labels_N, slots) if penalty is None else penalty
        self.weights = _fit(Bags(passages, slots), labels_N, self.penalty, np.zeros(slots + 1))

    def scores(self, passages: Sequence[str]) -> Array:
        """(N,) log-odds of each passage; the higher, the more like the reference."""
        return Bags(passages, len(self.weights) - 1).sums(self.weights)


def _chosen_penalty(passages: list[str], labels_N: Array, slots: int) -> float:
    out_N, bags = np.arange(len(passages)) % LEFT_OUT == 0, []
    for own_N in (~out_N, out_N):
        bags.append(Bags([passage for passage, own in zip(passages, own_N, strict=True) if own], slots))
    losses, weights = [], np.zeros(slots + 1)
    for penalty in PENALTIES:
        weights = _fit(bags[0], labels_N[~out_N], penalty, weights)
        losses.append(_loss(bags[1].sums(weights), labels_N[out_N]))
    return PENALTIES[int(np.argmin(losses))]


def _loss(sums_N: Array, labels_N: Array) -> float:
    """Mean log-loss in nats."""
    return float(np.logaddexp(0, (1 - 2 * labels_N) * sums_N).mean())


def _fit(bags: Bags, labels_N: Array, penalty: float, start: Array) -> Array:
    """(S + 1,) the weights that minimise the mean log-loss plus the penalty, the bias last and free of it."""
    from scipy.optimize import minimize

    def objective(weights: Array) -> tuple[float, Array]:
        sums = bags.sums(weights)
        slope = bags.slope(1 / (1 + np.exp(-sums)) - labels_N) / bags.count
        slope[:-1] += 2 * penalty * weights[:-1]
        return _loss(sums, labels_N) + penalty * float(weights[:-1] @ weights[:-1]), slope

    fit = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    found: Array = fit.x
    return found


def rule_scores(passages: Sequence[str]) -> Array:
    """(N,) how many of five rules each passage keeps: lengths of words, signs, letters, repeats, common words.

    Source: Rae et al. 2021 (arXiv:2112.11446), table A1, as far as the rules suit source code.
    """
    return np.array([_rules_kept(passage) for passage in passages], dtype=float)


def _rules_kept(passage: str) -> int:
    words, lines = re.findall(r"\w+", passage), [line.strip() for line in passage.splitlines() if line.strip()]
    count = max(1, len(words))
    own = {word.lower() for word in words}
    return sum(
        (
            2 <= sum(map(len, words)) / count <= 10,
            len(_WORDS.findall(passage)) - len(words) <= 1.5 * count,
            sum(any(sign.isalpha() for sign in word) for word in words) >= 0.6 * count,
            len(set(lines)) >= 0.7 * len(lines),
            sum(word in own for word in _STOP_WORDS) >= 2,
        )
    )


def surprise_scores(reference: Sequence[str], passages: Sequence[str]) -> Array:
    """(N,) minus the nats per byte of each passage, by runs of five bytes counted in the reference.

    Source: Wenzek et al. 2019 (arXiv:1911.00359), section 3.3, who count words of Wikipedia.
    """
    counted = NGrams(in_bytes(reference), vocabulary=256, order=ORDER)
    return np.array([-counted.nats(in_bytes([passage])).mean() for passage in passages])


def in_bytes(passages: Sequence[str]) -> Tokens:
    """The passages in bytes, a zero between them."""
    return np.frombuffer(b"\0".join(passage.encode() for passage in passages), dtype=np.uint8).astype(np.int64)


def area(good: Array, bad: Array) -> float:
    """The chance that a good passage scores above a bad one, ties by halves: the area under the ROC curve.

    Source: Mann & Whitney 1947.
    """
    ordered = np.sort(bad)
    below, upto = np.searchsorted(ordered, good, side="left"), np.searchsorted(ordered, good, side="right")
    return float((below + upto).mean() / (2 * len(bad)))
