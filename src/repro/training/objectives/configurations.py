"""Objectives as configurations, and the numbers of the tokens that stand for no word."""

from __future__ import annotations

from dataclasses import dataclass

from repro.corpora.languages.hidden_markov import HiddenMarkov
from repro.corpora.languages.markov.ambiguous import Ambiguous
from repro.models.decoder import Decoder

SEEN = ("ours", "Llama", "BERT")
KINDS = ("causal", "masked", "any rate", "spans", "whole")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What a model is trained to predict of a line.

    Fields: `kind` causal (each word from those before it), masked (`rate` of the words from both sides), any rate (the
    same, a number of words drawn evenly from one to all), spans (a target of sentinels and hidden spans of `span` words
    in the mean, after a line that lacks them) or whole (the same line, and all of it as target); of the words that are
    masked, the share `as_mask` is replaced by the mask and the share `as_random` by a word drawn evenly.

    Raises:
        ValueError: a kind that there is not, or shares that do not fit.
    """

    kind: str
    rate: float = 0.15
    as_mask: float = 0.8
    as_random: float = 0.1
    span: int = 3

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"an objective of kind {self.kind!r}; expected one of {', '.join(KINDS)}")
        if not 0 < self.rate < 1 or not 0 <= self.as_mask <= self.as_mask + self.as_random <= 1 or self.span < 1:
            raise ValueError(
                f"{self}; expected a rate between 0 and 1, shares that sum to at most 1, and spans of 1 or more"
            )

    @property
    def written(self) -> bool:
        """Whether the model writes from left to right after what it is given."""
        return self.kind in ("causal", "spans", "whole")


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The vocabulary: `words` words, the start of a line, the mask, then `sentinels` sentinels."""

    words: int
    sentinels: int = 3

    @property
    def start(self) -> int:
        """The token before the first word."""
        return self.words

    @property
    def mask(self) -> int:
        """The token in the place of a hidden word."""
        return self.words + 1

    @property
    def first_sentinel(self) -> int:
        """The sentinel of the first span; the others follow."""
        return self.words + 2

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return self.words + 2 + self.sentinels


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """A decoder trained on fresh lines of an ambiguous language; the trial's seed is the language's too.

    Fields: `rate` the peak learning rate times the width; `lines` per step; `language` at whatever seed. The model has
    a head for each 16 of its width.
    """

    objective: Objective
    rate: float
    language: Ambiguous
    width: int = 32
    layers: int = 2
    steps: int = 800
    lines: int = 32

    @property
    def marks(self) -> Marks:
        """The vocabulary, with a sentinel for each span and one for the end."""
        hidden = max(1, round(self.language.length * self.objective.rate))
        return Marks(words=self.language.words, sentinels=1 + max(1, round(hidden / self.objective.span)))

    @property
    def model(self) -> Decoder:
        """Its shape; the context holds a line, its rest and its target."""
        return Decoder(
            vocabulary=self.marks.vocabulary,
            width=self.width,
            layers=self.layers,
            heads=max(1, self.width // 16),
            context=3 + 2 * self.language.length,
        )


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A model of random weights whose logits are differentiated by what it reads.

    Fields: `of` ours, or a tiny Llama or BERT of `transformers`; `tokens` that are read; of ours alone `prefix` (the
    first tokens that all see) and `positions`.

    Raises:
        ValueError: a model that there is not, or a choice that is of ours alone.
    """

    of: str = "ours"
    tokens: int = 8
    prefix: int = 0
    positions: str = "rope"

    def __post_init__(self) -> None:
        if self.of not in SEEN or (self.of != "ours" and (self.prefix, self.positions) != (0, "rope")):
            raise ValueError(f"{self}; expected of {', '.join(SEEN)}, the last two without prefix or positions")

    @property
    def shape(self) -> Decoder:
        """The decoder, where it is ours."""
        return Decoder(vocabulary=16, width=16, layers=2, heads=2, context=self.tokens, positions=self.positions)


@dataclass(frozen=True, kw_only=True)
class Losses:
    """A decoder of random weights in double precision, whose losses are compared and then raised or lowered."""

    shape: Decoder


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Logits of `words` words, the least `gap` below the greatest, turned into probabilities in a `precision`."""

    precision: str
    words: int = 128_000
    gap: float = 40.0


@dataclass(frozen=True, kw_only=True)
class Coded:
    """The first `tokens` of a hidden Markov language's test text, coded by n-grams of an `order` of its other text."""

    order: int
    language: HiddenMarkov
    tokens: int = 8_000


@dataclass(frozen=True, kw_only=True)
class Spanned:
    """Lines of `length` random words, `lines` of them, whose spans are taken apart."""

    objective: Objective
    length: int = 512
    lines: int = 10_000


@dataclass(frozen=True, kw_only=True)
class Collated:
    """Tokens masked by `DataCollatorForLanguageModeling` of `transformers` (library) or by ours."""

    library: bool
    tokens: int = 1_000_000
    words: int = 1_000
