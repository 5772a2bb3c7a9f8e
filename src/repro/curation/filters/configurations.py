"""What trials of filters are of: good text of packages, bad text made by rule, and models trained on what is kept."""

from __future__ import annotations

from dataclasses import dataclass

from repro.corpora.texts.packages import Packages
from repro.training.configurations import Pretraining

KINDS = {
    "notices": "boilerplate",
    "tables": "boilerplate",
    "advertisements": "spam",
    "word salad": "low quality",
    "shuffled lines": "low quality",
    "repeated lines": "low quality",
}
UNLIKE = ("prose", "another alphabet")
KEEPS = ("classifier", "random", "good")


@dataclass(frozen=True, kw_only=True)
class Filtering:
    """A classifier that learns to tell good passages from a raw mix, half of which is bad, judged on other packages.

    Fields: `text` names the packages (its `train`), which each seed deals out anew: `judged` of them to the test; of
    the rest each document to the reference or to the raw mix, or with `apart` each package, so that the good text of
    the raw mix comes from other packages than the reference; `passages` of each of the three, of at most `length`
    characters; `slots` of the table that words and pairs of words are hashed into.

    Raises:
        ValueError: fewer than two packages beside those judged, or fewer passages than kinds of bad text.
    """

    text: Packages
    judged: int = 6
    apart: bool = False
    passages: int = 600
    length: int = 1_500
    slots: int = 2**16

    def __post_init__(self) -> None:
        if not 1 <= self.judged <= len(self.text.train) - 2:
            raise ValueError(f"{self.judged} of {len(self.text.train)} packages judged; expected 1 or more, and 2 left")
        if self.passages < 2 * len(KINDS):
            raise ValueError(f"{self.passages} passages; expected two or more of each of {len(KINDS)} kinds")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A model trained on half of a pool of raw text: the half that the classifier `keeps`, a random or the good one.

    The run's text is that of the filtering. The pool holds more than twice the bytes that the run reads, none of them
    among what the classifier learned from.

    Raises:
        ValueError: another way to keep, or another text.
    """

    filtering: Filtering
    run: Pretraining
    keeps: str

    def __post_init__(self) -> None:
        if self.keeps not in KEEPS or self.run.text != self.filtering.text:
            raise ValueError(f"keeps {self.keeps!r}; expected one of {', '.join(KEEPS)}, and one text for both")
