"""Configurations of trials on vocabularies: text that is cut, and models that are trained on what comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from repro.corpora.languages.sums import Sums
from repro.corpora.parallel.files import corpora
from repro.corpora.texts.environment import Environment
from repro.floor.identity import added
from repro.models.counting import training_flops
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining, decayed, warmed_up
from repro.training.short import TESTED, short_run

FIRST_LEARNED = 257  # the number of the first token that is learned; before it stand the document's end and the bytes
WARM_UP = 10  # the rate rises over the first one in so many of the tokens
PLANTED = "planted"  # the source of made-up words
SWAPS = ("kept", "renumbered", "naive", "averaged rows", "random rows", "fresh")
UNTUNED = SWAPS[:3]


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """A text cut by a BPE that was trained on its first part, and pieces of that part in which entries are counted.

    Fields: `piece` bytes of each of the `pieces`, one after the other; an entry is seldom read below `seldom` times.
    """

    text: Environment
    piece: int = 1_000_000
    pieces: int = 6
    seldom: int = 100


@dataclass(frozen=True, kw_only=True)
class ParallelCutting:
    """The same sentences in several languages, cut by a BPE that was trained on others, as many of each language.

    Fields: `languages` of the source, the first the one that the others are compared with; `sha256` over their files;
    `kind` of BPE; `blocks` of neighbouring sentences, since neighbours come from one article; `source` FLORES-200 or
    made-up words, in "plain", "marked" with a mark after every letter, and "backwards".

    Raises:
        ValueError: one language alone, or a sha256 that is not that of the files.
    """

    languages: tuple[str, ...]
    sha256: str
    vocabulary: int
    kind: str = "bpe"
    blocks: int = 40
    source: str = added("flores-200")

    def __post_init__(self) -> None:
        if len(self.languages) < 2:
            raise ValueError(f"languages {self.languages}; expected at least two, to compare")
        if self.sha256 != files_sha256(self.languages, self.source):
            raise ValueError(f"sha256 {self.sha256[:12]}... is not that of these files in this version of the project")


def parallel_cutting(source: str, languages: list[str], vocabulary: int, kind: str) -> ParallelCutting:
    """Languages of FLORES-200, or planted ones, cut by a BPE of a kind."""
    named = tuple(languages)
    sha256 = files_sha256(named, source)
    return ParallelCutting(languages=named, sha256=sha256, vocabulary=vocabulary, kind=kind, source=source)


def files_sha256(languages: tuple[str, ...], source: str) -> str:
    """One sha256 over those of the files of some languages, as the manifest states them; none of planted words."""
    if source == PLANTED:
        return ""
    stated = corpora()[source].files
    paths = [f"{split}/{language}.{split}" for split in ("dev", "devtest") for language in languages]
    return sha256("".join(stated[path] for path in paths).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class VocabularyRun:
    """A decoder trained on a text in the tokens of one vocabulary, and the held-out text that judges it.

    Fields: `judged` characters from the middle of each held-out document; a word is rare that the training text holds
    at most `rare` times, common from `common` times on; an entry is seldom read below `seldom` times.

    Raises:
        ValueError: no text of documents, or an embedding that the softmax moves too.
    """

    run: Pretraining
    judged: int = 2_000
    rare: int = 10
    common: int = 1_000
    seldom: int = 100

    def __post_init__(self) -> None:
        if not isinstance(self.run.text, Environment):
            raise ValueError(
                f"a text of {self.run.text}; expected one of documents, which vocabularies cut differently"
            )
        if self.run.model.tied or self.run.weight_decay:
            raise ValueError("a tied or decaying embedding moves in rows that were never read; expected neither")

    @property
    def text(self) -> Environment:
        """The text."""
        assert isinstance(self.run.text, Environment)
        return self.run.text


def at_equal_compute(
    text: Environment, *, width: int, layers: int, context: int, lines: int, flops: float, rate: float
) -> VocabularyRun:
    """A run of `flops` operations, the output matrix counted, `lines` windows per step, at a peak rate of rate / width.

    A larger vocabulary pays for its output matrix with steps.
    """
    model = Decoder(
        vocabulary=text.vocabulary, width=width, layers=layers, heads=width // 16, context=context, tied=False
    )
    batch = lines * context
    tokens = batch * max(1, round(flops / training_flops(model, batch, context)))
    run = Pretraining(
        model=model,
        text=text,
        readings=(tokens,),
        batch=batch,
        learning_rate=rate / width,
        warmup=tokens // WARM_UP,
        weight_decay=0.0,
        test_tokens=8 * batch,
    )
    return VocabularyRun(run=run)


@dataclass(frozen=True, kw_only=True)
class Adding:
    """A training run on sums, and how many unseen ones its model answers.

    Raises:
        ValueError: the text holds no sums, or the context is not one line.
    """

    run: Pretraining
    items: int = 1_000

    def __post_init__(self) -> None:
        text = self.run.text
        if not isinstance(text, Sums) or self.run.model.context != text.length:
            raise ValueError(f"a context of {self.run.model.context} over {text}; expected sums, one line a window")

    @property
    def sums(self) -> Sums:
        """The text."""
        assert isinstance(self.run.text, Sums)
        return self.run.text


def adding(
    digits: int, chunk: int, cut: str, base: int, *, width: int, layers: int, steps: int, lines: int, rate: float
) -> Adding:
    """A `short_run` on sums, `lines` of them per step, all freshly drawn: as many for every way of cutting."""
    text = Sums(digits=digits, chunk=chunk, cut=cut, base=base)
    length = text.length
    text = replace(text, tokens=(steps * lines + 1) * length, test_tokens=(TESTED * lines + 1) * length)
    return Adding(run=short_run(text, length, width=width, layers=layers, steps=steps, lines=lines, rate=rate))


@dataclass(frozen=True, kw_only=True)
class Swap:
    """A trained decoder that is given another tokeniser of as many entries, and what is trained after that.

    Fields: `start` the first training, on a BPE's tokens; `way` kept: nothing is changed; renumbered: the entries get
    other numbers, and the rows with them; naive: text is cut by the other tokeniser and the rows stay; averaged rows:
    an entry's rows become the mean of those of the pieces that the first tokeniser cuts it into; random rows: they are
    drawn anew; fresh: every weight is. `share` of the first training's steps that follow, 0 for none; `rate` their peak
    over the first one's; `learned` bytes of the training text that the other tokeniser, a unigram, is trained on;
    `read` bytes that are trained on; `judged` characters from the middle of each held-out document.

    Raises:
        ValueError: no such way, training after one that allows none, or a text without documents.
    """

    start: Pretraining
    way: str
    share: float = 0.0
    rate: float = 1.0
    learned: int = 2_000_000
    read: int = 3_000_000
    judged: int = 500

    def __post_init__(self) -> None:
        if self.way not in SWAPS:
            raise ValueError(f"way is {self.way!r}; expected one of {', '.join(SWAPS)}")
        if self.share < 0 or (self.share and self.way in UNTUNED):
            raise ValueError(f"a share of {self.share} after {self.way!r}; expected 0 there, and elsewhere 0 or more")
        if not isinstance(self.start.text, Environment):
            raise ValueError(f"a text of {self.start.text}; expected one of documents, which can be cut otherwise")

    @property
    def text(self) -> Environment:
        """The text."""
        assert isinstance(self.start.text, Environment)
        return self.start.text

    @property
    def steps(self) -> int:
        """Steps after the swap."""
        return round(self.share * self.start.steps(self.start.readings[-1]))

    def rate_at(self, step: int) -> float:
        """The learning rate of step number `step`, counted from 0: up over a tenth of them, then down to nothing."""
        batch, peak = self.start.batch, self.rate * self.start.learning_rate
        done, tokens = (step + 1) * batch, self.steps * batch
        rising = warmed_up(done, peak=peak, warmup=tokens // WARM_UP)
        return min(rising, decayed(done, peak=peak, start=tokens // WARM_UP, end=tokens + batch))
