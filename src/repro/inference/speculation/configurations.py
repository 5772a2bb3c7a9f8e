"""What trials of speculation are of: strings counted, pairs sampled, passes and answers timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from repro.corpora.texts.text import Text
from repro.floor.identity import added
from repro.inference.decoding.configurations import GREEDY, Drawing, Prompts
from repro.inference.speculation.given import LIBRARY, GivenPair, GivenPrompts, able_to_assist
from repro.models.decoder import Decoder
from repro.training.configurations import Pretraining

EXACT = ("rejection", "own sample")
BROKEN = ("no residual", "arg-max draft", "one random number", "agrees with arg-max")
PLAIN, ASSISTED = "plain", "transformers"
MODEL, SELF, NGRAMS, LOOKUP = "model", "first layer", "5-grams", "prompt lookup"
LAYOUTS = {
    "packed": {"packed": True, "columns": False},
    "columns": {"packed": False, "columns": True},
    "rows": {"packed": False, "columns": False},
}
DRAFTS = (MODEL, SELF, NGRAMS, LOOKUP)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two training runs over one vocabulary.

    Raises:
        ValueError: two vocabularies.
    """

    target: Pretraining
    draft: Pretraining

    def __post_init__(self) -> None:
        ours, theirs = self.target.model.vocabulary, self.draft.model.vocabulary
        if ours != theirs:
            raise ValueError(f"a target of {ours} tokens and a draft of {theirs}; they need one vocabulary")


@dataclass(frozen=True, kw_only=True)
class Untrained:
    """Two decoders over one vocabulary with their first weights, which are enough to take times."""

    target: Decoder
    draft: Decoder


@dataclass(frozen=True, kw_only=True)
class Enumeration:
    """Target and draft with random laws that depend on the last two tokens.

    Fields: `rule` one of `EXACT` or `BROKEN`; `vocabulary` tokens; `length` of the strings; `drafted` tokens at a time.
    """

    rule: str
    vocabulary: int = 3
    length: int = 3
    drafted: int = 2
    drawing: Drawing = field(default_factory=Drawing)


@dataclass(frozen=True, kw_only=True)
class OnePass:
    """A decoder with its first weights, in double precision, that reads `tokens` tokens behind `held` others."""

    model: Decoder
    tokens: int = 9
    held: int = 16


@dataclass(frozen=True, kw_only=True)
class WrittenPairs:
    """Pairs of tokens written after each prompt.

    Fields: `by` a rule of verification, `PLAIN` decoding of the target, or `ASSISTED` generation of transformers;
    `samples` pairs per prompt; `batch` answers written together (assisted: one).
    """

    pair: Pair
    prompts: Prompts
    by: str
    samples: int
    drafted: int = 3
    batch: int = 500
    drawing: Drawing = field(default_factory=Drawing)
    device: str = added("cpu")


@dataclass(frozen=True, kw_only=True)
class GreedyAnswers:
    """Answers of `length` tokens, each the likeliest, `by` the rejection rule or `ASSISTED` generation."""

    pair: Pair
    prompts: Prompts
    length: int
    by: str = "rejection"
    drafted: int = 4
    tolerance: float = 1e-4
    device: str = added("cpu")


@dataclass(frozen=True, kw_only=True)
class PassCosts:
    """Passes of the target over 1 to `longest` tokens, and of the draft over one, behind `held` tokens.

    Fields: `packed` weights where they can be, else as they come or by `columns`, see `lean.product_of`; `static`
    passes whose work does not depend on where their sequences stand, on a GPU replayed as CUDA graphs; `batch`
    sequences; `dtype` of both models; `device` where the times are taken.
    """

    pair: Pair | GivenPair | Untrained
    held: int
    longest: int = 9
    packed: bool = True
    batch: int = 1
    rounds: int = 21
    device: str = "cpu"
    columns: bool = added(False)
    static: bool = added(False)
    dtype: str = added("float32")

    def __post_init__(self) -> None:
        _refuse_unless_plain(self)


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """Answers of `length` tokens to prompts, without a draft and with one, by turns.

    Fields: `draft` one of `DRAFTS`; `drafted` tokens at a time; `batch` prompts decoded together; `part` (i, n) answers
    every n-th batch from the i-th on, so that n processes share the prompts; the rest as in `PassCosts`.

    Raises:
        ValueError: a draft that there is not or cannot be static, prompts that fill no whole batches, or no such part.
    """

    pair: Pair | GivenPair
    prompts: Prompts | GivenPrompts
    length: int
    drafted: int
    draft: str = MODEL
    drawing: Drawing = field(default_factory=Drawing)
    batch: int = 1
    packed: bool = True
    device: str = "cpu"
    columns: bool = added(False)
    static: bool = added(False)
    dtype: str = added("float32")
    part: tuple[int, int] = added((0, 1))

    def __post_init__(self) -> None:
        if self.draft not in DRAFTS:
            raise ValueError(f"draft is {self.draft!r}; expected one of {', '.join(DRAFTS)}")
        _refuse_unless_plain(self)
        if self.draft == SELF and by_library(self.pair):
            raise ValueError("a model that transformers runs has all of its layers; its first one alone is no draft")
        if self.draft == NGRAMS and isinstance(self.pair, GivenPair):
            raise ValueError("5-grams are counted on the text that the target was trained on, which is not known here")
        if self.static and self.draft in (NGRAMS, LOOKUP):
            raise ValueError(f"{self.draft} guess in Python, which no graph of a GPU replays; give static=False")
        if self.prompts.count % self.batch:
            raise ValueError(f"{self.prompts.count} prompts do not fill batches of {self.batch}")
        if not 0 <= self.part[0] < self.part[1] <= self.prompts.count // self.batch:
            batches = self.prompts.count // self.batch
            raise ValueError(f"part {self.part} of {batches} batches; expected (i, n), i below n, n at most {batches}")


@dataclass(frozen=True, kw_only=True)
class Generating:
    """Answers of `length` tokens by `generate` of transformers, alone and assisted, by turns.

    Fields: `drafted` tokens each time, 0 for what transformers does by default; `lookup` drafts from the prompt instead
    of by the pair's draft.
    """

    pair: Pair | GivenPair
    prompts: Prompts | GivenPrompts
    length: int
    drafted: int = 0
    lookup: bool = False
    drawing: Drawing = field(default_factory=Drawing)
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Quality:
    """A target beside its draft and 5-grams: `prompts`, `length`, `temperature` of the answers that show repetition."""

    pair: Pair
    prompts: Prompts
    length: int
    device: str = added("cpu")
    temperature: float = added(0.0)


def by_library(pair: Pair | GivenPair | Untrained) -> bool:
    """Whether transformers runs both models of a pair, since our decoder cannot represent one of them."""
    return isinstance(pair, GivenPair) and pair.by == LIBRARY


def _refuse_unless_plain(config: PassCosts | Decoding) -> None:
    """Refuse what only our decoder has, where it does not run."""
    asked, plain = (layout_of(config), config.static, config.batch), ("rows", False, 1)
    if by_library(config.pair) and asked != plain:
        raise ValueError(f"transformers runs this pair with (layout, static, batch) {plain}, and got {asked}")


def layout_of(config: PassCosts | Decoding) -> str:
    """The layout of the weights that a configuration asks for, as `lean` names it."""
    return next(name for name, one in LAYOUTS.items() if one.items() <= vars(config).items())


def pair_on(
    text: Text,
    *,
    target: Sequence[int],
    draft: Sequence[int],
    context: int,
    tokens: int,
    batch: int,
    rate: float,
    warmup: int,
) -> Pair:
    """Two decoders trained on equally many tokens of a text.

    Args:
        target: width, layers and heads; `draft` likewise.
        rate: the learning rate times width.
    """

    def run(width: int, layers: int, heads: int) -> Pretraining:
        shape = Decoder(vocabulary=text.vocabulary, width=width, layers=layers, heads=heads, context=context)
        return Pretraining(
            model=shape, text=text, readings=(tokens,), batch=batch, learning_rate=rate / width, warmup=warmup
        )

    return Pair(target=run(*target), draft=run(*draft))


def passes_by_layout(pair: GivenPair | Untrained, layouts: Sequence[str], **how: Any) -> list[PassCosts]:
    """Passes of one pair with its weights in each layout; `how` is what `PassCosts` takes besides."""
    return [PassCosts(pair=pair, **{**how, **LAYOUTS[layout]}) for layout in layouts]


def decoders(
    decoded: Callable[..., Decoding],
    layouts: Sequence[str],
    *,
    prompts: Prompts | GivenPrompts,
    few: Prompts | GivenPrompts,
    static: bool,
    kinds: Sequence[str] = DRAFTS,
) -> dict[str, Decoding]:
    """Every draft, sampled and greedy, with weights in the first layout; then the draft model with them in the others.

    Args:
        decoded: the configuration but for `draft`, `drawing`, `prompts`, the layout of the weights and `static`.
        few: the prompts of drafts that cannot be static and so are slow on a GPU.
        static: for the drafts that can be.
        kinds: of drafts.
    """
    ways = {"temperature 1": Drawing(), "greedy": GREEDY}
    drafts = {
        f"{kind}, {name}": decoded(
            draft=kind,
            drawing=way,
            prompts=prompts if kind in (MODEL, SELF) else few,
            static=static and kind in (MODEL, SELF),
            **LAYOUTS[layouts[0]],
        )
        for kind in kinds
        for name, way in ways.items()
    }
    others = {one: decoded(prompts=prompts, static=static, **LAYOUTS[one]) for one in layouts[1:]}
    return drafts | {f"{MODEL}, weights in {one}": other for one, other in others.items()}


def drafts_for(pair: Pair | GivenPair) -> tuple[str, ...]:
    """The drafts that a pair can have: 5-grams need the target's training text, its first layer alone our decoder."""
    lacking = [NGRAMS] * isinstance(pair, GivenPair) + [SELF] * by_library(pair)
    return tuple(kind for kind in DRAFTS if kind not in lacking)


def assisted_arms(
    pair: Pair | GivenPair, prompts: Prompts | GivenPrompts, length: int, device: str
) -> dict[str, Generating]:
    """What `generate` of transformers offers on the same weights; nothing where a model cannot take back tokens."""
    if isinstance(pair, GivenPair) and not able_to_assist(pair):
        return {}
    asked = partial(Generating, pair=pair, prompts=prompts, length=length, drawing=GREEDY, device=device)
    ways = {"model, defaults": asked(), "model": asked(drafted=4), "prompt lookup": asked(drafted=4, lookup=True)}
    return {f"transformers: {name}": way for name, way in ways.items()}
