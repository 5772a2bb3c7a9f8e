"""What speculative decoding costs and saves: passes, acceptance, and time for equal tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from repro.floor.identity import added
from repro.floor.measurement import Numbers, measurement
from repro.inference.drawing import GREEDY, Drawing
from repro.inference.given import GivenPair, GivenPrompts
from repro.inference.pair import Pair, Prompts
from repro.sizing.speculation import expected_tokens

MODEL, SELF, NGRAMS, LOOKUP = "model", "first layer", "5-grams", "prompt lookup"
LAYOUTS = {
    "packed": {"packed": True, "columns": False},
    "columns": {"packed": False, "columns": True},
    "rows": {"packed": False, "columns": False},
}
DRAFTS = (MODEL, SELF, NGRAMS, LOOKUP)
JUDGED = ["target", "draft", "ngrams", "repeated"]
BETTER_THAN_DRAFT, BETTER_THAN_NGRAMS, REPEATED = 0.3, 0.5, 0.3


@dataclass(frozen=True)
class PassCosts:
    """Passes of the target over 1 to `longest` tokens, and of the draft over one, behind `held` tokens.

    Fields: `packed` weights where they can be, else as they come or by `columns`, see `lean.product_of`; `static`
    passes whose work does not depend on where their sequences stand, on a GPU replayed as CUDA graphs; `batch`
    sequences; `dtype` of both models; `device` where the times are taken.
    """

    pair: Pair | GivenPair
    held: int
    longest: int = 9
    packed: bool = True
    batch: int = 1
    rounds: int = 21
    device: str = "cpu"
    columns: bool = added(False)
    static: bool = added(False)
    dtype: str = added("float32")


@measurement(version=2, alone=True)
def time_passes(config: PassCosts, seed: int) -> Numbers:
    """Milliseconds of each, the median over rounds in which all take turns; see `turns.take_turns`.

    `passes` over 1, 2, ... tokens, logits alone, and `verification` each over that of one; `eight_over_one` round by
    round. With the choice of tokens at temperature 1: `settled` over 1, 2, ... tokens, of which one is a plain step and
    more verify a draft, and `draft` a draft's step; `verified` and `cost` are these over a plain step. One thread.

    Raises:
        ValueError: a device that is not here.
    """
    from repro.inference.timed_passes import passes_timed  # not above: spelling a configuration needs no torch

    return passes_timed(config, seed)


@dataclass(frozen=True)
class Decoding:
    """Answers of `length` tokens to prompts, without a draft and with one, by turns.

    Fields: `draft` one of `DRAFTS`; `drafted` tokens at a time; `batch` prompts decoded together; the rest as in
    `PassCosts`.

    Raises:
        ValueError: a draft that there is not or cannot be static, or prompts that do not fill whole batches.
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

    def __post_init__(self) -> None:
        if self.draft not in DRAFTS:
            raise ValueError(f"draft is {self.draft!r}; expected one of {', '.join(DRAFTS)}")
        if self.draft == NGRAMS and isinstance(self.pair, GivenPair):
            raise ValueError("5-grams are counted on the text that the target was trained on, which is not known here")
        if self.static and self.draft in (NGRAMS, LOOKUP):
            raise ValueError(f"{self.draft} guess in Python, which no graph of a GPU replays; give static=False")
        if self.prompts.count % self.batch:
            raise ValueError(f"{self.prompts.count} prompts do not fill batches of {self.batch}")


@measurement(version=2, alone=True)
def time_decoding(config: Decoding, seed: int) -> Numbers:
    """Seconds of each batch of answers, the reading of the prompts left out: `plain` and `speculative`.

    Lists run over the batches: of the first answer of each, `tested` drafted tokens and those `accepted`, `rounds` that
    drafted as many as wanted and `tokens` they wrote; `overlap` the mean sum of min(p, q) over the places of the plain
    answers, empty where the draft is no model or the drawing greedy. `accepting` counts the rounds of all batches that
    accepted 0, 1, ... tokens. One thread.
    """
    from repro.inference.timed_speculation import decoding_timed

    return decoding_timed(config, seed)


@dataclass(frozen=True)
class Generating:
    """Answers of `length` tokens by `generate` of transformers, alone and assisted, by turns.

    Fields: `drafted` tokens at a time, each time; 0: as transformers has it by default; `lookup` in the prompt instead
    of the pair's draft.
    """

    pair: Pair | GivenPair
    prompts: Prompts | GivenPrompts
    length: int
    drafted: int = 0
    lookup: bool = False
    drawing: Drawing = field(default_factory=Drawing)
    device: str = "cpu"


@measurement(version=2, alone=True)
def time_generate(config: Generating, seed: int) -> Numbers:
    """Seconds of each answer, the reading of the prompt included: `plain` and `speculative`; `identical` answers."""
    from repro.inference.timed_generate import generate_timed

    return generate_timed(config, seed)


@dataclass(frozen=True)
class Quality:
    """A target beside its draft and 5-grams: `prompts` and `length` of the greedy answers that show repetition."""

    pair: Pair
    prompts: Prompts
    length: int
    device: str = added("cpu")


@measurement(version=1)
def judge_target(config: Quality, seed: int) -> Numbers:
    """Test losses of `target`, `draft` and `ngrams`, nats a token, and the mean share of `repeated` 4-grams.

    The 5-grams are counted on as many tokens of the text as the target was trained on.
    """
    from repro.inference.timed_passes import target_judged

    return target_judged(config, seed)


def decoders(
    decoded: Callable[..., Decoding], layouts: Sequence[str], *, static: bool, own: bool
) -> dict[str, Decoding]:
    """Every draft, sampled and greedy, with weights in the first layout; then the draft model with them in the others.

    Args:
        decoded: the configuration but for `draft`, `drawing`, the layout of the weights and `static`.
        static: for the drafts that can be.
        own: without 5-grams, since the text that the target was trained on is not at hand.
    """
    ways = {"temperature 1": Drawing(), "greedy": GREEDY}
    found = {
        f"{kind}, {name}": decoded(
            draft=kind, drawing=way, static=static and kind in (MODEL, SELF), **LAYOUTS[layouts[0]]
        )
        for kind in DRAFTS
        for name, way in ways.items()
        if not (own and kind == NGRAMS)
    }
    return found | {f"{MODEL}, weights in {one}": decoded(static=static, **LAYOUTS[one]) for one in layouts[1:]}


def assisted(
    pair: Pair | GivenPair, prompts: Prompts | GivenPrompts, length: int, device: str
) -> dict[str, Generating]:
    """What `generate` of transformers offers on the same weights: its defaults, four tokens at a time, a look-up."""
    asked = {"model, defaults": (0, False), "model": (4, False), "prompt lookup": (4, True)}
    return {
        f"transformers: {name}": Generating(pair, prompts, length, *kind, drawing=GREEDY, device=device)
        for name, kind in asked.items()
    }


def layout_of(config: PassCosts | Decoding) -> str:
    """The layout of the weights that a configuration asks for, as `lean` names it."""
    return next(name for name, one in LAYOUTS.items() if one.items() <= vars(config).items())


def worth_judging(found: Numbers) -> bool:
    """Whether a target has left the reach of small models, so that speed with it says something of large ones."""
    target, draft, ngrams, repeated = (float(found[name]) for name in JUDGED)  # type: ignore[arg-type]
    near = draft - target < BETTER_THAN_DRAFT or ngrams - target < BETTER_THAN_NGRAMS
    return not near and repeated < REPEATED


def predicted(acceptance: float, drafted: int, cost: float, verification: float = 1.0) -> float:
    """The speed-up (1-a^(g+1)) / ((1-a) (g c + v)); at v = 1 that of Leviathan et al. 2022, theorem 3.8."""
    return expected_tokens(acceptance, drafted) / (drafted * cost + verification)
