"""Trials of mixtures: a run on so many domains of equal size, read on its first domain and on domains left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from repro.corpora.languages.markov.dialects import Dialects
from repro.corpora.texts.packages import Packages
from repro.training.configurations import Pretraining

ELSEWHERE = 1_000  # number of the dialect that no run reads


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """A run on a mix of domains, of which each seed draws its own.

    The run's text says of what kind: dialects, whose language then has the trial's seed, or packages, of whose names
    (`train`) each trial draws its `domains` and one that is left out.

    Raises:
        ValueError: another kind of text, or fewer packages than the trial needs.
    """

    run: Pretraining
    domains: int

    def __post_init__(self) -> None:
        text = self.run.text
        if not isinstance(text, Dialects | Packages):
            raise ValueError(f"a text of {text}; expected dialects or packages")
        if isinstance(text, Packages) and len(text.train) <= self.domains:
            raise ValueError(
                f"{self.domains} domains of {len(text.train)} packages; expected at least one more package"
            )

    def run_of(self, seed: int) -> Pretraining:
        """The run of a trial; its test split begins with its first domain, and ends with a package left out."""
        return replace(self.run, text=self._text_of(seed))

    def _text_of(self, seed: int) -> Dialects | Packages:
        text = self.run.text
        if isinstance(text, Dialects):
            return replace(text, language=replace(text.language, seed=seed), count=self.domains)
        assert isinstance(text, Packages)
        names = np.random.default_rng([seed, 71]).permutation(text.train).tolist()
        # the one left out stands first, so that mixes of any size leave out the same
        return replace(text, train=tuple(names[1 : 1 + self.domains]), test=(names[1], names[0]))
