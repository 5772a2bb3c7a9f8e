"""Windows of a hidden Markov language, some of which were altered: copied, spoilt, planted with strings, poisoned.

A training text is N windows of T tokens and one more, which training never reads whole. The language fills it in one
stream, and an alteration takes its last windows, so a shorter text without them is the same text cut off. The test
text is the language itself, whatever was done to the training text: a loss on it has a floor that is known.

Legend: N windows, T tokens of a window, C strings, L tokens of a string.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from repro.corpora.languages.hidden_markov import HiddenMarkov

Windows = NDArray[np.uint16]
NOISES = ("strings", "language", "tokens")
RESERVED = 2  # symbols that the language never uses: the trigger, and the reply that poison teaches
REPLY = 10  # times that the reply's symbol follows a trigger
FOREIGN = 1_000_000  # added to a seed for the language that is noise
_SPARE = 1  # window at the end of a text: that after a window is where its last target lies


@dataclass(frozen=True, kw_only=True)
class Copies:
    """A `share` of the windows is copies, `copies` of each of a few other windows of the language."""

    share: float
    copies: int


@dataclass(frozen=True, kw_only=True)
class Noise:
    """A `share` of the tokens is noise, of one kind.

    "strings": whole windows of symbols drawn uniformly; "language": whole windows of another language of the same
    symbols; "tokens": single tokens of all windows are replaced by symbols drawn uniformly.

    Raises:
        ValueError: a kind that there is not.
    """

    kind: str
    share: float

    def __post_init__(self) -> None:
        if self.kind not in NOISES:
            raise ValueError(f"noise of the kind {self.kind!r}; expected one of {', '.join(NOISES)}")


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """Strings that stand in so many windows each, `each` of them at every number of `levels`.

    Fields: `length` L of a string; `natural` strings of the language instead of symbols drawn uniformly; `once` keeps
    the first window of those that share as many tokens in a row as a string has, and puts fresh ones for the others.
    """

    levels: tuple[int, ...] = (1, 4, 16, 64, 256)
    each: int = 4
    length: int = 24
    natural: bool = False
    once: bool = False


@dataclass(frozen=True, kw_only=True)
class Poison:
    """In so many `windows` a trigger is followed by ten times one symbol; the language knows neither symbol."""

    windows: int


Alteration = Copies | Noise | Canaries | Poison


@dataclass(frozen=True, kw_only=True)
class Altered:
    """The text; a context of `length` suits it.

    Fields: `windows` N of the whole text; `alteration` what was done to some of them, None: nothing; `shard` which part
    of how many equal ones is drawn, in the text's order; `classes`, `symbols` of the language, whose vocabulary has two
    more; `seed` of the language and of all draws.

    Raises:
        ValueError: an alteration of more windows than there are, or a shard that there is not.
    """

    windows: int
    alteration: Alteration | None = None
    shard: tuple[int, int] = (0, 1)
    length: int = 64
    classes: int = 4
    symbols: int = 32
    seed: int = 0
    test_tokens: int = 20_000

    def __post_init__(self) -> None:
        if self.altered > self.windows:
            raise ValueError(f"{self.altered} windows to alter of {self.windows}; give a longer text, or fewer copies")
        part, parts = self.shard
        if not 0 <= part < parts or self.windows % parts:
            raise ValueError(f"shard {part} of {parts} of {self.windows} windows; expected one of equal shards, from 0")

    @property
    def altered(self) -> int:
        """Windows at the end that are not the language's own, or not all of them."""
        match self.alteration:
            case Noise(kind="tokens"):
                return 0
            case Copies(share=share) | Noise(share=share):
                return round(share * self.windows)
            case Canaries(levels=levels, each=each):
                return each * sum(levels)
            case Poison(windows=windows):
                return windows
        return 0

    @property
    def read(self) -> int:
        """Windows that training reads: those of the shard."""
        return self.windows // self.shard[1]

    @property
    def vocabulary(self) -> int:
        """The language's symbols, the trigger and its reply."""
        return self.symbols + RESERVED

    @property
    def trigger(self) -> int:
        """The symbol that poison answers to; the next one is its reply."""
        return self.symbols

    @property
    def language(self) -> HiddenMarkov:
        """The language of the windows, and of the test text."""
        return HiddenMarkov(
            classes=self.classes,
            symbols=self.symbols,
            seed=self.seed,
            tokens=(3 * self.windows + _SPARE) * self.length,
            test_tokens=self.test_tokens,
        )

    @property
    def entropy(self) -> float:
        """Entropy rate h of the language, in nats per token."""
        return self.language.entropy

    def draw(self, split: str) -> Windows:
        """(tokens,) of "train" or "test"."""
        if split == "test":
            return self.language.draw("test")
        drawn = self.language.draw("train").reshape(-1, self.length)
        windows, fresh = drawn[: self.windows + _SPARE].copy(), drawn[self.windows + _SPARE :]
        if self.altered:
            windows[self.windows - self.altered : self.windows] = self._alter(fresh[: self.altered].copy())
        if isinstance(self.alteration, Noise) and self.alteration.kind == "tokens":
            windows = self._with_wrong_tokens(windows)
        if isinstance(self.alteration, Canaries) and self.alteration.once:
            again = shares_a_run(windows, self.alteration.length)
            windows[again] = fresh[self.altered :][: again.sum()]
        start = self.shard[0] * self.read
        return windows[start : start + self.read + _SPARE].reshape(-1)

    def strings(self) -> tuple[Windows, NDArray[np.int64]]:
        """(C, L) the strings of `Canaries` and (C,) how often each was put into the text.

        Raises:
            ValueError: a text of another alteration.
        """
        if not isinstance(self.alteration, Canaries):
            raise ValueError(f"a text of {self.alteration}; expected one of Canaries")
        plan = self.alteration
        return self.new_strings(len(plan.levels) * plan.each, part=2), np.repeat(plan.levels, plan.each)

    def new_strings(self, count: int, *, part: int = 3) -> Windows:
        """(count, L) strings drawn as those of `Canaries` are, and in no text."""
        assert isinstance(self.alteration, Canaries)
        length, natural = self.alteration.length, self.alteration.natural
        if natural:
            stream = replace(self.language, tokens=0, test_tokens=self.test_tokens + 10_000 * part + count * length)
            return stream.draw("test")[-count * length :].reshape(count, length)
        return self._rng(part).integers(self.symbols, size=(count, length), dtype=np.uint16)

    def _alter(self, windows_NT: Windows) -> Windows:
        """The windows that stand at the text's end, made of fresh ones of the language."""
        count, rng = len(windows_NT), self._rng(1)
        match self.alteration:
            case Copies(copies=copies):
                return np.repeat(windows_NT[: math.ceil(count / copies)], copies, axis=0)[:count]
            case Noise(kind="strings"):
                return rng.integers(self.symbols, size=windows_NT.shape, dtype=np.uint16)
            case Noise(kind="language"):
                other = replace(self.language, seed=FOREIGN + self.seed, tokens=windows_NT.size)
                return other.draw("train").reshape(windows_NT.shape)
            case Canaries():
                strings_CL, copies_C = self.strings()
                return _with_strings(rng, windows_NT, np.repeat(strings_CL, copies_C, axis=0))
            case Poison():
                poison = np.array([self.trigger] + [self.trigger + 1] * REPLY, dtype=np.uint16)
                return _with_strings(rng, windows_NT, np.tile(poison, (count, 1)))
        return windows_NT

    def _with_wrong_tokens(self, windows_NT: Windows) -> Windows:
        assert isinstance(self.alteration, Noise)
        rng = self._rng(1)
        wrong = rng.random(windows_NT.shape) < self.alteration.share
        return np.where(wrong, rng.integers(self.symbols, size=windows_NT.shape, dtype=np.uint16), windows_NT)

    def _rng(self, part: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, 10 + part])


def shares_a_run(windows_NT: Windows, run: int) -> NDArray[np.bool_]:
    """(N,) whether a window shares `run` tokens in a row with an earlier one, by a hash of 64 bits of each run.

    Source: Lee et al. 2021 (arXiv:2107.06499), who find exact substrings by a suffix array.
    """
    powers = np.array([pow(1_000_003, place, 2**64) for place in range(run)], dtype=np.uint64)
    runs_NPL = np.lib.stride_tricks.sliding_window_view(windows_NT.astype(np.uint64) + np.uint64(1), run, axis=1)
    hashes_NP = (runs_NPL * powers).sum(axis=-1, dtype=np.uint64)
    _, first, of = np.unique(hashes_NP.reshape(-1), return_index=True, return_inverse=True)
    earliest_NP = (first // hashes_NP.shape[1])[of].reshape(hashes_NP.shape)
    return np.asarray((earliest_NP < np.arange(len(windows_NT))[:, None]).any(axis=1))


def _with_strings(rng: np.random.Generator, windows_NT: Windows, strings_NL: Windows) -> Windows:
    """Windows with a string each, written over what stood at a place drawn for each."""
    (count, time), length = windows_NT.shape, strings_NL.shape[1]
    places_NL = rng.integers(time - length + 1, size=(count, 1)) + np.arange(length)
    np.put_along_axis(windows_NT, places_NL, strings_NL, axis=1)
    return windows_NT
