"""The survey of a folder of text: how much there is, what is there more than once, and what it says of itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from repro.corpora.texts.near_duplicates import hashed_runs
from repro.curation.copies.configurations import NEAR, Sketch
from repro.curation.copies.groups import grouped
from repro.curation.copies.sketches import WORDS, Hashes, MinHash, band_keys, buckets
from repro.curation.survey.files import File, files_of, shown
from repro.curation.survey.languages import language_of
from repro.curation.survey.licences import licence_lines

SKETCH = Sketch()
SHORTEST = 20  # words of a file that is compared for near copies
SIGNS = 20  # signs per word, beyond which a text has no words and its single signs are taken
READ = 1_000_000  # signs of a file that its sketch is made of
NAMED = 5  # groups, and files of each, that are named
QUANTILES = {"shortest": 0.0, "median": 0.5, "nine of ten": 0.9, "longest": 1.0}


@dataclass
class Group:
    """Files that are copies of one another: how many `files`, and the first `names`."""

    files: int
    names: list[str]


@dataclass
class Copies:
    """Copies of one kind: `groups`, `extra` files beyond the first of each and their `bytes`; the `largest` groups."""

    groups: int = 0
    extra: int = 0
    bytes: int = 0
    largest: list[Group] = field(default_factory=list)


@dataclass
class Survey:
    """What a folder holds.

    Fields: `files` and `bytes` of all; of files that are text: `texts`, `characters`, `words`, `lengths` (words, by
    quantile); `faults` files by why they are no text, and `faulty` the first of each; `exact` copies of texts, byte for
    byte; `near` copies among texts of 20 words or more, by an estimate of the Jaccard likeness of at least .8, exact
    ones aside; `languages` files by guess; `spdx`, `phrases` files by licence, `copyright` files with such a line, and
    `silent` ones with none of the three.
    """

    folder: str
    files: int = 0
    bytes: int = 0
    texts: int = 0
    characters: int = 0
    words: int = 0
    lengths: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    faulty: dict[str, list[str]] = field(default_factory=dict)
    exact: Copies = field(default_factory=Copies)
    near: Copies = field(default_factory=Copies)
    languages: dict[str, int] = field(default_factory=dict)
    spdx: dict[str, int] = field(default_factory=dict)
    phrases: dict[str, int] = field(default_factory=dict)
    copyright: int = 0
    silent: int = 0

    def plain(self) -> dict[str, Any]:
        """The survey for JSON."""
        return asdict(self)


class _Tally:
    """What is kept of each file while the folder is read: no text, so that a folder may be larger than memory."""

    def __init__(self) -> None:
        self.minhash = MinHash(SKETCH.hashes, 0)
        self.lengths: list[int] = []
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.same: dict[str, list[File]] = defaultdict(list)
        self.sketched: list[File] = []
        self.signatures: list[Hashes] = []

    def take(self, file: File, survey: Survey) -> None:
        """Count a file in."""
        survey.files += 1
        survey.bytes += file.bytes
        text, file = file.text, replace(file, text="")
        if file.fault:
            self.counts["faults"][file.fault] += 1
            survey.faulty[file.fault] = [*survey.faulty.get(file.fault, []), file.name][:NAMED]
            return
        words = text.split()
        survey.texts += 1
        survey.characters += len(text)
        survey.words += len(words)
        self.lengths.append(len(words))
        self.counts["languages"][language_of(text)] += 1
        self._take_licence(text, survey)
        self.same[file.sha256].append(file)
        if len(self.same[file.sha256]) == 1:
            self._sketch(file, text, words)

    def _take_licence(self, text: str, survey: Survey) -> None:
        said = licence_lines(text)
        self.counts["spdx"].update(said.spdx)
        self.counts["phrases"].update(said.phrases)
        survey.copyright += said.copyright
        survey.silent += not (said.spdx or said.phrases or said.copyright)

    def _sketch(self, file: File, text: str, words: list[str]) -> None:
        pieces = list(text[:READ]) if len(text) > SIGNS * len(words) else text[:READ].split()
        if len(pieces) >= SHORTEST:
            self.sketched.append(file)
            self.signatures.append(self.minhash.signature(hashed_runs(pieces, WORDS)))


def survey_folder(folder: Path) -> Survey:
    """Read every file of a folder once, and say what there is.

    Raises:
        ValueError: there is no such folder, or no file in it.
    """
    survey, tally = Survey(shown(str(folder))), _Tally()
    for file in files_of(folder):
        tally.take(file, survey)
    if not survey.files:
        raise ValueError(f"{survey.folder} holds no files; a survey takes a folder of text")
    if tally.lengths:
        survey.lengths = {name: int(np.quantile(tally.lengths, at)) for name, at in QUANTILES.items()}
    for name, counts in tally.counts.items():
        setattr(survey, name, dict(counts.most_common()))
    survey.exact = _copies(group for group in tally.same.values() if len(group) > 1)
    survey.near = _copies(_near_groups(tally.sketched, tally.signatures))
    return survey


def _copies(groups: Iterable[list[File]]) -> Copies:
    """Copies as they are told, the largest groups first."""
    ordered = sorted(groups, key=lambda group: (-len(group), group[0].name))
    extra = [file for group in ordered for file in group[1:]]
    named = [Group(len(group), [file.name for file in group[:NAMED]]) for group in ordered[:NAMED]]
    return Copies(len(ordered), len(extra), sum(file.bytes for file in extra), named)


def _near_groups(files: list[File], signatures: list[Hashes]) -> list[list[File]]:
    """Groups of files whose sketches agree by so much as near copies do."""
    if not files:
        return []
    signatures_NK, pairs = np.array(signatures), set()
    for bucket in buckets(band_keys(signatures_NK, SKETCH)):
        leaders: list[int] = []  # compared with the first of each kind alone: a large bucket stays cheap
        for place in bucket:
            alike = [one for one in leaders if (signatures_NK[one] == signatures_NK[place]).mean() >= NEAR]
            if alike:
                pairs.add((alike[0], place))
            else:
                leaders.append(place)
    return [[files[place] for place in group] for group in grouped(pairs, len(files))]
