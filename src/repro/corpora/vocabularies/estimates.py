"""From counts per sentence to ratios with intervals: all arms are resampled by the same draws of sentences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd

from repro.corpora.parallel import language_name
from repro.floor.arrays import Array
from repro.floor.estimate import Estimate
from repro.statistics import clopper_pearson, percentile

MOST_UNKNOWN = 0.01  # tokens that stand for what is lacking, as a share: beyond, a count tells nothing of a cost
RESAMPLES = 2000

Statistic = Callable[[Array], Array]  # (..., columns) totals -> (...)


def known(runs: pd.DataFrame) -> pd.DataFrame:
    """The trials in which at most one token of a hundred stands for what the vocabulary lacks."""
    return runs[runs["unknown"] <= MOST_UNKNOWN * runs["tokens"].map(sum)]


def of_totals(statistic: Statistic, columns: Sequence[Sequence[int]], unit: str = "", *, seed: int = 0) -> Estimate:
    """A statistic of the columns' totals, with its percentile interval over sentences.

    Args:
        statistic: (..., columns) totals -> (...).
        columns: counts per sentence, the same sentences in every column, at least 20.

    Raises:
        ValueError: fewer than 20 sentences, or columns of unlike length.
    """
    counts = np.array([list(column) for column in columns], dtype=float).T
    n = len(counts)
    if n < 20:
        raise ValueError(f"{n} sentences; a bootstrap needs at least 20")
    draws = statistic(_draws(n, seed) @ counts)
    return percentile(list(draws), float(statistic(counts.sum(axis=0))), n=n, unit=unit)


def ratio(over: Sequence[int], under: Sequence[int], unit: str = "") -> Estimate:
    """The total of one column over that of another, such as tokens of a language over those of English."""
    return of_totals(lambda totals: totals[..., 0] / totals[..., 1], [over, under], unit)


def extreme_ratio(
    take: str, columns: Sequence[Sequence[int]], base: Sequence[int], unit: str = "", *, inverse: bool = False
) -> Estimate:
    """The least or greatest of several columns' totals over that of the base, or of the base over theirs.

    Args:
        take: "min" or "max" of the ratios.
    """

    def statistic(totals: Array) -> Array:
        over = totals[..., 1:] / totals[..., :1]
        found: Array = getattr(1 / over if inverse else over, take)(axis=-1)
        return found

    return of_totals(statistic, [base, *columns], unit)


def by_vocabulary(runs: pd.DataFrame) -> dict[str, dict[str, list[int]]]:
    """Of trials of `token_counts` on languages: by vocabulary and language, the tokens of each sentence."""
    found: dict[str, dict[str, list[int]]] = {}
    for name, language, tokens in runs[["vocabulary.name", "text.language", "tokens"]].values:
        found.setdefault(name, {})[language] = list(tokens)
    return found


def costs_of(counts: Mapping[str, Mapping[str, Sequence[int]]], english: str = "eng_Latn") -> pd.DataFrame:
    """Columns language, vocabulary, value, low, high: the tokens of each language over those of English.

    Languages stand in the order of their costs, means over vocabularies of the logarithm.
    """
    rows = []
    for name, languages in counts.items():
        for language in [one for one in languages if one != english]:
            found = ratio(languages[language], languages[english])
            about = {"language": language_name("flores-dev", language), "vocabulary": name}
            rows.append({**about, "value": found.value, "low": found.low, "high": found.high})
    table = pd.DataFrame(rows)
    order = np.log(table["value"]).groupby(table["language"]).mean()
    return table.iloc[np.argsort(table["language"].map(order), kind="stable")].reset_index(drop=True)


def spread(columns: Sequence[Sequence[int]], unit: str = "", *, seed: int = 0) -> Estimate:
    """The median over sentences of the largest count over the smallest, of several vocabularies."""
    counts = np.array([list(column) for column in columns], dtype=float)
    apart = counts.max(axis=0) / counts.min(axis=0)
    n = len(apart)
    drawn = np.random.default_rng(seed).integers(n, size=(RESAMPLES, n))
    return percentile(list(np.median(apart[drawn], axis=1)), float(np.median(apart)), n=n, unit=unit)


def rank_correlation(
    length: Sequence[int], times: Sequence[int], tokens: Sequence[int], *, resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Spearman's correlation of a word's tokens with how often it occurs, among words of one length, mean of lengths.

    Words are resampled within their length. Where all words of a draw have as many tokens, its correlation is 0.
    """
    groups = [np.flatnonzero(np.asarray(length) == one) for one in sorted(set(length))]
    often, cut = np.asarray(times, dtype=float), np.asarray(tokens, dtype=float)
    rng = np.random.default_rng(seed)
    draws = [
        float(np.mean([_spearman(often[some], cut[some]) for some in (rng.choice(one, len(one)) for one in groups)]))
        for _ in range(resamples)
    ]
    value = float(np.mean([_spearman(often[one], cut[one]) for one in groups]))
    return percentile(draws, value, n=len(often), unit="rank correlation")


def share_of_words(words: int, among: int) -> Estimate:
    """A share of words with its interval."""
    return replace(clopper_pearson(words, among), unit="share of words")


def over_english(totals: pd.DataFrame, english: str = "eng_Latn") -> pd.DataFrame:
    """One row per trial of `language_totals`: vocabulary, and by language tokens over those of English.

    A language in which more than one token of a hundred stands for what the vocabulary lacks has no number.
    """
    rows = {}
    for name, languages, tokens, unknown in totals[["vocabulary.name", "languages", "tokens", "unknown"]].values:
        found = pd.Series(tokens, languages, dtype=float)
        rows[name] = (found / found[english]).where(pd.Series(unknown, languages) <= MOST_UNKNOWN * found)
    return pd.DataFrame(rows).T


def dearest_of(shares: pd.DataFrame) -> pd.DataFrame:
    """Columns vocabulary, median, dearest, times: of each row of `over_english`, its median and its largest number."""
    names = [language_name("flores-dev", str(language)) for language in shares.idxmax(axis=1)]
    columns = {"vocabulary": shares.index, "median": shares.median(axis=1).round(2).to_numpy(), "dearest": names}
    return pd.DataFrame({**columns, "times": shares.max(axis=1).round(2).to_numpy()})


def own_counts(runs: pd.DataFrame) -> pd.DataFrame:
    """Of trials of `token_counts`: vocabulary, language, tokens, and tokens per word, per character and per byte.

    Of a parallel text also tokens over those of English, the dearest language first. Words are what white space parts,
    so of languages that write none, tokens per word mean nothing.
    """
    tokens = runs["tokens"].map(sum)
    shown = pd.DataFrame({"vocabulary": runs["vocabulary.name"], "tokens": tokens})
    for unit in ("words", "characters", "bytes"):
        shown[f"per {unit.removesuffix('s')}"] = (tokens / runs[unit]).round(3)
    if "text.language" in runs:
        shown.insert(1, "language", runs["text.language"])
        english = shown[shown["language"].isin(("eng", "eng_Latn"))].set_index("vocabulary")["tokens"]
        shown["over English"] = (tokens / shown["vocabulary"].map(english)).round(3)
        shown = shown.sort_values("over English", ascending=False)
    return shown.assign(unknown=runs["unknown"])


def giving(cuts: Mapping[str, Sequence[int]], *wanted: int) -> list[str]:
    """The vocabularies that cut a word into pieces of just these lengths."""
    return [name for name, lengths in cuts.items() if list(lengths) == list(wanted)]


def share_of(wanted: Iterable[str], among: Collection[str]) -> Estimate:
    """The share of vocabularies that are wanted, among some; it is exact."""
    return Estimate.exact(len({*wanted} & {*among}) / len(among), "share of vocabularies")


def cut_table(cuts: pd.DataFrame, words: Sequence[str]) -> pd.DataFrame:
    """The words as each vocabulary cuts them, one row per vocabulary; `cuts` has its name as index."""
    found = pd.DataFrame({word: [spelled(word, lengths) for lengths in cuts[word]] for word in words}, index=cuts.index)
    return found.rename_axis("vocabulary").reset_index()


def spelled(word: str, lengths: Sequence[int]) -> str:
    """A word with a stroke between its pieces and a dot for a space; a space that a vocabulary drops is dropped."""
    letters = word.replace(" ", "·" if sum(lengths) == len(word) else "")
    ends = np.cumsum([0, *lengths])
    return " | ".join(letters[start:end] for start, end in pairwise(ends) if end > start)


@lru_cache(maxsize=4)
def _draws(n: int, seed: int) -> Array:
    """How often each of n sentences is drawn, (resamples, n)."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)


def _spearman(left: Array, right: Array) -> float:
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    return float(np.corrcoef(_ranks(left), _ranks(right))[0, 1])


def _ranks(values: Array) -> Array:
    """Ranks from 0, ties at their mean."""
    _, places, times = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(times)
    found: Array = (ends - (times + 1) / 2)[places]
    return found
