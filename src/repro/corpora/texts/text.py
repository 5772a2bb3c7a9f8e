"""Texts as training reads them: in tokens, made from what a configuration says and kept in the cache."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from repro.corpora.languages.commands import Commands
from repro.corpora.languages.dictionaries import Dictionaries
from repro.corpora.languages.hidden_markov import HiddenMarkov
from repro.corpora.languages.markov.altered import Altered
from repro.corpora.languages.markov.dialects import Dialects
from repro.corpora.languages.problems import Problems
from repro.corpora.languages.products import Products
from repro.corpora.languages.refusals import Refusals
from repro.corpora.languages.skills import Skills
from repro.corpora.languages.sums import Sums
from repro.corpora.texts.environment import Environment, documents, environment, text_of
from repro.corpora.texts.hub import Hub, stream
from repro.corpora.texts.manifest import manifest
from repro.corpora.texts.packages import Packages
from repro.corpora.texts.packed import dtype_for, open_or_make, packed_sha256, write_tokens
from repro.corpora.texts.tokenisers import encode, sample_of, tokeniser
from repro.floor import places
from repro.floor.identity import key

__all__ = [
    "Altered",
    "Commands",
    "Dialects",
    "Dictionaries",
    "Environment",
    "HiddenMarkov",
    "Hub",
    "Packages",
    "Problems",
    "Products",
    "Refusals",
    "Skills",
    "Sums",
    "Text",
    "Tokens",
    "TokensDiffer",
    "splits_of",
    "tokens_of",
]
Text = (
    Altered
    | Commands
    | Dialects
    | Dictionaries
    | Environment
    | Hub
    | HiddenMarkov
    | Packages
    | Problems
    | Products
    | Refusals
    | Skills
    | Sums
)
_RECIPE = 1  # raise when the same text would now give other tokens


class TokensDiffer(RuntimeError):
    """The tokens of a text are not those that its manifest states."""


@dataclass(frozen=True)
class Tokens:
    """A text in tokens.

    Fields: `train` and `test` (tokens,) uint16 or uint32, mapped into memory, read-only; `vocabulary` the number of
    their values; `bytes_per_token` of the test split, None for a synthetic language; `entropy` nats per token that no
    model can undercut on average, exact, None where unknown; `sha256` over both splits.
    """

    train: np.ndarray
    test: np.ndarray
    vocabulary: int
    bytes_per_token: float | None
    entropy: float | None
    sha256: str


def named_text(name: str, *, vocabulary: int, tokens: int) -> Text:
    """The text that a notebook's knob names.

    Args:
        name: an environment text (`repro data list` names them), "hidden-markov", "skills", or
            "hub:<data set>@<revision>".
        vocabulary: tokens of its tokeniser, or symbols of the synthetic language.
        tokens: training tokens to draw of a synthetic language; other texts hold what they hold.

    Raises:
        ValueError: there is no such text.
    """
    if name == "hidden-markov":
        return HiddenMarkov(symbols=vocabulary, tokens=tokens)
    if name == "skills":
        return Skills(vocabulary=vocabulary, tokens=tokens)
    if name.startswith("hub:") and "@" in name:
        place, revision = name.removeprefix("hub:").rsplit("@", 1)
        return Hub(name=place, revision=revision, vocabulary=vocabulary)
    return environment(name, vocabulary)


@cache
def tokens_of(text: Text) -> Tokens:
    """The tokens of a text: from the cache when every byte is as it was written, else made again.

    Raises:
        EnvironmentDiffers: the packages here are not the manifest's and the packed text is not at hand.
        TokensDiffer: this version of `tokenizers` cuts the text otherwise than the manifest states.
        ModuleNotFoundError: the text is cut into tokens here and the extra `training` is not installed.
    """
    pack = open_or_make(tokens_folder(text), lambda place: _make(text, place))
    return Tokens(pack.train, pack.test, text.vocabulary, sha256=pack.sha256, **pack.about)


def tokens_folder(text: Text) -> Path:
    """The cache's folder for the tokens of a text."""
    return places.cache() / "tokens" / key("tokens", _RECIPE, text, 0)


def _make(text: Text, place: Path) -> dict[str, Any]:
    if isinstance(text, Environment):
        return _make_environment(text, place)
    if isinstance(text, Hub):
        return _make_hub(text, place)
    for split in ("train", "test"):
        write_tokens(place / f"{split}.bin", [text.draw(split)])
    per_token = 1.0 if isinstance(text, Packages) else None
    return {"dtype": "<u2", "bytes_per_token": per_token, "entropy": text.entropy}


def splits_of(text: Environment) -> tuple[list[str], list[str]]:
    """The documents of an environment text, those of training and those of the test.

    Raises:
        EnvironmentDiffers: the packages here are not the manifest's and no unpacked text is at hand.
        ValueError: this version of the project has another text of that name.
    """
    wanted = manifest(text.manifest)
    if text.sha256 != wanted.sha256:
        raise ValueError(
            f"the text {text.manifest!r} has sha256 {wanted.sha256} in this version of the project, and {text.sha256} "
            "is asked for, as in an older version; its tokens cannot be made here"
        )
    whole = text_of(wanted)
    return documents(whole[: wanted.train_bytes]), documents(whole[wanted.train_bytes :])


def _make_environment(text: Environment, place: Path) -> dict[str, Any]:
    about = _tokenise(*splits_of(text), text.vocabulary, place)
    stated, packed = manifest(text.manifest).tokens.get(text.vocabulary), packed_sha256(place)
    if stated is not None and stated.sha256 != packed:
        raise TokensDiffer(
            f"{text.manifest!r} at a vocabulary of {text.vocabulary} gives tokens of sha256 {packed[:12]}..., and the "
            f"manifest states {stated.sha256[:12]}...: another version of tokenizers. Install that of constraints.txt"
        )
    return about


def _make_hub(text: Hub, place: Path) -> dict[str, Any]:
    rows = stream(text)
    test = list(itertools.islice(rows, text.test_documents))
    return _tokenise(rows, test, text.vocabulary, place, text.tokens)


def _tokenise(
    train: Iterable[str], test: Sequence[str], vocabulary: int, place: Path, most: int | None = None
) -> dict[str, Any]:
    """Write both splits in tokens, of the training split at most so many; returns the pack's `about`."""
    train = iter(train)
    sample = sample_of(train)
    bpe = tokeniser(sample, vocabulary)
    write_tokens(place / "train.bin", _first(encode(bpe, itertools.chain(sample, train)), most))
    count = write_tokens(place / "test.bin", encode(bpe, test))
    size = sum(len(document.encode()) for document in test)
    return {"dtype": dtype_for(vocabulary), "bytes_per_token": size / count, "entropy": None}


def _first(parts: Iterator[np.ndarray], most: int | None) -> Iterator[np.ndarray]:
    """The parts until so many tokens are reached; all when `most` is None."""
    left = most
    for part in parts:
        yield part[:left]
        if left is not None:
            left -= len(part)
            if left <= 0:
                return
