"""A Zipf-weighted collection of independent skills: the exponent of loss against data is set by hand.

A sequence is the name of a skill (its number in `digits` symbols, most significant first), then the one symbol that
answers it. The first symbol of a name comes from an alphabet of its own, so it marks where a sequence begins. Skill k
is drawn with p_k proportional to k^-(1 + alpha); its answer is one of B = V / 2 symbols, drawn once and fixed by the
language's seed. Only names are uncertain, so the entropy rate is

    h = H(p) / length          nats per token, length = digits + 1.

A learner that has met a skill knows its answer; one that has not must guess, for ln B nats. (Names are numbered by
rank, so their law is smooth and soon learned.) After n sequences the expected loss of a learner that tabulates answers
is therefore

    loss(n) - h = (ln B / length) * sum_k p_k (1 - p_k)^n  ~  n^-(alpha / (1 + alpha)),

and with room for m skills, the commonest being kept,  loss - h = (ln B / length) * sum_{k > m} p_k  ~  m^-alpha.
Hutter 2021 (arXiv:2102.04074) for the law in data; Michaud et al. 2023 (arXiv:2303.13506), section 2, for both. The
number of skills is finite, so both laws bend down once the rarest are met, the sooner the smaller alpha: with two
million skills and a hundred thousand sequences the local exponent is 0.342 instead of 0.333 at alpha = 0.5, and 0.27
instead of 0.23 at 0.3. `excess_after` and `excess_with` give the sums themselves.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from repro.corpora.languages.zipf import Zipf, entropy


@dataclass(frozen=True, kw_only=True)
class Skills:
    """The language and how much of it; any context of 4 or more whole sequences suits it (16, 32, 64, 128).

    Fields: `alpha` the exponent in the number of skills held, `vocabulary` V (even), `digits` symbols in a name, `seed`
    the language's, `tokens` training tokens to draw, `test_tokens` test tokens (both rounded down to whole sequences).
    """

    alpha: float = 0.5
    vocabulary: int = 256
    digits: int = 3
    seed: int = 0
    tokens: int = 20_000_000
    test_tokens: int = 500_000

    def __post_init__(self) -> None:
        if self.alpha <= 0 or self.vocabulary < 4 or self.vocabulary % 2 or self.digits < 1:
            raise ValueError(f"{self}: expected alpha above 0, an even vocabulary of 4 or more, and a digit or more")

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return self.digits + 1

    @property
    def skills(self) -> int:
        """How many skills there are: as many as names."""
        return int(self._base**self.digits)

    @property
    def law(self) -> Zipf:
        """The law of the skills, the commonest first."""
        return Zipf(self.skills, 1 + self.alpha)

    @property
    def entropy(self) -> float:
        """Entropy rate h in nats per token, in closed form."""
        return self.law.entropy / self.length

    def irreducible(self, context: int) -> float:
        """Mean nats of the tokens 2 ... context + 1 of a window that starts with a sequence, given those before: exact.

        Whole sequences give h; a context that is no multiple of `length` ends within one.
        """
        whole, rest = divmod(context, self.length)
        return (whole * self.law.entropy + sum(self._nats_after_first()[:rest])) / context

    def excess_after(self, sequences: float) -> float:
        """loss - h in nats per token, expected of a learner that tabulates this many sequences."""
        p = self.law.p
        return math.log(self._base) / self.length * float((p * np.exp(sequences * np.log1p(-p))).sum())

    def excess_with(self, skills: int) -> float:
        """loss - h in nats per token of a learner that knows the commonest skills alone."""
        return math.log(self._base) / self.length * float(self.law.p[skills:].sum())

    def draw(self, split: str) -> np.ndarray:
        """(tokens,) uint16 of "train" or "test": independent samples of one language."""
        stream = {"train": 1, "test": 2}[split]
        size = self.tokens if split == "train" else self.test_tokens
        rng = np.random.Generator(np.random.PCG64([self.seed, stream]))
        sequences: np.ndarray = self.sequences()[self.law.draw(rng, size // self.length)]
        return sequences.reshape(-1)

    def sequences(self) -> np.ndarray:
        """(skills, length) uint16: the sequence of each skill, the commonest first."""
        rng = np.random.Generator(np.random.PCG64([self.seed, 0]))
        table = np.empty((self.skills, self.length), dtype=np.uint16)
        for place in range(self.digits):
            table[:, self.digits - 1 - place] = self._base + np.arange(self.skills) // self._base**place % self._base
        table[:, 0] -= self._base
        table[:, -1] = self._base + rng.integers(0, self._base, self.skills)
        return table

    @property
    def _base(self) -> int:
        """B: symbols of either alphabet."""
        return self.vocabulary // 2

    def _nats_after_first(self) -> list[float]:
        """Nats of the 2nd ... last token of a sequence and of the next one's first, each given those before."""
        p = self.law.p
        upto = [entropy(p.reshape(self._base**known, -1).sum(axis=1)) for known in range(1, self.digits + 1)]
        return [after - before for before, after in itertools.pairwise(upto)] + [0.0, upto[0]]
