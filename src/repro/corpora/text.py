"""Text as training reads it: tokens by what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from repro.corpora.environment import Environment, documents, environment, text_of
from repro.corpora.hidden_markov import HiddenMarkov
from repro.corpora.hub import Hub, documents_of
from repro.corpora.manifest import manifest
from repro.corpora.packed import dtype_for, opened_or_made, write_tokens
from repro.corpora.skills import Skills
from repro.floor import places
from repro.floor.identity import key

Text = Environment | Hub | HiddenMarkov | Skills
_RECIPE = 1  # raise when the same text would now give other tokens


@dataclass(frozen=True)
class Tokens:
    """A text in tokens.

    Fields: `train` and `test` (tokens,) uint16 or uint32, mapped into memory, read-only; `vocabulary` their number of
    values; `bytes_per_token` of the test split, None for a synthetic language; `entropy` nats a token that no model can
    undercut, exact, None where unknown; `sha256` over both splits.
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
    """
    folder = places.cache() / "tokens" / key("tokens", _RECIPE, text, 0)
    pack = opened_or_made(folder, lambda place: _make(text, place))
    return Tokens(pack.train, pack.test, text.vocabulary, sha256=pack.sha256, **pack.about)


def _make(text: Text, place: Path) -> dict[str, Any]:
    if isinstance(text, HiddenMarkov | Skills):
        for split in ("train", "test"):
            write_tokens(place / f"{split}.bin", [text.draw(split)])
        return {"dtype": "<u2", "bytes_per_token": None, "entropy": text.entropy}
    if isinstance(text, Hub):
        return _tokenise(documents_of(text), text.vocabulary, place)
    wanted = manifest(text.manifest)
    whole = text_of(wanted)
    split = {"train": whole[: wanted.train_bytes], "test": whole[wanted.train_bytes :]}
    return _tokenise({name: documents(part) for name, part in split.items()}, text.vocabulary, place)


def _tokenise(by_split: dict[str, Sequence[str]], vocabulary: int, place: Path) -> dict[str, Any]:
    from repro.corpora.tokenisers import encode, tokeniser

    made = tokeniser(by_split["train"], vocabulary)
    count = {split: write_tokens(place / f"{split}.bin", encode(made, by_split[split])) for split in by_split}
    size = sum(len(document.encode()) for document in by_split["test"])
    return {"dtype": dtype_for(vocabulary), "bytes_per_token": size / count["test"], "entropy": None}
